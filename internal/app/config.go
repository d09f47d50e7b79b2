package app

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/nself-chat/hub/internal/secret"
)

// Config is the hub's configuration: read once at start by [LoadConfig], passed by value, never changed. The table in
// config_table.go says where each field comes from and what it means.
type Config struct {
	Addr       string // host:port to listen on; port 0 lets the system choose
	DataDir    string
	BaseURL    string // no slash at the end; empty when not set, see PublicURL
	AdminToken secret.String
	SecretKeys secret.String // list for secret.ParseKeys; empty when the keys file is used, see OpenKeys

	Database  DatabaseConfig
	Files     FilesConfig
	Incoming  IncomingConfig
	Egress    EgressConfig
	Queue     QueueConfig
	Retention RetentionConfig
	Log       LogConfig

	DrainDelay    time.Duration // from the signal to stop until the hub takes in nothing more
	DiskReserve   int64         // bytes kept free on the data disk: below it intake is refused; 0 is off
	PprofAddr     string        // host:port of the profiler; empty is off
	ScrubDeleted  bool          // deleting a message also removes its text from the event log
	File          string        // the hub.yaml that was read; empty when there was none
	sourceByField map[string]Source
}

// DatabaseConfig says where the data is.
type DatabaseConfig struct {
	URL         secret.String // as given; may hold a password
	Postgres    bool          // URL is of a Postgres database
	Schema      string        // of the hub's tables on Postgres
	Path        string        // the SQLite file
	Synchronous string        // "full" or "normal" (SQLite's PRAGMA synchronous)
}

// FilesConfig is about uploaded files.
type FilesConfig struct {
	Dir string
	Max int64 // bytes of one upload
}

// IncomingConfig is about what others send to the hub.
type IncomingConfig struct {
	RateLimit      int            // a minute, per token and client address; 0 is off
	TrustedProxies []netip.Prefix // whose X-Forwarded-For counts
}

// EgressConfig is about what the hub may call.
type EgressConfig struct {
	Allow     []netip.Prefix // private ranges that may be called
	AllowHTTP bool           // plain http:// to anywhere
}

// QueueConfig holds the delivery defaults of an outgoing webhook that has none of its own.
type QueueConfig struct {
	Concurrency int // requests in flight to one endpoint
	MaxRetries  int // after the first attempt
	RetryDelay  time.Duration
	Timeout     time.Duration // of one attempt as a whole
}

// RetentionConfig says how long finished work is kept; 0 is for ever.
type RetentionConfig struct {
	Finished time.Duration
	Failed   time.Duration
	Bytes    int64 // of stored payloads
}

// LogConfig is about the log.
type LogConfig struct {
	Level  slog.Level
	Format string // "auto", "text" or "json"
	Debug  Debug  // components whose debug lines are wanted whatever the level
}

// Source says where the value of a setting comes from, in order of precedence.
type Source string

// The sources.
const (
	SourceFlag    Source = "flag"
	SourceEnv     Source = "env"
	SourceFile    Source = "file"
	SourceDefault Source = "default"
)

// names of the two ways to point at a configuration file.
const (
	configFlag = "config"
	configEnv  = "HUB_CONFIG"
	configFile = "hub.yaml"
)

// RegisterFlags adds a flag for every setting, and --config, to a command. The values are read by [LoadConfig] alone,
// which knows what to say about a bad one and never repeats it.
func RegisterFlags(flags *pflag.FlagSet) {
	flags.String(configFlag, "", "configuration file (default: hub.yaml in the data folder, if there) ["+configEnv+"]")
	for _, f := range fields {
		flag := flags.VarPF(&flagText{kind: f.kind}, f.Flag, "", f.usage())
		if f.kind == kindBool {
			flag.NoOptDefVal = "true"
		}
	}
}

// flagText is a flag that takes any text: checking it waits for [LoadConfig].
type flagText struct{ text, kind string }

// String implements pflag.Value.
func (f *flagText) String() string { return f.text }

// Set implements pflag.Value.
func (f *flagText) Set(text string) error { f.text = text; return nil }

// Type implements pflag.Value: the word that stands for the value in the help text.
func (f *flagText) Type() string { return f.kind }

// LoadConfig reads the configuration: for each setting the flag, else the environment variable, else the key in
// hub.yaml, else the default. An empty environment variable counts as not set. The file is the one named by --config
// or HUB_CONFIG, or hub.yaml in the data folder if it exists. flags may be nil or lack some of the flags; lookupEnv is
// [os.LookupEnv] in production.
//
// Every value and every key of the file is checked before it returns: a [*ConfigError] lists all that is wrong, and
// shows no value.
func LoadConfig(flags *pflag.FlagSet, lookupEnv func(string) (string, bool)) (Config, error) {
	l := loader{flags: flags, lookupEnv: lookupEnv}
	c := Config{sourceByField: make(map[string]Source, len(fields))}
	c.File = l.openFile()
	for _, f := range fields {
		value := l.find(f)
		c.sourceByField[f.Key] = value.source
		if err := f.set(&c, value.text); err != nil {
			l.refuse(value.place, err)
		}
	}
	if len(l.problems) > 0 {
		return Config{}, &ConfigError{Problems: l.problems}
	}
	c.derive()
	return c, nil
}

// derive fills the defaults that depend on other settings.
func (c *Config) derive() {
	if c.Files.Dir == "" {
		c.Files.Dir = filepath.Join(c.DataDir, "files")
	}
	if c.Database.Path == "" {
		c.Database.Path = filepath.Join(c.DataDir, "hub.db")
	}
}

// loader collects what the three sources say, and what is wrong with it.
type loader struct {
	flags     *pflag.FlagSet
	lookupEnv func(string) (string, bool)
	file      map[string]string // key of a field → text, of the configuration file
	filePath  string
	problems  []ConfigProblem
}

// found is one value with the place it was found at, as that place is called in a message.
type found struct {
	text   string
	source Source
	place  string
}

func (l *loader) find(f *field) found {
	if text, set := l.flag(f.Flag); set {
		return found{text, SourceFlag, "flag --" + f.Flag}
	}
	if text, set := l.env(f.Env); set {
		return found{text, SourceEnv, "environment variable " + f.Env}
	}
	if text, set := l.file[f.Key]; set {
		return found{text, SourceFile, fmt.Sprintf("key %s in %s", f.Key, l.filePath)}
	}
	return found{f.Default, SourceDefault, "default of " + f.Env}
}

func (l *loader) flag(name string) (text string, set bool) {
	if l.flags == nil {
		return "", false
	}
	flag := l.flags.Lookup(name)
	if flag == nil || !flag.Changed {
		return "", false
	}
	return flag.Value.String(), true
}

func (l *loader) env(name string) (text string, set bool) {
	text, _ = l.lookupEnv(name)
	return text, text != ""
}

func (l *loader) refuse(place string, err error) {
	l.problems = append(l.problems, ConfigProblem{Place: place, Detail: err.Error()})
}

// ConfigError lists everything that is wrong with a configuration.
type ConfigError struct{ Problems []ConfigProblem }

// ConfigProblem is one thing that is wrong. Neither field holds a value that was configured.
type ConfigProblem struct {
	Place  string // "environment variable HUB_TIMEOUT", "key timeout in data/hub.yaml" …
	Detail string // what is accepted there
}

// Error implements error, with one line for each problem.
func (e *ConfigError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Place + ": " + p.Detail
	}
	if len(lines) == 1 {
		return "configuration: " + lines[0]
	}
	return "configuration:\n  " + strings.Join(lines, "\n  ")
}

// PublicURL returns the URL under which the hub is reached, without a slash at the end: the base URL, or one made of
// the address that the hub listens on (listening is that of the listener, which differs from Addr for port 0).
func (c Config) PublicURL(listening string) string {
	if c.BaseURL != "" {
		return c.BaseURL
	}
	host, port, err := net.SplitHostPort(listening)
	if err != nil {
		return "http://" + listening
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// ListensOnLoopback reports whether only this machine can reach the hub: then calls from the hub to this machine are
// allowed by default as well.
func (c Config) ListensOnLoopback() bool { return IsLoopback(c.Addr) }

// IsLoopback reports whether addr, host:port, names this machine's loopback interface.
func IsLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
