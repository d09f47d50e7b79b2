package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nself-chat/hub"
)

// A table or a column that a migration adds is copied, or named as one that is not.
func TestCopyCoversEveryTable(t *testing.T) {
	lite, pg := openTest(t, Options{}), openTest(t, EmptyPostgres(t))
	tables := map[string][]string{
		"SQLite": names(t, lite, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
			AND name NOT LIKE 'nchat_message_search_%' ORDER BY name`),
		"Postgres": names(t, pg, `SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace
			AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname COLLATE "C"`),
	}
	all, err := layouts()
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(notCopied)
	for i := range all {
		want = append(want, all[i].name)
	}
	slices.Sort(want)
	for database, got := range tables {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("tables of %s (-copied or named in notCopied +there):\n%s", database, diff)
		}
	}
	for i := range all {
		l := &all[i]
		got := names(t, lite, `SELECT name FROM pragma_table_info('`+l.name+`') WHERE name <> 'rowid' ORDER BY name`)
		if diff := cmp.Diff(slices.Sorted(slices.Values(l.names())), got); diff != "" {
			t.Errorf("columns of %s on SQLite (-copied +there):\n%s", l.name, diff)
		}
		var copied []string
		for _, c := range l.columns {
			for typ, k := range kinds {
				if k == c.kind {
					copied = append(copied, c.name+" "+typ)
				}
			}
		}
		got = names(t, pg, `SELECT a.attname || ' ' || replace(format_type(a.atttypid, NULL), 'timestamp with time zone', 'timestamptz')
			FROM pg_attribute a WHERE a.attrelid = '`+l.name+`'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`)
		if diff := cmp.Diff(copied, got); diff != "" {
			t.Errorf("columns of %s on Postgres (-copied +there):\n%s", l.name, diff)
		}
		checkKey(t, l, pg, lite)
		if partitioned := slices.Contains(partitioned, l.name); partitioned != l.byWeek {
			t.Errorf("%s is partitioned: %t", l.name, partitioned)
		}
	}
}

// checkKey sees to it that the key names one row, by a unique index of each database.
func checkKey(t *testing.T, l *layout, pg, lite *Store) {
	t.Helper()
	key := strings.Join(l.key, ",")
	unique := names(t, pg, `SELECT string_agg(a.attname, ',' ORDER BY k.at) FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k (attnum, at)
		JOIN pg_attribute a ON a.attnum = k.attnum WHERE i.indrelid = '`+l.name+`'::regclass AND a.attrelid = i.indrelid
			AND i.indisunique AND i.indpred IS NULL GROUP BY i.indexrelid`)
	if !slices.Contains(unique, key) {
		t.Errorf("%s: no unique index of Postgres is on %s, but %q", l.name, key, unique)
	}
	unique = names(t, lite, `SELECT (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(l.name) ORDER BY seqno))
			FROM pragma_index_list('`+l.name+`') l WHERE l."unique" AND NOT l.partial
		UNION ALL SELECT group_concat(name) FROM (SELECT name FROM pragma_table_info('`+l.name+`') WHERE pk > 0 ORDER BY pk)`)
	if !slices.Contains(unique, key) {
		t.Errorf("%s: no unique index of SQLite is on %s, but %q", l.name, key, unique)
	}
}

func names(t *testing.T, s *Store, query string) []string {
	t.Helper()
	found, err := list(t.Context(), s.readers, func(row scanner) (name string, err error) {
		err = row.Scan(orEmpty(&name))
		return name, err
	}, query)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// sample is what a column holds in the n-th row of a table made for a test;
// columns that are not named here hold something of their kind.
var sample = map[string]func(n int, ids *sampleIDs) any{
	"nchat_users.email":                             func(n int, _ *sampleIDs) any { return fmt.Sprintf("u%d@example.com", n) },
	"nchat_users.status":                            always("active"),
	"nchat_users.metadata":                          always(`{"kind":"human","role":"member"}`),
	"nchat_channels.type":                           always("public"),
	"nchat_channel_members.role":                    always("guest"),
	"nchat_channel_members.channel_id":              func(n int, ids *sampleIDs) any { return ids.of("nchat_channels", n) },
	"nchat_channel_members.user_id":                 func(n int, ids *sampleIDs) any { return ids.of("nchat_users", n) },
	"nchat_messages.channel_id":                     func(n int, ids *sampleIDs) any { return ids.of("nchat_channels", n) },
	"nchat_messages.type":                           always("text"),
	"nchat_messages.metadata":                       always(`{"revision": 2, "origin": {"kind":"hub"}}`),
	"nchat_messages.embeds":                         always(`[{"title":"Überschrift"}]`),
	"nchat_messages.is_deleted":                     always(false),
	"nchat_messages.content":                        func(n int, _ *sampleIDs) any { return fmt.Sprintf("Deploy numéro%d läuft", n) },
	"nchat_attachments.type":                        always("image"),
	"nchat_attachments.message_id":                  func(n int, ids *sampleIDs) any { return ids.of("nchat_messages", n) },
	"nchat_attachments.filename":                    func(n int, _ *sampleIDs) any { return fmt.Sprintf("anhang%d.pdf", n) },
	"nchat_events.data":                             func(n int, _ *sampleIDs) any { return fmt.Sprintf(`{"n":%d}`, n) },
	"nchat_events.seq":                              func(n int, _ *sampleIDs) any { return int64(n + 1) },
	"nchat_events.origin":                           always(`{"kind":"hub"}`),
	"nchat_events.triggered_by":                     always(`{"username":"ann"}`),
	"nchat_outgoing_webhooks.events":                always(`["order.*"]`),
	"nchat_outgoing_webhooks.channel_ids":           always(`[]`),
	"nchat_outgoing_webhooks.filter":                always(nil),
	"nchat_outgoing_webhooks.header_names":          always(`["X-A"]`),
	"nchat_outgoing_webhooks.health":                always(`{}`),
	"nchat_outgoing_webhooks.retry_schedule":        always("days"),
	"nchat_outgoing_webhooks.ordering":              always("unordered"),
	"nchat_outgoing_webhooks.signing":               always("github"),
	"nchat_outgoing_webhooks.state":                 always("paused"),
	"nchat_outgoing_webhooks.notice":                always("gone"),
	"nchat_outgoing_webhook_revisions.revision":     func(n int, _ *sampleIDs) any { return int64(n + 1) },
	"nchat_outgoing_webhook_revisions.subscription": always(`{"events":["a"]}`),
	"nchat_webhook_deliveries.status":               always("success"),
	"nchat_webhook_deliveries.scheduled_for":        always(nil),
	"nchat_webhook_counters.status":                 func(n int, _ *sampleIDs) any { return string(hub.DeliveryStatuses()[n%7]) },
	"nchat_webhook_deliveries.lease_node":           always(nil),
	"nchat_inbox.state":                             always("failed"),
	"nchat_integrations.status":                     always("error"),
	"nchat_integration_mappings.kind":               always("issue"),
	"nchat_integration_mappings.role":               always("copy"),
	"nchat_integration_sync_queue.status":           always("uncertain"),
	"nchat_api_tokens.scope":                        always("write"),
}

func always(v any) func(int, *sampleIDs) any { return func(int, *sampleIDs) any { return v } }

// sampleIDs are the ids of the rows made so far, spread over some weeks.
type sampleIDs struct {
	made   hub.IDs
	now    time.Time
	tables map[string][]string
}

func newSampleIDs() *sampleIDs {
	ids := &sampleIDs{now: noon, tables: make(map[string][]string)}
	ids.made.Now = func() time.Time { return ids.now }
	return ids
}

func (ids *sampleIDs) next() string {
	ids.now = ids.now.Add(time.Hour)
	return ids.made.New()
}

func (ids *sampleIDs) of(table string, n int) any {
	all := ids.tables[table]
	return all[n%len(all)]
}

// fill makes rows in every table that is copied, with every column set, and of
// each table one with nothing in those that may be NULL.
func fill(t *testing.T, s *Store, perTable int) *sampleIDs {
	t.Helper()
	tables, err := layouts()
	if err != nil {
		t.Fatal(err)
	}
	ids := newSampleIDs()
	for i := range tables {
		l := &tables[i]
		required := names(t, s, `SELECT name FROM pragma_table_info('`+l.name+`') WHERE "notnull" OR pk > 0`)
		var rows [][]any
		for n := range perTable {
			row := make([]any, len(l.columns))
			for j, c := range l.columns {
				mayBeNull := !slices.Contains(required, c.name) && !slices.Contains(l.key, c.name) && c.name != "finished_at"
				if n == perTable-1 && mayBeNull {
					continue
				}
				if make, special := sample[l.name+"."+c.name]; special {
					row[j] = make(n, ids)
				} else {
					row[j] = sampleValue(c.kind, c.name, n, ids)
				}
			}
			if l.columns[0].name == "id" {
				ids.tables[l.name] = append(ids.tables[l.name], row[0].(string))
			}
			rows = append(rows, row)
		}
		insert(t, s, l, rows)
	}
	return ids
}

func insert(t *testing.T, s *Store, l *layout, rows [][]any) {
	t.Helper()
	if err := (&sqliteSink{s}).load(t.Context(), l, rows, "x"); err != nil {
		t.Fatalf("%s: %v", l.name, err)
	}
	change(t, s, `DELETE FROM nchat_settings WHERE key = '`+copySetting+`'`)
}

func change(t *testing.T, s *Store, statement string, args ...any) {
	t.Helper()
	err := s.write(t.Context(), func(t *tx) error {
		_, err := t.exec(statement, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func sampleValue(k kind, column string, n int, ids *sampleIDs) any {
	switch k {
	case kindID:
		return ids.next()
	case kindIDs:
		return []string{ids.next(), ids.next()}[:n%3%2+1]
	case kindTime:
		return noon.Add(time.Duration(n)*time.Hour + 123457*time.Microsecond)
	case kindJSON:
		return fmt.Sprintf(`{"z": [1e2, -0.50, true, null, %d], "a": {"b":"é\u00e9\\u0000 \" <&>"}, "a": {"later": 1}}`, n)
	case kindBool:
		return n%2 == 0
	case kindInt32:
		return int64(n)
	case kindInt64:
		return int64(n) << 40
	case kindBytes:
		return []byte{0, 255, byte(n), 'x'}[:(n+1)%5]
	}
	return fmt.Sprintf("%s %d ✓", column, n)
}

// copyTest is a copy as the tests make it: in small steps.
func copyTest(from, to Options) *copier {
	c := newCopier(CopyOptions{From: from, To: to, Searchable: func(m *hub.Message) string {
		text := m.Content
		for _, e := range m.Embeds {
			text += " " + e.Title
		}
		for _, f := range m.Files {
			text += " " + f.Filename
		}
		return text
	}})
	c.batchRows, c.indexBatch = 3, 2
	return c
}

// source makes a database with rows in every table, and names it.
func source(t *testing.T, perTable int, then func(s *Store, ids *sampleIDs)) (Options, *sampleIDs) {
	t.Helper()
	o := Options{Path: filepath.Join(t.TempDir(), "hub.db"), Synchronous: "OFF"}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ids := fill(t, s, perTable)
	if then != nil {
		then(s, ids)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return o, ids
}

// Everything is there after a move to Postgres, and the same after the move back.
func TestCopyThereAndBack(t *testing.T) {
	const perTable = 8
	origin, ids := source(t, perTable, func(s *Store, ids *sampleIDs) {
		// What a hub of before may have stored, and Postgres does not take.
		change(t, s, `UPDATE nchat_users SET display_name = 'a' || char(0) || 'b' WHERE id = $1`, ids.of("nchat_users", 1))
		change(t, s, `UPDATE nchat_users SET locale = CAST(x'61ff62' AS TEXT) WHERE id = $1`, ids.of("nchat_users", 2))
		change(t, s, `UPDATE nchat_audit_log SET before = '{"a":"\u0000"}', after = '{"a":"\ud800", "b": "\u0041"}' WHERE id = $1`,
			ids.of("nchat_audit_log", 3))
		// No whole pages at the end of a table.
		change(t, s, `DELETE FROM nchat_reactions`)
	})
	there := emptyTarget(t)
	c := copyTest(origin, there)
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.report.Replaced != 4 {
		t.Errorf("%d values replaced, want 4", c.report.Replaced)
	}
	if c.report.FinishedAt.IsZero() || c.report.Resumed || c.report.Already || c.report.Indexed != perTable {
		t.Errorf("report %+v", c.report)
	}
	for _, table := range c.report.Tables {
		want := int64(perTable)
		if table.Table == "nchat_reactions" {
			want = 0
		}
		if table.Rows != want || len(table.Digest) != 64 {
			t.Errorf("%+v", table)
		}
	}
	back := Options{Path: filepath.Join(t.TempDir(), "hub.db"), Synchronous: "OFF"}
	if err := copyTest(there, back).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, got := dump(t, origin.Path), dump(t, back.Path)
	for key, value := range map[string]string{
		"nchat_users/" + ids.of("nchat_users", 1).(string) + "/display_name":   "a\uFFFDb",
		"nchat_users/" + ids.of("nchat_users", 2).(string) + "/locale":         "a\uFFFDb",
		"nchat_audit_log/" + ids.of("nchat_audit_log", 3).(string) + "/before": canonicalJSON(`{"a":"` + "\uFFFD" + `"}`),
		"nchat_audit_log/" + ids.of("nchat_audit_log", 3).(string) + "/after":  canonicalJSON(`{"a":"` + "\uFFFD" + `","b":"A"}`),
	} {
		if _, there := want[key]; !there {
			t.Errorf("%s is not there", key)
		}
		want[key] = value
	}
	if len(want) < 1500 {
		t.Errorf("only %d values were compared", len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("there and back (-origin +back):\n%s", diff)
	}

	for name, o := range map[string]Options{"there": there, "back": back} {
		s := openTest(t, o)
		for _, words := range []string{"numero3", "anhang3", "überschrift"} {
			found, err := s.Search(t.Context(), []string{words}, false, "", true, nil, "", 100)
			if err != nil || len(found) == 0 || words == "überschrift" && len(found) != perTable-1 {
				t.Errorf("%s: %q finds %d messages, %v", name, words, len(found), err)
			}
		}
	}
}

// dump reads all values of a database file as they are, JSON by content.
func dump(t *testing.T, path string) map[string]any {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tables, err := layouts()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]any)
	for i := range tables {
		l := &tables[i]
		dumpTable(t, db, l, all)
	}
	return all
}

func dumpTable(t *testing.T, db *sql.DB, l *layout, into map[string]any) {
	t.Helper()
	query := "SELECT " + strings.Join(l.names(), ", ") + " FROM " + l.name + " WHERE " + l.key[0] + " <> '" + copySetting + "'"
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		values, dest := make([]any, len(l.columns)), make([]any, len(l.columns))
		for j := range dest {
			dest[j] = &values[j]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		var key []string
		for _, at := range l.keyAt {
			key = append(key, fmt.Sprint(values[at]))
		}
		for j, c := range l.columns {
			if text, ok := values[j].(string); ok && c.kind == kindJSON {
				values[j] = canonicalJSON(text)
			}
			into[l.name+"/"+strings.Join(key, "/")+"/"+c.name] = values[j]
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// emptyTarget is EmptyPostgres for a copy.
func emptyTarget(t *testing.T) Options {
	t.Helper()
	o := EmptyPostgres(t)
	t.Cleanup(func() { // before the schema is given back: users cannot go before what refers to them
		err := execute(o.Postgres, `DO $$ BEGIN
			IF to_regclass('`+o.Schema+`.nchat_channel_members') IS NOT NULL THEN DELETE FROM `+o.Schema+`.nchat_channel_members; END IF;
		END $$`)
		if err != nil {
			t.Error(err)
		}
	})
	return o
}

// interruptedSink fails now and then, in one of the ways in which a process or
// a connection may end.
type interruptedSink struct {
	sink
	cancel context.CancelFunc
	left   int // steps until then
	how    int
}

var errCut = errors.New("cut off")

func (s *interruptedSink) step(store func() error) error {
	if s.left--; s.left > 0 {
		return store()
	}
	switch s.how {
	case 0: // before the commit
		return errCut
	case 1: // in the middle of it
		s.cancel()
		return errors.Join(errCut, store())
	default: // its answer is lost
		return errors.Join(errCut, store())
	}
}

func (s *interruptedSink) load(ctx context.Context, l *layout, rows [][]any, state string) error {
	return s.step(func() error { return s.sink.load(ctx, l, rows, state) })
}

func (s *interruptedSink) index(ctx context.Context, entries []searchEntry, state string) error {
	return s.step(func() error { return s.sink.index(ctx, entries, state) })
}

func (s *interruptedSink) save(ctx context.Context, state string) error {
	return s.step(func() error { return s.sink.save(ctx, state) })
}

// A copy may end at any moment; called again it goes on, brings nothing twice
// and leaves nothing out.
func TestCopyIsResumed(t *testing.T) {
	origin, _ := source(t, 7, nil)
	t.Run("to Postgres", func(t *testing.T) { testResumed(t, origin, emptyTarget(t)) })
	pg := emptyTarget(t)
	if err := copyTest(origin, pg).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("to SQLite", func(t *testing.T) {
		testResumed(t, pg, Options{Path: filepath.Join(t.TempDir(), "hub.db"), Synchronous: "OFF"})
	})
}

func testResumed(t *testing.T, from, to Options) {
	runs, hows := 0, map[int]bool{}
	for {
		ctx, cancel := context.WithCancel(t.Context())
		c := copyTest(from, to)
		cut := &interruptedSink{cancel: cancel, left: 1 + rand.IntN(9), how: rand.IntN(3)}
		c.wrap = func(s sink) sink {
			cut.sink = s
			return cut
		}
		if rand.IntN(3) == 0 { // between two commits
			cut.left = 1 << 30
			progress := 1 + rand.IntN(9)
			c.o.Progress = func(CopyProgress) {
				if progress--; progress == 0 {
					cancel()
				}
			}
		}
		err := c.run(ctx)
		cancel()
		runs++
		if err == nil {
			if c.report.Resumed == c.report.Already {
				t.Errorf("after %d runs: %+v", runs, c.report)
			}
			break
		}
		if cut.left <= 0 {
			hows[cut.how] = true
		}
		if !errors.Is(err, errCut) && !errors.Is(err, context.Canceled) {
			t.Fatalf("run %d: %v", runs, err)
		}
		checkNotServed(t, to)
		if runs > 500 {
			t.Fatal("the copy gets nowhere")
		}
	}
	if runs < 10 || len(hows) < 2 {
		t.Errorf("%d runs, ended in %d ways", runs, len(hows))
	}
	again := copyTest(from, to)
	if err := again.run(t.Context()); err != nil || !again.report.Already || again.report.FinishedAt.IsZero() {
		t.Errorf("a finished copy, again: %+v, %v", again.report, err)
	}
}

// checkNotServed sees to it that no hub starts on a database that is half a copy.
func checkNotServed(t *testing.T, o Options) {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	s, err := Open(t.Context(), o)
	if err != nil {
		o.Shared = true
		if _, shared := Open(t.Context(), o); fmt.Sprint(shared) != err.Error() {
			t.Errorf("a command beside hubs is told %v, a hub %v", shared, err)
		}
		if hub.CodeOf(err) != hub.Conflict || !strings.Contains(err.Error(), "hub migrate") {
			t.Errorf("half a copy: %v", err)
		}
		return
	}
	state, err := readCopyState(t.Context(), s.readers)
	if err != nil || state != nil && state.Finished.IsZero() {
		t.Errorf("a hub starts on half a copy: %+v, %v", state, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// cutAfter makes half a copy: it ends after some commits.
func cutAfter(t *testing.T, from, to Options, commits int) {
	t.Helper()
	c := copyTest(from, to)
	c.wrap = func(s sink) sink { return &interruptedSink{sink: s, left: commits} }
	if err := c.run(t.Context()); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
}

// alter changes a database that no hub is at work on.
func alter(t *testing.T, o Options, statement string, args ...any) {
	t.Helper()
	o.Shared, o.Log = true, slog.New(slog.DiscardHandler)
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	change(t, s, statement, args...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCopyRefuses(t *testing.T) {
	refused := func(name string, c *copier, code hub.Code, says string) {
		t.Helper()
		err := c.run(t.Context())
		if hub.CodeOf(err) != code || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("%s: %v, want %s: …%s…", name, err, code, says)
		}
	}
	origin, _ := source(t, 4, nil)
	other, _ := source(t, 4, nil)
	nowhere := Options{Path: filepath.Join(t.TempDir(), "hub.db")}
	pg := emptyTarget(t)

	refused("SQLite to SQLite", copyTest(origin, nowhere), hub.Invalid, "One of the databases")
	refused("Postgres to Postgres", copyTest(pg, pg), hub.Invalid, "One of the databases")
	refused("no source", copyTest(nowhere, pg), hub.NotFound, "no hub's database")
	if _, err := os.Stat(nowhere.Path); err == nil {
		t.Error("looking for the source made it")
	}
	empty := Options{Path: filepath.Join(t.TempDir(), "hub.db")}
	if err := os.WriteFile(empty.Path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("a source without tables", copyTest(empty, pg), hub.NotFound, "no tables")

	running := openTest(t, origin)
	refused("a hub on the source", copyTest(origin, pg), hub.Internal, "another hub is running")
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}

	hubOn := openTest(t, pg)
	if _, err := hubOn.Join(t.Context(), "node-1", "web/17"); err != nil {
		t.Fatal(err)
	}
	dry := copyTest(origin, pg)
	dry.o.DryRun = true
	for name, c := range map[string]*copier{
		"a hub on the target": copyTest(origin, pg), "a hub on the source, Postgres": copyTest(pg, nowhere), "a hub on the target, dry": dry,
	} {
		refused(name, c, hub.Conflict, "web/17")
	}
	if err := hubOn.Leave(t.Context(), "node-1"); err != nil {
		t.Fatal(err)
	}
	hubOn.pg.setNode("")
	change(t, hubOn, `INSERT INTO nchat_login_links VALUES ('c', $1, $2, $2)`, id1, at(noon))
	dry = copyTest(origin, pg)
	dry.o.DryRun = true
	for _, c := range []*copier{copyTest(origin, pg), dry} {
		c.o.StartOver = true
		refused("data of its own", c, hub.Conflict, "data of its own (in nchat_login_links)")
	}
	change(t, hubOn, `DELETE FROM nchat_login_links`)
	if err := hubOn.Close(); err != nil {
		t.Fatal(err)
	}

	cutAfter(t, origin, pg, 9)
	refused("half a copy of another", copyTest(other, pg), hub.Conflict, "half a copy of sqlite://"+origin.Path)
	alter(t, origin, `UPDATE nchat_webhook_lanes SET node = 'another'`)
	refused("a source that was at work since", copyTest(origin, pg), hub.Conflict, "has worked on")
	over := copyTest(origin, pg)
	over.o.StartOver = true
	if err := over.run(t.Context()); err != nil || over.report.Resumed {
		t.Errorf("starting over: %+v, %v", over.report, err)
	}
	refused("a finished copy of another", copyTest(other, pg), hub.Conflict, "finished copy of")
	if again := copyTest(origin, pg); again.run(t.Context()) != nil || !again.report.Already {
		t.Errorf("a finished copy, again: %+v", again.report)
	}
	alter(t, origin, `UPDATE nchat_webhook_lanes SET node = 'a third'`)
	dry = copyTest(origin, pg)
	dry.o.DryRun = true
	for _, c := range []*copier{copyTest(origin, pg), dry} {
		refused("a source that was at work since it was copied", c, hub.Conflict, "since it was copied to")
	}
}

// A change of the source that no look at its numbers tells is found at the end.
func TestCopyComparesContent(t *testing.T) {
	origin, ids := source(t, 4, nil)
	pg := emptyTarget(t)
	cutAfter(t, origin, pg, 30)
	alter(t, origin, `UPDATE nchat_users SET display_name = 'someone else' WHERE id = $1`, ids.of("nchat_users", 0))
	c := copyTest(origin, pg)
	err := c.run(t.Context())
	if hub.CodeOf(err) != hub.Conflict || !strings.Contains(err.Error(), "nchat_users (4 and 4 rows)") || strings.Count(err.Error(), "rows)") != 1 {
		t.Fatalf("got %v", err)
	}
	checkNotServed(t, pg)
	c = copyTest(origin, pg)
	c.o.StartOver = true
	if err := c.run(t.Context()); err != nil {
		t.Error(err)
	}
}

// What cannot be taken over is named, and nothing that somebody wrote is shown.
func TestCopyNamesWhatItCannotTake(t *testing.T) {
	for _, tt := range []struct{ statement, says string }{
		{`UPDATE nchat_messages SET user_id = 'hunter22' WHERE id = $1`, "column user_id of the row that follows"},
		{`UPDATE nchat_messages SET reply_count = 3000000000 WHERE id = $1`, "is no number that fits"},
		{`UPDATE nchat_messages SET created_at = 'hunter22' WHERE id = $1`, "column created_at"},
		{`UPDATE nchat_messages SET embeds = 'hunter22' WHERE id = $1`, "column embeds"},
		{`UPDATE nchat_messages SET is_pinned = 'hunter22' WHERE id = $1`, "is neither true nor false"},
		{`UPDATE nchat_messages SET mentions = '["hunter22"]' WHERE id = $1`, "is no list of ids"},
		{`UPDATE nchat_messages SET metadata = '{"hunter22": 1e200000}' WHERE id = $1`, "refused by Postgres in row"},
	} {
		origin, ids := source(t, 3, nil)
		alter(t, origin, tt.statement, ids.of("nchat_messages", 1))
		err := copyTest(origin, emptyTarget(t)).run(t.Context())
		if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "table nchat_messages") ||
			strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: %v", tt.statement, err)
		}
	}
}

// What a hub held that was killed is taken up by the next one on the target:
// with an attempt of unknown outcome if it may have been sent.
func TestCopyKeepsLeases(t *testing.T) {
	ids := newSampleIDs()
	webhook := hub.WebhookID(ids.next())
	origin := Options{Path: filepath.Join(t.TempDir(), "hub.db")}
	s, err := Open(t.Context(), origin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Acquire(t.Context(), "gone", []hub.WebhookID{webhook}); err != nil {
		t.Fatal(err)
	}
	var leased []hub.DeliveryID
	for i, mark := range []int64{1, 0} {
		e := &hub.Event{ID: hub.EventID(ids.next()), Type: "order.created", Data: []byte(`{}`), Origin: hub.Origin{Kind: hub.OriginHub}, Time: noon}
		d := hub.RoutedDelivery{Mark: mark, Delivery: hub.Delivery{
			ID: hub.DeliveryIDFor(e.ID, webhook), WebhookID: webhook, EventID: e.ID, EventType: e.Type, Status: hub.DeliveryActive,
			LeasedTo: "gone", Epoch: 1, LeaseSeq: int64(i + 1),
		}}
		leased = append(leased, d.ID)
		if err := s.Publish(t.Context(), nil, hub.Routing{Event: e, Deliveries: []hub.RoutedDelivery{d}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	pg := emptyTarget(t)
	if err := copyTest(origin, pg).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	to := openTest(t, pg)
	if n, err := to.VoidLeases(t.Context()); n != 2 || err != nil {
		t.Fatalf("%d leases voided, %v", n, err)
	}
	for i, want := range []int{1, 0} {
		d, err := to.Delivery(t.Context(), leased[i])
		if err != nil || d.Attempts != want || d.Status != hub.DeliveryPending || d.DueAt.IsZero() {
			t.Errorf("%+v, %v", d, err)
		}
	}
	if got, err := to.Acquire(t.Context(), "next", []hub.WebhookID{webhook}); len(got) != 1 || err != nil {
		t.Errorf("the lane: %v, %v", got, err)
	}
}

func TestCopyDryRun(t *testing.T) {
	origin, ids := source(t, 5, func(s *Store, ids *sampleIDs) {
		change(t, s, `UPDATE nchat_users SET display_name = 'a' || char(0) WHERE id = $1`, ids.of("nchat_users", 1))
	})
	pg := emptyTarget(t)
	pg.Schema = "never_made"
	c := copyTest(origin, pg)
	c.o.DryRun = true
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(c.report.Tables) != len(copiedTables) || c.report.Tables[0].Rows != 5 || c.report.Replaced != 1 || !c.report.FinishedAt.IsZero() {
		t.Errorf("%+v", c.report)
	}
	if err := execute(pg.Postgres, `CREATE SCHEMA never_made`); err != nil {
		t.Errorf("the schema was made: %v", err)
	}
	alter(t, origin, `UPDATE nchat_users SET created_at = 'x' WHERE id = $1`, ids.of("nchat_users", 1))
	c = copyTest(origin, pg)
	c.o.DryRun = true
	if err := c.run(t.Context()); err == nil || !strings.Contains(err.Error(), "column created_at") {
		t.Errorf("a value that cannot be taken over: %v", err)
	}
}

// While a copy is at work, no hub writes to either database on Postgres.
func TestCopyKeepsWritersAway(t *testing.T) {
	origin, _ := source(t, 3, nil)
	pg := emptyTarget(t)
	other := openTest(t, pg)
	c := copyTest(origin, pg)
	tried := false
	c.o.Progress = func(p CopyProgress) {
		if tried || p.Step != CopyRows {
			return
		}
		tried = true
		if err := execute(pg.Postgres, `DO $$ BEGIN IF pg_try_advisory_xact_lock(`+fmt.Sprint(other.pg.lockID("write"))+`) THEN
			RAISE EXCEPTION 'free'; END IF; END $$`); err != nil {
			t.Error(err)
		}
	}
	if err := c.run(t.Context()); err != nil || !tried {
		t.Fatal(tried, err)
	}
	if err := other.SetSetting(t.Context(), "k", "v"); err != nil {
		t.Errorf("after the copy: %v", err)
	}
}

// JSON means the same before and after jsonb.
func TestCanonicalJSON(t *testing.T) {
	s := openTest(t, emptyTarget(t))
	rapid.Check(t, func(r *rapid.T) {
		text := drawJSON(r, 3)
		var stored string
		err := each(t.Context(), s.readers, func(row scanner) error { return row.Scan(&stored) }, `SELECT $1::jsonb::text`, text)
		if err != nil {
			r.Fatalf("%s: %v", text, err)
		}
		if a, b := canonicalJSON(text), canonicalJSON(stored); a != b {
			r.Errorf("%s became %s: %s, %s", text, stored, a, b)
		}
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			r.Fatal(err)
		}
	})
	for _, different := range [][2]string{
		{`1`, `"1"`}, {`1`, `10`}, {`[1,2]`, `[2,1]`}, {`{"a":null}`, `{}`}, {`[]`, `{}`}, {`-1`, `1`}, {`"a"`, `"A"`}, {`0.1`, `0.01`}, {`1e5`, `1e-5`},
	} {
		if canonicalJSON(different[0]) == canonicalJSON(different[1]) {
			t.Errorf("%s and %s are the same", different[0], different[1])
		}
	}
}

// drawJSON writes JSON in many ways.
func drawJSON(r *rapid.T, depth int) string {
	space := rapid.SampledFrom([]string{"", " ", "\n"}).Draw(r, "space")
	pick := rapid.IntRange(0, 6).Draw(r, "kind")
	if depth == 0 {
		pick %= 5
	}
	switch pick {
	case 0:
		return rapid.SampledFrom([]string{"null", "true", "false"}).Draw(r, "word")
	case 1, 2:
		return rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`).Draw(r, "number")
	case 3:
		return `"` + rapid.SampledFrom([]string{``, `a`, `\u00e9`, `é`, `\ud83d\ude00`, `\n\t\"\\\/`, `<&>`, `\\u0000`}).Draw(r, "text") + `"`
	case 4:
		b, err := json.Marshal(strings.ReplaceAll(rapid.String().Draw(r, "string"), "\x00", ""))
		if err != nil {
			r.Fatal(err)
		}
		return string(b)
	case 5:
		var items []string
		for range rapid.IntRange(0, 3).Draw(r, "length") {
			items = append(items, space+drawJSON(r, depth-1))
		}
		return "[" + strings.Join(items, ",") + space + "]"
	}
	var items []string
	for range rapid.IntRange(0, 4).Draw(r, "length") {
		key := rapid.SampledFrom([]string{"a", "b", "aa", "é", ""}).Draw(r, "key")
		items = append(items, space+`"`+key+`":`+drawJSON(r, depth-1))
	}
	return "{" + strings.Join(items, ",") + "}"
}

// A value is read from either database as the same, or refused.
func TestCells(t *testing.T) {
	var fixed int64
	for _, tt := range []struct {
		kind kind
		src  any
		want any // nil: refused
	}{
		{kindText, "a\x00", "a\uFFFD"},
		{kindText, []byte("a"), "a"},
		{kindText, int64(1), nil},
		{kindID, id1, id1},
		{kindID, strings.ToUpper(id1), nil},
		{kindIDs, "{}", []string{}},
		{kindIDs, "[]", []string{}},
		{kindIDs, "{" + id1 + "," + id2 + "}", []string{id1, id2}},
		{kindIDs, `["` + id1 + `"]`, []string{id1}},
		{kindIDs, "null", nil},
		{kindIDs, "{x}", nil},
		{kindTime, "2026-02-01T12:00:00.000000Z", noon},
		{kindTime, noon.Add(time.Nanosecond).In(time.FixedZone("", 3600)), noon},
		{kindTime, "2026-02-01", nil},
		{kindJSON, `{}`, `{}`},
		{kindJSON, `{} x`, nil},
		{kindJSON, `"\ud800\u0041"`, `"` + "\uFFFD" + `A"`},
		{kindJSON, `"\ud83d\ude00"`, `"😀"`},
		{kindBool, int64(1), true},
		{kindBool, false, false},
		{kindBool, int64(2), nil},
		{kindInt32, int64(-1 << 31), int64(-1 << 31)},
		{kindInt32, int64(1 << 31), nil},
		{kindInt64, int64(1 << 62), int64(1 << 62)},
		{kindInt64, 1.5, nil},
		{kindBytes, []byte{0}, []byte{0}},
		{kindBytes, []byte{}, []byte{}},
		{kindBytes, int64(0), nil},
	} {
		c := cell{kind: tt.kind, fixed: &fixed}
		err := c.Scan(tt.src)
		if (err == nil) != (tt.want != nil) {
			t.Errorf("%v from %T: %v", tt.kind, tt.src, err)
			continue
		}
		if diff := cmp.Diff(tt.want, c.value); diff != "" {
			t.Errorf("%v from %T %v (-want +got):\n%s", tt.kind, tt.src, tt.src, diff)
		}
	}
	if fixed != 2 {
		t.Errorf("%d values were made storable, want 2", fixed)
	}
}

func TestCanonicalNumber(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "0.000e9": "0", "1": "1e0", "10": "1e1", "1.50": "15e-1", "-12e3": "-12e3", "1E+2": "1e2", "100e-2": "1e0",
		"0.001": "1e-3", "1e99999999999999999999": "1e99999999999999999999",
	} {
		if got := canonicalNumber(text); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}
