package store

import (
	"strings"
	"testing"

	"github.com/nself-chat/hub"
)

// The statements that run while others wait, or over a large backlog, must be
// served by their indexes: a test on a small database would not notice.
func TestPlans(t *testing.T) {
	s := openTest(t, Options{})
	const due, held, order, byWebhook = "nchat_webhook_deliveries_due", "nchat_webhook_deliveries_held",
		"nchat_webhook_deliveries_order", "nchat_webhook_deliveries_webhook"
	tests := map[string]struct {
		query string
		args  []any
		uses  string
	}{
		"claim": {`SELECT d.id FROM nchat_webhook_deliveries d JOIN nchat_events e ON e.id = d.event_id
			WHERE d.webhook_id = $1 AND d.scheduled_for <= $2 ORDER BY d.scheduled_for, d.id LIMIT $3`, []any{"w", "t", 1}, due},
		"next due": {`SELECT webhook_id FROM nchat_webhook_deliveries
			WHERE webhook_id = $1 AND scheduled_for IS NOT NULL ORDER BY scheduled_for LIMIT 1`, []any{"w"}, due},
		"cancel due":    {`SELECT d.id FROM nchat_webhook_deliveries d ` + (&tx{}).indexedBy(waiting[0]) + `WHERE ` + waiting[0], []any{"w", "g", 1}, due},
		"cancel held":   {`SELECT d.id FROM nchat_webhook_deliveries d ` + (&tx{}).indexedBy(waiting[1]) + `WHERE ` + waiting[1], []any{"w", "g", 1}, held},
		"cancel parked": {`SELECT d.id FROM nchat_webhook_deliveries d ` + (&tx{}).indexedBy(waiting[2]) + `WHERE ` + waiting[2], []any{"w", "g", 1}, order},
		"head of a conversation": {
			`SELECT min(id) FROM nchat_webhook_deliveries WHERE webhook_id = $1 AND order_key = $2 AND ` + unfinished,
			[]any{"w", "k"},
			order,
		},
		"unfinished beside": {`SELECT EXISTS (SELECT 1 FROM nchat_webhook_deliveries
			WHERE webhook_id = $1 AND order_key = $2 AND id <> $3 AND ` + unfinished + `)`, []any{"w", "k", "d"}, order},
		"leased": {
			`SELECT d.id FROM nchat_webhook_deliveries d
			WHERE d.lease_node IS NOT NULL AND d.id > $1 AND d.updated_at < $2 ORDER BY d.id LIMIT $3`,
			[]any{"", "t", 1},
			"nchat_webhook_deliveries_leased",
		},
		"replay": {`SELECT d.id ` + replayWhere + ` ORDER BY d.id LIMIT $5`, []any{"w", "failed", "", "g", 1}, byWebhook},
		"prune":  {`SELECT id FROM nchat_webhook_deliveries d WHERE d.id >= $1 AND d.id <= $2 AND d.event_id = $3`, []any{"a", "b", "e"}, "PRIMARY KEY"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			plan := explain(t, s, tt.query, tt.args...)
			if strings.HasPrefix(plan, "SCAN d;") || plan == "SCAN d" || strings.Contains(plan, "TEMP B-TREE FOR ORDER BY") {
				t.Errorf("plan %q", plan)
			}
			if !strings.Contains(plan, tt.uses) {
				t.Errorf("plan %q does not use %s", plan, tt.uses)
			}
		})
	}
}

// Pages of messages are read from the index of their place, whole pages at most.
func TestMessagePlans(t *testing.T) {
	s := openTest(t, Options{})
	ctx := t.Context()
	for index, ask := range map[string]func() ([]hub.Message, error){
		"nchat_messages_channel": func() ([]hub.Message, error) { return s.ChannelMessages(ctx, id1, id3, id2, true, 5) },
		"nchat_messages_thread":  func() ([]hub.Message, error) { return s.ThreadMessages(ctx, id1, "", "", 5) },
		"nchat_messages_pinned":  func() ([]hub.Message, error) { return s.PinnedMessages(ctx, id1, "", 5) },
	} {
		r := &recorder{pool: s.readers}
		s.readers = r
		_, err := ask()
		s.readers = r.pool
		if err != nil {
			t.Fatal(err)
		}
		plan := explain(t, s, r.asked[0].text, r.asked[0].args...)
		page, _, _ := strings.Cut(plan, "SCAN m") // what follows adds to the page
		if !strings.Contains(page, index) || strings.Contains(page, "TEMP B-TREE") {
			t.Errorf("plan %q does not read the page from %s", plan, index)
		}
	}
}
