package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

const incomings = "/api/incoming-webhooks"

// makeIncoming makes an incoming webhook into the general channel.
func (r *rig) makeIncoming(fields map[string]any, headers ...string) IncomingWebhookMade {
	r.t.Helper()
	in := map[string]any{"name": "CI", "targetChannelId": r.defaults.General, "enabled": true}
	for k, v := range fields {
		in[k] = v
	}
	var out IncomingWebhookMade
	r.call("owner", http.MethodPost, incomings, in, headers...).want(http.StatusCreated, &out)
	return out
}

func TestIncomingWebhook(t *testing.T) {
	r := newRig(t)
	made := r.makeIncoming(map[string]any{
		"username": "Builder", "avatarUrl": "https://example.com/b.png", "allowIps": []string{"127.0.0.0/8", " ::ffff:192.0.2.7"},
		"rateLimit": 100, "allowMentions": true, "expiresAt": "2099-01-01T00:00:00Z",
	})
	if len(made.Token) < 22 || made.URL != "https://hub.example/api/webhooks/incoming/"+made.Token || made.UserID == "" {
		t.Fatalf("%+v", made)
	}
	one := incomings + "/" + string(made.ID)
	var got IncomingWebhook
	answer := r.call("owner", http.MethodGet, one, nil).want(http.StatusOK, &got)
	if diff := cmp.Diff(made.IncomingWebhook, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(string(answer.body), made.Token) {
		t.Error("the token is shown again")
	}
	if !slices.Equal(got.AllowIPs, []string{"127.0.0.0/8", "192.0.2.7"}) || *got.RateLimit != 100 {
		t.Errorf("%+v", got)
	}
	var u User
	r.call("owner", http.MethodGet, "/api/users/"+string(made.UserID), nil).want(http.StatusOK, &u)
	if u.Kind != hub.UserWebhook || u.DisplayName != "Builder" {
		t.Errorf("%+v", u)
	}

	// Posting works, with the guide's body.
	r.call("", http.MethodPost, "/api/webhooks/incoming/"+made.Token, `{"text": "built", "username": "External Bot"}`).want(http.StatusOK, nil)
	var l struct{ Items []Message }
	r.call("owner", http.MethodGet, "/api/channels/"+string(r.defaults.General)+"/messages", nil).want(http.StatusOK, &l)
	if len(l.Items) != 1 || l.Items[0].Content != "built" || l.Items[0].Author.Username != "External Bot" || l.Items[0].Author.ID != made.UserID {
		t.Errorf("%+v", l.Items)
	}

	tag := r.call("owner", http.MethodGet, one, nil).header.Get("Etag")
	r.call("owner", http.MethodPatch, one, `{"name": "CD", "rateLimit": 0, "username": null, "expiresAt": null}`, "If-Match: "+tag).want(http.StatusOK, &got)
	if got.Name != "CD" || got.RateLimit == nil || *got.RateLimit != 0 || got.Username != "" || !got.ExpiresAt.IsZero() || !got.AllowMentions {
		t.Errorf("%+v", got)
	}
	r.call("owner", http.MethodPatch, one, `{"name": "late"}`, "If-Match: "+tag).refused(http.StatusPreconditionFailed, hub.Conflict)
	r.call("owner", http.MethodPatch, one, `{"rateLimit": null, "allowIps": null, "hmacSecret": "long-enough"}`).want(http.StatusOK, &got)
	if got.RateLimit != nil || len(got.AllowIPs) != 0 || !got.Signed {
		t.Errorf("%+v", got)
	}
	r.call("", http.MethodPost, "/api/webhooks/incoming/"+made.Token, `{"text": "unsigned"}`).want(http.StatusUnauthorized, nil)
	r.call("owner", http.MethodPatch, one, `{"hmacSecret": null}`).want(http.StatusOK, &got)
	r.call("", http.MethodPost, "/api/webhooks/incoming/"+made.Token, `{"text": "open again"}`).want(http.StatusOK, nil)

	r.call("owner", http.MethodDelete, one, nil).want(http.StatusNoContent, nil)
	r.call("", http.MethodPost, "/api/webhooks/incoming/"+made.Token, `{"text": "gone"}`).want(http.StatusNotFound, nil)
	r.call("owner", http.MethodGet, one, nil).refused(http.StatusNotFound, hub.NotFound)
}

func TestIncomingWebhookRefusals(t *testing.T) {
	r := newRig(t)
	for field, in := range map[string]map[string]any{
		"name":            {"name": ""},
		"targetChannelId": {"targetChannelId": "0190b3c8-7c4e-7a12-8000-00000000abcd"},
		"username":        {"username": strings.Repeat("x", 81)},
		"avatarUrl":       {"avatarUrl": "javascript:alert(1)"},
		"allowIps[0]":     {"allowIps": []string{"not an address"}},
		"expiresAt":       {"expiresAt": "2001-01-01T00:00:00Z"},
		"rateLimit":       {"rateLimit": -5},
		"hmacSecret":      {"hmacSecret": "short"},
		"enabled":         {"enabled": "yes"},
		"keyTemplate":     {"keyTemplate": "{/a"},
		"fieldMap":        {"fieldMap": "/title"},
		"fieldMap.title":  {"fieldMap": map[string]any{"title": 5}},
		"fieldMap.titel":  {"fieldMap": map[string]any{"titel": "/a"}},
		"fieldMap.link":   {"fieldMap": map[string]any{"title": "/a", "link": "{a}"}},
	} {
		full := map[string]any{"name": "CI", "targetChannelId": r.defaults.General}
		for k, v := range in {
			full[k] = v
		}
		r.call("owner", http.MethodPost, incomings, full).refused(http.StatusBadRequest, hub.Invalid, field)
	}
	r.call("owner", http.MethodPost, incomings, `{}`).refused(http.StatusBadRequest, hub.Invalid, "name", "targetChannelId")
}

func TestRotateToken(t *testing.T) {
	r := newRig(t)
	made := r.makeIncoming(nil)
	one := incomings + "/" + string(made.ID)
	var next IncomingWebhookMade
	r.call("owner", http.MethodPost, one+"/rotate", `{"overlapHours": 1}`).want(http.StatusOK, &next)
	if next.Token == made.Token || !next.PreviousUntil.After(time.Now()) {
		t.Errorf("%+v", next)
	}
	for _, token := range []string{made.Token, next.Token} {
		r.call("", http.MethodPost, "/api/webhooks/incoming/"+token, `{"text": "x"}`).want(http.StatusOK, nil)
	}
	r.call("owner", http.MethodPost, one+"/rotate", `{"overlapHours": 0}`).want(http.StatusOK, nil)
	r.call("", http.MethodPost, "/api/webhooks/incoming/"+next.Token, `{"text": "x"}`).want(http.StatusNotFound, nil)
}

func TestIncomingPaging(t *testing.T) {
	r := newRig(t)
	var want []string
	for range 5 {
		want = append(want, string(r.makeIncoming(nil).ID))
	}
	for _, limit := range []string{"2", "5"} {
		if diff := cmp.Diff(want, r.everything("owner", incomings, limit)); diff != "" {
			t.Errorf("limit %s: %s", limit, diff)
		}
	}
}

// sameVersion reports whether the tag of a read is of the version that a change answered.
func sameVersion(read, changed string) bool {
	return changed != "" && strings.HasPrefix(read, strings.TrimSuffix(changed, `"`)+"-")
}

// TestRepetition: the general form of idempotency, with an answer that holds a secret.
func TestRepetition(t *testing.T) {
	r := newRig(t)
	a, b := r.makeIncoming(nil, "Idempotency-Key: i"), r.makeIncoming(nil, "Idempotency-Key: i")
	if a.Token != b.Token || a.ID != b.ID {
		t.Errorf("%+v, then %+v", a, b)
	}
	again := r.call("owner", http.MethodPost, incomings, map[string]any{"name": "CI", "targetChannelId": r.defaults.General, "enabled": true}, "Idempotency-Key: i")
	first := r.call("owner", http.MethodGet, incomings+"/"+string(a.ID), nil)
	if again.header.Get(repeatedHeader) != "true" || again.header.Get("Location") != incomings+"/"+string(a.ID) ||
		!sameVersion(first.header.Get("Etag"), again.header.Get("Etag")) || again.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", again.header)
	}
	r.call("owner", http.MethodPost, incomings, map[string]any{"name": "other", "targetChannelId": r.defaults.General}, "Idempotency-Key: i").
		refused(http.StatusConflict, hub.Conflict)
	if n := len(r.everything("owner", incomings, "10")); n != 1 {
		t.Errorf("%d webhooks", n)
	}
	// A refusal changed nothing, so its key is free again.
	r.call("owner", http.MethodPost, incomings, `{"name": ""}`, "Idempotency-Key: j").refused(http.StatusBadRequest, hub.Invalid)
	r.makeIncoming(nil, "Idempotency-Key: j")
	// One that began and never ended keeps its key.
	owner := r.tokenID("owner")
	_, err := r.store.BeginRequest(t.Context(), hub.Idempotency{TokenID: owner, Key: "lost", RequestHash: "h"})
	must(t, err)
	r.call("owner", http.MethodPost, "/api/queue/pause", nil, "Idempotency-Key: lost").refused(http.StatusConflict, hub.Conflict)
	r.call("owner", http.MethodPost, "/api/queue/pause", nil, "Idempotency-Key: "+strings.Repeat("k", 256)).
		refused(http.StatusBadRequest, hub.Invalid, "idempotencyKey")
	// Forgotten after its time.
	n, err := r.store.PruneIdempotency(t.Context(), time.Now().Add(time.Hour), 100)
	must(t, err)
	if n != 3 {
		t.Errorf("forgot %d keys", n)
	}
}

// halfway is a store that cannot take webhooks.
type halfway struct{ control.Store }

func (halfway) CreateIncomingWebhook(context.Context, *hub.IncomingWebhook, *hub.User, ...hub.Routing) error {
	return hub.Errorf(hub.StorageFull, "full")
}

// TestIncomingIsMadeWhole: a webhook that cannot be stored leaves no user behind.
func TestIncomingIsMadeWhole(t *testing.T) {
	r := newRig(t)
	users := len(r.everything("owner", "/api/users", "100"))
	whole := r.control.Store
	r.control.Store = halfway{whole}
	r.call("owner", http.MethodPost, incomings, map[string]any{"name": "CI", "targetChannelId": r.defaults.General}).
		refused(http.StatusInsufficientStorage, hub.StorageFull)
	r.control.Store = whole
	if n := len(r.everything("owner", "/api/users", "100")); n != users {
		t.Errorf("%d users, %d before", n, users)
	}
	// Two of one name are two users.
	a, b := r.makeIncoming(nil), r.makeIncoming(nil)
	if n := len(r.everything("owner", "/api/users", "100")); n != users+2 || a.ID == b.ID {
		t.Errorf("%d users, %d before", n, users)
	}
}

func (r *rig) tokenID(name string) hub.TokenID {
	all, err := r.store.Tokens(r.t.Context())
	must(r.t, err)
	i := slices.IndexFunc(all, func(k hub.APIToken) bool { return k.Name == name })
	return all[i].ID
}

// TestNUL: U+0000, which not every database stores, is refused by both.
func TestNUL(t *testing.T) {
	r := newRig(t)
	in := r.makeIncoming(nil)
	path := incomings + "/" + string(in.ID)
	r.call("owner", http.MethodPatch, path, `{"fieldMap": {"title": "a\\u0000b"}}`).want(http.StatusOK, nil) // a backslash and letters
	r.call("owner", http.MethodPatch, path, `{"fieldMap": {"title": "a\u0000b"}}`).refused(http.StatusBadRequest, hub.Invalid, "fieldMap")
	r.call("owner", http.MethodPost, "/api/outgoing-webhooks",
		`{"name": "x", "url": "https://a.example", "events": ["*"], "filter": {"field": "a", "contains": "\u0000"}}`).
		refused(http.StatusBadRequest, hub.Invalid, "filter")
}
