package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/auth"
	"github.com/nself-chat/hub/internal/secret"
)

func isChange(method string) bool { return method != http.MethodGet }

// TestMatrixIsComplete: every route has a row, and no row is of a route that is not
// there.
func TestMatrixIsComplete(t *testing.T) {
	r := newRig(t)
	patterns := r.api.Patterns()
	for _, pattern := range slices.Sorted(maps.Keys(matrix)) {
		if !slices.Contains(patterns, pattern) {
			t.Errorf("%s has a row and is no route", pattern)
		}
	}
	r.walk(func(t *testing.T, _ *rig, method, path string, w row) {
		if w.ask == nil || w.by() == "" {
			t.Error("the row does not say who asks for what")
		}
		if isChange(method) && (w.action == "") == (w.noAudit == "") {
			t.Error("the row must name the action in the audit log, or say why there is none")
		}
		if isChange(method) && w.noAudit == "" && !w.before && !w.after {
			t.Error("the row must say what the audit log keeps")
		}
		if isChange(method) && w.noAudit == "" && (w.conflict == nil) == (w.noConflict == "") {
			t.Error("the row must have a conflict, or say why there is none")
		}
		if op := operationOf(r, method, path); w.list != op.has("query", "cursor") || w.list && w.grow == nil {
			t.Errorf("a list: %t; it takes a cursor: %t; a list must say how it grows", w.list, op.has("query", "cursor"))
		}
	})
}

// TestMatrixUse: each route does what it is for, for those with the least scope
// that it needs, and is refused to those with less, and to nobody known.
func TestMatrixUse(t *testing.T) {
	r := newRig(t)
	r.tokens["unknown"] = "hub_" + strings.Repeat("x", 43)
	less := map[hub.Scope]string{hub.ScopeWrite: "reader", hub.ScopeAdmin: "writer"}
	r.walk(func(t *testing.T, r *rig, method, path string, w row) {
		it := r.things("public", "writer")
		a := w.ask(it)
		r.make("", method, a).refused(http.StatusUnauthorized, hub.Unauthorized)
		r.make("unknown", method, a).refused(http.StatusUnauthorized, hub.Unauthorized)
		if as := less[w.scope]; as != "" && !strings.HasPrefix(path, "/api/sessions") { // of one's own
			r.make(as, method, a).refused(http.StatusForbidden, hub.Forbidden)
		}
		if strings.HasSuffix(path, "/stream") {
			r.stream(w.by(), "").close()
			return
		}
		got := r.make(w.by(), method, a).want(w.success(), nil)
		if w.success() == http.StatusNoContent {
			if len(got.body) > 0 {
				t.Errorf("204 with %s", got.body)
			}
			return
		}
		if !w.raw && (got.header.Get("Content-Type") != "application/json" || !json.Valid(got.body)) {
			t.Errorf("%s: %s", got.header.Get("Content-Type"), got.body)
		}
		if where := got.header.Get("Location"); (where != "") != (w.success() == http.StatusCreated && path != "/api/tokens") {
			t.Errorf("location %q", where)
		} else if where != "" {
			r.call("owner", http.MethodGet, where, nil).want(http.StatusOK, nil)
		}
	})
}

// TestMatrixHides: who is not a member of a private channel, a guest, and a token
// that is restricted to others learn nothing of it from any route.
func TestMatrixHides(t *testing.T) {
	r := newRig(t)
	it := r.things("private", "owner")
	r.walk(func(t *testing.T, r *rig, method, path string, w row) {
		if strings.HasSuffix(path, "/stream") {
			return // TestStreamVisibility
		}
		a := w.ask(it)
		for _, as := range []string{"writer", "guest", "restricted"} {
			got := r.make(as, method, a)
			if strings.Contains(string(got.body), hidden) || strings.Contains(string(got.body), string(it.channel)) || strings.Contains(string(got.body), "things-"+it.n+`"`) {
				t.Errorf("%s is shown %s", as, got.body)
			}
			of := strings.HasPrefix(path, "/api/channels/{id}") || strings.HasPrefix(path, "/api/messages/") || strings.HasPrefix(path, "/api/files/")
			if of && got.status != http.StatusForbidden && got.status != http.StatusNotFound || path == "/api/events/{id}" && got.status != http.StatusNotFound {
				t.Errorf("%s is answered %d: %s", as, got.status, got.body)
			}
			if method == http.MethodGet && of && got.status != http.StatusNotFound {
				t.Errorf("%s learns with %d that it is there", as, got.status)
			}
		}
	})
	// All is there as it was.
	r.call("owner", http.MethodGet, channelPath(it), nil).want(http.StatusOK, nil)
	r.call("owner", http.MethodGet, messagePath(it), nil).want(http.StatusOK, nil)
	r.call("owner", http.MethodGet, filePath(it), nil).want(http.StatusOK, nil)
}

// TestMatrixAudit: each change leaves one entry: who did what to what, from where
// and by what, before and after; and no secret.
func TestMatrixAudit(t *testing.T) {
	r := newRig(t)
	r.walk(func(t *testing.T, r *rig, method, path string, w row) {
		if !isChange(method) {
			return
		}
		a := w.ask(r.things("public", "writer"))
		old := r.everything("owner", "/api/audit-log", "500")
		answer := r.make(w.by(), method, a, "User-Agent: matrix/1.0", "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").
			want(w.success(), nil)
		var log struct{ Items []AuditEntry }
		r.call("owner", http.MethodGet, "/api/audit-log?limit=100", nil).want(http.StatusOK, &log)
		log.Items = slices.DeleteFunc(log.Items, func(e AuditEntry) bool { return slices.Contains(old, string(e.ID)) })
		if w.noAudit != "" {
			if len(log.Items) != 0 {
				t.Errorf("%s, and there is %+v", w.noAudit, log.Items)
			}
			return
		}
		if len(log.Items) != 1 {
			t.Fatalf("%d entries: %+v", len(log.Items), log.Items)
		}
		e := log.Items[0]
		if e.Action != w.action || e.ActorID != r.users[w.by()].ID || e.TokenID != r.tokenID(w.by()) || e.SessionID != "" ||
			e.RemoteIP != "127.0.0.1" || e.UserAgent != "matrix/1.0" || e.TraceID != "0af7651916cd43dd8448eb211c80319c" || e.Subject == "" || e.CreatedAt.IsZero() {
			t.Errorf("%+v", e)
		}
		if (e.Before != nil) != w.before || (e.After != nil) != w.after {
			t.Errorf("before %s, after %s", e.Before, e.After)
		}
		if w.before && w.after && string(e.Before) == string(e.After) {
			t.Errorf("nothing is different: %s", e.After)
		}
		secrets := []string{hidden + " ", "of-mine", "in-the-url", "whsec_", "s1:", r.tokens["admin"], r.tokens["writer"]}
		var shown struct{ Token, Secret string }
		if json.Unmarshal(answer.body, &shown) == nil {
			secrets = append(secrets, shown.Token, shown.Secret)
		}
		for _, s := range secrets {
			if s != "" && strings.Contains(string(e.Before)+string(e.After)+e.Subject, s) {
				t.Errorf("%q stands in %s, %s", s, e.Before, e.After)
			}
		}
	})
}

// TestAuditOfASession: what is done in a signed-in browser names the session.
func TestAuditOfASession(t *testing.T) {
	r := newRig(t)
	id, now := hub.SessionID(r.control.IDs.New()), r.control.Now()
	must(t, r.store.CreateSession(t.Context(), hub.Session{
		ID: id, UserID: r.users["admin"].ID, Hash: secret.Hash("cookie"), CreatedAt: now, LastSeenAt: now, ExpiresAt: now.AddDate(0, 0, 1),
	}))
	r.call("", http.MethodPost, "/api/channels", `{"name": "by-hand"}`, "Cookie: "+auth.CookieName+"=cookie", "User-Agent: Firefox",
		"Sec-Fetch-Site: same-origin").want(http.StatusCreated, nil)
	var log struct{ Items []AuditEntry }
	r.call("owner", http.MethodGet, "/api/audit-log?limit=1", nil).want(http.StatusOK, &log)
	if e := log.Items[0]; e.Action != "channel.create" || e.ActorID != r.users["admin"].ID || e.SessionID != id || e.TokenID != "" || e.UserAgent != "Firefox" {
		t.Errorf("%+v", e)
	}
}

// TestAuditFilters: the audit log is read by who, what, to what and when, page
// after page.
func TestAuditFilters(t *testing.T) {
	r := newRig(t)
	it := r.things("public", "writer")
	all := r.everything("owner", "/api/audit-log", "7")
	var l struct{ Items []AuditEntry }
	r.call("owner", http.MethodGet, "/api/audit-log?limit=500", nil).want(http.StatusOK, &l)
	if len(l.Items) != len(all) || len(all) < 10 || !slices.IsSortedFunc(all, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Fatalf("%d entries, %d ids: %v", len(l.Items), len(all), all)
	}
	middle := l.Items[len(l.Items)/2].CreatedAt.Truncate(1e6) // what ids know of time is milliseconds
	zone := middle.Format("2006-01-02T15:04:05.000Z07:00")
	for query, keeps := range map[string]func(AuditEntry) bool{
		"actorId=" + string(r.users["writer"].ID): func(e AuditEntry) bool { return e.ActorID == r.users["writer"].ID },
		"action=message.create":                   func(e AuditEntry) bool { return e.Action == "message.create" },
		"action=message":                          func(AuditEntry) bool { return false },
		"subject=" + string(it.message):           func(e AuditEntry) bool { return e.Subject == string(it.message) },
		"since=" + zone:                           func(e AuditEntry) bool { return !e.CreatedAt.Before(middle) },
		"until=" + zone:                           func(e AuditEntry) bool { return e.CreatedAt.Before(middle) },
		"action=message.update&subject=" + string(it.message) + "&actorId=" + string(r.users["writer"].ID): func(e AuditEntry) bool {
			return e.Action == "message.update" && e.Subject == string(it.message)
		},
	} {
		var want []string
		for _, e := range l.Items {
			if keeps(e) {
				want = append(want, string(e.ID))
			}
		}
		if diff := gocmp.Diff(want, r.everything("owner", "/api/audit-log?"+query, "2")); diff != "" || len(want) == 0 && query != "action=message" {
			t.Errorf("%s: %d: %s", query, len(want), diff)
		}
	}
	r.call("owner", http.MethodGet, "/api/audit-log?since="+zone+"&until="+zone, nil).refused(http.StatusBadRequest, hub.Invalid, "until")
	r.call("owner", http.MethodGet, "/api/audit-log?actorId=x", nil).refused(http.StatusBadRequest, hub.Invalid, "actorId")
}

// TestMatrixConflicts: what contradicts what is there is 409 and changes nothing.
func TestMatrixConflicts(t *testing.T) {
	r := newRig(t)
	r.walk(func(t *testing.T, r *rig, method, _ string, w row) {
		if w.conflict == nil {
			return
		}
		a := w.conflict(r.things("public", "writer"))
		old := len(r.everything("owner", "/api/audit-log", "500"))
		r.make(cmp.Or(w.conflictBy, "owner"), method, a).refusedWith(t, http.StatusConflict)
		if n := len(r.everything("owner", "/api/audit-log", "500")) - old; n != 0 {
			t.Errorf("%d changes were made all the same", n)
		}
	})
}

// refusedWith requires a problem of that status.
func (p *reply) refusedWith(t *testing.T, status int) {
	t.Helper()
	if p.status != status || p.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("status %d, want %d: %s", p.status, status, p.body)
	}
}

// TestMatrixPaging: a list is read to its end in pages; what is added meanwhile
// lets nothing of it be skipped or come twice.
func TestMatrixPaging(t *testing.T) {
	r := newRig(t)
	r.walk(func(t *testing.T, r *rig, _, _ string, w row) {
		if !w.list {
			return
		}
		it := r.things("public", "writer")
		for range 5 {
			w.grow(it)
		}
		path := w.ask(it).path
		joint := "?"
		if strings.Contains(path, "?") {
			joint = "&"
		}
		id := w.id
		if id == nil {
			id = func(m map[string]any) string { return fmt.Sprint(m["id"]) }
		}
		read := func(limit int, between func()) (ids []string) {
			for cursor := ""; ; between() {
				var l listing
				r.call(w.by(), http.MethodGet, path+joint+"limit="+strconv.Itoa(limit)+"&cursor="+url.QueryEscape(cursor), nil).want(http.StatusOK, &l)
				if len(l.Items) > limit {
					t.Fatalf("%d items on a page of %d", len(l.Items), limit)
				}
				for _, item := range l.Items {
					ids = append(ids, id(item))
				}
				if cursor = l.NextCursor; cursor == "" || len(ids) > 1000 {
					return ids
				}
			}
		}
		want := read(500, func() {})
		if len(want) < 5 {
			t.Fatalf("only %d items: %v", len(want), want)
		}
		if diff := gocmp.Diff(want, read(2, func() {})); diff != "" {
			t.Errorf("in pages: %s", diff)
		}
		added := 0
		got := read(2, func() {
			if added++; added <= 2 {
				w.grow(it)
			}
		})
		seen := make(map[string]bool)
		for _, one := range got {
			if seen[one] {
				t.Errorf("%s comes twice", one)
			}
			seen[one] = true
		}
		kept := slices.DeleteFunc(slices.Clone(got), func(one string) bool { return !slices.Contains(want, one) })
		if diff := gocmp.Diff(want, kept); diff != "" {
			t.Errorf("while it grows: %s", diff)
		}
		for _, bad := range []string{"limit=0", "limit=501", "limit=-1", "limit=x", "cursor=!!", "cursor=" + encodeCursor("another list", "x")} {
			field, _, _ := strings.Cut(bad, "=")
			r.call(w.by(), http.MethodGet, path+joint+bad, nil).refused(http.StatusBadRequest, hub.Invalid, field)
		}
	})
}

// TestMatrixRepetition: a POST under an Idempotency-Key takes effect once, also
// when it is sent many times at once; another request under the key is 409.
func TestMatrixRepetition(t *testing.T) {
	r := newRig(t)
	r.walk(func(t *testing.T, r *rig, method, _ string, w row) {
		if method != http.MethodPost {
			return
		}
		it := r.things("public", "writer")
		a := w.ask(it)
		old := len(r.everything("owner", "/api/audit-log", "500"))
		key := "Idempotency-Key: first-" + it.n
		first := r.make(w.by(), method, a, key).want(w.success(), nil)
		again := r.make(w.by(), method, a, key).want(w.success(), nil)
		if string(first.body) != string(again.body) || first.header.Get(repeatedHeader) != "" || again.header.Get(repeatedHeader) != "true" ||
			first.header.Get("Etag") != again.header.Get("Etag") || first.header.Get("Location") != again.header.Get("Location") {
			t.Errorf("%s %v, then %s %v", first.body, first.header, again.body, again.header)
		}
		other := ask{path: a.path + "?other=1", body: a.body, headers: a.headers}
		if w.other != nil {
			other = w.other(it)
		}
		r.make(w.by(), method, other, key).refused(http.StatusConflict, hub.Conflict)
		effects := func() int { return len(r.everything("owner", "/api/audit-log", "500")) - old }
		if n := effects(); w.noAudit == "" && n != 1 {
			t.Errorf("%d effects", n)
		}

		it = r.things("public", "writer")
		a = w.ask(it)
		old = len(r.everything("owner", "/api/audit-log", "500"))
		replies := make([]*reply, 6)
		var all sync.WaitGroup
		for i := range replies {
			all.Go(func() { replies[i] = r.make(w.by(), method, a, "Idempotency-Key: many-"+it.n) })
		}
		all.Wait()
		body, firsts := "", 0
		for _, got := range replies {
			if got.status == w.success() && got.header.Get(repeatedHeader) == "" {
				firsts++
			}
			switch {
			case got.status == http.StatusConflict: // the first one has not finished
			case got.status != w.success():
				t.Errorf("status %d: %s", got.status, got.body)
			case body != "" && body != string(got.body):
				t.Errorf("%s, and %s", body, got.body)
			default:
				body = string(got.body)
			}
		}
		if firsts != 1 {
			t.Errorf("%d say that they are the first", firsts)
		}
		if body == "" && w.success() != http.StatusNoContent {
			t.Error("none was carried out")
		}
		if n := effects(); w.noAudit == "" && n != 1 {
			t.Errorf("%d effects of requests at once", n)
		}
	})
}

// described is what a test reads of an operation in the description.
type described struct {
	Parameters []struct {
		Name, In string
		Schema   fieldSchema
	}
	RequestBody struct {
		Content map[string]struct{ Schema fieldSchema }
	}
}

func (d described) has(in, name string) bool {
	for _, p := range d.Parameters {
		if p.In == in && p.Name == name {
			return true
		}
	}
	return false
}

type fieldSchema struct {
	Ref        string          `json:"$ref"`
	AnyOf      []fieldSchema   // an object, or null
	Type       json.RawMessage // a name, or several
	Format     string
	Enum       []any
	MaxLength  *int
	Properties map[string]fieldSchema
	Required   []string
}

// is reports whether the schema takes values of that type.
func (s fieldSchema) is(kind string) bool { return strings.Contains(string(s.Type), `"`+kind+`"`) }

func operationOf(r *rig, method, path string) described {
	var d struct {
		Paths map[string]map[string]described
	}
	must(r.t, json.Unmarshal(r.api.describe(), &d))
	return d.Paths[path][strings.ToLower(method)]
}

// TestMatrixBadInput: each field and each parameter is refused by name when its
// value is of a wrong kind, or missing.
func TestMatrixBadInput(t *testing.T) {
	r := newRig(t)
	var d struct {
		Components struct{ Schemas map[string]fieldSchema }
	}
	must(t, json.Unmarshal(r.api.describe(), &d))
	it := r.things("public", "writer")
	r.walk(func(t *testing.T, r *rig, method, path string, w row) {
		op := operationOf(r, method, path)
		a := w.ask(it)
		if strings.HasSuffix(path, "/stream") {
			return // TestStream
		}
		for _, p := range op.Parameters {
			if p.In != "query" {
				continue
			}
			bad, ok := w.badQuery[p.Name]
			switch s := p.Schema; {
			case ok:
			case s.is("integer"), s.is("number"):
				bad = "x"
			case s.is("boolean"):
				bad = "perhaps"
			case len(s.Enum) > 0:
				bad = "nonsense"
			case s.Format == "date-time":
				bad = "yesterday"
			case s.MaxLength != nil:
				bad = strings.Repeat("x", *s.MaxLength+1)
			default:
				t.Errorf("the row must have a bad value of %s", p.Name)
			}
			u, err := url.Parse(a.path)
			must(t, err)
			q := u.Query()
			q.Set(p.Name, bad)
			u.RawQuery = q.Encode()
			r.make("owner", method, ask{path: u.String(), body: a.body}).refused(http.StatusBadRequest, hub.Invalid, p.Name)
		}
		s := op.RequestBody.Content["application/json"].Schema
		if s.Ref != "" {
			s = d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
		}
		if len(s.Properties) == 0 {
			return
		}
		text, _ := a.body.(string)
		if m, ok := a.body.(map[string]any); ok {
			b, err := json.Marshal(m)
			must(t, err)
			text = string(b)
		}
		var good map[string]json.RawMessage
		must(t, json.Unmarshal([]byte(text), &good))
		send := func(field string, value json.RawMessage) {
			t.Helper()
			body := maps.Clone(good)
			body[field] = value
			if value == nil {
				delete(body, field)
			}
			b, err := json.Marshal(body)
			must(t, err)
			got := r.make("owner", method, ask{path: a.path, body: string(b)})
			got.refused(http.StatusBadRequest, hub.Invalid)
			var problem struct{ Errors []hub.FieldError }
			must(t, json.Unmarshal(got.body, &problem))
			if !slices.ContainsFunc(problem.Errors, func(e hub.FieldError) bool { return strings.HasPrefix(e.Field, field) }) {
				t.Errorf("%s as %s: %s is not named: %s", field, value, field, got.body)
			}
		}
		for name, p := range s.Properties {
			if slices.Contains(w.unchecked, name) {
				continue
			}
			if _, used := good[name]; !used && name != "idempotencyKey" && name != "threadId" && name != "fileIds" && method != http.MethodPatch {
				t.Errorf("the row's request does not use %s", name)
			}
			if p.is("object") || p.Ref != "" || p.AnyOf != nil || p.is("array") {
				send(name, json.RawMessage(`7`))
			} else {
				send(name, json.RawMessage(`{"x": [1]}`))
			}
			if p.is("string") {
				send(name, json.RawMessage(`true`))
			}
		}
		for _, name := range append(slices.Clone(s.Required), w.required...) {
			send(name, nil)
		}
		send("surprise", json.RawMessage(`1`))
	})
}
