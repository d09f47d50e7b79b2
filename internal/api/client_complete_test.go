package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub/client"
)

// made is an operation as a method of the Go client makes it.
type made struct {
	operation, method string
	call              func(*exchange) (any, error)
}

// operations is how the Go client makes each operation of /openapi.json. A new
// operation gets a method, and a row here.
var operations = []made{
	{"listChannels", "Channels", func(x *exchange) (any, error) { return listed(x, x.c.Channels(x.ctx(), x.paging()...)) }},
	{"createChannel", "CreateChannel", func(x *exchange) (any, error) { return x.c.CreateChannel(x.ctx(), body[client.NewChannel](x), x.key()) }},
	{"getChannel", "Channel", func(x *exchange) (any, error) { return x.c.Channel(x.ctx(), x.path("id")) }},
	{"updateChannel", "UpdateChannel", func(x *exchange) (any, error) {
		return x.c.UpdateChannel(x.ctx(), x.path("id"), body[client.ChannelChange](x), x.etag())
	}},
	{"deleteChannel", "DeleteChannel", func(x *exchange) (any, error) { return nil, x.c.DeleteChannel(x.ctx(), x.path("id"), x.etag()) }},
	{"listMembers", "Members", func(x *exchange) (any, error) { return listed(x, x.c.Members(x.ctx(), x.path("id"), x.paging()...)) }},
	{"getMember", "Member", func(x *exchange) (any, error) { return x.c.Member(x.ctx(), x.path("id"), x.path("userId")) }},
	{"setMember", "SetMember", func(x *exchange) (any, error) {
		return x.c.SetMember(x.ctx(), x.path("id"), x.path("userId"), body[struct{ Role string }](x).Role, x.etag())
	}},
	{"removeMember", "RemoveMember", func(x *exchange) (any, error) {
		return nil, x.c.RemoveMember(x.ctx(), x.path("id"), x.path("userId"), x.etag())
	}},

	{"listMessages", "Messages", func(x *exchange) (any, error) {
		q := client.MessageQuery{Before: x.query("before"), After: x.query("after"), Thread: x.query("thread"), Pinned: x.query("pinned") == "true"}
		return listed(x, x.c.Messages(x.ctx(), x.path("id"), q, x.paging()...))
	}},
	{"postMessage", "PostMessage", func(x *exchange) (any, error) {
		m := body[client.NewMessage](x)
		m.Key = x.header("Idempotency-Key")
		return x.c.PostMessage(x.ctx(), x.path("id"), m)
	}},
	{"getMessage", "Message", func(x *exchange) (any, error) { return x.c.Message(x.ctx(), x.path("id")) }},
	{"editMessage", "EditMessage", func(x *exchange) (any, error) {
		return x.c.EditMessage(x.ctx(), x.path("id"), body[client.MessageChange](x), x.etag())
	}},
	{"deleteMessage", "DeleteMessage", func(x *exchange) (any, error) { return nil, x.c.DeleteMessage(x.ctx(), x.path("id"), x.etag()) }},
	{"getThread", "Thread", func(x *exchange) (any, error) { return x.c.Thread(x.ctx(), x.path("id"), x.paging()...) }},
	{"getThread", "Replies", func(x *exchange) (any, error) {
		replies, err := client.Collect(x.c.Replies(x.ctx(), x.path("id"), x.paging()...))
		return client.Thread{Root: replies[0], Replies: replies, NextCursor: x.place}, err
	}},
	{"listRevisions", "Revisions", func(x *exchange) (any, error) { return listed(x, x.c.Revisions(x.ctx(), x.path("id"), x.paging()...)) }},
	{"pinMessage", "PinMessage", func(x *exchange) (any, error) { return nil, x.c.PinMessage(x.ctx(), x.path("id")) }},
	{"unpinMessage", "UnpinMessage", func(x *exchange) (any, error) { return nil, x.c.UnpinMessage(x.ctx(), x.path("id")) }},
	{"addReaction", "React", func(x *exchange) (any, error) { return nil, x.c.React(x.ctx(), x.path("id"), x.path("emoji")) }},
	{"removeReaction", "Unreact", func(x *exchange) (any, error) { return nil, x.c.Unreact(x.ctx(), x.path("id"), x.path("emoji")) }},
	{"search", "Search", func(x *exchange) (any, error) { return listed(x, x.c.Search(x.ctx(), x.query("q"), x.paging()...)) }},

	{"listUsers", "Users", func(x *exchange) (any, error) { return listed(x, x.c.Users(x.ctx(), x.paging()...)) }},
	{"createUser", "CreateUser", func(x *exchange) (any, error) { return x.c.CreateUser(x.ctx(), body[client.NewUser](x), x.key()) }},
	{"getUser", "User", func(x *exchange) (any, error) { return x.c.User(x.ctx(), x.path("id")) }},
	{"updateUser", "UpdateUser", func(x *exchange) (any, error) {
		return x.c.UpdateUser(x.ctx(), x.path("id"), body[client.UserChange](x), x.etag())
	}},

	{"uploadFile", "Upload", func(x *exchange) (any, error) {
		return x.c.Upload(x.ctx(), "a.txt", strings.NewReader("text"), x.key())
	}},
	{"downloadFile", "Download", func(x *exchange) (any, error) {
		f, err := x.c.Download(x.ctx(), x.path("id"))
		if err != nil {
			return nil, err
		}
		_, err = io.Copy(io.Discard, f)
		return nil, errors.Join(err, f.Close())
	}},
	{"deleteFile", "DeleteFile", func(x *exchange) (any, error) { return nil, x.c.DeleteFile(x.ctx(), x.path("id")) }},

	{"listIncomingWebhooks", "IncomingWebhooks", func(x *exchange) (any, error) { return listed(x, x.c.IncomingWebhooks(x.ctx(), x.paging()...)) }},
	{"createIncomingWebhook", "CreateIncomingWebhook", func(x *exchange) (any, error) {
		return x.c.CreateIncomingWebhook(x.ctx(), body[client.IncomingWebhookFields](x), x.key())
	}},
	{"getIncomingWebhook", "IncomingWebhook", func(x *exchange) (any, error) { return x.c.IncomingWebhook(x.ctx(), x.path("id")) }},
	{"updateIncomingWebhook", "UpdateIncomingWebhook", func(x *exchange) (any, error) {
		return x.c.UpdateIncomingWebhook(x.ctx(), x.path("id"), body[client.IncomingWebhookFields](x), x.etag())
	}},
	{"deleteIncomingWebhook", "DeleteIncomingWebhook", func(x *exchange) (any, error) {
		return nil, x.c.DeleteIncomingWebhook(x.ctx(), x.path("id"), x.etag())
	}},
	{"rotateIncomingToken", "RotateIncomingWebhook", func(x *exchange) (any, error) {
		return x.c.RotateIncomingWebhook(x.ctx(), x.path("id"), overlapIn(x), x.key())
	}},
	{"listDialects", "Dialects", func(x *exchange) (any, error) { return listed(x, x.c.Dialects(x.ctx())) }},
	{"listCalls", "Calls", func(x *exchange) (any, error) { return listed(x, x.c.Calls(x.ctx(), x.path("id"), x.paging()...)) }},
	{"getCall", "Call", func(x *exchange) (any, error) { return x.c.Call(x.ctx(), x.path("id"), x.path("callId")) }},
	{"previewCall", "PreviewCall", func(x *exchange) (any, error) {
		return x.c.PreviewCall(x.ctx(), x.path("id"), x.path("callId"), body[client.ReadingFields](x), x.key())
	}},
	{"replayCall", "ReplayCall", func(x *exchange) (any, error) {
		return x.c.ReplayCall(x.ctx(), x.path("id"), x.path("callId"), x.key())
	}},
	{"listInbox", "Inbox", func(x *exchange) (any, error) { return listed(x, x.c.Inbox(x.ctx(), x.paging()...)) }},
	{"replayInboxCall", "ReplayInbox", func(x *exchange) (any, error) { return x.c.ReplayInbox(x.ctx(), x.path("id"), x.key()) }},
	{"getInboxCall", "InboxCall", func(x *exchange) (any, error) { return x.c.InboxCall(x.ctx(), x.path("id")) }},

	{"listOutgoingWebhooks", "OutgoingWebhooks", func(x *exchange) (any, error) { return listed(x, x.c.OutgoingWebhooks(x.ctx(), x.paging()...)) }},
	{"createOutgoingWebhook", "CreateOutgoingWebhook", func(x *exchange) (any, error) {
		return x.c.CreateOutgoingWebhook(x.ctx(), body[client.OutgoingWebhookFields](x), x.key())
	}},
	{"getOutgoingWebhook", "OutgoingWebhook", func(x *exchange) (any, error) { return x.c.OutgoingWebhook(x.ctx(), x.path("id")) }},
	{"updateOutgoingWebhook", "UpdateOutgoingWebhook", func(x *exchange) (any, error) {
		return x.c.UpdateOutgoingWebhook(x.ctx(), x.path("id"), body[client.OutgoingWebhookFields](x), x.etag())
	}},
	{"deleteOutgoingWebhook", "DeleteOutgoingWebhook", func(x *exchange) (any, error) {
		return nil, x.c.DeleteOutgoingWebhook(x.ctx(), x.path("id"), x.etag())
	}},
	{"rotateOutgoingSecret", "RotateSecret", func(x *exchange) (any, error) {
		return x.c.RotateSecret(x.ctx(), x.path("id"), overlapIn(x), x.key())
	}},
	{"pauseOutgoingWebhook", "PauseOutgoingWebhook", func(x *exchange) (any, error) {
		return x.c.PauseOutgoingWebhook(x.ctx(), x.path("id"), x.key())
	}},
	{"resumeOutgoingWebhook", "ResumeOutgoingWebhook", func(x *exchange) (any, error) {
		return x.c.ResumeOutgoingWebhook(x.ctx(), x.path("id"), body[struct{ Held string }](x).Held == "skip", x.key())
	}},
	{"testOutgoingWebhook", "TestOutgoingWebhook", func(x *exchange) (any, error) {
		return x.c.TestOutgoingWebhook(x.ctx(), x.path("id"), x.key())
	}},
	{"replayOutgoingWebhook", "ReplayOutgoingWebhook", func(x *exchange) (any, error) {
		r := body[client.Replay](x)
		n, err := x.c.ReplayOutgoingWebhook(x.ctx(), x.path("id"), r, x.key())
		return map[string]any{"deliveries": n, "dryRun": r.DryRun}, err // the caller knows the latter
	}},

	{"listDeliveries", "Deliveries", func(x *exchange) (any, error) {
		q := client.DeliveryQuery{WebhookID: x.query("webhookId"), Status: x.query("status"), Event: x.query("event"), Since: sampleTime, Until: sampleTime}
		return listed(x, x.c.Deliveries(x.ctx(), q, x.paging()...))
	}},
	{"getDelivery", "Delivery", func(x *exchange) (any, error) { return x.c.Delivery(x.ctx(), x.path("id")) }},
	{"retryDelivery", "RetryDelivery", func(x *exchange) (any, error) { return x.c.RetryDelivery(x.ctx(), x.path("id"), x.key()) }},
	{"cancelDelivery", "CancelDelivery", func(x *exchange) (any, error) { return x.c.CancelDelivery(x.ctx(), x.path("id"), x.key()) }},

	{"publishEvent", "Publish", func(x *exchange) (any, error) {
		p := body[client.Publication](x)
		p.Key, p.Hop = x.header("Idempotency-Key"), 7
		return x.c.Publish(x.ctx(), p)
	}},
	{"listEvents", "EventLog", func(x *exchange) (any, error) {
		return listed(x, x.c.EventLog(x.ctx(), x.query("event"), x.paging()...))
	}},
	{"getEvent", "Event", func(x *exchange) (any, error) { return x.c.Event(x.ctx(), x.path("id")) }},
	{"streamEvents", "Events", func(x *exchange) (any, error) {
		for e, err := range x.c.Events(x.ctx(), 7, client.WithPattern(x.query("event")), client.WithChannel(x.query("channelId"))) {
			if err == nil && e.Seq != 8 {
				err = errors.New("another event")
			}
			return nil, err
		}
		return nil, errors.New("no event")
	}},

	{"queueStats", "QueueStats", func(x *exchange) (any, error) { return x.c.QueueStats(x.ctx()) }},
	{"pauseQueue", "PauseQueue", func(x *exchange) (any, error) { return nil, x.c.PauseQueue(x.ctx(), x.key()) }},
	{"resumeQueue", "ResumeQueue", func(x *exchange) (any, error) { return nil, x.c.ResumeQueue(x.ctx(), x.key()) }},

	{"listTokens", "Tokens", func(x *exchange) (any, error) { return listed(x, x.c.Tokens(x.ctx(), x.paging()...)) }},
	{"createToken", "CreateToken", func(x *exchange) (any, error) { return x.c.CreateToken(x.ctx(), body[client.NewToken](x), x.key()) }},
	{"deleteToken", "DeleteToken", func(x *exchange) (any, error) { return nil, x.c.DeleteToken(x.ctx(), x.path("id")) }},
	{"listSessions", "Sessions", func(x *exchange) (any, error) {
		return listed(x, x.c.Sessions(x.ctx(), x.query("userId"), x.paging()...))
	}},
	{"deleteSession", "DeleteSession", func(x *exchange) (any, error) { return nil, x.c.DeleteSession(x.ctx(), x.path("id")) }},
	{"deleteSessions", "DeleteSessions", func(x *exchange) (any, error) {
		n, err := x.c.DeleteSessions(x.ctx(), x.query("userId"))
		return map[string]any{"ended": n}, err
	}},
	{"listAuditLog", "AuditLog", func(x *exchange) (any, error) {
		q := client.AuditQuery{ActorID: x.query("actorId"), Action: x.query("action"), Subject: x.query("subject"), Since: sampleTime, Until: sampleTime}
		return listed(x, x.c.AuditLog(x.ctx(), q, x.paging()...))
	}},
}

// sameAs names operations that are others under another address.
var sameAs = map[string]string{"adminQueueStats": "queueStats"}

// redundant are parameters and fields, by operation, that say what others do.
var redundant = map[string][]string{
	"publishEvent": {"idempotencyKey"}, // the header
	"streamEvents": {"after"},          // the header
	"listDialects": {"nextCursor"},     // there is one page
}

func overlapIn(x *exchange) time.Duration {
	return time.Duration(body[struct{ OverlapHours float64 }](x).OverlapHours * float64(time.Hour))
}

// TestClientIsComplete: each operation of /openapi.json is a method of the Go
// client, which sends each of its parameters and fields, and keeps each field
// of its answer; and the client knows nothing that the description does not.
func TestClientIsComplete(t *testing.T) {
	r := newRig(t)
	d := &description{}
	r.call("", http.MethodGet, "/openapi.json", nil).want(http.StatusOK, d)
	fields := make(typeFields)
	called, methods := make(map[string]bool), make(map[string]bool)
	for _, m := range operations {
		called[m.operation], methods[m.method] = true, true
		t.Run(m.operation+" "+m.method, func(t *testing.T) {
			x := newExchange(t, d, m.operation, fields)
			answer, err := m.call(x)
			must(t, err)
			x.check(answer)
		})
	}
	for id, o := range d.operations() {
		if !called[id] && !called[sameAs[id]] && !slices.Contains(o.Tags, "receive") {
			t.Errorf("no method of the client makes the operation %s: add one, and a row to operations", id)
		}
	}
	of := reflect.TypeFor[*client.Client]()
	for i := range of.NumMethod() {
		if name := of.Method(i).Name; !methods[name] {
			t.Errorf("the method %s makes no operation: add a row to operations", name)
		}
		delete(methods, of.Method(i).Name)
	}
	for name := range methods {
		t.Errorf("the client has no method %s", name)
	}
	fields.check(t)
}

// TestClientKnowsProblems: a refusal keeps every field of a problem.
func TestClientKnowsProblems(t *testing.T) {
	r := newRig(t)
	d := &description{}
	r.call("", http.MethodGet, "/openapi.json", nil).want(http.StatusOK, d)
	problem, _ := decodedOf(t, d.sample(&schema{Ref: "#/components/schemas/Problem"}, 0)).(map[string]any)
	x := newExchange(t, d, "getChannel", make(typeFields))
	x.status, x.answer = http.StatusTeapot, problem
	_, err := x.c.Channel(x.ctx(), x.path("id"))
	e, ok := errors.AsType[*client.Error](err)
	if !ok {
		t.Fatal(err)
	}
	kept := map[string]any{
		"type":   problem["type"], // a name of the code
		"status": problem["status"], "code": e.Code, "title": e.Title, "detail": e.Detail, "errors": e.Fields,
	}
	if lost := missing("", problem, decodedOf(t, kept)); lost != "" || e.Status != http.StatusTeapot {
		t.Errorf("the client does not keep %s: %+v", lost, e)
	}
}

// page of a list as it was read.
type readPage[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"nextCursor"`
}

func listed[T any](x *exchange, items iter.Seq2[T, error]) (any, error) {
	all, err := client.Collect(items)
	return readPage[T]{all, x.place}, err
}

// description is the part of /openapi.json that is looked at.
type description struct {
	Paths      map[string]map[string]clientOperation
	Components struct{ Schemas map[string]*schema }
}

type clientOperation struct {
	ID         string `json:"operationId"`
	Tags       []string
	Parameters []struct {
		Name, In string
		Schema   *schema
	}
	RequestBody struct {
		Content map[string]struct{ Schema *schema }
	}
	Responses map[string]struct {
		Content map[string]struct{ Schema *schema }
	}
	method, path string
}

func (d *description) operations() map[string]clientOperation {
	all := make(map[string]clientOperation)
	for path, methods := range d.Paths {
		for method, o := range methods {
			o.method, o.path = strings.ToUpper(method), path
			all[o.ID] = o
		}
	}
	return all
}

// schema is the part of JSON Schema that is looked at.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any    // a string, or several
	Format               string
	Enum                 []any
	Properties           map[string]*schema
	Items                *schema
	AdditionalProperties any
	AllOf, AnyOf, OneOf  []*schema
}

// resolve follows references and takes the first of alternatives.
func (d *description) resolve(s *schema) *schema {
	for s != nil {
		alternatives := slices.Concat(s.AllOf, s.AnyOf, s.OneOf)
		switch name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); {
		case ok:
			s = d.Components.Schemas[name]
		case len(alternatives) > 0 && len(s.Properties) == 0:
			s = alternatives[0]
		default:
			return s
		}
	}
	return &schema{}
}

func (s *schema) kind() string {
	switch of := s.Type.(type) {
	case string:
		return of
	case []any:
		for _, one := range of {
			if name, _ := one.(string); name != "" && name != "null" {
				return name
			}
		}
	}
	return ""
}

var sampleTime = time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)

// sample returns a value with everything that the schema has, none of it zero.
func (d *description) sample(s *schema, depth int) any {
	s = d.resolve(s)
	if values := slices.DeleteFunc(slices.Clone(s.Enum), func(v any) bool { return v == nil }); len(values) > 0 {
		return values[len(values)-1]
	}
	switch s.kind() {
	case "string":
		if s.Format == "date-time" {
			return sampleTime.Format(time.RFC3339)
		}
		return "a text"
	case "integer", "number":
		return 7
	case "boolean":
		return true
	case "array":
		if depth > 8 {
			return []any{}
		}
		return []any{d.sample(s.Items, depth+1)}
	}
	if depth > 8 || s.kind() == "" && len(s.Properties) == 0 {
		return map[string]any{"any": "JSON"}
	}
	all := make(map[string]any)
	for name, property := range s.Properties {
		all[name] = d.sample(property, depth+1)
	}
	if of, ok := s.AdditionalProperties.(map[string]any); ok {
		var values schema
		b, _ := json.Marshal(of)
		_ = json.Unmarshal(b, &values) // it was JSON before
		all["name"] = d.sample(&values, depth+1)
	}
	return all
}

// exchange is one call of the client with everything that it can say, and the
// answer to it.
type exchange struct {
	t         *testing.T
	c         *client.Client
	d         *description
	operation clientOperation
	fields    typeFields
	place     string // where a list was, and is to go on
	sent      any    // the body's sample
	status    int
	answer    any // the sample
	media     string
	seen      *http.Request
	seenBody  []byte
}

func newExchange(t *testing.T, d *description, id string, fields typeFields) *exchange {
	t.Helper()
	o, ok := d.operations()[id]
	if !ok {
		t.Fatalf("/openapi.json has no operation %s", id)
	}
	x := &exchange{t: t, d: d, operation: o, fields: fields, place: "a cursor", status: http.StatusNoContent}
	for _, status := range []string{"200", "201", "202"} {
		for media, content := range o.Responses[status].Content {
			x.media, x.status = media, http.StatusOK
			x.answer = decodedOf(t, d.sample(content.Schema, 0))
		}
	}
	if content, ok := o.RequestBody.Content["application/json"]; ok {
		x.sent = decodedOf(t, d.sample(content.Schema, 0))
	}
	for _, name := range redundant[id] {
		for _, value := range []any{x.sent, x.answer} {
			if object, ok := value.(map[string]any); ok {
				delete(object, name)
			}
		}
	}
	var err error
	x.c, err = client.New("http://hub.example", "hub_token", client.WithHTTPClient(&http.Client{Transport: x}), client.WithRetries(0))
	must(t, err)
	return x
}

// RoundTrip implements http.RoundTripper.
func (x *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	x.seen = r
	if r.Body != nil {
		var err error
		if x.seenBody, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	answer, err := json.Marshal(x.answer)
	if err != nil {
		return nil, err
	}
	if x.media == "text/event-stream" {
		answer = []byte("data: {\"seq\":8}\n\n")
	}
	return &http.Response{
		StatusCode: x.status, Header: http.Header{"Content-Type": {x.media}}, Body: io.NopCloser(strings.NewReader(string(answer))), Request: r,
	}, nil
}

func (x *exchange) check(answer any) {
	x.t.Helper()
	path, query, header := x.operation.path, url.Values{}, make(map[string]string)
	for _, p := range x.operation.Parameters {
		switch {
		case slices.Contains(redundant[x.operation.ID], p.Name), p.Name == "If-None-Match": // for caches
		case p.In == "path":
			path = strings.Replace(path, "{"+p.Name+"}", url.PathEscape(x.path(p.Name)), 1)
		case p.In == "query":
			query.Set(p.Name, x.query(p.Name))
		case p.In == "header":
			header[p.Name] = x.header(p.Name)
			if p.Name == "If-Match" {
				header[p.Name] = `"` + header[p.Name] + `"`
			}
		}
	}
	if x.seen.Method != x.operation.method || x.seen.URL.EscapedPath() != path {
		x.t.Errorf("it is %s %s, not %s %s", x.operation.method, path, x.seen.Method, x.seen.URL.EscapedPath())
	}
	if got := x.seen.URL.Query(); !reflect.DeepEqual(got, query) {
		x.t.Errorf("the parameters are %v, not %v", query, got)
	}
	for name, want := range header {
		if got := x.seen.Header.Get(name); got != want {
			x.t.Errorf("the header %s is %q, not %q", name, want, got)
		}
	}
	if x.sent != nil {
		var got any
		must(x.t, json.Unmarshal(x.seenBody, &got))
		if !reflect.DeepEqual(got, x.sent) {
			x.t.Errorf("the body is\n%v\nnot\n%v", x.sent, got)
		}
	}
	if x.media != "application/json" {
		return
	}
	if lost := missing("", x.answer, decodedOf(x.t, answer)); lost != "" {
		x.t.Errorf("the client does not keep %s", lost)
	}
	for _, response := range x.operation.Responses {
		if content, ok := response.Content["application/json"]; ok {
			x.fields.note(x.d, reflect.TypeOf(answer), content.Schema)
		}
	}
}

func (x *exchange) ctx() context.Context { return x.t.Context() }

func (x *exchange) parameter(in, name string) any {
	x.t.Helper()
	for _, p := range x.operation.Parameters {
		if p.In == in && p.Name == name {
			return x.d.sample(p.Schema, 0)
		}
	}
	x.t.Errorf("the operation %s has no parameter %s", x.operation.ID, name)
	return nil
}

func (x *exchange) path(name string) string { return text(x.parameter("path", name)) + "/" + name }

func (x *exchange) query(name string) string {
	switch name {
	case "limit":
		return "1" // so that one page is read
	case "cursor":
		return "a cursor"
	}
	return text(x.parameter("query", name))
}

func (x *exchange) header(name string) string { return text(x.parameter("header", name)) }

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func (x *exchange) paging() []client.ListOption {
	return []client.ListOption{client.WithLimit(1), client.WithCursor(&x.place)}
}

func (x *exchange) key() client.CallOption  { return client.IdempotencyKey(x.header("Idempotency-Key")) }
func (x *exchange) etag() client.CallOption { return client.IfMatch(x.header("If-Match")) }

// body is the sample of the request's body as the client has it.
func body[T any](x *exchange) (v T) {
	x.t.Helper()
	b, err := json.Marshal(x.sent)
	must(x.t, err)
	strict := json.NewDecoder(strings.NewReader(string(b)))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&v); err != nil {
		x.t.Errorf("%T has not all of the body: %v", v, err)
	}
	x.fields.note(x.d, reflect.TypeFor[T](), x.operation.RequestBody.Content["application/json"].Schema)
	return v
}

func decodedOf(t *testing.T, v any) (out any) {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	must(t, json.Unmarshal(b, &out))
	return out
}

// typeFields are the names that the description knows of the client's types.
type typeFields map[reflect.Type]map[string]bool

// note adds what the schema says of a type and of those in it.
func (f typeFields) note(d *description, of reflect.Type, s *schema) {
	s = d.resolve(s)
	if of == nil || s == nil {
		return
	}
	if strings.HasPrefix(of.Name(), "Field[") { // of a change
		of = of.Field(0).Type
	}
	switch of.Kind() {
	case reflect.Pointer:
		f.note(d, of.Elem(), s)
	case reflect.Slice:
		if s.Items != nil {
			f.note(d, of.Elem(), s.Items)
		}
	case reflect.Struct:
		if of.PkgPath() == "time" {
			return
		}
		if f[of] == nil {
			f[of] = make(map[string]bool)
		}
		for name, property := range s.Properties {
			f[of][name] = true
			if field, ok := fieldOf(of, name); ok {
				f.note(d, field.Type, property)
			}
		}
	}
}

func fieldOf(of reflect.Type, name string) (reflect.StructField, bool) {
	return of.FieldByNameFunc(func(field string) bool {
		f, _ := of.FieldByName(field)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return tag == name
	})
}

// check requires that the description knows every field of every type.
func (f typeFields) check(t *testing.T) {
	t.Helper()
	for of, known := range f {
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if name != "-" && name != "" && !known[name] {
				t.Errorf("%s.%s: /openapi.json has no field %s; it has %v", of, of.Field(i).Name, name, slices.Sorted(maps.Keys(known)))
			}
		}
	}
}
