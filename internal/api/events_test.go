package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// publish sends an event as the owner and returns how many webhooks it matched.
func (r *rig) publish(name string, data any) int {
	r.t.Helper()
	var out control.Published
	r.call("owner", http.MethodPost, "/api/events", map[string]any{"event": name, "data": data}).want(http.StatusAccepted, &out)
	return out.Deliveries
}

func (r *rig) publishAs(as string, body any, headers ...string) hub.EventID {
	r.t.Helper()
	var out control.Published
	r.call(as, http.MethodPost, "/api/events", body, headers...).want(http.StatusAccepted, &out)
	return out.EventID
}

func TestPublishByteForByte(t *testing.T) {
	r := newRig(t)
	r.makeOutgoing(nil)
	for _, data := range []string{
		`{"b":1,"a":[1.0,1e2,0.10],"c":"\u00e9\/é<&>"}`, `{ "spaced" : true,` + "\n\t" + `"deep":{"x":null} }`, `null`, `"text"`, `-0`,
		`12345678901234567890.123456789`, `[]`,
	} {
		r.call("writer", http.MethodPost, "/api/events", `{"event":"raw.data","data":`+data+`}`).want(http.StatusAccepted, nil)
		r.delivered(func(s string) bool { return strings.Contains(s, `"data":`+data+`,`) })
	}
}

// Names that others chose are kept, also those that look like a form of the
// hub's own, and are found by the patterns of both forms.
func TestPublishKeepsTheName(t *testing.T) {
	r := newRig(t)
	r.makeOutgoing(map[string]any{"events": []string{"member.*", "reaction.*"}})
	for name, want := range map[string]string{
		"member.paid": "member.paid", "reaction.nuclear": "reaction.nuclear", "member.joined": "user.joined",
		"reaction.removed": "message.reaction.removed", "membership.ended": "membership.ended",
	} {
		id := r.publishAs("writer", map[string]any{"event": name, "data": 1})
		var e Event
		r.call("owner", http.MethodGet, "/api/events/"+string(id), nil).want(http.StatusOK, &e)
		if e.Event != want {
			t.Errorf("%s was published as %s", name, e.Event)
		}
		if name == "membership.ended" {
			continue
		}
		r.delivered(func(s string) bool { return strings.Contains(s, `"event":"`+want+`"`) })
		for _, pattern := range []string{name, want, hub.AliasPattern(want)} {
			if got := r.everything("owner", "/api/events?event="+pattern, "3"); !slices.Equal(got, []string{string(id)}) {
				t.Errorf("%s finds the events %v, want %s", pattern, got, id)
			}
		}
		if got := r.everything("owner", "/api/deliveries?event="+name, "3"); len(got) != 1 {
			t.Errorf("%s finds the deliveries %v", name, got)
		}
	}
}

func TestPublish(t *testing.T) {
	r := newRig(t)
	id := r.publishAs("writer", map[string]any{
		"event": "reaction.added", "data": map[string]any{"x": 1}, "triggeredBy": map[string]any{"userId": "789", "username": "user"},
	})
	var e Event
	r.call("owner", http.MethodGet, "/api/events/"+string(id), nil).want(http.StatusOK, &e)
	if e.Event != hub.EventReactionAdded || e.TriggeredBy.UserID != "789" || e.Origin.Kind != hub.OriginHub || e.TraceID == "" {
		t.Errorf("%+v", e)
	}
	id = r.publishAs("writer", map[string]any{"event": "a.b", "data": 1}, "X-Hub-Hop: 5")
	r.call("owner", http.MethodGet, "/api/events/"+string(id), nil).want(http.StatusOK, &e)
	if e.TriggeredBy.Username != "writer" || e.Origin.Hop != 5 {
		t.Errorf("%+v", e)
	}

	in := map[string]any{"event": "a.b", "data": 1}
	r.call("writer", http.MethodPost, "/api/events", in, "X-Hub-Hop: 6").refused(http.StatusLoopDetected, hub.LoopDetected)
	r.call("writer", http.MethodPost, "/api/events", in, "X-Hub-Hop: many").refused(http.StatusBadRequest, hub.Invalid, "X-Hub-Hop")
	r.call("reader", http.MethodPost, "/api/events", in).refused(http.StatusForbidden, hub.Forbidden)
	r.call("restricted", http.MethodPost, "/api/events", in).refused(http.StatusForbidden, hub.Forbidden)
	for field, body := range map[string]string{
		"event":              `{"event": "no spaces", "data": 1}`,
		"data":               `{"event": "a.b"}`,
		"triggeredBy":        `{"event": "a.b", "data": 1, "triggeredBy": {"userId": "` + strings.Repeat("x", 200) + `", "username": "x"}}`,
		"idempotencyKey":     `{"event": "a.b", "data": 1, "idempotencyKey": "` + strings.Repeat("x", 300) + `"}`,
		"triggeredBy.userId": `{"event": "a.b", "data": 1, "triggeredBy": {"userId": 7}}`,
		"payload":            `{"event": "a.b", "data": 1, "payload": 2}`,
	} {
		r.call("writer", http.MethodPost, "/api/events", body).refused(http.StatusBadRequest, hub.Invalid, field)
	}
}

func TestPublishOnce(t *testing.T) {
	r := newRig(t)
	r.makeOutgoing(nil)
	in := `{"event": "a.b", "data": 1}`
	first := r.publishAs("writer", in, "Idempotency-Key: k1")
	again := r.call("writer", http.MethodPost, "/api/events", in, "Idempotency-Key: k1")
	var out control.Published
	again.want(http.StatusAccepted, &out)
	if out.EventID != first || out.Deliveries != 1 || again.header.Get(repeatedHeader) != "true" {
		t.Errorf("%+v, first %s", out, first)
	}
	r.call("writer", http.MethodPost, "/api/events", `{"event": "a.b", "data": 2}`, "Idempotency-Key: k1").refused(http.StatusConflict, hub.Conflict)
	// Keys are each caller's own, and may stand in the body.
	if other := r.publishAs("owner", in, "Idempotency-Key: k1"); other == first {
		t.Error("another caller's key was taken")
	}
	inBody := `{"event": "a.b", "data": 1, "idempotencyKey": "k2"}`
	if a, b := r.publishAs("writer", inBody), r.publishAs("writer", inBody); a != b {
		t.Errorf("%s, then %s", a, b)
	}
	r.call("writer", http.MethodPost, "/api/events", inBody, "Idempotency-Key: k3").refused(http.StatusBadRequest, hub.Invalid, "idempotencyKey")
	if got := r.everything("owner", "/api/events?event=a.b", "2"); len(got) != 3 {
		t.Errorf("%d events", len(got))
	}
}

func TestListEvents(t *testing.T) {
	r := newRig(t)
	var want []string
	for i := range 9 {
		want = append(want, string(r.publishAs("owner", map[string]any{"event": "list.me", "data": i})))
	}
	slices.Reverse(want)
	for _, limit := range []string{"1", "3", "9", "100"} {
		if diff := cmp.Diff(want, r.everything("owner", "/api/events?event=list.*", limit)); diff != "" {
			t.Errorf("limit %s: %s", limit, diff)
		}
	}
	r.call("owner", http.MethodGet, "/api/events?cursor="+encodeCursor("event", "0"), nil).refused(http.StatusBadRequest, hub.Invalid, "cursor")
	r.call("owner", http.MethodGet, "/api/events?event=%5B", nil).refused(http.StatusBadRequest, hub.Invalid, "event")
}

// TestEventsOfPrivateChannels: they are for those who see the channel.
func TestEventsOfPrivateChannels(t *testing.T) {
	r := newRig(t)
	secret := r.makeChannel("secret", "private")
	posted := r.post("owner", secret, "hidden")
	path := "/api/events?event=message.created"
	for as, sees := range map[string]bool{"owner": true, "admin": true, "writer": false, "guest": false, "restricted": false} {
		var l listing
		body := string(r.call(as, http.MethodGet, path, nil).want(http.StatusOK, &l).body)
		if got := strings.Contains(body, string(posted.ID)); got != sees {
			t.Errorf("%s sees %v, want %v", as, got, sees)
		}
		if !sees {
			continue
		}
		r.call("writer", http.MethodGet, "/api/events/"+l.Items[0]["id"].(string), nil).refused(http.StatusNotFound, hub.NotFound)
	}
	// Membership opens it; custom events are not for guests.
	r.call("owner", http.MethodPut, "/api/channels/"+string(secret)+"/members/"+string(r.users["writer"].ID), map[string]any{}).want(http.StatusOK, nil)
	if body := string(r.call("writer", http.MethodGet, path, nil).body); !strings.Contains(body, string(posted.ID)) {
		t.Error("a member does not see it")
	}
	r.publish("custom.event", 1)
	for as, want := range map[string]int{"reader": 1, "guest": 0, "restricted": 0} {
		if got := len(r.everything(as, "/api/events?event=custom.*", "5")); got != want {
			t.Errorf("%s sees %d custom events", as, got)
		}
	}
}

// BenchmarkPublish measures the route without net/http and without the store:
// reading, decoding and answering.
func BenchmarkPublish(b *testing.B) {
	body := []byte(`{"event":"bench.event","data":{"benchSeq":1,"message":{"id":"019a9f3e-7c1d-7b52-9c3e-2f1d5a7b9c01",` +
		`"channelId":"019a9f3e-7c1d-7b52-9c3e-2f1d5a7b9c02","content":"The nightly build is green again, thanks all.","type":"text",` +
		`"createdAt":"2026-02-01T12:00:00Z"},"channel":{"id":"019a9f3e-7c1d-7b52-9c3e-2f1d5a7b9c02","name":"general"}}}`)
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decodeEvent(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("route", func(b *testing.B) {
		b.ReportAllocs()
		a := benchAPI(b)
		h, _ := a.mux.Handler(publishRequest(b, body))
		for b.Loop() {
			w := discard{header: make(http.Header)}
			h.ServeHTTP(&w, publishRequest(b, body))
			if w.status != http.StatusAccepted {
				b.Fatal(w.status)
			}
		}
	})
}

type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

func publishRequest(tb testing.TB, body []byte) *http.Request {
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, "/api/events", bytes.NewReader(body))
	must(tb, err)
	req.Header["Content-Type"] = jsonType
	return req
}

// FuzzDecodeEvent: whatever comes in, a decoded event is JSON of bearable
// depth whose data is part of the body as it was sent.
func FuzzDecodeEvent(f *testing.F) {
	for _, s := range []string{
		`{"event":"a.b","data":{"x":[1,2,{"y":null}]}}`, `{"event":"a","data":null,"idempotencyKey":"k","triggeredBy":{"userId":"u","username":"n"}}`,
		`{"event":"a","data":"\ud800"}`, "{\"data\":\"\xff\"}", `{"data":[[[[]]]]}`, `{"Event":"x","DATA":1}`, `{} x`, ``, `null`, `{"data":1,"data":2}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := decodeEvent(body)
		if err != nil {
			if code := hub.CodeOf(err); code != hub.Invalid {
				t.Fatalf("code %s: %v", code, err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatal("a body that is not JSON was taken")
		}
		if len(e.Data) > 0 && (!json.Valid(e.Data) || !bytes.Contains(body, e.Data)) {
			t.Fatalf("data %s", e.Data)
		}
		if depth(e.Data) > maxDepth {
			t.Fatal("too deep")
		}
	})
}

// depth counts the nesting of valid JSON with encoding/json's own tokens.
func depth(b []byte) (most int) {
	d := json.NewDecoder(bytes.NewReader(b))
	for n := 0; ; {
		token, err := d.Token()
		if err != nil {
			return most
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			n++
			most = max(most, n)
		case json.Delim('}'), json.Delim(']'):
			n--
		}
	}
}

// FuzzCursor: a cursor that is taken means what it says, and no text breaks the decoding.
func FuzzCursor(f *testing.F) {
	f.Add("event", "12")
	f.Add("delivery", "0190b3c8-7c4e-7a12-8000-00000000abcd")
	f.Add("", "")
	f.Add("channel", "naïve")
	f.Fuzz(func(t *testing.T, kind, text string) {
		if key, err := decodeCursor("event", text); err == nil && key != "" {
			if back, err := decodeCursor("event", encodeCursor("event", key)); err != nil || back != key {
				t.Fatalf("%q became %q: %v", key, back, err)
			}
		} else if err != nil && hub.CodeOf(err) != hub.Invalid {
			t.Fatal(err)
		}
		if id, err := idCursor[string](kind, text); err == nil && id != "" && !hub.ValidID(id) {
			t.Fatalf("%q is no id", id)
		}
		if _, err := decodeCursor("other", encodeCursor("event", strconv.Quote(text))); err == nil {
			t.Fatal("another list's cursor was taken")
		}
	})
}
