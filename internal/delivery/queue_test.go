package delivery_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/nself-chat/hub/internal/delivery/queuetest"
	"github.com/nself-chat/hub/internal/postgrestest"
	"github.com/nself-chat/hub/internal/store"
)

func TestQueueOnSQLite(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) queuetest.Store {
		return openQueue(t, store.Options{Path: filepath.Join(t.TempDir(), "hub.db"), Synchronous: "OFF"})
	})
}

func TestQueueOnPostgres(t *testing.T) {
	url := postgrestest.URL(t)
	queuetest.Run(t, func(t *testing.T) queuetest.Store {
		return openQueue(t, store.Options{Postgres: url, Schema: "queue_" + strconv.FormatUint(rand.Uint64(), 36)})
	})
}

func openQueue(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), o)
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
