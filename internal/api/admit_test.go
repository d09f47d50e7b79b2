package api

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/nself-chat/hub"
)

// TestNothingIsReadOfThoseWhoMayNot: a body, however bad, is not looked at when
// its sender may not send one.
func TestNothingIsReadOfThoseWhoMayNot(t *testing.T) {
	r := newRig(t)
	for _, pattern := range r.api.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		if method == http.MethodGet || method == http.MethodDelete {
			continue
		}
		for as, refused := range map[string]bool{"reader": true, "guest": true, "writer": isForAdministrators(path, method)} {
			if got := r.call(as, method, concrete(path), "no JSON").status == http.StatusForbidden; got != refused {
				t.Errorf("%s of %s with a bad body: refused for lack of permission: %t, want %t", pattern, as, got, refused)
			}
		}
	}
}

func isForAdministrators(path, method string) bool {
	for _, prefix := range []string{
		"/api/incoming-webhooks", "/api/inbox", "/api/outgoing-webhooks", "/api/deliveries", "/api/queue", "/api/tokens", "/api/admin",
	} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return path == "/api/users" && method == http.MethodPost
}

// TestBodiesShareRoom: bodies that are there at once have so much room and no
// more, a caller has his share of it, and all of it is given back.
func TestBodiesShareRoom(t *testing.T) {
	r := newRig(t)
	r.api.bodies = newBodyRoom(64<<10, 32<<10)
	event := func(size int) string { return `{"event":"a.b","data":"` + strings.Repeat("x", size) + `"}` }
	for range 8 { // more than there is room for, one after the other
		r.call("writer", http.MethodPost, "/api/events", event(30<<10)).want(http.StatusAccepted, nil)
	}
	again := r.call("writer", http.MethodPost, "/api/events", event(33<<10))
	again.refused(http.StatusServiceUnavailable, hub.Unavailable)
	if again.header.Get("Retry-After") == "" {
		t.Error("it is not said when to try again")
	}
	if !r.api.bodies.take("another", 32<<10) || !r.api.bodies.take("a third", 31<<10) {
		t.Fatal("what was taken was not given back")
	}
	r.call("writer", http.MethodPost, "/api/events", event(1<<10)).refused(http.StatusServiceUnavailable, hub.Unavailable)
	r.call("writer", http.MethodPost, "/api/events", event(100)).want(http.StatusAccepted, nil)
	r.call("writer", http.MethodPost, "/api/events", event(100), "Idempotency-Key: k").want(http.StatusAccepted, nil)
	r.call("writer", http.MethodPost, "/api/channels", map[string]any{"name": "x"}, "Idempotency-Key: l").want(http.StatusCreated, nil)
	if used := r.api.bodies.used; used != 63<<10 {
		t.Errorf("%d bytes are taken when no request is there", used-63<<10)
	}
}

// TestBodyTakesRoomAsItArrives: what is only announced costs nothing.
func TestBodyTakesRoomAsItArrives(t *testing.T) {
	const limit = 100 << 10
	for name, test := range map[string]struct {
		sent      int
		announced int64
		most      int64 // that it may hold
		err       error
	}{
		"announced":              {50 << 10, 50 << 10, 50 << 10, nil},
		"small":                  {10, 10, 10, nil},
		"not announced":          {50 << 10, -1, 64 << 10, nil},
		"all that there may be":  {limit, -1, limit + 1, nil},
		"announced and not sent": {100, 90 << 10, firstRead, io.ErrUnexpectedEOF},
	} {
		h := &holder{room: newBodyRoom(1<<20, 1<<20)}
		content := bytes.Repeat([]byte("x"), test.sent)
		got, err := h.readAll(iotest.HalfReader(bytes.NewReader(content)), test.announced, limit)
		if !errors.Is(err, test.err) || err == nil && !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if h.held > test.most || h.held != h.room.used || int64(cap(got)) > h.held {
			t.Errorf("%s: holds %d bytes, %d are taken, at most %d wanted", name, h.held, h.room.used, test.most)
		}
	}
}
