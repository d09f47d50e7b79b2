package store

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// many is the number of rows in each table of fillMany.
const many = 20_000

// fillMany makes rows of everything, one every 50 seconds. 20 channels and 20
// webhooks share them, but for the oldest 100, which belong to one of each that
// has been quiet since.
func fillMany(t *testing.T, s *Store) {
	t.Helper()
	series := fmt.Sprintf(`(SELECT i, to_timestamp(ms / 1000.0) AS at, (ms_hex || '-7000-8000-000000000000')::uuid AS id,
			('%s' || lpad(CASE WHEN i < 100 THEN '99' ELSE (i %% 20)::text END, 2, '0'))::uuid AS owner
		FROM (SELECT *, overlay(lpad(to_hex(ms), 12, '0') placing '-' from 9 for 0) AS ms_hex
			FROM (SELECT i, %d + i * 50000::bigint AS ms FROM generate_series(0, %d) i) n) n) n`,
		owner, momentOf(0).UnixMilli(), many-1)
	for _, statement := range []string{
		`INSERT INTO nchat_users (id, email, display_name, username, created_at, updated_at)
			SELECT owner, i || '@example.org', 'x', 'u' || i, at, at FROM ` + series + ` WHERE i BETWEEN 99 AND 119`,
		`INSERT INTO nchat_channels (id, name, slug, created_at, updated_at)
			SELECT owner, 'c' || i, 'c' || i, at, at FROM ` + series + ` WHERE i BETWEEN 99 AND 119`,
		`INSERT INTO nchat_messages (id, channel_id, user_id, thread_id, content, is_pinned, created_at, updated_at)
			SELECT id, owner, owner, CASE WHEN i % 2 = 0 THEN owner END, 'x', i % 50 = 0, at, at FROM ` + series,
		`INSERT INTO nchat_message_search (message_id, words) SELECT id, array_to_tsvector(ARRAY['common', 'word' || i, 'tenth' || i % 10]
			|| CASE WHEN i < 20 THEN ARRAY['rare'] ELSE ARRAY[]::text[] END) FROM ` + series,
		`INSERT INTO nchat_reactions (id, message_id, user_id, emoji, created_at) SELECT id, id, owner, 'x', at FROM ` + series,
		`INSERT INTO nchat_attachments (id, message_id, user_id, filename, mime_type, size_bytes, created_at, updated_at)
			SELECT id, CASE WHEN i % 100 > 0 THEN id END, owner, 'x', 'x', 1, at, at FROM ` + series,
		`INSERT INTO nchat_events (id, seq, type, data, origin, order_key, revision, created_at)
			SELECT id, i + 1, 'type.' || i % 10, '{}', '{}', id, 1, at FROM ` + series,
		`INSERT INTO nchat_webhook_deliveries (id, webhook_id, event_id, event, status, scheduled_for, lease_node,
				created_at, updated_at, finished_at)
			SELECT id, owner, id, 'type.' || i % 10, status, CASE WHEN status IN ('pending', 'retrying') THEN at END,
				CASE WHEN status = 'active' THEN 'n' END, at, at, CASE WHEN status IN ('success', 'failed') THEN at END
			FROM (SELECT *, CASE WHEN i % 100 = 1 THEN 'failed' WHEN i % 100 = 2 THEN 'held' WHEN i % 1000 = 3 THEN 'active'
				WHEN i % 1000 = 4 THEN 'retrying' WHEN i % 1000 = 5 THEN 'pending' ELSE 'success' END AS status FROM ` + series + `) d`,
		`INSERT INTO nchat_webhook_attempts (delivery_id, number, started_at, duration_us, result, reason)
			SELECT id, 1, at, 1, 'success', '' FROM ` + series,
		`INSERT INTO nchat_inbox (id, provider, webhook_id, verdict, http_status, created_at)
			SELECT id, 'token', owner, CASE WHEN i % 50 = 0 THEN 'refused' ELSE 'accepted' END, 200, at FROM ` + series,
		`INSERT INTO nchat_audit_log (id, actor_id, action, subject, created_at)
			SELECT id, owner, CASE WHEN i < 20 THEN 'rare' ELSE 'x' END, CASE WHEN i < 20 THEN 'rare' ELSE 'x' END, at FROM ` + series,
		`VACUUM ANALYZE`,
	} {
		if _, err := s.pg.pool.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// owner begins the ids of who the rows belong to; two digits follow.
const (
	owner = "0190c0de-0000-7000-8000-0000000000"
	busy  = owner + "03"
	quiet = owner + "99"
)

// momentOf is when the row with that number was made.
func momentOf(i int) time.Time { return noon.Add(-5*24*time.Hour + time.Duration(i)*50*time.Second) }

// recorder notes what is asked.
type recorder struct {
	pool
	asked []asked
}

type asked struct {
	text string
	args []any
}

func (r *recorder) query(ctx context.Context, text string, args ...any) (rows, error) {
	r.asked = append(r.asked, asked{text, args})
	return r.pool.query(ctx, text, args...)
}

// TestPlansPostgres: what pages ask for is found by looking at a few rows, in
// large tables, at busy and at quiet places.
func TestPlansPostgres(t *testing.T) {
	s := openTest(t, Options{Postgres: postgrestest.URL(t)})
	s.now = func() time.Time { return noon }
	if err := s.EnsurePartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	fillMany(t, s)
	mid := hub.FirstID(momentOf(many / 2))
	ctx := t.Context()
	deliveries := func(q hub.DeliveryQuery) func() (int, error) {
		q.Limit = 50
		return func() (int, error) {
			page, _, err := s.Deliveries(ctx, q)
			return len(page), err
		}
	}
	search := func(viewer hub.UserID, all bool, before hub.MessageID, terms ...string) func() (int, error) {
		return func() (int, error) { return counted(s.Search(ctx, terms, true, viewer, all, nil, before, 50)) }
	}
	for name, tt := range map[string]struct {
		ask  func() (int, error)
		want int // rows of the answer
		cost int // rows looked at
	}{
		"channel":               {func() (int, error) { return counted(s.ChannelMessages(ctx, busy, "", "", false, 50)) }, 50, 300},
		"channel, top level":    {func() (int, error) { return counted(s.ChannelMessages(ctx, busy, "", "", true, 50)) }, 50, 300},
		"channel, before":       {func() (int, error) { return counted(s.ChannelMessages(ctx, busy, hub.MessageID(mid), "", false, 50)) }, 50, 300},
		"channel, after":        {func() (int, error) { return counted(s.ChannelMessages(ctx, busy, "", hub.MessageID(mid), false, 50)) }, 50, 300},
		"quiet channel":         {func() (int, error) { return counted(s.ChannelMessages(ctx, quiet, "", "", true, 50)) }, 50, 300},
		"thread":                {func() (int, error) { return counted(s.ThreadMessages(ctx, quiet, "", "", 40)) }, 40, 300},
		"pinned":                {func() (int, error) { return counted(s.PinnedMessages(ctx, quiet, "", 50)) }, 2, 300},
		"search, common":        {search("", true, "", "common"), 50, 4500},
		"search, tenth":         {search(busy, false, hub.MessageID(mid), "tenth3"), 50, 4500},
		"search, rare":          {search(busy, false, "", "rare"), 20, 4500},
		"search, one":           {search(busy, false, "", "common", "word777"), 11, 4500},
		"search, none":          {search("", true, "", "missing", "common"), 0, 4500},
		"deliveries":            {deliveries(hub.DeliveryQuery{}), 50, 60},
		"deliveries, since":     {deliveries(hub.DeliveryQuery{Since: momentOf(many - 10)}), 10, 60},
		"webhook":               {deliveries(hub.DeliveryQuery{WebhookID: busy, Before: hub.DeliveryID(mid)}), 50, 60},
		"quiet webhook":         {deliveries(hub.DeliveryQuery{WebhookID: quiet}), 50, 300},
		"quiet webhook, failed": {deliveries(hub.DeliveryQuery{WebhookID: quiet, Status: hub.DeliveryFailed}), 1, 300},
		"quiet webhook, held":   {deliveries(hub.DeliveryQuery{WebhookID: quiet, Status: hub.DeliveryHeld}), 1, 60},
		"failed":                {deliveries(hub.DeliveryQuery{Status: hub.DeliveryFailed}), 50, 300},
		"active":                {deliveries(hub.DeliveryQuery{Status: hub.DeliveryActive}), 20, 60},
		"held":                  {deliveries(hub.DeliveryQuery{Status: hub.DeliveryHeld}), 50, 60},
		"success":               {deliveries(hub.DeliveryQuery{Status: hub.DeliverySuccess}), 50, 120},
		"deliveries of a type":  {deliveries(hub.DeliveryQuery{Event: "type.3"}), 50, 1200},
		"attempts": {func() (int, error) {
			return counted(s.Attempts(ctx, hub.DeliveryID(mid[:14]+"7000-8000-000000000000")))
		}, 1, 60},
		"events":         {func() (int, error) { return counted(s.EventsAfter(ctx, many-10, 50)) }, 10, 60},
		"events, oldest": {func() (int, error) { return counted(s.EventsAfter(ctx, 0, 50)) }, 50, 300},
		"events of a type": {func() (int, error) {
			page, _, err := s.EventsBefore(ctx, 0, "type.3", 50)
			return len(page), err
		}, 50, 600},
		"calls":                {func() (int, error) { return counted(s.Calls(ctx, "", "", 50)) }, 50, 60},
		"calls of one":         {func() (int, error) { return counted(s.Calls(ctx, busy, hub.CallID(mid), 50)) }, 50, 60},
		"calls of a quiet one": {func() (int, error) { return counted(s.Calls(ctx, quiet, "", 50)) }, 50, 60},
		"retrying":             {deliveries(hub.DeliveryQuery{Status: hub.DeliveryRetrying}), 20, 60},
		"canceled":             {deliveries(hub.DeliveryQuery{Status: hub.DeliveryCanceled}), 0, 60},
		"quiet, canceled":      {deliveries(hub.DeliveryQuery{WebhookID: quiet, Status: hub.DeliveryCanceled}), 0, 60},
		"quiet, retrying":      {deliveries(hub.DeliveryQuery{WebhookID: quiet, Status: hub.DeliveryRetrying}), 1, 60},
		"quiet, active":        {deliveries(hub.DeliveryQuery{WebhookID: quiet, Status: hub.DeliveryActive}), 1, 300},
		"pending":              {deliveries(hub.DeliveryQuery{Status: hub.DeliveryPending}), 5, 2 * lookedAt},
		"never":                {deliveries(hub.DeliveryQuery{Event: "never"}), 0, 2 * lookedAt},
		"busy, never":          {deliveries(hub.DeliveryQuery{WebhookID: busy, Event: "never"}), 0, 2 * lookedAt},
		"failed, never":        {deliveries(hub.DeliveryQuery{Status: hub.DeliveryFailed, Event: "never"}), 0, 2 * lookedAt},
		"events, never": {func() (int, error) {
			page, _, err := s.EventsBefore(ctx, 0, "never", 50)
			return len(page), err
		}, 0, 2 * lookedAt},
		"events of a message": {func() (int, error) { return counted(s.EventsOfKey(ctx, "m:x", 50)) }, 0, 60},
		"deliveries of an event": {func() (int, error) {
			return counted(s.DeliveriesOf(ctx, hub.EventID(mid[:14]+"7000-8000-000000000000"), 50))
		}, 1, 60},
		"outgoing webhooks":  {func() (int, error) { return counted(s.OutgoingPage(ctx, "", 50)) }, 0, 60},
		"incoming webhooks":  {func() (int, error) { return counted(s.IncomingPage(ctx, "", 50)) }, 0, 60},
		"tokens":             {func() (int, error) { return counted(s.TokenPage(ctx, "", 50)) }, 0, 60},
		"sessions":           {func() (int, error) { return counted(s.SessionPage(ctx, busy, "", 50)) }, 0, 60},
		"audit log, actor":   {func() (int, error) { return counted(s.AuditLog(ctx, hub.AuditQuery{ActorID: quiet, Limit: 50})) }, 50, 300},
		"audit log, action":  {func() (int, error) { return counted(s.AuditLog(ctx, hub.AuditQuery{Action: "rare", Limit: 50})) }, 20, 60},
		"audit log, subject": {func() (int, error) { return counted(s.AuditLog(ctx, hub.AuditQuery{Subject: "rare", Limit: 50})) }, 20, 60},
		"audit log, since": {func() (int, error) {
			return counted(s.AuditLog(ctx, hub.AuditQuery{Since: momentOf(10), Until: momentOf(20), Limit: 50}))
		}, 10, 60},
		"audit log, subject, since": {func() (int, error) {
			return counted(s.AuditLog(ctx, hub.AuditQuery{Subject: "rare", ActorID: quiet, Action: "rare", Since: momentOf(10), Limit: 50}))
		}, 10, 60},
		"audit log":      {func() (int, error) { return counted(s.AuditLog(ctx, hub.AuditQuery{Limit: 50})) }, 50, 60},
		"unposted files": {func() (int, error) { return counted(s.UnpostedFiles(ctx, noon, 50)) }, 50, 60},
		"leased":         {func() (int, error) { return counted(s.Leased(ctx, momentOf(many), "", 50)) }, 20, 60},
		"lanes":          {func() (int, error) { return counted(s.Lanes(ctx)) }, 3, 300},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{pool: s.readers}
			s.readers = r
			defer func() { s.readers = r.pool }()
			if n, err := tt.ask(); n != tt.want || err != nil {
				t.Errorf("%d rows, %v, want %d", n, err, tt.want)
			}
			for _, q := range r.asked {
				if plan, cost := planPostgres(t, s, q); cost > tt.cost {
					t.Errorf("looks at %d rows, want no more than %d:\n%s", cost, tt.cost, plan)
				}
			}
		})
	}
}

func counted[T any](all []T, err error) (int, error) { return len(all), err }

// planPostgres returns the plan of a statement, and how many rows it looks at:
// those that its scans found, and those that they threw away.
func planPostgres(t *testing.T, s *Store, q asked) (plan string, cost int) {
	t.Helper()
	ctx := t.Context()
	conn, err := s.pg.pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Conn().Prepare(ctx, "explained", q.text); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Conn().Deallocate(ctx, "explained") }()
	found, err := conn.Query(ctx, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE explained"+literals(q.args), pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", q.text, err)
	}
	for _, line := range lines {
		if m := scanned.FindStringSubmatch(line); m != nil {
			perLoop, _ := strconv.ParseFloat(m[1], 64)
			loops, _ := strconv.Atoi(m[2])
			cost += int(perLoop * float64(loops))
		}
		if m := removed.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			cost += n
		}
	}
	return strings.Join(lines, "\n"), cost
}

var (
	scanned = regexp.MustCompile(`-> +[A-Z][A-Za-z ]* Scan .*actual rows=([0-9.]+) loops=([0-9]+)`)
	removed = regexp.MustCompile(`Rows Removed by .*: ([0-9]+)`)
)

// literals writes arguments for EXECUTE.
func literals(args []any) string {
	if len(args) == 0 {
		return ""
	}
	return "(" + strings.Join(column(args, func(a any) string {
		switch v := a.(type) {
		case string:
			return "'" + strings.ReplaceAll(v, "'", "''") + "'"
		case time.Time:
			return "'" + v.Format(time.RFC3339Nano) + "'"
		default:
			return fmt.Sprint(v)
		}
	}), ", ") + ")"
}
