package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/nself-chat/hub/internal/secret"
)

// codec reads and shows one kind of value. Its error says what is accepted and never what was given: a credential may
// have been put into the wrong setting.
type codec struct {
	kind    string                      // one word, for the help text of the flag
	accepts string                      // completes "want …"
	set     func(*Config, string) error // an empty text is the absence of a value
	show    func(*Config) string        // what set would read again; a secret is shown masked
}

// Words for the kinds of values.
const (
	kindText     = "string"
	kindAddress  = "host:port"
	kindBool     = "bool"
	kindInt      = "int"
	kindSize     = "size"
	kindDuration = "duration"
	kindList     = "list"
)

// Short names that keep the table narrow.
type (
	secretString = secret.String
	prefixList   = []netip.Prefix
	duration     = time.Duration
	slogLevel    = slog.Level
)

// parsed makes a codec of a parser and a printer for a field of type T. The parser reports only whether it
// understood.
func parsed[T any](
	kind, accepts string, at func(*Config) *T, parse func(string) (T, bool), show func(T) string,
) codec {
	return codec{
		kind:    kind,
		accepts: accepts,
		set: func(c *Config, text string) error {
			value, ok := parse(strings.TrimSpace(text))
			if !ok {
				return errors.New("want " + accepts)
			}
			*at(c) = value
			return nil
		},
		show: func(c *Config) string { return show(*at(c)) },
	}
}

// optional makes an empty text mean the zero value.
func optional[T any](parse func(string) (T, bool)) func(string) (T, bool) {
	return func(text string) (T, bool) {
		if text == "" {
			var zero T
			return zero, true
		}
		return parse(text)
	}
}

func same(text string) string { return text }

const acceptsAddress = "host:port, such as 127.0.0.1:8000 or :8000"

func address(at func(*Config) *string) codec {
	return parsed(kindAddress, acceptsAddress, at, parseAddress, same)
}

func optionalAddress(at func(*Config) *string) codec {
	return parsed(kindAddress, acceptsAddress+", or nothing", at, optional(parseAddress), same)
}

func parseAddress(text string) (string, bool) {
	host, port, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(host, " /@") {
		return "", false
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", false
	}
	return text, true
}

func folder(at func(*Config) *string) codec {
	return parsed(kindText, "the path of a folder", at, parsePath, same)
}

func optionalFolder(at func(*Config) *string) codec {
	return parsed(kindText, "the path of a folder, or nothing", at, optional(parsePath), same)
}

func parsePath(text string) (string, bool) {
	if text == "" || strings.ContainsRune(text, 0) || strings.Contains(text, "://") {
		return "", false
	}
	path := filepath.Clean(text)
	return path, path == strings.TrimSpace(path) // "name /" ends in a space that would be lost when read again
}

func baseURL(at func(*Config) *string) codec {
	return parsed(kindText, "an http:// or https:// URL without user, query and fragment, such as https://hub.example.com",
		at, optional(parseBaseURL), same)
}

func parseBaseURL(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", false
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", false
	}
	return strings.TrimRight(u.String(), "/"), true
}

// minToken is the length of a token below which it may be guessed.
const minToken = 24

// token accepts what can be sent in an Authorization header (RFC 6750 §2.1 allows fewer characters still), or nothing.
func token(at func(*Config) *secretString) codec {
	parse := func(text string) (secretString, bool) {
		visible := !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
		return secret.New(text), visible && (text == "" || len(text) >= minToken)
	}
	accepts := fmt.Sprintf("at least %d visible ASCII characters without spaces, such as openssl rand -hex 32 makes", minToken)
	return parsed(kindText, accepts, at, parse, secret.String.String)
}

func keyList(at func(*Config) *secretString) codec {
	return codec{
		kind:    kindText,
		accepts: "id:base64 of 32 bytes, separated by commas",
		set: func(c *Config, text string) error {
			if text != "" {
				if _, err := secret.ParseKeys(text); err != nil {
					return err // names the place in the list, not its content
				}
			}
			*at(c) = secret.New(text)
			return nil
		},
		show: func(c *Config) string { return at(c).String() },
	}
}

// databaseURL keeps the URL, and takes the path of the embedded database out of
// it. What a Postgres URL may hold is the business of libpq.
func databaseURL() codec {
	const accepts = "sqlite:// and the path of a file, or postgres://user:password@host/database, or nothing"
	return codec{
		kind:    kindText,
		accepts: accepts,
		set: func(c *Config, text string) error {
			text = strings.TrimSpace(text)
			if strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://") {
				if _, err := url.Parse(text); err != nil {
					return errors.New("want " + accepts) // the error would quote the password
				}
				c.Database.URL, c.Database.Postgres = secret.New(text), true
				return nil
			}
			path, ok := parseSQLiteURL(text)
			if !ok {
				return errors.New("want " + accepts)
			}
			c.Database.URL, c.Database.Path, c.Database.Postgres = secret.New(text), path, false
			return nil
		},
		show: func(c *Config) string { return c.Database.URL.String() },
	}
}

// parseSQLiteURL takes the path as it stands, because operators write sqlite://data/hub.db as well as
// sqlite:///srv/hub.db. A database in memory would lose what the hub has acknowledged.
func parseSQLiteURL(text string) (path string, ok bool) {
	if text == "" {
		return "", true
	}
	path, found := strings.CutPrefix(text, "sqlite://")
	if !found || strings.ContainsAny(path, "?#\x00") || strings.Contains(path, ":memory:") || strings.HasSuffix(path, "/") {
		return "", false
	}
	return parsePath(path)
}

// schemaName takes what Postgres needs no quotes for.
func schemaName(at func(*Config) *string) codec {
	valid := regexp.MustCompile(`^[a-z_][a-z0-9_]{0,40}$`)
	const accepts = "small letters, digits and _, at most 41; not public, and nothing that begins with pg_"
	return codec{
		kind: kindText, accepts: accepts,
		set: func(c *Config, text string) error {
			if !valid.MatchString(text) || strings.HasPrefix(text, "pg_") || text == "public" {
				return errors.New("want " + accepts)
			}
			*at(c) = text
			return nil
		},
		show: func(c *Config) string { return *at(c) },
	}
}

func integer(least, most int, at func(*Config) *int) codec {
	parse := func(text string) (int, bool) {
		n, err := strconv.Atoi(text)
		return n, err == nil && n >= least && n <= most
	}
	return parsed(kindInt, fmt.Sprintf("a whole number from %d to %d", least, most), at, parse, strconv.Itoa)
}

func days(at func(*Config) *duration) codec {
	const most = 36500
	parse := func(text string) (duration, bool) {
		n, err := strconv.Atoi(text)
		return duration(n) * 24 * time.Hour, err == nil && n >= 0 && n <= most
	}
	show := func(d duration) string { return strconv.Itoa(int(d / (24 * time.Hour))) }
	return parsed(kindInt, fmt.Sprintf("a number of days from 0 to %d", most), at, parse, show)
}

// milliseconds takes a bare number as milliseconds, as nself-chat does, and durations with a unit. The bounds are in
// milliseconds.
func milliseconds(least, most int64, at func(*Config) *duration) codec {
	parse := func(text string) (duration, bool) {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return duration(n) * time.Millisecond, n >= least && n <= most
		}
		d, err := time.ParseDuration(text)
		inRange := d >= duration(least)*time.Millisecond && d <= duration(most)*time.Millisecond
		return d, err == nil && inRange && d%time.Millisecond == 0
	}
	show := func(d duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	accepts := fmt.Sprintf("milliseconds from %d to %d, or a duration such as 30s", least, most)
	return parsed(kindDuration, accepts, at, parse, show)
}

// sizeUnits are tried from the first: the longer suffixes stand before the ones they end with.
var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
}

func size(least int64, at func(*Config) *int64) codec {
	parse := func(text string) (int64, bool) {
		n, ok := parseSize(text)
		return n, ok && n >= least
	}
	accepts := "a number of bytes, or a size such as 10MiB (1024²) or 10MB (1000²)"
	return parsed(kindSize, accepts, at, parse, formatSize)
}

// parseSize reads whole numbers only and refuses "10M": half of the world's programs read it as the other unit.
func parseSize(text string) (int64, bool) {
	factor := int64(1)
	for _, unit := range sizeUnits {
		if len(text) > len(unit.suffix) && strings.EqualFold(text[len(text)-len(unit.suffix):], unit.suffix) {
			text, factor = strings.TrimSpace(text[:len(text)-len(unit.suffix)]), unit.bytes
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > (1<<63-1)/factor {
		return 0, false
	}
	return n * factor, true
}

// formatSize is exact: it takes the unit that leaves the shortest whole number.
func formatSize(n int64) string {
	best := strconv.FormatInt(n, 10)
	if n == 0 {
		return best
	}
	for _, unit := range sizeUnits {
		if text := strconv.FormatInt(n/unit.bytes, 10) + unit.suffix; n%unit.bytes == 0 && len(text) < len(best) {
			best = text
		}
	}
	return best
}

func prefixes(at func(*Config) *prefixList) codec {
	show := func(list prefixList) string {
		texts := make([]string, len(list))
		for i, p := range list {
			texts[i] = p.String()
		}
		return strings.Join(texts, ",")
	}
	return parsed(kindList, "networks such as 10.0.0.0/8, or addresses, separated by commas", at, parsePrefixes, show)
}

// parsePrefixes takes a lone address as a network of one.
func parsePrefixes(text string) (prefixList, bool) {
	var list prefixList
	for _, part := range splitList(text) {
		if ip, err := netip.ParseAddr(part); err == nil && ip.Zone() == "" {
			list = append(list, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(part)
		if err != nil {
			return nil, false
		}
		list = append(list, p.Masked())
	}
	return list, true
}

func splitList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

func boolean(at func(*Config) *bool) codec {
	parse := func(text string) (value, ok bool) {
		switch strings.ToLower(text) {
		case "1", "true", "yes", "on":
			return true, true
		case "0", "false", "no", "off":
			return false, true
		}
		return false, false
	}
	return parsed(kindBool, "true or false (also 1, 0, yes, no, on, off)", at, parse, strconv.FormatBool)
}

func choice(at func(*Config) *string, values ...string) codec {
	parse := func(text string) (string, bool) {
		text = strings.ToLower(text)
		return text, slices.Contains(values, text)
	}
	return parsed(kindText, "one of "+strings.Join(values, ", "), at, parse, same)
}

func level(at func(*Config) *slogLevel) codec {
	levels := map[string]slogLevel{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	parse := func(text string) (slogLevel, bool) {
		l, ok := levels[strings.ToLower(text)]
		return l, ok
	}
	show := func(l slogLevel) string { return strings.ToLower(l.String()) }
	return parsed(kindText, "one of debug, info, warn, error", at, parse, show)
}

// debug refuses nothing: DEBUG is set for many programs at once, and a word that is not for the hub switches nothing
// on here.
func debug(at func(*Config) *Debug) codec {
	parse := func(text string) (Debug, bool) { return ParseDebug(text), true }
	return parsed(kindList, "patterns separated by commas", at, parse, Debug.String)
}
