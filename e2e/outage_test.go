package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	api "github.com/nself-chat/hub/client"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// answersWithin is how long a hub may hold a request while its database is away.
const answersWithin = 15 * time.Second

// outage is a hub whose database goes away and comes back.
type outage struct {
	t        *testing.T
	p        *process
	receiver *sink
	token    string // of an incoming webhook
	taken    map[string]bool
}

// TestDatabaseAway: while the database is away or read-only the hub lives, says
// why it is not ready, and refuses what it cannot store with the time to come
// back; when it is there again, so is the hub, by itself.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	p, receiver := newProcess(t), newSink(t)
	p.useDatabase(server.URL())
	p.start()
	p.webhookTo(receiver, "/all", []string{"outage"}, nil)
	in := p.incoming(map[string]any{"name": "outage", "targetChannelId": p.general()})
	o := &outage{t: t, p: p, receiver: receiver, token: in.Token, taken: make(map[string]bool)}
	o.take("before")

	server.Stop(postgrestest.Fast)
	o.isAway("down", "The database cannot be read.")
	server.Start()
	o.isBack("after it was down")

	server.Demote()
	o.isAway("read-only", "The database is a read-only standby.")
	if _, err := api.Collect(p.api().Channels(t.Context())); err != nil {
		t.Errorf("reading from a standby: %v", err)
	}
	server.Promote()
	o.isBack("after it was read-only")

	// An attempt whose outcome the outage swallowed is made again, under the same id.
	var said []string
	distinct := make(map[string]bool)
	for _, a := range receiver.arrived("/all") {
		id := a.Header.Get("Webhook-Id")
		distinct[id] = true
		said = append(said, id+" "+string(a.Body))
	}
	if len(distinct) != len(o.taken) {
		t.Errorf("%d events arrived, %d were taken: %v\n%s\n%s", len(distinct), len(o.taken), o.taken, strings.Join(said, "\n"), tail(p.log.String()))
	}
	p.verify()

	p.stop()
	server.Demote()
	if err := p.tryStart(); err == nil || !strings.Contains(p.log.String(), "name the primary in HUB_DATABASE_URL") {
		t.Errorf("on a standby the hub starts: %v\n%s", err, tail(p.log.String()))
	}
}

// take publishes an event and returns the answer to it.
func (o *outage) take(name string) answer {
	o.t.Helper()
	body := `{"event":"outage","data":"` + name + `"}`
	began := time.Now()
	a, err := o.p.do("POST", "/api/events", http.Header{"Content-Type": {"application/json"}}, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	if took := time.Since(began); took > answersWithin {
		o.t.Errorf("%s: the event was answered after %s", name, took)
	}
	if a.Status < 300 {
		o.taken[name] = true
	}
	return a
}

// isAway expects that the hub says what is wrong, and takes nothing.
func (o *outage) isAway(name, why string) {
	o.t.Helper()
	for what, a := range map[string]answer{
		"an event":         o.take(name),
		"an incoming call": o.p.curl(o.token, `{"content":"`+name+`"}`),
	} {
		if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || !strings.Contains(string(a.Body), "nothing was stored") {
			o.t.Errorf("%s: %s is answered %d, Retry-After %q, %s", name, what, a.Status, a.Header.Get("Retry-After"), a.Body)
		}
	}
	a := o.page("/readyz")
	var said struct {
		Failed []struct{ Check, Detail string }
	}
	err := json.Unmarshal(a.Body, &said)
	if err != nil || a.Status != http.StatusServiceUnavailable || len(said.Failed) == 0 ||
		said.Failed[0].Check != "database" || said.Failed[0].Detail != why {
		o.t.Errorf("%s: /readyz answers %d %s\n%s", name, a.Status, a.Body, tail(o.p.log.String()))
	}
	if a := o.page("/healthz"); a.Status != http.StatusOK {
		o.t.Errorf("%s: /healthz answers %d", name, a.Status)
	}
}

func (o *outage) page(path string) answer {
	o.t.Helper()
	a, err := o.p.do("GET", path, nil, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return a
}

// isBack expects that the hub works again soon.
func (o *outage) isBack(name string) {
	o.t.Helper()
	began := time.Now()
	eventually(o.t, "/readyz "+name, func() bool { return o.page("/readyz").Status == http.StatusOK })
	eventually(o.t, "an event taken "+name, func() bool { return o.take(name).Status < 300 })
	o.receiver.await("/all", len(o.taken))
	if took := time.Since(began); took > backWithin() {
		o.t.Errorf("%s the hub was back after %s", name, took)
	}
	if a := o.p.curl(o.token, `{"content":"`+name+`"}`); a.Status != http.StatusOK {
		o.t.Errorf("%s an incoming call is answered %d %s", name, a.Status, a.Body)
	}
}
