//go:build unix

package api

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
	"github.com/nself-chat/hub/internal/store"
)

// listsScale is the share of the full size that BenchmarkLists fills.
var listsScale = flag.Float64("lists.scale", 1, "share of the rows that BenchmarkLists fills its databases with")

// longest is what a list may take inside the hub, at the 99th percentile.
const longest = 20 * time.Millisecond

// BenchmarkLists reports how long each list with each of its filters takes inside
// the hub, first pages and deep ones, with 100,000 messages, 1,000 webhooks of each
// kind, 1,000,000 deliveries and what belongs to them:
//
//	go test ./internal/api -run - -bench Lists -benchtime 200x
//	.ci/provide postgres_on_disk -- go test ./internal/api -run - -bench Lists/postgres -benchtime 200x
func BenchmarkLists(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "hub.db")
		r := newRigOn(b, store.Options{Path: path, Synchronous: "OFF"})
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(60000)&_pragma=synchronous(off)")
		must(b, err)
		defer db.Close()
		db.SetMaxOpenConns(1)
		benchLists(b, r, &bulk{exec: func(ctx context.Context, text string) error {
			_, err := db.ExecContext(ctx, text)
			return err
		}})
	})
	b.Run("postgres", func(b *testing.B) {
		url := postgrestest.URL(b)
		r := newRigOn(b, store.Options{Postgres: url})
		conn, err := pgx.Connect(b.Context(), url)
		must(b, err)
		defer func() { must(b, conn.Close(context.Background())) }()
		_, err = conn.Exec(b.Context(), "SET search_path = hub; SET synchronous_commit = off")
		must(b, err)
		benchLists(b, r, &bulk{postgres: true, exec: func(ctx context.Context, text string) error {
			_, err := conn.Exec(ctx, text)
			return err
		}})
	})
}

func benchLists(b *testing.B, r *rig, fill *bulk) {
	began := time.Now()
	it := fill.all(b, r)
	b.Logf("filled in %s", time.Since(began).Round(time.Second))
	for _, c := range listCalls(r, it) {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			took := make([]time.Duration, 0, b.N)
			spent := cpuTime(b)
			for range b.N {
				req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, c.path, nil)
				req.Header.Set("Authorization", "Bearer "+r.tokens[c.as])
				w := httptest.NewRecorder()
				began := time.Now()
				r.front.ServeHTTP(w, req)
				took = append(took, time.Since(began))
				if w.Code != http.StatusOK {
					b.Fatalf("%s: %d %s", c.path, w.Code, w.Body)
				}
			}
			slices.Sort(took)
			at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000 }
			b.ReportMetric(float64((cpuTime(b)-spent).Microseconds())/1000/float64(b.N), "cpu-ms") // also when others keep the machine busy
			b.ReportMetric(at(0.5), "p50-ms")
			b.ReportMetric(at(0.99), "p99-ms")
			if b.N >= 100 && at(0.99) > float64(longest.Milliseconds()) {
				b.Logf("%s: p99 is %.1f ms, wanted %s", c.path, at(0.99), longest)
			}
		})
	}
}

// cpuTime is what the process has used of the processors.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// listCall is one call of a list.
type listCall struct{ name, as, path string }

// listCalls are the calls of all lists with each of their filters.
// TestListsAreBenchmarked holds them against the description.
func listCalls(r *rig, it *filled) (calls []listCall) {
	add := func(as, path string, queries ...string) {
		for _, q := range append([]string{""}, queries...) {
			full := path
			if q != "" {
				joint := "?"
				if strings.Contains(path, "?") {
					joint = "&"
				}
				full += joint + q
			}
			name := strings.NewReplacer("/api/", "", "/", ".", "?", " ", "&", " ").Replace(full)
			calls = append(calls, listCall{as + " " + name, as, full})
		}
	}
	cursor := func(kind string, key any) string { return "cursor=" + encodeCursor(kind, fmt.Sprint(key)) }
	general, busy, quiet := "/api/channels/"+string(r.defaults.General), it.id("channel", 0), it.id("channel", 999)
	since, until := "since="+it.at(0.5).Format(time.RFC3339), "until="+it.at(0.5).Format(time.RFC3339)
	for _, as := range []string{"owner", "writer"} {
		add(as, "/api/channels", "limit=500", cursor("channel", "c-8"))
		add(as, "/api/users", "limit=500", cursor("user", it.id("user", 1500)))
		add(as, "/api/search?q=common", cursor("hit", it.id("message", it.messages/20)))
		add(as, "/api/search?q=rare")
		add(as, "/api/search?q=common+word777")
		add(as, "/api/search?q=tenth3+comm", "limit=500")
		add(as, "/api/events", "limit=500", "event=type.3", "event=rare.*", "event=never.seen", cursor("event", it.events/10))
	}
	for _, ch := range []string{busy, quiet} {
		path := "/api/channels/" + ch
		deep := it.id("message", it.messages/10)
		add("owner", path+"/messages", "limit=500", "pinned=true", "before="+deep, "after="+deep, cursor(olderKind, deep), "pinned=true&"+cursor(olderKind, deep))
		add("owner", path+"/members", "limit=500", cursor("member", it.id("user", 1500)))
	}
	add("owner", general+"/messages")
	add("owner", "/api/channels/"+busy+"/messages?thread="+it.id("message", 0), "limit=500", cursor(olderKind, it.id("message", it.messages/10)),
		"before="+it.id("message", it.messages/2), "after="+it.id("message", it.messages/2))
	root := "/api/messages/" + it.id("message", 0)
	add("owner", root+"/thread", "limit=500", cursor("reply", it.id("message", it.messages/10)))
	add("owner", root+"/revisions", "limit=500", cursor("revision", 900))
	add("owner", incomings, "limit=500", cursor("incoming", it.id("incoming", 900)))
	for _, n := range []int{0, 999} {
		add("owner", incomings+"/"+it.id("incoming", n)+"/log", "limit=500", cursor("call", it.id("call", it.calls/10)))
	}
	add("owner", "/api/inbox", "limit=500", cursor("inbox", it.id("call", it.calls/10)))
	add("owner", outgoings, "limit=500", cursor("outgoing", it.id("outgoing", 900)))
	deep := cursor("delivery", it.id("delivery", it.deliveries/10))
	var filters []string
	for _, status := range hub.DeliveryStatuses() {
		filters = append(filters, "status="+string(status))
	}
	for _, event := range []string{"type.3", "rare.*", "never.seen"} {
		filters = append(filters, "event="+event)
	}
	all := append([]string{"limit=500", since, until, since + "&" + until[:len(until)-1] + "Z"}, filters...)
	all[3] = since + "&until=" + it.at(0.6).Format(time.RFC3339)
	for _, f := range slices.Clone(filters) {
		all = append(all, f+"&"+deep, f+"&"+until)
	}
	for _, status := range hub.DeliveryStatuses() {
		all = append(all, "status="+string(status)+"&event=type.3", "status="+string(status)+"&event=never.seen")
	}
	all = append(all, deep)
	for _, of := range []string{"", "webhookId=" + it.id("outgoing", 0), "webhookId=" + it.id("outgoing", 999)} {
		path := "/api/deliveries"
		if of != "" {
			path += "?" + of
		}
		add("owner", path, all...)
	}
	add("owner", "/api/tokens", "limit=500", cursor("token", it.id("token", 900)))
	add("owner", "/api/sessions", "limit=500", cursor("session", it.id("session", 100)))
	rareActor, rareSubject := "actorId="+it.id("user", 1999), "subject="+it.id("message", 7)
	add("owner", "/api/audit-log", "limit=500", "actorId="+it.id("user", 1), rareActor, "action=message.create", "action=rare.action", rareSubject,
		since, until, cursor("audit", it.id("audit", it.audits/10)), "actorId="+it.id("user", 1)+"&action=message.create", rareActor+"&action=never.done",
		"action=message.create&"+cursor("audit", it.id("audit", it.audits/10)))
	add("owner", "/api/queue/stats")
	add("owner", incomings+"/dialects")
	return calls
}

// filled is what a bulk has filled a database with.
type filled struct {
	messages, events, deliveries, calls, audits int
	from                                        time.Time
}

// kinds of ids differ in one group of digits.
var idKinds = map[string]int{
	"channel": 1, "user": 2, "message": 3, "event": 4, "delivery": 5, "outgoing": 6, "incoming": 7, "call": 8, "audit": 9, "token": 10, "session": 11,
}

// span is the time over which everything is spread.
const span = 3 * 24 * time.Hour

// id is the id of the n-th of a kind; all but channels, users, webhooks, tokens and
// sessions are spread over the span by their numbers.
func (f *filled) id(kind string, n int) string {
	ms := f.from.UnixMilli()
	switch total := map[string]int{"message": f.messages, "event": f.events, "delivery": f.deliveries, "call": f.calls, "audit": f.audits}[kind]; {
	case total > 0:
		ms += int64(n) * span.Milliseconds() / int64(total)
	default:
		ms += int64(n)
	}
	hex := fmt.Sprintf("%012x", ms)
	return fmt.Sprintf("%s-%s-7000-80%02x-%012x", hex[:8], hex[8:], idKinds[kind], n)
}

// at is the moment after that share of the span.
func (f *filled) at(share float64) time.Time {
	return f.from.Add(time.Duration(share * float64(span))).Truncate(time.Second)
}

// bulk fills a database behind the hub's back.
type bulk struct {
	postgres bool
	exec     func(ctx context.Context, text string) error
	f        *filled
}

// ms is when the n-th of a kind was, as an expression of n.
func (d *bulk) ms(kind, n string, total int) string {
	if total == 0 {
		return fmt.Sprintf("(%d + (%s))", d.f.from.UnixMilli(), n)
	}
	return fmt.Sprintf("(%d + (%s) * %d / %d)", d.f.from.UnixMilli(), n, span.Milliseconds(), total)
}

func (d *bulk) hex(n string, width int) string {
	if d.postgres {
		return fmt.Sprintf("lpad(to_hex((%s)::bigint), %d, '0')", n, width)
	}
	return fmt.Sprintf("printf('%%0%dx', %s)", width, n)
}

// id is the id of the n-th of a kind, as an expression of n.
func (d *bulk) id(kind, n string, total int) string {
	hex := d.hex(d.ms(kind, n, total), 12)
	text := fmt.Sprintf("(substr(%s, 1, 8) || '-' || substr(%s, 9, 4) || '-7000-80%02x-' || %s)", hex, hex, idKinds[kind], d.hex(n, 12))
	if d.postgres {
		return text + "::uuid"
	}
	return text
}

// time is when the n-th of a kind was, as an expression of n.
func (d *bulk) time(kind, n string, total int) string {
	ms := d.ms(kind, n, total)
	if d.postgres {
		return fmt.Sprintf("to_timestamp(%s / 1000.0)", ms)
	}
	return fmt.Sprintf("(strftime('%%Y-%%m-%%dT%%H:%%M:%%S', %s / 1000, 'unixepoch') || printf('.%%03d000Z', %s %% 1000))", ms, ms)
}

// rows is a FROM clause of the numbers n below total.
func (d *bulk) rows(total int) string {
	if d.postgres {
		return fmt.Sprintf("generate_series(0::bigint, %d) s(n)", total-1)
	}
	return fmt.Sprintf("(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n + 1 < %d) SELECT n FROM s) s", total)
}

// all fills everything.
func (d *bulk) all(b *testing.B, r *rig) *filled {
	share := func(n int) int { return max(1000, int(float64(n)**listsScale)) }
	f := &filled{
		messages: share(100_000), events: share(100_000), deliveries: share(1_000_000), calls: share(100_000), audits: share(100_000),
		from: time.Now().Add(-span - time.Hour).UTC().Truncate(time.Second),
	}
	d.f = f
	made, in := r.makeOutgoing(map[string]any{"events": []string{"type.*"}}), r.makeIncoming(nil)
	r.call("owner", http.MethodPost, outgoings+"/"+string(made.ID)+"/pause", nil).want(http.StatusOK, nil)
	writer, owner := string(r.users["writer"].ID), string(r.defaults.Owner)
	// The hook of a number: every tenth is the busy one's.
	hook := d.id("outgoing", "(CASE WHEN n % 10 = 0 THEN 0 ELSE n % 999 + 1 END)", 0)
	status := `CASE WHEN n % 100 = 1 THEN 'failed' WHEN n % 1000 = 2 THEN 'held' WHEN n % 100000 = 4 THEN 'retrying' WHEN n % 100000 = 5 THEN 'pending' ELSE 'success' END`
	kind := `CASE WHEN n < 20 THEN 'rare.event' ELSE 'type.' || (n % 10) END`
	far := map[bool]string{true: "'2099-01-01T00:00:00Z'::timestamptz", false: "'2099-01-01T00:00:00.000000Z'"}[d.postgres]
	asUUID := func(text string) string {
		if d.postgres {
			return text + "::uuid"
		}
		return text
	}
	message, channel := d.id("message", "n", f.messages), d.id("channel", "(CASE WHEN n % 2 = 0 THEN 0 ELSE n % 999 + 1 END)", 0)
	when := func(kind string, total int) string { return d.time(kind, "n", total) }
	search := fmt.Sprintf(`INSERT INTO nchat_message_search (message_id, words) SELECT %s, array_to_tsvector(ARRAY['common', 'word' || n, 'tenth' || n %% 10]
		|| CASE WHEN n < 20 THEN ARRAY['rare'] ELSE ARRAY[]::text[] END) FROM %s`, message, d.rows(f.messages))
	if !d.postgres {
		search = `INSERT INTO nchat_message_search (rowid, content) SELECT rowid, content FROM nchat_messages WHERE content LIKE 'common %' ORDER BY rowid`
	}
	seq := "n + 1"
	statements := []string{
		fmt.Sprintf(`UPDATE nchat_events SET seq = seq + %d`, 10_000_000),
		fmt.Sprintf(`INSERT INTO nchat_users (id, email, display_name, username, created_at, updated_at)
			SELECT %s, n || '@bulk.example', 'x', 'bulk' || n, %s, %s FROM %s`, d.id("user", "n", 0), when("user", 0), when("user", 0), d.rows(2000)),
		fmt.Sprintf(`INSERT INTO nchat_channels (id, name, slug, type, created_at, updated_at)
			SELECT %s, 'c-' || n, 'c-' || n, CASE WHEN n %% 2 = 1 THEN 'private' ELSE 'public' END, %s, %s FROM %s`,
			d.id("channel", "n", 0), when("channel", 0), when("channel", 0), d.rows(1000)),
		fmt.Sprintf(`INSERT INTO nchat_channel_members (id, channel_id, user_id, joined_at) SELECT %s, %s, %s, %s FROM %s`,
			d.id("user", "n", 0), d.id("channel", "0", 0), d.id("user", "n", 0), when("user", 0), d.rows(2000)),
		fmt.Sprintf(`INSERT INTO nchat_channel_members (id, channel_id, user_id, joined_at) SELECT %s, %s, %s, %s FROM %s WHERE n %% 50 = 1`,
			d.id("channel", "n", 0), d.id("channel", "n", 0), asUUID("'"+writer+"'"), when("channel", 0), d.rows(1000)),
		fmt.Sprintf(`INSERT INTO nchat_messages (id, channel_id, user_id, thread_id, parent_message_id, content, is_pinned, created_at, updated_at)
			SELECT %s, %s, %s, CASE WHEN n %% 4 = 2 THEN %s END, CASE WHEN n %% 4 = 2 THEN %s END,
			'common word' || n || ' tenth' || (n %% 10) || CASE WHEN n < 20 THEN ' rare' ELSE '' END, n %% 50 = 0, %s, %s FROM %s ORDER BY n`,
			message, channel, d.id("user", "n % 2000", 0), d.id("message", "0", f.messages), d.id("message", "0", f.messages),
			when("message", f.messages), when("message", f.messages), d.rows(f.messages)),
		search,
		fmt.Sprintf(`INSERT INTO nchat_threads (id, channel_id, root_message_id, message_count, created_at, updated_at) SELECT %s, %s, %s, 1, %s, %s FROM %s`,
			message, channel, message, when("message", f.messages), when("message", f.messages), d.rows(1)),
		fmt.Sprintf(`INSERT INTO nchat_message_revisions (message_id, number, content, created_at) SELECT %s, n + 1, 'x', %s FROM %s`,
			d.id("message", "0", f.messages), when("message", f.messages), d.rows(1000)),
		fmt.Sprintf(`INSERT INTO nchat_reactions (id, message_id, user_id, emoji, created_at) SELECT %s, %s, %s, 'x', %s FROM %s WHERE n %% 3 = 0`,
			message, message, d.id("user", "n % 2000", 0), when("message", f.messages), d.rows(f.messages)),
		fmt.Sprintf(`INSERT INTO nchat_attachments (id, message_id, user_id, filename, mime_type, size_bytes, created_at, updated_at)
			SELECT %s, %s, %s, 'x', 'x', 1, %s, %s FROM %s WHERE n %% 10 = 0`,
			message, message, d.id("user", "n % 2000", 0), when("message", f.messages), when("message", f.messages), d.rows(f.messages)),
		fmt.Sprintf(`INSERT INTO nchat_events (id, seq, type, data, origin, channel_id, is_private, revision, created_at)
			SELECT %s, %s, %s, '{"n":1}', '{"kind":"hub"}', %s, n %% 2 = 1, 1, %s FROM %s`,
			d.id("event", "n", f.events), seq, kind, channel, when("event", f.events), d.rows(f.events)),
		fmt.Sprintf(`INSERT INTO nchat_outgoing_webhooks (id, name, url, secret, events, timeout_ms, max_retries, retry_delay_ms, concurrency, ordering, signing,
			state, created_at, updated_at) SELECT %s, 'w' || n, 'https://good.example/', w.secret, w.events, w.timeout_ms, w.max_retries, w.retry_delay_ms,
			w.concurrency, w.ordering, w.signing, 'paused', %s, %s FROM %s CROSS JOIN nchat_outgoing_webhooks w WHERE w.id = '%s'`,
			d.id("outgoing", "n", 0), when("outgoing", 0), when("outgoing", 0), d.rows(1000), made.ID),
		fmt.Sprintf(`INSERT INTO nchat_webhook_deliveries (id, webhook_id, event_id, event, status, attempts, scheduled_for, created_at, updated_at, finished_at)
			SELECT %s, %s, %s, kind, status, 1, CASE WHEN status IN ('pending', 'retrying') THEN %s END, at, at,
				CASE WHEN status IN ('success', 'failed') THEN at END FROM (SELECT n, %s AS status, %s AS kind, %s AS at FROM %s) d`,
			d.id("delivery", "n", f.deliveries), hook, d.id("event", fmt.Sprintf("n * %d / %d", f.events, f.deliveries), f.events), far,
			status, kind, when("delivery", f.deliveries), d.rows(f.deliveries)),
		`INSERT INTO nchat_webhook_counters (webhook_id, status, total) SELECT webhook_id, status, count(*) FROM nchat_webhook_deliveries GROUP BY 1, 2`,
		fmt.Sprintf(`INSERT INTO nchat_incoming_webhooks (id, name, channel_id, user_id, token_hash, created_at, updated_at)
			SELECT %s, 'w' || n, w.channel_id, w.user_id, 'h' || n, %s, %s FROM %s CROSS JOIN nchat_incoming_webhooks w WHERE w.id = '%s'`,
			d.id("incoming", "n", 0), when("incoming", 0), when("incoming", 0), d.rows(1000), in.ID),
		fmt.Sprintf(`INSERT INTO nchat_inbox (id, provider, webhook_id, verdict, http_status, body_size, created_at)
			SELECT %s, 'token', %s, CASE WHEN n %% 50 = 3 THEN 'refused' ELSE 'accepted' END, 200, 100, %s FROM %s`, d.id("call", "n", f.calls),
			d.id("incoming", "(CASE WHEN n % 2 = 0 THEN 0 ELSE n % 999 + 1 END)", 0), when("call", f.calls), d.rows(f.calls)),
		fmt.Sprintf(`INSERT INTO nchat_audit_log (id, actor_id, action, subject, before, after, created_at)
			SELECT %s, %s, CASE WHEN n < 10 THEN 'rare.action' WHEN n %% 2 = 0 THEN 'message.create' ELSE 'message.update' END, %s, '{"a":1}', '{"a":2}', %s FROM %s`,
			d.id("audit", "n", f.audits), d.id("user", "(CASE WHEN n % 1000 = 999 THEN 1999 ELSE 1 END)", 0),
			map[bool]string{true: d.id("message", "n", f.messages) + "::text", false: d.id("message", "n", f.messages)}[d.postgres],
			when("audit", f.audits), d.rows(f.audits)),
		fmt.Sprintf(`INSERT INTO nchat_api_tokens (id, name, user_id, scope, token_hash, created_at) SELECT %s, 't' || n, %s, 'read', 'h' || n, %s FROM %s`,
			d.id("token", "n", 0), asUUID("'"+owner+"'"), when("token", 0), d.rows(1000)),
		fmt.Sprintf(`INSERT INTO nchat_sessions (id, user_id, session_hash, created_at, last_seen_at, expires_at) SELECT %s, %s, 'h' || n, %s, %s, %s FROM %s`,
			d.id("session", "n", 0), asUUID("'"+owner+"'"), when("session", 0), when("session", 0), far, d.rows(1000)),
		map[bool]string{true: "VACUUM ANALYZE", false: "PRAGMA wal_checkpoint(TRUNCATE)"}[d.postgres],
	}
	for _, text := range statements {
		if err := d.exec(b.Context(), text); err != nil {
			b.Fatalf("%v: %s", err, text)
		}
	}
	return f
}

// TestListsAreBenchmarked: no list and no parameter of one is left out of
// BenchmarkLists.
func TestListsAreBenchmarked(t *testing.T) {
	r := newRig(t)
	made := listCalls(r, &filled{messages: 1, events: 1, deliveries: 1, calls: 1, audits: 1, from: time.Now()})
	r.walk(func(t *testing.T, r *rig, method, path string, w row) {
		if !w.list {
			return
		}
		for _, p := range operationOf(r, method, path).Parameters {
			if p.In != "query" || p.Name == "userId" { // of another: the same list
				continue
			}
			if !slices.ContainsFunc(made, func(c listCall) bool {
				address, query, _ := strings.Cut(c.path, "?")
				req, err := http.NewRequestWithContext(t.Context(), method, address, http.NoBody)
				must(t, err)
				_, pattern := r.api.mux.Handler(req)
				return pattern == method+" "+path && strings.Contains("&"+query, "&"+p.Name+"=")
			}) {
				t.Errorf("no call has %s", p.Name)
			}
		}
	})
}
