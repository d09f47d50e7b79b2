package ingress

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/secret"
)

// guideBody is the body of the guide's curl, byte for byte.
const guideBody = `{
    "text": "Hello from external service!",
    "username": "External Bot",
    "icon_url": "https://example.com/icon.png"
  }`

func TestGuideCall(t *testing.T) {
	w := newWorld(t)
	rec := w.do("POST", token, guideBody, "Content-Type", "application/json", "X-Hub-Hop", "2")
	if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("answered %d %s: %s", rec.Code, rec.Header().Get("Content-Type"), rec.Body)
	}
	if len(w.chat.posts) != 1 {
		t.Fatalf("%d posts", len(w.chat.posts))
	}
	var messageID hub.MessageID
	for id := range w.chat.messages {
		messageID = id
	}
	want := fmt.Sprintf(`{"success":true,"message":"Message posted successfully","messageId":"%s","channelId":"channel",`+
		`"timestamp":"2026-02-01T12:00:00.000Z","duration":0}`, messageID)
	if rec.Body.String() != want {
		t.Errorf("answer %s\nwant   %s", rec.Body, want)
	}
	got := w.chat.posts[0]
	call := hub.Call{
		IncomingID: "hook", Verdict: "accepted", Dialect: "nself-chat", RemoteIP: "192.0.2.1", Status: 200,
		Body: []byte(guideBody), BodySize: int64(len(guideBody)), CreatedAt: noon, RecognisedBy: "text with icon_url",
		Headers: map[string]string{"Content-Type": "application/json"},
	}
	post := chat.Post{
		ChannelID: "channel",
		Author:    hub.Author{ID: "user", Kind: hub.UserWebhook, Username: "External Bot", AvatarURL: "https://example.com/icon.png"},
		Content:   "Hello from external service!",
		Origin:    hub.Origin{Kind: hub.OriginIncoming, ID: "hook", Hop: 2},
		Trace:     string(got.Call.ID), Call: &call,
	}
	if diff := cmp.Diff(post, got, cmpopts.IgnoreFields(hub.Call{}, "ID"), cmpopts.IgnoreFields(chat.Post{}, "Answered")); diff != "" {
		t.Errorf("post (-want +got):\n%s", diff)
	}
	if !hub.ValidID(string(got.Call.ID)) {
		t.Errorf("the call's id is %q", got.Call.ID)
	}
	if len(w.journal()) != 0 {
		t.Error("an accepted call is logged with its message and not again")
	}
}

func TestLookOfTheAuthor(t *testing.T) {
	for name, test := range map[string]struct {
		username, avatar string // of the webhook
		body             string
		want             hub.Author
	}{
		"its own":       {"", "", `{"text":"x"}`, hub.Author{DisplayName: "Builds"}},
		"the webhook's": {"CI", "https://a.example/ci", `{"text":"x"}`, hub.Author{Username: "CI", AvatarURL: "https://a.example/ci"}},
		"the call's":    {"CI", "https://a.example/ci", `{"text":"x","username":"me","icon_url":"https://a.example/me"}`, hub.Author{Username: "me", AvatarURL: "https://a.example/me"}},
		"half the call's": {
			"CI", "https://a.example/ci", `{"text":"x","username":" me\n too \u0000"}`,
			hub.Author{Username: "me  too", AvatarURL: "https://a.example/ci"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { h.Username, h.AvatarURL = test.username, test.avatar })
			w.do("POST", token, test.body)
			test.want.ID, test.want.Kind = "user", hub.UserWebhook
			if diff := cmp.Diff(test.want, w.chat.posts[0].Author); diff != "" {
				t.Errorf("author (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnswersInTheSendersDialect(t *testing.T) {
	for name, test := range map[string]struct {
		path, body string
		header     []string
		want       string // status, content type, beginning of the body
	}{
		"bare text":             {token, `{"text":"x"}`, nil, "200 text/plain ok$"},
		"trailing slash":        {token + "/", `{"text":"x"}`, nil, "200 text/plain ok$"},
		"only JSON accepted":    {token, `{"text":"x"}`, []string{"Accept", "application/json"}, `200 application/json {"success":true,`},
		"forced slack":          {token + "/slack", `{"content":"x","text":"y"}`, nil, "200 text/plain ok$"},
		"forced slack, refused": {token + "/slack", `{"content":"x"}`, nil, "400 text/plain no_text$"},
		"forced slack, broken":  {token + "/slack", `{`, nil, "400 text/plain invalid_payload$"},
		"forced slack, text":    {token + "/slack", `hello`, nil, "200 text/plain ok$"},
		"forced nself-chat":     {token + "/nself-chat", `{"text":"x"}`, nil, `200 application/json {"success":true,`},
		"payload, broken":       {token, `payload=nothing`, nil, "400 text/plain invalid_payload$"},
		"broken":                {token, `{"text":`, nil, `400 application/problem+json {"type":"about:blank","title":"Bad Request","status":400,"detail":"The body is not valid JSON`},
		"nothing known":         {token, `{"foo":null}`, nil, `400 application/problem+json {"type":"about:blank","title":"Bad Request","status":400,"detail":"There is nothing to post in the body: send JSON with \"text\"`},
		"any JSON":              {token, `{"foo":1}`, nil, `200 application/json {"success":true,`},
		"unknown token":         {"nobody", `{"text":"x"}`, nil, "404 text/plain no_service$"},
		"unknown token, ours":   {"nobody", `{"content":"x"}`, nil, `404 application/problem+json {"type":"about:blank","title":"Not Found","status":404,`},
		"unknown token, forced": {"nobody/slack", `{"content":"x"}`, nil, "404 text/plain no_service$"},
		"loop":                  {token, `{"text":"x"}`, []string{"X-Hub-Hop", "6"}, "508 text/plain loop_detected$"},
		"loop without end":      {token, `{"content":"x"}`, []string{"X-Hub-Hop", "99999999999999999999"}, `508 application/problem+json `},
		"last hop":              {token, `{"text":"x"}`, []string{"X-Hub-Hop", "5"}, "200 text/plain ok$"},
		"odd hop":               {token, `{"text":"x"}`, []string{"X-Hub-Hop", "many"}, "200 text/plain ok$"},
		"unknown dialect":       {token + "/telegraph", `{"text":"x"}`, nil, `404 application/problem+json `},
		"key with a space":      {token, `{"content":"x"}`, []string{"Idempotency-Key", "a b"}, `400 application/problem+json `},
		"key too long":          {token, `{"text":"x"}`, []string{"Idempotency-Key", strings.Repeat("k", 256)}, `400 text/plain invalid_payload$`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			rec := w.do("POST", test.path, test.body, test.header...)
			got := strconv.Itoa(rec.Code) + " " + rec.Header().Get("Content-Type") + " " + rec.Body.String() + "$"
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("answered %s\nwant     %s", got, test.want)
			}
			if rec.Code == http.StatusOK != (len(w.chat.posts) == 1) {
				t.Errorf("answered %d and posted %d", rec.Code, len(w.chat.posts))
			}
			if strings.Contains(rec.Body.String(), token) {
				t.Error("the answer holds the token")
			}
			if rec.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control: %q", rec.Header().Get("Cache-Control"))
			}
		})
	}
}

func TestUnknownDialectSaysWhichExist(t *testing.T) {
	w := newWorld(t)
	if body := w.do("POST", token+"/telegraph", "x").Body.String(); !strings.Contains(body, "/nself-chat, /") {
		t.Errorf("answer %s", body)
	}
}

// TestNotInForceIsUnknown: nothing tells a token that never was from one that
// is not in force, but the log does.
func TestNotInForceIsUnknown(t *testing.T) {
	unknown := newWorld(t)
	for name, test := range map[string]struct {
		change func(*hub.IncomingWebhook)
		reason string
	}{
		"disabled": {func(h *hub.IncomingWebhook) { h.Enabled = false }, "The webhook is disabled."},
		"expired":  {func(h *hub.IncomingWebhook) { h.ExpiresAt = noon }, "The webhook has expired."},
		"deleted":  {func(h *hub.IncomingWebhook) { h.DeletedAt = noon }, "The webhook is deleted."},
		"rotated": {func(h *hub.IncomingWebhook) {
			h.TokenHash, h.PreviousHash, h.PreviousUntil = "other", h.TokenHash, noon
		}, "The webhook has a newer token; the overlap of the rotation has ended."},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { test.change(h) })
			for _, body := range []string{`{"text":"x"}`, `{"content":"x"}`, ``, `{`} {
				got, want := w.do("POST", token, body), unknown.do("POST", "nobody", body)
				unknown.in.limits = newLimiter()
				w.in.limits = newLimiter()
				if got.Code != http.StatusNotFound {
					t.Errorf("%q answered %d", body, got.Code)
				}
				if diff := cmp.Diff(want.Result().Header, got.Result().Header); diff != "" || got.Body.String() != want.Body.String() {
					t.Errorf("%q answered %s, an unknown token %s; header %s", body, got.Body, want.Body, diff)
				}
			}
			if w.store.finds != 4 {
				t.Errorf("the store was asked %d times in 4 calls: time tells that the webhook exists", w.store.finds)
			}
			for _, c := range w.journal() {
				if c.IncomingID != "hook" || c.Verdict != "unknown_token" || c.Reason != test.reason || c.Body != nil {
					t.Errorf("logged %+v", c)
				}
			}
			if len(w.chat.posts) != 0 {
				t.Error("posted")
			}
		})
	}
}

// TestUnknownDialect: a call whose address asks for a dialect that there is not is
// in the log of its webhook, in force or not.
func TestUnknownDialect(t *testing.T) {
	for name, change := range map[string]func(*hub.IncomingWebhook){
		"in force": func(*hub.IncomingWebhook) {},
		"disabled": func(h *hub.IncomingWebhook) { h.Enabled = false },
	} {
		w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { change(h) })
		for _, path := range []string{token + "/telegraph", token + "/card/chat.postMessage", "nobody/telegraph"} {
			got := w.do("POST", path, `{"text":"x"}`)
			if got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), "/mattermost") {
				t.Errorf("%s, %s: %d %s", name, path, got.Code, got.Body)
			}
		}
		for i, c := range w.journal() {
			owner := hub.IncomingID("hook")
			if i == 2 {
				owner = ""
			}
			if c.IncomingID != owner || c.Verdict != "unknown_dialect" || c.Status != http.StatusNotFound || !strings.Contains(c.Reason, "no such dialect") {
				t.Errorf("%s: logged %+v", name, c)
			}
		}
		if len(w.chat.posts) != 0 {
			t.Error("posted")
		}
	}
}

func TestAddressList(t *testing.T) {
	for addr, want := range map[string]int{
		"192.0.2.200:1": 200, "198.51.100.7:1": 200, "198.51.100.8:1": 403, "[2001:db8::1]:1": 200, "[2001:db9::1]:1": 403,
		"[::ffff:192.0.2.1]:1": 200, "@": 403,
	} {
		w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) {
			h.AllowIPs = []string{"192.0.2.0/24", "198.51.100.7", "2001:db8::/32", "nonsense"}
		})
		r := httptest.NewRequest("POST", "/api/webhooks/incoming/"+token, strings.NewReader(`{"text":"x"}`))
		r.RemoteAddr = addr
		if rec := w.serve(r); rec.Code != want || want == 403 && rec.Body.String() != "action_prohibited" {
			t.Errorf("from %s: %d %s, want %d", addr, rec.Code, rec.Body, want)
		}
	}
	w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { h.AllowIPs = []string{"nonsense"} })
	if rec := w.do("POST", token, `{"text":"x"}`); rec.Code != http.StatusForbidden {
		t.Errorf("a list without an address allowed the call: %d", rec.Code)
	}
	if got := w.verdicts(); got != "address_refused" {
		t.Errorf("logged as %s", got)
	}
}

func TestSize(t *testing.T) {
	label := func(s string) []string { return []string{"Content-Type", s} }
	multipart := label("multipart/form-data; boundary=X")
	big := `{"text":"` + strings.Repeat("a", maxBody-11) + `"}`
	for name, test := range map[string]struct {
		path    string
		body    io.Reader
		length  int64
		header  []string
		want    int
		mostly  int64 // the most that may be read
		verdict string
	}{
		"the limit":              {token, strings.NewReader(big), maxBody, nil, 200, maxBody, ""},
		"the limit, chunked":     {token, strings.NewReader(big), -1, nil, 200, maxBody, ""},
		"one more":               {token, strings.NewReader(big + " "), maxBody + 1, nil, 413, 0, "too_large"},
		"one more, chunked":      {token, strings.NewReader(big + " "), -1, nil, 413, maxBody + 1, "too_large"},
		"endless":                {token, &endless{}, -1, nil, 413, maxBody + 64<<10, "too_large"},
		"endless, unknown token": {"nobody", &endless{}, -1, nil, 404, maxSniffed + 1, "unknown_token"},
		"endless multipart":      {token, &endless{}, -1, multipart, 413, maxMultipart + 64<<10, "too_large"},
		"multipart below":        {token, io.LimitReader(&endless{}, maxMultipart), -1, multipart, 400, maxMultipart, "no_text"},
		"multipart, no boundary": {token, strings.NewReader(big + " "), maxBody + 1, label("multipart/form-data"), 413, 0, "too_large"},
		"an empty boundary":      {token, &endless{}, -1, label(`multipart/form-data; boundary=""`), 413, maxBody + 64<<10, "too_large"},
		"multipart/json":         {token, &endless{}, -1, label("multipart/json"), 413, maxBody + 64<<10, "too_large"},
		"a broken label":         {token, &endless{}, -1, label("multipart/form-data; boundary"), 413, maxBody + 64<<10, "too_large"},
		"said to be huge":        {token + "/slack", &endless{}, 1 << 50, nil, 413, 0, "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := httptest.NewRequest("POST", "/api/webhooks/incoming/"+test.path, test.body)
			r.ContentLength = test.length
			for i := 0; i < len(test.header); i += 2 {
				r.Header.Set(test.header[i], test.header[i+1])
			}
			rec := w.serve(r)
			if rec.Code != test.want {
				t.Errorf("answered %d %.200s, want %d", rec.Code, rec.Body, test.want)
			}
			if e, ok := test.body.(*endless); ok && e.read > test.mostly {
				t.Errorf("%d bytes were read, want at most %d", e.read, test.mostly)
			}
			if got := w.verdicts(); got != test.verdict {
				t.Errorf("logged as %q, want %q", got, test.verdict)
			}
			if test.want == 413 && rec.Header().Get("Connection") != "close" {
				t.Error("the connection is kept although the body was not read")
			}
		})
	}
}

// TestChunkedOverTheWire sends a body of unknown length through a real server.
func TestChunkedOverTheWire(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewServer(w.mux)
	defer srv.Close()
	for size, want := range map[int64]int{100: 200, maxBody + 1: 413} {
		body := io.MultiReader(strings.NewReader("a"), io.LimitReader(&endless{}, size-2), strings.NewReader("a"))
		req, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/api/webhooks/incoming/"+token, struct{ io.Reader }{body})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%d bytes answered %d, want %d", size, resp.StatusCode, want)
		}
	}
}

func TestBodyCutOff(t *testing.T) {
	w := newWorld(t)
	r := httptest.NewRequest("POST", "/api/webhooks/incoming/"+token, io.MultiReader(strings.NewReader(`{"text":`), failing{}))
	if rec := w.serve(r); rec.Code != http.StatusBadRequest {
		t.Errorf("answered %d", rec.Code)
	}
	if calls := w.journal(); len(w.chat.posts) != 0 || len(calls) != 1 || calls[0].Body != nil {
		t.Errorf("posted %d, logged %+v: half a body is neither posted nor kept", len(w.chat.posts), calls)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestChatsErrors(t *testing.T) {
	const inThread = `{"text":"x","threadId":"0190b3c8-7c4e-7a12-8000-000000000001"}`
	secretCause := fmt.Errorf("disk %s", "of-the-operator")
	for name, test := range map[string]struct {
		err        error
		channel    hub.Channel
		body       string
		want       string // status, token or code
		retryAfter string
		verdict    string
	}{
		"full":           {hub.Errorf(hub.StorageFull, "Full."), hub.Channel{ID: "c"}, `{"text":"x"}`, "507 storage_full", "", "storage_full"},
		"unavailable":    {hub.Wrap(hub.Unavailable, secretCause, "Later."), hub.Channel{ID: "c"}, `{"text":"x"}`, "503 service_unavailable", "1", "unavailable"},
		"archived":       {hub.Errorf(hub.Conflict, "A."), hub.Channel{ID: "c", IsArchived: true}, `{"text":"x"}`, "410 channel_is_archived", "", "channel_archived"},
		"archived, ours": {hub.Errorf(hub.Conflict, "A."), hub.Channel{ID: "c", IsArchived: true}, `{"content":"x"}`, `409 conflict`, "", "channel_archived"},
		"key reused":     {hub.Errorf(hub.Conflict, "K."), hub.Channel{ID: "c"}, `{"content":"x"}`, `409 conflict`, "", "conflict"},
		"no channel":     {hub.Errorf(hub.NotFound, "N."), hub.Channel{}, `{"text":"x"}`, "404 channel_not_found", "", "channel_missing"},
		"no thread":      {hub.Errorf(hub.NotFound, "N."), hub.Channel{ID: "c"}, inThread, `400 invalid`, "", "bad_body"},
		"invalid":        {hub.Errorf(hub.Invalid, "I."), hub.Channel{ID: "c"}, `{"text":"x"}`, "400 invalid_payload", "", "bad_body"},
		"defect":         {secretCause, hub.Channel{ID: "c"}, `{"content":"x"}`, `500 internal`, "", "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.chat.err, w.store.channel = test.err, test.channel
			rec := w.do("POST", token, test.body)
			word := rec.Body.String()
			var problem struct{ Code string }
			if json.Unmarshal(rec.Body.Bytes(), &problem) == nil {
				word = problem.Code
			}
			if got := fmt.Sprintf("%d %s", rec.Code, word); got != test.want || rec.Header().Get("Retry-After") != test.retryAfter {
				t.Errorf("answered %s, Retry-After %q; want %s, %q", got, rec.Header().Get("Retry-After"), test.want, test.retryAfter)
			}
			if strings.Contains(rec.Body.String(), "operator") {
				t.Error("the answer tells what happened inside")
			}
			if logged := strings.Contains(w.log.String(), "of-the-operator"); logged != (name == "defect" || name == "unavailable") {
				t.Errorf("the log has %q", w.log.String())
			}
			calls := w.journal()
			if len(calls) != 1 || calls[0].Verdict != test.verdict {
				t.Errorf("logged as %+v, want %s", calls, test.verdict)
			}
			// Who is refused for a time comes again by itself.
			if kept := string(calls[0].Body); (kept == test.body) == slices.Contains([]string{"storage_full", "unavailable", "internal"}, test.verdict) {
				t.Errorf("%q is kept", kept)
			}
		})
	}
}

func TestWarningsAreFew(t *testing.T) {
	w := newWorld(t)
	w.chat.err = hub.Errorf(hub.StorageFull, "Full.")
	for range 3 {
		for range 10 {
			w.do("POST", token, "x")
		}
		w.advance(time.Second)
	}
	if n := strings.Count(w.log.String(), "incoming calls are refused"); n != 3 {
		t.Errorf("%d warnings in 3 seconds:\n%s", n, w.log.String())
	}
}

func TestGateComesFirst(t *testing.T) {
	full := hub.Errorf(hub.StorageFull, "Too little space.")
	w := newWorld(t, func(o *Options, _ *hub.IncomingWebhook) { o.Gate = func() error { return full } })
	for _, test := range []struct{ method, path, body, want string }{
		{"POST", token, `{"text":"x"}`, "storage_full"},
		{"POST", "nobody", `{"text":"x"}`, "storage_full"},
		{"POST", token, `{"content":"x"}`, `"code":"storage_full"`},
		{"PATCH", token + "/messages/0190b3c8-7c4e-7a12-8000-000000000001", `{"text":"x"}`, `"code":"storage_full"`},
	} {
		rec := w.do(test.method, test.path, test.body)
		if rec.Code != http.StatusInsufficientStorage || !strings.Contains(rec.Body.String(), test.want) {
			t.Errorf("%s %s answered %d %s", test.method, test.body, rec.Code, rec.Body)
		}
	}
	if w.store.finds != 0 {
		t.Error("the store was asked")
	}
}

func TestStoreDown(t *testing.T) {
	w := newWorld(t)
	w.store.err = hub.Errorf(hub.Unavailable, "Down.")
	if rec := w.do("POST", token, `{"text":"x"}`); rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
		t.Errorf("answered %d", rec.Code)
	}
	w.store.err = fmt.Errorf("broken")
	if rec := w.do("POST", token, `{"text":"x"}`); rec.Code != http.StatusInternalServerError || rec.Body.String() != "rollup_error" {
		t.Errorf("answered %d", rec.Code)
	}
}

func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t)
	do := func(path, body, key string) *hub.Idempotency {
		t.Helper()
		if rec := w.do("POST", path, body, "Idempotency-Key", key); rec.Code != http.StatusOK {
			t.Fatalf("answered %d", rec.Code)
		}
		return w.chat.posts[len(w.chat.posts)-1].Once
	}
	first := do(token, `{"text":"x"}`, "k1")
	if first == nil || first.TokenID != "in:hook" || !strings.HasSuffix(first.Key, "k1") || len(first.RequestHash) != 64 {
		t.Fatalf("asked for %+v", first)
	}
	if again := do(token, `{"text":"x"}`, "k1"); *again != *first {
		t.Errorf("the same call asks for %+v, then %+v", first, again)
	}
	for name, other := range map[string]*hub.Idempotency{
		"another body": do(token, `{"text":"y"}`, "k1"), "another dialect": do(token+"/slack", `{"text":"x"}`, "k1"),
	} {
		if other.RequestHash == first.RequestHash || other.Key != first.Key {
			t.Errorf("%s asks for %+v", name, other)
		}
	}
	w.do("POST", token, `{"text":"x"}`)
	if once := w.chat.posts[len(w.chat.posts)-1].Once; once != nil {
		t.Errorf("without a key: %+v", once)
	}
}

// TestIdempotencyOfTheURL: what the URL says of the message tells calls apart, and
// what says nothing leaves the hash as it was.
func TestIdempotencyOfTheURL(t *testing.T) {
	w := newWorld(t)
	hashes := make(map[string]string)
	for _, path := range []string{"", "?key=a", "?key=b", "?thread=a", "?thread_id=a", "?key=a&thread=a", "/slack", "/slack/chat.postMessage"} {
		if rec := w.do("POST", token+path, `{"text":"x","channel":"c"}`, "Idempotency-Key", "k"); rec.Code != http.StatusOK {
			t.Fatalf("%s answered %d %s", path, rec.Code, rec.Body)
		}
		hash := w.chat.posts[len(w.chat.posts)-1].Once.RequestHash
		if other, ok := hashes[hash]; ok {
			t.Errorf("%q passes for %q", path, other)
		}
		hashes[hash] = path
	}
	w.do("POST", token+"?key=&wait=true", `{"text":"x","channel":"c"}`, "Idempotency-Key", "k")
	if hash := w.chat.posts[len(w.chat.posts)-1].Once.RequestHash; hashes[hash] != "" || len(hashes) != 8 {
		t.Errorf("a parameter that says nothing counts")
	}
	sum := sha256.Sum256([]byte("POST\nhook\n\n\n" + `{"text":"x","channel":"c"}`))
	if _, ok := hashes[hex.EncodeToString(sum[:])]; !ok {
		t.Error("the hash of a call without parameters has changed")
	}
}

func TestClips(t *testing.T) {
	embeds := make([]map[string]any, 12)
	for i := range embeds {
		embeds[i] = map[string]any{"title": strings.Repeat("t", 300), "description": strings.Repeat("<", 5000), "footer": strings.Repeat("f", 3000)}
	}
	body, err := json.Marshal(map[string]any{
		"content": strings.Repeat("é", 16_001), "username": strings.Repeat("u", 81), "embeds": embeds,
		"attachments": []any{map[string]any{"url": "https://a.example/f", "filename": strings.Repeat("n", 300)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	if rec := w.do("POST", token, string(body)); rec.Code != http.StatusOK {
		t.Fatalf("answered %d %s", rec.Code, rec.Body)
	}
	p := w.chat.posts[0]
	if n := utf8.RuneCountInString(contentOf(&p)); n != maxContent || !strings.HasSuffix(contentOf(&p), "_(shortened from 16001 characters)_") {
		t.Errorf("content of %d characters ends in %q", n, contentOf(&p)[len(contentOf(&p))-60:])
	}
	if n := utf8.RuneCountInString(p.Author.Username); n != maxUsername || !strings.HasSuffix(p.Author.Username, "u…") {
		t.Errorf("name %q", p.Author.Username)
	}
	kept := embedsOf(&p)
	encoded, err := json.Marshal(kept)
	if err != nil || len(encoded) > embedBudget || len(kept) < 2 || len(kept) == 10 {
		t.Fatalf("%d embeds of %d bytes, error %v", len(kept), len(encoded), err)
	}
	if last := kept[len(kept)-1]; !strings.Contains(last.Footer, "shortened") || !strings.HasSuffix(last.Title, "t…") {
		t.Errorf("the cut is not to be seen: %+v", last)
	}
	if n := utf8.RuneCountInString(p.Remote[0].Filename); n != maxFilename {
		t.Errorf("a file name of %d characters", n)
	}
}

// TestClipsTextAlone: a card whose text is too long keeps its fields and picture, and
// what is counted is what its sender wrote, not the Markdown of it. What there are too
// many of is counted.
func TestClipsTextAlone(t *testing.T) {
	post := func(body string) (*chat.Post, []hub.Embed) {
		w := newWorld(t)
		if rec := w.do("POST", token, body); rec.Code/100 != 2 {
			t.Fatalf("answered %d %s", rec.Code, rec.Body)
		}
		return &w.chat.posts[0], embedsOf(&w.chat.posts[0])
	}
	_, cards := post(`{"content":"x","tts":false,"embeds":[{"color":1,"description":"` + strings.Repeat("a<b>[c] ", 500) + `","fields":[{"name":"Host","value":"db-1"}]}]}`)
	if e := cards[0]; len(e.Fields) != 1 || strings.Contains(e.Description, "shortened") {
		t.Errorf("4,000 characters: %d fields, %q", len(e.Fields), e.Description[len(e.Description)-50:])
	}
	_, cards = post(`{"attachments":[{"fallback":"f","text":"` + strings.Repeat("word ", 1000) + `","image_url":"https://a.example/i.png","fields":[{"title":"A","value":"1"},{"title":"B","value":"2"}]}]}`)
	if e := cards[0]; len(e.Fields) != 2 || e.ImageURL == "" || !strings.Contains(e.Description, "(shortened from 4999 characters)") {
		t.Errorf("5,000 characters: %d fields, picture %q, %q", len(e.Fields), e.ImageURL, e.Description[len(e.Description)-50:])
	}
	p, cards := post(`{"attachments":[` + strings.Repeat(`{"fallback":"f","text":"t"},`, 11) + `{"fallback":"f","text":"last"}]}`)
	if !strings.Contains(contentOf(p), "and 2 more cards") || len(cards) != maxEmbeds {
		t.Errorf("12 cards: %d, %q", len(cards), contentOf(p))
	}
	_, cards = post(`{"attachments":[{"fallback":"f","text":"t","fields":[` + strings.Repeat(`{"title":"A","value":"1"},`, 29) + `{"title":"Z","value":"1"}]}]}`)
	if e := cards[0]; len(e.Fields) != maxFields || !strings.Contains(e.Description, "and 5 more fields") {
		t.Errorf("30 fields: %d, %q", len(e.Fields), e.Description)
	}
}

// TestWaits: ?wait=true tells any sender what it posted.
func TestWaits(t *testing.T) {
	for path, want := range map[string]string{
		token + "?wait=true": `{"success":true`, token + "/slack?wait=1": `{"success":true`, token + "/slack?wait=false": "ok", token + "/slack": "ok",
		token + "/discord?wait=true": `{"id":"`,
	} {
		body := `{"text":"hi"}`
		if strings.Contains(path, "discord") {
			body = `{"content":"hi"}`
		}
		if rec := newWorld(t).do("POST", path, body); !strings.HasPrefix(rec.Body.String(), want) {
			t.Errorf("%s: %s, want %s", path, rec.Body, want)
		}
	}
}

// TestPut: some senders may be set to it.
func TestPut(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{token, token + "/grafana"} {
		if rec := w.do("PUT", path, `{"title":"t","message":"m","status":"firing","orgId":1,"alerts":[{"status":"firing","labels":{"alertname":"a"}}]}`); rec.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	if len(w.chat.posts) != 2 {
		t.Errorf("%d posts", len(w.chat.posts))
	}
}

func TestContentOfExactlyTheLimitStays(t *testing.T) {
	w := newWorld(t)
	w.do("POST", token, strings.Repeat("é", maxContent), "Content-Type", "text/plain")
	if got := contentOf(&w.chat.posts[0]); got != strings.Repeat("é", maxContent) {
		t.Errorf("content of %d characters", utf8.RuneCountInString(got))
	}
}

func TestControlCharactersAreDropped(t *testing.T) {
	w := newWorld(t)
	w.do("POST", token, `{"content":"a\u0000b\u0007\r\nc\td\u0085e\u007f","username":"\u0000"}`)
	p := w.chat.posts[0]
	if contentOf(&p) != "ab\nc\tde" || p.Author.DisplayName != "Builds" {
		t.Errorf("content %q, author %+v", contentOf(&p), p.Author)
	}
	if rec := w.do("POST", token, `{"content":"\u0000\u0001"}`); rec.Code != http.StatusBadRequest {
		t.Errorf("a message of control characters answered %d", rec.Code)
	}
}

func TestSlacksMentionsAreWritten(t *testing.T) {
	for in, want := range map[string]string{
		"<!channel> and <!here|here>!": "@channel and @here!",
		"<@U1|ann> in <#C1|general>":   "@ann in #general",
	} {
		w := newWorld(t)
		body, err := json.Marshal(map[string]any{"text": in, "mrkdwn": true})
		if err != nil {
			t.Fatal(err)
		}
		w.do("POST", token, string(body))
		if p := w.chat.posts[0]; contentOf(&p) != want || p.AllowMentions {
			t.Errorf("%q became %q, want %q; mentions are allowed: %v", in, contentOf(&p), want, p.AllowMentions)
		}
	}
	w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { h.AllowMentions = true })
	w.do("POST", token, "hi")
	w.do("POST", token, `{"content":"hi","allowed_mentions":{"parse":[]}}`)
	if posts := w.chat.posts; !posts[0].AllowMentions || posts[1].AllowMentions {
		t.Errorf("mentions are allowed: %v, and where the sender asks for none %v", posts[0].AllowMentions, posts[1].AllowMentions)
	}
}

func TestUsageNeverPosts(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{token, token + "/", token + "/slack", "nobody"} {
		rec := w.do("GET", path, "")
		var u Usage
		if err := json.Unmarshal(rec.Body.Bytes(), &u); err != nil || rec.Code != http.StatusOK {
			t.Fatalf("%s answered %d, error %v", path, rec.Code, err)
		}
		if u.Method != "POST" || len(u.Dialects) < 20 || strings.Contains(rec.Body.String(), token) {
			t.Errorf("%s answered %s", path, rec.Body)
		}
	}
	if rec := w.do("HEAD", token, ""); rec.Code != http.StatusOK {
		t.Errorf("HEAD answered %d", rec.Code)
	}
	if len(w.chat.posts) != 0 || w.store.finds != 0 {
		t.Errorf("%d posts, %d questions to the store", len(w.chat.posts), w.store.finds)
	}
	// The example is one that works.
	_, body, _ := strings.Cut(usage().Example, "-d '")
	if rec := w.do("POST", token, strings.TrimSuffix(body, "'")); rec.Code != http.StatusOK || w.chat.posts[0].Author.Username != "External Bot" {
		t.Errorf("the example answered %d", rec.Code)
	}
}

func TestOtherMethods(t *testing.T) {
	w := newWorld(t)
	for path, allow := range map[string]string{
		token: "GET, HEAD, POST, PUT", token + "/slack": "GET, HEAD, POST, PUT", token + "/messages/x": "DELETE, PATCH, POST", token + "/discord/messages/x": "DELETE, GET, HEAD, PATCH",
	} {
		for _, method := range []string{"PUT", "PROPFIND", "OPTIONS"} {
			if strings.Contains(allow, method) {
				continue
			}
			rec := w.do(method, path, "")
			if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != allow {
				t.Errorf("%s %s answered %d, Allow %q; want 405, %q", method, path, rec.Code, rec.Header().Get("Allow"), allow)
			}
		}
	}
}

func TestCacheIsInvalidated(t *testing.T) {
	w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { h.ExpiresAt = noon.Add(time.Hour) })
	expect := func(what string, status, finds int) {
		t.Helper()
		if rec := w.do("POST", token, "x"); rec.Code != status || w.store.finds != finds {
			t.Errorf("%s: answered %d after %d questions to the store, want %d after %d", what, rec.Code, w.store.finds, status, finds)
		}
	}
	expect("first", 200, 1)
	expect("cached", 200, 1)
	w.store.hooks[0].ChannelID = "elsewhere"
	w.in.Invalidate()
	expect("changed", 200, 2)
	if got := w.chat.posts[2].ChannelID; got != "elsewhere" {
		t.Errorf("posted into %s", got)
	}
	w.advance(cacheFor - time.Nanosecond)
	expect("almost stale", 200, 2)
	w.advance(time.Nanosecond)
	expect("stale", 200, 3)
	w.store.hooks[0].Enabled = false
	w.in.Invalidate()
	expect("disabled", 404, 4)
	w.store.hooks[0].Enabled = true
	expect("enabled again, without being told", 200, 5)
	w.advance(time.Hour)
	expect("expired", 404, 6)
}

func TestExpiryCountsInTheCacheToo(t *testing.T) {
	w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) {
		h.TokenHash, h.PreviousHash, h.PreviousUntil = "other", h.TokenHash, noon.Add(time.Second)
	})
	if rec := w.do("POST", token, "x"); rec.Code != 200 {
		t.Fatalf("answered %d", rec.Code)
	}
	w.advance(time.Second)
	if rec := w.do("POST", token, "x"); rec.Code != 404 {
		t.Errorf("the old token answered %d after the overlap", rec.Code)
	}
}

// TestChangeDuringLookup: what was read before a change is not kept after it.
func TestChangeDuringLookup(t *testing.T) {
	w := newWorld(t)
	w.store.onFind = func() { w.in.Invalidate() }
	w.do("POST", token, "x")
	w.store.onFind = nil
	w.store.hooks[0].Enabled = false
	if rec := w.do("POST", token, "x"); rec.Code != 404 {
		t.Errorf("answered %d from what was read before the change", rec.Code)
	}
}

func TestSecretThatCannotBeOpened(t *testing.T) {
	for _, sealed := range []string{"broken", "sealed "} {
		w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { h.SealedHMAC = sealed })
		if rec := w.do("POST", token, `{"text":"x"}`); rec.Code != 500 || len(w.chat.posts) != 0 {
			t.Errorf("%q answered %d and posted %d", sealed, rec.Code, len(w.chat.posts))
		}
	}
}

func TestBadInputIsRefused(t *testing.T) {
	for name, test := range map[string]struct{ body, label string }{
		"broken JSON":    {`{"text":`, "application/json"},
		"wrong types":    {`{"text":{"a":[]},"embeds":"x","username":{}}`, "application/json"},
		"deep":           {strings.Repeat(`{"text":`, 10_000) + `1` + strings.Repeat(`}`, 10_000), "application/json"},
		"deep arrays":    {strings.Repeat(`[`, 1_000_000), "application/json"},
		"UTF-16":         {"\xff\xfe{\x00}\x00", "application/json"},
		"NUL bytes":      {"\x00\x00\x00", "application/json"},
		"only a label":   {"", "multipart/form-data; boundary="},
		"bad boundary":   {"--x", "multipart/form-data; boundary=\"" + strings.Repeat("b", 100) + "\""},
		"many fields":    {strings.Repeat("a&", 300_000), "multipart/form-data"},
		"number":         {"1" + strings.Repeat("0", 1_000_000), "application/json"},
		"gzip":           {"\x1f\x8b\x08\x00\x00\x00\x00\x00", "application/json"},
		"text of spaces": {strings.Repeat(" ", 100_000), "text/plain"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			rec := w.do("POST", token, test.body, "Content-Type", test.label)
			if name == "many fields" { // nothing but text, and so it is posted
				if rec.Code != http.StatusOK {
					t.Errorf("answered %d", rec.Code)
				}
				return
			}
			if rec.Code != http.StatusBadRequest || len(w.chat.posts) != 0 {
				t.Errorf("answered %d %.300s, posted %d", rec.Code, rec.Body, len(w.chat.posts))
			}
			var problem struct{ Detail string }
			if err := json.Unmarshal(rec.Body.Bytes(), &problem); err != nil || problem.Detail == "" {
				t.Errorf("answer %s says nothing: %v", rec.Body, err)
			}
			calls := w.journal()
			if len(calls) != 1 || calls[0].Status != 400 || len(calls[0].Body) > maxLogged || calls[0].BodySize != int64(len(test.body)) {
				t.Errorf("%d calls logged: %.300v", len(calls), calls)
			}
		})
	}
	// Large and odd, and yet understood.
	for name, body := range map[string]string{
		"huge number":     `{"text":1e999999}`,
		"duplicate keys":  `{"text":"a","text":"b"}`,
		"NUL in a string": `{"text":"a\u0000"}`,
		"cut off":         `{"text":"x"`,
		"Latin-1":         "{\"text\":\"\xe9\"}",
		"many members":    "{" + strings.Repeat(`"a":1,`, 200_000) + `"b":1}`,
	} {
		w := newWorld(t)
		if rec := w.do("POST", token, body); rec.Code != http.StatusOK {
			t.Errorf("%s answered %d", name, rec.Code)
		}
	}
}

// TestTokenStaysOutOfLogs looks for the token and the secrets of a call in
// everything that is written down about it.
func TestTokenStaysOutOfLogs(t *testing.T) {
	const password, key = "hunter2hunter2", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	w := newWorld(t)
	w.chat.err = fmt.Errorf("a failure inside")
	body := `{"content":"x","password":"` + password + `","k":"` + key + `","u":"https://h/api/webhooks/incoming/` + token + `"}`
	w.do("POST", token, body)
	w.do("POST", token, body[:len(body)-1])
	w.do("POST", "unknown"+token, body)
	everything := w.log.String()
	for _, c := range w.journal() {
		everything += fmt.Sprintf("%+v %s\n", c, c.Body)
	}
	w.chat.err = nil
	w.do("POST", token, body)
	everything += fmt.Sprintf("%+v %s", w.chat.posts[0], w.chat.posts[0].Call.Body)
	for _, s := range []string{token, password, key, secret.Hash(token)} {
		if strings.Contains(everything, s) {
			t.Errorf("%q is in what was written down:\n%s", s, everything)
		}
	}
	if !bytes.Contains(w.chat.posts[0].Call.Body, []byte(`"password":"`+secret.Mask+`"`)) {
		t.Errorf("the logged body is %s", w.chat.posts[0].Call.Body)
	}
}

func TestEndedContext(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/api/webhooks/incoming/"+token, strings.NewReader(`{"text":"x"}`))
	w.chat.err = hub.Wrap(hub.Unavailable, ctx.Err(), "The request was given up before anything was stored.")
	if rec := w.serve(r); rec.Code != http.StatusServiceUnavailable {
		t.Errorf("answered %d", rec.Code)
	}
}
