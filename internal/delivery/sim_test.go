package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/delivery"
	"github.com/nself-chat/hub/internal/secret"
	"github.com/nself-chat/hub/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plain opens nothing: the tests' secrets are not sealed.
type plain struct{}

func (plain) Open(sealed, _ string) (secret.String, error) { return secret.New(sealed), nil }

// behaviour is how a simulated receiver answers.
type behaviour func(r *rand.Rand, attempt int) (hub.Response, time.Duration)

func status(code int, header ...string) hub.Response {
	r := hub.Response{Status: code, Header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

var behaviours = map[string]behaviour{
	"well": func(r *rand.Rand, _ int) (hub.Response, time.Duration) {
		return status(204), time.Duration(r.IntN(20)) * time.Millisecond
	},
	"slow": func(r *rand.Rand, _ int) (hub.Response, time.Duration) {
		return status(200), time.Duration(1+r.IntN(20)) * time.Second
	},
	"hanging": func(*rand.Rand, int) (hub.Response, time.Duration) {
		return hub.Response{ErrorKind: "timeout", Error: "no answer"}, 30 * time.Second
	},
	"dead": func(*rand.Rand, int) (hub.Response, time.Duration) {
		return hub.Response{ErrorKind: "connect", Error: "refused"}, time.Millisecond
	},
	"flaky": func(r *rand.Rand, _ int) (hub.Response, time.Duration) {
		return status([]int{200, 500, 204, 302, 404}[r.IntN(5)]), time.Duration(r.IntN(300)) * time.Millisecond
	},
	"throttling": func(r *rand.Rand, _ int) (hub.Response, time.Duration) {
		if r.IntN(10) == 0 {
			return status(429, "Retry-After", "7"), 10 * time.Millisecond
		}
		return status(200), 10 * time.Millisecond
	},
}

// world is a set of simulated receivers that hold the engine to its promises.
type world struct {
	t        *testing.T
	mu       sync.Mutex
	rand     *rand.Rand
	behave   map[string]behaviour // by path
	policy   map[string]hub.Policy
	inflight map[string]int
	finished map[string]bool     // delivery ids whose series is over
	sends    map[string]int      // attempts by delivery id
	answered map[string]int      // 2xx by delivery id
	keys     map[string]string   // delivery id → path + key
	order    map[string]int      // delivery id → position in its conversation
	open     map[string][]string // conversation → deliveries not finished, in order
	// waited is the longest that a first attempt to the prompt receiver waited
	// since the engine was last restarted, or the database unwell.
	waited    time.Duration
	disturbed time.Time
	known     map[string]*known // by path
	// probes and pauses count what the checks of known were about.
	probes, pauses int
}

// known is what a receiver tells about the lane that serves it.
type known struct {
	changing bool      // the webhook is being changed: the lane may begin anew
	failures int       // failed answers in a row
	asked    time.Time // when it last asked for patience, and until when
	until    time.Time
	sent     []time.Time // in the last minute, when there is a rate limit
}

func (w *world) knownOf(path string) *known {
	k := w.known[path]
	if k == nil {
		k = &known{}
		w.known[path] = k
	}
	return k
}

// checkPatience fails when a request comes that the lane's health or its rate
// limit forbids. The engine hears of an answer a little later than the receiver
// gives it, and of several at one moment in any order; that much is allowed.
func (w *world) checkPatience(path string) {
	k, p, now := w.knownOf(path), w.policy[path], time.Now()
	if !k.changing {
		if k.failures >= hub.BreakerFailures+p.Concurrency {
			w.probes++
			if n := w.inflight[path]; n > 1 {
				w.t.Errorf("%s: %d requests at once after %d failures in a row", path, n, k.failures)
			}
		}
		if now.After(k.asked) && now.Before(k.until) {
			w.t.Errorf("%s: a request %s before the end of a Retry-After", path, k.until.Sub(now))
		}
	}
	if p.RateLimit == 0 {
		return
	}
	k.sent = append(slices.DeleteFunc(k.sent, func(t time.Time) bool { return now.Sub(t) >= time.Minute }), now)
	burst := max(1, p.RateLimit/60)
	inSecond := 0
	for _, t := range k.sent {
		if now.Sub(t) < time.Second {
			inSecond++
		}
	}
	if len(k.sent) > p.RateLimit+burst || inSecond > 2*burst {
		w.t.Errorf("%s: %d requests in a minute, %d in a second", path, len(k.sent), inSecond)
	}
}

// noteAnswer remembers what an answer asks of the lane.
func (w *world) noteAnswer(path string, resp *hub.Response) {
	k := w.knownOf(path)
	k.failures++
	if resp.Succeeded() {
		k.failures = 0
	}
	if wait := hub.RetryAfter(resp.Header.Get("Retry-After"), time.Now()); wait > 0 {
		w.pauses++
		k.asked = time.Now()
		k.until = k.asked.Truncate(time.Microsecond).Add(wait)
	}
}

func (w *world) Send(ctx context.Context, to *url.URL, header http.Header, _ []byte, timeout time.Duration) hub.Response {
	id, path := header.Get("Webhook-Id"), to.Path
	w.mu.Lock()
	w.inflight[path]++
	w.sends[id]++
	if limit := w.policy[path].Concurrency; w.inflight[path] > limit {
		w.t.Errorf("%s: %d requests at once, %d allowed", path, w.inflight[path], limit)
	}
	w.checkOrder(id)
	w.checkPatience(path)
	w.noteWait(path, id)
	resp, takes := w.behave[path](w.rand, w.sends[id])
	w.mu.Unlock()
	if takes > timeout {
		resp, takes = hub.Response{ErrorKind: "timeout", Error: "no answer"}, timeout
	}
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		resp = hub.Response{ErrorKind: "canceled", Error: "canceled"}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inflight[path]--
	if ctx.Err() == nil || resp.Status != 0 { // else the hub stopped: nobody's failure
		w.noteAnswer(path, &resp)
	}
	if resp.Succeeded() {
		w.answered[id]++
		w.finished[id] = true
	} else if w.sends[id] > w.policy[path].Retries() {
		w.finished[id] = true
	}
	return resp
}

// checkOrder fails when a delivery is sent before an earlier one of its
// conversation is finished.
func (w *world) checkOrder(id string) {
	conversation := w.keys[id]
	if conversation == "" {
		return
	}
	open := slices.DeleteFunc(w.open[conversation], func(other string) bool { return w.finished[other] })
	w.open[conversation] = open
	if len(open) > 0 && w.order[open[0]] < w.order[id] {
		w.t.Errorf("%s: delivery %d sent before %d is finished", conversation, w.order[id], w.order[open[0]])
	}
}

// prompt is the receiver that must never wait for the others.
const prompt = "/well-0"

// noteWait measures how long a first attempt to the prompt receiver waited.
func (w *world) noteWait(path, id string) {
	if path != prompt || w.sends[id] > 1 {
		return
	}
	if born := hub.IDTime(id); born.After(w.disturbed) {
		w.waited = max(w.waited, time.Since(born))
	}
}

func newWorld(t *testing.T, seed uint64) *world {
	return &world{
		t: t, rand: rand.New(rand.NewPCG(seed, 1)), behave: map[string]behaviour{}, policy: map[string]hub.Policy{},
		inflight: map[string]int{}, finished: map[string]bool{}, sends: map[string]int{}, answered: map[string]int{},
		keys: map[string]string{}, order: map[string]int{}, open: map[string][]string{}, known: map[string]*known{},
	}
}

// rig is an engine on a real database with simulated receivers.
type rig struct {
	*world
	t      *testing.T
	store  *store.Store
	faults *faultyStore
	engine *delivery.Engine
	ids    *hub.IDs
	hooks  []hub.OutgoingWebhook
	stop   func()
	data   string     // of the events
	beside *neighbour // nil: there is none
	// wrap, when set, changes the store of the next engine.
	wrap func(delivery.Store) delivery.Store
}

func newRig(t *testing.T, w *world, path string) *rig {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{Path: path, Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{world: w, t: t, store: s, data: `{"n":1}`, faults: &faultyStore{Store: s, rand: rand.New(rand.NewPCG(7, 7))}, ids: &hub.IDs{}}
	r.start()
	return r
}

func (r *rig) start() {
	r.engine = &delivery.Engine{
		Store: r.faults, Sender: r.world, Keys: plain{}, Node: "node", Now: time.Now,
		Rand: func() float64 { return 0.5 }, Log: slog.New(slog.DiscardHandler),
	}
	if r.wrap != nil {
		r.engine.Store = r.wrap(r.faults)
	}
	if r.beside != nil {
		r.beside.begin(r.engine)
		if err := r.engine.SetShare(context.Background(), members, nil); err != nil {
			r.t.Fatal(err)
		}
	}
	r.mu.Lock()
	for _, k := range r.known {
		k.sent = nil // a restart forgets it, as rate limits are kept in memory
	}
	r.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	r.faults.alive = false
	if err := r.engine.Start(ctx); err != nil {
		r.t.Fatal(err)
	}
	r.faults.alive = true
	done := make(chan error, 1)
	go func() { done <- r.engine.Run(ctx) }()
	if r.beside != nil {
		r.beside.listen(true)
	}
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("run: %v", err)
		}
		if n := r.engine.Counters().Repaired.Load(); n > 0 {
			r.t.Errorf("%d leases were forgotten", n)
		}
	}
}

func (r *rig) addWebhook(behaves string, change func(*hub.Policy)) hub.OutgoingWebhook {
	r.t.Helper()
	id := hub.WebhookID(r.ids.New())
	w := hub.OutgoingWebhook{
		ID: id, Name: behaves, URL: fmt.Sprintf("http://receiver/%s-%d", behaves, len(r.hooks)), State: hub.WebhookActive,
		Events: []string{fmt.Sprintf("*.%d", len(r.hooks)%3), "all.*"}, Policy: hub.DefaultPolicy(), SealedSecret: "a secret of the tests", CreatedAt: r.store.Now(), UpdatedAt: r.store.Now(),
	}
	if change != nil {
		change(&w.Policy)
	}
	if _, err := r.store.CreateOutgoingWebhook(context.Background(), &w); err != nil {
		r.t.Fatal(err)
	}
	u, err := url.Parse(w.URL)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	r.behave[u.Path], r.policy[u.Path] = behaviours[behaves], w.Policy
	r.mu.Unlock()
	if !r.reload() {
		r.t.Fatal("the webhook is not known")
	}
	r.hooks = append(r.hooks, w)
	return w
}

// publish stores an event and hands its deliveries to the engine.
func (r *rig) publish(name, key string) hub.Routing {
	r.t.Helper()
	return r.publishBy(r.engine, name, key, func(routing hub.Routing) error {
		return r.store.Publish(context.Background(), nil, routing)
	})
}

func (r *rig) publishBy(engine *delivery.Engine, name, key string, publish func(hub.Routing) error) hub.Routing {
	r.t.Helper()
	e := &hub.Event{
		ID: hub.EventID(r.ids.New()), Type: name, Time: r.store.Now(), Data: []byte(r.data),
		Origin: hub.Origin{Kind: hub.OriginHub}, OrderKey: key,
	}
	routing := engine.Route(e)
	r.mu.Lock()
	for _, d := range routing.Deliveries {
		if d.OrderKey != "" {
			conversation := string(d.WebhookID) + d.OrderKey
			r.order[string(d.ID)] = len(r.order)
			r.keys[string(d.ID)] = conversation
			r.open[conversation] = append(r.open[conversation], string(d.ID))
		}
	}
	r.mu.Unlock()
	err := publish(routing)
	engine.Settle(err == nil, routing)
	if err != nil && !errors.Is(err, errInjected) {
		r.t.Fatal(err)
	}
	if err != nil {
		r.forget(routing)
	}
	return routing
}

// forget takes back what publishBy noted of an event that was not stored.
func (r *rig) forget(routing hub.Routing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range routing.Deliveries {
		r.finished[string(d.ID)] = true
	}
}

// disturb notes that waits which begin before now and a while say nothing about
// fairness.
func (r *rig) disturb(and time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.disturbed = time.Now().Add(and)
}

func (r *rig) setState(id hub.WebhookID, state hub.WebhookState) {
	r.t.Helper()
	path := ""
	for _, w := range r.hooks {
		if u, err := url.Parse(w.URL); err == nil && w.ID == id {
			path = u.Path
		}
	}
	r.mu.Lock()
	r.knownOf(path).changing = true
	r.mu.Unlock()
	_, _, err := r.store.UpdateOutgoingWebhook(context.Background(), id, func(w *hub.OutgoingWebhook) error {
		w.State = state
		if state == hub.WebhookActive {
			w.Health = hub.Health{}
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if !r.reload() {
		return // when the lane begins anew is not known
	}
	r.mu.Lock()
	r.known[path] = &known{sent: r.known[path].sent}
	r.mu.Unlock()
}

// share gives every third lane, but that of the prompt receiver, to nobody, or
// none. It may fail: it is tried again by itself.
func (r *rig) share(all bool) {
	r.t.Helper()
	err := r.engine.SetShare(context.Background(), members, func(id hub.WebhookID) bool {
		return all || slices.IndexFunc(r.hooks, func(w hub.OutgoingWebhook) bool { return w.ID == id })%3 != 1
	})
	if err != nil && !errors.Is(err, errInjected) {
		r.t.Fatal(err)
	}
}

// reload tells the engine of a change, and reports whether it has taken it over.
// It may fail: the sweep makes good for it.
func (r *rig) reload() bool {
	r.t.Helper()
	if r.beside != nil {
		if err := r.beside.engine.Reload(context.Background()); err != nil {
			r.t.Fatal(err)
		}
	}
	err := r.engine.Reload(context.Background())
	if err != nil && !errors.Is(err, errInjected) {
		r.t.Fatal(err)
	}
	return err == nil
}

// replace deletes a webhook and makes another like it.
func (r *rig) replace(i int) {
	r.t.Helper()
	old := r.hooks[i]
	if _, err := r.store.DeleteOutgoingWebhook(context.Background(), old.ID, nil); err != nil {
		r.t.Fatal(err)
	}
	r.reload()
	w := old
	w.ID, w.State = hub.WebhookID(r.ids.New()), hub.WebhookActive
	w.URL += "-again" // the old one's last requests may still be under way
	u, err := url.Parse(w.URL)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	r.behave[u.Path], r.policy[u.Path] = behaviours[w.Name], w.Policy
	r.mu.Unlock()
	w.CreatedAt, w.UpdatedAt = r.store.Now(), r.store.Now()
	if _, err := r.store.CreateOutgoingWebhook(context.Background(), &w); err != nil {
		r.t.Fatal(err)
	}
	r.hooks[i] = w
	r.reload()
}

// errInjected is what faultyStore refuses with.
var errInjected = errors.New("injected")

// faultyStore refuses a part of the engine's writes and reads, as a full disk
// or a database that is away would. Nothing of a refused call is stored.
type faultyStore struct {
	*store.Store
	mu   sync.Mutex
	rand *rand.Rand
	rate int // of 1000 calls are refused
	// cede, when set, gives the answer to each Cede, nil for that of the store.
	cede chan error
	// acquire, when set, is asked before each Acquire, and mark before each SetMark.
	acquire func(lanes []hub.WebhookID) error
	mark    func() error
	// alive: the leases are those of a process that lives, which the embedded
	// database cannot tell.
	alive bool
}

func (f *faultyStore) VoidLeases(ctx context.Context) (int, error) {
	if f.alive {
		return 0, nil
	}
	return f.Store.VoidLeases(ctx)
}

func (f *faultyStore) set(rate int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rate = rate
}

func (f *faultyStore) fail() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch n := f.rand.IntN(1000); {
	case n >= f.rate:
		return nil
	case n%2 == 0:
		return hub.Wrap(hub.StorageFull, errInjected, "The disk is full.")
	default:
		return errInjected // as an error that nobody has thought of
	}
}

func (f *faultyStore) Snapshot(ctx context.Context) (int64, []hub.OutgoingWebhook, error) {
	if err := f.fail(); err != nil {
		return 0, nil, err
	}
	return f.Store.Snapshot(ctx)
}

func (f *faultyStore) HealthOf(ctx context.Context, ids []hub.WebhookID) (map[hub.WebhookID]hub.Health, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	return f.Store.HealthOf(ctx, ids)
}

func (f *faultyStore) Acquire(ctx context.Context, node string, lanes []hub.WebhookID) ([]hub.WebhookID, error) {
	err := f.fail()
	if f.acquire != nil && err == nil {
		err = f.acquire(lanes)
	}
	if err != nil {
		return nil, err
	}
	return f.Store.Acquire(ctx, node, lanes)
}

func (f *faultyStore) Cede(ctx context.Context, node string, lanes []hub.WebhookID) error {
	err := f.fail()
	if f.cede != nil && err == nil {
		err = <-f.cede
	}
	if err != nil {
		return err
	}
	return f.Store.Cede(ctx, node, lanes)
}

func (f *faultyStore) Claim(ctx context.Context, node string, quotas []hub.Quota) ([]hub.Job, []hub.LaneDue, error) {
	if err := f.fail(); err != nil {
		return nil, nil, err
	}
	return f.Store.Claim(ctx, node, quotas)
}

func (f *faultyStore) Record(ctx context.Context, outcomes []*hub.Outcome) ([]hub.Recorded, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	return f.Store.Record(ctx, outcomes)
}

func (f *faultyStore) SetMark(ctx context.Context, id hub.WebhookID, node string, mark int64) error {
	err := f.fail()
	if f.mark != nil && err == nil {
		err = f.mark()
	}
	if err != nil {
		return err
	}
	return f.Store.SetMark(ctx, id, node, mark)
}

func (f *faultyStore) Unlease(ctx context.Context, jobs []hub.Job, held bool) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Store.Unlease(ctx, jobs, held)
}

func (f *faultyStore) HoldDue(ctx context.Context, id hub.WebhookID, limit int) (int, error) {
	if err := f.fail(); err != nil {
		return 0, err
	}
	return f.Store.HoldDue(ctx, id, limit)
}

func (f *faultyStore) ReleaseHeld(ctx context.Context, id hub.WebhookID, limit int) (int, error) {
	if err := f.fail(); err != nil {
		return 0, err
	}
	return f.Store.ReleaseHeld(ctx, id, limit)
}

func (f *faultyStore) CancelUnfinished(ctx context.Context, id hub.WebhookID, below hub.DeliveryID, limit int) (int, error) {
	if err := f.fail(); err != nil {
		return 0, err
	}
	return f.Store.CancelUnfinished(ctx, id, below, limit)
}

func (r *rig) verify() *hub.VerifyReport {
	r.t.Helper()
	report, err := r.store.Verify(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range report.Problems {
		r.t.Errorf("verify: %s", p)
	}
	return report
}

// TestEngineOnAVirtualClock runs the production engine on a real database
// through random events, outcomes, pauses and restarts.
func TestEngineOnAVirtualClock(t *testing.T) {
	steps, seeds := 100_000, []uint64{1, 2, 3, 4}
	if testing.Short() {
		steps, seeds = 5_000, seeds[:2]
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "hub.db")
			synctest.Test(t, func(t *testing.T) { simulate(t, path, seed, steps/4) })
		})
	}
}

// fairnessBound is how long a delivery to a receiver that answers within 20 ms
// may wait for its first attempt, whatever the other receivers do. Events come
// in bursts, so some of it is the receiver's own queue.
const fairnessBound = time.Second

// On the way the database is verified at these steps: at the end of a time in
// which it was well.
const (
	verifyEvery = 8000
	verifyAt    = 949
)

func simulate(t *testing.T, path string, seed uint64, steps int) {
	r := newRig(t, newWorld(t, seed), path)
	r.addNeighbour(seed)
	rnd := rand.New(rand.NewPCG(seed, 2))
	names := []string{"well", "well", "slow", "flaky", "throttling", "hanging", "dead"}
	for i, name := range names {
		r.addWebhook(name, func(p *hub.Policy) {
			p.Concurrency = 1 + rnd.IntN(5)
			if i%3 != 2 {
				p.Ordering = hub.OrderNone
			}
			if i == 1 {
				p.RateLimit = 600
			}
		})
	}
	verified := 0
	for step := range steps {
		// A tenth of the time the database is unwell.
		switch step % 500 {
		case 0:
			r.faults.set(0)
			r.beside.listen(true)
			time.Sleep(2 * time.Second)
			r.disturb(0)
		case 450:
			r.disturb(time.Hour * 1000) // waits are not measured until it is well again
			r.faults.set(200)
			switch rnd.IntN(3) {
			case 0:
				r.beside.listen(false)
			case 1:
				r.beside.lose()
			}
		}
		switch n := rnd.IntN(1000); {
		case n < 400:
			r.publish(fmt.Sprintf("custom.%d", rnd.IntN(3)), "")
		case n < 600:
			r.beside.publish(fmt.Sprintf("custom.%d", rnd.IntN(3)), "")
		case n < 730:
			r.publish(fmt.Sprintf("message.%d", rnd.IntN(3)), fmt.Sprintf("m:%d", rnd.IntN(8)))
		case n < 800:
			r.beside.publish(fmt.Sprintf("message.%d", rnd.IntN(3)), fmt.Sprintf("m:%d", rnd.IntN(8)))
		case n < 986:
			time.Sleep(time.Duration(rnd.IntN(2000)) * time.Millisecond)
		case n < 990:
			r.share(rnd.IntN(3) > 0)
		case n < 994:
			r.setState(r.hooks[1+rnd.IntN(len(r.hooks)-1)].ID, hub.WebhookPaused)
		case n < 998:
			r.setState(r.hooks[1+rnd.IntN(len(r.hooks)-1)].ID, hub.WebhookActive)
		case n < 999:
			time.Sleep(time.Duration(rnd.IntN(600)) * time.Second)
		case rnd.IntN(2) == 0:
			r.replace(1 + rnd.IntN(len(r.hooks)-1))
		default:
			r.faults.set(0) // a stop that may not store gives nothing back
			r.stop()
			r.disturb(time.Second)
			r.start()
		}
		if step%verifyEvery == verifyAt {
			synctest.Wait()
			r.verify()
			verified++
		}
	}
	if verified == 0 {
		t.Error("nothing was verified on the way")
	}
	r.faults.set(0)
	r.beside.listen(true)
	// Let everything come to its end.
	r.share(true)
	for _, w := range r.hooks {
		r.setState(w.ID, hub.WebhookActive)
	}
	r.mu.Lock()
	for path := range r.behave {
		r.behave[path] = behaviours["well"]
	}
	r.mu.Unlock()
	for range 200 {
		time.Sleep(time.Minute)
		s, err := r.engine.Stats(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if s.Pending+s.Active+s.Delayed == 0 {
			break
		}
	}
	synctest.Wait()
	report := r.verify()
	s, err := r.engine.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if s.Pending+s.Active+s.Delayed != 0 {
		t.Errorf("stuck at the end: %+v", s)
	}
	r.mu.Lock()
	for id, n := range r.answered {
		if n != 1 {
			t.Errorf("delivery %s was taken %d times", id, n)
		}
	}
	if got := int64(len(r.answered)); got != s.Completed {
		t.Errorf("%d deliveries were taken, %d are marked success", got, s.Completed)
	}
	r.mu.Unlock()
	if r.waited > fairnessBound {
		t.Errorf("a delivery to the prompt receiver waited %s", r.waited)
	}
	if report.Events == 0 || s.Completed == 0 || s.Failed == 0 {
		t.Errorf("the simulation showed too little: %+v, %+v", report, s)
	}
	if steps >= verifyEvery && (r.probes == 0 || r.pauses == 0) {
		t.Errorf("the simulation showed too little: %d probes, %d times a Retry-After", r.probes, r.pauses)
	}
	t.Logf("longest wait %s, %d probes, %d times a Retry-After, verified %d times", r.waited, r.probes, r.pauses, verified)
	t.Logf("events %d, deliveries %d, attempts %d, succeeded %d, failed %d",
		report.Events, report.Deliveries, report.Attempts, s.Completed, s.Failed)
	t.Logf("handed over %d, %d of them unheard", r.beside.handed, r.beside.lost)
	if r.beside.handed == 0 || steps >= verifyEvery && r.beside.lost == 0 {
		t.Errorf("the simulation showed too little: %d handed over, %d of them unheard", r.beside.handed, r.beside.lost)
	}
	r.end()
}
