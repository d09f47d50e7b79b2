package store

import (
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

func TestSettings(t *testing.T) { onBoth(t, testSettings) }

func testSettings(t *testing.T, s *Store, _ *time.Time) {
	ctx := t.Context()
	if v, err := s.Setting(ctx, "workspace"); v != "" || err != nil {
		t.Errorf("never set: %q, %v", v, err)
	}
	for _, value := range []string{"one", "two"} {
		if err := s.SetSetting(ctx, "workspace", value); err != nil {
			t.Fatal(err)
		}
		if v, err := s.Setting(ctx, "workspace"); v != value || err != nil {
			t.Errorf("got %q, %v, want %q", v, err, value)
		}
	}
	if err := s.SetSetting(ctx, "workspace", ""); hub.CodeOf(err) != hub.Invalid {
		t.Errorf("empty: %v", err)
	}
}
