package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // reads restored databases

	"github.com/nself-chat/hub/internal/app"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// orders takes deliveries, unless it is down, and remembers their events.
type orders struct {
	*httptest.Server
	down   atomic.Bool
	mu     sync.Mutex
	events map[string]int
	came   chan struct{} // has one element when something has come since
}

func newOrders(t *testing.T) *orders {
	t.Helper()
	r := &orders{events: make(map[string]int), came: make(chan struct{}, 1)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var e struct{ Data struct{ N int } }
		if err := json.NewDecoder(req.Body).Decode(&e); err != nil || r.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.mu.Lock()
		r.events[fmt.Sprint(e.Data.N)]++
		r.mu.Unlock()
		select {
		case r.came <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// await waits until every number below n has come.
func (r *orders) await(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		r.mu.Lock()
		missing := 0
		for i := range n {
			if r.events[fmt.Sprint(i)] == 0 {
				missing++
			}
		}
		r.mu.Unlock()
		if missing == 0 {
			return
		}
		select {
		case <-r.came:
		case <-deadline:
			t.Fatalf("%d of %d events have not come", missing, n)
		}
	}
}

// subscribe makes an outgoing webhook to the receiver that tries again soon.
func (h *running) subscribe(r *orders) {
	h.t.Helper()
	h.must(http.MethodPost, "/api/outgoing-webhooks", map[string]any{
		"name": "orders", "url": r.URL, "events": []string{"order.*"}, "retryDelay": 100, "maxRetries": 20,
	}, nil)
}

// upload uploads a file and posts it with a message.
func (h *running) upload(text, content string) (fileID string) {
	h.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "a.txt")
	if err == nil {
		_, err = io.WriteString(part, content)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		h.t.Fatal(err)
	}
	var file struct{ ID string }
	if err := h.send(http.MethodPost, "/api/files", w.FormDataContentType(), &form, &file); err != nil {
		h.t.Fatal(err)
	}
	h.must(http.MethodPost, "/api/channels/"+h.general()+"/messages", map[string]any{"content": text, "fileIds": []string{file.ID}}, nil)
	return file.ID
}

// finds fails the test unless the search finds one message, and the file has
// the content.
func (h *running) finds(word, fileID, content string) {
	h.t.Helper()
	var found struct{ Items []json.RawMessage }
	h.must(http.MethodGet, "/api/search?q="+word, nil, &found)
	if len(found.Items) != 1 {
		h.t.Errorf("%q finds %d messages", word, len(found.Items))
	}
	var got string
	h.must(http.MethodGet, "/api/files/"+fileID, nil, &got)
	if got != content {
		h.t.Errorf("the file has %q, want %q", got, content)
	}
}

// A backup of a hub under load holds all that was acknowledged before it began.
func TestBackupUnderLoad(t *testing.T) {
	env := map[string]string{"HUB_DATA_DIR": t.TempDir(), "HUB_SYNCHRONOUS": "normal"}
	h, r := serve(t, env), newOrders(t)
	h.subscribe(r)
	file := h.upload("Bericht über Köln", "report")

	var load sync.WaitGroup
	var mu sync.Mutex
	var acknowledged []string
	var stop atomic.Bool
	grown := make(chan struct{}, 1)
	for worker := range 4 {
		load.Go(func() {
			for n := worker; !stop.Load(); n += 4 {
				id, err := h.publish(n)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, id)
				mu.Unlock()
				select {
				case grown <- struct{}{}:
				default:
				}
			}
		})
	}
	atLeast := func(n int) []string {
		for {
			mu.Lock()
			all := append([]string(nil), acknowledged...)
			mu.Unlock()
			if len(all) >= n {
				return all
			}
			select {
			case <-grown:
			case <-time.After(time.Minute):
				t.Fatal("the load stands still")
			}
		}
	}
	dir := t.TempDir()
	before := map[string][]string{}
	for i, name := range []string{"a.tar", "b.tar.gz"} {
		path := filepath.Join(dir, name)
		before[path] = atLeast(200 * (i + 1))
		out := mustRun(t, env, "backup", "--json", "--with-keys", path)
		var report app.BackupReport
		if err := json.Unmarshal([]byte(out), &report); err != nil || report.Files != 1 || report.Rows["nchat_events"] < int64(len(before[path])) {
			t.Errorf("%s, %v", out, err)
		}
	}
	stop.Store(true)
	load.Wait()
	h.kill()

	for path, want := range before {
		restored := map[string]string{"HUB_DATA_DIR": filepath.Join(t.TempDir(), "data")}
		out := mustRun(t, restored, "restore", path) // fails unless hub verify is clean
		if !strings.Contains(out, "clean") || strings.Contains(out, "warning") || strings.Contains(out, "keys") {
			t.Errorf("restore said\n%s", out)
		}
		there := events(t, restored["HUB_DATA_DIR"])
		for _, id := range want {
			if !there[id] {
				t.Errorf("%s: event %s was acknowledged before the backup, and is not in it", filepath.Base(path), id)
			}
		}
		again := serve(t, restored)
		again.finds("koln", file, "report")
		r.await(t, 100)
		again.stop()
		if out := mustRun(t, restored, "verify"); !strings.Contains(out, "clean") {
			t.Error(out)
		}
	}
}

// events reads the ids of all events of a stopped hub.
func events(t *testing.T, dir string) map[string]bool {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT id FROM nchat_events")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	ids := make(map[string]bool)
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids[id] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}

// A migration that is killed again and again brings everything, once: the hub
// goes on on Postgres, sends what was pending, and finds what was said.
func TestMigrateKilled(t *testing.T) {
	url := postgrestest.URL(t)
	dir := t.TempDir()
	env := map[string]string{"HUB_DATA_DIR": dir, "HUB_SYNCHRONOUS": "normal"}
	h, r := serve(t, env), newOrders(t)
	h.subscribe(r)
	file := h.upload("Bericht über Köln", "report")
	r.down.Store(true)
	const pending = 60
	for n := range pending {
		if _, err := h.publish(n); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := run(t, env, "migrate", "--to", url); err == nil || !strings.Contains(out, "another hub is running") {
		t.Errorf("while the hub runs: %v\n%s", err, out)
	}
	h.kill() // with deliveries in its hands
	bulk(t, dir, 20_000)

	out := mustRun(t, env, "migrate", "--to", url, "--dry-run")
	if !strings.Contains(out, "nothing was written") || !strings.Contains(out, "60 ") {
		t.Errorf("dry run:\n%s", out)
	}
	kills, refused := 0, false
	for wait := 200 * time.Millisecond; ; wait += wait / 3 {
		ctx, cancel := context.WithTimeout(t.Context(), wait/2+rand.N(wait))
		cmd := command(ctx, env, "migrate", "--to", url, "--json")
		text, err := cmd.CombinedOutput()
		killed := ctx.Err() != nil
		cancel()
		if err == nil {
			var report app.MigrateReport
			if err := json.Unmarshal(text, &report); err != nil || report.KeysFit != app.KeysFit ||
				!report.Already && (!report.Resumed || !report.Verify.Clean()) { // it may be killed after it was done
				t.Errorf("report %+v, %v\n%s", report, err, text)
			}
			break
		}
		if exit, ok := errors.AsType[*exec.ExitError](err); !killed || !ok || exit.ExitCode() != -1 {
			t.Fatalf("%v\n%s", err, text)
		}
		if kills++; kills > 100 {
			t.Fatal("the migration gets nowhere")
		}
		if !refused && begun(t, url) {
			refused = true
			out, err := run(t, map[string]string{"HUB_DATA_DIR": dir, "HUB_DATABASE_URL": url, "HUB_ADDR": "127.0.0.1:0"}, "serve")
			if err == nil || !strings.Contains(out, "half a copy") {
				t.Fatalf("a hub on half a copy: %v\n%s", err, out)
			}
		}
	}
	if kills < 2 || !refused {
		t.Errorf("killed %d times, a hub was refused: %t", kills, refused)
	}
	if out := mustRun(t, env, "migrate", "--to", url); !strings.Contains(out, "Nothing to do") {
		t.Error(out)
	}

	r.down.Store(false)
	moved := map[string]string{"HUB_DATA_DIR": dir, "HUB_DATABASE_URL": url}
	again := serve(t, moved)
	r.await(t, pending)
	again.finds("koln", file, "report")
	if id, err := again.publish(pending); err != nil || id == "" {
		t.Error(err)
	}
	r.await(t, pending+1)
	again.stop()
	if out := mustRun(t, moved, "verify"); !strings.Contains(out, "clean") {
		t.Error(out)
	}
	if out, err := run(t, moved, "migrate", "--from", "sqlite://"+filepath.Join(dir, "hub.db"), "--to", url); err != nil || !strings.Contains(out, "Nothing to do") {
		t.Errorf("after the hub has worked: %v\n%s", err, out)
	}
}

// begun reports whether a migration has brought anything to the target.
func begun(t *testing.T, url string) (found bool) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // nothing was written
	if err := conn.QueryRow(t.Context(), `SELECT to_regclass('hub.nchat_settings') IS NOT NULL`).Scan(&found); err != nil {
		t.Fatal(err)
	}
	if !found {
		return false
	}
	if err := conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM hub.nchat_settings)`).Scan(&found); err != nil {
		t.Fatal(err)
	}
	return found
}

// bulk makes a migration take its time.
func bulk(t *testing.T, dir string, rows int) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		`INSERT INTO nchat_audit_log (id, actor_id, action, subject, before, after, created_at)
			SELECT id, id, 'x', 'y' || i, '{"n":' || i || '}', NULL, '2026-02-01T12:00:00.000000Z' FROM n`,
		`INSERT INTO nchat_inbox (id, provider, webhook_id, headers, body, verdict, http_status, created_at)
			SELECT id, 'token', id, '{}', x'00ff', 'accepted', 200, '2026-02-01T12:00:00.000000Z' FROM n`,
	} {
		_, err := db.ExecContext(t.Context(), fmt.Sprintf(`WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d),
			n (i, id) AS (SELECT i, printf('019c1912-fa00-7000-8000-%%012x', i) FROM c) `, rows)+statement)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestMovingCommandsSpeakPlainly(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"HUB_DATA_DIR": filepath.Join(dir, "data")}
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"backup", filepath.Join(dir, "a.tar")}, "There is no hub's database"},
		{[]string{"backup", filepath.Join(dir, "a.zip")}, "ends in .tar"},
		{[]string{"backup"}, "accepts 1 arg"},
		{[]string{"restore", filepath.Join(dir, "none.tar")}, "no such file"},
		{[]string{"migrate"}, "--to: Name the database"},
		{[]string{"migrate", "--to", "mysql://hunter22@x"}, "--to: want sqlite://"},
		{[]string{"migrate", "--to", "postgres://hunter22@127.0.0.1:1/x"}, "There is no hub's database"},
	} {
		out, err := run(t, env, tt.args...)
		if err == nil || !strings.Contains(out, tt.says) || strings.Contains(out, "hunter22") {
			t.Errorf("hub %v: %v\n%s", tt.args, err, out)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}
}

func TestProgressPrinter(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	p := &progressPrinter{out: &out, now: func() time.Time { return now }}
	step := func(after time.Duration, at app.Progress) {
		now = now.Add(after)
		p.show(at)
	}
	step(0, app.Progress{Step: "copy users", Done: 3, Total: 3})
	step(0, app.Progress{Step: "copy messages", Done: 12_000, Before: 10_000, Total: 1_000_000})
	step(4*time.Second, app.Progress{Step: "copy messages", Done: 50_000, Before: 10_000, Total: 1_000_000})
	step(6*time.Second, app.Progress{Step: "copy messages", Done: 110_000, Before: 10_000, Total: 1_000_000})
	step(0, app.Progress{Step: "verify"})
	p.end()
	want := "copy users                         3 of 3, 100 %\n" +
		"copy messages                      110 000 of 1 000 000, 11 %, 10 000/s, 1m29s left\n" +
		"copy messages                      110 000 of 1 000 000, 11 %, 10 000/s, 1m29s left\n" +
		"verify\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
	out.Reset()
	p.terminal = true
	step(0, app.Progress{Step: "files", Done: 1 << 20, Total: 4 << 20, Bytes: true})
	step(2*time.Second, app.Progress{Step: "files", Done: 3 << 20, Total: 4 << 20, Bytes: true})
	p.end()
	const start = "\r\x1b[Kfiles                              "
	want = start + "1.0 MiB of 4.0 MiB, 25 %" + start + "3.0 MiB of 4.0 MiB, 75 %, 1.5 MiB/s, 1s left" +
		start + "3.0 MiB of 4.0 MiB, 75 %, 1.5 MiB/s, 1s left\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", &out, want)
	}
}
