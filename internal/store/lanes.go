package store

import (
	"context"

	"github.com/nself-chat/hub"
)

// laneOwner says which process serves a lane.
type laneOwner struct {
	webhook hub.WebhookID
	node    string
	alive   bool
}

// Acquire makes node the one process that serves the lanes, and returns those
// that it serves from now on: a lane has one server at a time, so that its
// concurrency, rate, order and breaker are as exact as with one process. Left
// out are lanes that another process holds, and those whose former process is
// gone and has leases still (VoidLeases).
func (s *Store) Acquire(ctx context.Context, node string, lanes []hub.WebhookID) (got []hub.WebhookID, err error) {
	if len(lanes) == 0 {
		return nil, nil
	}
	err = s.write(ctx, func(t *tx) error {
		got = nil
		owners, err := t.owners(lanes)
		if err != nil {
			return err
		}
		holds := make(map[string]bool) // whether a process that is gone has leases
		for _, id := range lanes {
			switch o, known := owners[id]; {
			case !known:
				err = t.later(`INSERT INTO nchat_webhook_lanes (webhook_id, node) VALUES ($1, $2)`, string(id), node)
			case o.node == node:
			case o.alive:
				continue
			default:
				if _, asked := holds[o.node]; !asked {
					if holds[o.node], err = t.hasLeases(o.node); err != nil {
						return err
					}
				}
				if holds[o.node] {
					continue
				}
				err = t.later(`UPDATE nchat_webhook_lanes SET node = $2, mark = 0 WHERE webhook_id = $1`, string(id), node)
			}
			if err != nil {
				return err
			}
			got = append(got, id)
		}
		return nil
	})
	return got, err
}

func (t *tx) owners(lanes []hub.WebhookID) (map[hub.WebhookID]laneOwner, error) {
	in, args := placeholders(lanes, nil)
	owners := make(map[hub.WebhookID]laneOwner)
	err := each(context.Background(), t, func(row scanner) error {
		var o laneOwner
		err := row.Scan(&o.webhook, &o.node, &o.alive)
		owners[o.webhook] = o
		return err
	}, `SELECT l.webhook_id, l.node, EXISTS (SELECT 1 FROM nchat_nodes n WHERE n.id = l.node)
		FROM nchat_webhook_lanes l WHERE l.webhook_id IN (`+in+`)`, args...)
	return owners, err
}

func (t *tx) hasLeases(node string) (found bool, err error) {
	err = each(context.Background(), t, func(row scanner) error { return row.Scan(&found) },
		`SELECT EXISTS (SELECT 1 FROM nchat_webhook_deliveries WHERE lease_node IS NOT NULL AND lease_node = $1)`, node)
	return found, err
}

// Cede lets another process take the lanes. node must hold no lease of them.
func (s *Store) Cede(ctx context.Context, node string, lanes []hub.WebhookID) error {
	return s.write(ctx, func(t *tx) error {
		for _, id := range lanes {
			err := t.later(`DELETE FROM nchat_webhook_lanes WHERE webhook_id = $1 AND node = $2`, string(id), node)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
