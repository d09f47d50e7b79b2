package delivery_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
)

// TestLaneWantedAgain: a lane that is wanted again while it is being given up is
// given up first, whatever that takes, and then taken over anew. If it were not,
// the store would not keep its mark, and what was sent would be forgotten.
func TestLaneWantedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := newRig(t, newWorld(t, 1), path)
		w := r.addWebhook("hanging", nil)
		r.faults.cede = make(chan error)
		if err := r.engine.SetShare(ctx, nil, func(hub.WebhookID) bool { return false }); err != nil {
			t.Fatal(err)
		}
		id := r.publish("all.x", "").Deliveries[0].ID
		if err := r.engine.SetShare(ctx, nil, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := r.attempts(id); got != 0 {
			t.Errorf("%d requests while the lane is nobody's", got)
		}
		for _, answer := range []error{errors.New("the database is away"), nil} {
			select {
			case r.faults.cede <- answer:
			case <-time.After(time.Minute):
				t.Error("the lane is not given up any more")
			}
		}
		time.Sleep(time.Second)
		if got := r.attempts(id); got != 1 {
			t.Errorf("%d requests after the lane was taken over again, want 1", got)
		}
		if n, err := r.store.VoidLeases(ctx); n != 1 || err != nil { // as if it had died now
			t.Fatal(n, err)
		}
		log, err := r.store.Attempts(ctx, id)
		if err != nil || len(log) != 1 || log[0].Result != hub.ResultUnknown {
			t.Errorf("the log says %+v, %v; want one attempt of unknown outcome of webhook %s", log, err, w.ID)
		}
		r.stop()
		if err := r.store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// attempts returns how often a delivery was sent.
func (r *rig) attempts(id hub.DeliveryID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sends[string(id)]
}

// strange makes a webhook at another hub, as it were: this engine is not told.
func (r *rig) strange(path string) (hub.OutgoingWebhook, int64) {
	r.t.Helper()
	w := hub.OutgoingWebhook{
		ID: hub.WebhookID(r.ids.New()), Name: "strange", URL: "http://receiver" + path, State: hub.WebhookActive, Events: []string{"all.*"},
		Policy: hub.DefaultPolicy(), SealedSecret: "a secret of the tests", CreatedAt: r.store.Now(), UpdatedAt: r.store.Now(),
	}
	r.mu.Lock()
	r.behave[path], r.policy[path] = behaviours["well"], w.Policy
	r.mu.Unlock()
	revision, err := r.store.CreateOutgoingWebhook(context.Background(), &w)
	if err != nil {
		r.t.Fatal(err)
	}
	return w, revision
}

// TestUnknownWebhookIsLeftAlone: what another hub published for a webhook that this
// one has not heard of yet is not taken for that of a deleted one.
func TestUnknownWebhookIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := newRig(t, newWorld(t, 1), path)
		w, revision := r.strange("/strange")
		e := &hub.Event{
			ID: hub.EventID(r.ids.New()), Type: "all.x", Time: r.store.Now(), Data: []byte("1"), Origin: hub.Origin{Kind: hub.OriginHub}, Revision: revision,
		}
		d := hub.Delivery{
			ID: hub.DeliveryIDFor(e.ID, w.ID), WebhookID: w.ID, EventID: e.ID, EventType: e.Type, Status: hub.DeliveryPending, DueAt: r.store.Now(),
		}
		if err := r.store.Publish(ctx, nil, hub.Routing{Event: e, Deliveries: []hub.RoutedDelivery{{Delivery: d}}}); err != nil {
			t.Fatal(err)
		}
		if err := r.engine.Poll(ctx); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := r.engine.Reload(ctx); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if d, err := r.store.Delivery(ctx, d.ID); err != nil || d.Status != hub.DeliverySuccess {
			t.Errorf("the delivery is %s, %v", d.Status, err)
		}
		r.end()
	})
}

// TestLanesAreTakenOverAgain: a hub that started while its disk was full serves its
// lanes once there is room.
func TestLanesAreTakenOverAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newWorld(t, 1), path)
		r.addWebhook("well", nil)
		r.stop()
		r.faults.acquire = func([]hub.WebhookID) error { return hub.Errorf(hub.StorageFull, "The disk is full.") }
		r.start()
		r.faults.acquire = nil
		id := r.publish("all.x", "").Deliveries[0].ID
		time.Sleep(5 * time.Minute)
		if d, err := r.store.Delivery(context.Background(), id); err != nil || d.Status != hub.DeliverySuccess {
			t.Errorf("the delivery is %s, %v", d.Status, err)
		}
		r.end()
	})
}

// TestPartOfTheLanes: lanes that were taken over before the store failed are this
// process's, and are given up like others.
func TestPartOfTheLanes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := newRig(t, newWorld(t, 1), path)
		nothing := func(hub.WebhookID) bool { return false }
		if err := r.engine.SetShare(ctx, nil, nothing); err != nil {
			t.Fatal(err)
		}
		lanes := map[hub.WebhookID]bool{}
		for range 501 { // one more than a batch
			w, _ := r.strange("/strange")
			lanes[w.ID] = true
		}
		if err := r.engine.Reload(ctx); err != nil {
			t.Fatal(err)
		}
		batches := 0
		r.faults.acquire = func([]hub.WebhookID) error {
			if batches++; batches == 2 {
				return errors.New("the database is slow")
			}
			return nil
		}
		if err := r.engine.SetShare(ctx, nil, nil); err == nil {
			t.Error("the failure is not told")
		}
		given := 0
		r.faults.cede = make(chan error)
		if err := r.engine.SetShare(ctx, nil, nothing); err != nil {
			t.Fatal(err)
		}
		select {
		case r.faults.cede <- nil:
			given++
		case <-time.After(time.Minute):
		}
		if given == 0 {
			t.Error("the lanes of the first batch are not given up")
		}
		r.end()
	})
}

// TestMarkFailsWhileCeding: a lane whose mark could not be stored is given up all the
// same.
func TestMarkFailsWhileCeding(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := newRig(t, newWorld(t, 1), path)
		r.addWebhook("slow", func(p *hub.Policy) { p.Concurrency, p.Ordering = 1, hub.OrderNone })
		asked, answer := make(chan struct{}), make(chan error)
		r.faults.mark = func() error {
			asked <- struct{}{}
			return <-answer
		}
		event := func() *hub.Event {
			return &hub.Event{
				ID: hub.EventID(r.ids.New()), Type: "all.x", Time: r.store.Now(), Data: []byte("1"), Origin: hub.Origin{Kind: hub.OriginHub},
			}
		}
		first, second := r.engine.Route(event()), r.engine.Route(event())
		r.engine.Settle(false, first) // its commit failed, and the mark went with it
		if err := r.store.Publish(ctx, nil, second); err != nil {
			t.Fatal(err)
		}
		r.engine.Settle(true, second)
		<-asked
		r.faults.cede = make(chan error)
		if err := r.engine.SetShare(ctx, nil, func(hub.WebhookID) bool { return false }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		answer <- errors.New("no database")
		select {
		case r.faults.cede <- nil:
		case <-time.After(time.Hour):
			t.Error("after an hour the lane is not given up")
		}
		r.end()
	})
}

// end stops the engine and closes its database.
func (r *rig) end() {
	r.t.Helper()
	r.faults.cede, r.faults.acquire, r.faults.mark = nil, nil, nil
	r.stop()
	if r.beside != nil {
		r.beside.close()
	}
	if err := r.store.Close(); err != nil {
		r.t.Error(err)
	}
}
