package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	api "github.com/nself-chat/hub/client"
	"github.com/nself-chat/hub/webhook"
)

// What the first start prints, once.
var (
	loginLink = regexp.MustCompile(`http://\S+/login\?code=[A-Za-z0-9_-]+`)
	apiToken  = regexp.MustCompile(`\bhub_[A-Za-z0-9_-]{20,}`)
)

// TestFirstStart takes an empty folder to a working hub. It does not run
// beside others, because it looks at the clock.
func TestFirstStart(t *testing.T) {
	var p *process
	var took time.Duration
	for range 3 { // the machine may be busy with something else
		p = newProcess(t, "HUB_ADMIN_TOKEN=")
		began := time.Now()
		p.start()
		if took = time.Since(began); took < 2*time.Second {
			break
		}
		p.stop()
	}
	if took > 2*time.Second {
		t.Errorf("ready after %s, promised within 2 s", took)
	}
	eventually(t, "the hub's words of welcome", func() bool { return apiToken.MatchString(p.out.String()) })
	said := p.out.String()
	links, tokens := loginLink.FindAllString(said, -1), apiToken.FindAllString(said, -1)
	if len(links) != 1 || len(tokens) != 1 || !strings.HasPrefix(links[0], p.url) {
		t.Fatalf("want one sign-in link at %s and one token:\n%s", p.url, said)
	}
	if log := p.log.String(); apiToken.MatchString(log) || loginLink.MatchString(log) {
		t.Errorf("the log holds what is for the operator only:\n%s", log)
	}

	p.token = tokens[0]
	if channels := all(p, p.api().Channels(t.Context())); len(channels) != 2 {
		t.Errorf("want the channels general and notices, got %v", channels)
	}
	p.say(p.general(), "Hello")

	p.stop()
	p.out = &syncBuffer{}
	p.start()
	eventually(t, "the second start's words", func() bool { return strings.Contains(p.out.String(), p.url) })
	if said := p.out.String(); loginLink.MatchString(said) || apiToken.MatchString(said) {
		t.Errorf("the second start prints secrets again:\n%s", said)
	}
	if got := p.newest(p.general()); len(got) != 1 || got[0].Content != "Hello" {
		t.Errorf("after the restart the channel holds %v", got)
	}
	p.verify()
}

// guideCurl is the body of the guide's example, with its line breaks.
const guideCurl = `{
    "text": "Hello from external service!",
    "username": "External Bot",
    "icon_url": "https://example.com/icon.png"
  }`

// TestGuide follows nself-chat's guide: a post by curl is a message with that
// name and picture, and goes out signed to the URL that asked for it.
func TestGuide(t *testing.T) { onBoth(t, testGuide) }

func testGuide(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	general := p.general()
	in := p.incoming(map[string]any{"name": "External Service Webhook", "targetChannelId": general, "enabled": true})
	if want := p.url + incomingPath(in.Token); in.URL != want || len(in.Token) < 22 {
		t.Errorf("the incoming webhook's URL is %q, want …%q", in.URL, want)
	}
	out := p.outgoing(map[string]any{
		"name": "External Service", "url": receiver.url("/webhook"), "secret": "your-secret-key",
		"events": []string{"message.created", "channel.created", "user.joined"},
	})
	if out.Secret != "your-secret-key" {
		t.Errorf("the secret is %q", out.Secret)
	}

	a := p.curl(in.Token, guideCurl)
	var ok posted
	if err := json.Unmarshal(a.Body, &ok); err != nil || a.Status != http.StatusOK {
		t.Fatalf("the guide's curl: %d %s", a.Status, a.Body)
	}
	if !ok.Success || ok.Message != "Message posted successfully" || ok.ChannelID != general || ok.Timestamp.IsZero() {
		t.Errorf("the guide's answer: %s", a.Body)
	}

	got := p.newest(general)
	if len(got) != 1 {
		t.Fatalf("%d messages in general", len(got))
	}
	m := got[0]
	if m.ID != ok.MessageID || m.Content != "Hello from external service!" || m.Author.Username != "External Bot" ||
		m.Author.AvatarURL != "https://example.com/icon.png" || m.Author.Kind != "webhook" {
		t.Errorf("the message: %+v", m)
	}

	arrived := receiver.await("/webhook", 1)[0]
	checkSigned(t, arrived, out.Secret)
	checkGuideDelivery(t, p, arrived, out, m)

	// An own event, as the guide's triggerWebhookEvent sends it.
	_, err := p.api().Publish(t.Context(), api.Publication{
		Event:       "message.created",
		Data:        json.RawMessage(`{"messageId":"123","channelId":"456","content":"Hello!","author":{"id":"789","username":"user"}}`),
		TriggeredBy: &api.TriggeredBy{UserID: "789", Username: "user"},
	})
	p.ok(err)
	e := receiver.await("/webhook", 2)[1]
	if by := e.envelope(t).TriggeredBy; by == nil || by.UserID != "789" || by.Username != "user" {
		t.Errorf("triggeredBy of the guide's event: %s", e.Body)
	}
	p.stop()
	p.verify()
}

// checkGuideDelivery compares the delivery of the guide's message with the
// published form of requests.
func checkGuideDelivery(t *testing.T, p *process, a arrival, out hook, m message) {
	t.Helper()
	e := a.envelope(t)
	if e.Event != "message.created" || e.Version != "1.0" || e.WebhookID != out.ID || e.Timestamp.IsZero() {
		t.Errorf("the envelope: %s", a.Body)
	}
	d := data[struct {
		Message struct{ ID, ChannelID, UserID, Content, Type, CreatedAt string }
		Channel struct{ ID, Name, Type string }
		User    struct{ ID, Username, DisplayName string }

		MessageID, ChannelID, Content string
		Author                        struct{ ID, Username string }
	}](t, a)
	switch {
	case d.Message.ID != m.ID, d.Message.Content != m.Content, d.Message.ChannelID != m.ChannelID, d.Message.Type != "text",
		d.Message.UserID != m.Author.ID, d.Channel.Name != "general", d.Channel.Type != "public", d.User.Username != "External Bot",
		d.MessageID != m.ID, d.ChannelID != m.ChannelID, d.Content != m.Content, d.Author.ID != m.Author.ID, d.Author.Username != "External Bot":
		t.Errorf("the data: %s", e.Data)
	}
	want := map[string]string{
		"X-Webhook-Id": e.ID, "Webhook-Id": e.ID, "X-Webhook-Event": "message.created", "X-Webhook-Attempt": "1",
		"X-Webhook-Timestamp": a.Header.Get("Webhook-Timestamp"), "X-Hub-Hop": "1",
		"Content-Type": "application/json", "User-Agent": "nself-chat-webhook/1.0",
	}
	for name, value := range want {
		if got := a.Header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	eventually(t, "the delivery's success", func() bool { return p.delivery(e.ID).Status == "success" })
	if d := p.delivery(e.ID); d.Request == nil || d.Request.Body != string(a.Body) {
		t.Errorf("the log shows another body than was sent: %+v", d.Request)
	}
}

// checkSigned verifies both kinds of signature with package webhook and by
// hand, and that either notices a changed byte.
func checkSigned(t *testing.T, a arrival, secret string) {
	t.Helper()
	changed := bytes.Replace(a.Body, []byte(`"version":"1.0"`), []byte(`"version":"1.1"`), 1)
	for name, verify := range map[string]func(string, http.Header, []byte, ...webhook.Option) error{
		"Verify": webhook.Verify[string], "VerifyBody": webhook.VerifyBody[string],
	} {
		if err := verify(secret, a.Header, a.Body); err != nil {
			t.Errorf("webhook.%s: %v", name, err)
		}
		if err := verify(secret, a.Header, changed); err == nil {
			t.Errorf("webhook.%s takes a changed body", name)
		}
	}
	if got, want := a.Header.Get("X-Webhook-Signature"), bodySignature(secret, a.Body); got != want {
		t.Errorf("X-Webhook-Signature: %s, want %s", got, want)
	}
	stamp := a.Header.Get("Webhook-Timestamp")
	if got, want := a.Header.Get("Webhook-Signature"), standardSignature(secret, a.Header.Get("Webhook-Id"), stamp, a.Body); got != want {
		t.Errorf("webhook-signature: %s, want %s", got, want)
	}
	unix, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || time.Since(time.Unix(unix, 0)).Abs() > time.Minute {
		t.Errorf("webhook-timestamp: %q", stamp)
	}
}

// bodySignature is X-Webhook-Signature as the guide computes it.
func bodySignature(secret string, body []byte) string {
	return "sha256=" + hex.EncodeToString(mac([]byte(secret), string(body)))
}

// standardSignature is webhook-signature (Standard Webhooks, "Signature scheme").
func standardSignature(secret, id, stamp string, body []byte) string {
	key := []byte(secret)
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if raw, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			key = raw
		}
	}
	return "v1," + base64.StdEncoding.EncodeToString(mac(key, id+"."+stamp+"."+string(body)))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// TestCustomEventPassesThrough sends data whose bytes no encoder would choose.
func TestCustomEventPassesThrough(t *testing.T) { onBoth(t, testCustomEventPassesThrough) }

func testCustomEventPassesThrough(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	p.outgoing(map[string]any{"name": "orders", "url": receiver.url("/orders"), "events": []string{"order.*", "x"}})
	for i, odd := range []string{
		`{"a" :1.0e5 ,  "unicode":"\u00e9\ud83d\ude00 é😀", "html":"<b>&\u003c\/b>",` + "\n\t" + `"big":123456789012345678901234567890, "dup":1,"dup":2}`,
		`"text alone"`, `-0.0`, `null`, `[ ]`, `{"nested":{"id":"not the envelope's","event":"x","data":{}}}`,
	} {
		body := `{ "event":"order.created","data" : ` + odd + "\n}"
		sent, err := p.do("POST", "/api/events", http.Header{"Content-Type": {"application/json"}}, strings.NewReader(body))
		if err != nil || sent.Status != http.StatusAccepted {
			t.Fatalf("%v, %d %s", err, sent.Status, sent.Body)
		}
		a := receiver.await("/orders", i+1)[i]
		if !bytes.Contains(a.Body, []byte(`"data":`+odd+`,"triggeredBy":`)) {
			t.Errorf("sent %s, arrived %s", odd, a.Body)
		}
	}
	p.stop()
	p.verify()
}
