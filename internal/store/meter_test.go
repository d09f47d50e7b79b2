package store

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// measured remembers what was observed.
type measured struct {
	mu     sync.Mutex
	values []float64
}

// Observe implements Observer.
func (m *measured) Observe(value float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values = append(m.values, value)
}

// taken returns what was observed since the last call.
func (m *measured) taken() []float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	values := m.values
	m.values = nil
	return values
}

func TestMeters(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testMeters(t, Options{}) })
	t.Run("postgres", func(t *testing.T) { testMeters(t, EmptyPostgres(t)) })
}

func testMeters(t *testing.T, o Options) {
	var turn, commit, group, read measured
	o.Meters = Meters{Turn: &turn, Commit: &commit, Group: &group, Read: &read}
	s := openTest(t, o)
	read.taken()
	if err := s.SetSetting(t.Context(), "a", "b"); err != nil {
		t.Fatal(err)
	}
	turns, commits := turn.taken(), commit.taken()
	if len(turns) != 1 || len(commits) != 1 || turns[0] <= 0 || commits[0] < turns[0] || commits[0] > 60 {
		t.Errorf("turns %v, commits %v", turns, commits)
	}
	if groups := group.taken(); !slices.Equal(groups, []float64{1}) {
		t.Errorf("groups %v", groups)
	}
	if _, err := s.Setting(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if reads := read.taken(); len(reads) != 1 || reads[0] <= 0 || reads[0] > 60 {
		t.Errorf("reads %v", reads)
	}

	// What is refused by its own rules alone is no failure of the database.
	refused := errors.New("no")
	if err := s.write(t.Context(), func(*tx) error { return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	f := s.Figures()
	if len(commit.taken()) != 0 || f.Failed != 0 || f.Queued != 0 || f.MaxConns < 4 || f.InUse != 0 || f.Reconnects != 0 {
		t.Errorf("%+v", f)
	}
	if !s.onPostgres() {
		return
	}
	s.w.conn.(*pgConn).disconnect()
	s.pg.setNode("removed")
	if err := s.SetSetting(t.Context(), "a", "c"); !errors.Is(err, hub.ErrFenced) {
		t.Errorf("a write of a hub that is no member: %v", err)
	}
	if f := s.Figures(); f.Failed != 1 || f.Reconnects != 1 || len(commit.taken()) != 0 {
		t.Errorf("%+v", f)
	}
}

func TestDeliveryTotals(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store, _ *time.Time) {
		counted := func(webhook, status string, n int) {
			t.Helper()
			err := s.write(t.Context(), func(t *tx) error {
				t.count(counterKey{hub.WebhookID(webhook), hub.DeliveryStatus(status)}, n)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		counted(id1, "success", 3)
		counted(id2, "success", 4)
		counted(id2, "held", 1)
		totals, err := s.DeliveryTotals(t.Context())
		if err != nil || len(totals) != 2 || totals[hub.DeliverySuccess] != 7 || totals[hub.DeliveryHeld] != 1 {
			t.Errorf("%v, %v", totals, err)
		}
	})
}
