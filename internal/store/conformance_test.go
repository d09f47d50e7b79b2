package store_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/nself-chat/hub/internal/store"
	"github.com/nself-chat/hub/internal/store/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.Store {
		s, err := store.Open(t.Context(), store.Options{
			Path: filepath.Join(t.TempDir(), "hub.db"), Synchronous: "NORMAL", Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	})
}
