package delivery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/delivery"
	"github.com/nself-chat/hub/internal/postgrestest"
	"github.com/nself-chat/hub/internal/store"
)

// prunable is a rig with finished work of several ages.
func prunable(t *testing.T, path string) *rig {
	r := newRig(t, newWorld(t, 1), path)
	r.addWebhook("well", nil)
	r.addWebhook("dead", func(p *hub.Policy) { p.MaxRetries = 1 })
	return r
}

func (r *rig) pruner(change func(*delivery.Pruner)) *delivery.Pruner {
	p := &delivery.Pruner{Store: r.store, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	change(p)
	return p
}

func (r *rig) round(p *delivery.Pruner) {
	r.t.Helper()
	if err := p.Round(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) close() {
	r.stop()
	if err := r.store.Close(); err != nil {
		r.t.Error(err)
	}
}

func TestPruneByAge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		r := prunable(t, path)
		defer r.close()
		r.publish("custom.0", "") // goes to the webhook that takes everything at once
		r.publish("custom.1", "") // goes to the one that never does
		time.Sleep(40 * time.Minute)
		r.publish("custom.0", "")
		synctest.Wait()
		age := r.pruner(func(p *delivery.Pruner) { p.Finished, p.Failed = 30*time.Minute, 90*time.Minute })
		r.round(age)
		if report := r.verify(); report.Events != 2 || report.Deliveries != 2 {
			t.Errorf("after 40 minutes: %+v, want the dead letter and the young one", report)
		}
		time.Sleep(60 * time.Minute)
		r.publish("custom.0", "")
		time.Sleep(time.Second)
		r.round(age)
		if report := r.verify(); report.Events != 1 {
			t.Errorf("after 100 minutes: %+v, want the young one", report)
		}
		s, err := r.engine.Stats(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if s.Completed != 1 || s.Failed != 0 {
			t.Errorf("counters after the clean-up: %+v", s)
		}
	})
}

func TestPruneKeepsWhatIsUnfinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		r := prunable(t, path)
		defer r.close()
		r.setState(r.hooks[0].ID, hub.WebhookPaused)
		r.publish("custom.0", "")
		time.Sleep(100 * time.Minute)
		r.publish("custom.2", "")
		r.round(r.pruner(func(p *delivery.Pruner) { p.Finished, p.Failed = time.Minute, time.Minute }))
		if report := r.verify(); report.Deliveries != 1 {
			t.Errorf("what is on hold was removed: %+v", report)
		}
	})
}

func TestPruneByQuota(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		r := prunable(t, path)
		defer r.close()
		for range 3000 {
			r.publish("custom.0", "")
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		before, err := r.store.Size(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		quota := before * 2 / 3
		r.round(r.pruner(func(p *delivery.Pruner) { p.Bytes = quota }))
		after, err := r.store.Size(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		report := r.verify()
		if after > quota || report.Events == 0 || report.Events == 3000 {
			t.Errorf("quota %d: %d bytes before, %d after, %d events left", quota, before, after, report.Events)
		}
	})
}

// large is the size of the bodies of calls in these tests.
const large = 100 << 10

// receive logs n calls of incoming webhooks with large bodies.
func (r *rig) receive(n int) (ids []hub.CallID) {
	r.t.Helper()
	for range n {
		c := hub.Call{
			ID: hub.CallID(r.ids.New()), Verdict: "accepted", Status: 200, Body: make([]byte, large), BodySize: large, CreatedAt: r.store.Now(),
		}
		if err := r.store.LogCall(context.Background(), nil, &c); err != nil {
			r.t.Fatal(err)
		}
		ids = append(ids, c.ID)
		time.Sleep(10 * time.Millisecond)
	}
	return ids
}

func (r *rig) size() int64 {
	r.t.Helper()
	size, err := r.store.Size(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return size
}

// TestPruneByQuotaInOrder: the bodies of calls go first, then finished work;
// dead letters only when nothing else is left, which the log warns of. Of each
// the oldest goes first, and no more than has to.
func TestPruneByQuotaInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		r := prunable(t, path)
		defer r.close()
		r.answers(r.hooks[1], func(int) (hub.Response, time.Duration) { return status(500), 0 })
		r.publish("custom.1", "") // never taken
		time.Sleep(time.Minute)
		calls := r.receive(50)
		for range 300 {
			r.publish("custom.0", "")
		}
		time.Sleep(time.Minute)
		r.publish("custom.1", "")
		time.Sleep(time.Minute)
		var log bytes.Buffer
		prune := func(quota int64) {
			t.Helper()
			r.round(r.pruner(func(p *delivery.Pruner) {
				p.Bytes, p.Log = quota, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
			}))
		}
		body := func(id hub.CallID) int {
			t.Helper()
			c, err := r.store.Call(context.Background(), id)
			if err != nil {
				t.Fatal(err)
			}
			return len(c.Body)
		}
		quota := r.size() - 30*large
		prune(quota)
		if r.size() > quota || body(calls[0]) != 0 || body(calls[20]) != 0 || body(calls[35]) != large {
			t.Errorf("quota %d, now %d; bodies of %d, %d, %d bytes", quota, r.size(), body(calls[0]), body(calls[20]), body(calls[35]))
		}
		if report := r.verify(); report.Events != 302 {
			t.Errorf("%d events are left although bodies were enough", report.Events)
		}
		prune(quota - 22*large) // more than the bodies that are left
		if body(calls[49]) != 0 || r.count(hub.DeliverySuccess) == 300 || r.count(hub.DeliveryFailed) != 2 {
			t.Errorf("%d succeeded, %d failed, the last body has %d bytes",
				r.count(hub.DeliverySuccess), r.count(hub.DeliveryFailed), body(calls[49]))
		}
		if log.Len() > 0 {
			t.Errorf("warned of: %s", log.String())
		}
		prune(1)
		if r.count(hub.DeliverySuccess) != 0 || r.count(hub.DeliveryFailed) != 1 { // the newest event always stays
			t.Errorf("%d succeeded, %d failed", r.count(hub.DeliverySuccess), r.count(hub.DeliveryFailed))
		}
		if !strings.Contains(log.String(), "failed deliveries") {
			t.Errorf("the log warns of %q", log.String())
		}
		r.verify()
	})
}

// TestPruneByQuotaStopsWhenItFits: a database that is one byte over its quota loses
// its oldest few deliveries, even if something much older is there that stays.
func TestPruneByQuotaStopsWhenItFits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		r := prunable(t, path)
		defer r.close()
		r.setState(r.hooks[1].ID, hub.WebhookPaused)
		r.publish("custom.1", "") // stays on hold
		time.Sleep(3 * time.Hour)
		const finished = 720
		r.data = `{"n":"` + strings.Repeat("1", 4000) + `"}` // a page each
		for range finished {
			r.publish("custom.0", "")
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		quota := r.size() - 1
		r.round(r.pruner(func(p *delivery.Pruner) { p.Bytes = quota }))
		left := r.count(hub.DeliverySuccess)
		if size := r.size(); size > quota || left == finished || left < finished-25 || r.count(hub.DeliveryHeld) != 1 {
			t.Errorf("quota %d, now %d bytes; %d of %d are left, %d on hold", quota, size, left, finished, r.count(hub.DeliveryHeld))
		}
		r.verify()
	})
}

// weekly is a database that keeps weeks apart: only weeks that go, and bodies of
// calls, make room in it.
type weekly struct {
	finished, failed []int64 // sizes of the weeks that may go, those with failed deliveries last
	bodies, rest     int64
	busy             bool
}

func (w *weekly) ByWeek() bool { return true }

func (w *weekly) InUse(context.Context) (int64, error) {
	sum := w.bodies + w.rest
	for _, week := range append(w.finished[:len(w.finished):len(w.finished)], w.failed...) {
		sum += week
	}
	return sum, nil
}

func (w *weekly) PruneWeeks(_ context.Context, r hub.Retention, most int) (p hub.Pruned, _ error) {
	if w.busy {
		return hub.Pruned{More: true}, nil
	}
	take := func(weeks *[]int64) {
		for len(*weeks) > 0 && p.Weeks < most {
			*weeks = (*weeks)[1:]
			p.Weeks++
		}
	}
	take(&w.finished)
	if !r.FailedBefore.IsZero() {
		take(&w.failed)
	}
	return p, nil
}

func (w *weekly) Prune(context.Context, hub.Retention, hub.EventID, int) (hub.Pruned, hub.EventID, error) {
	return hub.Pruned{}, "", errors.New("rows are removed, which makes no room")
}

func (w *weekly) TrimCalls(_ context.Context, _ time.Time, _ hub.CallID, bytes int64) (int64, hub.CallID, error) {
	if w.bodies == 0 {
		return 0, "", nil
	}
	n := min(w.bodies, bytes)
	w.bodies -= n
	return n, "x", nil
}

func (w *weekly) Vacuum(context.Context, int) error { return nil }

// TestPruneByQuotaByWeek: where only weeks that go give room back, as many go as have
// to, those of finished work first, the oldest first; then bodies of calls; and weeks
// with a failed delivery only when nothing else is left. While somebody reads the
// tables, nothing goes in place of a week.
func TestPruneByQuotaByWeek(t *testing.T) {
	for name, tt := range map[string]struct {
		quota      int64
		busy       bool
		want       weekly
		wantWarned bool
	}{
		"it fits":               {170, false, weekly{finished: []int64{10, 20, 30}, failed: []int64{40, 50}, bodies: 15, rest: 5}, false},
		"a byte over":           {169, false, weekly{finished: []int64{20, 30}, failed: []int64{40, 50}, bodies: 15, rest: 5}, false},
		"two weeks":             {155, false, weekly{finished: []int64{30}, failed: []int64{40, 50}, bodies: 15, rest: 5}, false},
		"bodies":                {100, false, weekly{failed: []int64{40, 50}, bodies: 5, rest: 5}, false},
		"weeks with a failed":   {90, false, weekly{failed: []int64{50}, rest: 5}, true},
		"nothing else":          {1, false, weekly{rest: 5}, true},
		"somebody reads":        {100, true, weekly{finished: []int64{10, 20, 30}, failed: []int64{40, 50}, bodies: 15, rest: 5, busy: true}, false},
		"nobody asks for space": {0, false, weekly{finished: []int64{10, 20, 30}, failed: []int64{40, 50}, bodies: 15, rest: 5}, false},
	} {
		t.Run(name, func(t *testing.T) {
			store := &weekly{finished: []int64{10, 20, 30}, failed: []int64{40, 50}, bodies: 15, rest: 5, busy: tt.busy}
			var log bytes.Buffer
			p := &delivery.Pruner{
				Store: store, Now: time.Now, Bytes: tt.quota,
				Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
			}
			for range 3 { // what fits is left alone by the rounds that follow
				if err := p.Round(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got, want := fmt.Sprintf("%+v", *store), fmt.Sprintf("%+v", tt.want); got != want || log.Len() > 0 != tt.wantWarned {
				t.Errorf("left %s, want %s; the log warns of %q", got, want, log.String())
			}
		})
	}
}

// TestPruneByQuotaWhileBusy: who reads the tables for long does not let the database grow.
func TestPruneByQuotaWhileBusy(t *testing.T) {
	store := &weekly{finished: []int64{10, 20, 30}, bodies: 15, rest: 5, busy: true}
	var log bytes.Buffer
	now := time.Now()
	p := &delivery.Pruner{
		Store: store, Now: func() time.Time { return now }, Bytes: 70, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	for _, want := range []int64{15, 5} {
		if err := p.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if store.bodies != want {
			t.Errorf("%d bytes of bodies are left, want %d", store.bodies, want)
		}
		now = now.Add(time.Hour)
	}
	if strings.Count(log.String(), "another session reads") != 1 {
		t.Errorf("the log warns of %q", log.String())
	}
}

// TestPruneByQuotaOnPostgres: bodies that are removed leave room which Postgres does
// not give back. It counts as free all the same: the rounds that follow, of whoever
// leads, take no more.
func TestPruneByQuotaOnPostgres(t *testing.T) {
	s := openQueue(t, store.Options{Postgres: postgrestest.URL(t), Schema: "quota_" + strconv.FormatUint(rand.Uint64(), 36)})
	ids := &hub.IDs{Now: s.Now}
	const calls = 50
	var all []hub.CallID
	for range calls {
		body := make([]byte, large)
		for i := range body {
			body[i] = byte(rand.Uint32())
		}
		c := hub.Call{ID: hub.CallID(ids.New()), Verdict: "accepted", Status: 200, Body: body, BodySize: large, CreatedAt: s.Now()}
		if err := s.LogCall(t.Context(), nil, &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c.ID)
	}
	if _, err := s.PruneWeeks(t.Context(), hub.Retention{FinishedBefore: s.Now()}, 0); err != nil { // last week's, which is empty
		t.Fatal(err)
	}
	before, err := s.InUse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		p := &delivery.Pruner{ // as after a restart
			Store: s, Now: func() time.Time { return s.Now().Add(time.Minute) }, Log: slog.New(slog.DiscardHandler), Bytes: before - 10*large,
		}
		if err := p.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	left := 0
	for _, id := range all {
		c, err := s.Call(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Body) > 0 {
			left++
		}
	}
	// One more may go for what the removal itself takes.
	if left > calls-10 || left < calls-11 {
		t.Errorf("%d bodies of %d are left; 10 had to go", left, calls)
	}
	if inUse, err := s.InUse(t.Context()); err != nil || inUse > before-10*large {
		t.Errorf("%d bytes in use of %d, %v", inUse, before, err)
	}
}
