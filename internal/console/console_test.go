package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/server"
)

func TestHome(t *testing.T) {
	channel := func(id string, change func(*hub.Channel)) hub.Channel {
		c := hub.Channel{ID: hub.ChannelID(id), Name: id, Type: hub.ChannelPublic}
		change(&c)
		return c
	}
	archived := func(c *hub.Channel) { c.IsArchived = true }
	standard := func(c *hub.Channel) { c.IsDefault = true }
	plain := func(*hub.Channel) {}
	tests := map[string]struct {
		channels []hub.Channel
		want     string
	}{
		"the default":        {[]hub.Channel{channel("a", plain), channel("b", standard)}, "/channels/b"},
		"no default":         {[]hub.Channel{channel("a", archived), channel("b", plain)}, "/channels/b"},
		"archived ones only": {[]hub.Channel{channel("a", archived)}, "/channels/a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.chat.channels = test.channels
			w := s.get("/")
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != test.want {
				t.Errorf("%d %s, want %s", w.Code, w.Header().Get("Location"), test.want)
			}
		})
	}
	s := newSite(t)
	s.chat.channels = nil
	if w := s.get("/"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), textNoChannels) {
		t.Errorf("without channels: %d %s", w.Code, w.Body)
	}
}

func TestManyChannelsAreAllInTheSidebar(t *testing.T) {
	s := newSite(t)
	s.chat.channels = nil
	for i := range 600 {
		id := string(messageID(i))
		s.chat.channels = append(s.chat.channels, hub.Channel{ID: hub.ChannelID(id), Name: id, Type: hub.ChannelPublic})
	}
	w := s.get("/channels/" + string(messageID(0)))
	if n := strings.Count(w.Body.String(), `<span class="sign" aria-hidden="true">#</span>`); n != 601 {
		t.Errorf("%d channels in the sidebar and above the messages", n)
	}
}

func TestSignedOut(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/channels/general", "/channels/general/threads/x"} {
		w := httptest.NewRecorder()
		s.http.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "hub login") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/fragments/messages/x", "/fragments/channels/general/messages"} {
		w := httptest.NewRecorder()
		s.http.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusUnauthorized || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	if len(s.chat.asked) != 0 {
		t.Errorf("a stranger made it ask for %v", s.chat.asked)
	}
}

func TestChannelPage(t *testing.T) {
	s := newSite(t)
	for range pageSize + 1 {
		s.chat.add(hub.Message{Content: "hello"})
	}
	reply := s.chat.add(hub.Message{ThreadID: messageID(5), Content: "a reply"})
	s.chat.last = 99
	w := s.get("/channels/general")
	html := w.Body.String()
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if n := strings.Count(html, "data-message="); n != pageSize {
		t.Errorf("%d messages", n)
	}
	if strings.Contains(html, string(reply.ID)) {
		t.Error("a reply is in the channel's list")
	}
	if strings.Index(html, string(messageID(2))) > strings.Index(html, string(messageID(51))) {
		t.Error("the newest is first")
	}
	older := "?before=" + string(messageID(2))
	for _, want := range []string{
		`href="/channels/general` + older + `"`, `data-fragment="/fragments/channels/general/messages` + older + `"`, `data-after="99"`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("lacks %s", want)
		}
	}
	// What happens between the two must come by the stream.
	if slices.Index(s.chat.asked, "LastEvent") > slices.Index(s.chat.asked, "Messages") {
		t.Errorf("the messages are older than the stream's beginning: %v", s.chat.asked)
	}

	html = s.get("/channels/general" + older).Body.String()
	if n := strings.Count(html, "data-message="); n != 1 {
		t.Errorf("older page: %d messages", n)
	}
	if strings.Contains(html, "data-after") || strings.Contains(html, `id="older"`) || !strings.Contains(html, textNewest) {
		t.Errorf("older page: %s", html)
	}
}

func TestThreadPage(t *testing.T) {
	s := newSite(t)
	root := s.chat.add(hub.Message{Content: "the root", ReplyCount: pageSize + 1})
	s.chat.add(hub.Message{Content: "beside it"})
	for range pageSize + 1 {
		s.chat.add(hub.Message{ThreadID: root.ID, Content: "a reply"})
	}
	path := "/channels/general/threads/" + string(root.ID)
	html := s.get(path).Body.String()
	if n := strings.Count(html, "data-message="); n != pageSize {
		t.Errorf("%d messages", n)
	}
	if strings.Contains(html, "the root") || strings.Contains(html, "beside it") {
		t.Errorf("the newest page has the root, or what is not of the thread")
	}
	oldest := "?before=" + string(messageID(4))
	if !strings.Contains(html, `href="`+path+oldest+`"`) {
		t.Error("no way to older replies")
	}
	html = s.get(path + oldest).Body.String()
	if n := strings.Count(html, "data-message="); n != 2 || !strings.Contains(html, "the root") {
		t.Errorf("oldest page: %d messages", n)
	}
	fragment := s.get("/fragments/channels/general/messages" + oldest + "&thread=" + string(root.ID))
	if n := strings.Count(fragment.Body.String(), "data-message="); fragment.Code != 200 || n != 2 {
		t.Errorf("fragment: %d, %d messages", fragment.Code, n)
	}
	if w := s.get("/channels/other/threads/" + string(root.ID)); w.Code != http.StatusNotFound {
		t.Errorf("in another channel: %d", w.Code)
	}
	s.chat.channels = append(s.chat.channels, hub.Channel{ID: "other", Name: "other"})
	if w := s.get("/channels/other/threads/" + string(root.ID)); w.Code != http.StatusNotFound {
		t.Errorf("in another channel that exists: %d", w.Code)
	}
}

// TestMessageAddress: the link to a message opens the page that has it, however
// much came since.
func TestMessageAddress(t *testing.T) {
	s := newSite(t)
	root := s.chat.add(hub.Message{Content: "the root"})
	for range 3 * pageSize {
		s.chat.add(hub.Message{Content: "beside it"})
	}
	first := s.chat.add(hub.Message{ThreadID: root.ID, Content: "the first reply"})
	for range 3 * pageSize {
		s.chat.add(hub.Message{ThreadID: root.ID, Content: "a reply"})
	}
	last := s.chat.messages[len(s.chat.messages)-1]
	thread := "/channels/general/threads/" + string(root.ID)
	for _, test := range []struct {
		path string
		id   hub.MessageID
		live bool
	}{
		{"/channels/general", root.ID, false},
		{"/channels/general", messageID(100), false},
		{"/channels/general", messageID(3*pageSize + 1), true},
		{"/channels/general", messageID(3*pageSize + 1 - pageSize/2), true},
		{"/channels/general", messageID(3 * pageSize / 2), false},
		{thread, root.ID, false},
		{thread, first.ID, false},
		{thread, last.ID, true},
	} {
		w := s.get(test.path + "?at=" + string(test.id))
		html := w.Body.String()
		if w.Code != 200 || !strings.Contains(html, `id="m-`+string(test.id)+`"`) {
			t.Errorf("%s at %s: %d, the message is not on the page", test.path, test.id, w.Code)
		}
		if strings.Contains(html, "data-after") != test.live || strings.Contains(html, textOlderPage) == test.live {
			t.Errorf("%s at %s: live %t", test.path, test.id, !test.live)
		}
	}
	// What is asked for on another page than its own leads there.
	for path, want := range map[string]string{
		"/channels/general?at=" + string(first.ID):                                  thread + "?at=" + string(first.ID) + "#m-" + string(first.ID),
		thread + "?at=" + string(messageID(2)):                                      "/channels/general?at=" + string(messageID(2)) + "#m-" + string(messageID(2)),
		"/channels/general/threads/" + string(first.ID) + "?at=" + string(first.ID): thread + "?at=" + string(first.ID) + "#m-" + string(first.ID),
	} {
		if w := s.get(path); w.Code != http.StatusSeeOther || w.Header().Get("Location") != want {
			t.Errorf("%s leads to %d %s, want %s", path, w.Code, w.Header().Get("Location"), want)
		}
	}
	s.chat.add(hub.Message{ID: messageID(9999), ChannelID: "other"})
	for _, id := range []string{string(messageID(9999)), string(messageID(8888)), "x"} {
		for _, path := range []string{"/channels/general", thread} {
			if w := s.get(path + "?at=" + id); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), textUnknownMessage) {
				t.Errorf("%s at %s: %d", path, id, w.Code)
			}
		}
	}
}

func TestProblemPages(t *testing.T) {
	tests := map[string]struct {
		err    error
		status int
		want   string
		not    string
	}{
		"not found": {hub.Errorf(hub.NotFound, "There is no such channel."), 404, textNotFound, ""},
		"forbidden": {hub.Errorf(hub.Forbidden, "Guests may not read this."), 403, "Guests may not read this.", ""},
		"stopping":  {hub.Errorf(hub.Unavailable, "The hub is stopping."), 503, "The hub is stopping.", ""},
		"unknown":   {errors.New("disk on fire"), 500, "request id", "disk on fire"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.chat.fail = test.err
			w := s.get("/channels/general")
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("page: %d %s", w.Code, w.Body)
			}
			if test.not != "" && strings.Contains(w.Body.String(), test.not) {
				t.Errorf("the page tells: %s", w.Body)
			}
			w = s.get("/fragments/channels/general/messages")
			if w.Code != test.status || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("fragment: %d %v", w.Code, w.Header())
			}
		})
	}
	s := newSite(t)
	if w := s.get("/nowhere"); w.Code != 404 || !strings.Contains(w.Body.String(), "<h1>"+textNotFound) {
		t.Errorf("unknown path: %d %s", w.Code, w.Body)
	}
}

func TestPost(t *testing.T) {
	s := newSite(t)
	w := s.do(form("/channels/general/messages", "content=one%0D%0Atwo+%26&key=k1"))
	m := s.chat.messages[len(s.chat.messages)-1]
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/channels/general#m-"+string(m.ID) {
		t.Errorf("%d %s", w.Code, w.Header().Get("Location"))
	}
	d := s.chat.posted[0]
	if d.Content != "one\ntwo &" || d.Key != "k1" || len(d.RequestHash) != 64 || d.ThreadID != "" {
		t.Errorf("posted %+v", d)
	}

	// The same form again has the same hash, another text has not.
	s.do(form("/channels/general/messages", "content=one%0D%0Atwo+%26&key=k1"))
	s.do(form("/channels/general/messages", "content=else&key=k1"))
	if s.chat.posted[1].RequestHash != d.RequestHash || s.chat.posted[2].RequestHash == d.RequestHash {
		t.Errorf("hashes %q, %q, %q", d.RequestHash, s.chat.posted[1].RequestHash, s.chat.posted[2].RequestHash)
	}

	w = s.do(form("/channels/general/messages", "content=reply&thread="+string(m.ID)))
	if got := w.Header().Get("Location"); !strings.HasPrefix(got, "/channels/general/threads/"+string(m.ID)+"#m-") {
		t.Errorf("a reply leads to %s", got)
	}
}

func TestPostRefused(t *testing.T) {
	s := newSite(t)
	root := s.chat.add(hub.Message{Content: "the root"})
	var errs hub.FieldErrors
	errs.Add("content", "at most 16000 characters")
	s.chat.refuse = errs.Err()
	for _, thread := range []string{"", string(root.ID)} {
		w := s.do(form("/channels/general/messages", "content=my+%3Ctext%3E&key=k1&thread="+thread))
		html := w.Body.String()
		if w.Code != http.StatusBadRequest || !strings.Contains(html, ">my &lt;text&gt;</textarea>") ||
			!strings.Contains(html, textTooLong) || strings.Contains(html, "content:") || !strings.Contains(html, `name="key" value="k1"`) {
			t.Errorf("thread %q: %d %s", thread, w.Code, html)
		}
	}
	w := s.do(form("/fragments/channels/general/messages", "content=x"))
	var p server.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 400 || p.Detail != textTooLong || len(p.Errors) != 0 {
		t.Errorf("fragment: %d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/channels/general/messages", "/fragments/channels/general/messages"} {
		if w := s.do(form(path, "content=+")); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), textNothingWritten) {
			t.Errorf("%s: nothing: %d %s", path, w.Code, w.Body)
		}
		if w := s.do(form(path, "content="+strings.Repeat("x", maxForm))); w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), textTooLong) {
			t.Errorf("%s: an endless form: %d", path, w.Code)
		}
		if w := s.do(form(path, "content=%zz")); w.Code != http.StatusBadRequest {
			t.Errorf("%s: a broken form: %d", path, w.Code)
		}
	}
}

func TestFragments(t *testing.T) {
	s := newSite(t)
	root := s.chat.add(hub.Message{Content: "**hello**", ReplyCount: 1})
	w := s.get("/fragments/messages/" + string(root.ID))
	if html := w.Body.String(); w.Code != 200 || !strings.HasPrefix(html, `<li id="m-`+string(root.ID)+`"`) || !strings.Contains(html, "1 reply") {
		t.Errorf("%d %s", w.Code, html)
	}
	if html := s.get("/fragments/messages/" + string(root.ID) + "?thread=1").Body.String(); strings.Contains(html, "1 reply") {
		t.Errorf("on the thread's page: %s", html)
	}
	if w := s.get("/fragments/messages/" + string(messageID(9))); w.Code != 404 {
		t.Errorf("unknown: %d", w.Code)
	}
	w = s.do(form("/fragments/channels/general/messages", "content=posted"))
	if html := w.Body.String(); w.Code != 201 || !strings.HasPrefix(html, "<li id=") || !strings.Contains(html, "posted") {
		t.Errorf("%d %s", w.Code, html)
	}
	w = s.get("/fragments/channels/general/messages?before=" + string(root.ID))
	if html := w.Body.String(); w.Code != 200 || !strings.Contains(html, `<ol id="items"></ol>`) || strings.Contains(html, textNewest) {
		t.Errorf("%d %s", w.Code, html)
	}
}

func TestGuestsOnlyRead(t *testing.T) {
	s := newSite(t)
	s.door.actor = hub.Actor{UserID: "gus", Username: "gus", Role: hub.RoleGuest, Scope: hub.ScopeRead}
	s.chat.add(hub.Message{Content: "hello"})
	html := s.get("/channels/general").Body.String()
	if strings.Contains(html, "<textarea") || strings.Contains(html, textReplyInThread) || !strings.Contains(html, textReadOnly) {
		t.Errorf("a guest's page: %s", html)
	}
}

func TestLogin(t *testing.T) {
	s := newSite(t)
	do := func(r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.http.ServeHTTP(w, r)
		return w
	}
	// Looking at the link spends nothing.
	w := do(httptest.NewRequest(http.MethodGet, "/login?code=good", nil))
	if w.Code != 200 || !strings.Contains(w.Body.String(), `value="good"`) || len(w.Result().Cookies()) != 0 { //nolint:bodyclose // a recorder's body
		t.Errorf("GET: %d %s", w.Code, w.Body)
	}
	for _, query := range []string{"", "?code=", "?code=" + strings.Repeat("x", 1000)} {
		if w := do(httptest.NewRequest(http.MethodGet, "/login"+query, nil)); w.Code != 401 || !strings.Contains(w.Body.String(), "hub login") {
			t.Errorf("GET without a code: %d %s", w.Code, w.Body)
		}
	}
	w = do(form("/login", url.Values{"code": {"good"}}.Encode()))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" || len(w.Result().Cookies()) != 1 { //nolint:bodyclose // a recorder's body
		t.Errorf("POST: %d %v", w.Code, w.Header())
	}
	refused := map[string]struct {
		body   string
		status int
		want   string
		not    string
	}{
		"used":        {"code=bad", 401, "does not work any more", ""},
		"limited":     {"code=busy", 429, "Too many", ""},
		"broken":      {"code=disk", 500, "request id", "disk on fire"},
		"no code":     {"", 401, "does not work any more", ""},
		"broken form": {"%zz", 400, textSignInFailed, ""},
		"endless":     {"code=" + strings.Repeat("x", 5000), 413, textSignInFailed, ""},
	}
	for name, test := range refused {
		w := do(form("/login", test.body))
		html := w.Body.String()
		if w.Code != test.status || !strings.Contains(html, test.want) || test.not != "" && strings.Contains(html, test.not) {
			t.Errorf("%s: %d %s", name, w.Code, html)
		}
	}
	// Another site cannot sign its visitors in as somebody of its choice.
	r := form("/login", "code=good")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if w := do(r); w.Code != 403 || len(w.Result().Cookies()) != 0 { //nolint:bodyclose // a recorder's body
		t.Errorf("forced: %d %v", w.Code, w.Header())
	}
}

func TestLogout(t *testing.T) {
	s := newSite(t)
	w := s.do(form("/logout", ""))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" || !strings.Contains(w.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	r := form("/logout", "")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if w := s.do(r); w.Code != 403 {
		t.Errorf("another site signs visitors out: %d", w.Code)
	}
	if w := s.get("/logout"); w.Header().Get("Set-Cookie") != "" {
		t.Errorf("a link signs out: %d", w.Code)
	}
	s.door.signOut = errors.New("disk on fire")
	if w := s.do(form("/logout", "")); w.Code != 500 || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("failed: %d %s", w.Code, w.Body)
	}
}

func TestStatic(t *testing.T) {
	s := newSite(t)
	types := map[string]string{"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}
	for name, contentType := range types {
		path := assets.path(name)
		w := httptest.NewRecorder()
		s.http.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		h := w.Header()
		if w.Code != 200 || h.Get("Content-Type") != contentType || !strings.Contains(h.Get("Cache-Control"), "immutable") || w.Body.Len() == 0 {
			t.Errorf("%s: %d %v", path, w.Code, h)
		}
	}
	if len(types) != len(assets.paths) {
		t.Errorf("%d files are served, %d are known here", len(assets.paths), len(types))
	}
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/static/app.0000.js", nil))
	if w.Code != 404 || strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("an old name: %d %v", w.Code, w.Header())
	}
}
