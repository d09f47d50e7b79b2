package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const (
	apiToken      = "hub_abcdefghij234567abcdefghij"
	signingSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	adminToken    = "my own admin token!"
)

func TestRedact(t *testing.T) {
	r := NewRedactor(New(adminToken), New("on"), String{}, New("prefix-1"), New("prefix-1-longer"))
	for _, c := range []struct{ in, want string }{
		{"token " + apiToken + " used", "token hub_******** used"},
		{"secret " + signingSecret, "secret whsec_********"},
		{"secret whsec_a%2Bb%2Fc%3D%3D.", "secret whsec_********."},
		{"POST /api/webhooks/incoming/abc123DEF?wait=true", "POST /api/webhooks/incoming/********?wait=true"},
		{"POST /api/v10/webhooks/incoming/abc/messages/7", "POST /api/v10/webhooks/incoming/********/messages/7"},
		{`{"url":"http://h/api/webhooks/incoming/abc/slack"}`, `{"url":"http://h/api/webhooks/incoming/********/slack"}`},
		{"next=%2Fapi%2Fwebhooks%2Fincoming%2Fabc%2Fslack", "next=%2Fapi%2Fwebhooks%2Fincoming%2F********%2Fslack"},
		{"POST http://h/hooks/aw462u7kabcdefghijklmnopqr?x", "POST http://h/hooks/********?x"},
		{"/hooks/any/aw462u7kabcdefghijklmnopqr/y", "/hooks/any/********/y"},
		{"%2Fservices%2FT%2FB%2Faw462u7kabcdefghijklmnopqr", "%2Fservices%2FT%2FB%2F********"},
		{"https://hooks.example.com/services/T1/B1/aw462u7kabcdefghijklmnopqr.", "https://hooks.example.com/services/T1/B1/********."},
		{"Authorization: Bearer abcdefghijklmnop.qrs", "Authorization: Bearer ********"},
		{"Authorization: Basic dXNlcjpwYXNzd29yZA==", "Authorization: Basic ********"},
		{"dial postgres://hub:hunter2@db:5432/hub", "dial postgres://hub:********@db:5432/hub"},
		{"GET /hook?channel=7&token=t0p-s3cret&x=1", "GET /hook?channel=7&token=********&x=1"},
		{"GET /login?code=abcdef HTTP/1.1", "GET /login?code=******** HTTP/1.1"},
		{"set to " + adminToken + ".", "set to " + Mask + "."},
		{"prefix-1-longer", Mask},
		// Must stay readable.
		{"hub_deliveries_total hub_delivery_attempt_seconds", "hub_deliveries_total hub_delivery_attempt_seconds"},
		{"bearer token is missing", "bearer token is missing"},
		{"/api/webhooks/github from 10.0.0.1", "/api/webhooks/github from 10.0.0.1"},
		{"http://127.0.0.1:8000/readyz at 12:00", "http://127.0.0.1:8000/readyz at 12:00"},
		{"mail a:b@example.com", "mail a:b@example.com"},
		{"on and on", "on and on"},
		{"", ""},
	} {
		if got := r.Redact(c.in); got != c.want {
			t.Errorf("Redact(%q)\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func TestRedactCut(t *testing.T) {
	r := NewRedactor(New("s3cr3t-0123456789"), New("s3cr3t-0-and-more"))
	for in, want := range map[string]string{
		"an echo of s3cr3t-01234":               "an echo of " + Mask,
		"an echo of s3cr3t-0":                   "an echo of " + Mask,
		"s3cr3t-0123456789 and s3cr3t-0-and-mo": Mask + " and " + Mask,
		"s3cr3t-0123456789":                     Mask,
		"s3cr":                                  Mask,
		"my s3c":                                "my s3c",
		"s3cr3t-01234 is in the middle":         "s3cr3t-01234 is in the middle",
		"":                                      "",
	} {
		if got := r.RedactCut(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := NewRedactor().RedactCut("text"); got != "text" {
		t.Errorf("got %q", got)
	}
}

// Whatever Token and SigningSecret make, the net catches.
func TestRedactCatchesOurTokens(t *testing.T) {
	r := NewRedactor()
	for range 200 {
		token, signing, hook := Token(APITokenPrefix, 16).Reveal(), SigningSecret().Reveal(), Token("", 16).Reveal()
		line := fmt.Sprintf("a=%s b=%q POST /api/webhooks/incoming/%s", token, signing, hook)
		clean := r.Redact(line)
		for _, credential := range []string{token[4:], signing[6:], hook} {
			if strings.Contains(clean, credential) {
				t.Fatalf("%q is left in %q", credential, clean)
			}
		}
	}
}

func TestRedactIsIdempotent(t *testing.T) {
	r := NewRedactor(New(adminToken))
	word := rapid.SampledFrom([]string{
		apiToken, signingSecret, adminToken, "/api/webhooks/incoming/", "abc", "://", "u:p@",
		"?token=", "&", "Bearer ", "/", " ", "%2f", "\"", "é", "\xff",
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(word, 0, 12).Draw(t, "words"), "")
		once := r.Redact(text)
		if twice := r.Redact(once); twice != once {
			t.Fatalf("%q became %q, then %q", text, once, twice)
		}
		if strings.Contains(once, apiToken) || strings.Contains(once, signingSecret) || strings.Contains(once, adminToken) {
			t.Fatalf("left in %q", once)
		}
	})
}

func FuzzRedact(f *testing.F) {
	for _, s := range []string{apiToken, "://a:b@c", "/webhooks/incoming/x", "?key=v", "\xff\xfe", "Bearer "} {
		f.Add(s)
	}
	r := NewRedactor(New(adminToken))
	f.Fuzz(func(t *testing.T, text string) {
		if clean := r.Redact(text + " " + apiToken + " "); strings.Contains(clean, apiToken) {
			t.Errorf("left in %q", clean)
		}
	})
}

type stringer struct{ text string }

func (s stringer) String() string { return s.text }

type valuer struct{ text string }

func (v valuer) LogValue() slog.Value { return slog.GroupValue(slog.String("inner", v.text)) }

type panicker struct{}

func (panicker) MarshalJSON() ([]byte, error) { panic("boom") }

func TestHandlerMasksEveryKindOfAttribute(t *testing.T) {
	redactor := NewRedactor(New(adminToken))
	handlers := map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	}
	for name, newHandler := range handlers {
		for _, credential := range []string{apiToken, signingSecret, adminToken} {
			var b bytes.Buffer
			log := slog.New(redactor.Handler(newHandler(&b)))
			text := "x " + credential
			log.With("attached", text).WithGroup("group").With("inside", text).Info(text,
				"string", text,
				"error", fmt.Errorf("wrapped: %w", errors.New(text)),
				"stringer", stringer{text},
				"valuer", valuer{text},
				"bytes", []byte(text),
				"raw", json.RawMessage(`"`+text+`"`),
				"struct", struct{ A string }{text},
				"pointer", &struct{ A *string }{&text},
				"map", map[string]any{"k": []string{text}},
				slog.Group("g", "deep", text, slog.Group("h", "deeper", text)),
				"panics", panicker{},
			)
			if strings.Contains(b.String(), credential) {
				t.Errorf("%s handler shows %s:\n%s", name, credential, b.String())
			}
			if got := strings.Count(b.String(), Mask); got < 12 {
				t.Errorf("%s handler masks %d values only:\n%s", name, got, b.String())
			}
		}
	}
}

func TestHandlerLeavesTheRestAlone(t *testing.T) {
	write := func(wrap func(slog.Handler) slog.Handler) string {
		var b bytes.Buffer
		log := slog.New(wrap(slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: noTime})))
		log.With("a", 1).WithGroup("g").Info("message", "n", 1, "f", 1.5, "d", time.Second, "b", true,
			"s", struct{ A int }{1}, "e", errors.New("plain"), "nil", nil)
		return b.String()
	}
	plain := write(func(h slog.Handler) slog.Handler { return h })
	if got := write(NewRedactor().Handler); got != plain {
		t.Errorf("got  %swant %s", got, plain)
	}
}

func noTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// A record may go to several handlers; the others must get it unchanged.
func TestHandlerDoesNotChangeTheRecord(t *testing.T) {
	record := slog.NewRecord(time.Unix(0, 0), slog.LevelInfo, apiToken, 0)
	record.AddAttrs(slog.String("k", apiToken))
	if err := NewRedactor().Handler(slog.DiscardHandler).Handle(context.Background(), record); err != nil {
		t.Fatal(err)
	}
	if record.Message != apiToken {
		t.Error("message changed")
	}
	record.Attrs(func(a slog.Attr) bool {
		if a.Value.String() != apiToken {
			t.Error("attribute changed")
		}
		return true
	})
}
