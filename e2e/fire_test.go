package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/nself-chat/hub/internal/postgrestest"
)

const (
	// takenForDead is after which silence the other hubs go on without one.
	takenForDead = 5 * time.Second
	// fireWebhooks is the number of webhooks that get every item but probes, which
	// slowWebhook does not get.
	fireWebhooks = 5
	slowWebhook  = "/0"
)

// backWithin is after which time from the end of a fault both hubs work again. A
// machine that has much else to do (HUB_TEST_BUSY is set) takes longer; the log of
// the test says how long it took.
func backWithin() time.Duration {
	if os.Getenv("HUB_TEST_BUSY") != "" {
		return 45 * time.Second
	}
	return 10 * time.Second
}

// front is two hubs on one Postgres, under load, to which things happen. The
// first hub reaches the database by itself, the second one through a proxy.
type front struct {
	t      *testing.T
	server *postgrestest.Server
	proxy  *postgrestest.Proxy
	hubs   [2]*process
	books  *ledger
	load   *load
	over   time.Time // the end of the last fault
}

// disaster is something that happens, and is over when it returns.
type disaster struct {
	name   string
	strike func(*front)
}

var disasters = []disaster{
	{"a hub is killed", func(f *front) {
		p := f.any()
		p.kill()
		f.start(p)
	}},
	{"Postgres crashes", func(f *front) { f.server.Restart(postgrestest.Immediate) }},
	{"a hub stands still for longer than it takes to be given up", func(f *front) { f.freeze(takenForDead + 3*time.Second) }},
	{"the network stands still for longer than that", func(f *front) { f.stall(takenForDead + 3*time.Second) }},
	{"a hub dies at a point", func(f *front) {
		points := []string{"commit.before", "commit.after", "send.before", "send.after", "outcome.applied"}
		p := f.any()
		p.stop() // as an operator does, under load
		p.launch(fmt.Sprintf("HUB_FAULT=%s:%d", points[rand.IntN(len(points))], 20+rand.IntN(50)))
		select {
		case <-p.exited:
		case <-time.After(takenForDead): // it serves no lane, so that it does not send
			p.kill()
		}
		f.start(p)
	}},
	{"the network breaks", func(f *front) { f.proxy.Cut() }},
	{"the database's address moves to another machine", func(f *front) { f.proxy.Strand() }},
	{"a hub stands still for a moment", func(f *front) { f.freeze(2 * time.Second) }},
	{"the network stands still for a moment", func(f *front) { f.stall(2 * time.Second) }},
	{"Postgres is away", func(f *front) {
		f.server.Stop(postgrestest.Fast)
		f.wait(takenForDead + 2*time.Second)
		f.server.Start()
	}},
	{"both hubs are killed while Postgres crashes", func(f *front) {
		f.server.Stop(postgrestest.Immediate)
		f.hubs[0].kill()
		f.hubs[1].kill()
		f.server.Start()
		f.start(f.hubs[0], f.hubs[1])
	}},
}

// TestTwoHubsUnderFire loads two hubs while one thing after the other happens to
// them, their database and the network between, and then compares what was
// acknowledged with what is there, what arrived, and what the log says of it.
// HUB_TEST_ROUNDS is their number, one of each kind unless it is set, and
// HUB_TEST_DISASTER a part of the names of the only ones to happen. HUB_TEST_BUSY
// gives them more time.
func TestTwoHubsUnderFire(t *testing.T) {
	all := slices.DeleteFunc(slices.Clone(disasters), func(d disaster) bool {
		return !strings.Contains(d.name, os.Getenv("HUB_TEST_DISASTER"))
	})
	rounds := len(all)
	if testing.Short() {
		rounds = min(3, rounds)
	}
	if n, err := strconv.Atoi(os.Getenv("HUB_TEST_ROUNDS")); err == nil {
		rounds = n
	}
	f := newFront(t)
	stop := f.fire()
	defer stop()
	f.back()
	for round := range rounds {
		d := all[round%len(all)]
		if round >= len(all) {
			d = all[rand.IntN(len(all))]
		}
		f.books.flaky.Store(round%4 == 3)
		f.over = time.Time{}
		d.strike(f)
		f.back()
		t.Logf("%s: back after %.1f s", d.name, time.Since(f.over).Seconds())
		if t.Failed() {
			break
		}
	}
	stop()
	f.books.flaky.Store(false)
	f.hubs[0].drained(time.Minute)
	settle(t, f.books, f.load, f.hubs[0].messages(f.hubs[0].general()), func(item string) int {
		if strings.HasPrefix(item, "probe") {
			return fireWebhooks - 1
		}
		return fireWebhooks
	})
	f.judge()
	f.hubs[0].verify()
	f.hubs[0].stop()
	f.hubs[1].stop()
	f.hubs[1].verify()
	t.Logf("%d acknowledged, %d unanswered, refused: %v", f.load.count(acknowledged), f.load.count(unanswered), f.load.answers)
}

func newFront(t *testing.T) *front {
	t.Helper()
	binary, err := binaries.fault()
	if err != nil {
		t.Fatal(err)
	}
	f := &front{t: t, server: postgrestest.Start(t), books: newLedger()}
	f.proxy = postgrestest.NewProxy(t, f.server.URL())
	f.books.pause = func(path string) time.Duration {
		if n := rand.IntN(50); n > 0 || path != slowWebhook {
			return time.Duration(n) * 200 * time.Microsecond
		}
		// Long enough for another hub to make the next attempt meanwhile.
		return time.Duration(rand.Int64N(int64(2 * takenForDead)))
	}
	receiver := httptest.NewServer(f.books)
	t.Cleanup(receiver.Close)

	first := newProcess(t)
	first.binary, first.addr = binary, steadyAddr(t)
	first.useDatabase(f.server.URL())
	first.env = append(first.env, "HUB_FILES="+filepath.Join(first.dir, "files"))
	first.start()
	second := first.beside(f.proxy.URL())
	second.addr = steadyAddr(t)
	second.start()
	f.hubs = [2]*process{first, second}
	for i := range fireWebhooks {
		path := fmt.Sprintf("/%d", i)
		events := []string{"ledger.*", "message.*"}
		if path != slowWebhook {
			events = append(events, "probe")
		}
		first.outgoing(map[string]any{
			"name": "to " + path, "url": receiver.URL + path, "events": events, "retryDelay": 100, "maxRetries": 20,
		})
	}
	f.load = newLoad(first.incoming(map[string]any{"name": "ledger", "targetChannelId": first.general()}).Token)
	return f
}

// fire loads each hub with 40 items a second from clients of its own, until the
// returned function is called.
func (f *front) fire() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	general := f.hubs[0].general()
	for _, p := range f.hubs {
		pace := rate.NewLimiter(40, 1)
		for range 4 {
			clients.Go(func() {
				for pace.Wait(ctx) == nil {
					if rand.IntN(4) == 0 {
						f.talk(p, general)
					} else {
						f.load.post(p)
					}
				}
			})
		}
	}
	return sync.OnceFunc(func() {
		cancel()
		clients.Wait()
		client.CloseIdleConnections()
	})
}

// talk posts a message and changes it: two items in a conversation.
func (f *front) talk(p *process, channelID string) {
	item := fmt.Sprintf("talk %d", f.load.next.Add(1))
	var m message
	body := func(text string) string { return fmt.Sprintf(`{"content":%q}`, text) }
	if !f.load.send(item, "POST", p.url+"/api/channels/"+channelID+"/messages", body(item), &m) {
		return
	}
	f.load.send(item+changed, "PATCH", p.url+"/api/messages/"+m.ID, body(item+changed), nil)
}

// changed ends the text of a message that was edited.
const changed = ", changed"

func (f *front) any() *process { return f.hubs[rand.IntN(len(f.hubs))] }

// start runs hubs that have ended. With that the fault is over.
func (f *front) start(hubs ...*process) {
	f.t.Helper()
	f.over = time.Now()
	for _, p := range hubs {
		p.launch()
	}
}

// wait lets time pass while something is the matter.
func (f *front) wait(d time.Duration) { <-time.After(d) }

// freeze stops a hub, as a machine that is moved to another host does.
func (f *front) freeze(d time.Duration) {
	p := f.any()
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	f.wait(d)
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
}

// stall holds back everything between the second hub and the database.
func (f *front) stall(d time.Duration) {
	f.proxy.Pause()
	f.wait(d)
	f.proxy.Resume()
}

// back expects that soon after a fault both hubs say that they are ready, and
// that what either takes arrives.
func (f *front) back() {
	f.t.Helper()
	if f.over.IsZero() {
		f.over = time.Now()
	}
	ctx, cancel := context.WithDeadline(context.Background(), f.over.Add(backWithin()))
	defer cancel()
	var all sync.WaitGroup
	for i, p := range f.hubs {
		all.Go(func() {
			if err := f.works(ctx, p); err != nil {
				f.t.Errorf("hub %d, %s after the fault: %v\n%s", i, time.Since(f.over).Round(time.Second), err, tail(p.log.String()))
			}
		})
	}
	all.Wait()
}

// works asks a hub until it is ready, gives it an item until it takes one, and
// waits until that has arrived.
func (f *front) works(ctx context.Context, p *process) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	try := func(try func(context.Context) error) error {
		for {
			once, cancel := context.WithTimeout(ctx, 2*time.Second)
			err := try(once)
			cancel()
			if err == nil {
				return nil
			}
			select {
			case <-ctx.Done():
				return err
			case <-again.C:
			}
		}
	}
	if err := try(func(ctx context.Context) error { return ask(ctx, p.url+"/readyz") }); err != nil {
		return err
	}
	item := ""
	err := try(func(ctx context.Context) error {
		item = fmt.Sprintf("probe %d", f.load.next.Add(1))
		body := fmt.Sprintf(`{"event":"probe","data":{"n":%q}}`, item)
		if !f.load.sendIn(ctx, item, "POST", p.url+"/api/events", body, nil) {
			return fmt.Errorf("%q was not taken", item)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for {
		arrived, grown := f.books.arrived(item, fireWebhooks-1)
		if arrived {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%q did not arrive everywhere", item)
		case <-grown:
		}
	}
}

// ask expects 200.
func ask(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}

// logged is an attempt as the hubs logged it.
type logged struct {
	Delivery string
	Number   int
	Began    time.Time
	Micros   int64
	Result   string
}

func (a logged) ended() time.Time { return a.Began.Add(time.Duration(a.Micros) * time.Microsecond) }

// judge holds the log of attempts against what the receiver saw.
func (f *front) judge() {
	t := f.t
	type key struct {
		delivery string
		attempt  int
	}
	log := make(map[key]logged)
	var last logged
	for _, a := range query[logged](t, connect(t, f.server.URL()), `SELECT delivery_id::text, number, started_at, duration_us, result
			FROM nchat_webhook_attempts ORDER BY delivery_id, number`) {
		log[key{a.Delivery, a.Number}] = a
		if a.Delivery == last.Delivery && a.Result != "unknown" && last.Result != "unknown" && a.Began.Before(last.ended()) {
			t.Errorf("attempts %d and %d of delivery %s overlap by %s in the log", last.Number, a.Number, a.Delivery, last.ended().Sub(a.Began))
		}
		if a.Delivery == last.Delivery && last.Result == "success" {
			t.Errorf("delivery %s was attempted again after it succeeded", a.Delivery)
		}
		last = a
	}

	seen := make(map[key]request)
	latest := make(map[string]request) // of a delivery: the one that ended last
	unknown, overlaps := 0, 0
	for _, r := range f.books.requests {
		k := key{r.delivery, r.attempt}
		if _, twice := seen[k]; twice {
			t.Errorf("attempt %d of delivery %s was made twice: two hubs held it", r.attempt, r.delivery)
		}
		seen[k] = r
		want := map[bool]string{true: "success", false: "http_500"}[r.status < 300]
		switch a, known := log[k]; {
		case !known:
			t.Errorf("attempt %d of delivery %s arrived and is not in the log", r.attempt, r.delivery)
		case a.Result == "unknown":
			unknown++
		case a.Result != want:
			t.Errorf("attempt %d of delivery %s was answered %d and is logged as %s", r.attempt, r.delivery, r.status, a.Result)
		}
		if before, ok := latest[r.delivery]; ok && r.began.Before(before.ended) {
			overlaps++
			first := min(r.attempt, before.attempt)
			if log[key{r.delivery, first}].Result != "unknown" {
				t.Errorf("attempts %d and %d of delivery %s overlapped, and the first is logged as %s",
					r.attempt, before.attempt, r.delivery, log[key{r.delivery, first}].Result)
			}
		}
		if before, ok := latest[r.delivery]; !ok || r.ended.After(before.ended) {
			latest[r.delivery] = r
		}
	}
	for k, a := range log {
		if _, arrived := seen[k]; !arrived && a.Result == "success" {
			t.Errorf("attempt %d of delivery %s is logged as a success, and never arrived", a.Number, a.Delivery)
		}
	}
	f.judgeOrder(func(r request) bool { return log[key{r.delivery, r.attempt}].Result == "success" })
	t.Logf("%d attempts, %d of unknown outcome arrived, %d overlapped", len(log), unknown, overlaps)
}

// judgeOrder expects that a change of a message was sent only after what the
// hubs hold for the delivery of the message.
func (f *front) judgeOrder(succeeded func(request) bool) {
	webhook := func(r request) string { return r.path }
	done := make(map[string]time.Time)
	for _, r := range f.books.requests {
		if succeeded(r) {
			done[webhook(r)+r.item] = r.ended
		}
	}
	n := 0
	for _, r := range f.books.requests {
		if first, ok := strings.CutSuffix(r.item, changed); ok {
			n++
			if at, ok := done[webhook(r)+first]; !ok || r.began.Before(at) {
				f.t.Errorf("%q was sent to %s before %q was delivered", r.item, r.path, first)
			}
		}
	}
	if n == 0 {
		f.t.Error("no message was changed: the order was not tested")
	}
}
