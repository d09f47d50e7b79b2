package app

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/nself-chat/hub/internal/secret"
)

var keyText = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))

// samples has three values for every setting, as written and as shown afterwards.
var samples = map[string][][2]string{
	"addr":                {{":8000", ":8000"}, {"[::1]:0", "[::1]:0"}, {"hub.example:80", "hub.example:80"}},
	"dataDir":             {{"/srv/a/", "/srv/a"}, {"./b", "b"}, {"c", "c"}},
	"baseUrl":             {{"https://a.io/", "https://a.io"}, {"http://b:80", "http://b:80"}, {"https://c/h", "https://c/h"}},
	"adminToken":          {{strings.Repeat("token-one", 3), secret.Mask}, {strings.Repeat("token-two", 3), secret.Mask}, {strings.Repeat("token-three", 3), secret.Mask}},
	"databaseUrl":         {{"sqlite:///srv/a.db", secret.Mask}, {"postgres://u:p@h/d", secret.Mask}, {"postgresql://h:1,i:2/d", secret.Mask}},
	"databaseSchema":      {{"chat", "chat"}, {"_hub2", "_hub2"}, {strings.Repeat("h", 41), strings.Repeat("h", 41)}},
	"secretKeys":          {{"a:" + keyText, secret.Mask}, {"b:" + keyText, secret.Mask}, {"c:" + keyText, secret.Mask}},
	"files":               {{"/srv/files", "/srv/files"}, {"b", "b"}, {"./c/", "c"}},
	"fileMax":             {{"10485760", "10MiB"}, {"10MB", "10MB"}, {"1gib", "1GiB"}},
	"incomingRateLimit":   {{"0", "0"}, {"61", "61"}, {"1000000", "1000000"}},
	"trustedProxies":      {{"10.1.2.3/8", "10.0.0.0/8"}, {"10.0.0.1, ::1", "10.0.0.1/32,::1/128"}, {"fd00::/8", "fd00::/8"}},
	"egressAllow":         {{"192.168.0.0/16", "192.168.0.0/16"}, {"127.0.0.1", "127.0.0.1/32"}, {"::1 ::2", "::1/128,::2/128"}},
	"allowHttp":           {{"1", "true"}, {"TRUE", "true"}, {"yes", "true"}},
	"concurrency":         {{"1", "1"}, {"20", "20"}, {"100", "100"}},
	"maxRetries":          {{"0", "0"}, {"5", "5"}, {"20", "20"}},
	"retryDelay":          {{"100", "100"}, {"2s", "2000"}, {"86400000", "86400000"}},
	"timeout":             {{"1000", "1000"}, {"1m30s", "90000"}, {"120000", "120000"}},
	"retentionDays":       {{"0", "0"}, {"7", "7"}, {"365", "365"}},
	"retentionFailedDays": {{"0", "0"}, {"7", "7"}, {"365", "365"}},
	"retentionBytes":      {{"0", "0"}, {"5 GiB", "5GiB"}, {"1500", "1500"}},
	"diskReserve":         {{"0", "0"}, {"1GB", "1GB"}, {"123", "123"}},
	"synchronous":         {{"normal", "normal"}, {"NORMAL", "normal"}, {"full", "full"}},
	"drainDelay":          {{"0", "0"}, {"5s", "5000"}, {"60000", "60000"}},
	"log":                 {{"debug", "debug"}, {"WARN", "warn"}, {"error", "error"}},
	"logFormat":           {{"text", "text"}, {"JSON", "json"}, {"auto", "auto"}},
	"debug":               {{"integrations:*", "integrations:*"}, {"a b", "a,b"}, {"-x,y", "y,-x"}},
	"pprofAddr":           {{"127.0.0.1:6060", "127.0.0.1:6060"}, {"localhost:6061", "localhost:6061"}, {":6062", ":6062"}},
	"scrubDeleted":        {{"on", "true"}, {"true", "true"}, {"Yes", "true"}},
}

// environment returns a lookup in the pairs, and in nothing else.
func environment(pairs map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := pairs[name]
		return value, ok
	}
}

func flagSet(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	RegisterFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags
}

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func setting(t *testing.T, c Config, key string) Setting {
	t.Helper()
	for _, s := range c.Describe() {
		if s.Key == key {
			return s
		}
	}
	t.Fatalf("no setting %s", key)
	return Setting{}
}

func TestPrecedence(t *testing.T) {
	for _, f := range fields {
		t.Run(f.Key, func(t *testing.T) {
			values, ok := samples[f.Key]
			if !ok || len(values) != 3 {
				t.Fatal("want three samples for this setting")
			}
			encoded, err := json.Marshal(values[0][0])
			if err != nil {
				t.Fatal(err)
			}
			file := writeFile(t, filepath.Join(t.TempDir(), "any.yaml"), f.Key+": "+string(encoded)+"\n")
			empty := writeFile(t, filepath.Join(t.TempDir(), "empty.yaml"), "# nothing\n")
			env := map[string]string{f.Env: values[1][0]}
			flag := "--" + f.Flag + "=" + values[2][0]
			for _, c := range []struct {
				name   string
				file   string
				env    map[string]string
				args   []string
				source Source
				shown  string
			}{
				{"nothing", empty, nil, nil, SourceDefault, ""},
				{"file", file, nil, nil, SourceFile, values[0][1]},
				{"env over file", file, env, nil, SourceEnv, values[1][1]},
				{"empty env is not set", file, map[string]string{f.Env: ""}, nil, SourceFile, values[0][1]},
				{"flag over both", file, env, []string{flag}, SourceFlag, values[2][1]},
				{"flag alone", empty, nil, []string{flag}, SourceFlag, values[2][1]},
			} {
				config, err := LoadConfig(flagSet(t, append(c.args, "--config", c.file)...), environment(c.env))
				if err != nil {
					t.Errorf("%s: %v", c.name, err)
					continue
				}
				got := setting(t, config, f.Key)
				if got.Source != c.source || c.source != SourceDefault && got.Value != c.shown {
					t.Errorf("%s: %q from %s, want %q from %s", c.name, got.Value, got.Source, c.shown, c.source)
				}
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	t.Chdir(t.TempDir())
	c, err := LoadConfig(nil, environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range c.Describe() {
		got[s.Key] = s.Value
	}
	want := map[string]string{
		"addr": "127.0.0.1:8000", "dataDir": "data", "baseUrl": "", "adminToken": "", "databaseUrl": "", "databaseSchema": "hub", "secretKeys": "",
		"files": "data/files", "fileMax": "25MiB", "incomingRateLimit": "60", "trustedProxies": "", "egressAllow": "",
		"allowHttp": "false", "concurrency": "10", "maxRetries": "3", "retryDelay": "5000", "timeout": "30000",
		"retentionDays": "30", "retentionFailedDays": "90", "retentionBytes": "10GB", "diskReserve": "256MiB",
		"synchronous": "full", "drainDelay": "0", "log": "info", "logFormat": "auto", "debug": "", "pprofAddr": "", "scrubDeleted": "false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if c.Database.Path != filepath.Join("data", "hub.db") || c.Files.Max != 26214400 || c.File != "" {
		t.Errorf("database %s, largest file %d, file %q", c.Database.Path, c.Files.Max, c.File)
	}
}

// What is shown, unless masked, is read again as the same: it can be copied into a file.
func TestShownValuesCanBeRead(t *testing.T) {
	for _, f := range fields {
		if f.Secret {
			continue
		}
		for _, sample := range append([][2]string{{f.Default, ""}}, samples[f.Key]...) {
			var first, second Config
			if err := f.set(&first, sample[0]); err != nil {
				t.Errorf("%s: %v", f.Key, err)
				continue
			}
			if err := f.set(&second, f.show(&first)); err != nil || f.show(&second) != f.show(&first) {
				t.Errorf("%s: %q is read as %q, %v", f.Key, f.show(&first), f.show(&second), err)
			}
		}
	}
}

func TestMalformedValues(t *testing.T) {
	const huge = "99999999999999999999"
	bad := map[string][]string{
		"addr":    {"8000", "localhost", "127.0.0.1:http", "127.0.0.1:65536", "a b:80", "http://x:80"},
		"dataDir": {"https://example.com/data"},
		"baseUrl": {
			"hub.example.com", "ftp://a", "https://", "https://user:hunter22@a", "https://a?x=1",
			"https://a/#x", "https://a?",
		},
		"adminToken": {strings.Repeat("with space", 3), strings.Repeat("tab\tin", 9), strings.Repeat("nön-ascii", 9), strings.Repeat("new\nline", 9), strings.Repeat("x", 23)},
		"databaseUrl": {
			"postgres://u:hunter22@db:x/hub", "PostgreSQL://db", "mysql://u:hunter22@db", "hub.db", "sqlite://",
			"sqlite://a?mode=memory", "sqlite://:memory:", "sqlite://dir/",
		},
		"databaseSchema":      {"Hub", "my-hub", "1hub", "public", "pg_hub", "hub;", strings.Repeat("h", 42)},
		"secretKeys":          {"plainpassword", "id:short", "a:" + keyText + ",a:" + keyText, "a:" + keyText + ",zzz"},
		"files":               {"s3://bucket"},
		"fileMax":             {"0", "-1", "10M", "1.5MB", "ten", huge, "9223372036854775807KiB", "MiB", "1_000"},
		"incomingRateLimit":   {"-1", "1000001", "60/min", "x", huge},
		"trustedProxies":      {"10.0.0.0/33", "proxy.local", "10.0.0.1,,x", "fe80::1%eth0"},
		"egressAllow":         {"all", "10.0.0.0/8;11.0.0.0/8"},
		"allowHttp":           {"2", "maybe"},
		"concurrency":         {"0", "101", "1.5", ""},
		"maxRetries":          {"-1", "21"},
		"retryDelay":          {"99", "-5", "5 seconds", "86400001", "1500us", "25h", huge},
		"timeout":             {"999", "120001", "11m", "x"},
		"retentionDays":       {"-1", "36501", "30d"},
		"retentionFailedDays": {"-1", "x"},
		"retentionBytes":      {"-1", "10G"},
		"diskReserve":         {"a lot", "1e9"},
		"synchronous":         {"off", "2", "full "[:4] + "y"},
		"drainDelay":          {"-1", "60001", "2m", "soon"},
		"log":                 {"trace", "5"},
		"logFormat":           {"xml"},
		"pprofAddr":           {"6060", "on"},
		"scrubDeleted":        {"2", "sometimes"},
	}
	for _, f := range fields {
		if _, ok := bad[f.Key]; !ok && f.Key != "debug" {
			t.Errorf("%s: no malformed values are tried", f.Key)
		}
		for i, value := range bad[f.Key] {
			t.Run(fmt.Sprintf("%s/%d", f.Key, i), func(t *testing.T) {
				encoded, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				file := writeFile(t, filepath.Join(t.TempDir(), "hub.yaml"), f.Key+": "+string(encoded)+"\n")
				// Flag first: an empty text is malformed only there.
				checkRefused(t, f, value, "flag --"+f.Flag, flagSet(t, "--"+f.Flag+"="+value), nil)
				if value == "" {
					return
				}
				checkRefused(t, f, value, "environment variable "+f.Env, nil, map[string]string{f.Env: value})
				checkRefused(t, f, value, "key "+f.Key+" in "+file, flagSet(t, "--config="+file), nil)
			})
		}
	}
}

func checkRefused(t *testing.T, f *field, value, place string, flags *pflag.FlagSet, env map[string]string) {
	t.Helper()
	_, err := LoadConfig(flags, environment(env))
	var configError *ConfigError
	if !errors.As(err, &configError) || len(configError.Problems) != 1 {
		t.Fatalf("%s: got %v", place, err)
	}
	got := configError.Problems[0]
	if got.Place != place {
		t.Errorf("blames %q, want %q", got.Place, place)
	}
	repeated := len(value) > 4 && strings.Contains(got.Detail, value) && !strings.Contains(f.accepts, value)
	if repeated || strings.Contains(err.Error(), "hunter22") {
		t.Errorf("%s: the message repeats the value: %s", place, err)
	}
	if len(got.Detail) < 15 {
		t.Errorf("%s: the message does not say what is accepted: %s", place, got.Detail)
	}
}

// A Postgres URL is the whole switch, and its password is never shown.
func TestPostgresURL(t *testing.T) {
	const url = "postgres://hub:hunter22@a:5432,b:5433/hub?target_session_attrs=read-write"
	c, err := LoadConfig(nil, environment(map[string]string{"HUB_DATABASE_URL": url, "HUB_DATABASE_SCHEMA": "chat"}))
	if err != nil || !c.Database.Postgres || c.Database.URL.Reveal() != url || c.Database.Schema != "chat" {
		t.Errorf("%t, schema %q, %v", c.Database.Postgres, c.Database.Schema, err)
	}
	if shown := fmt.Sprintf("%+v", c); strings.Contains(shown, "hunter22") {
		t.Errorf("shown in %s", shown)
	}
	c, err = LoadConfig(nil, environment(map[string]string{"HUB_DATABASE_URL": "sqlite://a.db"}))
	if err != nil || c.Database.Postgres || c.Database.Path != "a.db" {
		t.Errorf("%t, path %q, %v", c.Database.Postgres, c.Database.Path, err)
	}
}

func TestAllProblemsAreListed(t *testing.T) {
	file := writeFile(t, filepath.Join(t.TempDir(), "c.yaml"), "maxRetries: many\nnoSuchKey: 1\n")
	_, err := LoadConfig(flagSet(t, "--config", file, "--timeout", "soon"), environment(map[string]string{"HUB_ADDR": "x"}))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, place := range []string{"--timeout", "HUB_ADDR", "key maxRetries in " + file, `"noSuchKey"`} {
		if !strings.Contains(err.Error(), place) {
			t.Errorf("%s is not named in:\n%v", place, err)
		}
	}
}

func TestBooleanFlagNeedsNoValue(t *testing.T) {
	c, err := LoadConfig(flagSet(t, "--allow-http"), environment(nil))
	if err != nil || !c.Egress.AllowHTTP {
		t.Errorf("%t, %v", c.Egress.AllowHTTP, err)
	}
}

func TestOtherFlagSets(t *testing.T) {
	flags := pflag.NewFlagSet("other", pflag.ContinueOnError)
	flags.String("addr", "elsewhere", "another command's flag, not given")
	if c, err := LoadConfig(flags, environment(nil)); err != nil || c.Addr != "127.0.0.1:8000" {
		t.Errorf("%q, %v", c.Addr, err)
	}
}

func TestConfigFileIsFound(t *testing.T) {
	dir := t.TempDir()
	inData := writeFile(t, filepath.Join(dir, "hub.yaml"), "concurrency: 11\n")
	named := writeFile(t, filepath.Join(dir, "named.yaml"), "concurrency: 12\ndataDir: "+dir+"/elsewhere\n")
	other := writeFile(t, filepath.Join(dir, "other.yaml"), "concurrency: 13\n")
	for _, c := range []struct {
		name string
		args []string
		env  map[string]string
		file string
		want int
	}{
		{"data folder by flag", []string{"--data-dir", dir}, nil, inData, 11},
		{"data folder by environment", nil, map[string]string{"HUB_DATA_DIR": dir}, inData, 11},
		{"named by flag", []string{"--config", named, "--data-dir", dir}, nil, named, 12},
		{"named by environment", nil, map[string]string{"HUB_CONFIG": other, "HUB_DATA_DIR": dir}, other, 13},
		{"flag before environment", []string{"--config", named}, map[string]string{"HUB_CONFIG": other}, named, 12},
		{"no file", []string{"--data-dir", dir + "/none"}, nil, "", 10},
		{"no folder", []string{"--data-dir", other}, nil, "", 10},
	} {
		got, err := LoadConfig(flagSet(t, c.args...), environment(c.env))
		if err != nil || got.File != c.file || got.Queue.Concurrency != c.want {
			t.Errorf("%s: %q, %d, %v", c.name, got.File, got.Queue.Concurrency, err)
		}
	}
	for name, args := range map[string][]string{
		"named and missing": {"--config", dir + "/none.yaml"},
		"a folder":          {"--config", dir},
	} {
		if _, err := LoadConfig(flagSet(t, args...), environment(nil)); err == nil || !strings.Contains(err.Error(), "flag --config") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigFileForms(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "hub.yaml")
	load := func(text string) (Config, error) {
		writeFile(t, path, text)
		return LoadConfig(nil, environment(map[string]string{"HUB_DATA_DIR": dir}))
	}
	good := map[string]string{
		"":                                  "",
		"# only a comment\n":                "",
		"---\n":                             "",
		"egressAllow:\n":                    "", // no value is no key
		"egressAllow: 10.0.0.0/8":           "10.0.0.0/8",
		"egressAllow: [10.0.0.1,\n  '::1']": "10.0.0.1/32,::1/128",
		"egressAllow:\n  - 10.0.0.0/8\n  - 192.168.0.0/16\n": "10.0.0.0/8,192.168.0.0/16",
		"{egressAllow: 10.0.0.0/8}":                          "10.0.0.0/8",
	}
	for text, want := range good {
		c, err := load(text)
		if err != nil || setting(t, c, "egressAllow").Value != want {
			t.Errorf("%q: %q, %v", text, setting(t, c, "egressAllow").Value, err)
		}
	}
	for text, says := range map[string]string{
		"data_dir: /x":                       "did you mean dataDir?",
		"HUB_ADMIN_TOKEN: hunter22":          "did you mean adminToken?",
		"base-url: https://x":                "did you mean baseUrl?",
		"adress: :80":                        "known are addr, dataDir,",
		"addr: :80\naddr: :81":               "there already",
		"addr: {port: 80}":                   "a single value or a list",
		"addr: [[a]]":                        "a single value or a list",
		"addr: &a :80\nbaseUrl: *a":          "a single value or a list",
		"[addr]":                             "key: value",
		"hunter22":                           "key: value",
		"addr: :80\n---\naddr: :81":          "one document",
		"addr: ':80":                         "not valid YAML",
		"adminToken: *hunter22":              "not valid YAML",
		"a: b\n\tadminToken: hunter22":       "near line",
		"addr: :80\ndataDir: /elsewhere":     "cannot move it",
		"hunter22 is my password: x":         "(unreadable)",
		strings.Repeat("#", maxConfigFile+1): "longer than",
	} {
		_, err := load(text)
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "hub.yaml") {
			t.Errorf("%.40q: %v does not say %q", text, err, says)
			continue
		}
		if strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%.40q: the message repeats a value: %v", text, err)
		}
	}
}

func TestTableIsConsistent(t *testing.T) {
	seen := map[string]bool{}
	upper := regexp.MustCompile(`[A-Z]`)
	for _, f := range fields {
		snake := upper.ReplaceAllStringFunc(f.Key, func(s string) string { return "_" + strings.ToLower(s) })
		if want := "HUB_" + strings.ToUpper(snake); f.Env != want && f.Env != "DEBUG" {
			t.Errorf("%s: environment variable %s, want %s", f.Key, f.Env, want)
		}
		if want := strings.ReplaceAll(snake, "_", "-"); f.Flag != want {
			t.Errorf("%s: flag %s, want %s", f.Key, f.Flag, want)
		}
		for _, name := range []string{"key " + f.Key, "env " + f.Env, "flag " + f.Flag} {
			if seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
		}
		if !strings.HasSuffix(f.Doc, ".") || f.accepts == "" || f.kind == "" {
			t.Errorf("%s is not documented", f.Key)
		}
	}
	if len(samples) != len(fields) {
		t.Errorf("%d samples for %d settings", len(samples), len(fields))
	}
}

func TestNoSecretIsShown(t *testing.T) {
	const hidden = "hunter22hunter22hunter22"
	env := map[string]string{
		"HUB_ADMIN_TOKEN": hidden, "HUB_SECRET_KEYS": "k1:" + keyText, "HUB_DATABASE_URL": "sqlite:///srv/" + hidden + ".db",
	}
	c, err := LoadConfig(nil, environment(env))
	if err != nil {
		t.Fatal(err)
	}
	if c.AdminToken.Reveal() != hidden || c.SecretKeys.Reveal() != env["HUB_SECRET_KEYS"] ||
		c.Database.Path != "/srv/"+hidden+".db" {
		t.Error("a value is not what was set")
	}
	described, err := json.Marshal(c.Describe())
	if err != nil {
		t.Fatal(err)
	}
	c.Database.Path = "" // a path is no secret
	for _, out := range []string{fmt.Sprintf("%v", c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), string(described)} {
		if strings.Contains(out, hidden) || strings.Contains(out, keyText[:10]) {
			t.Errorf("shown in %s", out)
		}
	}
}

func TestMarkdown(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(ConfigMarkdown()), "\n")
	if len(lines) != len(fields)+2 {
		t.Fatalf("%d lines for %d settings", len(lines), len(fields))
	}
	unescaped := regexp.MustCompile(`(^|[^\\])\|`)
	for i, f := range fields {
		line := lines[i+2]
		if len(unescaped.FindAllString(line, -1)) != 7 || !strings.Contains(line, "`"+f.Env+"`") {
			t.Errorf("row of %s: %s", f.Key, line)
		}
	}
}

func TestHelpNamesEveryVariable(t *testing.T) {
	usage := flagSet(t).FlagUsages()
	for _, f := range fields {
		if !strings.Contains(usage, "--"+f.Flag+" ") || !strings.Contains(usage, "["+f.Env+"]") {
			t.Errorf("%s is not in the help text", f.Flag)
		}
	}
}

func TestPublicURL(t *testing.T) {
	for _, c := range []struct{ base, listening, want string }{
		{"https://hub.example.com", "127.0.0.1:8000", "https://hub.example.com"},
		{"", "127.0.0.1:41234", "http://127.0.0.1:41234"},
		{"", "[::]:8000", "http://localhost:8000"},
		{"", "0.0.0.0:8000", "http://localhost:8000"},
		{"", ":8000", "http://localhost:8000"},
		{"", "[::1]:8000", "http://[::1]:8000"},
	} {
		if got := (Config{BaseURL: c.base}).PublicURL(c.listening); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:8000": true, "127.9.9.9:1": true, "[::1]:80": true, "localhost:80": true, "[::ffff:127.0.0.1]:80": true,
		":8000": false, "0.0.0.0:80": false, "[::]:80": false, "10.0.0.1:80": false, "hub.example:80": false, "": false,
	} {
		if got := (Config{Addr: addr}).ListensOnLoopback(); got != want {
			t.Errorf("%q: %t", addr, got)
		}
	}
}

func TestKeysOfTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	fromFile, configured := Config{DataDir: dir}, Config{DataDir: dir, SecretKeys: secret.New("k1:" + keyText)}

	if _, err := fromFile.CheckKeys(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("checking made or found a file: %v", err)
	}
	if ids, err := configured.CheckKeys(); err != nil || len(ids) != 1 || ids[0] != "k1" {
		t.Errorf("%v, %v", ids, err)
	}
	if _, err := configured.OpenKeys(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(fromFile.KeysFile()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a keys file although keys are configured: %v", err)
	}
	made, err := fromFile.OpenKeys()
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := fromFile.CheckKeys(); err != nil || cmp.Diff(made.IDs(), ids) != "" {
		t.Errorf("%v, %v", ids, err)
	}
}

func FuzzConfigFile(f *testing.F) {
	f.Add("addr: :80\negressAllow: [10.0.0.0/8]\n")
	f.Add("a: &x [*x]")
	f.Add("? [a]\n: b")
	f.Add("addr: !!binary aGk=\n")
	f.Add("<<: {addr: :80}")
	f.Add("%YAML 1.1\n---\n")
	f.Fuzz(func(t *testing.T, text string) {
		l := loader{filePath: "hub.yaml"}
		l.parseFile([]byte(text))
		for key := range l.file {
			if !isKey(key) {
				t.Errorf("unknown key %q was taken", key)
			}
		}
	})
}
