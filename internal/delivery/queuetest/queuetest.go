// Package queuetest is the contract of a delivery queue: every database passes
// the same suite, because the engine knows only one.
package queuetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/delivery"
)

// Store is a queue with what is needed to fill and to inspect it.
type Store interface {
	delivery.Store
	Now() time.Time
	OutgoingWebhook(ctx context.Context, id hub.WebhookID) (hub.OutgoingWebhook, error)
	CreateOutgoingWebhook(ctx context.Context, w *hub.OutgoingWebhook) (int64, error)
	DeleteOutgoingWebhook(ctx context.Context, id hub.WebhookID, check func(*hub.OutgoingWebhook) error) (int64, error)
	WebhooksWithNotice(ctx context.Context) ([]hub.OutgoingWebhook, error)
	UpdateOutgoingWebhook(ctx context.Context, id hub.WebhookID, change func(*hub.OutgoingWebhook) error) (hub.OutgoingWebhook, int64, error)
	Publish(ctx context.Context, once *hub.Idempotency, routings ...hub.Routing) error
	Delivery(ctx context.Context, id hub.DeliveryID) (hub.Delivery, error)
	Attempts(ctx context.Context, id hub.DeliveryID) ([]hub.Attempt, error)
	Verify(ctx context.Context) (*hub.VerifyReport, error)
}

// Run holds the queue that open makes, on an empty database, to the contract.
// After every test the database must verify clean.
func Run(t *testing.T, open func(*testing.T) Store) {
	tests := map[string]func(*suite){
		"lanes":                 testLanes,
		"one server a lane":     testAcquire,
		"claim":                 testClaim,
		"claim is exclusive":    testClaimExclusive,
		"claim takes so much":   testClaimBytes,
		"record":                testRecord,
		"stale outcomes":        testStale,
		"order":                 testOrder,
		"order when canceled":   testOrderCanceled,
		"first of its key":      testFirstOfKey,
		"void leases":           testVoidLeases,
		"marks":                 testMarks,
		"unlease":               testUnlease,
		"hold and release":      testHoldAndRelease,
		"skip held":             testSkipHeld,
		"deleted webhook":       testCancelUnfinished,
		"abandoned deliveries":  testAbandoned,
		"leases by page":        testLeased,
		"retry":                 testRetry,
		"cancel":                testCancel,
		"replay":                testReplay,
		"replay keeps order":    testReplayOrder,
		"replay keeps its pace": testReplayPace,
		"disabling notice":      testDisablingNotice,
		"counts":                testCounts,
		"idempotent publishing": testIdempotent,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &suite{T: t, store: open(t), ids: &hub.IDs{}}
			test(s)
			report, err := s.store.Verify(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range report.Problems {
				t.Errorf("verify: %s", p)
			}
		})
	}
}

const node = "node-1"

type suite struct {
	*testing.T
	store Store
	ids   *hub.IDs
}

// ctx is the context of all calls: nothing here is canceled.
func (s *suite) ctx() context.Context { return context.Background() }

func (s *suite) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) code(err error, want hub.Code) {
	s.Helper()
	if hub.CodeOf(err) != want {
		s.Errorf("got %v, want code %s", err, want)
	}
}

func (s *suite) webhook() hub.WebhookID {
	s.Helper()
	w := hub.OutgoingWebhook{
		ID: hub.WebhookID(s.ids.New()), Name: "w", URL: "https://receiver.example/", State: hub.WebhookActive, Events: []string{"*"},
		Policy: hub.DefaultPolicy(), SealedSecret: "x", CreatedAt: s.store.Now(), UpdatedAt: s.store.Now(),
	}
	_, err := s.store.CreateOutgoingWebhook(s.ctx(), &w)
	s.ok(err)
	_, err = s.store.Acquire(s.ctx(), node, []hub.WebhookID{w.ID})
	s.ok(err)
	return w.ID
}

// event is what add makes of one event for one webhook.
type event struct {
	key    string
	first  bool
	status hub.DeliveryStatus // pending unless set
	due    time.Duration      // from now
	size   int                // of the data, in bytes; {} unless set
}

// add publishes one event with a delivery to each webhook in force, in the
// state asked for, and returns the deliveries' ids in the webhooks' order.
func (s *suite) add(e event) []hub.DeliveryID {
	s.Helper()
	revision, webhooks, err := s.store.Snapshot(s.ctx())
	s.ok(err)
	ev := &hub.Event{
		ID: hub.EventID(s.ids.New()), Type: "queue.test", Time: s.store.Now(), Data: []byte(`{}`), Origin: hub.Origin{Kind: hub.OriginHub},
		OrderKey: e.key, FirstOfKey: e.first, Revision: revision,
	}
	if e.size > 0 {
		ev.Data = []byte(`"` + strings.Repeat("x", e.size-2) + `"`)
	}
	r := hub.Routing{Event: ev}
	var ids []hub.DeliveryID
	for _, w := range webhooks {
		d := hub.RoutedDelivery{Delivery: hub.Delivery{
			ID: hub.DeliveryIDFor(ev.ID, w.ID), WebhookID: w.ID, EventID: ev.ID, EventType: ev.Type, Status: hub.DeliveryPending, OrderKey: e.key,
		}}
		switch e.status {
		case hub.DeliveryActive:
			d.Status, d.LeasedTo, d.Epoch = hub.DeliveryActive, node, 1
		case hub.DeliveryHeld:
			d.Status = hub.DeliveryHeld
		default:
			d.DueAt = s.store.Now().Add(e.due)
		}
		r.Deliveries = append(r.Deliveries, d)
		ids = append(ids, d.ID)
	}
	s.ok(s.store.Publish(s.ctx(), nil, r))
	return ids
}

func (s *suite) one(e event) hub.DeliveryID {
	s.Helper()
	ids := s.add(e)
	if len(ids) != 1 {
		s.Fatalf("%d webhooks, want 1", len(ids))
	}
	return ids[0]
}

func (s *suite) claim(quotas ...hub.Quota) []hub.DeliveryID {
	s.Helper()
	jobs, _, err := s.store.Claim(s.ctx(), node, quotas)
	s.ok(err)
	ids := []hub.DeliveryID{}
	for _, j := range jobs {
		ids = append(ids, j.Delivery.ID)
	}
	return ids
}

func (s *suite) get(id hub.DeliveryID) hub.Delivery {
	s.Helper()
	d, err := s.store.Delivery(s.ctx(), id)
	s.ok(err)
	return d
}

// finish records an outcome for a leased delivery.
func (s *suite) finish(id hub.DeliveryID, status hub.DeliveryStatus, due time.Duration) hub.Recorded {
	s.Helper()
	d := s.get(id)
	o := &hub.Outcome{
		DeliveryID: id, WebhookID: d.WebhookID, Epoch: d.Epoch, OrderKey: d.OrderKey, Status: status, Tries: d.Tries + 1,
		Attempt: hub.Attempt{DeliveryID: id, Number: d.Attempts + 1, StartedAt: s.store.Now(), Result: "http_500", Reason: "r"},
	}
	if status == hub.DeliverySuccess {
		o.Attempt.Result, o.Attempt.ResponseStatus = "success", 200
	}
	if status == hub.DeliveryRetrying {
		o.DueAt = s.store.Now().Add(due)
	}
	recorded, err := s.store.Record(s.ctx(), []*hub.Outcome{o})
	s.ok(err)
	return recorded[0]
}

func (s *suite) status(id hub.DeliveryID, want hub.DeliveryStatus) hub.Delivery {
	s.Helper()
	d := s.get(id)
	if d.Status != want {
		s.Errorf("delivery is %s, want %s", d.Status, want)
	}
	return d
}

func (s *suite) same(what string, got, want any) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func testLanes(s *suite) {
	a, b := s.webhook(), s.webhook()
	s.add(event{due: time.Hour})
	s.add(event{due: -time.Minute})
	s.add(event{status: hub.DeliveryActive})
	lanes, err := s.store.Lanes(s.ctx())
	s.ok(err)
	if len(lanes) != 2 || lanes[0].WebhookID != a || lanes[1].WebhookID != b {
		s.Fatalf("lanes %v", lanes)
	}
	for _, l := range lanes {
		if age := s.store.Now().Sub(l.DueAt); age < time.Minute || age > 2*time.Minute {
			s.Errorf("earliest due %s ago, want a minute", age)
		}
	}
}

func testClaim(s *suite) {
	a, b := s.webhook(), s.webhook()
	var ofA, ofB []hub.DeliveryID
	for i := range 5 {
		ids := s.add(event{due: time.Duration(-10+i) * time.Minute})
		ofA, ofB = append(ofA, ids[0]), append(ofB, ids[1])
	}
	later := s.add(event{due: time.Hour})
	jobs, next, err := s.store.Claim(s.ctx(), node, []hub.Quota{{WebhookID: a, Max: 2}, {WebhookID: b, Max: 10}})
	s.ok(err)
	var got []hub.DeliveryID
	for _, j := range jobs {
		got = append(got, j.Delivery.ID)
		if j.Event.Type != "queue.test" || string(j.Event.Data) != "{}" || j.Delivery.LeasedTo != node || j.Delivery.Epoch != 1 {
			s.Errorf("job %+v, event %+v", j.Delivery, j.Event)
		}
	}
	s.same("claimed, the longest due first", got, append(append([]hub.DeliveryID{}, ofA[:2]...), ofB...))
	if len(next) != 2 || next[0].WebhookID != a || !next[0].DueAt.Equal(s.get(ofA[2]).DueAt) || !next[1].DueAt.Equal(s.get(later[1]).DueAt) {
		s.Errorf("next due %v", next)
	}
	for _, id := range got {
		if d := s.status(id, hub.DeliveryActive); d.LeasedTo != node || !d.DueAt.IsZero() {
			s.Errorf("claimed delivery %+v", d)
		}
	}
}

func testClaimExclusive(s *suite) {
	w := s.webhook()
	for range 200 {
		s.add(event{due: -time.Second})
	}
	var mu sync.Mutex
	seen := make(map[hub.DeliveryID]int)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				jobs, _, err := s.store.Claim(context.Background(), node, []hub.Quota{{WebhookID: w, Max: 7}})
				if err != nil {
					s.Error(err)
					return
				}
				if len(jobs) == 0 {
					return
				}
				mu.Lock()
				for _, j := range jobs {
					seen[j.Delivery.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 200 {
		s.Errorf("%d of 200 were claimed", len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			s.Errorf("%s was claimed %d times", id, n)
		}
	}
}

// testClaimBytes: a claim of large events takes some of each lane that has room
// in it, at least one in all, and says that the rest is due.
func testClaimBytes(s *suite) {
	const most = 8 << 20
	a, b := s.webhook(), s.webhook()
	due := map[hub.WebhookID]int{}
	for range 5 {
		s.add(event{due: -time.Minute, size: 3 << 20})
		due[a]++
		due[b]++
	}
	s.add(event{due: -time.Second, size: 10 << 20})
	due[a]++
	due[b]++
	quotas := []hub.Quota{{WebhookID: a, Max: 128}, {WebhookID: b, Max: 128}}
	for round := 0; due[a]+due[b] > 0; round++ {
		jobs, next, err := s.store.Claim(s.ctx(), node, quotas)
		s.ok(err)
		if len(jobs) == 0 {
			s.Fatalf("nothing was claimed, %v is due", due)
		}
		bytes, lanes := 0, map[hub.WebhookID]int{}
		for i := range jobs {
			if bytes >= most {
				s.Errorf("an event more after %d bytes", bytes)
			}
			bytes += len(jobs[i].Event.Data)
			lanes[jobs[i].Delivery.WebhookID]++
			due[jobs[i].Delivery.WebhookID]--
		}
		if round == 0 && (lanes[a] != 2 || lanes[b] != 1) {
			s.Errorf("the first claim took %d and %d, want 2 and 1", lanes[a], lanes[b])
		}
		left := map[hub.WebhookID]bool{}
		for _, n := range next {
			left[n.WebhookID] = !n.DueAt.After(s.store.Now())
		}
		if left[a] != (due[a] > 0) || left[b] != (due[b] > 0) {
			s.Errorf("said to be due: %v, in truth: %v", left, due)
		}
	}
}

func testRecord(s *suite) {
	w := s.webhook()
	id := s.one(event{due: -time.Second})
	s.claim(hub.Quota{WebhookID: w, Max: 1})
	s.finish(id, hub.DeliveryRetrying, -time.Second)
	if d := s.status(id, hub.DeliveryRetrying); d.Attempts != 1 || d.Tries != 1 || d.LeasedTo != "" || d.DueAt.IsZero() || d.Epoch != 2 {
		s.Errorf("after a retry: %+v", d)
	}
	s.same("due again", s.claim(hub.Quota{WebhookID: w, Max: 1}), []hub.DeliveryID{id})
	s.finish(id, hub.DeliverySuccess, 0)
	if d := s.status(id, hub.DeliverySuccess); d.Attempts != 2 || d.FinishedAt.IsZero() || !d.DueAt.IsZero() {
		s.Errorf("after success: %+v", d)
	}
	attempts, err := s.store.Attempts(s.ctx(), id)
	s.ok(err)
	if len(attempts) != 2 || attempts[0].Number != 1 || attempts[1].Result != "success" {
		s.Errorf("attempts %+v", attempts)
	}
}

func testStale(s *suite) {
	w := s.webhook()
	id := s.one(event{due: -time.Second})
	s.claim(hub.Quota{WebhookID: w, Max: 1})
	old := s.get(id)
	_, err := s.store.VoidLease(s.ctx(), id, old.Epoch)
	s.ok(err)
	s.claim(hub.Quota{WebhookID: w, Max: 1})
	recorded, err := s.store.Record(s.ctx(), []*hub.Outcome{{
		DeliveryID: id, WebhookID: w, Epoch: old.Epoch, Status: hub.DeliverySuccess,
		Attempt: hub.Attempt{DeliveryID: id, Number: 9, Result: "success", StartedAt: s.store.Now()},
	}})
	s.ok(err)
	if !recorded[0].Stale {
		s.Error("an outcome under an old epoch was taken")
	}
	s.status(id, hub.DeliveryActive)
	if voided, err := s.store.VoidLease(s.ctx(), id, old.Epoch); err != nil || voided {
		s.Errorf("an old epoch voided a new lease: %v, %v", voided, err)
	}
}

func testOrder(s *suite) {
	w := s.webhook()
	q := hub.Quota{WebhookID: w, Max: 10}
	first := s.one(event{key: "m:1", status: hub.DeliveryActive})
	second := s.one(event{key: "m:1", due: -time.Second})
	third := s.one(event{key: "m:1", status: hub.DeliveryActive})
	other := s.one(event{key: "m:2", due: -time.Second})
	s.same("only the other conversation is due", s.claim(q), []hub.DeliveryID{other})
	if r := s.finish(first, hub.DeliveryRetrying, time.Hour); r.Released {
		s.Error("a retry released the next")
	}
	s.same("nothing overtakes a retry", s.claim(q), []hub.DeliveryID{})
	_, err := s.store.RetryDelivery(s.ctx(), first)
	s.ok(err)
	s.same("the head is due", s.claim(q), []hub.DeliveryID{first})
	if r := s.finish(first, hub.DeliveryFailed, 0); !r.Released {
		s.Error("a dead head did not release its follower")
	}
	s.same("the second is due", s.claim(q), []hub.DeliveryID{second})
	s.finish(second, hub.DeliverySuccess, 0)
	s.same("the third is due", s.claim(q), []hub.DeliveryID{third})
	if r := s.finish(third, hub.DeliverySuccess, 0); r.Released {
		s.Error("the last released something")
	}
}

func testOrderCanceled(s *suite) {
	w := s.webhook()
	first := s.one(event{key: "m:1", due: time.Hour})
	second := s.one(event{key: "m:1", due: time.Hour})
	_, released, err := s.store.CancelDelivery(s.ctx(), first)
	s.ok(err)
	if !released {
		s.Error("a canceled head did not release its follower")
	}
	s.same("the follower is due", s.claim(hub.Quota{WebhookID: w, Max: 10}), []hub.DeliveryID{second})
}

func testFirstOfKey(s *suite) {
	s.webhook()
	id := s.one(event{key: "m:1", first: true, status: hub.DeliveryActive})
	if d := s.status(id, hub.DeliveryActive); d.LeasedTo != node {
		s.Errorf("the first of its conversation is not leased: %+v", d)
	}
}

func testVoidLeases(s *suite) {
	w := s.webhook()
	var ids []hub.DeliveryID
	for range 3 {
		ids = append(ids, s.one(event{status: hub.DeliveryActive}))
	}
	done := s.one(event{status: hub.DeliveryActive})
	s.finish(done, hub.DeliverySuccess, 0)
	n, err := s.store.VoidLeases(s.ctx())
	s.ok(err)
	s.same("voided", n, 3)
	s.same("due again", s.claim(hub.Quota{WebhookID: w, Max: 10}), ids)
	attempts, err := s.store.Attempts(s.ctx(), ids[0])
	s.ok(err)
	if len(attempts) != 1 || attempts[0].Result != hub.ResultUnknown {
		s.Errorf("attempts %+v", attempts)
	}
	if d := s.get(ids[0]); d.Attempts != 1 || d.Tries != 0 {
		s.Errorf("an unknown outcome spent a try: %+v", d)
	}
}

func testMarks(s *suite) {
	w := s.webhook()
	for range 4 {
		s.add(event{due: -time.Second})
	}
	// Numbers 11 to 14, of which the first two may be sent at once.
	jobs, _, err := s.store.Claim(s.ctx(), node, []hub.Quota{{WebhookID: w, Max: 10, After: 10, Ahead: 12}})
	s.ok(err)
	s.same("numbers", []int64{jobs[0].Delivery.LeaseSeq, jobs[3].Delivery.LeaseSeq}, []int64{11, 14})
	s.ok(s.store.SetMark(s.ctx(), w, node, 13))
	s.ok(s.store.SetMark(s.ctx(), w, node, 12)) // a mark never falls
	s.ok(s.store.SetMark(s.ctx(), w, "another node", 99))
	n, err := s.store.VoidLeases(s.ctx())
	s.ok(err)
	s.same("voided", n, 4)
	for i, want := range []int{1, 1, 1, 0} {
		if d := s.status(jobs[i].Delivery.ID, hub.DeliveryPending); d.Attempts != want {
			s.Errorf("lease %d: %d attempts of unknown outcome, want %d", d.LeaseSeq, d.Attempts, want)
		}
	}
	// A mark is its process's: the next one's numbers begin anew.
	const next = "node-2"
	_, err = s.store.Acquire(s.ctx(), next, []hub.WebhookID{w})
	s.ok(err)
	_, _, err = s.store.Claim(s.ctx(), next, []hub.Quota{{WebhookID: w, Max: 10}})
	s.ok(err)
	_, err = s.store.VoidLeases(s.ctx())
	s.ok(err)
	if d := s.get(jobs[3].Delivery.ID); d.Attempts != 0 {
		s.Errorf("a lease beyond the mark counts %d attempts", d.Attempts)
	}
}

// testAcquire: a lane of a process that is gone is free once its leases are
// void. (Processes that are at work are the business of the databases that can
// have several.)
func testAcquire(s *suite) {
	a, b := s.webhook(), s.webhook()
	both := []hub.WebhookID{a, b}
	s.add(event{status: hub.DeliveryActive})
	again, err := s.store.Acquire(s.ctx(), node, both)
	s.ok(err)
	s.same("its own lanes, once more", again, both)
	taken, err := s.store.Acquire(s.ctx(), "node-2", both)
	s.ok(err)
	s.same("lanes with leases of another", len(taken), 0)
	_, err = s.store.VoidLeases(s.ctx())
	s.ok(err)
	taken, err = s.store.Acquire(s.ctx(), "node-2", both)
	s.ok(err)
	s.same("lanes whose leases are void", taken, both)
	s.ok(s.store.Cede(s.ctx(), node, both)) // not node's to give up any more
	s.ok(s.store.Cede(s.ctx(), "node-2", []hub.WebhookID{a}))
	taken, err = s.store.Acquire(s.ctx(), node, both)
	s.ok(err)
	s.same("a lane given up, and one without leases", taken, both)
}

func testUnlease(s *suite) {
	w := s.webhook()
	id, other := s.one(event{status: hub.DeliveryActive}), s.one(event{status: hub.DeliveryActive})
	s.ok(s.store.Unlease(s.ctx(), []hub.Job{{Delivery: s.get(id)}}, false))
	s.ok(s.store.Unlease(s.ctx(), []hub.Job{{Delivery: s.get(other)}}, true))
	s.status(other, hub.DeliveryHeld)
	s.same("due again", s.claim(hub.Quota{WebhookID: w, Max: 10}), []hub.DeliveryID{id})
	if d := s.get(id); d.Attempts != 0 {
		s.Errorf("giving a lease back made an attempt: %+v", d)
	}
}

func testHoldAndRelease(s *suite) {
	w := s.webhook()
	first := s.one(event{key: "m:1", due: -time.Second})
	second := s.one(event{key: "m:1", due: -time.Second})
	third := s.one(event{key: "m:1", status: hub.DeliveryHeld})
	free := s.one(event{due: time.Hour})
	n, err := s.store.HoldDue(s.ctx(), w, 10)
	s.ok(err)
	s.same("put on hold", n, 2)
	s.status(first, hub.DeliveryHeld)
	s.status(free, hub.DeliveryHeld)
	held, err := s.store.HasHeld(s.ctx(), w)
	s.ok(err)
	s.same("has held", held, true)
	for {
		n, err := s.store.ReleaseHeld(s.ctx(), w, 2)
		s.ok(err)
		if n == 0 {
			break
		}
	}
	s.same("heads are due", s.claim(hub.Quota{WebhookID: w, Max: 10}), []hub.DeliveryID{first, free})
	s.finish(first, hub.DeliverySuccess, 0)
	s.same("then the second", s.claim(hub.Quota{WebhookID: w, Max: 10}), []hub.DeliveryID{second})
	s.finish(second, hub.DeliverySuccess, 0)
	s.same("then the third", s.claim(hub.Quota{WebhookID: w, Max: 10}), []hub.DeliveryID{third})
}

func testSkipHeld(s *suite) {
	w := s.webhook()
	head := s.one(event{key: "m:1", due: time.Hour})
	parked := s.one(event{key: "m:1", due: time.Hour})
	_, err := s.store.HoldDue(s.ctx(), w, 10)
	s.ok(err)
	s.status(parked, hub.DeliveryPending)
	below := hub.DeliveryID(hub.FirstID(s.store.Now().Add(time.Hour)))
	n, err := s.store.CancelUnfinished(s.ctx(), w, hub.DeliveryID(hub.FirstID(s.store.Now().Add(-time.Hour))), 10)
	s.ok(err)
	s.same("before the bound", n, 0)
	s.drain(w, below)
	s.status(head, hub.DeliveryCanceled)
	s.status(parked, hub.DeliveryCanceled) // an edit is not sent without its message
}

// drain cancels what waits, in small batches.
func (s *suite) drain(w hub.WebhookID, below hub.DeliveryID) (total int) {
	s.Helper()
	for {
		n, err := s.store.CancelUnfinished(s.ctx(), w, below, 2)
		s.ok(err)
		if n == 0 {
			return total
		}
		total += n
	}
}

func testCancelUnfinished(s *suite) {
	w := s.webhook()
	leased := s.one(event{key: "m:1", status: hub.DeliveryActive})
	waiting := []hub.DeliveryID{
		s.one(event{due: time.Hour}), s.one(event{key: "m:1", due: -time.Second}), s.one(event{status: hub.DeliveryHeld}),
	}
	s.same("canceled", s.drain(w, ""), 3)
	for _, id := range waiting {
		s.status(id, hub.DeliveryCanceled)
	}
	s.status(leased, hub.DeliveryActive)
}

func testAbandoned(s *suite) {
	w, other := s.webhook(), s.webhook()
	s.add(event{status: hub.DeliveryHeld})
	abandoned, err := s.store.Abandoned(s.ctx())
	s.ok(err)
	s.same("before the deletion", len(abandoned), 0)
	_, err = s.store.DeleteOutgoingWebhook(s.ctx(), w, nil)
	s.ok(err)
	abandoned, err = s.store.Abandoned(s.ctx())
	s.ok(err)
	s.same("abandoned", abandoned, []hub.WebhookID{w})
	s.drain(w, "")
	abandoned, err = s.store.Abandoned(s.ctx())
	s.ok(err)
	s.same("done with", len(abandoned), 0)
	held, err := s.store.HasHeld(s.ctx(), other)
	s.ok(err)
	s.same("the other webhook is left alone", held, true)
}

func testLeased(s *suite) {
	s.webhook()
	var want []hub.DeliveryID
	for range 5 {
		want = append(want, s.one(event{status: hub.DeliveryActive}))
	}
	var got []hub.DeliveryID
	for after := hub.DeliveryID(""); ; {
		page, err := s.store.Leased(s.ctx(), s.store.Now().Add(time.Hour), after, 2)
		s.ok(err)
		if len(page) == 0 {
			break
		}
		for _, d := range page {
			got = append(got, d.ID)
			after = d.ID
		}
	}
	s.same("leased, page by page", got, want)
}

func testRetry(s *suite) {
	w := s.webhook()
	id := s.one(event{status: hub.DeliveryActive})
	_, err := s.store.RetryDelivery(s.ctx(), id)
	s.code(err, hub.Conflict) // being sent
	s.finish(id, hub.DeliveryFailed, 0)
	d, err := s.store.RetryDelivery(s.ctx(), id)
	s.ok(err)
	if d.Status != hub.DeliveryPending || d.Tries != 0 || d.Attempts != 1 || !d.FinishedAt.IsZero() {
		s.Errorf("a new series: %+v", d)
	}
	s.same("due", s.claim(hub.Quota{WebhookID: w, Max: 1}), []hub.DeliveryID{id})
	s.finish(id, hub.DeliverySuccess, 0)
	s.state(w, hub.WebhookPaused)
	d, err = s.store.RetryDelivery(s.ctx(), id)
	s.ok(err)
	s.same("of a paused webhook", d.Status, hub.DeliveryHeld)
	s.state(w, hub.WebhookDisabled)
	_, err = s.store.RetryDelivery(s.ctx(), id)
	s.code(err, hub.Conflict)
	_, err = s.store.RetryDelivery(s.ctx(), hub.DeliveryID(s.ids.New()))
	s.code(err, hub.NotFound)
}

func (s *suite) state(id hub.WebhookID, state hub.WebhookState) {
	s.Helper()
	_, _, err := s.store.UpdateOutgoingWebhook(s.ctx(), id, func(w *hub.OutgoingWebhook) error {
		w.State = state
		return nil
	})
	s.ok(err)
}

func testCancel(s *suite) {
	s.webhook()
	leased, due := s.one(event{status: hub.DeliveryActive}), s.one(event{due: time.Hour})
	_, _, err := s.store.CancelDelivery(s.ctx(), leased)
	s.code(err, hub.Conflict)
	d, _, err := s.store.CancelDelivery(s.ctx(), due)
	s.ok(err)
	if d.Status != hub.DeliveryCanceled || d.FinishedAt.IsZero() {
		s.Errorf("canceled: %+v", d)
	}
	_, _, err = s.store.CancelDelivery(s.ctx(), due)
	s.code(err, hub.Conflict)
}

func testReplay(s *suite) {
	w := s.webhook()
	var failed []hub.DeliveryID
	for i := range 7 {
		id := s.one(event{status: hub.DeliveryActive})
		if i%3 == 2 {
			s.finish(id, hub.DeliverySuccess, 0)
			continue
		}
		s.finish(id, hub.DeliveryFailed, 0)
		failed = append(failed, id)
	}
	r := hub.ReplayRequest{WebhookID: w, Status: hub.DeliveryFailed}
	n, err := s.store.CountReplay(s.ctx(), &r)
	s.ok(err)
	s.same("counted", n, len(failed))
	due := s.store.Now()
	last, n, err := s.store.ReplayBatch(s.ctx(), &r, "", 3, due, time.Minute)
	s.ok(err)
	s.same("first batch", []any{last, n}, []any{failed[2], 3})
	last, n, err = s.store.ReplayBatch(s.ctx(), &r, last, 3, due.Add(3*time.Minute), time.Minute)
	s.ok(err)
	s.same("second batch", []any{last, n}, []any{failed[4], 2})
	for i, id := range failed {
		d := s.status(id, hub.DeliveryPending)
		s.same("spaced", d.DueAt.Sub(due).Round(time.Microsecond), time.Duration(i)*time.Minute)
	}
	none := hub.ReplayRequest{WebhookID: w, Status: hub.DeliverySuccess, Until: due.Add(-time.Hour)}
	n, err = s.store.CountReplay(s.ctx(), &none)
	s.ok(err)
	s.same("outside the time range", n, 0)
}

func testReplayOrder(s *suite) {
	w := s.webhook()
	var ids []hub.DeliveryID
	for range 3 {
		id := s.one(event{key: "m:1", status: hub.DeliveryActive})
		s.finish(id, hub.DeliveryFailed, 0)
		ids = append(ids, id)
	}
	r := hub.ReplayRequest{WebhookID: w, Status: hub.DeliveryFailed}
	_, n, err := s.store.ReplayBatch(s.ctx(), &r, "", 10, s.store.Now(), 0)
	s.ok(err)
	s.same("replayed", n, 3)
	for i, id := range ids {
		s.same(fmt.Sprintf("only delivery %d is due", i), s.claim(hub.Quota{WebhookID: w, Max: 10}), []hub.DeliveryID{id})
		s.finish(id, hub.DeliverySuccess, 0)
	}
}

// testReplayPace: what waits for its turn in a conversation is not due before its
// time, and due at once when that has passed.
func testReplayPace(s *suite) {
	w := s.webhook()
	var ids []hub.DeliveryID
	for range 4 {
		id := s.one(event{key: "m:1", status: hub.DeliveryActive})
		s.finish(id, hub.DeliveryFailed, 0)
		ids = append(ids, id)
	}
	start := s.store.Now().Add(-90 * time.Minute)
	r := hub.ReplayRequest{WebhookID: w, Status: hub.DeliveryFailed}
	_, n, err := s.store.ReplayBatch(s.ctx(), &r, "", 10, start, time.Hour)
	s.ok(err)
	s.same("replayed", n, 4)
	q := hub.Quota{WebhookID: w, Max: 10}
	for i, id := range ids[:2] { // planned 90 and 30 minutes ago
		s.same(fmt.Sprintf("delivery %d, late", i), s.claim(q), []hub.DeliveryID{id})
		s.finish(id, hub.DeliverySuccess, 0)
	}
	s.same("none before its time", s.claim(q), []hub.DeliveryID{})
	d := s.get(ids[2])
	s.same("planned", d.DueAt.Sub(start), 2*time.Hour)
	_, released, err := s.store.CancelDelivery(s.ctx(), ids[2])
	s.ok(err)
	s.same("released", released, true)
	s.same("the next is planned, too", s.get(ids[3]).DueAt.Sub(start), 3*time.Hour)
	_, err = s.store.RetryDelivery(s.ctx(), ids[3])
	s.ok(err)
	s.same("by hand it is due at once", s.claim(q), []hub.DeliveryID{ids[3]})
}

func testDisablingNotice(s *suite) {
	w := s.webhook()
	health := hub.Health{Failures: 1}
	gone := func(version time.Time) {
		s.Helper()
		id := s.one(event{status: hub.DeliveryActive})
		d := s.get(id)
		recorded, err := s.store.Record(s.ctx(), []*hub.Outcome{{
			DeliveryID: id, WebhookID: w, WebhookVersion: version, Epoch: d.Epoch, Status: hub.DeliveryFailed, Tries: 1,
			Health: &health, Notice: hub.NoticeGone,
			Attempt: hub.Attempt{DeliveryID: id, Number: 1, Result: "http_410", Reason: "gone", ResponseStatus: 410, StartedAt: s.store.Now()},
		}})
		s.ok(err)
		if recorded[0].Stale {
			s.Error("stale")
		}
		s.status(id, hub.DeliveryFailed)
	}
	found, err := s.store.OutgoingWebhook(s.ctx(), w)
	s.ok(err)
	gone(found.UpdatedAt.Add(-time.Second)) // it was changed since: perhaps its URL
	noticed, err := s.store.WebhooksWithNotice(s.ctx())
	s.ok(err)
	after, err := s.store.OutgoingWebhook(s.ctx(), w)
	s.ok(err)
	if len(noticed) != 0 || after.State != hub.WebhookActive || !after.Health.Healthy() {
		s.Errorf("after the answer of an earlier endpoint: %+v, %+v", noticed, after)
	}
	gone(found.UpdatedAt)
	noticed, err = s.store.WebhooksWithNotice(s.ctx())
	s.ok(err)
	if len(noticed) != 1 || noticed[0].State != hub.WebhookDisabled || noticed[0].Notice != hub.NoticeGone || noticed[0].Health != health {
		s.Errorf("after 410: %+v", noticed)
	}
}

func testCounts(s *suite) {
	w := s.webhook()
	s.one(event{due: -time.Minute})
	s.one(event{due: time.Hour})
	s.one(event{status: hub.DeliveryActive})
	s.one(event{status: hub.DeliveryHeld})
	counts, err := s.store.DeliveryCounts(s.ctx())
	s.ok(err)
	s.same("counts", counts[w], map[hub.DeliveryStatus]int64{hub.DeliveryPending: 2, hub.DeliveryActive: 1, hub.DeliveryHeld: 1})
	due, oldest, err := s.store.DueCounts(s.ctx(), s.store.Now())
	s.ok(err)
	if due != 1 || s.store.Now().Sub(oldest) < time.Minute {
		s.Errorf("due %d, oldest %s", due, oldest)
	}
}

func testIdempotent(s *suite) {
	k := &hub.Idempotency{TokenID: "t", Key: "k", RequestHash: "h", Result: "first"}
	publish := func(k *hub.Idempotency) error {
		e := &hub.Event{ID: hub.EventID(s.ids.New()), Type: "x", Time: s.store.Now(), Data: []byte(`1`), Origin: hub.Origin{Kind: hub.OriginHub}}
		return s.store.Publish(s.ctx(), k, hub.Routing{Event: e})
	}
	s.ok(publish(k))
	err := publish(&hub.Idempotency{TokenID: "t", Key: "k", RequestHash: "h", Result: "second"})
	if again, ok := err.(*hub.RepeatedError); !ok || again.Result != "first" { //nolint:errorlint // returned as it is
		s.Errorf("a repetition: %v", err)
	}
	s.code(publish(&hub.Idempotency{TokenID: "t", Key: "k", RequestHash: "other"}), hub.Conflict)
	s.ok(publish(&hub.Idempotency{TokenID: "t2", Key: "k", RequestHash: "other"}))
	report, err := s.store.Verify(s.ctx())
	s.ok(err)
	s.same("events", report.Events, int64(2))
}
