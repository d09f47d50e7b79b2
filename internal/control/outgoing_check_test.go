package control

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

func TestCheckHeaders(t *testing.T) {
	good := map[string]string{"Authorization": "Bearer x", "X-Team": "ops", "accept": "application/json", "X-Empty": ""}
	var errs hub.FieldErrors
	if names := checkHeaders(&errs, good); errs.Err() != nil || !slices.Equal(names, []string{"Authorization", "X-Empty", "X-Team", "accept"}) {
		t.Errorf("%v, %v", names, errs)
	}
	for _, bad := range []map[string]string{
		{"": "x"},
		{"a b": "x"},
		{"a:b": "x"},
		{"é": "x"},
		{strings.Repeat("x", 129): "x"},
		{"a\r\nb": "x"},
		{"Host": "x"},
		{"CONTENT-LENGTH": "1"},
		{"content-type": "x"},
		{"User-Agent": "x"},
		{"Connection": "close"},
		{"Transfer-Encoding": "chunked"},
		{"X-Webhook-Event": "x"},
		{"Webhook-Signature": "x"},
		{"X-Hub-Hop": "0"},
		{"X-Hub-Signature-256": "x"},
		{"Proxy-Authorization": "x"},
		{"X-A": "a\r\nX-B: c"},
		{"X-A": "\x00"},
		{"X-A": "é"},
		{"X-A": " led by a space"},
		{"X-A": strings.Repeat("x", maxHeaderValue+1)},
		{"X-Twice": "1", "x-twice": "2"},
	} {
		var errs hub.FieldErrors
		checkHeaders(&errs, bad)
		if errs.Err() == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	many := make(map[string]string)
	for i := range maxHeaders + 1 {
		many["X-"+strings.Repeat("a", i+1)] = "x"
	}
	errs = nil
	if checkHeaders(&errs, many); errs.Err() == nil {
		t.Error("too many headers were taken")
	}
}

func TestParseFilter(t *testing.T) {
	for text, good := range map[string]bool{
		`{"field":"a.b","equals":1}`:              true,
		`{"all":[{"field":"a","exists":true}]}`:   true,
		`{"not":{"field":"a","matches":"^x"}}`:    true,
		`{"field":"a"}`:                           false,
		`{"field":"a","equals":1,"contains":"x"}`: false,
		`{"field":"a","matches":"("}`:             false,
		`{"field":"a","like":"x"}`:                false,
		`[]`:                                      false,
		`"x"`:                                     false,
		`{"any":[` + strings.Repeat(`{"any":[`, 20) + `]`: false,
	} {
		var errs hub.FieldErrors
		f := parseFilter(&errs, Set(json.RawMessage(text)))
		if (errs.Err() == nil) != good || (f != nil) != good {
			t.Errorf("%s: %v, %v", text, f, errs)
		}
	}
	var errs hub.FieldErrors
	if parseFilter(&errs, Reset[json.RawMessage]()) != nil || errs.Err() != nil {
		t.Error("null is no filter")
	}
}

func TestCheckPolicy(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*hub.Policy)
		good   bool
	}{
		"default":        {func(*hub.Policy) {}, true},
		"least":          {func(p *hub.Policy) { p.Timeout, p.RetryDelay, p.MaxRetries = time.Second, 100*time.Millisecond, 0 }, true},
		"most":           {func(p *hub.Policy) { p.Timeout, p.RetryDelay, p.MaxRetries = 2*time.Minute, 24*time.Hour, 20 }, true},
		"days":           {func(p *hub.Policy) { p.Schedule = hub.ScheduleDays }, true},
		"no time":        {func(p *hub.Policy) { p.Timeout = 0 }, false},
		"negative":       {func(p *hub.Policy) { p.RetryDelay = -1 }, false},
		"too many":       {func(p *hub.Policy) { p.MaxRetries = 21 }, false},
		"no concurrency": {func(p *hub.Policy) { p.Concurrency = 0 }, false},
		"schedule":       {func(p *hub.Policy) { p.Schedule = "never" }, false},
		"ordering":       {func(p *hub.Policy) { p.Ordering = "" }, false},
		"signing":        {func(p *hub.Policy) { p.Signing = "rot13" }, false},
		"rate":           {func(p *hub.Policy) { p.RateLimit = maxRate + 1 }, false},
	} {
		p := hub.DefaultPolicy()
		c.change(&p)
		var errs hub.FieldErrors
		if checkPolicy(&errs, &p); (errs.Err() == nil) != c.good {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

// TestSetMillis: a number of milliseconds that does not fit a Duration is out
// of range and not something small.
func TestSetMillis(t *testing.T) {
	for _, ms := range []int64{1<<63 - 1, 1 << 62, 9_223_372_036_855, -1 << 63} {
		var d time.Duration
		if setMillis(Set(ms), &d, 0); d >= 0 && d <= maxRetryDelay {
			t.Errorf("%d ms became %s", ms, d)
		}
	}
	d := time.Second
	if setMillis(Change[int64]{}, &d, time.Hour); d != time.Second {
		t.Errorf("absent set %s", d)
	}
	if setMillis(Reset[int64](), &d, time.Hour); d != time.Hour {
		t.Errorf("null set %s", d)
	}
}

func TestChange(t *testing.T) {
	var v struct {
		Absent, Null, Set Change[int]
	}
	if err := json.Unmarshal([]byte(`{"Null": null, "Set": 7}`), &v); err != nil {
		t.Fatal(err)
	}
	got := []int{1, 1, 1}
	v.Absent.apply(&got[0], 5)
	v.Null.apply(&got[1], 5)
	v.Set.apply(&got[2], 5)
	if diff := cmp.Diff([]int{1, 5, 7}, got); diff != "" {
		t.Error(diff)
	}
	if v.Absent.or(5) != nil || *v.Null.or(5) != 5 || *v.Set.or(5) != 7 {
		t.Error("or")
	}
	if err := json.Unmarshal([]byte(`{"Set": "x"}`), &v); err == nil {
		t.Error("a text was taken for a number")
	}
}

func TestVersion(t *testing.T) {
	at := time.Date(2026, 2, 1, 12, 0, 0, 1000, time.UTC)
	in, late := Version(at), Version(at.Add(time.Microsecond))
	for ifMatch, good := range map[string]bool{
		"": true, "*": true, in: true, ETag(in, "abc"): true, late + ", " + ETag(in, "abc"): true, unquoted(in): true,
		late: false, ETag(late, "abc"): false, "x": false, `""`: false, "W/" + in: false, ",": false, strings.Repeat(" ", maxIfMatch) + in: false,
	} {
		err := matches(ifMatch, in)
		if (err == nil) != good || err != nil && hub.CodeOf(err) != hub.Conflict {
			t.Errorf("%q: %v", ifMatch, err)
		}
	}
}

func unquoted(version string) string { return strings.Trim(version, `"`) }

// TestVersionOfNothing: what does not exist is of no version.
func TestVersionOfNothing(t *testing.T) {
	for ifMatch, good := range map[string]bool{"": true, "*": false, `""`: false, `"x"`: false} {
		if err := matches(ifMatch, ""); (err == nil) != good {
			t.Errorf("%q: %v", ifMatch, err)
		}
	}
}

func TestCanonicalIP(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "192.0.2.77/24": "192.0.2.0/24", "::ffff:192.0.2.1": "192.0.2.1", "2001:DB8::1": "2001:db8::1",
		"::ffff:192.0.2.77/120": "192.0.2.0/24", "::ffff:0.0.0.0/96": "0.0.0.0/0", "192.0.2.1/32": "192.0.2.1", "::ffff:192.0.2.1/128": "192.0.2.1",
		"2001:db8::1/128": "2001:db8::1", "::/0": "::/0", "::ffff:0:0/95": "::fffe:0:0/95",
		"fe80::1%eth0": "", "300.1.1.1": "", "192.0.2.0/33": "", "": "", "example.com": "",
	} {
		got, ok := canonicalIP(text)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", text, got, ok)
		}
	}
}

func TestCheckIPs(t *testing.T) {
	var errs hub.FieldErrors
	got := checkIPs(&errs, []string{"198.51.100.7", "192.0.2.9/24", " ::ffff:198.51.100.7", "198.51.100.7/32", "192.0.2.0/24"})
	if diff := cmp.Diff([]string{"192.0.2.0/24", "198.51.100.7"}, got); diff != "" || errs.Err() != nil {
		t.Error(diff, errs)
	}
}
