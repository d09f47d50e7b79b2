package e2e

import (
	"net/http"
	"strings"
	"time"

	api "github.com/nself-chat/hub/client"
)

type (
	message    = api.Message
	attachment = api.Attachment
	delivery   = api.Delivery
)

// incomingPath is where a token posts.
func incomingPath(token string) string { return "/api/webhooks/incoming/" + token }

// anonymous is the header of a JSON request without an API token.
func anonymous() http.Header {
	return http.Header{"Content-Type": {"application/json"}, "Authorization": {""}}
}

// curl posts a body to an incoming webhook as the guide's curl does.
func (p *process) curl(token, body string) answer {
	p.t.Helper()
	a, err := p.do("POST", incomingPath(token), anonymous(), strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// posted is nself-chat's answer to a post.
type posted struct {
	Success              bool
	Message              string
	MessageID, ChannelID string
	Timestamp            time.Time
	Duration             float64
}

// newest returns the messages of a channel, newest first.
func (p *process) newest(channelID string) []message {
	p.t.Helper()
	return all(p, p.api().Messages(p.t.Context(), channelID, api.MessageQuery{}, newestPage...))
}

// say posts a message as the token's user.
func (p *process) say(channelID, content string) message {
	p.t.Helper()
	return result(p.api().PostMessage(p.t.Context(), channelID, api.NewMessage{Content: content})).must(p)
}

// channel makes a public channel and returns its id.
func (p *process) channel(name string) string {
	p.t.Helper()
	return result(p.api().CreateChannel(p.t.Context(), api.NewChannel{Name: name})).must(p).ID
}

// edit changes what a message says.
func (p *process) edit(id, content string) message {
	p.t.Helper()
	return result(p.api().EditMessage(p.t.Context(), id, api.MessageChange{Content: api.Set(content)})).must(p)
}

// publish sends a custom event and returns its id and the number of
// deliveries it made.
func (p *process) publish(event string, data any) (id string, deliveries int) {
	p.t.Helper()
	out := result(p.api().Publish(p.t.Context(), api.Publication{Event: event, Data: data})).must(p)
	return out.EventID, out.Deliveries
}

// deliveries returns a webhook's deliveries in a state ("": all), newest first.
func (p *process) deliveries(webhookID, status string) []delivery {
	p.t.Helper()
	return all(p, p.api().Deliveries(p.t.Context(), api.DeliveryQuery{WebhookID: webhookID, Status: status}, newestPage...))
}

// delivery returns one delivery with its attempts.
func (p *process) delivery(id string) delivery {
	p.t.Helper()
	return result(p.api().Delivery(p.t.Context(), id)).must(p)
}

// state returns an outgoing webhook's state.
func (p *process) state(webhookID string) string {
	p.t.Helper()
	return result(p.api().OutgoingWebhook(p.t.Context(), webhookID)).must(p).State
}

// notices returns the texts in the notices channel, newest first.
func (p *process) notices() []string {
	p.t.Helper()
	var texts []string
	for _, m := range p.newest(p.channelNamed("notices")) {
		texts = append(texts, m.Content)
	}
	return texts
}
