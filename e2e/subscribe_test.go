package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/nself-chat/hub/client"
)

// TestFilters counts what each subscription gets of the same events.
func TestFilters(t *testing.T) { onBoth(t, testFilters) }

func testFilters(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	general := p.general()
	ops := p.channel("ops")
	private := result(p.api().CreateChannel(t.Context(), api.NewChannel{Name: "secret", Type: "private"})).must(p).ID
	field := func(name, operator string, value any) map[string]any {
		return map[string]any{"field": name, operator: value}
	}
	for path, fields := range map[string]map[string]any{
		"/created":  {"events": []string{"message.created"}},
		"/messages": {"events": []string{"message.*"}},
		"/all":      {"events": []string{"*"}},
		"/two":      {"events": []string{"message.deleted", "order.*"}},
		"/ops":      {"events": []string{"message.created"}, "channelIds": []string{ops}},
		"/private":  {"events": []string{"message.created"}, "channelIds": []string{private, general}},
		"/deploys": {"events": []string{"message.created"}, "filter": map[string]any{"all": []any{
			field("message.content", "contains", "deploy"), map[string]any{"not": field("channel.name", "equals", "ops")},
		}}},
		"/large":    {"events": []string{"order.created"}, "filter": field("total", "greaterThan", 99.5)},
		"/reaction": {"events": []string{"reaction.added", "member.joined"}},
	} {
		p.webhookTo(receiver, path, fields["events"].([]string), fields)
	}

	m := p.say(general, "deploy failed")
	p.say(ops, "deploy in ops")
	p.say(private, "deploy in secret")
	p.edit(m.ID, "deploy done")
	p.ok(p.api().React(t.Context(), m.ID, "👍"))
	p.ok(p.api().DeleteMessage(t.Context(), m.ID))
	p.publish("order.created", map[string]any{"total": 100})
	p.publish("order.created", map[string]any{"total": 99.5})
	p.publish("order.created", map[string]any{"total": "100"})

	p.drained(patience)
	want := map[string]string{
		"/created":  "message.created message.created",
		"/messages": "message.created message.created message.deleted message.reaction.added message.updated",
		"/all": "message.created message.created message.deleted message.reaction.added message.updated " +
			"order.created order.created order.created",
		"/two":      "message.deleted order.created order.created order.created",
		"/ops":      "message.created",
		"/private":  "message.created message.created",
		"/deploys":  "message.created",
		"/large":    "order.created",
		"/reaction": "message.reaction.added",
	}
	for path, events := range want {
		if got := eventsOf(receiver.arrived(path)); got != events {
			t.Errorf("%s got %s\nwant %s", path, got, events)
		}
	}
	p.stop()
	p.verify()
}

// TestFiltersOfTheMoment: an event is matched with the subscriptions in force
// when it happens, and hub verify knows all of them.
func TestFiltersOfTheMoment(t *testing.T) { onBoth(t, testFiltersOfTheMoment) }

func testFiltersOfTheMoment(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	w := p.webhookTo(receiver, "/moment", []string{"a"}, nil)
	count := func(event string, want int) {
		t.Helper()
		if _, n := p.publish(event, 1); n != want {
			t.Errorf("%s made %d deliveries, want %d", event, n, want)
		}
	}
	count("a", 1)
	p.change(w, map[string]any{"events": []string{"b"}})
	count("a", 0)
	count("b", 1)
	p.change(w, map[string]any{"enabled": false})
	count("b", 0)
	p.change(w, map[string]any{"enabled": true})
	count("b", 1)
	p.ok(p.api().DeleteOutgoingWebhook(t.Context(), w.ID))
	count("b", 0)
	p.drained(patience)
	p.stop()
	p.verify()
}

// eventsOf lists the events of arrivals, sorted by name.
func eventsOf(all []arrival) string {
	var events []string
	for _, a := range all {
		events = append(events, a.Header.Get("X-Webhook-Event"))
	}
	return strings.Join(slices.Sorted(slices.Values(events)), " ")
}

func TestCustomHeaders(t *testing.T) { onBoth(t, testCustomHeaders) }

func testCustomHeaders(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	const value = "Bearer receivers-own-credential"
	w := p.webhookTo(receiver, "/headers", []string{"h"}, map[string]any{"headers": map[string]string{"Authorization": value, "X-Team": "ops"}})
	p.publish("h", 1)
	a := receiver.await("/headers", 1)[0]
	if a.Header.Get("Authorization") != value || a.Header.Get("X-Team") != "ops" {
		t.Errorf("the request carries %v", a.Header)
	}
	p.awaitStatuses(w.ID, "success", 1)
	for _, path := range []string{
		"/api/outgoing-webhooks/" + w.ID, "/api/outgoing-webhooks", "/api/deliveries/" + a.Header.Get("Webhook-Id"), "/api/audit-log",
	} {
		got, err := p.do("GET", path, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(got.Body), "receivers-own-credential") {
			t.Errorf("%s shows the header's value: %s", path, got.Body)
		}
		if !strings.Contains(path, "audit") && !strings.Contains(string(got.Body), `"Authorization"`) {
			t.Errorf("%s does not name the header: %s", path, got.Body)
		}
	}
	p.stop()
	p.verify()
}

// rotateSecret gives an outgoing webhook a new secret.
func (p *process) rotateSecret(w hook, overlap time.Duration) api.RotatedSecret {
	p.t.Helper()
	return result(p.api().RotateSecret(p.t.Context(), w.ID, overlap)).must(p)
}

func TestRotateSecret(t *testing.T) { onBoth(t, testRotateSecret) }

func testRotateSecret(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	old := p.webhookTo(receiver, "/rotate", []string{"r"}, nil)
	if !strings.HasPrefix(old.Secret, "whsec_") {
		t.Fatalf("the generated secret is %q", old.Secret)
	}
	fresh := p.rotateSecret(old, time.Hour)
	if fresh.Secret == old.Secret || !strings.HasPrefix(fresh.Secret, "whsec_") {
		t.Fatalf("the new secret is %q", fresh.Secret)
	}
	p.publish("r", 1)
	a := receiver.await("/rotate", 1)[0]
	id, stamp := a.Header.Get("Webhook-Id"), a.Header.Get("Webhook-Timestamp")
	if got, want := a.Header.Get("X-Webhook-Signature"), bodySignature(old.Secret, a.Body); got != want {
		t.Errorf("during the overlap X-Webhook-Signature is %s, want the previous secret's %s", got, want)
	}
	if got, want := a.Header.Get("X-Webhook-Signature-Next"), bodySignature(fresh.Secret, a.Body); got != want {
		t.Errorf("X-Webhook-Signature-Next is %s, want %s", got, want)
	}
	both := strings.Fields(a.Header.Get("Webhook-Signature"))
	want := []string{standardSignature(fresh.Secret, id, stamp, a.Body), standardSignature(old.Secret, id, stamp, a.Body)}
	if !slices.Equal(slices.Sorted(slices.Values(both)), slices.Sorted(slices.Values(want))) {
		t.Errorf("webhook-signature lists %v, want %v", both, want)
	}

	last := p.rotateSecret(old, 0)
	p.publish("r", 2)
	a = receiver.await("/rotate", 2)[1]
	checkSigned(t, a, last.Secret)
	if next := a.Header.Get("X-Webhook-Signature-Next"); next != "" {
		t.Errorf("without an overlap there is X-Webhook-Signature-Next: %s", next)
	}
	p.stop()
	p.verify()
}

// TestSigningProfiles compares the headers that GitHub's and Slack's receivers
// look for with their own instructions.
func TestSigningProfiles(t *testing.T) { onBoth(t, testSigningProfiles) }

func testSigningProfiles(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	const secret = "It's a Secret to Everybody"
	p.webhookTo(receiver, "/github", []string{"s"}, map[string]any{"signing": "github", "secret": secret})
	p.webhookTo(receiver, "/slack", []string{"s"}, map[string]any{"signing": "slack", "secret": secret})
	p.webhookTo(receiver, "/standard", []string{"s"}, map[string]any{
		"signing": "standard", "secret": "whsec_" + base64.StdEncoding.EncodeToString([]byte("twenty-four bytes of key")),
	})
	p.publish("s", 1)

	github := receiver.await("/github", 1)[0]
	checkSigned(t, github, secret)
	if h := github.Header; h.Get("X-Hub-Signature-256") != bodySignature(secret, github.Body) || h.Get("X-Github-Event") != "s" ||
		h.Get("X-Github-Delivery") != h.Get("Webhook-Id") {
		t.Errorf("GitHub's headers: %v", h)
	}
	slack := receiver.await("/slack", 1)[0]
	checkSigned(t, slack, secret)
	stamp := slack.Header.Get("X-Slack-Request-Timestamp")
	want := "v0=" + hex.EncodeToString(mac([]byte(secret), "v0:"+stamp+":"+string(slack.Body)))
	if got := slack.Header.Get("X-Slack-Signature"); got != want || stamp != slack.Header.Get("Webhook-Timestamp") {
		t.Errorf("Slack's signature of %s: %s, want %s", stamp, got, want)
	}
	checkSigned(t, receiver.await("/standard", 1)[0], "whsec_"+base64.StdEncoding.EncodeToString([]byte("twenty-four bytes of key")))
	p.stop()
	p.verify()
}

// TestLoopIsBroken: what has passed too many hubs goes no further.
func TestLoopIsBroken(t *testing.T) { onBoth(t, testLoopIsBroken) }

func testLoopIsBroken(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	p.webhookTo(receiver, "/hop", []string{"message.created"}, nil) // not the events of the set-up
	in := p.incoming(map[string]any{"name": "hop", "targetChannelId": p.general()})
	post := func(hop string) int {
		header := anonymous()
		header.Set("X-Hub-Hop", hop)
		a, err := p.do("POST", incomingPath(in.Token), header, strings.NewReader(`{"content":"around"}`))
		if err != nil {
			t.Fatal(err)
		}
		return a.Status
	}
	before := len(receiver.arrived("/hop"))
	if got := post("5"); got != http.StatusOK {
		t.Errorf("the fifth hop is answered %d", got)
	}
	if got := receiver.await("/hop", before+1)[before].Header.Get("X-Hub-Hop"); got != "6" {
		t.Errorf("it goes on with X-Hub-Hop: %s", got)
	}
	if got := post("6"); got != http.StatusLoopDetected {
		t.Errorf("the sixth hop is answered %d", got)
	}
	p.stop()
	p.verify()
}
