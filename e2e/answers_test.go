package e2e

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	api "github.com/nself-chat/hub/client"
)

// reply is an answer as a sender looks at it.
type reply struct {
	status int
	kind   string // its Content-Type without parameters; "": there is no body
	body   string // byte for byte, or an expression between slashes
}

// check fails the test unless the answer is that.
func (want reply) check(t *testing.T, what string, a answer) {
	t.Helper()
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	fits := string(a.Body) == want.body
	if pattern, ok := strings.CutPrefix(want.body, "/"); ok {
		fits = regexp.MustCompile("^(?:" + strings.TrimSuffix(pattern, "/") + ")$").Match(a.Body)
	}
	if a.Status != want.status || kind != want.kind || !fits {
		t.Errorf("%s: %d %s %q, want %d %s %q", what, a.Status, kind, a.Body, want.status, want.kind, want.body)
	}
}

// Kinds of answers.
const (
	asJSON    = "application/json"
	asProblem = "application/problem+json"
	asText    = "text/plain"
)

// own is how nself-chat answers, and with it all products that do not look at the
// body of an answer.
var own = answers{
	reply{200, asJSON, `/\{"success":true,"message":"Message posted successfully","messageId":"[0-9a-f-]{36}","channelId":"[0-9a-f-]{36}",` +
		`"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","duration":[0-9.]+\}/`},
	reply{404, asProblem, `/\{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no webhook at this address\.","code":"not_found","errors":\[\]\}/`},
	reply{409, asProblem, `/\{.*"status":409,.*archived.*"code":"conflict".*\}/`},
	reply{400, asProblem, `/\{.*"status":400,.*"code":"invalid".*\}/`},
}

// answers are what a sender gets when all is well, when nobody has the token, when
// the channel is archived, and when there is nothing to post.
type answers struct{ success, unknown, archived, empty reply }

// TestAnswers holds the answers to what each sender's own code looks at.
func TestAnswers(t *testing.T) {
	t.Parallel()
	p := startHub(t)
	channelID, in := p.room("answers")
	archivedID, archived := p.room("archived")
	_, err := p.api().UpdateChannel(t.Context(), archivedID, api.ChannelChange{IsArchived: api.Set(true)})
	p.ok(err)

	slack := answers{
		reply{200, asText, "ok"}, reply{404, asText, "no_service"}, reply{410, asText, "channel_is_archived"}, reply{400, asText, "no_text"},
	}
	discord := answers{
		reply{204, "", ""},
		reply{404, asJSON, `{"message":"Unknown Webhook","code":10015}`},
		reply{400, asJSON, `{"message":"This thread is archived","code":50083}`},
		reply{400, asJSON, `{"message":"Cannot send an empty message","code":50006}`},
	}
	message := discord
	message.success = reply{200, asJSON, `/\{"id":"\d+","type":0,"channel_id":"\d+","webhook_id":"\d+","author":\{.*"content":"hello","embeds":\[\],.*\}/`}
	mattermost := func(status, id string) string {
		return `/\{"id":"` + regexp.QuoteMeta(id) + `","message":".+","detailed_error":"","request_id":"","status_code":` + status + `\}/`
	}
	for _, sender := range []struct {
		name, path, body, empty string
		want                    answers
	}{
		{"Slack", "/slack", `{"text":"hello"}`, `{"text":""}`, slack},
		{"Slack, by a form", "/slack", "payload=%7B%22text%22%3A%22hello%22%7D", "payload=%7B%7D", slack},
		{"Slack, recognised", "", `{"text":"hello","link_names":"1"}`, `{"text":"","link_names":"1"}`, slack},
		{"text alone", "", `{"text":"hello"}`, `{"text":""}`, slack},
		{"Slack's Web API", "/slack/chat.postMessage", `{"channel":"C1","text":"hello"}`, `{"channel":"C1","text":""}`, answers{
			reply{200, asJSON, `/\{"ok":true,"channel":"C\d+","ts":"\d+","message":\{.*"text":"hello".*\}\}/`},
			reply{200, asJSON, `{"ok":false,"error":"invalid_auth"}`},
			reply{200, asJSON, `{"ok":false,"error":"is_archived"}`},
			reply{200, asJSON, `{"ok":false,"error":"no_text"}`},
		}},
		{"Discord", "/discord", `{"content":"hello"}`, `{"content":""}`, discord},
		{"Discord, recognised", "", `{"content":"hello","allowed_mentions":{"parse":[]}}`, `{"content":"","allowed_mentions":{"parse":[]}}`, discord},
		{"Discord, waiting", "/discord?wait=true", `{"content":"hello"}`, `{"content":""}`, message},
		{"Discord, waiting, recognised", "?wait=true", `{"content":"hello"}`, `{"content":""}`, message},
		{"Mattermost", "/mattermost", `{"text":"hello"}`, `{"text":""}`, answers{
			reply{200, asText, "ok"},
			reply{404, asJSON, mattermost("404", "web.incoming_webhook.invalid.app_error")},
			reply{409, asJSON, mattermost("409", "api.post.create_post.can_not_post_to_deleted.error")},
			reply{400, asJSON, mattermost("400", "web.incoming_webhook.text.app_error")},
		}},
		{"Teams", "/teams", `{"@type":"MessageCard","text":"hello"}`, `{"@type":"MessageCard"}`, answers{
			reply{200, asText, "1"}, reply{404, asText, "/.+/"}, reply{409, asText, "/.+/"}, reply{400, asText, "/.+/"},
		}},
		{"Rocket.Chat", "/rocketchat", `{"text":"hello"}`, `{"text":""}`, answers{
			reply{200, asJSON, `{"success":true}`},
			reply{404, asJSON, `/\{"success":false,"error":".+"\}/`},
			reply{409, asJSON, `/\{"success":false,"error":".+"\}/`},
			reply{400, asJSON, `/\{"success":false,"error":".+"\}/`},
		}},
		{"Gotify", "/gotify/message", `{"message":"hello"}`, `{"message":""}`, answers{
			reply{200, asJSON, `/\{"id":\d+,"appid":1,"message":"hello","title":"","priority":0,"date":"[^"]+"\}/`},
			reply{404, asJSON, `/\{"error":"Not Found","errorCode":404,"errorDescription":".+"\}/`},
			reply{409, asJSON, `/\{"error":"Conflict","errorCode":409,"errorDescription":".+"\}/`},
			reply{400, asJSON, `/\{"error":"Bad Request","errorCode":400,"errorDescription":".+"\}/`},
		}},
		{"ntfy", "/ntfy/topic", "hello", "", answers{
			reply{200, asJSON, `/\{"id":"[^"]+","time":\d+,"event":"message","topic":"topic",.*"message":"hello".*\}/`},
			reply{404, asJSON, `/\{"code":\d+,"http":404,"error":".+"\}/`},
			reply{409, asJSON, `/\{"code":\d+,"http":409,"error":".+"\}/`},
			reply{400, asJSON, `/\{"code":\d+,"http":400,"error":".+"\}/`},
		}},
		{"nself-chat", "", `{"content":"hello"}`, `{"content":""}`, own},
		{"nself-chat, forced", "/nself-chat", `{"text":"hello"}`, `{"text":""}`, own},
		{"the guide's call", "", guideCurl, `{"text":"","username":"External Bot","icon_url":"https://example.com/icon.png"}`, own},
		{"a text by curl", "", "hello", "", own},
		{"Alertmanager", "/alertmanager", `{"version":"4","groupKey":"k","status":"firing","receiver":"hub","alerts":[{"status":"firing","labels":{"alertname":"hello"}}]}`, "", own},
		{"GitLab", "/gitlab", `{"object_kind":"push","user_name":"hello","ref":"refs/heads/main","project":{"name":"p"}}`, "", own},
		{"anything", "/card", `{"what":"hello"}`, "{}", own},
	} {
		post := func(token, body string) answer {
			t.Helper()
			header := anonymous()
			if !strings.HasPrefix(body, "{") {
				header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			a, err := p.do("POST", incomingPath(token)+sender.path, header, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		before := len(p.newest(channelID))
		sender.want.success.check(t, sender.name, post(in.Token, sender.body))
		sender.want.unknown.check(t, sender.name+", a wrong token", post(in.Token+"x", sender.body))
		sender.want.archived.check(t, sender.name+", an archived channel", post(archived.Token, sender.body))
		sender.want.empty.check(t, sender.name+", nothing to post", post(in.Token, sender.empty))
		if n := len(p.newest(channelID)) - before; n != 1 {
			t.Errorf("%s: posted %d messages", sender.name, n)
		}
	}
	p.stop()
	p.verify()
}

// TestDescribesItself: Uptime Kuma looks at the webhook before it posts to Discord.
func TestDescribesItself(t *testing.T) {
	t.Parallel()
	p := startHub(t)
	channelID, in := p.room("described")
	for _, path := range []string{
		incomingPath(in.Token) + "/discord", "/api/v10/webhooks/incoming/" + in.Token, "/api/v9/webhooks/incoming/" + in.Token + "?thread_id=555",
	} {
		a, err := p.do("GET", path, http.Header{"Authorization": {""}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var h struct {
			ID, Name, Token, URL string
			Type                 int
			ChannelID            string `json:"channel_id"`
		}
		if err := json.Unmarshal(a.Body, &h); err != nil || a.Status != 200 || h.Type != 1 || h.Name != "described" || h.Token != in.Token ||
			h.ID == "" || h.ChannelID == "" || !strings.HasSuffix(h.URL, incomingPath(in.Token)) {
			t.Errorf("%s: %v, %d %s", path, err, a.Status, a.Body)
		}
		wrong, err := p.do("GET", strings.Replace(path, in.Token, in.Token+"x", 1), http.Header{"Authorization": {""}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		reply{404, asJSON, `{"message":"Unknown Webhook","code":10015}`}.check(t, path, wrong)
	}
	if n := len(p.newest(channelID)); n != 0 {
		t.Errorf("a look at the webhook posted %d messages", n)
	}
}
