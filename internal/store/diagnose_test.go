package store

import (
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

func TestDiagnose(t *testing.T) {
	s := openTest(t, EmptyPostgres(t))
	for _, id := range []string{"first", "gone"} {
		if _, err := s.Join(t.Context(), id, id+"'s host"); err != nil {
			t.Fatal(err)
		}
		if id != "gone" {
			continue
		}
		err := s.write(t.Context(), func(t *tx) error {
			return t.later(`UPDATE nchat_nodes SET beat_at = $1 WHERE id = $2`, at(t.now.Add(-2*hub.DeadAfter)), id)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	d, err := s.Diagnose(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Members) != 1 || d.Members[0].Name != "first's host" {
		t.Errorf("members: %v", d.Members)
	}
	if d.Version == "" || d.Empty || d.Commit <= 0 || d.ConnectionsLeft <= 0 || d.ConnectionsOfAHub < 6 || d.ClockAhead.Abs() > time.Minute {
		t.Errorf("%+v", d)
	}
}
