package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
)

// document is what the tests read of /openapi.json.
type document struct {
	Paths map[string]map[string]struct {
		OperationID string                `json:"operationId"`
		Security    []map[string][]string `json:"security"`
		Tags        []string              `json:"tags"`
		Responses   map[string]any        `json:"responses"`
		Parameters  []struct{ Name, In string }
	}
	Components struct{ Schemas map[string]any }
}

func readDocument(r *rig) document {
	var d document
	r.call("", http.MethodGet, "/openapi.json", nil).want(http.StatusOK, &d)
	return d
}

// TestDescriptionMatchesRoutes holds the description against the routes, both
// ways: what is described answers, and what answers is described.
func TestDescriptionMatchesRoutes(t *testing.T) {
	r := newRig(t)
	described := make(map[string]bool)
	ids := make(map[string]bool)
	for path, item := range readDocument(r).Paths {
		for method, op := range item {
			route := strings.ToUpper(method) + " " + path
			described[route] = true
			if op.OperationID == "" || ids[op.OperationID] || len(op.Tags) != 1 || len(op.Responses) == 0 || len(op.Security) != 1 {
				t.Errorf("%s: poorly described: %+v", route, op)
			}
			ids[op.OperationID] = true
			for _, name := range pathParameters(path) {
				if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == name && p.In == "path" }) {
					t.Errorf("%s: parameter %s is not described", route, name)
				}
			}
			req, err := http.NewRequestWithContext(t.Context(), strings.ToUpper(method), r.url+concrete(path), http.NoBody)
			must(t, err)
			if _, pattern := r.api.mux.Handler(req); pattern != route {
				t.Errorf("%s is described and answered by %q", route, pattern)
			}
		}
	}
	for _, pattern := range r.api.Patterns() {
		if !described[pattern] {
			t.Errorf("%s is not described", pattern)
		}
	}
	if n := len(r.api.Patterns()); n < 50 {
		t.Errorf("only %d routes", n)
	}
}

// concrete fills the parameters of a path.
func concrete(path string) string {
	for _, name := range pathParameters(path) {
		path = strings.ReplaceAll(path, "{"+name+"}", "0190b3c8-7c4e-7a12-8000-00000000abcd")
	}
	return path
}

// TestAdministration: what only administrators may do is refused to others.
func TestAdministration(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{
		"/api/outgoing-webhooks", "/api/incoming-webhooks", "/api/deliveries", "/api/tokens", "/api/audit-log",
		"/api/sessions?userId=" + string(r.defaults.Owner),
	} {
		r.call("writer", http.MethodGet, path, nil).refused(http.StatusForbidden, hub.Forbidden)
		r.call("restricted", http.MethodGet, path, nil)
		r.call("admin", http.MethodGet, path, nil).want(http.StatusOK, nil)
	}
	for _, path := range []string{"/api/outgoing-webhooks", "/api/tokens", "/api/queue/stats"} {
		r.call("restricted", http.MethodGet, path, nil).refused(http.StatusForbidden, hub.Forbidden)
	}
}

func TestDocumentation(t *testing.T) {
	r := newRig(t)
	page := r.call("", http.MethodGet, "/docs", nil).want(http.StatusOK, nil)
	for _, part := range []string{"/docs/docs.js", "/docs/docs.css", "/openapi.json"} {
		if !strings.Contains(string(page.body), part) {
			t.Errorf("the page does not name %s", part)
		}
		r.call("", http.MethodGet, part, nil).want(http.StatusOK, nil)
	}
	// Nothing is loaded from elsewhere, and nothing is inline: the policy of
	// the server forbids both.
	for _, bad := range []string{"http://", "https://", "<style", " style=", "onclick", "<script>"} {
		if strings.Contains(string(page.body), bad) {
			t.Errorf("the page contains %s", bad)
		}
	}
	if csp := page.header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self'") {
		t.Errorf("content security policy %q", csp)
	}
	text := string(r.call("", http.MethodGet, "/openapi.json", nil).body)
	if strings.Contains(text, "$schema") || !json.Valid([]byte(text)) {
		t.Error("the description is not as it should be")
	}
}

// TestBadRequests: what cannot be understood is refused clearly, is never
// repeated in the answer and never a failure of the hub.
func TestBadRequests(t *testing.T) {
	r := newRig(t)
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	const marker = "DoNotRepeatMe"
	for _, path := range []string{"/api/events", "/api/channels", "/api/outgoing-webhooks", "/api/tokens"} {
		for name, body := range map[string]string{
			"nothing":      "",
			"no JSON":      `{"name": ` + marker,
			"early end":    `{"name": "` + marker,
			"two values":   `{} {}`,
			"wrong kind":   `["` + marker + `"]`,
			"wrong type":   `{"name": {"` + marker + `": 1}, "event": 7, "url": 1, "scope": []}`,
			"not UTF-8":    "{\"name\": \"\xff\xfe" + marker + "\"}",
			"too deep":     `{"name": ` + deep + `}`,
			"unknown":      `{"name": "x", "scope": "read", "event": "a.b", "data": 1, "url": "https://a.example", "events": ["*"], "surprise": "` + marker + `"}`,
			"bare literal": `null`,
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				r := *r
				r.t = t
				p := r.call("owner", http.MethodPost, path, body).refused(http.StatusBadRequest, hub.Invalid)
				if strings.Contains(string(p.body), marker) {
					t.Errorf("the input is repeated: %s", p.body)
				}
			})
		}
		r.call("owner", http.MethodPost, path, `{}`, "Content-Type: application/x-www-form-urlencoded").refused(http.StatusBadRequest, hub.Invalid)
		big := `{"name": "` + strings.Repeat("x", maxBody) + `"}`
		r.call("owner", http.MethodPost, path, big).refused(http.StatusRequestEntityTooLarge, hub.TooLarge)
	}
	for _, query := range []string{"limit=0", "limit=501", "limit=x", "cursor=!!", "cursor=" + encodeCursor("other", "x"), "cursor=" + encodeCursor("delivery", "x")} {
		field, _, _ := strings.Cut(query, "=")
		r.call("owner", http.MethodGet, "/api/deliveries?"+query, nil).refused(http.StatusBadRequest, hub.Invalid, field)
	}
	r.call("owner", http.MethodGet, "/api/deliveries?status=lost", nil).refused(http.StatusBadRequest, hub.Invalid, "status")
	r.call("owner", http.MethodGet, "/api/deliveries?since=yesterday", nil).refused(http.StatusBadRequest, hub.Invalid, "since")
	r.call("owner", http.MethodGet, "/api/deliveries?event=%5B", nil).refused(http.StatusBadRequest, hub.Invalid, "event")
	r.call("owner", http.MethodPut, "/api/channels", nil).refused(http.StatusMethodNotAllowed, "method_not_allowed")
	r.call("owner", http.MethodGet, "/api/nothing", nil).refused(http.StatusNotFound, hub.NotFound)
}

// TestUnknownThings: what does not exist is 404 everywhere.
func TestUnknownThings(t *testing.T) {
	r := newRig(t)
	for _, pattern := range r.api.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		if !strings.Contains(path, "{") {
			continue
		}
		var body any
		if method == http.MethodPatch || method == http.MethodPut || method == http.MethodPost {
			body = map[string]any{}
		}
		if pattern == "POST /api/channels/{id}/messages" {
			body = map[string]any{"content": "x"}
		}
		t.Run(pattern, func(t *testing.T) {
			r := *r
			r.t = t
			r.call("owner", method, concrete(path), body).refused(http.StatusNotFound, hub.NotFound)
		})
	}
}

// TestQueriesTakeIDs: what is no id is refused, on each database in the same way.
func TestQueriesTakeIDs(t *testing.T) {
	r := newRig(t)
	messages := "/api/channels/" + string(r.defaults.General) + "/messages?"
	for query, field := range map[string]string{
		"GET /api/deliveries?webhookId=x": "webhookId", "GET /api/sessions?userId=%2A": "userId", "DELETE /api/sessions?userId=x": "userId",
		"GET " + messages + "before=x": "before", "GET " + messages + "after=x": "after", "GET " + messages + "thread=x": "thread",
	} {
		method, path, _ := strings.Cut(query, " ")
		r.call("owner", method, path, nil).refused(http.StatusBadRequest, hub.Invalid, field)
	}
	unknown := "0190b3c8-7c4e-7a12-8000-00000000abcd"
	r.call("owner", http.MethodGet, "/api/deliveries?webhookId="+unknown, nil).want(http.StatusOK, nil)
	r.call("owner", http.MethodGet, "/api/sessions?userId="+unknown, nil).want(http.StatusOK, nil)
}
