package hub_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nself-chat/hub"
)

var noon = time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)

func response(status int, header ...string) *hub.Response {
	r := &hub.Response{Status: status, Header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func failure(kind string) *hub.Response { return &hub.Response{ErrorKind: kind} }

func TestNext(t *testing.T) {
	p := hub.DefaultPolicy()
	days := p
	days.Schedule = hub.ScheduleDays
	tests := map[string]struct {
		policy hub.Policy
		try    int
		resp   *hub.Response
		status hub.DeliveryStatus
		wait   time.Duration // until due
		lane   time.Duration // the lane's wait
		gone   bool
	}{
		"200":                            {p, 1, response(200), hub.DeliverySuccess, 0, 0, false},
		"204 on the last try":            {p, 4, response(204), hub.DeliverySuccess, 0, 0, false},
		"299":                            {p, 1, response(299), hub.DeliverySuccess, 0, 0, false},
		"301 is not followed":            {p, 1, response(301, "Location", "/x"), hub.DeliveryRetrying, 5 * time.Second, 0, false},
		"304":                            {p, 2, response(304), hub.DeliveryRetrying, 10 * time.Second, 0, false},
		"400 first":                      {p, 1, response(400), hub.DeliveryRetrying, 5 * time.Second, 0, false},
		"404 second":                     {p, 2, response(404), hub.DeliveryRetrying, 10 * time.Second, 0, false},
		"500 third":                      {p, 3, response(500), hub.DeliveryRetrying, 20 * time.Second, 0, false},
		"500 fourth and last":            {p, 4, response(500), hub.DeliveryFailed, 0, 0, false},
		"410":                            {p, 1, response(410), hub.DeliveryFailed, 0, 0, true},
		"429 without Retry-After":        {p, 1, response(429), hub.DeliveryRetrying, 5 * time.Second, 0, false},
		"429 with seconds":               {p, 1, response(429, "Retry-After", "120"), hub.DeliveryRetrying, 2 * time.Minute, 2 * time.Minute, false},
		"503 with a date":                {p, 2, response(503, "Retry-After", "Sun, 01 Feb 2026 12:01:00 GMT"), hub.DeliveryRetrying, time.Minute, time.Minute, false},
		"503 with a past date":           {p, 1, response(503, "Retry-After", "Sun, 01 Feb 2026 11:00:00 GMT"), hub.DeliveryRetrying, 5 * time.Second, 0, false},
		"503 last, still slows the lane": {p, 4, response(503, "Retry-After", "60"), hub.DeliveryFailed, 0, time.Minute, false},
		"500 ignores Retry-After":        {p, 1, response(500, "Retry-After", "120"), hub.DeliveryRetrying, 5 * time.Second, 0, false},
		"a week is cut to a day":         {p, 1, response(429, "Retry-After", "604800"), hub.DeliveryRetrying, 24 * time.Hour, 24 * time.Hour, false},
		"nonsense":                       {p, 1, response(429, "Retry-After", "soon"), hub.DeliveryRetrying, 5 * time.Second, 0, false},
		"negative":                       {p, 1, response(429, "Retry-After", "-5"), hub.DeliveryRetrying, 5 * time.Second, 0, false},
		"dns":                            {p, 1, failure("dns"), hub.DeliveryRetrying, 5 * time.Second, 0, false},
		"connect":                        {p, 3, failure("connect"), hub.DeliveryRetrying, 20 * time.Second, 0, false},
		"tls last":                       {p, 4, failure("tls"), hub.DeliveryFailed, 0, 0, false},
		"timeout":                        {p, 1, failure("timeout"), hub.DeliveryRetrying, 5 * time.Second, 0, false},
		"refused by the guard":           {p, 2, failure("refused"), hub.DeliveryRetrying, 10 * time.Second, 0, false},
		"days, first":                    {days, 1, response(500), hub.DeliveryRetrying, 5 * time.Second, 0, false},
		"days, second":                   {days, 2, response(500), hub.DeliveryRetrying, 5 * time.Minute, 0, false},
		"days, ninth":                    {days, 9, response(500), hub.DeliveryRetrying, 24 * time.Hour, 0, false},
		"days, tenth and last":           {days, 10, response(500), hub.DeliveryFailed, 0, 0, false},
		"503, sooner than its turn":      {days, 2, response(503, "Retry-After", "1"), hub.DeliveryRetrying, 5 * time.Minute, time.Second, false},
		"no retries":                     {hub.Policy{}, 1, response(500), hub.DeliveryFailed, 0, 0, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := hub.Next(tt.policy, tt.try, tt.resp, noon, 0)
			var wait, lane time.Duration
			if !d.DueAt.IsZero() {
				wait = d.DueAt.Sub(noon)
			}
			if !d.LaneUntil.IsZero() {
				lane = d.LaneUntil.Sub(noon)
			}
			if d.Status != tt.status || wait != tt.wait || lane != tt.lane || d.Gone != tt.gone {
				t.Errorf("got %s in %s, lane %s, gone %v; want %s in %s, lane %s, gone %v",
					d.Status, wait, lane, d.Gone, tt.status, tt.wait, tt.lane, tt.gone)
			}
			if d.Reason == "" {
				t.Error("no reason")
			}
		})
	}
}

func TestNextReasonReads(t *testing.T) {
	got := hub.Next(hub.DefaultPolicy(), 1, response(429, "Retry-After", "120"), noon, 0).Reason
	if want := "429, Retry-After 120 s → due 12:02:00"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}

// Every status class and every number of tries leads to exactly one of three
// states, and a retry is never earlier than the receiver asked.
func TestNextProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := hub.Policy{
			MaxRetries: rapid.IntRange(0, 20).Draw(t, "retries"),
			RetryDelay: time.Duration(rapid.Int64Range(1, int64(24*time.Hour)).Draw(t, "delay")),
		}
		if rapid.Bool().Draw(t, "days") {
			p.Schedule = hub.ScheduleDays
		}
		try := rapid.IntRange(1, 30).Draw(t, "try")
		asked := rapid.Int64Range(0, 200_000).Draw(t, "retry after")
		r := response(rapid.IntRange(100, 599).Draw(t, "status"), "Retry-After", strconv.FormatInt(asked, 10))
		d := hub.Next(p, try, r, noon, rapid.Float64Range(0, 0.999).Draw(t, "rnd"))
		switch d.Status {
		case hub.DeliverySuccess:
			if r.Status < 200 || r.Status > 299 {
				t.Fatalf("%d succeeded", r.Status)
			}
		case hub.DeliveryRetrying:
			if try > p.Retries() {
				t.Fatalf("try %d of %d is followed by another", try, p.Retries()+1)
			}
			wait := d.DueAt.Sub(noon)
			if wait <= 0 || wait > 26*time.Hour+25*time.Minute {
				t.Fatalf("due in %s", wait)
			}
			if (r.Status == 429 || r.Status == 503) && wait < min(time.Duration(asked)*time.Second, hub.MaxRetryAfter) {
				t.Fatalf("due in %s although %d s were asked for", wait, asked)
			}
			if wait < p.Delay(try, 0) {
				t.Fatalf("due in %s, sooner than the schedule says", wait)
			}
		case hub.DeliveryFailed:
			if r.Status != 410 && try <= p.Retries() {
				t.Fatalf("gave up at try %d of %d", try, p.Retries()+1)
			}
		default:
			t.Fatalf("state %q", d.Status)
		}
	})
}

func TestDelayJitter(t *testing.T) {
	p := hub.DefaultPolicy()
	for n, want := range map[int]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 3: 20 * time.Second} {
		if got := p.Delay(n, 0.99); got != want {
			t.Errorf("delay %d is %s, want exactly %s", n, got, want)
		}
	}
	if low, high := p.Delay(4, 0), p.Delay(4, 0.999); low != 40*time.Second || high <= 43*time.Second || high > 44*time.Second {
		t.Errorf("fourth delay from %s to %s, want 40 s to 44 s", low, high)
	}
	p.RetryDelay = 24 * time.Hour
	if got := p.Delay(1000, 0); got != 24*time.Hour {
		t.Errorf("delay 1000 is %s", got)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "120", "99999999999999999999", "-1", "Sun, 01 Feb 2026 12:01:00 GMT", "1.5", " 5", "Sun, 01 FeB 2700 0:00:00 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		wait := hub.RetryAfter(s, noon)
		if wait < 0 || wait > hub.MaxRetryAfter || wait%time.Second != 0 {
			t.Errorf("RetryAfter(%q) = %s", s, wait)
		}
		if strings.Trim(s, "0123456789") == "" && s != "" && strings.Trim(s, "0") != "" && wait == 0 {
			t.Errorf("RetryAfter(%q) = 0", s)
		}
	})
}

func decide(status hub.DeliveryStatus) hub.Decision { return hub.Decision{Status: status} }

func TestHealthBreaker(t *testing.T) {
	var h hub.Health
	var n hub.Notice
	now := noon
	for i := range hub.BreakerFailures - 1 {
		if h, n = h.After(decide(hub.DeliveryRetrying), false, now); h.Open || n != hub.NoticeNone {
			t.Fatalf("after %d failures: open %v, notice %q", i+1, h.Open, n)
		}
	}
	if h, n = h.After(decide(hub.DeliveryRetrying), false, now); !h.Open || n != hub.NoticeBreaker || h.WaitUntil.Sub(now) != 5*time.Second {
		t.Fatalf("the tenth failure: %+v, notice %q", h, n)
	}
	// What was in flight when it opened is no probe.
	if h, n = h.After(decide(hub.DeliveryRetrying), false, now); h.Probes != 0 || n != hub.NoticeNone {
		t.Fatalf("a straggler counted: %+v", h)
	}
	for i, want := range []time.Duration{10, 20, 40, 80, 160, 300, 300, 300} {
		now = h.WaitUntil
		h, _ = h.After(decide(hub.DeliveryRetrying), true, now)
		if got := h.WaitUntil.Sub(now); got != want*time.Second {
			t.Errorf("wait after probe %d: %s, want %d s", i+1, got, want)
		}
	}
	if h, _ = h.After(decide(hub.DeliverySuccess), true, now); !h.Healthy() {
		t.Errorf("after a success: %+v", h)
	}
}

func TestHealthNotices(t *testing.T) {
	h, n := hub.Health{}.After(decide(hub.DeliveryFailed), false, noon)
	if n != hub.NoticeDeadLetter {
		t.Errorf("first dead letter: %q", n)
	}
	if _, n = h.After(decide(hub.DeliveryFailed), false, noon); n != hub.NoticeNone {
		t.Errorf("second dead letter: %q, want it coalesced", n)
	}
	if _, n = (hub.Health{}).After(hub.Decision{Status: hub.DeliveryFailed, Gone: true}, false, noon); n != hub.NoticeGone {
		t.Errorf("410: %q", n)
	}
	h, _ = hub.Health{}.After(hub.Decision{Status: hub.DeliveryRetrying, LaneUntil: noon.Add(time.Hour)}, false, noon)
	if !h.WaitUntil.Equal(noon.Add(time.Hour)) {
		t.Errorf("Retry-After does not slow the lane: %+v", h)
	}
}

// TestHealthKeepsRetryAfter: the answers to requests that were on their way end
// no Retry-After, nor does a shorter one.
func TestHealthKeepsRetryAfter(t *testing.T) {
	asks := func(wait time.Duration) hub.Decision {
		return hub.Decision{Status: hub.DeliveryRetrying, LaneUntil: noon.Add(wait)}
	}
	h, _ := hub.Health{}.After(asks(2*time.Minute), false, noon)
	h, _ = h.After(asks(time.Minute), false, noon)
	for range hub.BreakerFailures {
		h, _ = h.After(decide(hub.DeliveryRetrying), false, noon)
	}
	want := hub.Health{WaitUntil: noon.Add(2 * time.Minute), AskedUntil: noon.Add(2 * time.Minute)}
	if h, _ = h.After(decide(hub.DeliverySuccess), false, noon.Add(time.Minute)); h != want {
		t.Errorf("a success while the Retry-After runs: %+v", h)
	}
	if h, _ = h.After(decide(hub.DeliverySuccess), false, noon.Add(2*time.Minute)); !h.Healthy() {
		t.Errorf("a success when it has passed: %+v", h)
	}
}

// TestHealthFirstDeadLetterOpensBreaker: when both happen at once, the notice is
// the breaker's and the health says the rest.
func TestHealthFirstDeadLetterOpensBreaker(t *testing.T) {
	h := hub.Health{Failures: hub.BreakerFailures - 1, FailingSince: noon}
	h, n := h.After(decide(hub.DeliveryFailed), false, noon)
	if n != hub.NoticeBreaker || !h.Open || !h.DeadLetter {
		t.Errorf("%+v, notice %q", h, n)
	}
}

// TestHealthDisablesQuietWebhooks: with one event every two days, of which every
// try fails, a webhook is disabled once the failing has gone on for five days.
func TestHealthDisablesQuietWebhooks(t *testing.T) {
	p := hub.DefaultPolicy()
	p.MaxRetries = 1
	var h hub.Health
	var n hub.Notice
	for day := 0; day <= 6; day += 2 {
		now := noon.AddDate(0, 0, day)
		for try := 1; try <= 2; try++ {
			if h, n = h.After(hub.Next(p, try, response(500), now, 0), h.Open, now); n == hub.NoticeFailing && (day < 6 || try < 2) {
				t.Fatalf("disabled on day %d with try %d", day, try)
			}
			now = now.Add(p.RetryDelay)
		}
	}
	if n != hub.NoticeFailing {
		t.Errorf("on the sixth day: %+v, notice %q", h, n)
	}
	// A success begins anew.
	h, _ = h.After(decide(hub.DeliverySuccess), true, noon.AddDate(0, 0, 7))
	if _, n = h.After(decide(hub.DeliveryFailed), false, noon.AddDate(0, 0, 8)); n != hub.NoticeDeadLetter {
		t.Errorf("after a success: %q", n)
	}
}

func TestHealthDisablesBusyWebhooks(t *testing.T) {
	var h hub.Health
	var n hub.Notice
	now := noon
	for ; now.Before(noon.Add(hub.DisableAfter)); now = now.Add(breakerWaits) {
		if h, n = h.After(decide(hub.DeliveryRetrying), true, now); n.Disabling() {
			t.Fatalf("disabled after %s", now.Sub(noon))
		}
	}
	if _, n = h.After(decide(hub.DeliveryRetrying), true, noon.Add(hub.DisableAfter)); n != hub.NoticeFailing {
		t.Errorf("after five days: %q", n)
	}
}

// breakerWaits is about the time between two probes.
const breakerWaits = 5 * time.Minute
