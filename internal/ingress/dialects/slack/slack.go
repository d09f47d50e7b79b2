// Package slack is Slack's incoming webhooks, and its chat.postMessage: text,
// blocks and legacy attachments. Senders test the answer byte for byte:
// Alertmanager and Grafana count anything but "ok" as a failure.
package slack

import (
	"math"
	"net/http"
	"strconv"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup/slack"
)

// Dialect is Slack's.
var Dialect = &dialect.Dialect{
	Name: "slack", Title: "Slack", Detect: detect, Parse: parse,
	Success: func(*dialect.Request, dialect.Posted) dialect.Answer {
		return dialect.Answer{Status: http.StatusOK, ContentType: "text/plain", Body: []byte("ok")}
	},
	Failure: failure,
}

func detect(r *dialect.Request) string {
	if r.Kind == dialect.KindPayload {
		return "a form with payload"
	}
	return ""
}

func parse(r *dialect.Request) (dialect.Post, error) {
	doc, lost, err := slack.ParseMessage(r.JSON)
	if err != nil {
		return dialect.Post{}, dialect.Refused("The body is no message of Slack's.")
	}
	p := dialect.Post{Doc: doc, Losses: lost, Username: r.Fields.Str("username"), AvatarURL: r.Fields.URL("icon_url"), Thread: r.Fields.Str("thread_ts")}
	return p, r.Finish(&p, hub.FieldErrors(nil))
}

// failure answers with Slack's plain tokens, and with Slack's JSON when there were
// too many requests ("Rate limits").
func failure(f *dialect.Failure) dialect.Answer {
	status := f.Status()
	if f.Verdict == dialect.ChannelArchived {
		status = http.StatusGone
	}
	if f.Verdict == dialect.RateLimited {
		seconds := int(math.Ceil(f.RetryAfter.Seconds()))
		return dialect.Answer{
			Status: status, ContentType: "application/json",
			Body: []byte(`{"retry_after":` + strconv.Itoa(seconds) + `,"ok":false,"error":"rate_limited"}`),
		}
	}
	return dialect.Answer{Status: status, ContentType: "text/plain", Body: []byte(f.Slack())}
}
