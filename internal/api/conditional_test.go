package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
	"github.com/nself-chat/hub/internal/store"
)

// stale is a version from before everything.
const stale = `"20200101000000.000000"`

// deletedOnAVersion are the routes besides PATCH that take If-Match.
var deletedOnAVersion = []string{
	"DELETE /api/channels/{id}", "PUT /api/channels/{id}/members/{userId}", "DELETE /api/channels/{id}/members/{userId}",
	"DELETE /api/messages/{id}", "DELETE /api/incoming-webhooks/{id}", "DELETE /api/outgoing-webhooks/{id}",
}

// TestIfMatch: what is made on a version that is not in force any more is 412 and
// changes nothing; the tag of a read, the version of a list, one of several, and *
// let it through.
func TestIfMatch(t *testing.T) {
	r := newRig(t)
	r.walk(func(t *testing.T, r *rig, method, path string, w row) {
		want := method == http.MethodPatch || slices.Contains(deletedOnAVersion, method+" "+path)
		if takes := operationOf(r, method, path).has("header", "If-Match"); takes != want {
			t.Errorf("it takes If-Match: %t, want %t", takes, want)
		}
		if !want {
			return
		}
		fresh := func() (a ask, tag string) {
			a = w.ask(r.things("public", "writer"))
			return a, r.call("owner", http.MethodGet, a.path, nil).want(http.StatusOK, nil).header.Get("Etag")
		}
		a, tag := fresh()
		for _, bad := range []string{stale, "W/" + tag, `"` + strings.Trim(tag, `"`)[1:] + `"`, `""`, stale + ", " + stale} {
			p := r.make(w.by(), method, a, "If-Match: "+bad).refused(http.StatusPreconditionFailed, hub.Conflict)
			if !strings.Contains(string(p.body), "read it again") {
				t.Errorf("%s", p.body)
			}
			if now := r.call("owner", http.MethodGet, a.path, nil).want(http.StatusOK, nil).header.Get("Etag"); now != tag {
				t.Fatalf("%s: %s became %s", bad, tag, now)
			}
		}
		version, _, _ := strings.Cut(tag, "-")
		done := r.make(w.by(), method, a, "If-Match: "+tag).want(w.success(), nil)
		// What was changed is of another version, which its answer names.
		if after := done.header.Get("Etag"); method != http.MethodDelete {
			if after == "" || strings.Trim(after, `"`) == strings.Trim(version, `"`) {
				t.Errorf("%s became %s", tag, after)
			}
			r.make(w.by(), method, a, "If-Match: "+tag).refused(http.StatusPreconditionFailed, hub.Conflict)
			if now := r.call("owner", http.MethodGet, a.path, nil).header.Get("Etag"); !sameVersion(now, after) {
				t.Errorf("the change answers %s, a read %s", after, now)
			}
		}
		a, tag = fresh()
		version, _, _ = strings.Cut(tag, "-")
		r.make(w.by(), method, a, "If-Match: "+stale+", "+version+`"`).want(w.success(), nil)
		a, _ = fresh()
		r.make(w.by(), method, a, "If-Match: *").want(w.success(), nil)
	})
}

// TestListsCarryVersions: what a list shows of a thing is enough to change it.
func TestListsCarryVersions(t *testing.T) {
	r := newRig(t)
	it := r.things("public", "writer")
	for list, one := range map[string]func(item map[string]any) string{
		"/api/channels": func(m map[string]any) string { return it.of("channels", m["id"]) },
		"/api/users":    func(m map[string]any) string { return it.of("users", m["id"]) },
		incomings:       func(m map[string]any) string { return it.of("incoming-webhooks", m["id"]) },
		outgoings:       func(m map[string]any) string { return it.of("outgoing-webhooks", m["id"]) },
		membersPath(it): func(m map[string]any) string { return fmt.Sprintf("%s/%v", membersPath(it), m["userId"]) },
		postsPath(it):   func(m map[string]any) string { return it.of("messages", m["id"]) },
	} {
		var l listing
		r.call("owner", http.MethodGet, list+"?limit=500", nil).want(http.StatusOK, &l)
		if len(l.Items) == 0 {
			t.Errorf("%s is empty", list)
		}
		for _, item := range l.Items {
			version := item["version"]
			if version == nil {
				version = item["revision"]
			}
			tag := r.call("owner", http.MethodGet, one(item), nil).want(http.StatusOK, nil).header.Get("Etag")
			if !sameVersion(tag, fmt.Sprintf(`"%v"`, version)) {
				t.Errorf("%s lists version %v, the thing is %s", list, version, tag)
			}
		}
	}
}

// TestIfNoneMatch: a read that knows what would be answered is 304, without it.
func TestIfNoneMatch(t *testing.T) {
	r := newRig(t)
	it := r.things("public", "writer")
	r.walk(func(t *testing.T, r *rig, method, path string, w row) {
		if method != http.MethodGet || strings.HasSuffix(path, "/stream") {
			return
		}
		a := w.ask(it)
		tag := r.make(w.by(), method, a).want(http.StatusOK, nil).header.Get("Etag")
		if len(tag) < 3 || !strings.HasPrefix(tag, `"`) || !strings.HasSuffix(tag, `"`) {
			t.Fatalf("tag %q", tag)
		}
		for _, known := range []string{tag, "W/" + tag, stale + ", " + tag, "*"} {
			got := r.make(w.by(), method, a, "If-None-Match: "+known).want(http.StatusNotModified, nil)
			if len(got.body) > 0 || got.header.Get("Etag") != tag {
				t.Errorf("%s: %s %s", known, got.header, got.body)
			}
		}
		r.make(w.by(), method, a, "If-None-Match: "+stale).want(http.StatusOK, nil)
	})
	// Figures change without an edit: the tag of a read does, the version does not.
	tag := r.call("owner", http.MethodGet, channelPath(it), nil).header.Get("Etag")
	r.post("writer", it.channel, "one more")
	now := r.call("owner", http.MethodGet, channelPath(it), nil, "If-None-Match: "+tag).want(http.StatusOK, nil).header.Get("Etag")
	if now == tag {
		t.Error("a channel with another message has the same tag")
	}
	r.call("owner", http.MethodPatch, channelPath(it), `{"topic": "t"}`, "If-Match: "+tag).want(http.StatusOK, nil)
}

// TestEditsAtOnce: of changes that are made on one version at the same time exactly
// one takes place.
func TestEditsAtOnce(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testEditsAtOnce(t, newRig(t)) })
	t.Run("postgres", func(t *testing.T) { testEditsAtOnce(t, newRigOn(t, store.Options{Postgres: postgrestest.URL(t)})) })
}

func testEditsAtOnce(t *testing.T, r *rig) {
	const clients = 6
	it := r.things("public", "writer")
	for name, tt := range map[string]struct {
		as, method, path string
		body             func(i int) any
	}{
		"channel":          {"writer", http.MethodPatch, channelPath(it), func(i int) any { return map[string]any{"topic": fmt.Sprint(i)} }},
		"message":          {"writer", http.MethodPatch, messagePath(it), func(i int) any { return map[string]any{"content": fmt.Sprint(i)} }},
		"user":             {"writer", http.MethodPatch, writerPath(it), func(i int) any { return map[string]any{"displayName": fmt.Sprint(i)} }},
		"incoming webhook": {"admin", http.MethodPatch, incomingPath(it), func(i int) any { return map[string]any{"name": fmt.Sprint(i)} }},
		"outgoing webhook": {"admin", http.MethodPatch, outgoingPath(it), func(i int) any { return map[string]any{"name": fmt.Sprint(i)} }},
		"member": {"writer", http.MethodPut, memberPath(it), func(i int) any {
			return map[string]any{"role": []string{"admin", "guest", "owner"}[i%3]}
		}},
		"deletion of a webhook": {"admin", http.MethodDelete, outgoingPath(it), func(int) any { return nil }},
		"deletion of a message": {"writer", http.MethodDelete, messagePath(it), func(int) any { return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "deletion") {
				it := r.things("public", "writer")
				tt.path = map[bool]string{true: messagePath(it), false: outgoingPath(it)}[strings.HasSuffix(name, "message")]
			}
			tag := r.call("owner", http.MethodGet, tt.path, nil).want(http.StatusOK, nil).header.Get("Etag")
			statuses := make([]int, clients)
			var all sync.WaitGroup
			for i := range statuses {
				all.Go(func() { statuses[i] = r.call(tt.as, tt.method, tt.path, tt.body(i), "If-Match: "+tag).status })
			}
			all.Wait()
			won, lost := 0, 0
			for _, status := range statuses {
				switch {
				case status == http.StatusOK, status == http.StatusNoContent:
					won++
				case status == http.StatusPreconditionFailed, status == http.StatusNotFound && tt.method == http.MethodDelete:
					lost++
				}
			}
			repeatable := name == "deletion of a message" // what is deleted already stays so
			if won != 1 && !repeatable || won+lost != clients {
				t.Errorf("%d of %d won: %v", won, clients, statuses)
			}
		})
	}
}
