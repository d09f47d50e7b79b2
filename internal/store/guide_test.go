package store

import (
	"context"
	"encoding/csv"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
)

// The queries of nself-chat's guide to integrations ("Database Schema"), as an
// operator types them.
const (
	connectedQuery = `SELECT * FROM nchat_integrations
WHERE status = 'connected';`
	statsQuery = `SELECT
  webhook_id,
  COUNT(*) as total,
  SUM(CASE WHEN status = 'success' THEN 1 ELSE 0 END) as successful,
  SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) as failed
FROM nchat_webhook_deliveries
GROUP BY webhook_id;`
	pendingQuery = `SELECT * FROM nchat_integration_sync_queue
WHERE status = 'pending'
AND scheduled_for <= NOW()
ORDER BY scheduled_for ASC
LIMIT 100;`
)

// On SQLite they run as they are, but for the time, which is bound. On Postgres
// they run as they are, in the hub's role and without naming its schema.
func TestGuideQueries(t *testing.T) { onBoth(t, testGuideQueries) }

func testGuideQueries(t *testing.T, s *Store, _ *time.Time) {
	fillGuideTables(t, s)
	ask := func(query string) []map[string]string {
		t.Helper()
		if !s.onPostgres() {
			return askSQLite(t, s, query)
		}
		return askPostgres(t, query)
	}
	for _, tt := range []struct {
		query   string
		columns []string
		want    []string
	}{
		{connectedQuery, []string{"id", "name"}, []string{id1 + " one", id3 + " three"}},
		{statsQuery, []string{"webhook_id", "total", "successful", "failed"}, []string{ann + " 3 1 2", bob + " 1 1 0"}},
		{pendingQuery, []string{"id"}, []string{id3, id1}},
	} {
		var got []string
		for _, row := range ask(tt.query) {
			var fields []string
			for _, c := range tt.columns {
				fields = append(fields, row[c])
			}
			got = append(got, strings.Join(fields, " "))
		}
		if tt.query != pendingQuery { // the others have no order
			slices.Sort(got)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.query, diff)
		}
	}
}

func fillGuideTables(t *testing.T, s *Store) {
	t.Helper()
	now := time.Now() // what NOW() says on Postgres
	err := s.write(t.Context(), func(t *tx) error {
		for i, status := range map[string]string{id1: "connected", id2: "error", id3: "connected"} {
			err := t.later(`INSERT INTO nchat_integrations (id, provider, name, status, created_at, updated_at) VALUES ($1, 'slack', $2, $3, $4, $4)`,
				i, map[string]string{id1: "one", id2: "two", id3: "three"}[i], status, at(now))
			if err != nil {
				return err
			}
		}
		for _, d := range []struct{ id, webhook, status string }{
			{id1, ann, "success"}, {id2, ann, "failed"}, {id3, ann, "failed"}, {id4, bob, "success"},
		} {
			err := t.later(`INSERT INTO nchat_webhook_deliveries (id, webhook_id, event_id, event, status, created_at, updated_at, finished_at)
				VALUES ($1, $2, $1, 'x', $3, $4, $4, $4)`, d.id, d.webhook, d.status, at(now))
			if err != nil {
				return err
			}
		}
		for _, op := range []struct {
			id, status string
			due        time.Duration
		}{
			{id1, "pending", -time.Minute}, {id2, "pending", time.Hour}, {id3, "pending", -time.Hour}, {id4, "success", -time.Hour},
		} {
			err := t.later(`INSERT INTO nchat_integration_sync_queue (id, link_id, kind, status, scheduled_for, created_at, updated_at)
				VALUES ($1, $1, 'post', $2, $3, $4, $4)`, op.id, op.status, at(now.Add(op.due)), at(now))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func askSQLite(t *testing.T, s *Store, query string) (out []map[string]string) {
	t.Helper()
	var args []any
	if strings.Contains(query, "NOW()") {
		query, args = strings.Replace(query, "NOW()", "$1", 1), []any{at(time.Now())}
	}
	found, err := s.readers.(sqlitePool).db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for found.Next() {
		values, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := found.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		out = append(out, asRow(columns, values))
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// column collects one value of each element.
func column[E any](all []E, value func(E) string) []string {
	out := make([]string, len(all))
	for i, e := range all {
		out[i] = value(e)
	}
	return out
}

// askPostgres asks on a connection that knows nothing of the hub: with psql
// where there is one.
func askPostgres(t *testing.T, query string) (out []map[string]string) {
	t.Helper()
	if psql, err := exec.LookPath("psql"); err == nil {
		answer, err := exec.CommandContext(t.Context(), psql, "--no-psqlrc", "--csv", "--command", query, schemas.url).CombinedOutput()
		if err != nil {
			t.Fatalf("psql: %v\n%s", err, answer)
		}
		lines, err := csv.NewReader(strings.NewReader(string(answer))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines[1:] {
			out = append(out, asRow(lines[0], line))
		}
		return out
	}
	conn, err := pgconn.Connect(t.Context(), schemas.url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	answers, err := conn.Exec(t.Context(), query).ReadAll() // as psql sends it, answered in text
	if err != nil {
		t.Fatal(err)
	}
	columns := column(answers[0].FieldDescriptions, func(f pgconn.FieldDescription) string { return f.Name })
	for _, values := range answers[0].Rows {
		out = append(out, asRow(columns, column(values, func(v []byte) string { return string(v) })))
	}
	return out
}

func asRow[T any](columns []string, values []T) map[string]string {
	row := make(map[string]string, len(columns))
	for i, c := range columns {
		row[c] = fmt.Sprint(values[i])
	}
	return row
}
