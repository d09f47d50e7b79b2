package store

import (
	"strconv"
	"sync"
	"testing"

	"github.com/nself-chat/hub"
)

func TestSettings(t *testing.T) {
	now := noon
	s := openWithUsers(t, &now)
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
	if v, err := s.SetSettingIfAbsent(ctx, "workspace", "three"); v != "two" || err != nil {
		t.Errorf("present: %q, %v", v, err)
	}
	if err := s.SetSetting(ctx, "workspace", ""); hub.CodeOf(err) != hub.Invalid {
		t.Errorf("empty: %v", err)
	}
}

func TestSetSettingIfAbsentAgrees(t *testing.T) {
	now := noon
	s := openWithUsers(t, &now)
	values := make([]string, 32)
	var all sync.WaitGroup
	for i := range values {
		all.Go(func() {
			v, err := s.SetSettingIfAbsent(t.Context(), "id", "made by "+strconv.Itoa(i))
			if err != nil {
				t.Error(err)
			}
			values[i] = v
		})
	}
	all.Wait()
	stored, err := s.Setting(t.Context(), "id")
	if err != nil || stored == "" {
		t.Fatalf("%q, %v", stored, err)
	}
	for i, v := range values {
		if v != stored {
			t.Errorf("caller %d was told %q, stored is %q", i, v, stored)
		}
	}
}
