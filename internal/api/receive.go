package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const (
	receivePath = "/api/webhooks/incoming/{token}"
	// Discord's clients append the version of the API to their base.
	receiveClientPath = "/api/{version}/webhooks/incoming/{token}"
)

// reception is a route of package ingress. It needs no API token: the token in
// the path is the proof.
type reception struct {
	operation
	takes  []sender // whose bodies; nil: there is no body
	says   []answer200
	empty  bool // 204 is an answer
	speaks []sender
	open   bool // it answers everybody the same
}

// received are the routes of package ingress.
var received = []reception{
	{
		operation: operation{
			method: http.MethodPost, path: receivePath, id: "receive", summary: "Post a message",
			doc: "Whoever sends is recognised by what they send, and answered as they expect: every sender that GET " +
				"/api/incoming-webhooks/dialects lists. What nobody knows becomes a card of its fields.",
		},
		takes: allSenders, says: posts, empty: true, speaks: allSenders,
	},
	{
		operation: operation{
			method: http.MethodPut, path: receivePath, id: "receivePut", summary: "Post a message", doc: "The same as POST, for senders that are set so.",
		},
		takes: allSenders, says: posts, empty: true, speaks: allSenders,
	},
	{
		operation: operation{
			method: http.MethodPost, path: receivePath + "/{dialect}", id: "receiveDialect", summary: "Post a message in a named dialect",
			doc: "GET /api/incoming-webhooks/dialects lists the names.",
		},
		takes: allSenders, says: posts, empty: true, speaks: allSenders,
	},
	{
		operation: operation{
			method: http.MethodPut, path: receivePath + "/{dialect}", id: "receiveDialectPut", summary: "Post a message in a named dialect",
			doc: "The same as POST, for senders that are set so.",
		},
		takes: allSenders, says: posts, empty: true, speaks: allSenders,
	},
	{
		operation: operation{
			method: http.MethodPost, path: receivePath + "/{dialect}/{method}", id: "receiveMethod",
			summary: "Post a message with a method of the product's own API",
			doc: "For clients of Slack's Web API, whose base is …/slack/: chat.postMessage; of Gotify, whose base is …/gotify: message; of ntfy, " +
				"whose base is …/ntfy: a topic. Slack's clients hear of a refusal with 200.",
		},
		takes: methodSenders, says: methodPosts, speaks: append(methodSenders, nself),
	},
	{
		operation: operation{
			method: http.MethodPost, path: "/services/{team}/{app}/{token}", id: "receiveServices", summary: "Post a message in Slack's dialect",
			doc: "For what takes only addresses of the shape that Slack's have; the first two parts may be anything.",
		},
		takes: []sender{slack}, says: []answer200{saysOK, saysPosted}, speaks: []sender{slack},
	},
	{
		operation: operation{
			method: http.MethodPost, path: "/hooks/{token}", id: "receiveMattermost", summary: "Post a message in Mattermost's dialect",
			doc: "For what insists on the path that Mattermost's webhooks have.",
		},
		takes: []sender{mattermost}, says: []answer200{saysOK, saysPosted}, speaks: []sender{mattermost},
	},
	{
		operation: operation{
			method: http.MethodPost, path: "/hooks/{id}/{token}", id: "receiveRocketChat", summary: "Post a message in Rocket.Chat's dialect",
			doc: "For what insists on the path that Rocket.Chat's webhooks have; the first part may be anything.",
		},
		takes: []sender{rocketChat}, says: []answer200{saysRocketChat, saysPosted}, speaks: []sender{rocketChat},
	},
	{
		operation: operation{
			method: http.MethodGet, path: receivePath, id: "receiveUsage", summary: "Show how to use the address", doc: "Never posts.",
		},
		says: []answer200{saysUsage}, open: true,
	},
	{
		operation: operation{
			method: http.MethodGet, path: receivePath + "/{dialect}", id: "receiveDialectUsage", summary: "Show how to use the address",
			doc: "Never posts.",
		},
		says: []answer200{saysUsage}, open: true,
	},
	{
		operation: operation{
			method: http.MethodGet, path: receivePath + "/discord", id: "receiveDiscordHook", summary: "Show the webhook, as Discord does",
			doc: "Discord's clients look at it before they post.",
		},
		says: []answer200{saysDiscordHook}, speaks: []sender{discord},
	},
	{
		operation: operation{
			method: http.MethodPatch, path: receivePath + "/messages/{message}", id: "receiveEdit", summary: "Edit a message it posted",
			doc: "The body is that of a post in the hub's own dialect.",
		},
		takes: []sender{nself}, says: []answer200{saysPosted}, speaks: []sender{nself},
	},
	{
		operation: operation{
			method: http.MethodDelete, path: receivePath + "/messages/{message}", id: "receiveDelete", summary: "Delete a message it posted",
		},
		says: []answer200{saysPosted}, speaks: []sender{nself},
	},
	{
		operation: operation{
			method: http.MethodGet, path: receivePath + "/discord/messages/{message}", id: "receiveDiscordMessage",
			summary: "Show a message it posted, as Discord does",
		},
		says: []answer200{saysDiscordMessage}, speaks: []sender{discord},
	},
	{
		operation: operation{
			method: http.MethodPatch, path: receivePath + "/discord/messages/{message}", id: "receiveDiscordEdit",
			summary: "Edit a message it posted, in Discord's dialect",
		},
		takes: []sender{discord}, says: []answer200{saysDiscordMessage}, speaks: []sender{discord},
	},
	{
		operation: operation{
			method: http.MethodDelete, path: receivePath + "/discord/messages/{message}", id: "receiveDiscordDelete",
			summary: "Delete a message it posted, in Discord's dialect",
		},
		empty: true, speaks: []sender{discord},
	},
	{
		operation: operation{
			method: http.MethodPost, path: "/api/webhooks/discord", id: "receiveDiscord", summary: "Post a message in Discord's dialect",
			doc: "The token is in the parameter token, or in Authorization: Bearer.",
		},
		takes: []sender{discord}, says: []answer200{saysDiscordMessage}, empty: true, speaks: []sender{discord, nself},
	},
	{
		operation: operation{
			method: http.MethodGet, path: receiveClientPath, id: "receiveClientHook", summary: "Show the webhook, as Discord does",
			doc: "version is one of Discord's API: v10.",
		},
		says: []answer200{saysDiscordHook}, speaks: []sender{discord, nself},
	},
	{
		operation: operation{
			method: http.MethodPost, path: receiveClientPath, id: "receiveClient", summary: "Post a message with a client of Discord's",
			doc: "Answers 204, or with wait=true the message.",
		},
		takes: []sender{discord}, says: []answer200{saysDiscordMessage}, empty: true, speaks: []sender{discord, nself},
	},
	{
		operation: operation{
			method: http.MethodGet, path: receiveClientPath + "/messages/{message}", id: "receiveClientMessage",
			summary: "Show a message it posted to a client of Discord's",
		},
		says: []answer200{saysDiscordMessage}, speaks: []sender{discord},
	},
	{
		operation: operation{
			method: http.MethodPatch, path: receiveClientPath + "/messages/{message}", id: "receiveClientEdit",
			summary: "Edit a message it posted with a client of Discord's",
		},
		takes: []sender{discord}, says: []answer200{saysDiscordMessage}, speaks: []sender{discord},
	},
	{
		operation: operation{
			method: http.MethodDelete, path: receiveClientPath + "/messages/{message}", id: "receiveClientDelete",
			summary: "Delete a message it posted with a client of Discord's",
		},
		empty: true, speaks: []sender{discord},
	},
}

// describeReceive adds the routes of package ingress to the description.
func (a *API) describeReceive() {
	a.describeSenders()
	for _, r := range received {
		op := r.operation
		op.tag = "receive"
		a.describeOperation(op, func(h *huma.Operation) {
			h.Security = []map[string][]string{{}}
			h.Parameters = receiveParameters(op)
			if r.takes != nil {
				h.RequestBody = &huma.RequestBody{Required: !strings.HasSuffix(op.path, "/{method}"), Content: a.postedBodies(r.takes)}
			}
			a.describeAnswers(h, r)
		})
	}
}

// receiveParameters describes what an address and its query say.
func receiveParameters(op operation) (all []*huma.Param) {
	for _, name := range pathParameters(op.path) {
		p := &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString, MinLength: ptr(1)}}
		switch name {
		case "token":
			p.Description, p.Example, p.Schema.Format = "The webhook's token, which is secret.", exampleToken, "password"
		case "dialect":
			p.Description, p.Example = "Whose dialect the body is in.", "slack"
			if strings.HasSuffix(op.path, "/{method}") {
				p.Schema.Extensions = map[string]any{"enum": []any{"slack", "gotify", "ntfy"}}
			}
		case "method":
			p.Description, p.Example = "The product's method.", "chat.postMessage"
		case "version":
			p.Description, p.Example, p.Schema.Pattern = "Of Discord's API.", "v10", "^v[0-9]{1,3}$"
		case "message":
			p.Description, p.Example = "The message's id, as a UUID or as the decimal number that Discord's clients were told.", exampleMessageID
		default:
			p.Description, p.Example = "Anything.", "T0"
		}
		all = append(all, p)
	}
	if op.method != http.MethodPost && op.method != http.MethodPut {
		return all
	}
	for _, q := range []huma.Param{
		{Name: "key", Description: "What the message is about: the later takes the place of the earlier one."},
		{Name: "thread", Description: "What it replies to: the same word for all of a thread, or the id of a message."},
		{Name: "wait", Description: "true: the answer names the message, in any dialect."},
		{Name: "Idempotency-Key", In: "header", Description: "Carries the request out once: for 24 hours a repetition gets the answer to the first."},
		{Name: "X-Hub-Hop", In: "header", Description: "Number of hubs the call has passed through; above 5 it is refused with 508."},
	} {
		q.Schema = &huma.Schema{Type: huma.TypeString}
		if q.In == "" {
			q.In = "query"
		}
		all = append(all, &q)
	}
	if op.id == "receiveDiscord" {
		all = append(all, &huma.Param{
			Name: "token", In: "query", Description: "The webhook's token, which is secret.", Example: exampleToken,
			Schema: &huma.Schema{Type: huma.TypeString, Format: "password"},
		})
	}
	return all
}

// pathParameters returns the names of the parameters in a path.
func pathParameters(path string) (names []string) {
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// receiveRefusals are the statuses with which a call is refused.
var receiveRefusals = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge,
	http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusLoopDetected, http.StatusInsufficientStorage,
}

// describeAnswers describes the answers of a route, in the dialects it speaks.
func (a *API) describeAnswers(h *huma.Operation, r reception) {
	limited := headers("X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
	if r.open {
		limited = headers("X-Request-Id")
	}
	if r.says != nil {
		h.Responses["200"] = &huma.Response{Description: "Done, in the sender's words.", Headers: limited, Content: a.contents(r.says)}
	}
	if r.empty {
		h.Responses["204"] = &huma.Response{Description: "Done, as Discord says it.", Headers: limited}
	}
	if r.open {
		return
	}
	for _, status := range receiveRefusals {
		a.describeRefusal(h, r, status, limited)
	}
	if slices.Contains(r.speaks, slack) && !slices.Contains(r.speaks, gotify) || slices.Contains(r.speaks, teams) {
		a.describeRefusal(h, r, http.StatusGone, limited)
	}
}
