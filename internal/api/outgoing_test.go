package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nself-chat/hub"
)

const outgoings = "/api/outgoing-webhooks"

// makeOutgoing makes an outgoing webhook with the fields, or the least that one needs.
func (r *rig) makeOutgoing(fields map[string]any) OutgoingWebhookMade {
	r.t.Helper()
	in := map[string]any{"name": "sink", "url": "https://good.example/hook", "events": []string{"*"}}
	for k, v := range fields {
		in[k] = v
	}
	var out OutgoingWebhookMade
	r.call("owner", http.MethodPost, outgoings, in).want(http.StatusCreated, &out)
	return out
}

func TestOutgoingWebhook(t *testing.T) {
	r := newRig(t)
	made := r.makeOutgoing(map[string]any{
		"name": "Build", "events": []string{"message.*", "order.created"}, "channelIds": []any{r.defaults.General},
		"filter":  map[string]any{"field": "channel.name", "equals": "general"},
		"headers": map[string]string{"Authorization": "Bearer receiver-token", "X-Team": "ops"},
		"timeout": 5000, "maxRetries": 7, "retryDelay": 250, "rateLimit": 60, "concurrency": 3,
		"ordering": "unordered", "signing": "github", "enabled": true,
	})
	if !strings.HasPrefix(made.Secret, "whsec_") || made.ID == "" || made.State != hub.WebhookActive || !made.Enabled {
		t.Fatalf("%+v", made)
	}
	one := outgoings + "/" + string(made.ID)
	var got OutgoingWebhook
	answer := r.call("owner", http.MethodGet, one, nil).want(http.StatusOK, &got)
	if diff := cmp.Diff(made.OutgoingWebhook, got, cmpopts.IgnoreUnexported(hub.Filter{})); diff != "" {
		t.Error(diff)
	}
	if got.Timeout != 5000 || got.MaxRetries != 7 || got.RetryDelay != 250 || got.RateLimit != 60 || got.Concurrency != 3 ||
		got.Ordering != hub.OrderNone || got.Signing != hub.SigningGitHub || got.Filter.Field != "channel.name" {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(map[string]string{"Authorization": masked, "X-Team": masked}, got.Headers); diff != "" {
		t.Error(diff)
	}
	for _, secret := range []string{"receiver-token", made.Secret, "s1:"} {
		if strings.Contains(string(answer.body), secret) {
			t.Errorf("%q is shown: %s", secret, answer.body)
		}
	}
}

func TestOutgoingWebhookPatch(t *testing.T) {
	r := newRig(t)
	made := r.makeOutgoing(map[string]any{"maxRetries": 9, "headers": map[string]string{"X-A": "b"}, "filter": map[string]any{"field": "a", "exists": true}})
	one := outgoings + "/" + string(made.ID)
	var w OutgoingWebhook
	first := r.call("owner", http.MethodGet, one, nil).header.Get("Etag")

	// Absent keeps, null resets.
	r.call("owner", http.MethodPatch, one, `{"name": "renamed", "filter": null}`, "If-Match: "+first).want(http.StatusOK, &w)
	if w.Name != "renamed" || w.MaxRetries != 9 || w.Filter != nil || len(w.Headers) != 1 || w.URL != made.URL {
		t.Errorf("%+v", w)
	}
	r.call("owner", http.MethodPatch, one, `{"maxRetries": null, "headers": null}`).want(http.StatusOK, &w)
	if w.MaxRetries != hub.DefaultPolicy().MaxRetries || len(w.Headers) != 0 {
		t.Errorf("%+v", w)
	}
	// The first version is not in force any more.
	r.call("owner", http.MethodPatch, one, `{"name": "late"}`, "If-Match: "+first).refused(http.StatusPreconditionFailed, hub.Conflict)
	r.call("owner", http.MethodPatch, one, `{"name": null}`).refused(http.StatusBadRequest, hub.Invalid, "name")
	r.call("owner", http.MethodPatch, one, `{"secret": "another-secret"}`).refused(http.StatusBadRequest, hub.Invalid, "secret")

	// Disabled: nothing is delivered. Enabled: it is again.
	r.call("owner", http.MethodPatch, one, `{"enabled": false}`).want(http.StatusOK, &w)
	if w.State != hub.WebhookDisabled || w.Enabled {
		t.Errorf("%+v", w)
	}
	if n := r.publish("before", 1); n != 0 {
		t.Errorf("%d deliveries of a disabled webhook", n)
	}
	r.call("owner", http.MethodPatch, one, `{"enabled": true}`).want(http.StatusOK, nil)
	if n := r.publish("after", 1); n != 1 {
		t.Errorf("%d deliveries", n)
	}
	r.call("owner", http.MethodDelete, one, nil).want(http.StatusNoContent, nil)
	r.call("owner", http.MethodGet, one, nil).refused(http.StatusNotFound, hub.NotFound)
	r.call("owner", http.MethodDelete, one, nil).refused(http.StatusNotFound, hub.NotFound)
	if n := r.publish("gone", 1); n != 0 {
		t.Errorf("%d deliveries of a deleted webhook", n)
	}
}

func TestOutgoingWebhookRefusals(t *testing.T) {
	r := newRig(t)
	for field, in := range map[string]map[string]any{
		"name":                        {"name": " "},
		"url":                         {"url": "https://127.0.0.1/hook"},
		"events":                      {"events": []string{}},
		"events[1]":                   {"events": []string{"ok", "not ok"}},
		"channelIds[0]":               {"channelIds": []string{"0190b3c8-7c4e-7a12-8000-00000000abcd"}},
		"filter":                      {"filter": map[string]any{"field": "a"}},
		"headers.host":                {"headers": map[string]string{"Host": "elsewhere"}},
		"headers.x-webhook-signature": {"headers": map[string]string{"X-Webhook-Signature": "mine"}},
		"headers.webhook-id":          {"headers": map[string]string{"webhook-id": "mine"}},
		"headers":                     {"headers": map[string]string{"bad name": "x"}},
		"headers.x-a":                 {"headers": map[string]string{"X-A": "two\r\nlines"}},
		"timeout":                     {"timeout": 999},
		"maxRetries":                  {"maxRetries": 21},
		"retryDelay":                  {"retryDelay": 99},
		"retrySchedule":               {"retrySchedule": "weeks"},
		"rateLimit":                   {"rateLimit": -1},
		"concurrency":                 {"concurrency": 0},
		"ordering":                    {"ordering": "random"},
		"signing":                     {"signing": "none"},
		"secret":                      {"secret": "short"},
		"color":                       {"color": "red"},
	} {
		t.Run(field, func(t *testing.T) {
			r := *r
			r.t = t
			full := map[string]any{"name": "sink", "url": "https://good.example/", "events": []string{"*"}}
			for k, v := range in {
				full[k] = v
			}
			r.call("owner", http.MethodPost, outgoings, full).refused(http.StatusBadRequest, hub.Invalid, field)
		})
	}
	// The guide's secret is taken, and never shown again; the refusal of an
	// address says how it may be allowed.
	if w := r.makeOutgoing(map[string]any{"secret": "your-secret-key"}); w.Secret != "your-secret-key" {
		t.Errorf("secret %q", w.Secret)
	}
	p := r.call("owner", http.MethodPost, outgoings, map[string]any{"name": "x", "events": []string{"*"}, "url": "https://10.0.0.1/"})
	if !strings.Contains(string(p.body), "HUB_EGRESS_ALLOW") {
		t.Errorf("no explanation: %s", p.body)
	}
}

func TestOutgoingWebhookPaging(t *testing.T) {
	r := newRig(t)
	var want []string
	for range 7 {
		want = append(want, string(r.makeOutgoing(nil).ID))
	}
	for _, limit := range []string{"1", "3", "7", "500"} {
		if diff := cmp.Diff(want, r.everything("owner", outgoings, limit)); diff != "" {
			t.Errorf("limit %s: %s", limit, diff)
		}
	}
}

func TestRotateSecret(t *testing.T) {
	r := newRig(t)
	made := r.makeOutgoing(nil)
	one := outgoings + "/" + string(made.ID)
	var got RotatedSecret
	r.call("owner", http.MethodPost, one+"/rotate-secret", `{"overlapHours": 2}`).want(http.StatusOK, &got)
	if got.Secret == made.Secret || !strings.HasPrefix(got.Secret, "whsec_") || got.PreviousUntil.IsZero() {
		t.Errorf("%+v", got)
	}
	r.call("owner", http.MethodPost, one+"/rotate-secret", `{"overlapHours": 0}`).want(http.StatusOK, &got)
	if !got.PreviousUntil.IsZero() {
		t.Errorf("%+v", got)
	}
	r.call("owner", http.MethodPost, one+"/rotate-secret", nil).want(http.StatusOK, nil)
	r.call("owner", http.MethodPost, one+"/rotate-secret", `{"overlapHours": 169}`).refused(http.StatusBadRequest, hub.Invalid, "overlapHours")
}

func TestPauseAndResume(t *testing.T) {
	r := newRig(t)
	made := r.makeOutgoing(map[string]any{"ordering": "unordered"})
	one := outgoings + "/" + string(made.ID)
	var w OutgoingWebhook
	r.call("owner", http.MethodPost, one+"/pause", nil).want(http.StatusOK, &w)
	if w.State != hub.WebhookPaused {
		t.Fatalf("%+v", w)
	}
	for i := range 3 {
		if n := r.publish("kept", i); n != 1 {
			t.Fatalf("%d deliveries", n)
		}
	}
	if held := r.everything("owner", "/api/deliveries?status=held&webhookId="+string(made.ID), "2"); len(held) != 3 {
		t.Fatalf("held %v", held)
	}
	r.call("owner", http.MethodPost, one+"/resume", `{"held": "skip"}`).want(http.StatusOK, &w)
	if w.State != hub.WebhookActive || w.Deliveries[hub.DeliveryCanceled] != 3 {
		t.Errorf("%+v", w)
	}
	r.call("owner", http.MethodPost, one+"/pause", nil).want(http.StatusOK, nil)
	r.publish("sent.later", 1)
	r.call("owner", http.MethodPost, one+"/resume", nil).want(http.StatusOK, nil)
	r.delivered(func(s string) bool { return strings.HasPrefix(s, "sent.later ") })
	if slices.ContainsFunc(r.receiver.got, func(s string) bool { return strings.HasPrefix(s, "kept ") }) {
		t.Error("what was skipped arrived")
	}
	r.call("owner", http.MethodPost, one+"/resume", `{"held": "burn"}`).refused(http.StatusBadRequest, hub.Invalid, "held")

	r.call("owner", http.MethodPatch, one, `{"enabled": false}`).want(http.StatusOK, nil)
	r.call("owner", http.MethodPost, one+"/pause", nil).refused(http.StatusConflict, hub.Conflict)
	r.call("owner", http.MethodPost, one+"/test", nil).refused(http.StatusConflict, hub.Conflict)
}

func TestTestAndReplay(t *testing.T) {
	r := newRig(t)
	made := r.makeOutgoing(map[string]any{"events": []string{"only.this"}})
	one := outgoings + "/" + string(made.ID)
	var sent TestSent
	r.call("owner", http.MethodPost, one+"/test", nil).want(http.StatusAccepted, &sent)
	got := r.delivered(func(s string) bool { return strings.HasPrefix(s, "webhook.test ") })
	if !strings.Contains(got, `"id":"`+string(sent.DeliveryID)+`"`) {
		t.Errorf("delivered %s, announced %s", got, sent.DeliveryID)
	}
	var d DeliveryDetail
	r.finished(sent.DeliveryID, &d)
	if d.Status != hub.DeliverySuccess || len(d.Log) != 1 || d.Log[0].ResponseStatus != 200 || d.Log[0].ResponseBody != "thanks" ||
		d.Request == nil || got != "webhook.test "+d.Request.Body {
		t.Errorf("%+v", d)
	}

	var n ReplayResult
	r.call("owner", http.MethodPost, one+"/replay", `{"status": "success", "dryRun": true}`).want(http.StatusAccepted, &n)
	if n.Deliveries != 1 || !n.DryRun {
		t.Errorf("%+v", n)
	}
	r.call("owner", http.MethodPost, one+"/replay", `{}`).want(http.StatusAccepted, &n)
	if n.Deliveries != 0 {
		t.Errorf("replayed %d failed ones", n.Deliveries)
	}
	r.call("owner", http.MethodPost, one+"/replay", `{"status": "success"}`).want(http.StatusAccepted, &n)
	if n.Deliveries != 1 {
		t.Errorf("%+v", n)
	}
	for d.Attempts < 2 {
		r.finished(sent.DeliveryID, &d)
	}
	r.call("owner", http.MethodPost, one+"/replay", `{"status": "held"}`).refused(http.StatusBadRequest, hub.Invalid, "status")
	r.call("owner", http.MethodPost, one+"/replay", `{"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}`).
		refused(http.StatusBadRequest, hub.Invalid, "until")
}
