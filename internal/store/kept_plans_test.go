package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// TestKeptPlans: what the server planned for a partition that it knew to be empty is
// not followed for long once there are rows.
func TestKeptPlans(t *testing.T) {
	s := openTest(t, Options{Postgres: postgrestest.URL(t)})
	s.now = func() time.Time { return noon }
	if err := s.EnsurePartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	partition := partitionName("nchat_webhook_deliveries", weekOf(noon))
	for _, statement := range []string{
		"ALTER TABLE " + partition + " SET (autovacuum_enabled = off)", // which would have plans made anew, too
		"VACUUM ANALYZE nchat_webhook_deliveries",
	} {
		if _, err := s.pg.pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(text string) (answer string) {
		t.Helper()
		err := s.write(t.Context(), func(t *tx) error {
			lines, err := list(context.Background(), t, scanText, text)
			answer = strings.Join(lines, "\n")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	record := func() {
		t.Helper()
		o := &hub.Outcome{
			DeliveryID: id1, WebhookID: id2, Node: "n", Status: hub.DeliverySuccess,
			Attempt: hub.Attempt{DeliveryID: id1, Number: 1, StartedAt: noon, Result: "success"},
		}
		if recorded, err := s.Record(t.Context(), []*hub.Outcome{o}); err != nil || !recorded[0].Stale {
			t.Fatalf("%v, %v; want that there is no such lease", recorded, err)
		}
	}
	// plan is the one that the writer's connection keeps.
	plan := func() string {
		t.Helper()
		name := ask(`SELECT name FROM pg_prepared_statements WHERE statement LIKE 'UPDATE nchat_webhook_deliveries d SET status = u.status%'`)
		return ask("EXPLAIN EXECUTE " + name + " (" + strings.Repeat("NULL, ", 9) + "NULL)")
	}
	ask("SELECT set_config('plan_cache_mode', 'force_generic_plan', false)")
	record()
	if p := plan(); strings.Contains(p, "Index Cond: (id = u.id)") {
		t.Skipf("this server searches an empty partition by id, so there is nothing to see\n%s", p)
	}
	fillBacklog(t, s, backlog{lanes: 20, perLane: 1000})
	c := s.w.conn.(*pgConn) // the writer rests
	c.planned = c.planned.Add(-2 * plansKept)
	record()
	if p := plan(); !strings.Contains(p, "Index Cond: (id = u.id)") {
		t.Errorf("deliveries are not found by their ids:\n%s", p)
	}
}
