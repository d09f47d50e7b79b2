package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

// finished reads a delivery until it is final.
func (r *rig) finished(id hub.DeliveryID, d *DeliveryDetail) {
	r.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		r.call("owner", http.MethodGet, "/api/deliveries/"+string(id), nil).want(http.StatusOK, d)
		if d.Status.Final() {
			return
		}
	}
	r.t.Fatalf("delivery stays %s", d.Status)
}

func TestDeliveries(t *testing.T) {
	r := newRig(t)
	good, bad := r.makeOutgoing(nil), r.makeOutgoing(map[string]any{"url": "https://bad.example/", "events": []string{"order.*"}})
	var want []string
	for i := range 5 {
		e := r.publishAs("owner", map[string]any{"event": "order.created", "data": i})
		want = append(want, string(hub.DeliveryIDFor(e, good.ID)))
		if i == 0 { // the bad one is gone after its first
			var d DeliveryDetail
			r.finished(hub.DeliveryIDFor(e, bad.ID), &d)
			if d.Status != hub.DeliveryFailed || d.LastStatus != http.StatusGone {
				t.Fatalf("%+v", d)
			}
		}
	}
	slices.Reverse(want)
	of := "/api/deliveries?webhookId=" + string(good.ID)
	for _, limit := range []string{"1", "2", "5", "100"} {
		if diff := cmp.Diff(want, r.everything("owner", of, limit)); diff != "" {
			t.Errorf("limit %s: %s", limit, diff)
		}
	}
	// The bad one may have got more before everybody knew that it is gone; they
	// are held.
	if got := r.everything("owner", "/api/deliveries", "2"); len(got) < 6 || len(got) > 10 {
		t.Errorf("all: %v", got)
	}
	for query, n := range map[string]int{
		"&event=order.*": 5, "&event=message.*": 0, "&since=2020-01-01T00:00:00Z": 5, "&since=2099-01-01T00:00:00Z": 0,
		"&until=2020-01-01T00:00:00Z": 0, "&status=canceled": 0,
	} {
		if got := r.everything("owner", of+query, "2"); len(got) != n {
			t.Errorf("%s: %v, want %d", query, got, n)
		}
	}
	if got := r.everything("owner", "/api/deliveries?status=failed", "2"); len(got) == 0 {
		t.Errorf("failed: %v", got)
	}
}

func TestRetryAndCancel(t *testing.T) {
	r := newRig(t)
	w := r.makeOutgoing(nil)
	e := r.publishAs("owner", map[string]any{"event": "a.b", "data": 1})
	id := hub.DeliveryIDFor(e, w.ID)
	var d DeliveryDetail
	r.finished(id, &d)
	one := "/api/deliveries/" + string(id)
	r.call("owner", http.MethodPost, one+"/cancel", nil).refused(http.StatusConflict, hub.Conflict)
	r.call("owner", http.MethodPost, one+"/retry", nil).want(http.StatusAccepted, nil)
	for d.Attempts < 2 {
		r.finished(id, &d)
	}
	if d.Status != hub.DeliverySuccess || d.Log[1].Number != 2 {
		t.Errorf("%+v", d)
	}

	r.call("owner", http.MethodPost, outgoings+"/"+string(w.ID)+"/pause", nil).want(http.StatusOK, nil)
	e = r.publishAs("owner", map[string]any{"event": "a.b", "data": 2})
	one = "/api/deliveries/" + string(hub.DeliveryIDFor(e, w.ID))
	var canceled Delivery
	r.call("owner", http.MethodPost, one+"/cancel", nil).want(http.StatusOK, &canceled)
	if canceled.Status != hub.DeliveryCanceled || canceled.FinishedAt.IsZero() {
		t.Errorf("%+v", canceled)
	}
}

func TestQueue(t *testing.T) {
	r := newRig(t)
	w := r.makeOutgoing(nil)
	r.call("owner", http.MethodPost, "/api/queue/pause", nil).want(http.StatusNoContent, nil)
	e := r.publishAs("owner", map[string]any{"event": "a.b", "data": 1})
	var a, b QueueStats
	r.call("reader", http.MethodGet, "/api/queue/stats", nil).want(http.StatusOK, &a)
	r.call("reader", http.MethodGet, "/api/admin/webhooks/queue/stats", nil).want(http.StatusOK, &b)
	if a.Total != 1 || a.Completed != 0 || len(a.Lanes) != 1 || a.Lanes[0].WebhookID != w.ID || a.Total != b.Total {
		t.Errorf("%+v", a)
	}
	r.call("owner", http.MethodPost, "/api/queue/resume", nil).want(http.StatusNoContent, nil)
	var d DeliveryDetail
	r.finished(hub.DeliveryIDFor(e, w.ID), &d)
	r.call("owner", http.MethodGet, "/api/queue/stats", nil).want(http.StatusOK, &a)
	if a.Completed != 1 || a.Pending+a.Active+a.Delayed+a.Failed != 0 {
		t.Errorf("%+v", a)
	}
	if n := len(r.everything("owner", "/api/audit-log", "3")); n < 8 {
		t.Errorf("%d audit entries", n)
	}
	log := string(r.call("owner", http.MethodGet, "/api/audit-log?limit=500", nil).body)
	for _, action := range []string{"queue.pause", "queue.resume", "outgoing_webhook.create", "token.create", "user.create"} {
		if !strings.Contains(log, `"`+action+`"`) {
			t.Errorf("%s is not in the audit log", action)
		}
	}
	if strings.Contains(log, w.Secret) || strings.Contains(log, "hub_") {
		t.Error("the audit log shows a secret")
	}
}
