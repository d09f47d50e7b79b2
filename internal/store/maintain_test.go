package store

import (
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

func TestMaintenance(t *testing.T) { onBoth(t, testMaintenance) }

func testMaintenance(t *testing.T, s *Store, _ *time.Time) {
	if version, err := s.QuickCheck(t.Context()); err != nil || !strings.Contains(version, ".") {
		t.Errorf("version %q, %v", version, err)
	}
	if err := s.Vacuum(t.Context(), 10); err != nil {
		t.Error(err)
	}
	if size, err := s.Size(t.Context()); err != nil || size < 100_000 {
		t.Errorf("%d bytes, %v", size, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Vacuum(t.Context(), 10); !s.onPostgres() && hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("after Close: %v", err)
	}
}

// A hub that finds older tables than it works on says so.
func TestQuickCheckOfOldTables(t *testing.T) {
	s := openTest(t, EmptyPostgres(t))
	migrated := func(is bool) {
		t.Helper()
		err := s.write(t.Context(), func(t *tx) error {
			return t.later(`UPDATE nchat_schema_versions SET is_applied = $1 WHERE version_id > 0`, is)
		})
		if err != nil {
			t.Error(err)
		}
	}
	migrated(false)
	defer migrated(true) // the schema is used again
	if _, err := s.QuickCheck(t.Context()); err == nil || !strings.Contains(err.Error(), "start it once") {
		t.Errorf("old tables: %v", err)
	}
}
