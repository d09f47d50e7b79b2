package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	api "github.com/nself-chat/hub/client"
)

// ledger is a receiver that remembers everything it was ever sent.
type ledger struct {
	flaky atomic.Bool                     // answer a third of the requests with 500
	pause func(path string) time.Duration // before the answer; nil: none

	mu       sync.Mutex
	arrivals map[string]map[string]int // item → delivery id → times taken
	requests []request
	grown    chan struct{} // closed and replaced at every arrival
}

// request is an attempt as the receiver saw it.
type request struct {
	path, item, delivery string
	attempt              int
	began, ended         time.Time
	status               int // that it was answered with
}

func newLedger() *ledger {
	return &ledger{arrivals: make(map[string]map[string]int), grown: make(chan struct{})}
}

// ServeHTTP takes a delivery and notes the item it carries.
func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	got := request{path: r.URL.Path, began: time.Now(), status: http.StatusNoContent}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender was killed: nothing was taken
	}
	var e struct {
		ID   string
		Data struct {
			N       string
			Content string
		}
	}
	got.attempt, err = strconv.Atoi(r.Header.Get("X-Webhook-Attempt"))
	if err != nil || json.Unmarshal(body, &e) != nil || e.ID != r.Header.Get("Webhook-Id") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	got.item, got.delivery = cmp.Or(e.Data.N, e.Data.Content), e.ID
	if l.flaky.Load() && rand.IntN(3) == 0 {
		got.status = http.StatusInternalServerError
	}
	if l.pause != nil {
		<-time.After(l.pause(got.path))
	}
	got.ended = time.Now()
	l.take(got)
	w.WriteHeader(got.status)
}

func (l *ledger) take(r request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, r)
	if r.status > 299 {
		return
	}
	if l.arrivals[r.item] == nil {
		l.arrivals[r.item] = make(map[string]int)
	}
	l.arrivals[r.item][r.delivery]++
	close(l.grown)
	l.grown = make(chan struct{})
}

// arrived reports whether an item was taken under so many delivery ids, else
// returns a channel that is closed when there is more.
func (l *ledger) arrived(item string, webhooks int) (bool, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.arrivals[item]) >= webhooks, l.grown
}

// fate is what the sender of an item knows of it. An item of which there is no
// news may be stored, once and whole, or not at all.
type fate int

const (
	refused fate = iota // or never sent
	acknowledged
	unanswered
)

// load posts items until it is told to stop, and keeps books about the answers.
type load struct {
	token string // of the incoming webhook
	next  atomic.Int64
	acks  atomic.Int64

	mu      sync.Mutex
	fates   map[string]fate
	answers map[string]int // of those who refused, by their text
}

func newLoad(token string) *load {
	return &load{token: token, fates: make(map[string]fate), answers: make(map[string]int)}
}

// post sends one item: an event, or a message through the incoming webhook.
func (l *load) post(p *process) {
	n := l.next.Add(1)
	if n%3 == 0 {
		item := fmt.Sprintf("message %d", n)
		l.send(item, "POST", p.url+incomingPath(l.token), fmt.Sprintf(`{"content":%q}`, item), nil)
		return
	}
	item := fmt.Sprintf("event %d", n)
	l.send(item, "POST", p.url+"/api/events", fmt.Sprintf(`{"event":"ledger.item","data":{"n":%q}}`, item), nil)
}

// send makes the request that is to store an item, decodes its answer into out
// unless that is nil, and reports whether there was a good one.
func (l *load) send(item, method, url, body string, out any) bool {
	return l.sendIn(context.Background(), item, method, url, body, out)
}

func (l *load) sendIn(ctx context.Context, item, method, url, body string, out any) bool {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := client.Do(req)
	if err != nil {
		l.note(item, unanswered, "")
		return false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable && strings.Contains(string(text), "is not known"):
		l.note(item, unanswered, "")
	case resp.StatusCode > 299:
		l.note(item, refused, refusal(resp, text))
	case err != nil:
		l.note(item, unanswered, "")
	default:
		l.note(item, acknowledged, "")
		l.acks.Add(1)
		return out == nil || json.Unmarshal(text, out) == nil
	}
	return false
}

// refusal is what an answer says, but for what differs from one to the next.
func refusal(resp *http.Response, text []byte) string {
	var said struct{ Detail, Message, Error string }
	_ = json.Unmarshal(text, &said)
	return fmt.Sprintf("%d, Retry-After %q: %s", resp.StatusCode, resp.Header.Get("Retry-After"), said.Detail+said.Message+said.Error)
}

func (l *load) note(item string, f fate, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fates[item] = f
	if why != "" {
		l.answers[why]++
	}
}

// count returns how many items have a fate.
func (l *load) count(f fate) (n int) {
	for _, got := range l.fates {
		if got == f {
			n++
		}
	}
	return n
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
	l := newLoad(in.Token)
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
	const webhooks = 2
	settle(t, books, l, p.messages(p.general()), func(string) int { return webhooks })
	p.verify()
	p.stop()
	p.verify()
	t.Logf("%d rounds: %d acknowledged, %d unanswered, refused: %v", rounds, l.count(acknowledged), l.count(unanswered), l.answers)
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
				l.post(p)
				if !fault && l.acks.Load() >= target {
					once.Do(func() { _ = p.cmd.Process.Kill() })
				}
			}
		})
	}
	wg.Wait()
	client.CloseIdleConnections()
}

// settle compares the books, after a load that some requests of did not survive.
func settle(t *testing.T, books *ledger, l *load, messages map[string]int, webhooks func(item string) int) {
	t.Helper()
	compare(t, books, l, messages, webhooks)
	if l.count(acknowledged) == 0 || l.count(unanswered) == 0 {
		t.Errorf("%d acknowledged, %d unanswered: the test shows nothing", l.count(acknowledged), l.count(unanswered))
	}
}

// compare compares the books: what was sent, what is in the channel, and what
// arrived at so many webhooks.
func compare(t *testing.T, books *ledger, l *load, messages map[string]int, webhooks func(item string) int) {
	t.Helper()
	books.mu.Lock()
	defer books.mu.Unlock()
	for item, f := range l.fates {
		if got := len(books.arrivals[item]); f == acknowledged && got != webhooks(item) {
			t.Errorf("%q was acknowledged and made %d deliveries, want %d", item, got, webhooks(item))
		}
		posted := strings.HasPrefix(item, "message") || strings.HasPrefix(item, "talk")
		if n := messages[item] + messages[item+changed]; f == acknowledged && posted && n != 1 {
			t.Errorf("%q was acknowledged and is in the channel %d times", item, n)
		}
	}
	for item, ids := range books.arrivals {
		if l.fates[item] == refused {
			t.Errorf("%q arrived; it was never sent, or refused", item)
		}
		if len(ids) != webhooks(item) {
			t.Errorf("%q arrived under %d delivery ids, want %d", item, len(ids), webhooks(item))
		}
	}
	for item, n := range messages {
		whole := len(books.arrivals[item]) == webhooks(item)
		if n != 1 || !whole || l.fates[item] == refused {
			t.Errorf("%q is in the channel %d times, delivered whole: %v, fate %d", item, n, whole, l.fates[item])
		}
	}
}

// messages counts the contents of a channel's messages.
func (p *process) messages(channelID string) map[string]int {
	p.t.Helper()
	out := make(map[string]int)
	for m, err := range p.api().Messages(p.t.Context(), channelID, api.MessageQuery{}, api.WithPageSize(500)) {
		p.ok(err)
		out[m.Content]++
	}
	return out
}
