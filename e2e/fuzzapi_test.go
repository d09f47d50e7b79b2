package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nself-chat/hub/internal/openapitest"
)

// fuzzWorkers make requests at the same time, each from a seed of its own.
const fuzzWorkers = 3

// TestFuzzAPI makes requests from what /openapi.json says, good ones and near
// misses, with tokens of every kind, and with the ids that answers told. No
// answer may be a failure of the hub, of an undeclared status or shape, or hold
// a secret or a word about the hub's inside. HUB_FUZZ_API is how long it takes,
// HUB_FUZZ_SEED the first seed; 0: another one each time.
func TestFuzzAPI(t *testing.T) { onBoth(t, testFuzzAPI) }

func testFuzzAPI(t *testing.T, on database) {
	duration, seed := 10*time.Second, uint64(1)
	if text := os.Getenv("HUB_FUZZ_API"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		duration, seed = d, uint64(time.Now().UnixNano())
	}
	if text := os.Getenv("HUB_FUZZ_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	f := newFuzz(t, on)
	deadline := time.Now().Add(duration)
	var workers sync.WaitGroup
	for i := range uint64(fuzzWorkers) {
		workers.Go(func() { f.run(seed+i, deadline) })
	}
	workers.Wait()
	f.finish()
}

// fuzz is a hub under requests, and what is known of it. The workers share it.
type fuzz struct {
	t      *testing.T
	p      *process
	doc    *openapitest.Document
	sink   *sink
	http   *http.Client
	tokens map[string]string // by what they may do
	own    map[string]bool   // ids that the test would cut itself off with

	mu       sync.Mutex
	known    map[string][]string // by kind
	secrets  map[string]bool
	serial   int
	statuses map[int]int
	reached  map[string]bool // operations that were carried out
	failures map[string]bool
}

func newFuzz(t *testing.T, on database) *fuzz {
	f := &fuzz{
		t: t, p: on.startHub(t, "HUB_LOG_LEVEL=error", "HUB_TRUSTED_PROXIES=127.0.0.1"), sink: newSink(t),
		tokens: make(map[string]string), own: make(map[string]bool),
		known: make(map[string][]string), secrets: make(map[string]bool), statuses: make(map[int]int), reached: make(map[string]bool),
		failures: make(map[string]bool),
		http: &http.Client{
			Transport: &http.Transport{MaxIdleConnsPerHost: fuzzWorkers}, Timeout: 60 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	t.Cleanup(f.http.CloseIdleConnections)
	a, err := f.p.do("GET", "/openapi.json", anonymous(), nil)
	if err == nil {
		f.doc, err = openapitest.Parse(a.Body)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.people()
	return f
}

// people makes tokens of every kind.
func (f *fuzz) people() {
	general := f.p.general()
	f.tokens["admin"], f.secrets[adminToken] = adminToken, true
	for name, token := range map[string]map[string]any{
		"write":      {"scope": "write"},
		"read":       {"scope": "read"},
		"restricted": {"scope": "admin", "channelIds": []string{general}},
	} {
		var made struct{ ID, UserID, Token string }
		token["name"] = name
		f.ask("POST", "/api/tokens", token, &made)
		f.tokens[name], f.secrets[made.Token], f.own[made.ID], f.own[made.UserID] = made.Token, true, true, true
	}
	var tokens struct{ Items []struct{ ID, UserID string } }
	f.ask("GET", "/api/tokens", map[string]any{}, &tokens)
	for _, k := range tokens.Items {
		f.own[k.ID], f.own[k.UserID] = true, true
	}
	f.known["channel"] = []string{general}
}

// ask makes a request that must succeed.
func (f *fuzz) ask(method, path string, in, out any) {
	f.t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		f.t.Fatal(err)
	}
	a, err := f.p.do(method, path, http.Header{"Content-Type": {"application/json"}}, bytes.NewReader(b))
	if err != nil || a.Status > 299 || json.Unmarshal(a.Body, out) != nil {
		f.t.Fatalf("%s %s: %v %d %s", method, path, err, a.Status, a.Body)
	}
}

// run makes requests until the deadline, or until there is enough to mend.
func (f *fuzz) run(seed uint64, deadline time.Time) {
	rng := rand.New(rand.NewPCG(seed, 0))
	w := &fuzzWorker{f: f, seed: seed, Generator: openapitest.Generator{Rand: rng}}
	w.Known = w.knownAs
	for time.Now().Before(deadline) && !f.enough() {
		w.step++
		w.one()
	}
}

func (f *fuzz) enough() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.failures) >= 20
}

// fail reports what is wrong with an answer, once for each operation.
func (f *fuzz) fail(what string, r *fuzzRequest, detail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := r.op.ID + ": " + what
	if f.failures[key] {
		return
	}
	f.failures[key] = true
	f.t.Errorf("%s (seed %d, step %d)\n%s\n%s", key, r.seed, r.step, r, detail)
}

// finish looks whether the hub is well.
func (f *fuzz) finish() {
	f.t.Helper()
	total := 0
	for _, n := range f.statuses {
		total += n
	}
	f.t.Logf("%d requests, %d of %d operations carried out, by status: %v", total, len(f.reached), len(f.doc.Operations()), f.statuses)
	if missing := f.missing(); total > 20_000 && len(missing) > 0 {
		f.t.Errorf("never carried out: %q", missing)
	}
	a, err := f.p.do("GET", "/readyz", anonymous(), nil)
	if err != nil || a.Status != http.StatusOK {
		f.t.Fatalf("the hub is not well: %v %d %s\n%s", err, a.Status, a.Body, tail(f.p.log.String()))
	}
	f.p.stop()
	f.p.verify()
	if log := f.p.log.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "panic") {
		f.t.Errorf("the log tells of failures\n%s", tail(log))
	}
}

// seldom are operations whose success needs more luck than a short run has.
var seldom = []string{"deleteSession"}

func (f *fuzz) missing() (ids []string) {
	for _, op := range f.doc.Operations() {
		if !f.reached[op.ID] && !slices.Contains(seldom, op.ID) {
			ids = append(ids, op.ID)
		}
	}
	return ids
}

// fuzzWorker makes one request after the other.
type fuzzWorker struct {
	openapitest.Generator
	f    *fuzz
	seed uint64
	step int
	pair [2]string // ids that belong together, for the path of this request
}

// fuzzRequest is a request that was made up.
type fuzzRequest struct {
	op         *openapitest.Operation
	seed       uint64
	step       int
	as         string // whose token; "": none
	path       string
	header     http.Header
	body       []byte
	deliberate bool   // it is meant to be a good one
	token      string // of an incoming webhook
}

func (r *fuzzRequest) String() string {
	return fmt.Sprintf("%s %s as %q %v\n%.2000s", r.op.Method, r.path, r.as, r.header, r.body)
}

// one makes a request and looks at the answer.
func (w *fuzzWorker) one() {
	r := w.request(openapitest.Pick(&w.Generator, w.f.doc.Operations()))
	if r == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.op.Method, w.f.p.url, bytes.NewReader(r.body))
	if err != nil {
		return
	}
	if req.URL, err = url.Parse(w.f.p.url + r.path); err != nil {
		return // a path that the client would not send
	}
	req.Header = r.header
	resp, err := w.f.http.Do(req)
	if err != nil {
		w.gone(r, err)
		return
	}
	defer resp.Body.Close()
	var body []byte
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		if body, err = io.ReadAll(resp.Body); err != nil {
			w.gone(r, err)
			return
		}
		if body == nil {
			body = []byte{}
		}
	}
	w.look(r, req.URL, resp, body)
}

// gone judges a request without an answer: the hub may close the connection on
// a body that it does not read.
func (w *fuzzWorker) gone(r *fuzzRequest, err error) {
	large := len(r.body) > 64<<10 || len(r.path) > 32<<10
	if a, ready := w.f.p.do("GET", "/readyz", anonymous(), nil); ready != nil || a.Status != http.StatusOK || !large {
		w.f.fail("no answer", r, err.Error()+"\n"+tail(w.f.p.log.String()))
	}
}

// inside are words about the hub's inside.
var inside = regexp.MustCompile(`(?i)select .{1,80} from |insert into|sqlstate|sqlite|\bpgx\b|\.go:\d+|goroutine \d|` +
	`no such (table|column)|constraint failed|runtime error`)

// look checks an answer.
func (w *fuzzWorker) look(r *fuzzRequest, u *url.URL, resp *http.Response, body []byte) {
	f, status := w.f, resp.StatusCode
	f.mu.Lock()
	f.statuses[status]++
	if status < 300 {
		f.reached[r.op.ID] = true
	}
	f.mu.Unlock()
	answer := fmt.Sprintf("%d %v\n%.2000s", status, resp.Header, body)
	if status >= 500 && !slices.Contains([]int{http.StatusServiceUnavailable, http.StatusInsufficientStorage, http.StatusLoopDetected}, status) {
		f.fail(fmt.Sprintf("status %d", status), r, answer+"\n"+tail(f.p.log.String()))
		return
	}
	if err := f.doc.CheckAnswer(r.op.Method, u, status, resp.Header, body); err != nil {
		f.fail("the answer is not as it is described", r, err.Error()+"\n"+answer)
		return
	}
	if r.deliberate && status < 300 {
		if err := f.doc.CheckRequest(r.op.Method, u, r.header, r.body); err != nil {
			f.fail("the request is not as it is described", r, err.Error())
		}
	}
	w.leaks(r, resp, body, answer)
	w.learn(r, resp, body)
}

// showsOnce are the operations whose answers show a secret that was just made.
var showsOnce = []string{"createToken", "createIncomingWebhook", "rotateIncomingToken", "createOutgoingWebhook", "rotateOutgoingSecret"}

// leaks looks for secrets, and for words about the inside that the request did
// not bring.
func (w *fuzzWorker) leaks(r *fuzzRequest, resp *http.Response, body []byte, answer string) {
	f := w.f
	text := string(body)
	for _, values := range resp.Header {
		text += "\n" + strings.Join(values, "\n")
	}
	if m := inside.FindString(text); m != "" && !strings.Contains(string(r.body)+r.path, m) {
		f.fail("the answer tells of the inside: "+m, r, answer)
	}
	if strings.Contains(text, f.p.dir) {
		f.fail("the answer tells a path", r, answer)
	}
	if slices.Contains(showsOnce, r.op.ID) {
		return
	}
	f.mu.Lock()
	leaked := ""
	for s := range f.secrets {
		if strings.Contains(text, s) && !strings.Contains(r.path, s) { // who asks with a token may hear it again
			leaked = s
		}
	}
	f.mu.Unlock()
	if leaked != "" {
		f.fail("the answer tells a secret", r, leaked+"\n"+answer)
	}
}

// learn keeps what an answer tells, to ask for it.
func (w *fuzzWorker) learn(r *fuzzRequest, resp *http.Response, body []byte) {
	f := w.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if tag := resp.Header.Get("ETag"); tag != "" {
		f.keep("If-Match", tag)
	}
	var v any
	if resp.StatusCode > 299 || json.Unmarshal(body, &v) != nil {
		return
	}
	if slices.Contains(showsOnce, r.op.ID) {
		made, _ := v.(map[string]any)
		for _, key := range []string{"token", "secret"} {
			if s, _ := made[key].(string); s != "" {
				f.secrets[s] = true
				if key == "token" && strings.Contains(r.op.Path, "incoming") {
					f.keep("token", s)
				}
			}
		}
	}
	if made, ok := v.(map[string]any); ok && r.op.Public && r.op.Method == http.MethodPost {
		for _, key := range []string{"messageId", "id", "ts"} {
			if id, _ := made[key].(string); id != "" && made["success"] != false {
				f.keep("token message", r.token+" "+id)
			}
		}
	}
	f.walk(kindOf(collection(r.op.Path)), v)
}

func (f *fuzz) walk(kind string, v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			f.walk(kind, e)
		}
	case map[string]any:
		for key, e := range v {
			text, _ := e.(string)
			switch {
			case key == "incomingWebhookId":
				id, _ := v["id"].(string)
				f.keep("incoming call", text+" "+id)
			case key == "nextCursor":
				f.keep("cursor", text)
			case key == "id" && kind != "":
				f.keep(kind, text)
			case strings.HasSuffix(key, "Id") && len(text) == 36:
				f.keep(kindOf(key), text)
			case key == "items":
				f.walk(kind, e)
			case key != "data" && key != "before" && key != "after":
				f.walk(kindOf(key), e)
			}
		}
	}
}

// keep remembers a value of a kind, among the latest ones.
func (f *fuzz) keep(kind, value string) {
	if kind == "" || value == "" || f.own[value] || slices.Contains(f.known[kind], value) {
		return
	}
	all := append(f.known[kind], value)
	f.known[kind] = all[max(0, len(all)-40):]
}

// kinds are the kinds of thing by the names that have to do with them, the
// longer before the shorter ones.
var kinds = []struct{ name, kind string }{
	{"incoming", "incoming"},
	{"targetchannel", "channel"},
	{"channel", "channel"},
	{"guild", "channel"},
	{"thread", "message"},
	{"message", "message"},
	{"before", "message"},
	{"after", "message"},
	{"root", "message"},
	{"inbox", "call"},
	{"call", "call"},
	{"outgoing", "webhook"},
	{"webhook", "webhook"},
	{"deliver", "delivery"},
	{"event", "event"},
	{"file", "file"},
	{"attachment", "file"},
	{"audit", ""},
	{"token", "apitoken"},
	{"session", "session"},
	{"user", "user"},
	{"author", "user"},
	{"actor", "user"},
	{"createdby", "user"},
}

func kindOf(name string) string {
	name = strings.ToLower(name)
	for _, k := range kinds {
		if strings.HasPrefix(name, k.name) {
			return k.kind
		}
	}
	return ""
}

// collection is the part of a path that says what its ids are of.
func collection(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/api/"), "/")
	name := parts[0]
	for _, p := range parts[1:] {
		if p == "messages" || p == "log" || p == "members" {
			name = map[string]string{"messages": "message", "log": "call", "members": "user"}[p]
		}
	}
	return name
}

// knownAs returns a value that is good for a name: an id that an answer told, an
// address that is there, a name that nobody has.
func (w *fuzzWorker) knownAs(name string) any {
	f := w.f
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial++
	switch name {
	case "name", "username":
		return fmt.Sprintf("fuzz-%d", f.serial)
	case "email":
		return fmt.Sprintf("fuzz-%d@example.com", f.serial)
	case "url":
		return openapitest.Pick(&w.Generator, []string{f.sink.server.URL + "/ok", "http://127.0.0.1:1/", "https://host.invalid/x"})
	case "avatarUrl", "icon_url", "imageUrl":
		return "https://example.com/a.png"
	case "secret", "hmacSecret":
		s := fmt.Sprintf("s3cret-%d-of-the-fuzz-test", f.serial)
		f.secrets[s] = true
		return s
	case "X-Team":
		s := fmt.Sprintf("s3cret-%d-header", f.serial)
		f.secrets[s] = true
		return s
	case "allowIps":
		return "10.0.0.0/8"
	case "expiresAt":
		return "2099-01-01T00:00:00Z"
	case "event":
		return openapitest.Pick(&w.Generator, []string{"order.created", "message.created", "a.b", "message.*", "*"})
	case "cursor", "If-Match", "token":
		return w.anyOf(name)
	case "idempotencyKey", "Idempotency-Key":
		return fmt.Sprintf("key-%d", w.Rand.IntN(20))
	}
	if strings.HasSuffix(name, "Id") || strings.HasSuffix(name, "Ids") || name == "before" || name == "after" || name == "thread" {
		return w.anyOf(kindOf(name))
	}
	return nil
}

// anyOf returns a known value of a kind; the mutex is held.
func (w *fuzzWorker) anyOf(kind string) any {
	all := w.f.known[kind]
	if len(all) == 0 {
		return nil
	}
	return openapitest.Pick(&w.Generator, all)
}

// request makes a request of an operation up; nil when it would be of no use.
func (w *fuzzWorker) request(op *openapitest.Operation) *fuzzRequest {
	g := &w.Generator
	r := &fuzzRequest{op: op, seed: w.seed, step: w.step, header: http.Header{}, deliberate: !g.Chance(2)}
	if op.Method == http.MethodDelete && !g.Chance(4) {
		return nil // or nothing would be left
	}
	if slices.Contains([]string{"pauseQueue", "deleteChannel"}, op.ID) && !g.Chance(4) {
		return nil
	}
	w.pairs(op)
	w.address(r)
	if w.cutsOff(r) {
		return nil
	}
	w.token(r)
	w.content(r)
	// Of many clients: one would soon be refused for what it tried.
	r.header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", g.Rand.IntN(200), g.Rand.IntN(250), g.Rand.IntN(250)))
	if !r.deliberate && g.Chance(6) {
		w.spoil(r)
	}
	return r
}

// cutsOff reports whether a request would end what the test works with.
func (w *fuzzWorker) cutsOff(r *fuzzRequest) bool {
	if r.op.Method == http.MethodGet {
		return false
	}
	for id := range w.f.own {
		if strings.Contains(r.path, id) {
			return true
		}
	}
	return false
}

// pairs chooses things that belong together for a path that names two.
func (w *fuzzWorker) pairs(op *openapitest.Operation) {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	w.pair = [2]string{}
	of := ""
	switch {
	case strings.Contains(op.Path, "{callId}"):
		of = "incoming call"
	case strings.Contains(op.Path, "{message}"):
		of = "token message"
	case strings.HasSuffix(op.Path, "/{method}"):
		w.pair = openapitest.Pick(&w.Generator, [][2]string{{"slack", "chat.postMessage"}, {"gotify", "message"}, {"ntfy", "topic"}})
	}
	if of == "" || w.Chance(8) {
		return
	}
	if both, ok := w.anyOf(of).(string); ok {
		w.pair[0], w.pair[1], _ = strings.Cut(both, " ")
	}
}

// address fills in the path and the query.
func (w *fuzzWorker) address(r *fuzzRequest) {
	g, path, query := &w.Generator, r.op.Path, url.Values{}
	for _, p := range r.op.Parameters {
		var v any
		switch {
		case p.In == "path":
			v = w.part(r.op, p)
		case p.Required || g.Chance(4):
			v = g.Value(p.Schema, p.Name)
		}
		if v == nil {
			continue
		}
		if n := 5; !r.deliberate && (p.Name != "token" && g.Chance(n) || g.Chance(20*n)) {
			v = g.Near(v)
		}
		text := fmt.Sprint(v)
		if p.Name == "token" {
			r.token = text
		}
		switch p.In {
		case "path":
			if text == "" || text == "." || text == ".." {
				text = "x"
			}
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(text))
		case "query":
			query.Set(p.Name, text)
		case "header":
			r.header[http.CanonicalHeaderKey(p.Name)] = []string{headerText(text)}
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	r.path = path
}

// headerText makes of a text what a client may put into a header.
func headerText(s string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, s[:min(len(s), 2000)]))
}

// part is a value for a parameter of the path.
func (w *fuzzWorker) part(op *openapitest.Operation, p openapitest.Parameter) any {
	g := &w.Generator
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	if w.pair[0] != "" {
		switch p.Name {
		case "id", "dialect":
			return w.pair[0]
		case "callId", "message", "method":
			return w.pair[1]
		case "token":
			if strings.Contains(op.Path, "{message}") {
				return w.pair[0]
			}
		}
	}
	kind := kindOf(p.Name)
	if p.Name == "id" {
		kind = kindOf(strings.Split(strings.TrimPrefix(op.Path, "/api/"), "/")[0])
	}
	switch p.Name {
	case "token":
		kind = "token"
	case "emoji":
		return openapitest.Pick(g, []string{"🎉", "👍", "tada", "x"})
	case "dialect":
		return openapitest.Pick(g, []string{
			"nself-chat", "slack", "discord", "mattermost", "rocketchat", "teams", "gotify", "ntfy", "telegram", "github", "card",
		})
	case "method":
		return openapitest.Pick(g, []string{"chat.postMessage", "message", "topic"})
	case "version":
		return "v10"
	case "team", "app":
		return "T"
	}
	if g.Chance(20) { // of another kind
		for _, all := range w.f.known {
			if len(all) > 0 {
				return all[0]
			}
		}
	}
	if v := w.anyOf(kind); v != nil {
		return v
	}
	if p.Example != nil {
		return p.Example
	}
	return "x"
}

// token chooses who asks: mostly somebody who may.
func (w *fuzzWorker) token(r *fuzzRequest) {
	g := &w.Generator
	switch n := g.Rand.IntN(200); {
	case r.op.Public && n > 3:
		return
	case n == 0:
		return
	case n == 1:
		r.as = "wrong"
		r.header.Set("Authorization", openapitest.Pick(g, []string{"Bearer hub_wrong", "Basic eDp5", "Bearer", "bearer  x", "Bearer \xff"}))
		return
	case n < 20:
		r.as = "read"
	case n < 35:
		r.as = "restricted"
	case n < 60:
		r.as = "write"
	default:
		r.as = "admin"
	}
	r.header.Set("Authorization", "Bearer "+w.f.tokens[r.as])
}

// content makes a body.
func (w *fuzzWorker) content(r *fuzzRequest) {
	g := &w.Generator
	if _, form := r.op.Body["multipart/form-data"]; form && (len(r.op.Body) == 1 || g.Chance(10)) {
		w.form(r)
		return
	}
	c, ok := r.op.Body["application/json"]
	if !ok || !r.op.BodyRequired && g.Chance(4) {
		return
	}
	v := g.Body(c)
	if m, ok := v.(map[string]any); ok && !g.Chance(5) {
		delete(m, "hmacSecret") // most posts are to be taken
		if m["expiresAt"] != nil {
			delete(m, "expiresAt")
		}
	}
	if !r.deliberate {
		for range 1 + g.Rand.IntN(3) {
			v = g.Near(v)
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return
	}
	r.body = b
	r.header.Set("Content-Type", "application/json")
}

// form makes a form with a file.
func (w *fuzzWorker) form(r *fuzzRequest) {
	g := &w.Generator
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	field, file := "file", openapitest.Pick(g, []string{"a.txt", "../../x", "ä.png", "", strings.Repeat("n", 300), "a\x00b"})
	if !r.deliberate && g.Chance(4) {
		field = "other"
	}
	part, err := form.CreateFormFile(field, file)
	if err != nil {
		return
	}
	_, _ = part.Write([]byte(openapitest.Pick(g, []string{"text", "", "\x89PNG\r\n\x1a\n", "<html><script>", strings.Repeat("x", 100_000)})))
	_ = form.WriteField("text", "with a file")
	_ = form.Close()
	r.body = b.Bytes()
	r.header.Set("Content-Type", form.FormDataContentType())
}

// spoil breaks a request below what its schema is about.
func (w *fuzzWorker) spoil(r *fuzzRequest) {
	g := &w.Generator
	switch g.Rand.IntN(8) {
	case 0:
		r.body = r.body[:g.Rand.IntN(len(r.body)+1)]
	case 1:
		r.body = append(r.body, openapitest.Pick(g, []string{"x", "{}", "\xff\xfe", "\x00", "]"})...)
	case 2:
		r.body = bytes.ReplaceAll(r.body, []byte(`:"`), []byte(openapitest.Pick(g, []string{":\"\xff\xfe", `:"\ud800`, `:"\u0000`, ":\"\xed\xa0\x80"})))
	case 3:
		r.header.Set("Content-Type", openapitest.Pick(g, []string{
			"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x", "application/xml",
			"application/json; charset=utf-16", "application/merge-patch+json", ";;;", "application/json, text/html",
		}))
	case 4:
		r.body = bytes.Repeat([]byte("["), 1+g.Rand.IntN(100_000))
	case 5:
		r.header.Set(openapitest.Pick(g, []string{
			"Accept", "X-Request-Id", "Traceparent", "X-Forwarded-For", "Origin", "Range", "If-None-Match", "Cookie",
		}), openapitest.Pick(g, []string{
			"x", "*/*", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "https://evil.example", "bytes=5-1", "bytes=0-0", "*", "hub_session=x",
		}))
	case 6:
		r.path += openapitest.Pick(g, []string{"/", "?limit=1&limit=2", "?%zz", "?cursor=%00", "//", "/..", "?" + strings.Repeat("a", 9000)})
	case 7:
		r.body = []byte(openapitest.Pick(g, []string{"", "null", "[]", "0", `""`, "{", "{}", `{"a":1,"a":2}`, "\xef\xbb\xbf{}"}))
	}
}
