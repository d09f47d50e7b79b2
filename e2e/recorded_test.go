package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	api "github.com/nself-chat/hub/client"
)

// recorded is a request that a program out there sent, or that its makers publish.
type recorded struct {
	name   string // its path below the folder of recordings
	method string
	query  string
	header http.Header
	body   []byte
	// dialect is what the log must call it.
	dialect string
}

// recordings is the folder of recorded payloads, which nobody of us wrote. Its
// README says where each is from.
const recordings = "../../shared/fixtures"

// senders says, by pattern, who sent what; the first that fits counts.
var senders = []struct{ pattern, dialect string }{
	{"github/*/*.json", "github"},
	{"slack/webapi-objects/slack-go/webhooks.02.*", "slack"},
	{"discord/docs-examples/message.07.*", ""}, // a part of a message, with nothing to show
	{"discord/docs-examples/message.*", "discord"},
	{"discord/docs-examples/reference.04.*", "discord"},
	{"discord/docs-examples/using-message-components.*", "discord"},
	{"senders/README.md", ""},
	{"senders/alerta/cloudwatch_*", "sns"},
	{"senders/alerta/grafana_*", "grafana"},
	{"senders/alerta/graylog_*", "graylog"},
	{"senders/alerta/pagerduty_*", "pagerduty"},
	{"senders/alerta/pingdom_*", "pingdom"},
	{"senders/alerta/prometheus_*", "alertmanager"},
	{"senders/alerta/stackdriver_*", "google-cloud-monitoring"},
	{"senders/alerta/telegram_*", "card"}, // what Telegram sends, not what is sent to it
	{"senders/alerta/vmware_*", "vrealize"},
	{"senders/alertmanager/discord-*", "discord"},
	{"senders/alertmanager/mattermost-*", "mattermost"},
	{"senders/alertmanager/msteams*", "teams"},
	{"senders/alertmanager/rest-api-3-*", "card"}, // a search in Jira
	{"senders/alertmanager/rocketchat-*", "rocketchat"},
	{"senders/alertmanager/slack-*", "slack"},
	{"senders/alertmanager/telegram-*", "telegram"},
	{"senders/alertmanager/webhook-*", "alertmanager"},
	{"senders/azuredevops/*", "azuredevops"},
	{"senders/bitbucket*/*", "bitbucket"},
	{"senders/gitea/*", "gitea"},
	{"senders/gitlab/*", "gitlab"},
	{"senders/gogs/*", "gogs"},
	{"senders/keep/axiom.*", "axiom"},
	{"senders/keep/dash0.*", "dash0"},
	{"senders/keep/gcpmonitoring.*", "google-cloud-monitoring"},
	{"senders/keep/grafana.*", "grafana"},
	{"senders/keep/graylog.*", "graylog"},
	{"senders/keep/netbox.*", "netbox"},
	{"senders/keep/prometheus.*", "alertmanager"},
	{"senders/keep/sentry.*", "sentry"},
	{"senders/keep/thousandeyes.*", "thousandeyes"},
	{"senders/shoutrrr/generic-*", "card"},
	{"senders/shoutrrr/gotify*", "gotify"},
	{"senders/shoutrrr/ntfy*", "ntfy"},
	{"senders/slack-incoming/*", "slack"},
	{"senders/uptime-kuma/discord-*", "discord"},
	{"senders/uptime-kuma/gotify-*", "gotify"},
	{"senders/uptime-kuma/mattermost-*", "slack"}, // it is what it sends to Slack
	{"senders/uptime-kuma/ntfy-*", "ntfy"},
	{"senders/uptime-kuma/slack-*", "slack"},
	{"senders/uptime-kuma/stackfield-*", "card"},
	{"senders/uptime-kuma/teams-*", "teams"},
	{"senders/uptime-kuma/telegram-*", "telegram"},
	{"senders/uptime-kuma/webhook-custom-*", "card"},
	{"senders/uptime-kuma/webhook-json-*", "uptime-kuma"},
}

// recordedRequests reads all recordings of requests to a webhook. It skips the test
// when they are not there, and fails it under CI.
func recordedRequests(t *testing.T) (all []recorded) {
	t.Helper()
	if _, err := os.Stat(recordings); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the recorded payloads are missing: ", err)
		}
		t.Skip("there is no folder ", recordings, " with recorded payloads")
	}
	headers := readHeaders(t)
	for _, pattern := range []string{"github/*/*.json", "slack/*/*/*", "discord/docs-examples/*", "senders/*", "senders/*/*"} {
		files, err := filepath.Glob(filepath.Join(recordings, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name, err := filepath.Rel(recordings, file)
			if err != nil {
				t.Fatal(err)
			}
			name = filepath.ToSlash(name)
			i := slices.IndexFunc(senders, func(s struct{ pattern, dialect string }) bool { return matches(s.pattern, name) })
			if i < 0 {
				if info, err := os.Stat(file); err != nil || !info.IsDir() && strings.HasPrefix(name, "senders/") {
					t.Errorf("nobody is named who sends %s (%v)", name, err)
				}
				continue
			}
			r := readRecording(t, file, name, headers)
			if r.dialect = senders[i].dialect; r.dialect != "" && r.method == http.MethodPost {
				all = append(all, r)
			}
		}
	}
	return all
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// knownHeader is a header with which the recordings that fit a pattern were sent, if
// the recording does not say it.
type knownHeader struct{ pattern, name, value string }

// readHeaders collects them from what the dialects' own tests say.
func readHeaders(t *testing.T) (all []knownHeader) {
	t.Helper()
	files, err := filepath.Glob("../internal/ingress/dialects/*/testdata/fields.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("the dialects' expectations are not there: ", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pattern := ""
		for line := range strings.Lines(string(text)) {
			field, header := strings.CutPrefix(strings.TrimSpace(line), "header ")
			switch {
			case header:
				name, value, _ := strings.Cut(field, ":")
				all = append(all, knownHeader{pattern, strings.TrimSpace(name), strings.TrimSpace(value)})
			case line != "" && !strings.ContainsAny(line[:1], " \t\n#"):
				pattern = strings.TrimSpace(line)
			}
		}
	}
	return all
}

// readRecording reads a body, or a file that ends in .request.json with all of a
// request.
func readRecording(t *testing.T, file, name string, headers []knownHeader) recorded {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := recorded{name: name, method: "POST", header: http.Header{"Authorization": {""}}, body: data}
	if !strings.HasSuffix(name, ".request.json") {
		r.header.Set("Content-Type", "application/json")
		for _, h := range headers {
			if matches(h.pattern, name) {
				r.header.Set(h.name, h.value)
			}
		}
		return r
	}
	var whole struct {
		Method, Path string
		Headers      map[string]any
		Body         json.RawMessage
	}
	if err := json.Unmarshal(data, &whole); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	r.method, r.body = whole.Method, whole.Body
	var text string
	if json.Unmarshal(whole.Body, &text) == nil {
		r.body = []byte(text)
	}
	for name, value := range whole.Headers {
		// These are about the connection.
		if !slices.Contains([]string{"host", "content-length", "accept-encoding", "connection", "transfer-encoding"}, strings.ToLower(name)) {
			r.header.Set(name, strings.Trim(fmt.Sprint(value), "[]"))
		}
	}
	if _, query, ok := strings.Cut(whole.Path, "?"); ok {
		r.query = "?" + query
	}
	return r
}

// send posts the recording, or its body with changes, to a webhook.
func (p *process) send(r *recorded, token string, body []byte) answer {
	p.t.Helper()
	a, err := p.do(r.method, incomingPath(token)+r.query, r.header, bytes.NewReader(body))
	if err != nil {
		p.t.Errorf("%s: %v", r.name, err)
	}
	return a
}

// lastCall returns the newest call in a webhook's log, and the message it made.
func (p *process) lastCall(in hook) (last api.Call, m shown) {
	p.t.Helper()
	last = all(p, p.api().Calls(p.t.Context(), in.ID, api.WithLimit(1)))[0]
	if last.MessageID != "" {
		m.Message = result(p.api().Message(p.t.Context(), last.MessageID)).must(p)
	}
	return last, m
}

// html finds tags that are not written out as text, as \<b> is.
var (
	html     = regexp.MustCompile(`(?i)(^|[^\\])</?(a|b|br|code|details|div|em|h[1-6]|hr|i|img|input|kbd|li|ol|p|pre|script|span|strong|sub|summary|sup|table|td|th|tr|ul)(\s[^>]*)?/?>|<!--`)
	verbatim = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
)

// TestRecordings posts everything that was recorded to a running hub.
func TestRecordings(t *testing.T) {
	t.Parallel()
	p := startHub(t)
	rooms := map[string]hook{}
	for _, r := range recordedRequests(t) {
		in := p.roomOf(rooms, r.dialect)
		a := p.send(&r, in.Token, r.body)
		c, m := p.lastCall(in)
		if c.Verdict != "accepted" || c.Dialect != r.dialect {
			t.Errorf("%s: logged as %s, %s %s; want %s", r.name, c.Dialect, c.Verdict, c.Reason, r.dialect)
		}
		if problem := rightAnswer(c.Dialect, a, m.ID); problem != "" {
			t.Errorf("%s: %s: %d %q", r.name, problem, a.Status, a.Body)
		}
		if strings.TrimSpace(m.text()) == "" && len(m.Attachments) == 0 {
			t.Errorf("%s: an empty message: %+v", r.name, m)
		}
		if tag := html.FindString(verbatim.ReplaceAllString(m.Content, "")); tag != "" {
			t.Errorf("%s: %s in the text: %s", r.name, tag, m.Content)
		}
		for _, c := range m.Embeds {
			if tag := html.FindString(verbatim.ReplaceAllString(c.Description, "")); tag != "" {
				t.Errorf("%s: %s in a card: %s", r.name, tag, c.Description)
			}
		}
	}
	if len(rooms) < 25 {
		t.Errorf("only %d senders: %v", len(rooms), slices.Sorted(maps.Keys(rooms)))
	}
	p.stop()
	p.verify()
}

// roomOf returns the webhook of a sender, each in a room of its own.
func (p *process) roomOf(rooms map[string]hook, dialect string) hook {
	p.t.Helper()
	in, ok := rooms[dialect]
	if !ok {
		_, in = p.room(dialect)
		rooms[dialect] = in
	}
	return in
}

// rightAnswer says what is wrong with the answer to a post; "": nothing.
func rightAnswer(dialect string, a answer, id string) string {
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	exactly := func(status int, contentType, body string) string {
		if a.Status != status || kind != contentType || string(a.Body) != body {
			return fmt.Sprintf("answered as %s, want %d %s %q", kind, status, contentType, body)
		}
		return ""
	}
	switch dialect {
	case "slack", "mattermost":
		return exactly(200, "text/plain", "ok")
	case "discord":
		return exactly(204, "", "")
	case "teams":
		return exactly(200, "text/plain", "1")
	case "rocketchat":
		return exactly(200, "application/json", `{"success":true}`)
	}
	var got map[string]any
	if err := json.Unmarshal(a.Body, &got); err != nil || a.Status != 200 || kind != "application/json" {
		return "not 200 with JSON"
	}
	switch dialect {
	case "gotify":
		if got["id"] == nil || got["appid"] == nil || got["message"] == nil || got["date"] == nil {
			return "not as Gotify answers"
		}
	case "ntfy":
		if got["id"] == nil || got["event"] != "message" || got["topic"] == nil {
			return "not as ntfy answers"
		}
	case "telegram":
		if result, ok := got["result"].(map[string]any); got["ok"] != true || !ok || result["message_id"] == nil {
			return "not as Telegram answers"
		}
	default:
		if got["success"] != true || got["messageId"] != id || id == "" {
			return "not as nself-chat answers"
		}
	}
	return ""
}

// TestRecordingsChanged posts every recording with changes that no sender would
// make. Whatever comes is taken or refused with a reason; the hub never fails.
func TestRecordingsChanged(t *testing.T) {
	t.Parallel()
	const ways, clients = 20, 8
	p := startHub(t)
	rooms := map[string]hook{}
	work := make(chan func())
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for f := range work {
				f()
			}
		})
	}
	var mu sync.Mutex
	statuses := map[int]int{}
	for i, r := range recordedRequests(t) {
		in := p.roomOf(rooms, r.dialect)
		rnd := rand.New(rand.NewPCG(uint64(i), 2)) //nolint:gosec // the same every time
		for range ways {
			body := mutated(rnd, r.body)
			work <- func() {
				a := p.send(&r, in.Token, body)
				if a.Status >= 500 || a.Status == 0 {
					t.Errorf("%s: %d %s, to\n%s", r.name, a.Status, a.Body, body)
				}
				mu.Lock()
				defer mu.Unlock()
				statuses[a.Status]++
			}
		}
	}
	close(work)
	wg.Wait()
	t.Logf("answers by status: %v", statuses)
	if strings.Contains(p.log.String(), "level=ERROR") {
		t.Errorf("the hub's log has errors:\n%s", tail(p.log.String()))
	}
	p.stop()
	p.verify()
}

// strange are values that a sender would not send.
var strange = []string{
	`null`, `""`, `0`, `-1`, `1e400`, `true`, `[]`, `{}`, `[{}]`, `"<script>alert(1)</script>"`, `"javascript:alert(1)"`,
	`"@everyone <!channel>"`, `"\ud800"`, `"\u0000"`, `99999999999999999999`, `{"a":{"b":[1]}}`, `"0001-01-01T00:00:00Z"`,
}

var scalar = regexp.MustCompile(`:\s*("(?:[^"\\]|\\.)*"|[^\s,\[\]{}"]+)`)

// mutated returns the body with one to three changes: other bytes, less or more of
// them, or other values.
func mutated(rnd *rand.Rand, body []byte) []byte {
	out := slices.Clone(body)
	for range 1 + rnd.IntN(3) {
		if len(out) == 0 {
			break
		}
		at := rnd.IntN(len(out))
		switch rnd.IntN(6) {
		case 0:
			out[at] = byte(rnd.IntN(256))
		case 1:
			out = slices.Delete(out, at, min(len(out), at+1+rnd.IntN(20)))
		case 2:
			out = slices.Insert(out, at, slices.Clone(out[at:min(len(out), at+1+rnd.IntN(200))])...)
		default:
			if value := scalar.FindSubmatchIndex(out[at:]); value != nil {
				out = slices.Replace(out, at+value[2], at+value[3], []byte(strange[rnd.IntN(len(strange))])...)
			}
		}
	}
	return out
}

// prose is a value in JSON that a person may have written: it has spaces.
var prose = regexp.MustCompile(`("(?:[^"\\]|\\.)* (?:[^"\\]|\\.)*)("\s*[,}\]])`)

// ringing finds what addresses everybody.
var ringing = regexp.MustCompile(`(?i)(^|[^\pL\pN_])@(channel|everyone|here|all)\b`)

// silent is how senders say by themselves who is to be notified.
var silent = regexp.MustCompile(`"flags":\s*4096\b|"disable_notification":\s*true|"allowed_mentions"`)

// TestRecordingsMentionNobody writes mentions of everybody into whatever a person
// wrote in the recordings. They address nobody, unless the webhook may.
func TestRecordingsMentionNobody(t *testing.T) {
	t.Parallel()
	p := startHub(t)
	_, quiet := p.room("quiet")
	_, loud := p.room("loud")
	_, err := p.api().UpdateIncomingWebhook(t.Context(), loud.ID, api.IncomingWebhookFields{AllowMentions: api.Set(true)})
	p.ok(err)
	const mentions = `@everyone @here, @channel! (@all) <!channel> <!here|here> <!everyone>`
	shown := map[string]bool{}
	for _, r := range recordedRequests(t) {
		body := prose.ReplaceAll(r.body, []byte("$1 "+mentions+"$2"))
		if bytes.Equal(body, r.body) {
			continue
		}
		if a := p.send(&r, quiet.Token, body); a.Status > 299 {
			t.Errorf("%s: %d %s", r.name, a.Status, a.Body)
			continue
		}
		_, m := p.lastCall(quiet)
		if found := ringing.FindString(m.text()); found != "" {
			t.Errorf("%s: %q addresses everybody in\n%s", r.name, found, m.text())
		}
		if !strings.Contains(m.text(), "@\u200beveryone") || silent.Match(body) {
			continue // nothing is shown that was changed, or the sender does not want it
		}
		shown[r.dialect] = true
		p.send(&r, loud.Token, body)
		if _, m = p.lastCall(loud); ringing.FindString(m.text()) == "" {
			t.Errorf("%s: the webhook may, but nobody is addressed in\n%s", r.name, m.text())
		}
	}
	if len(shown) < 25 {
		t.Errorf("mentions were seen of these only: %v", slices.Sorted(maps.Keys(shown)))
	}
	p.stop()
}
