package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

func TestTokens(t *testing.T) {
	r := newRig(t)
	var made TokenMade
	r.call("owner", http.MethodPost, "/api/tokens", map[string]any{
		"name": "deploy", "scope": "write", "userId": r.users["writer"].ID, "channelIds": []any{r.defaults.General},
	}).want(http.StatusCreated, &made)
	if !strings.HasPrefix(made.Token, "hub_") || made.UserID != r.users["writer"].ID || len(made.ChannelIDs) != 1 {
		t.Fatalf("%+v", made)
	}
	r.tokens["deploy"] = made.Token
	r.post("deploy", r.defaults.General, "works")
	if body := string(r.call("owner", http.MethodGet, "/api/tokens?limit=500", nil).body); strings.Contains(body, made.Token) || !strings.Contains(body, `"deploy"`) {
		t.Errorf("tokens: %s", body)
	}
	want := r.everything("owner", "/api/tokens", "500")
	if diff := cmp.Diff(want, r.everything("owner", "/api/tokens", "2")); diff != "" || len(want) != 7 {
		t.Errorf("%d tokens: %s", len(want), diff)
	}
	r.call("owner", http.MethodDelete, "/api/tokens/"+string(made.ID), nil).want(http.StatusNoContent, nil)
	r.call("deploy", http.MethodGet, "/api/channels", nil).refused(http.StatusUnauthorized, hub.Unauthorized)

	for field, in := range map[string]map[string]any{
		"name":          {"name": ""},
		"scope":         {"userId": r.users["writer"].ID, "scope": "admin"},
		"userId":        {"userId": "0190b3c8-7c4e-7a12-8000-00000000abcd"},
		"channelIds[0]": {"channelIds": []string{"0190b3c8-7c4e-7a12-8000-00000000abcd"}},
		"expiresAt":     {"expiresAt": "2001-01-01T00:00:00Z"},
	} {
		full := map[string]any{"name": "x", "scope": "read"}
		for k, v := range in {
			full[k] = v
		}
		r.call("owner", http.MethodPost, "/api/tokens", full).refused(http.StatusBadRequest, hub.Invalid, field)
	}
	// A year of five digits cannot be written: whoever stored one could not read it again.
	late := "9999-12-31T23:59:59-01:00"
	r.call("owner", http.MethodPost, "/api/tokens", map[string]any{"name": "x", "scope": "read", "expiresAt": late}).
		refused(http.StatusBadRequest, hub.Invalid, "expiresAt")
	r.call("owner", http.MethodPost, "/api/incoming-webhooks", map[string]any{"name": "x", "targetChannelId": r.defaults.General, "expiresAt": late}).
		refused(http.StatusBadRequest, hub.Invalid, "expiresAt")
	// An administrator cannot become an owner by way of a token.
	r.call("admin", http.MethodPost, "/api/tokens", map[string]any{"name": "x", "scope": "admin", "userId": r.defaults.Owner}).
		refused(http.StatusBadRequest, hub.Invalid, "userId")
	// Nor lock one out.
	r.call("owner", http.MethodPost, "/api/tokens", map[string]any{"name": "mine", "scope": "admin"}).want(http.StatusCreated, &made)
	r.call("admin", http.MethodDelete, "/api/tokens/"+string(made.ID), nil).refused(http.StatusForbidden, hub.Forbidden)
	r.call("owner", http.MethodDelete, "/api/tokens/"+string(made.ID), nil).want(http.StatusNoContent, nil)
}

func TestUsers(t *testing.T) {
	r := newRig(t)
	var u User
	made := r.call("owner", http.MethodPost, "/api/users", map[string]any{"username": "ada", "displayName": "Ada", "email": "ada@example.com", "role": "admin"}).
		want(http.StatusCreated, &u)
	one := "/api/users/" + string(u.ID)
	if u.Kind != hub.UserHuman || u.Status != "active" || u.Email != "ada@example.com" || made.header.Get("Location") != one {
		t.Errorf("%+v", u)
	}
	r.call("owner", http.MethodPost, "/api/users", map[string]any{"username": "ada"}).refused(http.StatusConflict, hub.Conflict, "username")
	r.call("owner", http.MethodPost, "/api/users", map[string]any{"username": "Not OK!"}).refused(http.StatusBadRequest, hub.Invalid, "username")
	r.call("owner", http.MethodPost, "/api/users", map[string]any{"kind": "webhook", "displayName": "x"}).refused(http.StatusBadRequest, hub.Invalid, "kind")

	// Addresses are for administrators and oneself.
	for as, sees := range map[string]bool{"reader": false, "guest": false, "admin": true} {
		r.call(as, http.MethodGet, one, nil).want(http.StatusOK, &u)
		if (u.Email != "") != sees {
			t.Errorf("%s sees %q", as, u.Email)
		}
	}
	if body := string(r.call("reader", http.MethodGet, "/api/users?limit=500", nil).body); strings.Contains(body, "ada@example.com") {
		t.Error("the list shows addresses")
	}
	want := r.everything("reader", "/api/users", "500")
	if diff := cmp.Diff(want, r.everything("reader", "/api/users", "2")); diff != "" || len(want) != 7 {
		t.Errorf("%d users: %s", len(want), diff)
	}

	r.call("owner", http.MethodPatch, one, `{"displayName": null, "role": null, "avatarUrl": "https://example.com/a.png"}`).want(http.StatusOK, &u)
	if u.DisplayName != "ada" || u.Role != hub.RoleMember || u.AvatarURL == "" {
		t.Errorf("%+v", u)
	}
	// People change their own look and nothing else.
	own := "/api/users/" + string(r.users["writer"].ID)
	r.call("writer", http.MethodPatch, own, `{"displayName": "The Writer"}`).want(http.StatusOK, &u)
	r.call("restricted", http.MethodPatch, "/api/users/"+string(r.defaults.Owner), `{"displayName": "x"}`).refused(http.StatusForbidden, hub.Forbidden)
	r.call("writer", http.MethodPatch, own, `{"role": "admin"}`).refused(http.StatusForbidden, hub.Forbidden)
	r.call("writer", http.MethodPatch, one, `{"displayName": "not mine"}`).refused(http.StatusForbidden, hub.Forbidden)
	// Administrators neither make nor change owners.
	r.call("admin", http.MethodPatch, "/api/users/"+string(r.defaults.Owner), `{"status": "suspended"}`).refused(http.StatusForbidden, hub.Forbidden)
	r.call("admin", http.MethodPatch, "/api/users/"+string(r.users["admin"].ID), `{"role": "owner"}`).refused(http.StatusForbidden, hub.Forbidden)
	r.call("admin", http.MethodPost, "/api/users", map[string]any{"username": "king", "role": "owner"}).refused(http.StatusForbidden, hub.Forbidden)
	r.call("owner", http.MethodPatch, "/api/users/"+string(r.defaults.Owner), `{"role": "member"}`).refused(http.StatusConflict, hub.Conflict)

	// Who is suspended is out at once.
	r.call("owner", http.MethodPatch, own, `{"status": "suspended"}`).want(http.StatusOK, nil)
	r.call("writer", http.MethodGet, "/api/channels", nil).refused(http.StatusUnauthorized, hub.Unauthorized)
}

func TestSessions(t *testing.T) {
	r := newRig(t)
	sessions := func(user hub.UserID, n int) {
		for range n {
			id := hub.SessionID(r.control.IDs.New())
			now := r.control.Now()
			must(t, r.store.CreateSession(t.Context(), hub.Session{
				ID: id, UserID: user, Hash: string(id), CreatedAt: now, LastSeenAt: now, ExpiresAt: now.AddDate(0, 0, 1), UserAgent: "Browser",
			}))
		}
	}
	sessions(r.defaults.Owner, 3)
	sessions(r.users["writer"].ID, 2)
	all := r.everything("owner", "/api/sessions", "2")
	if len(all) != 3 || all[0] < all[1] {
		t.Fatalf("%v", all)
	}
	mine := r.everything("writer", "/api/sessions", "1")
	if len(mine) != 2 {
		t.Fatalf("%v", mine)
	}
	r.call("writer", http.MethodDelete, "/api/sessions/"+all[0], nil).refused(http.StatusNotFound, hub.NotFound)
	r.call("writer", http.MethodDelete, "/api/sessions/"+mine[0], nil).want(http.StatusNoContent, nil)
	r.call("writer", http.MethodDelete, "/api/sessions?userId="+string(r.defaults.Owner), nil).refused(http.StatusForbidden, hub.Forbidden)
	var ended SessionsEnded
	r.call("admin", http.MethodDelete, "/api/sessions?userId="+string(r.users["writer"].ID), nil).want(http.StatusOK, &ended)
	if ended.Ended != 1 {
		t.Errorf("%+v", ended)
	}
	r.call("admin", http.MethodDelete, "/api/sessions?userId="+string(r.defaults.Owner), nil).refused(http.StatusForbidden, hub.Forbidden)
	r.call("admin", http.MethodDelete, "/api/sessions/"+all[0], nil).refused(http.StatusForbidden, hub.Forbidden)
	r.call("owner", http.MethodDelete, "/api/sessions", nil).want(http.StatusOK, &ended)
	if ended.Ended != 3 {
		t.Errorf("%+v", ended)
	}
}

// TestGate: what adds to the store is refused while the disk is nearly full;
// what takes away is not.
func TestGate(t *testing.T) {
	r := newRig(t)
	m := r.post("owner", r.defaults.General, "before")
	general := "/api/channels/" + string(r.defaults.General)
	guest, reader := "/api/users/"+string(r.users["guest"].ID), string(r.users["reader"].ID)
	var w OutgoingWebhookMade
	r.call("owner", http.MethodPost, "/api/outgoing-webhooks", map[string]any{"name": "x", "url": "https://good.example/", "events": []string{"a.b"}}).
		want(http.StatusCreated, &w)
	one := "/api/messages/" + string(m.ID)
	r.call("owner", http.MethodPut, one+"/pin", nil).want(http.StatusNoContent, nil)
	r.control.Gate = func() error { return hub.Errorf(hub.StorageFull, "The disk is nearly full.") }
	for _, call := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPost, general + "/messages", map[string]any{"content": "x"}},
		{http.MethodPost, "/api/channels", map[string]any{"name": "late"}},
		{http.MethodPatch, general, map[string]any{"topic": "late"}},
		{http.MethodPut, general + "/members/" + reader, map[string]any{"role": "admin"}},
		{http.MethodPatch, guest, map[string]any{"displayName": "late"}},
		{http.MethodPatch, guest, map[string]any{"status": "active"}},
		{http.MethodPost, "/api/incoming-webhooks", map[string]any{"name": "late", "targetChannelId": r.defaults.General}},
		{http.MethodPatch, one, map[string]any{"content": "late"}},
		{http.MethodPost, "/api/events", map[string]any{"event": "a.b", "data": 1}},
		{http.MethodPost, "/api/users", map[string]any{"username": "late"}},
		{http.MethodPost, "/api/outgoing-webhooks/" + string(w.ID) + "/test", nil},
		{http.MethodPost, "/api/outgoing-webhooks/" + string(w.ID) + "/replay", map[string]any{"status": "failed"}},
		{http.MethodPost, "/api/deliveries/" + string(r.defaults.General) + "/retry", nil},
		{http.MethodPut, one + "/reactions/%F0%9F%91%8D", nil},
		{http.MethodPut, one + "/pin", nil},
	} {
		r.call("owner", call.method, call.path, call.body).refused(http.StatusInsufficientStorage, hub.StorageFull)
	}
	r.call("owner", http.MethodPost, "/api/outgoing-webhooks/"+string(w.ID)+"/replay", map[string]any{"status": "failed", "dryRun": true}).
		want(http.StatusAccepted, nil)
	r.call("owner", http.MethodPatch, guest, map[string]any{"status": "suspended"}).want(http.StatusOK, nil)
	r.call("owner", http.MethodDelete, one+"/pin", nil).want(http.StatusNoContent, nil)
	r.call("owner", http.MethodDelete, one, nil).want(http.StatusNoContent, nil)
}
