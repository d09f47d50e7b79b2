package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/auth"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/control"
	"github.com/nself-chat/hub/internal/delivery"
	"github.com/nself-chat/hub/internal/egress"
	"github.com/nself-chat/hub/internal/ingress"
	"github.com/nself-chat/hub/internal/openapitest"
	"github.com/nself-chat/hub/internal/secret"
	"github.com/nself-chat/hub/internal/server"
	"github.com/nself-chat/hub/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver stands for all endpoints: it answers by the host's first label and
// keeps what it got.
type receiver struct {
	mu  sync.Mutex
	got []string
	// changed is closed and replaced whenever something arrives.
	changed chan struct{}
}

// Send implements delivery.Sender.
func (r *receiver) Send(_ context.Context, to *url.URL, h http.Header, body []byte, _ time.Duration) hub.Response {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, h.Get("X-Webhook-Event")+" "+string(body))
	close(r.changed)
	r.changed = make(chan struct{})
	if strings.HasPrefix(to.Hostname(), "bad.") {
		return hub.Response{Status: http.StatusGone}
	}
	return hub.Response{Status: http.StatusOK, Body: []byte("thanks")}
}

// journal is a log that is read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// rig is a hub without a listener of its own and without a network.
type rig struct {
	t        testing.TB
	url      string
	front    http.Handler
	api      *API
	control  *control.Service
	store    *store.Store
	receiver *receiver
	bell     *control.Bell
	defaults chat.Defaults
	files    string // the folder
	owner    hub.Actor
	// tokens by name: owner, writer, reader, guest, restricted.
	tokens map[string]string
	users  map[string]hub.User
	made   int      // counts things
	log    *journal // of the server
	http   *http.Client
}

func newRig(t testing.TB, change ...func(*Options)) *rig {
	t.Helper()
	return newRigOn(t, store.Options{Path: filepath.Join(t.TempDir(), "hub.db"), Synchronous: "OFF"}, change...)
}

// newRigOn is newRig on a database of the caller's.
func newRigOn(t testing.TB, database store.Options, change ...func(*Options)) *rig {
	t.Helper()
	r := &rig{
		t: t, receiver: &receiver{changed: make(chan struct{})}, tokens: make(map[string]string), users: make(map[string]hub.User),
		bell: &control.Bell{}, log: &journal{}, http: &http.Client{Transport: &openapitest.Transport{Base: &http.Transport{}}},
	}
	dir := t.TempDir()
	r.files = filepath.Join(dir, "files")
	ids, log := &hub.IDs{}, slog.New(slog.DiscardHandler)
	database.Log, database.OnEvents = log, r.bell.Ring
	st, err := store.Open(t.Context(), database)
	must(t, err)
	t.Cleanup(func() { must(t, st.Close()) })
	must(t, st.EnsurePartitions(t.Context()))
	r.store = st
	keys, err := secret.LoadOrCreate(filepath.Join(dir, "keys"))
	must(t, err)
	engine := &delivery.Engine{Store: st, Sender: r.receiver, Keys: keys, Node: ids.New(), Now: time.Now, Log: log}
	must(t, engine.Start(t.Context()))
	r.runs(engine.Run)
	talk := &chat.Service{Store: st, Router: engine, Blobs: &chat.Blobs{Dir: r.files}, IDs: ids, Now: time.Now, Log: log}
	r.defaults, err = talk.EnsureDefaults(t.Context())
	must(t, err)
	r.runs(talk.Run)
	in := ingress.New(ingress.Options{
		Store: st, Chat: talk, IDs: ids, Now: time.Now, Log: log,
		OpenSecret: func(w *hub.IncomingWebhook) (secret.String, error) {
			return keys.Open(w.SealedHMAC, control.HMACSecretAAD(w.ID))
		},
	})
	who := auth.New(auth.Options{Store: st, IDs: ids, Log: log})
	out := egress.New(egress.Options{})
	t.Cleanup(out.Close)
	r.control = &control.Service{
		Chat: talk, Store: st, Router: engine, Engine: engine, Egress: out, Ingress: in, Access: who, Keys: keys,
		IDs: ids, Now: time.Now, Log: log, BaseURL: "https://hub.example", Defaults: hub.DefaultPolicy(), Bell: r.bell,
	}
	front, err := server.New(server.Options{Log: slog.New(slog.NewTextHandler(r.log, nil))})
	must(t, err)
	r.front = front
	in.Mount(front.Mux())
	stop := make(chan struct{})
	o := Options{
		Control: r.control, Auth: who, Log: log, Version: "1.2.3", Wake: r.bell.Wait, Stopping: stop, MaxFile: 1 << 20,
	}
	for _, c := range change {
		c(&o)
	}
	r.api = Mount(front.Mux(), o)
	listener := httptest.NewServer(front)
	t.Cleanup(func() {
		close(stop)
		r.http.CloseIdleConnections()
		listener.Close()
	})
	r.url = listener.URL
	r.keepsToDescription()
	r.people()
	return r
}

// runs runs a loop until the test is over.
func (r *rig) runs(loop func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
	done := make(chan error, 1)
	go func() { done <- loop(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		must(r.t, <-done)
	})
}

// people makes the users and tokens that the tests act as.
func (r *rig) people() {
	r.owner = hub.Actor{UserID: r.defaults.Owner, Username: "owner", Role: hub.RoleOwner, Scope: hub.ScopeAdmin}
	r.token("owner", control.TokenRequest{Scope: hub.ScopeAdmin})
	for name, role := range map[string]hub.Role{"admin": hub.RoleAdmin, "writer": hub.RoleMember, "reader": hub.RoleMember, "guest": hub.RoleGuest} {
		u, err := r.control.CreateUser(r.t.Context(), r.owner, control.NewUser{Username: name, Role: role})
		must(r.t, err)
		r.users[name] = u
	}
	r.token("admin", control.TokenRequest{UserID: r.users["admin"].ID, Scope: hub.ScopeAdmin})
	r.token("writer", control.TokenRequest{UserID: r.users["writer"].ID, Scope: hub.ScopeWrite})
	r.token("reader", control.TokenRequest{UserID: r.users["reader"].ID, Scope: hub.ScopeRead})
	r.token("guest", control.TokenRequest{UserID: r.users["guest"].ID, Scope: hub.ScopeRead})
	r.token("restricted", control.TokenRequest{Scope: hub.ScopeAdmin, ChannelIDs: []hub.ChannelID{r.defaults.General}})
}

func (r *rig) token(name string, q control.TokenRequest) {
	q.Name = name
	_, token, err := r.control.CreateToken(r.t.Context(), r.owner, q)
	must(r.t, err)
	r.tokens[name] = token.Reveal()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reply is an answer that was read.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// call makes a request as the named caller ("": nobody). A body that is not
// text is sent as JSON; headers are "Name: value".
func (r *rig) call(as, method, path string, body any, headers ...string) *reply {
	r.t.Helper()
	var content io.Reader = http.NoBody
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		must(r.t, err)
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, content)
	must(r.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if as != "" {
		req.Header.Set("Authorization", "Bearer "+r.tokens[as])
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := r.http.Do(req)
	must(r.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(r.t, err)
	return &reply{t: r.t, status: res.StatusCode, header: res.Header, body: b}
}

// want requires a status and decodes the answer into out, unless it is nil.
// What out held before is gone.
func (p *reply) want(status int, out any) *reply {
	p.t.Helper()
	if out != nil {
		reflect.ValueOf(out).Elem().SetZero()
	}
	if p.status != status {
		p.t.Fatalf("status %d, want %d: %s", p.status, status, p.body)
	}
	if out != nil {
		if err := json.Unmarshal(p.body, out); err != nil {
			p.t.Fatalf("%v: %s", err, p.body)
		}
	}
	return p
}

// refused requires a problem with the status and code, that names the fields.
func (p *reply) refused(status int, code hub.Code, fields ...string) *reply {
	p.t.Helper()
	var problem server.Problem
	p.want(status, &problem)
	if got := p.header.Get("Content-Type"); got != "application/problem+json" {
		p.t.Fatalf("content type %q: %s", got, p.body)
	}
	if problem.Code != code || problem.Status != status || problem.Title == "" || problem.Detail == "" || problem.Errors == nil {
		p.t.Fatalf("want code %s: %s", code, p.body)
	}
	named := make(map[string]bool)
	for _, e := range problem.Errors {
		named[e.Field] = e.Detail != ""
	}
	for _, f := range fields {
		if !named[f] {
			p.t.Fatalf("field %s is not named: %s", f, p.body)
		}
	}
	return p
}

// listing is a page of anything.
type listing struct {
	Items      []map[string]any `json:"items"`
	NextCursor string           `json:"nextCursor"`
}

// everything reads a list to its end in pages of limit and returns the ids in order.
func (r *rig) everything(as, path string, limit string) (ids []string) {
	r.t.Helper()
	joint := "?"
	if strings.Contains(path, "?") {
		joint = "&"
	}
	cursor := ""
	for range 100 {
		var l listing
		r.call(as, http.MethodGet, path+joint+"limit="+limit+"&cursor="+url.QueryEscape(cursor), nil).want(http.StatusOK, &l)
		for _, item := range l.Items {
			id, _ := item["id"].(string)
			ids = append(ids, id)
		}
		if l.NextCursor == "" {
			return ids
		}
		cursor = l.NextCursor
	}
	r.t.Fatalf("%s does not end", path)
	return nil
}

// delivered waits until the receiver got what want accepts.
func (r *rig) delivered(want func(string) bool) string {
	r.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		r.receiver.mu.Lock()
		got, changed := append([]string(nil), r.receiver.got...), r.receiver.changed
		r.receiver.mu.Unlock()
		for _, g := range got {
			if want(g) {
				return g
			}
		}
		select {
		case <-changed:
		case <-deadline:
			r.t.Fatalf("not delivered; got %q", got)
		}
	}
}
