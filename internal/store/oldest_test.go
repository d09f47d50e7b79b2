package store

import (
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// TestOldestIn: the oldest in each state is found, of all webhooks.
func TestOldestIn(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store, now *time.Time) {
		if oldest, err := s.OldestIn(t.Context()); err != nil || len(oldest) > 0 {
			t.Fatalf("%v, %v of nothing", oldest, err)
		}
		ids := &hub.IDs{Now: func() time.Time { return *now }}
		want := map[hub.DeliveryStatus]time.Time{}
		for i, status := range []hub.DeliveryStatus{"success", "retrying", "active", "held", "failed", "pending", "retrying", "active", "held", "failed"} {
			for _, webhook := range []string{id1, id2} {
				*now = now.Add(time.Minute)
				at := now.UTC().Format(timeLayout)
				null := func(set bool, value string) string {
					if set {
						return "'" + value + "'"
					}
					return "NULL"
				}
				e := hub.EventID(ids.New())
				err := raw(s, `INSERT INTO nchat_webhook_deliveries (id, webhook_id, event_id, event, status, scheduled_for, lease_node, created_at, updated_at, finished_at)
					VALUES ('`+string(hub.DeliveryIDFor(e, hub.WebhookID(webhook)))+`', '`+webhook+`', '`+string(e)+`', 'x', '`+string(status)+`', `+
					null(status == "retrying" || status == "pending", at)+`, `+null(status == "active", "n")+`, '`+at+`', '`+at+`', `+null(status.Final(), at)+`)`)
				if err != nil {
					t.Fatal(err)
				}
				err = raw(s, `INSERT INTO nchat_webhook_counters (webhook_id, status, total) VALUES ('`+webhook+`', '`+string(status)+`', 1) ON CONFLICT DO NOTHING`)
				if err != nil {
					t.Fatal(err)
				}
				if _, older := want[status]; !older && i > 0 && status != "pending" {
					want[status] = *now
				}
			}
		}
		oldest, err := s.OldestIn(t.Context())
		if err != nil || len(oldest) != len(want) {
			t.Fatalf("%v, %v", oldest, err)
		}
		for status, at := range want {
			if !oldest[status].Equal(at) {
				t.Errorf("%s: %v, want %v", status, oldest[status], at)
			}
		}
	})
}

// TestOldestInPlans: a scrape looks at a few rows, however many there are.
func TestOldestInPlans(t *testing.T) {
	lite := openTest(t, Options{})
	for status, index := range map[hub.DeliveryStatus]string{
		hub.DeliveryActive: "_leased", hub.DeliveryFailed: "_failed", hub.DeliveryHeld: "_held", hub.DeliveryRetrying: "_due",
	} {
		plan := explain(t, lite, oldestQueries[status])
		if !strings.Contains(plan, "nchat_webhook_deliveries"+index) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("SQLite, %s: %s", status, plan)
		}
	}
	s := openTest(t, Options{Postgres: postgrestest.URL(t)})
	s.now = func() time.Time { return noon }
	if err := s.EnsurePartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	fillMany(t, s)
	if _, err := s.pg.pool.Exec(t.Context(), `INSERT INTO nchat_webhook_counters (webhook_id, status, total)
		SELECT webhook_id, status, count(*) FROM nchat_webhook_deliveries GROUP BY 1, 2`); err != nil {
		t.Fatal(err)
	}
	for status, query := range oldestQueries {
		if plan, cost := planPostgres(t, s, asked{text: query}); cost > 1000 {
			t.Errorf("Postgres, %s: looks at %d rows\n%s", status, cost, plan)
		}
	}
}
