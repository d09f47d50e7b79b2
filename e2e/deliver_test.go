package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	api "github.com/nself-chat/hub/client"
)

// webhookTo makes an outgoing webhook to a path of the sink that retries
// quickly; more overrides its fields.
func (p *process) webhookTo(s *sink, path string, events []string, more map[string]any) hook {
	p.t.Helper()
	fields := map[string]any{"name": "to " + path, "url": s.url(path), "events": events, "retryDelay": 100}
	for name, value := range more {
		fields[name] = value
	}
	return p.outgoing(fields)
}

// change changes fields of an outgoing webhook.
func (p *process) change(w hook, fields map[string]any) {
	p.t.Helper()
	_, err := p.api().UpdateOutgoingWebhook(p.t.Context(), w.ID, fieldsOf[api.OutgoingWebhookFields](p.t, fields))
	p.ok(err)
}

// pause holds a webhook's deliveries.
func (p *process) pause(w hook) {
	p.t.Helper()
	_, err := p.api().PauseOutgoingWebhook(p.t.Context(), w.ID)
	p.ok(err)
}

// resume lets a webhook send again.
func (p *process) resume(w hook, skipHeld bool) {
	p.t.Helper()
	_, err := p.api().ResumeOutgoingWebhook(p.t.Context(), w.ID, skipHeld)
	p.ok(err)
}

// cancel gives a delivery up.
func (p *process) cancel(d delivery) delivery {
	p.t.Helper()
	return result(p.api().CancelDelivery(p.t.Context(), d.ID)).must(p)
}

// statuses counts a webhook's deliveries by state.
func (p *process) statuses(webhookID string) map[string]int {
	p.t.Helper()
	counts := make(map[string]int)
	for _, d := range p.deliveries(webhookID, "") {
		counts[d.Status]++
	}
	return counts
}

func (p *process) awaitStatuses(webhookID, status string, n int) {
	p.t.Helper()
	eventually(p.t, strconv.Itoa(n)+" deliveries "+status, func() bool { return p.statuses(webhookID)[status] == n })
}

func TestRetry(t *testing.T) { onBoth(t, testRetry) }

func testRetry(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	receiver.answers("/flaky", 500, 500, 204)
	w := p.webhookTo(receiver, "/flaky", []string{"message.created"}, nil)
	p.say(p.general(), "try hard")
	got := receiver.await("/flaky", 3)
	for i, a := range got {
		if n := a.Header.Get("X-Webhook-Attempt"); n != strconv.Itoa(i+1) {
			t.Errorf("request %d is attempt %s", i+1, n)
		}
		if a.Header.Get("Webhook-Id") != got[0].Header.Get("Webhook-Id") || string(a.Body) != string(got[0].Body) {
			t.Errorf("attempt %d is not the delivery of attempt 1", i+1)
		}
		checkSigned(t, a, w.Secret)
	}
	for i, least := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond} {
		if gap := got[i+1].At.Sub(got[i].At); gap < least {
			t.Errorf("attempt %d came after %s, want at least %s", i+2, gap, least)
		}
	}
	p.awaitStatuses(w.ID, "success", 1)
	d := p.delivery(got[0].Header.Get("Webhook-Id"))
	if len(d.Log) != 3 || d.Log[0].Result != "http_500" || d.Log[1].ResponseStatus != 500 || d.Log[2].Result != "success" || d.Log[0].Reason == "" {
		t.Errorf("the log of attempts: %+v", d.Log)
	}
	p.stop()
	p.verify()
}

// TestOrder makes the first attempt of a message's creation fail: its edit and
// its deletion wait for it.
func TestOrder(t *testing.T) { onBoth(t, testOrder) }

func testOrder(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	receiver.answers("/ordered", 500, 204)
	p.webhookTo(receiver, "/ordered", []string{"message.*"}, nil)
	m := p.say(p.general(), "first")
	p.edit(m.ID, "second")
	p.ok(p.api().DeleteMessage(t.Context(), m.ID))
	var got []string
	for _, a := range receiver.await("/ordered", 4) {
		got = append(got, a.Header.Get("X-Webhook-Event")+" "+a.Header.Get("X-Webhook-Attempt"))
	}
	want := "message.created 1, message.created 2, message.updated 1, message.deleted 1"
	if strings.Join(got, ", ") != want {
		t.Errorf("arrived %v\nwant %s", got, want)
	}
	p.stop()
	p.verify()
}

// TestOrderAfterDeadLetter: a head that is given up releases its followers.
func TestOrderAfterDeadLetter(t *testing.T) { onBoth(t, testOrderAfterDeadLetter) }

func testOrderAfterDeadLetter(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	receiver.answers("/ordered", 500, 500, 204)
	p.webhookTo(receiver, "/ordered", []string{"message.*"}, map[string]any{"maxRetries": 1})
	m := p.say(p.general(), "first")
	p.edit(m.ID, "second")
	got := receiver.await("/ordered", 3)
	if e := got[2].Header.Get("X-Webhook-Event"); e != "message.updated" {
		t.Errorf("after the dead letter came %s", e)
	}
	p.stop()
	p.verify()
}

func TestPauseHoldsAndResumeDelivers(t *testing.T) { onBoth(t, testPauseHoldsAndResumeDelivers) }

func testPauseHoldsAndResumeDelivers(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	w := p.webhookTo(receiver, "/held", []string{"held.*"}, nil)
	p.pause(w)
	for range 3 {
		if _, n := p.publish("held.back", map[string]any{}); n != 1 {
			t.Fatalf("a paused webhook gets %d deliveries of an event", n)
		}
	}
	p.awaitStatuses(w.ID, "held", 3)
	stats := result(p.api().QueueStats(t.Context())).must(p)
	if stats.Delayed != 3 || stats.Total != 3 {
		t.Errorf("the queue's figures: %+v", stats)
	}
	if n := len(receiver.arrived("/held")); n != 0 {
		t.Fatalf("%d requests arrived during the pause", n)
	}
	p.resume(w, false)
	receiver.await("/held", 3)
	p.awaitStatuses(w.ID, "success", 3)

	p.pause(w)
	p.publish("held.skipped", map[string]any{})
	p.publish("held.skipped", map[string]any{})
	p.resume(w, true)
	p.awaitStatuses(w.ID, "canceled", 2)
	p.publish("held.after", map[string]any{})
	if e := receiver.await("/held", 4)[3].Header.Get("X-Webhook-Event"); e != "held.after" {
		t.Errorf("after the resumption came %s", e)
	}
	p.stop()
	p.verify()
}

// TestPausedOverRestart: what is held stays held when the hub starts again.
func TestPausedOverRestart(t *testing.T) { onBoth(t, testPausedOverRestart) }

func testPausedOverRestart(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	w := p.webhookTo(receiver, "/held", []string{"held"}, nil)
	p.pause(w)
	p.publish("held", 1)
	p.kill()
	p.start()
	p.publish("held", 2)
	p.awaitStatuses(w.ID, "held", 2)
	p.resume(w, false)
	receiver.await("/held", 2)
	p.stop()
	p.verify()
}

func TestQueuePause(t *testing.T) { onBoth(t, testQueuePause) }

func testQueuePause(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	w := p.webhookTo(receiver, "/queue", []string{"queued"}, nil)
	p.ok(p.api().PauseQueue(t.Context()))
	p.publish("queued", 1)
	stats := result(p.api().QueueStats(t.Context())).must(p)
	if stats.Pending != 1 || stats.Active != 0 || stats.Completed != 0 {
		t.Errorf("while the queue stands: %+v", stats)
	}
	p.kill()
	p.start() // it stands over a restart, too
	p.publish("queued", 2)
	if n := len(receiver.arrived("/queue")); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	p.ok(p.api().ResumeQueue(t.Context()))
	receiver.await("/queue", 2)
	p.awaitStatuses(w.ID, "success", 2)
	stats = result(p.api().QueueStats(t.Context())).must(p)
	if stats.Completed != 2 || stats.Total != 2 {
		t.Errorf("after it: %+v", stats)
	}
	p.stop()
	p.verify()
}

func TestGoneDisables(t *testing.T) { onBoth(t, testGoneDisables) }

func testGoneDisables(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	receiver.answers("/gone", http.StatusGone, http.StatusNoContent)
	gone := p.webhookTo(receiver, "/gone", []string{"*"}, nil)
	p.webhookTo(receiver, "/watch", []string{"webhook.*"}, nil)
	p.publish("farewell", 1)
	receiver.await("/gone", 1)

	a := receiver.await("/watch", 1)[0]
	d := data[struct {
		Webhook struct{ ID, Name string }
		Reason  string
		Detail  string
	}](t, a)
	if a.Header.Get("X-Webhook-Event") != "webhook.disabled" || d.Webhook.ID != gone.ID || d.Reason != "gone" || d.Detail == "" {
		t.Errorf("other webhooks were told: %s", a.Body)
	}
	if s := p.state(gone.ID); s != "disabled" {
		t.Errorf("the webhook is %s", s)
	}
	if texts := p.notices(); len(texts) != 1 || !strings.Contains(texts[0], "410") || !strings.Contains(texts[0], "to /gone") {
		t.Errorf("the notices: %q", texts)
	}
	if _, n := p.publish("later", 1); n != 0 {
		t.Errorf("the disabled webhook gets %d deliveries", n)
	}
	if got := p.deliveries(gone.ID, ""); len(got) != 1 || got[0].Status != "failed" || got[0].LastStatus != 410 {
		t.Errorf("its deliveries: %+v", got)
	}

	p.change(gone, map[string]any{"enabled": true})
	p.publish("again", 1)
	if e := receiver.await("/gone", 2)[1].Header.Get("X-Webhook-Event"); e != "again" {
		t.Errorf("after it was enabled came %s", e)
	}
	p.stop()
	p.verify()
}

func TestDeadLetter(t *testing.T) { onBoth(t, testDeadLetter) }

func testDeadLetter(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	receiver.answers("/dead", 500)
	w := p.webhookTo(receiver, "/dead", []string{"letter"}, map[string]any{"maxRetries": 1})
	p.webhookTo(receiver, "/watch", []string{"webhook.failing"}, nil)
	for i := range 3 {
		p.publish("letter", i)
	}
	p.awaitStatuses(w.ID, "failed", 3)
	if a := receiver.await("/watch", 1)[0]; !strings.Contains(string(a.Body), w.ID) || !strings.Contains(string(a.Body), "dead_letter") {
		t.Errorf("other webhooks were told: %s", a.Body)
	}
	eventually(t, "one coalesced notice", func() bool { return len(p.notices()) == 1 })
	if text := p.notices()[0]; !strings.Contains(text, "to /dead") {
		t.Errorf("the notice: %q", text)
	}

	// One is sent again.
	receiver.answers("/dead", 204)
	first := p.deliveries(w.ID, "failed")[2]
	_, err := p.api().RetryDelivery(t.Context(), first.ID)
	p.ok(err)
	a := receiver.await("/dead", 7)[6]
	if a.Header.Get("Webhook-Id") != first.ID || a.Header.Get("X-Webhook-Attempt") != "3" {
		t.Errorf("the retry came as %v", a.Header)
	}
	p.awaitStatuses(w.ID, "success", 1)

	// The others are counted, then replayed.
	replay := func(r api.Replay) int {
		t.Helper()
		r.Status = "failed"
		return result(p.api().ReplayOutgoingWebhook(t.Context(), w.ID, r)).must(p)
	}
	if n := replay(api.Replay{DryRun: true}); n != 2 || p.statuses(w.ID)["failed"] != 2 {
		t.Errorf("the dry run: %d, then %v", n, p.statuses(w.ID))
	}
	if n := replay(api.Replay{Since: time.Now().Add(time.Hour)}); n != 0 {
		t.Errorf("a replay of what comes in an hour: %d", n)
	}
	if n := replay(api.Replay{}); n != 2 {
		t.Errorf("the replay: %d", n)
	}
	p.awaitStatuses(w.ID, "success", 3)
	if n := len(receiver.arrived("/dead")); n != 9 {
		t.Errorf("%d requests in all, want 6 failed, 1 retried, 2 replayed", n)
	}
	p.stop()
	p.verify()
}

func TestCancel(t *testing.T) { onBoth(t, testCancel) }

func testCancel(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	w := p.webhookTo(receiver, "/cancel", []string{"c"}, nil)
	p.pause(w)
	p.publish("c", "unwanted")
	p.awaitStatuses(w.ID, "held", 1)
	if d := p.cancel(p.deliveries(w.ID, "")[0]); d.Status != "canceled" {
		t.Errorf("the canceled delivery is %s", d.Status)
	}
	p.resume(w, false)
	p.publish("c", "wanted")
	if a := receiver.await("/cancel", 1)[0]; string(a.envelope(t).Data) != `"wanted"` {
		t.Errorf("the canceled delivery arrived: %s", a.Body)
	}

	// One that waits for its retry, too.
	receiver.answers("/cancel", 500)
	p.change(w, map[string]any{"retryDelay": 60_000})
	p.publish("c", "waiting")
	p.awaitStatuses(w.ID, "retrying", 1)
	p.cancel(p.deliveries(w.ID, "retrying")[0])
	p.awaitStatuses(w.ID, "canceled", 2)
	p.stop()
	p.verify()
}

func TestPing(t *testing.T) { onBoth(t, testPing) }

func testPing(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	w := p.webhookTo(receiver, "/ping", []string{"order.created"}, nil)
	p.webhookTo(receiver, "/other", []string{"*"}, nil)
	made := result(p.api().TestOutgoingWebhook(t.Context(), w.ID)).must(p)
	a := receiver.await("/ping", 1)[0]
	if a.Header.Get("X-Webhook-Event") != "webhook.test" || a.Header.Get("Webhook-Id") != made.DeliveryID {
		t.Errorf("the ping %+v came as %v", made, a.Header)
	}
	checkSigned(t, a, w.Secret)
	p.publish("after", 1)
	if a := receiver.await("/other", 1)[0]; a.Header.Get("X-Webhook-Event") != "after" {
		t.Errorf("another webhook got the ping: %s", a.Body)
	}
	p.stop()
	p.verify()
}

// TestRetryAfter: the receiver says when; the whole lane waits.
func TestRetryAfter(t *testing.T) { onBoth(t, testRetryAfter) }

func testRetryAfter(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	receiver.script("/busy", func(n int, w http.ResponseWriter) {
		if n == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	w := p.webhookTo(receiver, "/busy", []string{"b"}, nil)
	p.publish("b", 1)
	p.awaitStatuses(w.ID, "retrying", 1)
	p.publish("b", 2)
	got := receiver.await("/busy", 3)
	for _, a := range got[1:] {
		if gap := a.At.Sub(got[0].At); gap < time.Second {
			t.Errorf("a request came %s after a 429 that asked for 1 s", gap)
		}
	}
	p.stop()
	p.verify()
}

// TestRedirectIsNotFollowed: a 3xx is a failure and nobody is called by it.
func TestRedirectIsNotFollowed(t *testing.T) { onBoth(t, testRedirectIsNotFollowed) }

func testRedirectIsNotFollowed(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	receiver.script("/here", func(_ int, w http.ResponseWriter) {
		w.Header().Set("Location", receiver.url("/there"))
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	w := p.webhookTo(receiver, "/here", []string{"r"}, map[string]any{"maxRetries": 0})
	p.publish("r", 1)
	p.awaitStatuses(w.ID, "failed", 1)
	if n := len(receiver.arrived("/there")); n != 0 {
		t.Error("the redirect was followed")
	}
	p.stop()
	p.verify()
}
