package e2e

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	api "github.com/nself-chat/hub/client"
)

// callsOf returns the log of an incoming webhook, newest first.
func (p *process) callsOf(id string) []api.Call {
	p.t.Helper()
	return all(p, p.api().Calls(p.t.Context(), id, newestPage...))
}

// rotate gives an incoming webhook a new token.
func (p *process) rotate(in hook, overlap time.Duration) hook {
	p.t.Helper()
	w := result(p.api().RotateIncomingWebhook(p.t.Context(), in.ID, overlap)).must(p)
	return hook{ID: w.ID, Token: w.Token, URL: w.URL}
}

// TestSlackText: a plain {text} is answered as Slack does.
func TestSlackText(t *testing.T) { onBoth(t, testSlackText) }

func testSlackText(t *testing.T, on database) {
	p := on.startHub(t)
	general := p.general()
	in := p.incoming(map[string]any{"name": "Build", "targetChannelId": general, "avatarUrl": "https://example.com/b.png"})
	for _, path := range []string{"", "/slack"} {
		a, err := p.do("POST", incomingPath(in.Token)+path, anonymous(), strings.NewReader(`{"text":"*done*"}`))
		if err != nil {
			t.Fatal(err)
		}
		if a.Status != http.StatusOK || string(a.Body) != "ok" || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %v %q", path, a.Status, a.Header, a.Body)
		}
	}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {""}}
	a, err := p.do("POST", incomingPath(in.Token), form, strings.NewReader(`payload=%7B%22text%22%3A%22by+form%22%7D`))
	if err != nil || a.Status != http.StatusOK || string(a.Body) != "ok" {
		t.Errorf("a form: %v %d %q", err, a.Status, a.Body)
	}
	got := p.newest(general)
	if len(got) != 3 || got[0].Content != "by form" || got[0].Author.DisplayName != "Build" || got[0].Author.AvatarURL != "https://example.com/b.png" {
		t.Errorf("the messages: %+v", got)
	}
	if a := p.curl(in.Token, `{"text":""}`); a.Status != http.StatusBadRequest || string(a.Body) != "no_text" {
		t.Errorf("an empty text: %d %q", a.Status, a.Body)
	}
	p.stop()
	p.verify()
}

// TestIncomingEdit changes and removes what a webhook posted, by its URL.
func TestIncomingEdit(t *testing.T) { onBoth(t, testIncomingEdit) }

func testIncomingEdit(t *testing.T, on database) {
	p := on.startHub(t)
	general := p.general()
	in := p.incoming(map[string]any{"name": "edit", "targetChannelId": general})
	other := p.incoming(map[string]any{"name": "other", "targetChannelId": general})
	var ok posted
	if err := json.Unmarshal(p.curl(in.Token, `{"content":"first"}`).Body, &ok); err != nil {
		t.Fatal(err)
	}
	send := func(method, token, body string) int {
		t.Helper()
		a, err := p.do(method, incomingPath(token)+"/messages/"+ok.MessageID, anonymous(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return a.Status
	}
	if got := send("PATCH", other.Token, `{"content":"stolen"}`); got != http.StatusNotFound {
		t.Errorf("another webhook's edit: %d", got)
	}
	if got := send("PATCH", in.Token, `{"content":"second"}`); got != http.StatusOK {
		t.Errorf("the edit: %d", got)
	}
	if got := p.newest(general); len(got) != 1 || got[0].Content != "second" || got[0].Revision != 2 {
		t.Errorf("after the edit: %+v", got)
	}
	if got := send("DELETE", in.Token, ""); got > 299 {
		t.Errorf("the deletion: %d", got)
	}
	if got := p.newest(general); len(got) != 1 || !got[0].IsDeleted || got[0].Content != "" {
		t.Errorf("after the deletion: %+v", got)
	}
	p.stop()
	p.verify()
}

func TestIncomingProofs(t *testing.T) { onBoth(t, testIncomingProofs) }

func testIncomingProofs(t *testing.T, on database) {
	p := on.startHub(t)
	general := p.general()
	const secret = "shared-with-the-sender"
	signed := p.incoming(map[string]any{"name": "signed", "targetChannelId": general, "hmacSecret": secret})
	const body = `{"content":"signed"}`
	post := func(token string, header http.Header) answer {
		t.Helper()
		h := anonymous()
		for name, values := range header {
			h[name] = values
		}
		a, err := p.do("POST", incomingPath(token), h, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	stamp := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
	standard := func(id, stamp string) http.Header {
		return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {standardSignature(secret, id, stamp, []byte(body))}}
	}
	for name, c := range map[string]struct {
		header http.Header
		status int
	}{
		"no signature":     {nil, http.StatusUnauthorized},
		"a wrong one":      {http.Header{"X-Webhook-Signature": {bodySignature("another", []byte(body))}}, http.StatusUnauthorized},
		"the hub's own":    {http.Header{"X-Webhook-Signature": {bodySignature(secret, []byte(body))}}, http.StatusOK},
		"GitHub's":         {http.Header{"X-Hub-Signature-256": {bodySignature(secret, []byte(body))}}, http.StatusOK},
		"Standard":         {standard("msg_1", stamp(0)), http.StatusOK},
		"an old timestamp": {standard("msg_2", stamp(-time.Hour)), http.StatusUnauthorized},
	} {
		if a := post(signed.Token, c.header); a.Status != c.status {
			t.Errorf("%s: %d %s, want %d", name, a.Status, a.Body, c.status)
		}
	}
	if n := len(p.newest(general)); n != 3 {
		t.Errorf("%d messages, want 3", n)
	}

	elsewhere := p.incoming(map[string]any{"name": "elsewhere", "targetChannelId": general, "allowIps": []string{"192.0.2.0/24"}})
	if a := post(elsewhere.Token, nil); a.Status < 400 || a.Status > 499 {
		t.Errorf("from a wrong address: %d", a.Status)
	}
	here := p.incoming(map[string]any{"name": "here", "targetChannelId": general, "allowIps": []string{"127.0.0.0/8"}})
	if a := post(here.Token, nil); a.Status != http.StatusOK {
		t.Errorf("from the right address: %d %s", a.Status, a.Body)
	}

	disabled := p.incoming(map[string]any{"name": "disabled", "targetChannelId": general, "enabled": false})
	expired := p.incoming(map[string]any{"name": "expired", "targetChannelId": general, "expiresAt": time.Now().Add(300 * time.Millisecond)})
	eventually(t, "the expiry", func() bool { return post(expired.Token, nil).Status == http.StatusNotFound })
	unknown := post("AnUnknownTokenOfTheRightLength123", nil)
	for name, a := range map[string]answer{"disabled": post(disabled.Token, nil), "expired": post(expired.Token, nil)} {
		if a.Status != http.StatusNotFound || string(a.Body) != string(unknown.Body) {
			t.Errorf("%s: %d %s, an unknown token gets %d %s", name, a.Status, a.Body, unknown.Status, unknown.Body)
		}
	}
	eventually(t, "the call with nobody's token, in the inbox", func() bool {
		for _, c := range all(p, p.api().Inbox(t.Context(), api.WithLimit(100))) {
			if c.Verdict == "unknown_token" && c.IncomingID == "" {
				return true
			}
		}
		return false
	})
	p.stop()
	p.verify()
}

func TestIncomingRotate(t *testing.T) { onBoth(t, testIncomingRotate) }

func testIncomingRotate(t *testing.T, on database) {
	p := on.startHub(t)
	old := p.incoming(map[string]any{"name": "rotate", "targetChannelId": p.general()})
	fresh := p.rotate(old, time.Hour)
	if fresh.Token == old.Token || !strings.HasSuffix(fresh.URL, fresh.Token) {
		t.Fatalf("the new token: %+v", fresh)
	}
	for name, token := range map[string]string{"old": old.Token, "new": fresh.Token} {
		if a := p.curl(token, guideCurl); a.Status != http.StatusOK {
			t.Errorf("the %s token during the overlap: %d", name, a.Status)
		}
	}
	last := p.rotate(old, 0)
	for name, c := range map[string]struct {
		token  string
		status int
	}{"oldest": {old.Token, 404}, "old": {fresh.Token, 404}, "new": {last.Token, 200}} {
		if a := p.curl(c.token, guideCurl); a.Status != c.status {
			t.Errorf("the %s token without overlap: %d, want %d", name, a.Status, c.status)
		}
	}
	p.ok(p.api().DeleteIncomingWebhook(t.Context(), old.ID))
	if a := p.curl(last.Token, guideCurl); a.Status != http.StatusNotFound {
		t.Errorf("after the deletion: %d", a.Status)
	}
	p.stop()
	p.verify()
}

func TestIncomingLimit(t *testing.T) { onBoth(t, testIncomingLimit) }

func testIncomingLimit(t *testing.T, on database) {
	p := on.startHub(t)
	in := p.incoming(map[string]any{"name": "limited", "targetChannelId": p.general(), "rateLimit": 2})
	for i, want := range []int{200, 200, 429, 429} {
		a := p.curl(in.Token, `{"content":"again"}`)
		if a.Status != want || a.Header.Get("X-RateLimit-Limit") != "2" || a.Header.Get("X-RateLimit-Reset") == "" ||
			a.Header.Get("X-RateLimit-Remaining") != []string{"1", "0", "0", "0"}[i] {
			t.Errorf("call %d: %d %v", i+1, a.Status, a.Header)
		}
		if retry := a.Header.Get("Retry-After"); (retry != "") != (want == 429) {
			t.Errorf("call %d: Retry-After %q", i+1, retry)
		}
	}
	if n := len(p.newest(p.general())); n != 2 {
		t.Errorf("%d messages", n)
	}
	p.stop()
	p.verify()
}

// TestIncomingLog shows every call, refused ones too, and posts one again.
func TestIncomingLog(t *testing.T) { onBoth(t, testIncomingLog) }

func testIncomingLog(t *testing.T, on database) {
	p := on.startHub(t)
	general := p.general()
	in := p.incoming(map[string]any{"name": "logged", "targetChannelId": general})
	p.curl(in.Token, `{"content":"good","password":"hunter2hunter2"}`)
	p.curl(in.Token, `{"content":`)
	p.curl(in.Token, `{"content":""}`)
	eventually(t, "the log of three calls", func() bool { return len(p.callsOf(in.ID)) == 3 })
	calls := p.callsOf(in.ID)
	accepted := calls[2]
	if accepted.Verdict != "accepted" || accepted.Status != 200 || accepted.MessageID == "" || accepted.RemoteIP != "127.0.0.1" {
		t.Errorf("the accepted call: %+v", accepted)
	}
	for _, c := range calls[:2] {
		if c.Verdict == "accepted" || c.Status != 400 || c.Reason == "" || c.MessageID != "" {
			t.Errorf("a refused call: %+v", c)
		}
	}
	one := result(p.api().Call(t.Context(), in.ID, accepted.ID)).must(p)
	if !strings.Contains(one.Body, `"content":"good"`) || strings.Contains(one.Body, "hunter2") {
		t.Errorf("the logged body: %s", one.Body)
	}
	again := result(p.api().ReplayCall(t.Context(), in.ID, accepted.ID)).must(p)
	if again.ID == accepted.ID || again.MessageID == "" || again.MessageID == accepted.MessageID {
		t.Errorf("the replay: %+v", again)
	}
	if got := p.newest(general); len(got) != 2 || got[0].Content != "good" {
		t.Errorf("after the replay: %+v", got)
	}
	p.stop()
	p.verify()
}

// TestMassMentionsAreDefused unless the webhook's owner allows them.
func TestMassMentionsAreDefused(t *testing.T) { onBoth(t, testMassMentionsAreDefused) }

func testMassMentionsAreDefused(t *testing.T, on database) {
	p := on.startHub(t)
	general := p.general()
	for _, allowed := range []bool{false, true} {
		in := p.incoming(map[string]any{"name": "mentions", "targetChannelId": general, "allowMentions": allowed})
		p.curl(in.Token, `{"content":"look @everyone, @here, @channel"}`)
		text := p.newest(general)[0].Content
		if got := strings.Contains(text, "@everyone") && strings.Contains(text, "@here") && strings.Contains(text, "@channel"); got != allowed {
			t.Errorf("allowed %v: %q", allowed, text)
		}
	}
	p.stop()
	p.verify()
}

// TestUsageNeverPosts: GET shows how to post.
func TestUsageNeverPosts(t *testing.T) { onBoth(t, testUsageNeverPosts) }

func testUsageNeverPosts(t *testing.T, on database) {
	p := on.startHub(t)
	in := p.incoming(map[string]any{"name": "usage", "targetChannelId": p.general()})
	a, err := p.do("GET", incomingPath(in.Token)+"?text=hello", http.Header{"Authorization": {""}}, nil)
	if err != nil || a.Status != http.StatusOK || len(a.Body) == 0 {
		t.Errorf("%v %d %s", err, a.Status, a.Body)
	}
	if n := len(p.newest(p.general())); n != 0 {
		t.Errorf("GET posted %d messages", n)
	}
}
