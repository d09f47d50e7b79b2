package ingress

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nself-chat/hub"
)

func limited(n int) func(*Options, *hub.IncomingWebhook) {
	return func(_ *Options, h *hub.IncomingWebhook) { h.RateLimit = n }
}

// rateHeaders joins the three headers as they are written.
func rateHeaders(rec *httptest.ResponseRecorder) string {
	h := rec.Header()
	one := func(name string) string { return strings.Join(h[name], ",") }
	return one("X-RateLimit-Limit") + " " + one("X-RateLimit-Remaining") + " " + one("X-RateLimit-Reset")
}

func TestRateLimit(t *testing.T) {
	w := newWorld(t, limited(3))
	w.advance(300 * time.Millisecond)
	reset := strconv.FormatInt(noon.Unix()+61, 10) // 60.3 s after noon, rounded up
	for i := range 3 {
		rec := w.do("POST", token, `{"text":"x"}`)
		if want := fmt.Sprintf("3 %d %s", 2-i, reset); rec.Code != 200 || rateHeaders(rec) != want {
			t.Errorf("call %d: %d, %s; want %s", i, rec.Code, rateHeaders(rec), want)
		}
	}
	w.advance(time.Second)
	for body, want := range map[string]string{
		`{"text":"x"}`:    `{"retry_after":59,"ok":false,"error":"rate_limited"}`,
		`{"content":"x"}`: `"code":"rate_limited"`,
	} {
		rec := w.do("POST", token, body)
		if rec.Code != http.StatusTooManyRequests || rec.Header().Get("Retry-After") != "59" || rateHeaders(rec) != "3 0 "+reset {
			t.Errorf("one too many: %d, Retry-After %s, %s", rec.Code, rec.Header().Get("Retry-After"), rateHeaders(rec))
		}
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("answer %s, want %s", rec.Body, want)
		}
	}
	r := httptest.NewRequest("POST", "/api/webhooks/incoming/"+token, strings.NewReader("x"))
	r.RemoteAddr = "198.51.100.1:5"
	if rec := w.serve(r); rec.Code != 200 {
		t.Errorf("another client answered %d", rec.Code)
	}
	w.advance(58*time.Second + 999*time.Millisecond)
	if rec := w.do("POST", token, "x"); rec.Code != 429 || rec.Header().Get("Retry-After") != "1" {
		t.Errorf("a moment before: %d, Retry-After %s", rec.Code, rec.Header().Get("Retry-After"))
	}
	w.advance(time.Millisecond)
	if rec := w.do("POST", token, "x"); rec.Code != 200 {
		t.Errorf("in the next minute: %d", rec.Code)
	}
}

func TestWhichLimitCounts(t *testing.T) {
	for name, test := range map[string]struct {
		hook, hub int
		want      string
	}{
		"the hub's": {0, 5, "5 4"}, "the webhook's": {7, 5, "7 6"}, "none for this webhook": {-1, 5, " "}, "none at all": {0, 0, " "},
		"the webhook's, none else": {7, 0, "7 6"},
	} {
		w := newWorld(t, func(o *Options, h *hub.IncomingWebhook) { o.RateLimit, h.RateLimit = test.hub, test.hook })
		rec := w.do("POST", token, "x")
		if got := rateHeaders(rec); rec.Code != 200 || !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %d, %q; want %q", name, rec.Code, got, test.want)
		}
	}
}

func TestStrangersAreLimited(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Options, *hub.IncomingWebhook)
		path   string
		status int
	}{
		"unknown token": {limited(-1), "nobody", 404},
		"no signature":  {func(_ *Options, h *hub.IncomingWebhook) { signed(h, "k"); h.RateLimit = -1 }, token, 401},
		"wrong address": {func(_ *Options, h *hub.IncomingWebhook) { h.AllowIPs = []string{"203.0.113.1"} }, token, 403},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.change)
			for i := range failureLimit + 1 {
				want := test.status
				if i == failureLimit {
					want = 429
				}
				if rec := w.do("POST", test.path, `{"text":"x"}`); rec.Code != want {
					t.Fatalf("call %d answered %d, want %d", i, rec.Code, want)
				}
			}
		})
	}
}

// TestGuessingDoesNotLockOut: who shares an address with somebody who guesses
// can still post.
func TestGuessingDoesNotLockOut(t *testing.T) {
	w := newWorld(t)
	for range failureLimit + 10 {
		w.do("POST", "nobody", "x")
	}
	if rec := w.do("POST", token, "x"); rec.Code != 200 {
		t.Errorf("answered %d", rec.Code)
	}
}

// TestLimitUnderConcurrency: of many calls at once exactly as many are taken
// as the limit says, for each of several clients.
func TestLimitUnderConcurrency(t *testing.T) {
	const limit, callers, clients = 50, 8, 3
	w := newWorld(t, limited(limit))
	for minute := range 3 {
		var taken [clients]atomic.Int64
		var wg sync.WaitGroup
		for client := range clients {
			for range callers {
				wg.Go(func() {
					for range limit {
						r := httptest.NewRequest("POST", "/api/webhooks/incoming/"+token, strings.NewReader("x"))
						r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", client)
						if w.serve(r).Code == 200 {
							taken[client].Add(1)
						}
					}
				})
			}
		}
		wg.Wait()
		for client := range clients {
			if n := taken[client].Load(); n != limit {
				t.Errorf("minute %d: %d calls of client %d were taken, want %d", minute, n, client, limit)
			}
		}
		w.advance(limitWindow)
	}
}

// TestLimiterNeverExceeds: in no minute that began with a client's call are
// more calls taken than the limit, however the clock moves.
func TestLimiterNeverExceeds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLimiter()
		limit := rapid.IntRange(1, 5).Draw(t, "limit")
		now := noon
		var begin time.Time
		used := 0
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.IntRange(-5, 40).Draw(t, "seconds")) * time.Second)
			a := l.take(limitKey{"h", netip.Addr{}}, limit, now)
			if begin.IsZero() || !now.Before(begin.Add(limitWindow)) || now.Before(begin) {
				begin, used = now, 0
			}
			if !a.refused {
				used++
			}
			if used > limit {
				t.Fatalf("%d calls taken of %d", used, limit)
			}
			if want := limit - used; a.remaining != want || !a.ends.Equal(begin.Add(limitWindow)) {
				t.Fatalf("%d remain until %v, want %d until %v", a.remaining, a.ends, want, begin.Add(limitWindow))
			}
			if a.refused && used < limit {
				t.Fatalf("refused after %d of %d", used, limit)
			}
		}
	})
}

func TestLimiterIsBounded(t *testing.T) {
	l := newLimiter()
	ip := netip.MustParseAddr("10.0.0.0")
	for range 3 * limitShards * maxWindows {
		l.take(limitKey{"h", ip}, 1, noon)
		ip = ip.Next()
	}
	for i := range l.shards {
		if n := len(l.shards[i].windows); n > maxWindows {
			t.Errorf("shard %d holds %d windows", i, n)
		}
	}
	l.take(limitKey{"h", ip.Next()}, 1, noon.Add(time.Hour))
	kept := 0
	for i := range l.shards {
		kept += len(l.shards[i].windows)
	}
	if kept > (limitShards-1)*maxWindows+1 {
		t.Errorf("%d windows are kept, none of a shard was dropped when they were over", kept)
	}
}

func TestClientsOfOneNetwork(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
	} {
		if same := clientOf(netip.MustParseAddr(test.a)) == clientOf(netip.MustParseAddr(test.b)); same != test.same {
			t.Errorf("%s and %s count together: %v", test.a, test.b, same)
		}
	}
}
