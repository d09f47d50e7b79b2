package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ledger is a receiver that remembers everything it was ever sent.
type ledger struct {
	mu       sync.Mutex
	arrivals map[string]map[string]int // item → delivery id → times taken
	grown    chan struct{}             // closed and replaced at every arrival
	flaky    atomic.Bool               // answer a third of the requests with 500
}

func newLedger() *ledger {
	return &ledger{arrivals: make(map[string]map[string]int), grown: make(chan struct{})}
}

// ServeHTTP takes a delivery and notes the item it carries.
func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender was killed: nothing was taken
	}
	if l.flaky.Load() && rand.IntN(3) == 0 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	var e struct {
		ID   string
		Data struct {
			N       string
			Content string
		}
	}
	if err := json.Unmarshal(body, &e); err != nil || e.ID != r.Header.Get("webhook-id") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	item := e.Data.N
	if item == "" {
		item = e.Data.Content
	}
	l.mu.Lock()
	if l.arrivals[item] == nil {
		l.arrivals[item] = make(map[string]int)
	}
	l.arrivals[item][e.ID]++
	close(l.grown)
	l.grown = make(chan struct{})
	l.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// load posts items until it is told to stop, and keeps books about the answers.
type load struct {
	p            *process
	token        string // of the incoming webhook
	mu           sync.Mutex
	acknowledged map[string]bool // answered 2xx
	unanswered   map[string]bool // the connection broke
	refused      map[string]string
	acks         atomic.Int64
	next         atomic.Int64
}

// post sends one item: an event, or a message through the incoming webhook.
func (l *load) post() {
	n := l.next.Add(1)
	var resp *http.Response
	var err error
	item := fmt.Sprintf("event %d", n)
	if n%3 == 0 {
		item = fmt.Sprintf("message %d", n)
		resp, err = client.Post(l.p.url+"/api/webhooks/incoming/"+l.token, "application/json",
			strings.NewReader(fmt.Sprintf(`{"content":%q}`, item)))
	} else {
		req, rerr := http.NewRequest("POST", l.p.url+"/api/events",
			strings.NewReader(fmt.Sprintf(`{"event":"ledger.item","data":{"n":%q}}`, item)))
		if rerr != nil {
			panic(rerr)
		}
		req.Header.Set("Authorization", "Bearer "+adminToken)
		resp, err = client.Do(req)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.unanswered[item] = true
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	switch {
	case resp.StatusCode > 299:
		l.refused[item] = resp.Status + " " + string(text)
	case err != nil:
		l.unanswered[item] = true
	default:
		l.acknowledged[item] = true
		l.acks.Add(1)
	}
}

// TestLedgerUnderFire loads a hub, kills it, starts it again, many times over,
// and then compares what was acknowledged with what is there and what arrived.
func TestLedgerUnderFire(t *testing.T) {
	rounds := 50
	if testing.Short() {
		rounds = 6
	}
	binary, err := binaries.fault()
	if err != nil {
		t.Fatal(err)
	}
	books := newLedger()
	receiver := httptest.NewServer(books)
	defer receiver.Close()
	p := newProcess(t)
	p.binary = binary
	p.start()
	for i := range 2 {
		p.outgoing(map[string]any{
			"name": fmt.Sprintf("ledger %d", i), "url": fmt.Sprintf("%s/%d", receiver.URL, i),
			"events": []string{"ledger.*", "message.created"}, "retryDelay": 100, "maxRetries": 20,
		})
	}
	in := p.incoming(map[string]any{"name": "ledger", "targetChannelId": p.general()})
	l := &load{p: p, token: in.Token, acknowledged: map[string]bool{}, unanswered: map[string]bool{}, refused: map[string]string{}}
	points := []string{"commit.before", "commit.after", "send.before", "send.after", "outcome.applied"}
	for round := range rounds {
		p.kill()
		books.flaky.Store(round%4 == 3)
		extra := ""
		if round%2 == 0 {
			extra = fmt.Sprintf("HUB_FAULT=%s:%d", points[round/2%len(points)], 20+rand.IntN(200))
		}
		// The fault may strike before the hub is ready: that is a round, too.
		if err := p.tryStart(extra); err != nil {
			continue
		}
		fire(t, l, p, extra != "", int64(50+rand.IntN(300)))
	}
	p.kill()
	books.flaky.Store(false)
	p.start()
	p.drained(time.Minute)
	settle(t, books, l, p)
	p.verify()
	p.stop()
	p.verify()
	t.Logf("%d rounds: %d acknowledged, %d unanswered, %d refused, %d arrived",
		rounds, len(l.acknowledged), len(l.unanswered), len(l.refused), len(books.arrivals))
}

// faultWithin is how long a loaded hub may take to reach a fault point.
const faultWithin = 30 * time.Second

// fire loads the hub from 8 clients until it is dead: by its fault point, or
// by SIGKILL after so many acknowledgements.
func fire(t *testing.T, l *load, p *process, fault bool, after int64) {
	t.Helper()
	target := l.acks.Load() + after
	overdue := time.AfterFunc(faultWithin, func() {
		t.Errorf("the fault point was not reached within %s under load: the hub does not get on with its work", faultWithin)
		_ = p.cmd.Process.Kill()
	})
	defer overdue.Stop()
	var wg sync.WaitGroup
	var once sync.Once
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-p.exited:
					return
				default:
				}
				l.post()
				if !fault && l.acks.Load() >= target {
					once.Do(func() { _ = p.cmd.Process.Kill() })
				}
			}
		})
	}
	wg.Wait()
	client.CloseIdleConnections()
}

// settle compares the books.
func settle(t *testing.T, books *ledger, l *load, p *process) {
	t.Helper()
	messages := p.messages(p.general())
	books.mu.Lock()
	defer books.mu.Unlock()
	const webhooks = 2
	for item := range l.acknowledged {
		if got := len(books.arrivals[item]); got != webhooks {
			t.Errorf("%q was acknowledged and made %d deliveries, want %d", item, got, webhooks)
		}
		if strings.HasPrefix(item, "message") && messages[item] != 1 {
			t.Errorf("%q was acknowledged and is in the channel %d times", item, messages[item])
		}
	}
	for item, ids := range books.arrivals {
		if !l.acknowledged[item] && !l.unanswered[item] {
			t.Errorf("%q arrived; it was never sent, or refused (%s)", item, l.refused[item])
		}
		if len(ids) != webhooks {
			t.Errorf("%q arrived under %d delivery ids, want %d", item, len(ids), webhooks)
		}
	}
	for item, n := range messages {
		whole := len(books.arrivals[item]) == webhooks
		if n != 1 || !whole || !l.acknowledged[item] && !l.unanswered[item] {
			t.Errorf("%q is in the channel %d times, delivered whole: %v", item, n, whole)
		}
	}
	if len(l.acknowledged) == 0 || len(l.unanswered) == 0 {
		t.Errorf("%d acknowledged, %d unanswered: the test shows nothing", len(l.acknowledged), len(l.unanswered))
	}
}

// messages counts the contents of a channel's messages that the load posted.
func (p *process) messages(channelID string) map[string]int {
	p.t.Helper()
	out := make(map[string]int)
	before := ""
	for {
		var got page[struct{ ID, Content string }]
		path := "/api/channels/" + channelID + "/messages?limit=500"
		if before != "" {
			path += "&before=" + before
		}
		p.must("GET", path, nil, &got)
		if len(got.Items) == 0 {
			return out
		}
		for _, m := range got.Items {
			if strings.HasPrefix(m.Content, "message ") {
				out[m.Content]++
			}
			before = m.ID
		}
	}
}
