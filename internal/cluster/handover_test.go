package cluster_test

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/cluster"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// made is how many of the deliveries were made, by whom ever. It fails when one
// was made twice.
func made(t *testing.T, all []hub.RoutedDelivery, by ...*member) (n int) {
	t.Helper()
	for _, d := range all {
		makers := 0
		for _, m := range by {
			m.mu.Lock()
			if m.sent[d.ID] {
				makers++
			}
			if slices.Contains(m.again, d.ID) {
				makers++
			}
			m.mu.Unlock()
		}
		if makers > 1 {
			t.Errorf("delivery %s was made %d times", d.ID, makers)
		}
		n += min(makers, 1)
	}
	return n
}

// TestHandover: what one process publishes for lanes of the other goes there with
// the commit, and nobody claims it; what the other does not hear of, as its
// connection is lost at that moment, it takes up as soon as it listens again.
func TestHandover(t *testing.T) {
	const soon = 5 * time.Second
	database := postgrestest.URL(t)
	// What is lost is to be found by listening anew, not by looking.
	a, b := start(t, database, cluster.Options{NoPolling: true}), start(t, database, cluster.Options{NoPolling: true})
	within(t, soon, "both are members", func() bool { return len(a.cluster.Members()) == 2 && len(b.cluster.Members()) == 2 })
	const lanes = 12
	for range lanes - 1 {
		a.subscribe("work")
	}
	a.subscribe("last")
	within(t, soon, "the other knows of the webhooks", func() bool { return len(b.publish("last")) == 1 })

	var work []hub.RoutedDelivery
	allMade := func() bool { return made(t, work, a, b) == len(work) }
	handed := func() int64 { return a.engine.Counters().Handed.Load() + b.engine.Counters().Handed.Load() }
	claimed := func() int64 { return a.engine.Counters().Claimed.Load() + b.engine.Counters().Claimed.Load() }
	within(t, soon, "each has grants of all of the other's lanes", func() bool {
		foreign := 0
		for _, m := range []*member{a, b} {
			ds := m.publish("work")
			work = append(work, ds...)
			for _, d := range ds {
				if d.LeasedTo == "" {
					foreign++
				}
			}
		}
		return foreign == 0
	})
	within(t, soon, "all work is done", allMade)
	claims, hands := claimed(), handed()
	for range 200 {
		work = append(work, a.publish("work")...)
		work = append(work, b.publish("work")...)
	}
	within(t, soon, "all work is done", allMade)
	if n := handed() - hands; n < 200 || claimed() != claims {
		t.Errorf("%d were handed over and %d claimed, of %d", n, claimed()-claims, 2*200*(lanes-1))
	}

	// While their connections break, again and again.
	breaker, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer breaker.Close(t.Context())
	for range 5 {
		tag, err := breaker.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name LIKE '% listens'`)
		if err != nil || tag.RowsAffected() != 2 {
			t.Fatal(tag, err)
		}
		for range 20 {
			work = append(work, a.publish("work")...)
			work = append(work, b.publish("work")...)
		}
		within(t, soon, "all work is done", allMade)
	}
	for _, m := range []*member{a, b} {
		if n := m.engine.Counters().Repaired.Load(); n > 0 {
			t.Errorf("%d leases were forgotten", n)
		}
	}
}

// TestHandoverToWhoLeaves: what is handed over to a process that ends is not lost,
// and comes to the one that stays.
func TestHandoverToWhoLeaves(t *testing.T) {
	const soon = 5 * time.Second
	database := postgrestest.URL(t)
	a := start(t, database, cluster.Options{})
	var b *member
	var work []hub.RoutedDelivery
	t.Run("the other", func(t *testing.T) {
		b = start(t, database, cluster.Options{})
		within(t, soon, "both are members", func() bool { return len(a.cluster.Members()) == 2 && len(b.cluster.Members()) == 2 })
		for range 12 {
			a.subscribe("work")
		}
		within(t, soon, "something is handed over", func() bool {
			work = append(work, a.publish("work")...)
			return b.engine.Counters().Handed.Load() > 0
		})
		work = append(work, a.publish("work")...) // and then the other ends
	})
	work = append(work, a.publish("work")...) // the first one may not have heard of it
	within(t, 2*hub.DeadAfter, "all work is done", func() bool { return made(t, work, a, b) == len(work) })
	if n := a.engine.Counters().Repaired.Load() + b.engine.Counters().Repaired.Load(); n > 0 {
		t.Errorf("%d leases were forgotten", n)
	}
}
