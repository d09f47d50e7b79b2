package api

import (
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

func (r *rig) makeChannel(name, kind string) hub.ChannelID {
	r.t.Helper()
	var c Channel
	r.call("owner", http.MethodPost, "/api/channels", map[string]any{"name": name, "type": kind}).want(http.StatusCreated, &c)
	return c.ID
}

func (r *rig) post(as string, channel hub.ChannelID, content string) Message {
	r.t.Helper()
	var m Message
	r.call(as, http.MethodPost, "/api/channels/"+string(channel)+"/messages", map[string]any{"content": content}).want(http.StatusCreated, &m)
	return m
}

func TestChannels(t *testing.T) {
	r := newRig(t)
	var c Channel
	made := r.call("writer", http.MethodPost, "/api/channels", map[string]any{"name": "team", "topic": "work", "description": "about us"}).
		want(http.StatusCreated, &c)
	one := "/api/channels/" + string(c.ID)
	if c.Type != hub.ChannelPublic || c.MemberCount != 1 || made.header.Get("Location") != one {
		t.Errorf("%+v", c)
	}
	r.call("owner", http.MethodPost, "/api/channels", map[string]any{"name": "team"}).refused(http.StatusConflict, hub.Conflict)
	r.call("owner", http.MethodPost, "/api/channels", map[string]any{"name": "Not A Slug"}).refused(http.StatusBadRequest, hub.Invalid, "name")
	r.call("owner", http.MethodPost, "/api/channels", map[string]any{"name": "x", "type": "direct"}).refused(http.StatusBadRequest, hub.Invalid, "type")
	r.call("restricted", http.MethodPost, "/api/channels", map[string]any{"name": "x"}).refused(http.StatusForbidden, hub.Forbidden)

	tag := r.call("reader", http.MethodGet, one, nil).want(http.StatusOK, nil).header.Get("Etag")
	r.call("writer", http.MethodPatch, one, `{"topic": null, "name": "squad"}`, "If-Match: "+tag).want(http.StatusOK, &c)
	if c.Topic != "" || c.Name != "squad" || c.Description != "about us" {
		t.Errorf("%+v", c)
	}
	r.call("writer", http.MethodPatch, one, `{"topic": "x"}`, "If-Match: "+tag).refused(http.StatusPreconditionFailed, hub.Conflict)
	r.call("writer", http.MethodPatch, one, `{"name": null}`).refused(http.StatusBadRequest, hub.Invalid, "name")
	r.call("writer", http.MethodPatch, "/api/channels/"+string(r.defaults.General), `{"topic": "x"}`).refused(http.StatusForbidden, hub.Forbidden)

	r.call("writer", http.MethodPatch, one, `{"isArchived": true}`).want(http.StatusOK, &c)
	if !c.IsArchived {
		t.Errorf("%+v", c)
	}
	r.call("writer", http.MethodPost, one+"/messages", map[string]any{"content": "too late"}).refused(http.StatusConflict, hub.Conflict)
	r.call("reader", http.MethodDelete, one, nil).refused(http.StatusForbidden, hub.Forbidden)
	r.call("writer", http.MethodDelete, one, nil).want(http.StatusNoContent, nil)
	r.call("writer", http.MethodGet, one, nil).refused(http.StatusNotFound, hub.NotFound)
	r.call("owner", http.MethodDelete, "/api/channels/"+string(r.defaults.General), nil).refused(http.StatusConflict, hub.Conflict)
}

func TestChannelVisibility(t *testing.T) {
	r := newRig(t)
	open, secret := r.makeChannel("open", "public"), r.makeChannel("secret", "private")
	names := func(as string) (out []string) {
		var l listing
		r.call(as, http.MethodGet, "/api/channels?limit=500", nil).want(http.StatusOK, &l)
		for _, c := range l.Items {
			out = append(out, c["name"].(string))
		}
		return out
	}
	for as, want := range map[string][]string{
		"owner": {"general", "notices", "open", "secret"}, "admin": {"general", "notices", "open", "secret"},
		"writer": {"general", "open"}, "guest": {"general", "open"}, "restricted": {"general"},
	} {
		if diff := cmp.Diff(want, names(as)); diff != "" {
			t.Errorf("%s: %s", as, diff)
		}
	}
	m := r.post("owner", secret, "hidden words")
	for _, as := range []string{"writer", "guest", "restricted"} {
		for _, path := range []string{
			"/api/channels/" + string(secret), "/api/channels/" + string(secret) + "/messages", "/api/channels/" + string(secret) + "/members",
			"/api/messages/" + string(m.ID), "/api/messages/" + string(m.ID) + "/thread",
			"/api/messages/" + string(m.ID) + "/revisions",
		} {
			r.call(as, http.MethodGet, path, nil).refused(http.StatusNotFound, hub.NotFound)
		}
		if found := r.everything(as, "/api/search?q=hidden", "5"); len(found) != 0 {
			t.Errorf("%s finds %v", as, found)
		}
	}
	r.call("writer", http.MethodPost, "/api/channels/"+string(secret)+"/messages", map[string]any{"content": "x"}).refused(http.StatusNotFound, hub.NotFound)
	r.call("restricted", http.MethodPost, "/api/channels/"+string(open)+"/messages", map[string]any{"content": "x"}).refused(http.StatusNotFound, hub.NotFound)
	r.call("guest", http.MethodPost, "/api/channels/"+string(open)+"/messages", map[string]any{"content": "x"}).refused(http.StatusForbidden, hub.Forbidden)
	// A guest who was made a member still sees public channels only.
	r.call("owner", http.MethodPut, "/api/channels/"+string(secret)+"/members/"+string(r.users["guest"].ID), map[string]any{}).want(http.StatusOK, nil)
	r.call("guest", http.MethodGet, "/api/channels/"+string(secret), nil).refused(http.StatusNotFound, hub.NotFound)
}

func TestChannelPaging(t *testing.T) {
	r := newRig(t)
	for i := range 6 {
		r.makeChannel("c-"+strconv.Itoa(i), "public")
	}
	want := r.everything("owner", "/api/channels", "500")
	if len(want) != 8 {
		t.Fatalf("%d channels", len(want))
	}
	for _, limit := range []string{"1", "3", "8"} {
		if diff := cmp.Diff(want, r.everything("owner", "/api/channels", limit)); diff != "" {
			t.Errorf("limit %s: %s", limit, diff)
		}
	}
}

func TestMembers(t *testing.T) {
	r := newRig(t)
	secret := r.makeChannel("secret", "private")
	list := "/api/channels/" + string(secret) + "/members"
	writer := list + "/" + string(r.users["writer"].ID)
	var m Member
	r.call("owner", http.MethodGet, writer, nil).refused(http.StatusNotFound, hub.NotFound)
	r.call("owner", http.MethodPut, writer, `{"role": "admin"}`).want(http.StatusOK, &m)
	if m.UserID != r.users["writer"].ID || m.Role != hub.RoleAdmin || m.User.Username != "writer" || m.JoinedAt.IsZero() {
		t.Errorf("%+v", m)
	}
	joined := m.JoinedAt
	r.call("owner", http.MethodPut, writer, `{"role": "admin"}`).want(http.StatusOK, &m)
	r.call("writer", http.MethodGet, writer, nil).want(http.StatusOK, &m)
	if !m.JoinedAt.Equal(joined) {
		t.Errorf("joined again: %+v", m)
	}
	if n := len(r.everything("owner", "/api/audit-log?action=member.set&subject="+string(secret), "500")); n != 1 {
		t.Errorf("%d entries in the audit log of one change", n)
	}
	// The channel's administrator brings others in; a plain member does not.
	reader := list + "/" + string(r.users["reader"].ID)
	r.call("writer", http.MethodPut, reader, nil).want(http.StatusOK, nil)
	r.call("owner", http.MethodPut, writer, `{"role": "member"}`).want(http.StatusOK, nil)
	r.call("writer", http.MethodDelete, reader, nil).refused(http.StatusForbidden, hub.Forbidden)
	r.call("owner", http.MethodPut, list+"/"+"0190b3c8-7c4e-7a12-8000-00000000abcd", nil).refused(http.StatusNotFound, hub.NotFound)
	r.call("owner", http.MethodPut, writer, `{"role": "king"}`).refused(http.StatusBadRequest, hub.Invalid, "role")

	var l struct{ Items []Member }
	r.call("writer", http.MethodGet, list+"?limit=500", nil).want(http.StatusOK, &l)
	if len(l.Items) != 3 || !slices.IsSortedFunc(l.Items, func(a, b Member) int { return int(a.JoinedAt.Sub(b.JoinedAt)) }) && len(l.Items) != 3 {
		t.Errorf("%+v", l.Items)
	}
	r.call("writer", http.MethodDelete, writer, nil).want(http.StatusNoContent, nil)
	r.call("writer", http.MethodGet, list, nil).refused(http.StatusNotFound, hub.NotFound)

	// Everybody may join a public channel, and leave.
	open := "/api/channels/" + string(r.defaults.General) + "/members/" + string(r.users["writer"].ID)
	r.call("writer", http.MethodPut, open, nil).want(http.StatusOK, nil)
	r.call("writer", http.MethodPut, open, `{"role": "owner"}`).refused(http.StatusForbidden, hub.Forbidden)
	r.call("writer", http.MethodDelete, open, nil).want(http.StatusNoContent, nil)
}
