package app

import (
	"context"
	"testing"

	"github.com/nself-chat/hub/internal/postgrestest"
)

// A hub that is stopped leaves at once: the other one serves its webhooks
// without waiting until it is taken for dead, and nothing stays leased.
func TestStopHandsOver(t *testing.T) {
	env := map[string]string{
		"HUB_DATABASE_URL": postgrestest.URL(t), "HUB_SECRET_KEYS": "k:" + keyText, "HUB_ADMIN_TOKEN": "an-admin-token-of-this-test",
	}
	run := func(a *App) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		ready, ended := make(chan struct{}), make(chan error, 1)
		go func() { ended <- a.Run(ctx, func() { close(ready) }) }()
		<-ready
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	first := newTestApp(t, env)
	if _, err := first.SeedDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	stopFirst := run(first)
	second := newTestApp(t, env)
	defer run(second)()
	served := len(demoWebhooks)
	await(t, second, "all deliveries of the first hub are done, and each hub has its share", func(x exposition) bool {
		elsewhere := scrape(t, first).values["hub_lanes open"]
		return x.values["hub_cluster_members"] == 2 && x.values["hub_deliveries active"] == 0 && x.values["hub_deliveries_due"] == 0 &&
			int(elsewhere+x.values["hub_lanes open"]) == served
	})
	stopFirst()
	left, err := second.store.Diagnose(t.Context())
	if err != nil || len(left.Members) != 1 {
		t.Errorf("members when the first has stopped: %v, %v", left.Members, err)
	}
	await(t, second, "the second hub leads and serves all webhooks", func(x exposition) bool {
		return x.values["hub_cluster_leads"] == 1 && x.values["hub_cluster_members"] == 1 && int(x.values["hub_lanes open"]) == served
	})
	x := scrape(t, second)
	if x.values["hub_deliveries active"] != 0 || x.values["hub_cluster_fenced_total"] != 0 || x.values["hub_delivery_leases_repaired_total"] != 0 {
		t.Errorf("left behind: %v", x.values)
	}
}
