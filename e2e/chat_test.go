package e2e

import (
	"net/http"
	"strings"
	"time"
)

// message is a message as the API shows it.
type message struct {
	ID, ChannelID, ThreadID, Content string
	Author                           author
	Embeds                           []struct{ Title, Description string }
	Attachments                      []attachment
	Reactions                        []struct {
		Emoji string
		Count int
	}
	CreatedAt, EditedAt time.Time
	Revision            int
	IsPinned, IsDeleted bool
}

type author struct{ ID, Kind, Username, DisplayName, AvatarURL string }

type attachment struct {
	ID, Filename, MimeType, URL string
	Size                        int64
}

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
	var all page[message]
	p.must("GET", "/api/channels/"+channelID+"/messages", nil, &all)
	return all.Items
}

// say posts a message as the token's user.
func (p *process) say(channelID, content string) message {
	p.t.Helper()
	var m message
	p.must("POST", "/api/channels/"+channelID+"/messages", map[string]any{"content": content}, &m)
	return m
}

// publish sends a custom event and returns its id and the number of
// deliveries it made.
func (p *process) publish(event string, data any) (id string, deliveries int) {
	p.t.Helper()
	var out struct {
		EventID    string
		Deliveries int
	}
	p.must("POST", "/api/events", map[string]any{"event": event, "data": data}, &out)
	return out.EventID, out.Deliveries
}

// delivery is a delivery as the API shows it.
type delivery struct {
	ID, WebhookID, EventID, Event, Status string
	Attempts, LastStatus                  int
	ScheduledFor, FinishedAt              time.Time
	Request                               *struct {
		Headers http.Header
		Body    string
	}
	Log []struct {
		Number, ResponseStatus    int
		RequestHeaders            map[string]string
		ResponseBody              string
		Truncated                 bool
		RemoteAddr, Error, Result string
		Reason                    string
		StartedAt                 time.Time
		Duration                  float64
		ScheduledFor              time.Time
		ResponseHeaders           map[string]string
	}
}

// deliveries returns a webhook's deliveries in a state ("": all), newest first.
func (p *process) deliveries(webhookID, status string) []delivery {
	p.t.Helper()
	var all page[delivery]
	path := "/api/deliveries?webhookId=" + webhookID
	if status != "" {
		path += "&status=" + status
	}
	p.must("GET", path, nil, &all)
	return all.Items
}

// delivery returns one delivery with its attempts.
func (p *process) delivery(id string) delivery {
	p.t.Helper()
	var d delivery
	p.must("GET", "/api/deliveries/"+id, nil, &d)
	return d
}

// state returns an outgoing webhook's state.
func (p *process) state(webhookID string) string {
	p.t.Helper()
	var w struct{ State string }
	p.must("GET", "/api/outgoing-webhooks/"+webhookID, nil, &w)
	return w.State
}

// notices returns the texts in the notices channel, newest first.
func (p *process) notices() []string {
	p.t.Helper()
	var all page[channel]
	p.must("GET", "/api/channels", nil, &all)
	for _, c := range all.Items {
		if c.Name != "notices" {
			continue
		}
		var texts []string
		for _, m := range p.newest(c.ID) {
			texts = append(texts, m.Content)
		}
		return texts
	}
	p.t.Fatal("there is no channel notices")
	return nil
}
