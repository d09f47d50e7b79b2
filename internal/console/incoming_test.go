package console

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
	"github.com/nself-chat/hub/internal/server"
)

// withCalls is a site with one webhook that was called once.
func withCalls(t testing.TB) *site {
	s := newSite(t)
	s.chat.webhooks, s.chat.calls = []hub.IncomingWebhook{someWebhook()}, []hub.Call{someCall()}
	s.chat.add(fullMessage())
	return s
}

const thisCall = "/incoming-webhooks/hook/calls/call"

func TestManagementNeedsAnAdministrator(t *testing.T) {
	requests := map[string]func() *http.Request{}
	for _, path := range []string{"/incoming-webhooks", "/incoming-webhooks/hook", thisCall} {
		requests["GET "+path] = func() *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }
	}
	for _, path := range []string{thisCall + "/replay", thisCall + "/mapping"} {
		requests["POST "+path] = func() *http.Request { return form(path, "do=save") }
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			s := withCalls(t)
			w := httptest.NewRecorder()
			s.http.ServeHTTP(w, request())
			if w.Code != http.StatusUnauthorized || len(s.chat.asked) != 0 {
				t.Errorf("a stranger: %d, asked %v", w.Code, s.chat.asked)
			}
			r := request()
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			if r.Method == http.MethodPost {
				if w := s.do(r); w.Code != http.StatusForbidden || len(s.chat.asked) != 0 {
					t.Errorf("another site: %d, asked %v", w.Code, s.chat.asked)
				}
			}
			w = s.do(request())
			if w.Code >= 400 || w.Header().Get("Content-Security-Policy") != server.ContentSecurityPolicy {
				t.Errorf("the owner: %d %v", w.Code, w.Header())
			}
			s.door.actor = hub.Actor{UserID: "bob", Username: "bob", Role: hub.RoleMember, Scope: hub.ScopeWrite}
			if w := s.do(request()); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), textNotManaging) || strings.Contains(w.Body.String(), "scope") {
				t.Errorf("a member: %d %s", w.Code, w.Body)
			}
			if html := s.get("/channels/general").Body.String(); strings.Contains(html, webhooksPath) {
				t.Error("a member sees a link to what is not for members")
			}
		})
	}
}

func TestUnknownWebhooksAndCalls(t *testing.T) {
	s := withCalls(t)
	s.chat.webhooks = append(s.chat.webhooks, hub.IncomingWebhook{ID: "other"})
	for _, path := range []string{
		"/incoming-webhooks/none", "/incoming-webhooks/none/calls/call", "/incoming-webhooks/hook/calls/none", "/incoming-webhooks/other/calls/call",
	} {
		if w := s.get(path); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), textNotFound) {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestLogPages(t *testing.T) {
	s := withCalls(t)
	s.chat.calls = nil
	for i := pageSize; i >= 0; i-- {
		c := someCall()
		c.ID = hub.CallID(messageID(i))
		s.chat.calls = append(s.chat.calls, c)
	}
	const link = `<td class="main"><a href="/incoming-webhooks/hook/calls/`
	html := s.get("/incoming-webhooks/hook").Body.String()
	older := `/incoming-webhooks/hook?before=` + string(messageID(1))
	if n := strings.Count(html, link); n != pageSize || !strings.Contains(html, `href="`+older+`"`) {
		t.Errorf("%d calls", n)
	}
	html = s.get(older).Body.String()
	if n := strings.Count(html, link); n != 1 || !strings.Contains(html, textNewest) || strings.Contains(html, textLoadOlder) {
		t.Errorf("older page: %d calls", n)
	}
}

func TestCallPage(t *testing.T) {
	s := withCalls(t)
	html := s.get(thisCall).Body.String()
	for _, want := range []string{`data-step="alert"`, "Build &lt;server&gt;", `fill="#00ff7f"`, textReplay, `value="` + strings.ReplaceAll(control.Version(noon), `"`, "&#34;") + `"`} {
		if !strings.Contains(html, want) {
			t.Errorf("lacks %s", want)
		}
	}
	if strings.Contains(html, textSaved) || strings.Contains(html, textMappingUnused) {
		t.Errorf("%s", html)
	}
	s.chat.messages = nil
	s.chat.calls[0].Dialect = "uptime-kuma"
	html = s.get(thisCall + "?saved").Body.String()
	for _, want := range []string{textMessageGone, textSaved, textMappingUnused, "<dd>Uptime Kuma</dd>"} {
		if !strings.Contains(html, want) {
			t.Errorf("lacks %s", want)
		}
	}
	s.chat.calls[0].BodySize = 0
	if html = s.get(thisCall).Body.String(); strings.Contains(html, textEmptyBody) {
		t.Error("a body that is there is called empty")
	}
	s.chat.calls[0].Body = nil
	if html = s.get(thisCall).Body.String(); !strings.Contains(html, textEmptyBody) || strings.Contains(html, textNoBody) {
		t.Errorf("an empty body: %s", html)
	}
	s.chat.calls[0].BodySize, s.chat.calls[0].MessageID = 80, ""
	html = s.get(thisCall).Body.String()
	if strings.Contains(html, "/replay") || !strings.Contains(html, textNoBody) || !strings.Contains(html, textNoMessage) {
		t.Errorf("without a body: %s", html)
	}
}

func TestReplay(t *testing.T) {
	s := withCalls(t)
	w := s.do(form(thisCall+"/replay", ""))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/incoming-webhooks/hook/calls/replayed" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	s.chat.refuse = hub.Errorf(hub.Conflict, "Only the beginning was kept.")
	if w := s.do(form(thisCall+"/replay", "")); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), `role="alert">The replay failed: Only the beginning was kept.</p>`) {
		t.Errorf("refused: %d %s", w.Code, w.Body)
	}
	s.chat.refuse = errors.New("disk on fire")
	if w := s.do(form(thisCall+"/replay", "")); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "disk on fire") {
		t.Errorf("failed: %d %s", w.Code, w.Body)
	}
}

// mappingForm is the form of thisCall with everything filled in.
func mappingForm(do string) string {
	v := url.Values{"do": {do}, "version": {"v1"}, "unknown": {"x"}}
	for i, f := range mappingFields {
		v.Set(f.Name, " /"+strconv.Itoa(i)+" ")
	}
	v.Set("text", "a\r\nb")
	return v.Encode()
}

var wantMap = control.FieldMap{Title: "/0", Text: "a\nb", Color: "/2", Link: "/3", Image: "/4", Author: "/5", Key: "/6", Thread: "/7"}

func TestSaveMapping(t *testing.T) {
	s := withCalls(t)
	w := s.do(form(thisCall+"/mapping", mappingForm("save")))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != thisCall+"?saved#mapping" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	want := control.IncomingChange{FieldMap: control.Set(wantMap), KeyTemplate: control.Set("/8")}
	if diff := cmp.Diff([]control.IncomingChange{want}, s.chat.changed); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if s.chat.versions[0] != "v1" {
		t.Errorf("changed whatever it was: %q", s.chat.versions)
	}
	var errs hub.FieldErrors
	errs.Add("fieldMap.link", "has a brace too many")
	errs.Add("keyTemplate", "is too long")
	errs.Add("elsewhere", "is wrong")
	s.chat.refuse = errs.Err()
	w = s.do(form(thisCall+"/mapping", mappingForm("save")))
	for _, want := range []string{
		`aria-describedby="help-link" aria-invalid="true"`, `role="alert" id="preview"`, `<span class="error">has a brace too many</span>`, `<span class="error">is too long</span>`, "elsewhere: is wrong.", `name="link" value="/3"`, `name="version" value="v1"`,
	} {
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d, lacks %s", w.Code, want)
		}
	}
}

// TestMappingConflict: whoever saves over another's change knows it, and can.
func TestMappingConflict(t *testing.T) {
	s := withCalls(t)
	s.chat.refuse = hub.Errorf(hub.Conflict, "It was changed meanwhile.")
	w := s.do(form(thisCall+"/mapping", mappingForm("save")))
	version := `name="version" value="` + strings.ReplaceAll(control.Version(noon), `"`, "&#34;") + `"`
	for _, want := range []string{textMappingStale, `<a href="` + thisCall + `#mapping">` + textMappingAnew, version, `name="link" value="/3"`} {
		if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d, lacks %s", w.Code, want)
		}
	}
}

// TestFormAddresses: the address of a form's answer can be reloaded and kept.
func TestFormAddresses(t *testing.T) {
	s := withCalls(t)
	for path, want := range map[string]string{
		thisCall + "/mapping": thisCall, thisCall + "/replay": thisCall, "/channels/general/messages": "/channels/general", "/logout": "/",
	} {
		w := s.get(path)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != want || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v, want %s", path, w.Code, w.Header(), want)
		}
	}
	w := s.do(httptest.NewRequest(http.MethodDelete, thisCall, nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" || !strings.Contains(w.Body.String(), "<h1>"+textWrongMethod) {
		t.Errorf("another method: %d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestReasonOf(t *testing.T) {
	for reason, want := range map[string]reasonView{
		"":                      {},
		"Too large.":            {Text: "Too large."},
		"Replay of call 7":      {Text: "Replay of call 7"},
		"Replay of call 7.":     {Text: "Replay of call", Call: "7", CallURL: "/incoming-webhooks/hook/calls/7", Rest: "."},
		"Replay of call 7. So.": {Text: "Replay of call", Call: "7", CallURL: "/incoming-webhooks/hook/calls/7", Rest: ". So."},
	} {
		if got := reasonOf(&hub.Call{IncomingID: "hook", Reason: reason}); got != want {
			t.Errorf("%q: %+v", reason, got)
		}
	}
}

func TestSenderOf(t *testing.T) {
	titles := map[string]string{"nself-chat": "nself-chat"}
	for _, test := range []struct {
		call hub.Call
		want string
	}{
		{hub.Call{Verdict: "accepted", Dialect: "nself-chat"}, "nself-chat"},
		{hub.Call{Verdict: "accepted", Dialect: "new"}, "new"},
		{hub.Call{Verdict: "not_found", Dialect: "nself-chat"}, textNotRecognised},
		{hub.Call{Verdict: "bad_signature", Dialect: "nself-chat", RecognisedBy: "text"}, "nself-chat"},
	} {
		if got := senderOf(&test.call, titles); got != test.want {
			t.Errorf("%+v: %q", test.call, got)
		}
	}
}

func TestPreviewMapping(t *testing.T) {
	s := withCalls(t)
	s.chat.reading = hub.Reading{RecognisedBy: "the field mapping", Message: hub.Message{Content: "how it **looks**", Author: hub.Author{Username: "acme"}}}
	w := s.do(form(thisCall+"/mapping", mappingForm("preview")))
	for _, want := range []string{textPreviewed, `class="preview" id="preview"`, `formaction="` + thisCall + `/mapping#preview"`, "how it <strong>looks</strong>", "the field mapping", `name="title" value="/0"`, "a\nb</textarea>"} {
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d, lacks %s", w.Code, want)
		}
	}
	checkNames(t, w.Body.String())
	want := control.ReadingChange{FieldMap: control.Set(wantMap), KeyTemplate: control.Set("/8")}
	if diff := cmp.Diff([]control.ReadingChange{want}, s.chat.tried); diff != "" || len(s.chat.changed) != 0 {
		t.Errorf("changed %d times; -want +got\n%s", len(s.chat.changed), diff)
	}
	s.chat.refuse = hub.Errorf(hub.Invalid, "There is nothing in it.")
	if w := s.do(form(thisCall+"/mapping", mappingForm("preview"))); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "There is nothing in it.") {
		t.Errorf("refused: %d %s", w.Code, w.Body)
	}
	if w := s.do(form(thisCall+"/mapping", "%zz")); w.Code != http.StatusBadRequest {
		t.Errorf("a broken form: %d", w.Code)
	}
	if w := s.do(form(thisCall+"/mapping", "title="+strings.Repeat("x", maxForm))); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("an endless form: %d", w.Code)
	}
}

func TestWebhookFacts(t *testing.T) {
	got := factsOf(&hub.IncomingWebhook{RateLimit: -1})
	want := []fact{
		{Term: textSignatures, Text: textNotAsked},
		{Term: textAddresses, Text: textAnyAddress},
		{Term: textRate, Text: textNoRate},
		{Term: textMentions, Text: textMentionsHarmless},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestRowLinksToItsCall: the webhook may post into another channel by now.
func TestRowLinksToItsCall(t *testing.T) {
	h, call := someWebhook(), someCall()
	if row := rowOf(&call, &h, nil); call.MessageID == "" || row.Message != thisCall+"#message" {
		t.Errorf("the message %q is linked to %q", call.MessageID, row.Message)
	}
	call.MessageID, call.Verdict = "", "read"
	if row := rowOf(&call, &h, nil); row.Message != "" || !row.Verdict.Good {
		t.Errorf("a call without a message is %+v", row)
	}
}
