package delivery_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/nself-chat/hub/internal/delivery/queuetest"
	"github.com/nself-chat/hub/internal/store"
)

func TestQueueOnSQLite(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) queuetest.Store {
		s, err := store.Open(context.Background(), store.Options{Path: filepath.Join(t.TempDir(), "hub.db"), Synchronous: "OFF"})
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
