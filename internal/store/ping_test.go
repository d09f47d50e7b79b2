package store

import (
	"testing"

	"github.com/nself-chat/hub/internal/postgrestest"
)

// TestPingAfterRestart: connections kept since before the database was
// restarted do not make it look away.
func TestPingAfterRestart(t *testing.T) {
	proxy := postgrestest.NewProxy(t, postgrestest.URL(t))
	s := openTest(t, Options{Postgres: proxy.URL()})
	for range 3 {
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		proxy.Cut()
	}
}
