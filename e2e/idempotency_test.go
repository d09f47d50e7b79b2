package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	api "github.com/nself-chat/hub/client"
)

// keyed sends a request with an Idempotency-Key; token "" is the API's.
func (p *process) keyed(path, key, body string, withToken bool) answer {
	p.t.Helper()
	header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {key}}
	if !withToken {
		header.Set("Authorization", "")
	}
	a, err := p.do("POST", path, header, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// TestIdempotency repeats requests that make things: the same answer and no
// second thing; another body under the same key is refused.
func TestIdempotency(t *testing.T) { onBoth(t, testIdempotency) }

func testIdempotency(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	general := p.general()
	w := p.webhookTo(receiver, "/once", []string{"once"}, nil)
	in := p.incoming(map[string]any{"name": "once", "targetChannelId": general})
	for _, c := range []struct {
		path, body, other string
		withToken         bool
	}{
		{"/api/events", `{"event":"once","data":1}`, `{"event":"once","data":2}`, true},
		{"/api/channels/" + general + "/messages", `{"content":"a"}`, `{"content":"b"}`, true},
		{"/api/channels", `{"name":"once"}`, `{"name":"twice"}`, true},
		{
			"/api/outgoing-webhooks", `{"name":"x","url":"` + receiver.url("/x") + `","events":["never"]}`,
			`{"name":"y","url":"` + receiver.url("/y") + `","events":["never"]}`, true,
		},
		{"/api/incoming-webhooks", `{"name":"x","targetChannelId":"` + general + `"}`, `{"name":"y","targetChannelId":"` + general + `"}`, true},
		{"/api/tokens", `{"name":"x","scope":"read"}`, `{"name":"y","scope":"read"}`, true},
		{incomingPath(in.Token), `{"content":"c"}`, `{"content":"d"}`, false},
	} {
		first := p.keyed(c.path, "key-1", c.body, c.withToken)
		again := p.keyed(c.path, "key-1", c.body, c.withToken)
		if first.Status > 299 || again.Status != first.Status || identity(t, again.Body) != identity(t, first.Body) {
			t.Errorf("%s: first %d %s, again %d %s", c.path, first.Status, first.Body, again.Status, again.Body)
		}
		if other := p.keyed(c.path, "key-1", c.other, c.withToken); other.Status != http.StatusConflict {
			t.Errorf("%s with another body: %d %s", c.path, other.Status, other.Body)
		}
		p.kill() // what was promised outlives the process
		p.start()
		if late := p.keyed(c.path, "key-1", c.body, c.withToken); late.Status != first.Status || identity(t, late.Body) != identity(t, first.Body) {
			t.Errorf("%s after a restart: %d %s", c.path, late.Status, late.Body)
		}
		if c.withToken {
			// The next resource uses the key for another request: give it its own.
			p.token = p.newToken("admin")
		}
	}
	p.drained(patience)
	if n := len(p.newest(general)); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
	if n := len(p.deliveries(w.ID, "")); n != 1 {
		t.Errorf("%d deliveries, want 1", n)
	}
	p.stop()
	p.verify()
}

// newToken makes an API token of a scope.
func (p *process) newToken(scope string) string {
	p.t.Helper()
	return result(p.api().CreateToken(p.t.Context(), api.NewToken{Name: "made by a test", Scope: scope})).must(p).Token
}

// identity is what must be the same in the answers to one request: all but
// how long it took.
func identity(t *testing.T, body []byte) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	delete(fields, "duration")
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestIdempotencyAtOnce sends the same request many times at the same moment.
func TestIdempotencyAtOnce(t *testing.T) { onBoth(t, testIdempotencyAtOnce) }

func testIdempotencyAtOnce(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	w := p.webhookTo(receiver, "/once", []string{"once", "message.created"}, nil)
	in := p.incoming(map[string]any{"name": "once", "targetChannelId": p.general()})
	const clients = 16
	var wg sync.WaitGroup
	answers := make([]answer, 2*clients)
	for i := range clients {
		wg.Go(func() { answers[i] = p.keyed("/api/events", "k", `{"event":"once","data":1}`, true) })
		wg.Go(func() { answers[clients+i] = p.keyed(incomingPath(in.Token), "k", `{"content":"once"}`, false) })
	}
	wg.Wait()
	for i, a := range answers {
		if a.Status > 299 {
			t.Errorf("answer %d: %d %s", i, a.Status, a.Body)
		} else if first := answers[i/clients*clients]; identity(t, a.Body) != identity(t, first.Body) {
			t.Errorf("answer %d: %s, others %s", i, a.Body, first.Body)
		}
	}
	p.drained(patience)
	if n := len(p.deliveries(w.ID, "")); n != 2 {
		t.Errorf("%d deliveries, want 2", n)
	}
	p.stop()
	p.verify()
}
