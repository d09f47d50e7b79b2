package store

import (
	"runtime"
	"strings"
	"testing"
)

// TestPostgresConnections: the URL says how many connections read, down to the
// fewest that do.
func TestPostgresConnections(t *testing.T) {
	usual := max(4, int32(4*runtime.GOMAXPROCS(0)))
	for url, want := range map[string]int32{
		"postgres://hub@db/hub":                                  usual,
		"postgres://hub@db/hub?pool_max_conns=3":                 3,
		"postgres://hub@db/hub?sslmode=disable&pool_max_conns=1": minReaders,
		"postgres://hub@db/hub?pool_max_conns=200":               200,
	} {
		c, err := postgresConfig(url, "hub")
		if err != nil {
			t.Fatal(err)
		}
		if c.MaxConns != want {
			t.Errorf("%s: %d connections, want %d", url, c.MaxConns, want)
		}
		if _, sent := c.ConnConfig.RuntimeParams["pool_max_conns"]; sent {
			t.Errorf("%s: the server would be sent pool_max_conns", url)
		}
	}
	if _, err := postgresConfig("postgres://hub:pass-word@db/hub?pool_max_conns=many", "hub"); err == nil || strings.Contains(err.Error(), "pass-word") {
		t.Errorf("no number: %v", err)
	}
}
