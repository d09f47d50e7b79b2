package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
)

// TestMethods: an address that does not take a method says which it takes.
func TestMethods(t *testing.T) {
	r := newRig(t)
	takes := make(map[string][]string)
	for _, pattern := range r.api.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		takes[path] = append(takes[path], method)
		if method == http.MethodGet {
			takes[path] = append(takes[path], http.MethodHead)
		}
	}
	it := r.things("public", "writer")
	for path, methods := range takes {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "PROPFIND"} {
			if slices.Contains(methods, method) {
				continue
			}
			got := r.call("owner", method, concrete(path), nil)
			if path == "/api/incoming-webhooks/dialects" && method != http.MethodPost && method != http.MethodPut && method != http.MethodOptions && method != "PROPFIND" {
				continue // it is also the path of a webhook
			}
			got.refused(http.StatusMethodNotAllowed, "method_not_allowed")
			allow := strings.Split(strings.ReplaceAll(got.header.Get("Allow"), " ", ""), ",")
			for _, m := range methods {
				if !slices.Contains(allow, m) {
					t.Errorf("%s %s: Allow %v lacks %s", method, path, allow, m)
				}
			}
		}
	}
	r.call("owner", http.MethodGet, "/api/nothing", nil).refused(http.StatusNotFound, hub.NotFound)
	r.call("", http.MethodGet, "/api", nil).refused(http.StatusNotFound, hub.NotFound)
	// HEAD is GET without the body.
	head, get := r.call("owner", http.MethodHead, channelPath(it), nil), r.call("owner", http.MethodGet, channelPath(it), nil)
	if head.status != http.StatusOK || len(head.body) > 0 || head.header.Get("Etag") != get.header.Get("Etag") {
		t.Errorf("%d %v", head.status, head.header)
	}
}

// TestAccept: who excludes the answer's media type is told, before anything is done.
func TestAccept(t *testing.T) {
	r := newRig(t)
	it := r.things("public", "writer")
	r.walk(func(t *testing.T, r *rig, method, path string, w row) {
		if path == "/api/files/{id}" && method == http.MethodGet {
			return // it is of any type
		}
		a := w.ask(it)
		old := len(r.everything("owner", "/api/audit-log", "500"))
		for _, accept := range []string{"text/html", "image/png, text/*;q=0.5", "application/json;q=0", "*/*;q=0", "application/json;q=0, */*"} {
			if strings.HasSuffix(path, "/stream") && accept != "text/html" && accept != "*/*;q=0" {
				continue
			}
			r.make(w.by(), method, a, "Accept: "+accept).refused(http.StatusNotAcceptable, "not_acceptable")
		}
		if n := len(r.everything("owner", "/api/audit-log", "500")); n != old {
			t.Errorf("%d changes were made all the same", n-old)
		}
	})
	for _, accept := range []string{"application/json", "*/*", "application/*", "text/html, */*;q=0.1", "text/html,application/json;q=0.9", ""} {
		r.call("owner", http.MethodGet, "/api/channels", nil, "Accept: "+accept).want(http.StatusOK, nil)
	}
}

// TestBodiesOfOtherTypes: what says that it is not JSON is refused by every route
// that takes it, and so is what is too large, or malformed.
func TestBodiesOfOtherTypes(t *testing.T) {
	r := newRig(t)
	it := r.things("public", "writer")
	big := `{"x": "` + strings.Repeat("x", maxBody) + `"}`
	r.walk(func(_ *testing.T, r *rig, method, path string, w row) {
		if method == http.MethodGet || method == http.MethodDelete {
			return
		}
		a := w.ask(it)
		if path == "/api/files" {
			r.call("owner", method, a.path, `{}`).refused(http.StatusBadRequest, hub.Invalid)
			r.make("owner", method, form("big.bin", strings.Repeat("x", 2<<20))).refused(http.StatusRequestEntityTooLarge, hub.TooLarge)
			return
		}
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml"} {
			r.call("owner", method, a.path, `{}`, "Content-Type: "+kind).refused(http.StatusBadRequest, hub.Invalid)
		}
		for _, body := range []string{`{"x": `, `{"x": 1}}`, "{\"x\": \"\xff\"}", strings.Repeat("[", 100) + strings.Repeat("]", 100)} {
			r.call("owner", method, a.path, body).refused(http.StatusBadRequest, hub.Invalid)
		}
		r.call("owner", method, a.path, big).refused(http.StatusRequestEntityTooLarge, hub.TooLarge)
	})
}

// TestCORS: other sites' scripts get nothing: no answer allows them, and their
// preflights are refused.
func TestCORS(t *testing.T) {
	r := newRig(t)
	it := r.things("public", "writer")
	r.walk(func(t *testing.T, r *rig, method, path string, w row) {
		if strings.HasSuffix(path, "/stream") {
			return
		}
		a := w.ask(it)
		preflight := r.call("", http.MethodOptions, a.path, nil, "Origin: https://evil.example", "Access-Control-Request-Method: "+method,
			"Access-Control-Request-Headers: authorization, content-type")
		preflight.refused(http.StatusMethodNotAllowed, "method_not_allowed")
		replies := []*reply{preflight}
		if method == http.MethodGet {
			replies = append(replies, r.make("owner", method, a, "Origin: https://evil.example").want(http.StatusOK, nil))
		}
		for _, got := range replies {
			for name := range got.header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s: %s", name, got.header.Get(name))
				}
			}
		}
	})
}

// TestRequestIDs: a request has its caller's id, or one of the hub's; it is in the
// answer, in what is said of a failure inside, and in the log beside it.
func TestRequestIDs(t *testing.T) {
	r := newRig(t)
	for sent, want := range map[string]string{
		"abc-1:2._X": "abc-1:2._X", "": "", "two words": "", "<script>": "", strings.Repeat("x", 129): "",
	} {
		got := r.call("owner", http.MethodGet, "/api/nothing", nil, "X-Request-Id: "+sent).header.Get("X-Request-Id")
		if got == "" || want != "" && got != want || want == "" && (got == sent || len(got) != 16) {
			t.Errorf("%q became %q", sent, got)
		}
	}
	r = newRig(t, func(o *Options) { o.Auth = broken{} })
	p := r.call("owner", http.MethodGet, "/api/channels", nil, "X-Request-Id: broken-7").refused(http.StatusInternalServerError, hub.Internal)
	if p.header.Get("X-Request-Id") != "broken-7" || !strings.Contains(string(p.body), "broken-7") || strings.Contains(string(p.body), "on fire") {
		t.Errorf("%v %s", p.header, p.body)
	}
	if log := r.log.String(); !strings.Contains(log, "requestId=broken-7") || !strings.Contains(log, "on fire") {
		t.Errorf("log %s", log)
	}
}

// broken knows nobody, for no reason that a caller should see.
type broken struct{}

// Actor implements Authenticator.
func (broken) Actor(*http.Request) (hub.Actor, error) {
	return hub.Actor{}, errors.New("the disk is on fire")
}
