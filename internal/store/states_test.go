package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// TestStatesOfDeliveries: a state says which times and what lease a delivery has, and
// no row can say otherwise, on either database.
func TestStatesOfDeliveries(t *testing.T) {
	allowed := func(status hub.DeliveryStatus, due, leased, finished bool) bool {
		switch status {
		case hub.DeliveryActive:
			return leased && !due && !finished
		case hub.DeliverySuccess, hub.DeliveryFailed, hub.DeliveryCanceled:
			return finished && !due && !leased
		case hub.DeliveryRetrying:
			return due && !leased && !finished
		case hub.DeliveryPending: // not due while it is parked
			return !leased && !finished
		case hub.DeliveryHeld:
			return !due && !leased && !finished
		default:
			return false
		}
	}
	onBoth(t, func(t *testing.T, s *Store, now *time.Time) {
		n := 0
		for _, status := range append(hub.DeliveryStatuses(), "", "Active", "succes") {
			for bits := range 8 {
				due, leased, finished := bits&1 > 0, bits&2 > 0, bits&4 > 0
				when := func(is bool) any {
					if is {
						return at(*now)
					}
					return nil
				}
				var node any
				if leased {
					node = "n"
				}
				n++
				err := s.write(context.Background(), func(t *tx) error {
					_, err := t.exec(`INSERT INTO nchat_webhook_deliveries (id, webhook_id, event_id, event, status, scheduled_for, lease_node,
						finished_at, created_at, updated_at) VALUES ($1, $2, $3, 'x', $4, $5, $6, $7, $8, $8)`,
						numbered(n), id1, id2, string(status), when(due), node, when(finished), at(*now))
					return err
				})
				if err != nil && !strings.Contains(strings.ToLower(err.Error()), "check constraint") {
					t.Fatal(err)
				}
				if want := allowed(status, due, leased, finished); (err == nil) != want {
					t.Errorf("%q, due %t, leased %t, finished %t: %v, want allowed: %t", status, due, leased, finished, err, want)
				}
			}
		}
	})
}
