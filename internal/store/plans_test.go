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
		"replay": {`SELECT d.id ` + replayWhere + ` ORDER BY d.id LIMIT $5`, []any{"w", "failed", "", "g", 1}, byWebhook[:len(byWebhook)-len("webhook")]},
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

// Every list that operators read, with each of its filters, walks an index in its
// order. Deliveries have a test of their own.
func TestListPlans(t *testing.T) {
	s := openTest(t, Options{})
	ctx := t.Context()
	some := func(q hub.AuditQuery) func() error {
		q.Before, q.Limit = id3, 5
		return func() error { _, err := s.AuditLog(ctx, q); return err }
	}
	lists := map[string]struct {
		ask  func() error
		uses string
	}{
		"audit log":                {some(hub.AuditQuery{}), "sqlite_autoindex_nchat_audit_log_1"},
		"audit log, since":         {some(hub.AuditQuery{Since: noon, Until: noon.Add(1)}), "sqlite_autoindex_nchat_audit_log_1"},
		"audit log, actor":         {some(hub.AuditQuery{ActorID: ann}), "nchat_audit_log_actor"},
		"audit log, action":        {some(hub.AuditQuery{Action: "x"}), "nchat_audit_log_action"},
		"audit log, subject":       {some(hub.AuditQuery{Subject: "x"}), "nchat_audit_log_subject"},
		"audit log, actor, action": {some(hub.AuditQuery{ActorID: ann, Action: "x"}), "nchat_audit_log_act"},
		"audit log, all of them":   {some(hub.AuditQuery{ActorID: ann, Action: "x", Subject: "x", Since: noon}), "nchat_audit_log_"},
		"calls":                    {func() error { _, err := s.Calls(ctx, "", id3, 5); return err }, "PRIMARY KEY"},
		"calls of one":             {func() error { _, err := s.Calls(ctx, id1, id3, 5); return err }, "nchat_inbox_webhook"},
		"events":                   {func() error { _, _, err := s.EventsBefore(ctx, 9, "", 5); return err }, "INTEGER PRIMARY KEY"},
		"events of a type":         {func() error { _, _, err := s.EventsBefore(ctx, 9, "a.*", 5); return err }, "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		"events after":             {func() error { _, err := s.EventsAfter(ctx, 9, 5); return err }, "INTEGER PRIMARY KEY"},
		"events of a message":      {func() error { _, err := s.EventsOfKey(ctx, "m:x", 5); return err }, "nchat_events_order"},
		"deliveries of an event":   {func() error { _, err := s.DeliveriesOf(ctx, id1, 5); return err }, "PRIMARY KEY (id>? AND id<?)"},
		"outgoing webhooks":        {func() error { _, err := s.OutgoingPage(ctx, id1, 5); return err }, "sqlite_autoindex_nchat_outgoing_webhooks_1"},
		"counts of outgoing":       {func() error { _, err := s.DeliveryCountsOf(ctx, id1, id2); return err }, "PRIMARY KEY (webhook_id>? AND webhook_id<?)"},
		"incoming webhooks":        {func() error { _, err := s.IncomingPage(ctx, id1, 5); return err }, "sqlite_autoindex_nchat_incoming_webhooks_1"},
		"tokens":                   {func() error { _, err := s.TokenPage(ctx, id1, 5); return err }, "sqlite_autoindex_nchat_api_tokens_1"},
		"sessions":                 {func() error { _, err := s.SessionPage(ctx, ann, id3, 5); return err }, "nchat_sessions_of_user"},
		"users":                    {func() error { _, err := s.Users(ctx, id1, 5); return err }, "sqlite_autoindex_nchat_users_1"},
		"channels":                 {func() error { _, err := s.Channels(ctx, "", true, nil, "a", 5); return err }, "nchat_channels_slug"},
		"channels of a member":     {func() error { _, err := s.Channels(ctx, ann, false, nil, "a", 5); return err }, "nchat_channels_slug"},
		"channels of a guest":      {func() error { _, err := s.Channels(ctx, "", false, nil, "a", 5); return err }, "nchat_channels_slug"},
		"members":                  {func() error { _, err := s.Members(ctx, id1, ann, 5); return err }, "sqlite_autoindex_nchat_channel_members_"},
		"revisions":                {func() error { _, err := s.Revisions(ctx, id1, 3, 5); return err }, "PRIMARY KEY (message_id=? AND number>?)"},
		"search":                   {func() error { _, err := s.Search(ctx, []string{"a"}, true, ann, false, nil, id3, 5); return err }, "VIRTUAL TABLE INDEX"},
		"messages, after":          {func() error { _, err := s.ChannelMessages(ctx, id1, "", id2, false, 5); return err }, "nchat_messages_channel"},
		"messages of a thread":     {func() error { _, err := s.ThreadMessages(ctx, id1, id3, "", 5); return err }, "nchat_messages_thread"},
		"messages that are pinned": {func() error { _, err := s.PinnedMessages(ctx, id1, id3, 5); return err }, "nchat_messages_pinned"},
	}
	for name, tt := range lists {
		t.Run(name, func(t *testing.T) {
			r := &recorder{pool: s.readers}
			s.readers = r
			err := tt.ask()
			s.readers = r.pool
			if err != nil {
				t.Fatal(err)
			}
			for i, q := range r.asked {
				plan := explain(t, s, q.text, q.args...)
				page, _, _ := strings.Cut(plan, "SCAN m;") // what follows adds to the page
				if i == 0 && !strings.Contains(page, tt.uses) || strings.Contains(page, "TEMP B-TREE FOR ORDER BY") {
					t.Errorf("plan %q of %s, want %s in its order", plan, q.text, tt.uses)
				}
			}
		})
	}
}
