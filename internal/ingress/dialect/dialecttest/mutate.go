package dialecttest

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Mutate changes each recorded request in a thousand ways, as mutated does, and
// exercises the dialect with what comes out.
func Mutate(t *testing.T, d *dialect.Dialect, cases []Case) {
	t.Helper()
	ways := 1000
	if testing.Short() {
		ways = 50
	}
	for i := range cases {
		c := &cases[i]
		rnd := rand.New(rand.NewPCG(uint64(i), 1)) //nolint:gosec // the same every time
		for range ways {
			Exercise(t, d, c.Header, c.Query, mutated(rnd, c.Body))
		}
	}
}

// Exercise gives the dialect a request that may be anything. It is understood or
// refused with a Failure, never a panic, and no HTML of the sender's gets through.
func Exercise(t *testing.T, d *dialect.Dialect, header http.Header, query url.Values, body []byte) {
	t.Helper()
	r, err := dialect.Read(header, query, body)
	if err != nil {
		return
	}
	d.Detect(r)
	p, err := d.Parse(r)
	if err != nil {
		if _, ok := err.(*dialect.Failure); !ok { //nolint:errorlint // the contract says which type
			t.Fatalf("error %v of a kind that nobody expects, of\n%s", err, body)
		}
		return
	}
	doc := markup.Normal(p.Doc)
	_, _ = markup.PrintMarkdown(doc)
	if html, _ := markup.PrintHTML(doc); strings.Contains(html, "<script") {
		t.Fatalf("HTML of the sender's in the message, of\n%s", body)
	}
}

// odd are values that a sender would not send.
var odd = []string{
	`null`, `""`, `0`, `-1`, `1e400`, `true`, `[]`, `{}`, `[{}]`, `[[[]]]`, `"<script>alert(1)</script>"`, `"javascript:alert(1)"`,
	`"@everyone <!channel>"`, `"\ud800"`, `"\u0000"`, `99999999999999999999`, `{"a":{"b":[1]}}`, `"0001-01-01T00:00:00Z"`,
}

// mutated returns the body with one to three changes: other bytes, less or more of
// them, or other values.
func mutated(rnd *rand.Rand, body []byte) []byte {
	out := slices.Clone(body)
	for range 1 + rnd.IntN(3) {
		if len(out) == 0 {
			return out
		}
		at := rnd.IntN(len(out))
		switch rnd.IntN(6) {
		case 0:
			out[at] = byte(rnd.IntN(256))
		case 1:
			out = slices.Delete(out, at, min(len(out), at+1+rnd.IntN(20)))
		case 2:
			end := min(len(out), at+1+rnd.IntN(200))
			out = slices.Insert(out, at, out[at:end]...)
		default: // a value becomes another
			start, end := valueAt(out, at)
			out = slices.Replace(out, start, end, []byte(odd[rnd.IntN(len(odd))])...)
		}
	}
	return out
}

// valueAt finds the scalar behind the next colon.
func valueAt(b []byte, at int) (start, end int) {
	for start = at; start < len(b) && b[start] != ':'; start++ {
	}
	if start++; start >= len(b) {
		return len(b), len(b)
	}
	for start < len(b) && b[start] == ' ' {
		start++
	}
	end = start
	if end < len(b) && b[end] == '"' {
		for end++; end < len(b) && (b[end] != '"' || b[end-1] == '\\'); end++ {
		}
		return start, min(end+1, len(b))
	}
	for end < len(b) && !strings.ContainsRune(",]}\n", rune(b[end])) {
		end++
	}
	return start, end
}
