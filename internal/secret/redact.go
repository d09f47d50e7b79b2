package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// pattern recognises one kind of credential in running text. The mask stands for the last group; what the groups
// before it matched is kept, so that a reader still sees what kind of thing was there.
type pattern struct {
	// hint is a lower-case substring without which the expression cannot match: most lines hold none of them, and a
	// substring search costs far less than an expression.
	hint string
	expr *regexp.Regexp
}

var patterns = []pattern{
	// Our API tokens. Base32 has no underscore, which keeps metric names such as hub_deliveries_total readable.
	{"hub_", regexp.MustCompile(`(hub_)[A-Za-z0-9]{16,}`)},
	// Signing secrets of Standard Webhooks: base64, perhaps escaped for a URL.
	{"whsec_", regexp.MustCompile(`(whsec_)[A-Za-z0-9+/=_%-]{8,}`)},
	// The token of an incoming webhook is a segment of its URL.
	{"webhooks", regexp.MustCompile(`(?i)(webhooks(?:/|%2f)incoming(?:/|%2f))[^/?#&%\s"'\\<>` + "`" + `]+`)},
	// It also has addresses in the manner of others: /hooks/{token}, /services/{team}/{app}/{token}.
	{"hooks", addressOf("hooks")},
	{"services", addressOf("services")},
	// RFC 9110 §11.4 credentials. Shorter words after "bearer" are prose.
	{"bearer", regexp.MustCompile(`(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]{16,}`)},
	{"basic", regexp.MustCompile(`(?i)\b(basic\s+)[A-Za-z0-9+/=_-]{16,}`)},
	// A password in a URL (RFC 3986 §3.2.1), such as that of a database or a proxy.
	{"://", regexp.MustCompile(`(://[^/\s@:"'\\?#]*:)[^/\s@"'\\?#]+@`)},
	// Credentials in a query.
	{"=", regexp.MustCompile(`(?i)([?&](?:access_token|token|code|secret|key|password|sig|signature)=)[^&#\s"'\\]+`)},
}

// addressOf finds what Token makes in the path behind a name, at most two segments in between.
func addressOf(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)((?:/|%2f)` + name + `(?:(?:/|%2f)+[^/?#&%\s"'\\<>]+){0,2}(?:/|%2f)+)[a-z2-7]{26,}`)
}

// Redactor masks credentials in text: the ones it was told of, and what looks like a credential of the hub. It is the
// last net for logs; nothing should fall into it. A Redactor is immutable and safe for concurrent use.
type Redactor struct {
	known  *strings.Replacer // nil when it was told of none
	values []string          // what it was told of
}

// minKnownLength is the length from which a known secret is masked wherever it occurs. A shorter one would mask
// ordinary words.
const minKnownLength = 6

// NewRedactor returns a Redactor that also masks the known secrets of six bytes and more.
func NewRedactor(known ...String) *Redactor {
	var values []string
	for _, s := range known {
		if value := s.Reveal(); len(value) >= minKnownLength {
			values = append(values, value)
		}
	}
	if values == nil {
		return &Redactor{}
	}
	// The longest first: of two that begin alike, the shorter must not leave the rest of the longer one behind.
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(values))
	for _, value := range values {
		pairs = append(pairs, value, Mask)
	}
	return &Redactor{known: strings.NewReplacer(pairs...), values: values}
}

// Redact returns text with the credentials replaced by [Mask].
func (r *Redactor) Redact(text string) string {
	if r.known != nil {
		text = r.known.Replace(text)
	}
	lower := strings.ToLower(text)
	for _, p := range patterns {
		if !strings.Contains(lower, p.hint) {
			continue
		}
		replacement := "${1}" + Mask
		if p.hint == "://" {
			replacement += "@"
		}
		text = p.expr.ReplaceAllString(text, replacement)
	}
	return text
}

// minCutLength is the length from which the beginning of a known secret is masked at the end of a text.
const minCutLength = 4

// RedactCut is [Redactor.Redact] for text that was cut off: the end may be the beginning of a known secret.
func (r *Redactor) RedactCut(text string) string {
	longest := 0
	for _, value := range r.values {
		for n := min(len(value)-1, len(text)); n >= max(minCutLength, longest+1); n-- {
			if strings.HasSuffix(text, value[:n]) {
				longest = n
			}
		}
	}
	if longest == 0 {
		return r.Redact(text)
	}
	return r.Redact(text[:len(text)-longest]) + Mask
}

// Handler returns a handler that redacts the message and all attributes of a record and passes it on to next.
func (r *Redactor) Handler(next slog.Handler) slog.Handler {
	return &redactingHandler{redactor: r, next: next}
}

type redactingHandler struct {
	redactor *Redactor
	next     slog.Handler
}

// Enabled asks the next handler.
func (h *redactingHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle redacts a copy of the record: other handlers may hold the same one.
func (h *redactingHandler) Handle(ctx context.Context, record slog.Record) error {
	clean := slog.NewRecord(record.Time, record.Level, h.redactor.Redact(record.Message), record.PC)
	record.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.redactor.attr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

// WithAttrs redacts the attributes once, when they are attached.
func (h *redactingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &redactingHandler{redactor: h.redactor, next: h.next.WithAttrs(h.redactor.attrs(attrs))}
}

// WithGroup passes the group on.
func (h *redactingHandler) WithGroup(name string) slog.Handler {
	return &redactingHandler{redactor: h.redactor, next: h.next.WithGroup(name)}
}

func (r *Redactor) attrs(attrs []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = r.attr(a)
	}
	return clean
}

func (r *Redactor) attr(a slog.Attr) slog.Attr {
	a.Value = r.value(a.Value.Resolve())
	return a
}

func (r *Redactor) value(v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(r.Redact(v.String()))
	case slog.KindGroup:
		return slog.GroupValue(r.attrs(v.Group())...)
	case slog.KindAny:
		return r.any(v)
	default:
		return v // numbers, times and durations hold no credential
	}
}

// any leaves a value as it is, so that handlers keep formatting it their own way, unless one of the forms that a
// handler may write shows a credential: then the redacted text takes its place.
func (r *Redactor) any(v slog.Value) slog.Value {
	for _, text := range renderings(v.Any()) {
		if clean := r.Redact(text); clean != text {
			return slog.StringValue(clean)
		}
	}
	return v
}

// renderings returns the forms in which the handlers of log/slog, and those made after their example, write a value.
func renderings(v any) []string {
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Slice && rv.Type().Elem().Kind() == reflect.Uint8 {
		return []string{string(rv.Bytes())}
	}
	text := fmt.Sprintf("%+v", v)
	if _, isError := v.(error); isError {
		return []string{text}
	}
	encoded, err := encode(v)
	if err != nil {
		return []string{text} // a JSON handler writes the error instead of the value
	}
	return []string{text, encoded}
}

// encode is json.Marshal that survives a panicking MarshalJSON: a log line must not bring the process down.
func encode(v any) (text string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("secret: value cannot be encoded")
		}
	}()
	encoded, err := json.Marshal(v)
	return string(encoded), err
}
