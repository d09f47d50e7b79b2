// Package slack is Slack's incoming webhooks and its method chat.postMessage
// ("Sending messages using incoming webhooks" and "chat.postMessage" of
// docs.slack.dev): text in mrkdwn, blocks, and the older attachments.
//
// A request is known by blocks, by attachments that are cards and not files, by a
// form with the field payload, and by members that only Slack has, such as
// thread_ts. Text alone is Slack's too, but everybody else may have it: [Plain]
// knows it.
//
// Left out: the channel, because a webhook has one; what links unfurl to; and
// buttons that would have to be answered, which are shown as text.
package slack

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// Dialect is Slack's, by marks of its own.
var Dialect = &dialect.Dialect{
	Name: "slack", Title: "Slack", Detect: detect, Parse: parse, Success: success, Failure: failure, API: API,
}

// Plain is the same dialect, known by nothing but a text. It is to be tried when no
// other product claims a request.
var Plain = &dialect.Dialect{
	Name: "slack", Title: "Slack", Detect: detectPlain, Parse: parse, Success: success, Failure: failure,
}

// API is the same dialect for a request that names a method of Slack's Web API: it
// is refused in the words of that.
var API = &dialect.Dialect{
	Name: "slack", Title: "Slack", Detect: detect, Parse: parse, Success: success, Failure: apiFailure,
}
