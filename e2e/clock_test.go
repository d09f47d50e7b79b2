package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	api "github.com/nself-chat/hub/client"
)

// TestClocksDiffer: two hubs whose clocks are ten minutes apart do as one with a
// right clock does, because the database's decides.
func TestClocksDiffer(t *testing.T) {
	t.Parallel()
	binary, err := binaries.fault()
	if err != nil {
		t.Fatal(err)
	}
	early := postgres.newProcess(t, "HUB_FAULT_CLOCK=5m")
	early.binary = binary
	early.start()
	late := early.beside(early.database, "HUB_FAULT_CLOCK=-5m")
	late.start()
	c := &clocks{t: t, hubs: []*process{early, late}, receiver: newSink(t)}
	c.retries()
	c.order()
	c.times()
	c.idempotency()
	c.expiry()
	c.limits()
	for _, p := range c.hubs {
		if stats := p.drained(patience); stats.Failed != 0 {
			t.Errorf("deliveries failed: %+v", stats)
		}
		p.verify()
	}
}

// clocks are two hubs on one database, whose clocks differ.
type clocks struct {
	t        *testing.T
	hubs     []*process
	receiver *sink
}

// retries are made when they are due, whichever hub publishes, sends, and takes
// note of the failure.
func (c *clocks) retries() {
	t := c.t
	const lanes = 8 // so that each hub serves some
	path := func(lane int) string { return fmt.Sprintf("/retry/%d", lane) }
	for i := range lanes {
		c.receiver.script(path(i), func(n int, w http.ResponseWriter) {
			switch n % 3 {
			case 1:
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusServiceUnavailable)
			case 2:
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
		c.hubs[0].webhookTo(c.receiver, path(i), []string{"retry"}, map[string]any{"retryDelay": 400})
	}
	for round, p := range c.hubs {
		began := time.Now()
		p.publish("retry", round)
		for i := range lanes {
			got := c.receiver.await(path(i), 3*round+3)[3*round:]
			if gap := got[1].At.Sub(got[0].At); gap < time.Second {
				t.Errorf("lane %d: the second attempt came after %s, the receiver had asked for a second", i, gap)
			}
			if gap := got[2].At.Sub(got[1].At); gap < 800*time.Millisecond {
				t.Errorf("lane %d: the third attempt came after %s", i, gap)
			}
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("it took %s", took)
		}
	}
}

// order is kept while the hubs take turns: what was acknowledged first is sent
// first, be it by a millisecond.
func (c *clocks) order() {
	t := c.t
	const messages, changes = 20, 8
	answerNow := make(chan struct{})
	c.receiver.script("/order", func(n int, w http.ResponseWriter) {
		if n <= messages {
			<-answerNow // until all the rest waits behind
		}
		w.WriteHeader(http.StatusNoContent)
	})
	let := sync.OnceFunc(func() { close(answerNow) })
	defer let()
	c.hubs[0].webhookTo(c.receiver, "/order", []string{"message.*"}, map[string]any{"concurrency": messages})
	turns := c.hubs[0].channel("turns")
	c.hubs[1].knowsFrom(c.hubs[0], c.receiver)
	for range messages {
		m := c.hubs[0].say(turns, "0")
		for n := 1; n <= changes; n++ {
			c.hubs[n%2].edit(m.ID, strconv.Itoa(n))
		}
	}
	let()
	got := make(map[string]string)
	for _, a := range c.receiver.await("/order", messages*(1+changes)) {
		m := data[struct{ MessageID, Content string }](t, a)
		got[m.MessageID] += m.Content
	}
	for id, contents := range got {
		if contents != "012345678" {
			t.Errorf("the states of message %s arrived in the order %s", id, contents)
		}
	}
	if len(got) != messages {
		t.Errorf("%d messages arrived", len(got))
	}
}

// times are the right ones in all that the hubs store and send.
func (c *clocks) times() {
	t := c.t
	near := func(what string, at time.Time) {
		t.Helper()
		if off := time.Since(at).Abs(); off > time.Minute {
			t.Errorf("%s is off by %s", what, off)
		}
	}
	for i, p := range c.hubs {
		path := fmt.Sprintf("/times/%d", i)
		w := p.webhookTo(c.receiver, path, []string{fmt.Sprintf("times.%d", i)}, nil)
		near("a message", p.say(p.general(), "now").CreatedAt)
		p.publish(fmt.Sprintf("times.%d", i), 1)
		a := c.receiver.await(path, 1)[0]
		checkSigned(t, a, w.Secret) // looks at the timestamp, too
		near("a delivery's event", a.envelope(t).Timestamp)
		p.awaitStatuses(w.ID, "success", 1)
		d := p.delivery(a.Header.Get("Webhook-Id"))
		near("an attempt", d.Log[0].StartedAt)
		near("a delivery's end", d.FinishedAt)

		in := p.incoming(map[string]any{"name": path, "targetChannelId": p.general(), "hmacSecret": "shared with the sender"})
		const body = `{"content":"signed now"}`
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		header := anonymous()
		header.Set("Webhook-Id", "msg_"+path[1:])
		header.Set("Webhook-Timestamp", stamp)
		header.Set("Webhook-Signature", standardSignature("shared with the sender", "msg_"+path[1:], stamp, []byte(body)))
		if got, err := p.do("POST", incomingPath(in.Token), header, strings.NewReader(body)); err != nil || got.Status != http.StatusOK {
			t.Errorf("a call signed now: %v %d %s", err, got.Status, got.Body)
		}
	}
}

// idempotency: what one hub has carried out, another does not.
func (c *clocks) idempotency() {
	t := c.t
	for i, p := range c.hubs {
		other, key := c.hubs[1-i], fmt.Sprintf("key-%d", i)
		const body = `{"event":"once","data":1}`
		first := p.keyed("/api/events", key, body, true)
		again := other.keyed("/api/events", key, body, true)
		if first.Status > 299 || again.Status != first.Status || string(again.Body) != string(first.Body) {
			t.Errorf("first %d %s, again at the other hub %d %s", first.Status, first.Body, again.Status, again.Body)
		}
	}
}

// expiry comes at its time, at both hubs.
func (c *clocks) expiry() {
	t := c.t
	for i, p := range c.hubs {
		other := c.hubs[1-i]
		for _, life := range []time.Duration{2 * time.Minute, 2 * time.Second} {
			until := time.Now().Add(life)
			made := result(p.api().CreateToken(t.Context(), api.NewToken{Name: "short", Scope: "read", ExpiresAt: until})).must(p)
			in := p.incoming(map[string]any{"name": "short", "targetChannelId": p.general(), "expiresAt": until})
			if time.Until(until) < life/2 {
				t.Logf("it took too long to say whether it is valid at first")
				continue
			}
			for _, at := range []*process{p, other} {
				reads := func() int {
					reader := *at
					reader.token = made.Token
					_, err := api.Collect(reader.api().Channels(t.Context()))
					return statusOf(err)
				}
				calls := func() int { return at.curl(in.Token, `{"content":"in time"}`).Status }
				if life > time.Minute {
					if r, c := reads(), calls(); r != http.StatusOK || c != http.StatusOK {
						t.Errorf("before they expire the token is answered %d, the webhook %d", r, c)
					}
					continue
				}
				eventually(t, "the token's expiry", func() bool { return reads() == http.StatusUnauthorized })
				eventually(t, "the webhook's expiry", func() bool { return calls() == http.StatusNotFound })
				if time.Now().Before(until) {
					t.Errorf("they expired %s early", time.Until(until))
				}
			}
		}
		if a := other.page("/", p.signIn()); a.Status >= 400 {
			t.Errorf("a session that began at another hub: %d", a.Status)
		}
	}
}

// limits are over when a minute is.
func (c *clocks) limits() {
	t := c.t
	in := c.hubs[0].incoming(map[string]any{"name": "limited", "targetChannelId": c.hubs[0].general(), "rateLimit": 1})
	for _, p := range c.hubs {
		p.curl(in.Token, `{"content":"once"}`)
		a := p.curl(in.Token, `{"content":"twice"}`)
		reset, err := strconv.ParseInt(a.Header.Get("X-Ratelimit-Reset"), 10, 64)
		if left := time.Until(time.Unix(reset, 0)); err != nil || a.Status != http.StatusTooManyRequests || left < 0 || left > time.Minute+time.Second {
			t.Errorf("the limit ends in %s, says the answer %d: %v", left, a.Status, err)
		}
	}
	c.hubs[0].webhookTo(c.receiver, "/limited", []string{"limited"}, map[string]any{"rateLimit": 120})
	c.hubs[1].knowsFrom(c.hubs[0], c.receiver)
	for n := range 4 {
		c.hubs[n%2].publish("limited", n)
	}
	got := c.receiver.await("/limited", 4)
	if took := got[3].At.Sub(got[1].At); took < 800*time.Millisecond || took > 15*time.Second {
		t.Errorf("at 120 a minute two requests follow within %s", took)
	}
}
