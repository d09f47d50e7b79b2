package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// firstDelivery is the delivery in the rows of version 1.
var firstDelivery = hub.DeliveryIDFor(id1, id2)

// rowsOfVersion1 are one row or a few of every table of the first version, in
// words that both databases know. They agree with each other as a hub's do: an
// event and its delivery, made by the one webhook.
func rowsOfVersion1(at string) []string {
	subscription := `{"webhookId":"` + id2 + `","state":"active","events":["message.*"],"ordering":"conversation"}`
	rows := []string{
		`nchat_users (id, email, display_name, username, metadata, created_at, updated_at) VALUES ('ANN', 'ann@example.org', 'Ann', 'ann', '{"kind":"human","role":"owner"}', 'AT', 'AT')`,
		`nchat_channels (id, name, slug, message_count, created_at, updated_at) VALUES ('ID3', 'general', 'general', 1, 'AT', 'AT')`,
		`nchat_channel_members (id, channel_id, user_id, joined_at) VALUES ('ID4', 'ID3', 'ANN', 'AT')`,
		`nchat_messages (id, channel_id, user_id, content, metadata, created_at, updated_at) VALUES ('ID5', 'ID3', 'ANN', 'hello', '{}', 'AT', 'AT')`,
		`nchat_threads (id, channel_id, root_message_id, created_at, updated_at) VALUES ('ID5', 'ID3', 'ID5', 'AT', 'AT')`,
		`nchat_reactions (id, message_id, user_id, emoji, created_at) VALUES ('ID4', 'ID5', 'ANN', 'x', 'AT')`,
		`nchat_attachments (id, message_id, user_id, filename, file_path, mime_type, size_bytes, created_at, updated_at)
			VALUES ('ID4', 'ID5', 'ANN', 'a.txt', 'HASH', 'text/plain', 1, 'AT', 'AT')`,
		`nchat_message_revisions (message_id, number, content, created_at) VALUES ('ID5', 1, 'hallo', 'AT')`,
		`nchat_blobs (hash, size_bytes, mime_type, created_at) VALUES ('HASH', 1, 'text/plain', 'AT')`,
		`nchat_outgoing_webhooks (id, name, url, secret, events, timeout_ms, max_retries, retry_delay_ms, concurrency, ordering, signing, state, created_at, updated_at)
			VALUES ('ID2', 'w', 'https://example.org', 's', '["message.*"]', 1000, 3, 1000, 10, 'conversation', 'nchat', 'active', 'AT', 'AT')`,
		`nchat_outgoing_webhook_revisions (revision, webhook_id, subscription, created_at) VALUES (1, 'ID2', '` + subscription + `', 'AT')`,
		`nchat_events (id, seq, type, data, origin, channel_id, order_key, revision, created_at)
			VALUES ('ID1', 1, 'message.created', '{}', '{"kind":"hub"}', 'ID3', 'm:ID5', 1, 'AT')`,
		`nchat_webhook_deliveries (id, webhook_id, event_id, event, status, order_key, attempts, tries, created_at, updated_at, finished_at)
			VALUES ('DELIVERY', 'ID2', 'ID1', 'message.created', 'success', 'm:ID5', 1, 1, 'AT', 'AT', 'AT')`,
		`nchat_webhook_attempts (delivery_id, number, started_at, duration_us, response_status, result, reason) VALUES ('DELIVERY', 1, 'AT', 5, 204, 'success', 'HTTP 204')`,
		`nchat_webhook_lanes (webhook_id, node, mark) VALUES ('ID2', 'gone', 1)`,
		`nchat_webhook_counters (webhook_id, status, total) VALUES ('ID2', 'success', 1), ('ID2', 'pending', 0)`,
		`nchat_incoming_webhooks (id, name, channel_id, user_id, token_hash, created_at, updated_at) VALUES ('ID4', 'in', 'ID3', 'ANN', 't', 'AT', 'AT')`,
		`nchat_inbox (id, provider, webhook_id, verdict, http_status, created_at) VALUES ('ID4', 'token', 'ID4', 'accepted', 200, 'AT')`,
		`nchat_integrations (id, provider, name, created_at, updated_at) VALUES ('ID4', 'slack', 'i', 'AT', 'AT')`,
		`nchat_integration_mappings (id, integration_id, kind, external_id, internal_id, created_at, updated_at) VALUES ('ID4', 'ID4', 'channel', 'C1', 'ID3', 'AT', 'AT')`,
		`nchat_integration_imports (id, source, stage, created_at, updated_at) VALUES ('ID4', 'slack', 'read', 'AT', 'AT')`,
		`nchat_integration_sync_queue (id, link_id, kind, status, created_at, updated_at) VALUES ('ID4', 'ID4', 'post', 'success', 'AT', 'AT')`,
		`nchat_api_tokens (id, name, user_id, scope, token_hash, created_at) VALUES ('ID4', 't', 'ANN', 'read', 'hash', 'AT')`,
		`nchat_sessions (id, user_id, session_hash, created_at, last_seen_at, expires_at) VALUES ('ID4', 'ANN', 's', 'AT', 'AT', 'AT')`,
		`nchat_login_links (code_hash, user_id, created_at, expires_at) VALUES ('c', 'ANN', 'AT', 'AT')`,
		`nchat_idempotency (token_id, key, request_hash, created_at) VALUES ('t', 'k', 'h', 'AT')`,
		`nchat_audit_log (id, action, subject, created_at) VALUES ('ID4', 'a', 's', 'AT')`,
		`nchat_settings (key, value, updated_at) VALUES ('k', 'v', 'AT')`,
		`nchat_nodes (id, name, slot, started_at, beat_at) VALUES ('gone', 'n', 0, 'AT', 'AT')`,
	}
	names := strings.NewReplacer("ANN", ann, "ID1", id1, "ID2", id2, "ID3", id3, "ID4", id4, "ID5", id5, "AT'", at+"'",
		"HASH", strings.Repeat("a", 64), "DELIVERY", string(firstDelivery))
	for i := range rows {
		rows[i] = "INSERT INTO " + names.Replace(rows[i])
	}
	return rows
}

// tableOf returns the table that a row is for.
func tableOf(row string) string { return strings.Fields(row)[2] }

// toVersion1 brings an empty database to the first version of the tables.
func toVersion1(t *testing.T, dialect goose.Dialect, db *sql.DB, folder string) {
	t.Helper()
	files, err := fs.Sub(migrations, "migrations/"+folder)
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(dialect, db, files, goose.WithTableName("nchat_schema_versions"), goose.WithDisableGlobalRegistry(true))
	if err == nil {
		_, err = p.UpTo(t.Context(), 1)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// oldSQLite makes a database of version 1 with rows in all tables.
func oldSQLite(t *testing.T) Options {
	t.Helper()
	o := Options{Path: filepath.Join(t.TempDir(), "hub.db")}
	if err := createPrivate(o.Path); err != nil {
		t.Fatal(err)
	}
	db, err := openSQLitePool(o.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	toVersion1(t, goose.DialectSQLite3, db, "sqlite")
	fillOld(t, db, "2026-02-01T12:00:00.000000Z")
	if _, err := db.ExecContext(t.Context(), `INSERT INTO nchat_message_search (rowid, content) SELECT rowid, content FROM nchat_messages`); err != nil {
		t.Fatal(err)
	}
	return o
}

// oldPostgres makes a database of version 1 with rows in all tables.
func oldPostgres(t *testing.T) Options {
	t.Helper()
	o := Options{Postgres: postgrestest.URL(t)}
	config, err := pgx.ParseConfig(o.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["search_path"], config.RuntimeParams["timezone"] = defaultSchema, "UTC"
	db := stdlib.OpenDB(*config)
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `CREATE SCHEMA `+defaultSchema); err != nil {
		t.Fatal(err)
	}
	toVersion1(t, goose.DialectPostgres, db, "postgres")
	week := weekOf(noon)
	for _, table := range partitioned { // as the first version made them, and as they have been made since
		next := week.Add(partitionSpan)
		for _, statement := range []string{
			fmt.Sprintf(`CREATE TABLE %s PARTITION OF %s FOR VALUES FROM ('%s') TO ('%s')`,
				partitionName(table, week), table, hub.FirstID(week), hub.FirstID(next)),
			fmt.Sprintf(`CREATE TABLE %s (LIKE %s INCLUDING ALL)`, partitionName(table, next), table),
			fmt.Sprintf(`ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM ('%s') TO ('%s')`,
				table, partitionName(table, next), hub.FirstID(next), hub.FirstID(next.Add(partitionSpan))),
		} {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	fillOld(t, db, "2026-02-01T12:00:00Z")
	if _, err := db.ExecContext(t.Context(), `INSERT INTO nchat_message_search (message_id, words) VALUES ('`+id5+`', 'hello')`); err != nil {
		t.Fatal(err)
	}
	return o
}

func fillOld(t *testing.T, db *sql.DB, at string) {
	t.Helper()
	for _, row := range rowsOfVersion1(at) {
		if _, err := db.ExecContext(t.Context(), row); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
	}
}

// TestUpgrade: a database of the first version, with rows in all of its tables,
// opens, keeps what it holds, is clean, and is worked on.
func TestUpgrade(t *testing.T) {
	for name, make := range map[string]func(*testing.T) Options{"sqlite": oldSQLite, "postgres": oldPostgres} {
		t.Run(name, func(t *testing.T) {
			s := openTest(t, make(t))
			folder := "sqlite"
			if s.onPostgres() {
				folder = "postgres"
			}
			newest, err := newestMigration(folder)
			if err != nil {
				t.Fatal(err)
			}
			count := func(query string) (n int64) {
				t.Helper()
				if err := each(t.Context(), s.readers, func(row scanner) error { return row.Scan(&n) }, query); err != nil {
					t.Fatal(err)
				}
				return n
			}
			if got := count(`SELECT max(version_id) FROM nchat_schema_versions`); got != newest {
				t.Errorf("the tables are of version %d, want %d", got, newest)
			}
			for _, row := range rowsOfVersion1("x") {
				want := int64(1)
				if strings.Contains(row, "), (") {
					want = 2
				}
				if got := count(`SELECT count(*) FROM ` + tableOf(row)); got < want {
					t.Errorf("%s has %d rows, want %d", tableOf(row), got, want)
				}
			}
			clean := func(deliveries int64) {
				t.Helper()
				report, err := s.Verify(t.Context())
				if err != nil || report.Found > 0 || report.Deliveries != deliveries {
					t.Errorf("%+v, %v; want %d deliveries", report, err, deliveries)
				}
			}
			clean(1)
			worksOn(t, s)
			clean(2)
		})
	}
}

// worksOn uses what the rows of version 1 are about.
func worksOn(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	if m, err := s.Message(ctx, id5); err != nil || m.Content != "hello" || len(m.Files) != 1 {
		t.Errorf("message %+v, %v", m, err)
	}
	if found, err := s.Search(ctx, []string{"hello"}, false, "", true, nil, "", 10); err != nil || len(found) != 1 {
		t.Errorf("%d messages found, %v", len(found), err)
	}
	if log, err := s.Attempts(ctx, firstDelivery); err != nil || len(log) != 1 || log[0].ResponseStatus != 204 {
		t.Errorf("attempts %+v, %v", log, err)
	}
	if _, err := s.IncomingWebhook(ctx, id4); err != nil {
		t.Error(err)
	}
	ids := &hub.IDs{Now: s.Now}
	e := &hub.Event{
		ID: hub.EventID(ids.New()), Type: "message.updated", Time: s.Now(), Data: []byte(`{}`), Origin: hub.Origin{Kind: hub.OriginHub},
		ChannelID: id3, OrderKey: "m:" + id5, Revision: 1,
	}
	d := hub.Delivery{
		ID: hub.DeliveryIDFor(e.ID, id2), WebhookID: id2, EventID: e.ID, EventType: e.Type, OrderKey: e.OrderKey, Status: hub.DeliveryPending, DueAt: e.Time,
	}
	if err := s.Publish(ctx, nil, hub.Routing{Event: e, Deliveries: []hub.RoutedDelivery{{Delivery: d}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CountReplay(ctx, &hub.ReplayRequest{WebhookID: id2, Status: hub.DeliverySuccess}); err != nil {
		t.Error(err)
	}
}

// TestChecks: rows that must not be are refused by both databases, whoever writes
// them.
func TestChecks(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store, _ *time.Time) {
		for _, row := range rowsOfVersion1(noon.Format(timeLayout)) {
			if err := raw(s, row); err != nil {
				t.Fatalf("%s: %v", row, err)
			}
		}
		for _, change := range []string{
			`nchat_users SET status = 'asleep'`,
			`nchat_users SET display_name = '` + strings.Repeat("x", 101) + `'`,
			`nchat_channels SET type = 'secret'`,
			`nchat_channel_members SET role = 'king'`,
			`nchat_messages SET type = 'poem'`,
			`nchat_reactions SET emoji = '` + strings.Repeat("x", 51) + `'`,
			`nchat_attachments SET type = 'thing'`,
			`nchat_outgoing_webhooks SET state = 'asleep'`,
			`nchat_outgoing_webhooks SET ordering = 'random'`,
			`nchat_outgoing_webhooks SET signing = 'crayon'`,
			`nchat_outgoing_webhooks SET retry_schedule = 'years'`,
			`nchat_outgoing_webhooks SET notice = 'hm'`,
			`nchat_webhook_deliveries SET status = 'lost'`,
			`nchat_webhook_deliveries SET finished_at = NULL`,
			`nchat_webhook_deliveries SET status = 'pending'`,
			`nchat_webhook_deliveries SET status = 'active', finished_at = NULL`,
			`nchat_webhook_deliveries SET lease_node = 'n'`,
			`nchat_webhook_deliveries SET scheduled_for = finished_at`,
			`nchat_webhook_deliveries SET status = 'retrying', finished_at = NULL`,
			`nchat_webhook_counters SET status = 'lost' WHERE status = 'pending'`,
			`nchat_inbox SET state = 'lost'`,
			`nchat_integrations SET status = 'lost'`,
			`nchat_integration_mappings SET kind = 'thing'`,
			`nchat_integration_mappings SET role = 'thing'`,
			`nchat_integration_sync_queue SET status = 'lost'`,
			`nchat_api_tokens SET scope = 'all'`,
		} {
			err := raw(s, "UPDATE "+change)
			if err == nil || !strings.Contains(strings.ToLower(err.Error()), "check constraint") {
				t.Errorf("%s: %v", change, err)
			}
		}
	})
}

// raw runs a statement as an operator would.
func raw(s *Store, statement string) error {
	return s.write(context.Background(), func(t *tx) error {
		_, err := t.exec(statement)
		return err
	})
}
