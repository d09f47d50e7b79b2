package cluster_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/cluster"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// talk is the chat of a member.
func (m *member) talk() *chat.Service {
	m.t.Helper()
	c := &chat.Service{
		Store: m.store, Router: m.engine, Blobs: &chat.Blobs{Dir: m.t.TempDir()}, IDs: m.ids, Now: m.store.Now, Log: slog.New(slog.DiscardHandler),
	}
	if _, err := c.EnsureDefaults(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	return c
}

// deliveries returns how many deliveries the event of a new channel has.
func (m *member) deliveries(c *chat.Service, name string) int {
	m.t.Helper()
	channel, err := c.CreateChannel(m.t.Context(), chat.NewChannel{Name: name}, chat.Cause{})
	if err != nil {
		m.t.Fatal(err)
	}
	events, _, err := m.store.EventsBefore(m.t.Context(), 0, hub.EventChannelCreated, 1)
	if err != nil || len(events) != 1 || events[0].ChannelID != channel.ID {
		m.t.Fatal(events, err)
	}
	found, _, err := m.store.Deliveries(m.t.Context(), hub.DeliveryQuery{Since: events[0].Time, Limit: 10})
	if err != nil {
		m.t.Fatal(err)
	}
	return len(found)
}

// TestWebhooksAreInForceEverywhere: a webhook that was made at one hub gets what is
// posted at another from then on, and one that was deleted nothing more, though
// the other has not heard of it.
func TestWebhooksAreInForceEverywhere(t *testing.T) {
	database := postgrestest.URL(t)
	deaf := cluster.Options{Deaf: true, NoPolling: true}
	a, b := start(t, database, deaf), start(t, database, deaf)
	c := b.talk()
	if n := b.deliveries(c, "before"); n != 0 {
		t.Errorf("%d deliveries before there is a webhook", n)
	}
	w := a.subscribe(hub.EventChannelCreated)
	if n := b.deliveries(c, "made"); n != 1 {
		t.Errorf("%d deliveries after a webhook was made", n)
	}
	if _, err := a.store.DeleteOutgoingWebhook(t.Context(), w, nil); err != nil {
		t.Fatal(err)
	}
	if n := b.deliveries(c, "deleted"); n != 0 {
		t.Errorf("%d deliveries after it was deleted", n)
	}
	// Many at once, while webhooks come and go.
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if _, err := c.CreateChannel(t.Context(), chat.NewChannel{Name: fmt.Sprint("many-", i)}, chat.Cause{}); err != nil {
				t.Error(err)
			}
		})
	}
	for range 5 {
		a.subscribe(hub.EventChannelCreated)
	}
	all.Wait()
	report, err := b.store.Verify(t.Context())
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}
