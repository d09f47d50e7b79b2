package control

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/webhook"
)

// Limits of an outgoing webhook.
const (
	maxPatterns    = 50
	maxHeaders     = 20
	maxHeaderValue = 4096
	minSecret      = 8
	maxSecret      = 512
	minTimeout     = time.Second
	maxTimeout     = 2 * time.Minute
	maxRetries     = 20
	minRetryDelay  = 100 * time.Millisecond
	maxRetryDelay  = 24 * time.Hour
	maxConcurrency = 100
	maxRate        = 60_000 // a minute
)

func indexed(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// checkName checks a name that people read.
func checkName(errs *hub.FieldErrors, field, name string) {
	switch n := utf8.RuneCountInString(name); {
	case strings.TrimSpace(name) == "":
		errs.Add(field, "is required")
	case n > 100:
		errs.Add(field, "at most 100 characters")
	case strings.ContainsFunc(name, unicode.IsControl):
		errs.Add(field, "must not contain control characters")
	}
}

// checkExpiry checks when something is to expire; the zero time is never. The
// last instants of the year 9999 in a zone behind UTC are a year with five
// digits in UTC, which neither RFC 3339 nor the store can write.
func (s *Service) checkExpiry(errs *hub.FieldErrors, t time.Time) {
	switch {
	case t.IsZero():
	case t.UTC().Year() > 9999:
		errs.Add("expiresAt", "must be before the year 10000")
	case !t.After(s.Now()):
		errs.Add("expiresAt", "must be in the future")
	}
}

func checkPatterns(errs *hub.FieldErrors, patterns []string) {
	if len(patterns) == 0 {
		errs.Add("events", `needs at least one event name or pattern, such as "message.created", "message.*" or "*"`)
	}
	if len(patterns) > maxPatterns {
		errs.Add("events", "at most %d patterns", maxPatterns)
		return
	}
	for i, p := range patterns {
		if !hub.ValidEventPattern(p) {
			errs.Add(indexed("events", i), "must be an event name or pattern: letters, digits, '_', '-', '.' and '*'")
		}
	}
}

// checkSecret checks a secret that a caller brought. It is used for an HMAC,
// so its length is a lower bound of what must be guessed.
func checkSecret(errs *hub.FieldErrors, field string, c Change[string]) {
	if c.Null || c.Value == "" {
		return
	}
	if len(c.Value) < minSecret || len(c.Value) > maxSecret {
		errs.Add(field, "from %d to %d bytes", minSecret, maxSecret)
		return
	}
	if _, err := webhook.NewSigner(c.Value); err != nil {
		errs.Add(field, "what follows whsec_ must be base64; any other secret is taken as it is")
	}
}

func checkPolicy(errs *hub.FieldErrors, p *hub.Policy) {
	if p.Timeout < minTimeout || p.Timeout > maxTimeout {
		errs.Add("timeout", "from %d to %d milliseconds", minTimeout.Milliseconds(), maxTimeout.Milliseconds())
	}
	if p.RetryDelay < minRetryDelay || p.RetryDelay > maxRetryDelay {
		errs.Add("retryDelay", "from %d to %d milliseconds", minRetryDelay.Milliseconds(), maxRetryDelay.Milliseconds())
	}
	between(errs, "maxRetries", p.MaxRetries, 0, maxRetries)
	between(errs, "concurrency", p.Concurrency, 1, maxConcurrency)
	between(errs, "rateLimit", p.RateLimit, 0, maxRate)
	if p.Schedule != "" && p.Schedule != hub.ScheduleDays {
		errs.Add("retrySchedule", `must be "days" or left out`)
	}
	if p.Ordering != hub.OrderConversation && p.Ordering != hub.OrderNone {
		errs.Add("ordering", "must be conversation or unordered")
	}
	if !slices.Contains([]hub.Signing{hub.SigningHub, hub.SigningStandard, hub.SigningGitHub, hub.SigningSlack}, p.Signing) {
		errs.Add("signing", "must be nchat, standard, github or slack")
	}
}

func between(errs *hub.FieldErrors, field string, n, low, high int) {
	if n < low || n > high {
		errs.Add(field, "from %d to %d", low, high)
	}
}

// parseFilter decodes and compiles a filter; nil for null.
func parseFilter(errs *hub.FieldErrors, c Change[json.RawMessage]) *hub.Filter {
	if c.Null || len(c.Value) == 0 {
		return nil
	}
	if hasNUL(c.Value) {
		errs.Add("filter", "must not contain U+0000")
		return nil
	}
	f := &hub.Filter{}
	d := json.NewDecoder(bytes.NewReader(c.Value))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		errs.Add("filter", "must be a filter: all, any, not, or field with one operator")
		return nil
	}
	if err := f.Compile("filter"); err != nil {
		*errs = append(*errs, fieldsOf(err, "filter")...)
		return nil
	}
	return f
}

// ownHeaders are the names that the hub sets itself or that belong to the
// connection (RFC 9110 §7.6.1), in lower case.
var ownHeaders = []string{
	"host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "keep-alive",
	"proxy-connection", "te", "trailer", "upgrade", "user-agent", "expect", "accept-encoding", "traceparent", "tracestate",
	"x-slack-signature", "x-slack-request-timestamp", "x-github-event", "x-github-delivery",
}

var ownPrefixes = []string{"x-webhook-", "webhook-", "x-hub-", "proxy-"}

// checkHeaders checks custom headers and returns their names, sorted.
func checkHeaders(errs *hub.FieldErrors, headers map[string]string) []string {
	if len(headers) > maxHeaders {
		errs.Add("headers", "at most %d headers", maxHeaders)
		return nil
	}
	names := make([]string, 0, len(headers))
	seen := make(map[string]bool, len(headers))
	for name, value := range headers {
		lower := strings.ToLower(name)
		switch {
		case !validHeaderName(name):
			errs.Add("headers", "a name must be 1 to 128 characters that HTTP allows in a header's name")
		case seen[lower]:
			errs.Add("headers."+lower, "is there twice; the case of a header's name does not matter")
		case slices.Contains(ownHeaders, lower) || slices.ContainsFunc(ownPrefixes, func(p string) bool {
			return strings.HasPrefix(lower, p)
		}):
			errs.Add("headers."+lower, "is set by the hub itself")
		case !validHeaderValue(value):
			errs.Add("headers."+lower, "a value must be visible characters and spaces, at most %d bytes", maxHeaderValue)
		}
		seen[lower] = true
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// validHeaderName reports whether name is a token (RFC 9110 §5.6.2).
func validHeaderName(name string) bool {
	if name == "" || len(name) > 128 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// validHeaderValue reports whether value is a field value without obsolete
// bytes (RFC 9110 §5.5): visible ASCII, spaces and tabs, none at its ends.
func validHeaderValue(value string) bool {
	if len(value) > maxHeaderValue || strings.TrimSpace(value) != value {
		return false
	}
	for i := range len(value) {
		if c := value[i]; c != '\t' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}
