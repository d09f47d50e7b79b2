package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/client"
)

// TestInbox: every call is found, also where no webhook leads to it.
func TestInbox(t *testing.T) {
	r := newRig(t)
	made := r.makeIncoming(nil)
	r.call("", http.MethodPost, "/api/webhooks/incoming/"+made.Token, `{"text": "one"}`).want(http.StatusOK, nil)
	unknown := hub.Call{ID: hub.CallID(r.control.IDs.New()), Verdict: "unknown_token", Reason: "Nobody's.", Status: http.StatusNotFound, CreatedAt: time.Now()}
	must(t, r.store.LogCalls(t.Context(), []hub.Call{unknown}, nil))
	r.call("owner", http.MethodDelete, incomings+"/"+string(made.ID), nil).want(http.StatusNoContent, nil)

	all := r.everything("owner", "/api/inbox", "1")
	if len(all) != 2 || all[0] != string(unknown.ID) {
		t.Fatalf("%v", all)
	}
	var c Call
	r.call("admin", http.MethodGet, "/api/inbox/"+all[0], nil).want(http.StatusOK, &c)
	if c.IncomingID != "" || c.Verdict != "unknown_token" || c.Reason != "Nobody's." {
		t.Errorf("%+v", c)
	}
	r.call("admin", http.MethodGet, "/api/inbox/"+all[1], nil).want(http.StatusOK, &c)
	if c.IncomingID != made.ID || c.Body != `{"text": "one"}` {
		t.Errorf("%+v", c)
	}
	r.call("admin", http.MethodGet, "/api/inbox/"+string(made.ID), nil).refused(http.StatusNotFound, hub.NotFound)
	for _, as := range []string{"writer", "restricted", "guest"} {
		r.call(as, http.MethodGet, "/api/inbox", nil).refused(http.StatusForbidden, hub.Forbidden)
		r.call(as, http.MethodGet, "/api/inbox/"+all[0], nil).refused(http.StatusForbidden, hub.Forbidden)
	}
	found, err := client.Collect(r.client("owner").Inbox(t.Context()))
	if err != nil || len(found) != 2 {
		t.Errorf("the client finds %d, %v", len(found), err)
	}
	r.makeOutgoing(map[string]any{"events": []string{"message.*"}})
	other := r.makeIncoming(nil)
	r.call("", http.MethodPost, "/api/webhooks/incoming/"+other.Token, `{"text": "two"}`).want(http.StatusOK, nil)
	all = r.everything("owner", "/api/inbox", "5")
	var traced TracedCall
	r.call("admin", http.MethodGet, "/api/inbox/"+all[0], nil).want(http.StatusOK, &traced)
	if traced.Message == nil || traced.Message.Content != "two" || len(traced.Events) != 1 || traced.Events[0].Event != hub.EventMessageCreated ||
		len(traced.Events[0].Deliveries) != 1 || traced.Events[0].Deliveries[0].WebhookID == "" {
		t.Errorf("%+v", traced)
	}
	again := got[client.Call](t)(r.client("owner").ReplayInbox(t.Context(), all[0]))
	if again.Body != `{"text": "two"}` || again.MessageID == "" || again.MessageID == string(traced.MessageID) {
		t.Errorf("%+v", again)
	}
	r.call("owner", http.MethodPost, "/api/inbox/"+string(unknown.ID)+"/replay", nil).refused(http.StatusConflict, hub.Conflict)
	same(t, r, "/api/inbox/"+all[0], got[client.Call](t)(r.client("owner").InboxCall(t.Context(), all[0])))
}
