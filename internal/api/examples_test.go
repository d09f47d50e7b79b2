package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/openapitest"
)

// TestExamples makes each request of the description, with the ids of things
// that are there, and compares its answer with the example of the answer. What
// ends things comes last, and each time there are new ones.
func TestExamples(t *testing.T) {
	r := newRig(t)
	operations := slices.Clone(r.described().Operations())
	slices.SortStableFunc(operations, func(a, b *openapitest.Operation) int {
		return cmp.Compare(strings.Count(a.Method, http.MethodDelete), strings.Count(b.Method, http.MethodDelete))
	})
	x := newExamples(r)
	for _, op := range operations {
		if op.Method == http.MethodDelete || op.Public {
			x = newExamples(r)
		}
		for name, body := range bodiesOf(op) {
			t.Run(op.ID+" "+name, func(t *testing.T) {
				x.r.t = t
				x.prepare(op.ID)
				x.try(op, name, body)
			})
			x.r.t = t
		}
	}
}

// bodiesOf returns the examples of a request by their names.
func bodiesOf(op *openapitest.Operation) map[string]any {
	c, ok := op.Body["application/json"]
	if !ok {
		return map[string]any{"": nil}
	}
	return c.Examples
}

// examples are the things of the examples, as they are in a rig.
type examples struct {
	r    *rig
	real map[string]string // by what the examples have
}

// newExamples makes one of everything.
func newExamples(r *rig) *examples {
	r.t.Helper()
	x := &examples{r: r, real: make(map[string]string)}
	x.real[string(exampleUserID)] = string(r.defaults.Owner)
	x.real[string(exampleMemberID)] = string(r.users["writer"].ID)
	x.made(exampleChannelID, http.MethodPost, "/api/channels", object{"name": fmt.Sprintf("for-examples-%d", time.Now().UnixNano())})
	x.made(exampleMessageID, http.MethodPost, "/api/channels/"+x.id(exampleChannelID)+"/messages", object{"content": "Build 16 is out"})
	x.made(exampleRootID, http.MethodPost, "/api/channels/"+x.id(exampleChannelID)+"/messages", object{"content": "Build 15 is out"})
	x.made(exampleFileID, "", "", nil)
	x.made(exampleIncomingID, http.MethodPost, "/api/incoming-webhooks", object{"name": "x", "targetChannelId": x.id(exampleChannelID)})
	x.made(exampleWebhookID, http.MethodPost, "/api/outgoing-webhooks", object{"name": "x", "url": "https://ok.example/", "events": []any{"order.*"}})
	x.made(exampleTokenID, http.MethodPost, "/api/tokens", object{"name": "x", "scope": "read"})
	x.posted()
	x.delivery(false)
	return x
}

func (x *examples) id(example any) string { return x.real[fmt.Sprint(example)] }

// made notes the id of what a request makes; without a method, of a file.
func (x *examples) made(example any, method, path string, body any) {
	x.r.t.Helper()
	var out struct{ ID, Token string }
	if method == "" {
		x.r.upload("owner", "build.log", "done").want(http.StatusCreated, &out)
	} else {
		x.r.call("owner", method, path, body).want(http.StatusCreated, &out)
	}
	x.real[fmt.Sprint(example)] = out.ID
	if path == "/api/incoming-webhooks" {
		x.real[exampleToken] = out.Token
	}
}

// posted makes a call of the incoming webhook.
func (x *examples) posted() {
	x.r.call("", http.MethodPost, "/api/webhooks/incoming/"+x.real[exampleToken], object{"host": "db-1", "state": "down", "job": "a"}).want(http.StatusOK, nil)
	var calls listing
	x.r.call("owner", http.MethodGet, "/api/incoming-webhooks/"+x.id(exampleIncomingID)+"/log", nil).want(http.StatusOK, &calls)
	x.real[string(exampleCallID)], _ = calls.Items[0]["id"].(string)
}

// delivery makes a delivery: one that is held, or one that was sent.
func (x *examples) delivery(held bool) {
	path := "/api/outgoing-webhooks/" + x.id(exampleWebhookID)
	if held {
		x.r.call("owner", http.MethodPost, path+"/pause", nil).want(http.StatusOK, nil)
	}
	var made Published
	x.r.call("owner", http.MethodPost, "/api/events", object{"event": "order.made", "data": 1}).want(http.StatusAccepted, &made)
	x.real[string(exampleEventID)] = string(made.EventID)
	if !held {
		x.r.delivered(func(got string) bool { return strings.HasPrefix(got, "order.made ") })
	}
	for {
		var all page[Delivery]
		x.r.call("owner", http.MethodGet, "/api/deliveries?webhookId="+x.id(exampleWebhookID), nil).want(http.StatusOK, &all)
		if d := all.Items[0]; held || d.Status == hub.DeliverySuccess {
			x.real[string(exampleDeliveryID)] = string(d.ID)
			return
		}
	}
}

// prepare does what an operation needs beyond one of everything.
func (x *examples) prepare(operation string) {
	switch operation {
	case "updateUser":
		x.real[string(exampleUserID)] = string(x.r.users["writer"].ID) // the only owner stays one
	case "cancelDelivery":
		x.delivery(true)
	case "removeMember", "getMember":
		x.r.call("owner", http.MethodPut, "/api/channels/"+x.id(exampleChannelID)+"/members/"+x.id(exampleMemberID), nil).want(http.StatusOK, nil)
	case "deleteSession":
		s := hub.Session{
			ID: hub.SessionID((&hub.IDs{}).New()), UserID: x.r.defaults.Owner, Hash: "of nothing", CreatedAt: time.Now(), LastSeenAt: time.Now(),
			ExpiresAt: time.Now().Add(time.Hour),
		}
		must(x.r.t, x.r.store.CreateSession(x.r.t.Context(), s))
		x.real[string(exampleSessionID)] = string(s.ID)
	case "receiveEdit", "receiveDelete", "receiveDiscordMessage", "receiveDiscordEdit", "receiveDiscordDelete", "receiveClientMessage",
		"receiveClientEdit", "receiveClientDelete":
		var made Posted
		x.r.call("", http.MethodPost, "/api/webhooks/incoming/"+x.real[exampleToken], object{"text": "x", "icon_url": "https://a.example/"}).want(http.StatusOK, &made)
		x.real[string(exampleMessageID)] = string(made.MessageID)
	}
}

// try makes the request of an example.
func (x *examples) try(op *openapitest.Operation, name string, body any) {
	r := x.r
	path := x.path(op, name)
	as := "owner"
	if op.Public {
		as = ""
	}
	var got *reply
	switch {
	case op.ID == "uploadFile":
		got = r.upload(as, "build.log", "done")
	case op.ID == "streamEvents":
		return // without an end; TestStream reads it
	case body == nil:
		got = r.call(as, op.Method, path, nil)
	default:
		text, err := json.Marshal(body)
		must(r.t, err)
		got = r.call(as, op.Method, path, x.replace(string(text)))
	}
	if got.status > 299 {
		r.t.Fatalf("%s %s: %d %s", op.Method, path, got.status, got.body)
	}
	answer, ok := op.Responses[got.status]
	if !ok || len(got.body) == 0 {
		return // whether it is declared, the transport has looked
	}
	var v any
	if got.header.Get("Content-Type") != "application/json" {
		return
	}
	must(r.t, json.Unmarshal(got.body, &v))
	if example, ok := exampleLike(answer.Content["application/json"].Examples, v); !ok {
		r.t.Errorf("no example has the shape of the answer %s; the last one lacks %s", got.body, example)
	}
}

// path fills in the parameters of an operation's path, and its query.
func (x *examples) path(op *openapitest.Operation, name string) string {
	path, query := op.Path, url.Values{}
	for _, p := range op.Parameters {
		value := fmt.Sprint(p.Example)
		switch {
		case p.In == "path" && p.Name == "dialect" && name != "":
			value = name
		case p.In == "path" && op.ID == "receiveMethod" && p.Name == "method" && name != "slack":
			value = "message"
		}
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(x.replace(value)))
		case p.In == "query" && (p.Required || p.Name == "token"):
			query.Set(p.Name, x.replace(value))
		}
	}
	if strings.Contains(op.ID, "receiveClient") || op.ID == "receiveDiscord" {
		query.Set("wait", "true")
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// replace puts what is there in the place of what the examples have.
func (x *examples) replace(text string) string {
	for example, real := range x.real {
		text = strings.ReplaceAll(text, example, real)
	}
	return text
}

// exampleLike finds an example of the shape of v: that has all fields of v,
// with the types they have. Else it says what the last one lacks.
func exampleLike(all map[string]any, v any) (string, bool) {
	lacks := "everything"
	for _, e := range all {
		if lacks = difference("", e, v); lacks == "" {
			return "", true
		}
	}
	return lacks, false
}

// difference returns the first field of got that the example has not, or has
// with another type; "" if there is none. null may stand for anything.
func difference(at string, example, got any) string {
	if got == nil || example == nil || strings.HasSuffix(at, ".data") {
		return ""
	}
	if _, ok := example.(json.Number); ok {
		if _, ok := got.(float64); ok {
			return ""
		}
		return at
	}
	if reflect.TypeOf(example) != reflect.TypeOf(got) {
		return fmt.Sprintf("%s (%T, not %T)", at, got, example)
	}
	switch got := got.(type) {
	case map[string]any:
		for key, v := range got {
			e, ok := example.(map[string]any)[key]
			if !ok && slices.Contains(free, at[strings.LastIndex(at, ".")+1:]) {
				continue
			}
			if !ok {
				return at + "." + key
			}
			if d := difference(at+"."+key, e, v); d != "" {
				return d
			}
		}
	case []any:
		examples, _ := example.([]any)
		for _, v := range got {
			if len(examples) == 0 {
				continue // as it may be
			}
			if d := difference(at+"[]", examples[0], v); d != "" {
				return d
			}
		}
	}
	return ""
}

// free are objects whose fields depend on what they tell of.
var free = []string{
	"after", "before", "deliveries", "headers", "requestHeaders", "responseHeaders", "fields", "limits", "message", "author", "result", "chat",
}
