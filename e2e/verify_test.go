package e2e

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver that reads and changes copies of the hub's database

	api "github.com/nself-chat/hub/client"
)

// databaseName is the database in the data folder.
const databaseName = "hub.db"

// copyData copies a stopped hub's data folder.
func (p *process) copyData() string {
	p.t.Helper()
	dir := p.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(p.dir)); err != nil {
		p.t.Fatal(err)
	}
	return dir
}

// change runs statements on the database in a folder. Each must change rows:
// one that finds nothing to spoil would prove nothing.
func change(t *testing.T, dir string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, databaseName))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		result, err := db.Exec(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			t.Fatalf("%s changed %d rows, %v", s, n, err)
		}
	}
}

// verifyIn runs hub verify on a folder and returns what it printed and its
// exit code.
func (p *process) verifyIn(dir string) (out string, code int) {
	p.t.Helper()
	cmd := exec.Command(p.binary, "verify")
	cmd.Env = append(os.Environ(), "HUB_DATA_DIR="+dir)
	text, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(text), exit.ExitCode()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text), 0
}

// TestVerifyCanFail spoils copies of a sound database, each in one way, and
// expects hub verify to name the damage. Where the counters would tell as
// well, they are corrected, so that the check in question must.
func TestVerifyCanFail(t *testing.T) {
	t.Parallel()
	p, receiver := startHub(t), newSink(t)
	receiver.answers("/bad", 500)
	good := p.webhookTo(receiver, "/good", []string{"v.*"}, map[string]any{"filter": map[string]any{"field": "n", "lessThan": 100}})
	bad := p.webhookTo(receiver, "/bad", []string{"v.*"}, map[string]any{"maxRetries": 1})
	for n := range 3 { // with the next, 8 failures: the breaker opens after 10
		p.publish("v.x", map[string]any{"n": n})
	}
	p.publish("v.x", map[string]any{"n": 100})
	p.awaitStatuses(good.ID, "success", 3)
	p.awaitStatuses(bad.ID, "failed", 4)
	p.stop()

	untouched := p.copyData()
	if out, code := p.verifyIn(untouched); code != 0 || !strings.Contains(out, "deliveries expected 7, deliveries found 7") ||
		!strings.Contains(out, "attempts 11") || !strings.Contains(out, "clean") {
		t.Errorf("an untouched copy: exit code %d\n%s", code, out)
	}

	one := func(webhook string) string {
		return fmt.Sprintf("(SELECT min(id) FROM nchat_webhook_deliveries WHERE webhook_id = '%s')", webhook)
	}
	counter := func(webhook, status string, by int) string {
		return fmt.Sprintf(`INSERT INTO nchat_webhook_counters (webhook_id, status, total) VALUES ('%s', '%s', %d)
			ON CONFLICT DO UPDATE SET total = total + excluded.total`, webhook, status, by)
	}
	inWebhook := func(column, value string) string {
		return fmt.Sprintf("UPDATE nchat_outgoing_webhooks SET %s = '%s' WHERE id = '%s'", column, value, good.ID)
	}
	status := func(webhook, set string) string {
		return "UPDATE nchat_webhook_deliveries SET " + set + " WHERE id = " + one(webhook)
	}
	for name, c := range map[string]struct {
		spoil []string
		want  string
	}{
		"a delivery is gone": {[]string{
			"DELETE FROM nchat_webhook_attempts WHERE delivery_id = " + one(good.ID),
			"DELETE FROM nchat_webhook_deliveries WHERE id = " + one(good.ID), counter(good.ID, "success", -1),
		}, "has no delivery to webhook " + good.ID},
		"a delivery is gone, its attempts are not": {[]string{
			"DELETE FROM nchat_webhook_deliveries WHERE id = " + one(good.ID), counter(good.ID, "success", -1),
		}, "has no delivery to webhook " + good.ID},
		"a webhook's events": {[]string{inWebhook("events", `["other"]`)}, "webhook " + good.ID + " differs from its last revision"},
		"a webhook's filter": {[]string{inWebhook("filter", `{"field":"n","lessThan":5}`)}, "webhook " + good.ID + " differs from its last revision"},
		"a webhook's state":  {[]string{inWebhook("state", "paused")}, "webhook " + good.ID + " differs from its last revision"},
		"its channels":       {[]string{inWebhook("channel_ids", `["01890000-0000-7000-8000-000000000000"]`)}, "differs from its last revision"},
		"its ordering":       {[]string{inWebhook("ordering", "unordered")}, "differs from its last revision"},
		"a recorded revision": {[]string{
			inWebhook("filter", `{"field":"n","lessThan":1}`),
			`UPDATE nchat_outgoing_webhook_revisions SET subscription = json_set(subscription, '$.filter.lessThan', 1)
				WHERE webhook_id = '` + good.ID + `'`,
		}, "which did not ask for it"},
		"a revision is gone": {[]string{"DELETE FROM nchat_outgoing_webhook_revisions WHERE webhook_id = '" + good.ID + "'"}, "has no revision"},
		"failed is called success": {[]string{
			status(bad.ID, "status = 'success'"), counter(bad.ID, "failed", -1), counter(bad.ID, "success", 1),
		}, "is marked success, its last attempt is not one"},
		"success is called failed": {[]string{
			status(good.ID, "status = 'failed'"), counter(good.ID, "success", -1), counter(good.ID, "failed", 1),
		}, "is failed, its last attempt did not fail"},
		"success is made to wait": {[]string{
			status(good.ID, "status = 'retrying', finished_at = NULL, scheduled_for = '2099-01-01T00:00:00.000000Z'"),
			counter(good.ID, "success", -1), counter(good.ID, "retrying", 1),
		}, "is retrying, its last attempt did not fail"},
		"a delivery waits for nothing": {[]string{
			status(bad.ID, "status = 'pending', finished_at = NULL"), counter(bad.ID, "failed", -1), counter(bad.ID, "pending", 1),
		}, "waits for nothing"},
		"a delivery is held by an active webhook": {[]string{
			status(bad.ID, "status = 'held', finished_at = NULL, updated_at = '2026-01-01T00:00:00.000000Z'"),
			"UPDATE nchat_outgoing_webhooks SET updated_at = '2026-01-01T00:00:00.000000Z'",
			counter(bad.ID, "failed", -1), counter(bad.ID, "held", 1),
		}, "is held, its webhook " + bad.ID + " is active"},
		"a status, and no more":        {[]string{status(bad.ID, "status = 'success'")}, "the counter says"},
		"a counter":                    {[]string{counter(good.ID, "success", 1)}, "3 deliveries are success, the counter says 4"},
		"an attempt is gone":           {[]string{"DELETE FROM nchat_webhook_attempts WHERE number = 2 AND delivery_id = " + one(bad.ID)}, "counts 2 attempts, 1 are logged"},
		"an event is gone":             {[]string{"DELETE FROM nchat_events WHERE id = (SELECT min(event_id) FROM nchat_webhook_deliveries)"}, "which does not exist"},
		"an event says something else": {[]string{`UPDATE nchat_events SET data = '{"n":1000}' WHERE id = (SELECT min(event_id) FROM nchat_webhook_deliveries)`}, "which did not ask for it"},
		"a delivery of another webhook": {[]string{
			"UPDATE nchat_webhook_deliveries SET webhook_id = '01890000-0000-7000-8000-000000000000' WHERE id = " + one(bad.ID),
		}, "which never existed"},
	} {
		dir := p.copyData()
		change(t, dir, c.spoil...)
		out, code := p.verifyIn(dir)
		if code != 1 || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit code %d, want 1 and %q\n%s", name, code, c.want, out)
		}
	}
	if out, code := p.verifyIn(untouched); code != 0 {
		t.Errorf("the untouched copy at the end: exit code %d\n%s", code, out)
	}
}

// TestVerifyBesideARunningHub reads one moment of a database at work.
func TestVerifyBesideARunningHub(t *testing.T) { onBoth(t, testVerifyBesideARunningHub) }

func testVerifyBesideARunningHub(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	p.webhookTo(receiver, "/x", []string{"*"}, nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 300 {
			if _, err := p.api().Publish(t.Context(), api.Publication{Event: "x", Data: n}); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 5 {
		p.verify()
	}
	<-done
	p.drained(patience)
	p.verify()
}
