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
		if err := r.engine.SetShare(ctx, func(hub.WebhookID) bool { return false }); err != nil {
			t.Fatal(err)
		}
		id := r.publish("all.x", "").Deliveries[0].ID
		if err := r.engine.SetShare(ctx, nil); err != nil {
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
