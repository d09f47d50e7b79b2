package postgrestest

import (
	"context"
	"runtime"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

func connect(t *testing.T, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// count returns what a query for one number finds.
func count(t *testing.T, conn *pgx.Conn, query string) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestURL(t *testing.T) {
	const tables = "SELECT count(*) FROM pg_class WHERE relname = 'mine'"
	other := connect(t, URL(t))
	var database string
	t.Run("user", func(user *testing.T) {
		database = URL(user)
		conn := connect(t, database) // outlives the user
		execute(user, database, "CREATE TABLE mine ()")
		if n := count(t, conn, tables); n != 1 {
			t.Errorf("%d tables, want the one just made", n)
		}
		if n := count(t, other, tables); n != 0 {
			t.Error("the table is in another test's database, too")
		}
	})
	if conn, err := pgx.Connect(t.Context(), database); err == nil {
		_ = conn.Close(t.Context())
		t.Error("the database outlived its user")
	}
}

// verdict is a test's that ends early.
type verdict struct {
	testing.TB
	skipped, failed bool
}

func (v *verdict) Helper() {}

func (v *verdict) Skipf(string, ...any) {
	v.skipped = true
	runtime.Goexit()
}

func (v *verdict) Fatalf(string, ...any) {
	v.failed = true
	runtime.Goexit()
}

func TestWithoutServer(t *testing.T) {
	for ci, want := range map[string]verdict{"": {skipped: true}, "true": {failed: true}} {
		t.Setenv("CI", ci)
		t.Setenv("HUB_TEST_POSTGRES", "")
		t.Setenv("HUB_TEST_POSTGRES_BIN", "")
		for name, use := range map[string]func(testing.TB){
			"URL":   func(tb testing.TB) { URL(tb) },
			"Start": func(tb testing.TB) { Start(tb) },
		} {
			var got verdict
			var test sync.WaitGroup
			test.Go(func() { use(&got) })
			test.Wait()
			if got != want {
				t.Errorf("%s with CI=%q: %+v, want %+v", name, ci, got, want)
			}
		}
	}
}

func BenchmarkURL(b *testing.B) {
	for b.Loop() {
		URL(b)
	}
}
