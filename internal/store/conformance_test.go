package store_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/nself-chat/hub/internal/store"
	"github.com/nself-chat/hub/internal/store/storetest"
)

func open(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.Store {
		return open(t, store.Options{Path: filepath.Join(t.TempDir(), "hub.db"), Synchronous: "NORMAL"})
	})
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.Store { return open(t, store.EmptyPostgres(t)) })
}
