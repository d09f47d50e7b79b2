package store

import (
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// failingCommit refuses one commit, after everything before it went well.
type failingCommit struct {
	writeConn
	refused bool
}

func (c *failingCommit) commit() error {
	if c.refused {
		return c.writeConn.commit()
	}
	c.refused = true
	c.rollback()
	return hub.Errorf(hub.StorageFull, "The disk is full.")
}

// TestClaimNotCommitted: what a claim found is nobody's when its commit failed.
func TestClaimNotCommitted(t *testing.T) { onBoth(t, testClaimNotCommitted) }

func testClaimNotCommitted(t *testing.T, s *Store, _ *time.Time) {
	d := hub.RoutedDelivery{Delivery: hub.Delivery{
		ID: id2, WebhookID: id1, EventID: id3, EventType: "x", Status: hub.DeliveryPending, DueAt: s.Now(),
	}}
	e := &hub.Event{ID: id3, Type: "x", Time: s.Now(), Data: []byte("1"), Origin: hub.Origin{Kind: hub.OriginHub}}
	if err := s.Publish(t.Context(), nil, hub.Routing{Event: e, Deliveries: []hub.RoutedDelivery{d}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Acquire(t.Context(), "node", []hub.WebhookID{id1}); err != nil {
		t.Fatal(err)
	}
	quotas := []hub.Quota{{WebhookID: id1, Max: 10}}
	s.w.conn = &failingCommit{writeConn: s.w.conn}
	if jobs, next, err := s.Claim(t.Context(), "node", quotas); len(jobs)+len(next) != 0 || hub.CodeOf(err) != hub.StorageFull {
		t.Errorf("a claim that was not committed returns %d jobs, %d lanes, %v", len(jobs), len(next), err)
	}
	if jobs, _, err := s.Claim(t.Context(), "node", quotas); len(jobs) != 1 || err != nil {
		t.Errorf("the next claim returns %d jobs, %v", len(jobs), err)
	}
}
