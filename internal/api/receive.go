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

// received are the routes of package ingress. They need no API token: the
// token in the path is the proof.
var received = []operation{
	{
		method: http.MethodPost, path: receivePath, id: "receive", summary: "Post a message",
		doc: "Whoever sends is recognised by what they send, and answered as they expect. Refusals: 400 bad body, 401 signature, " +
			"404 unknown token, 413 too large, 429 rate limit with Retry-After. Parameters: key (what the message is about: the later takes " +
			"the place of the earlier one), thread (what it replies to), wait (true: the answer names the message in any dialect).",
	},
	{
		method: http.MethodPut, path: receivePath, id: "receivePut", summary: "Post a message", doc: "The same as POST, for senders that are set so.",
	},
	{
		method: http.MethodPost, path: receivePath + "/{dialect}", id: "receiveDialect", summary: "Post a message in a named dialect",
		doc: "GET /api/incoming-webhooks/dialects lists the names.",
	},
	{
		method: http.MethodPut, path: receivePath + "/{dialect}", id: "receiveDialectPut", summary: "Post a message in a named dialect",
		doc: "The same as POST, for senders that are set so.",
	},
	{
		method: http.MethodPost, path: receivePath + "/{dialect}/{method}", id: "receiveMethod", summary: "Post a message with a method of the product's own API",
		doc: "For clients of Slack's Web API, whose base is …/slack/: chat.postMessage; of Gotify, whose base is …/gotify: message; of ntfy, " +
			"whose base is …/ntfy: a topic.",
	},
	{
		method: http.MethodPost, path: "/services/{team}/{app}/{token}", id: "receiveServices", summary: "Post a message in Slack's dialect",
		doc: "For what takes only addresses of the shape that Slack's have; the first two parts may be anything.",
	},
	{
		method: http.MethodPost, path: "/hooks/{token}", id: "receiveMattermost", summary: "Post a message in Mattermost's dialect",
		doc: "For what insists on the path that Mattermost's webhooks have.",
	},
	{
		method: http.MethodPost, path: "/hooks/{id}/{token}", id: "receiveRocketChat", summary: "Post a message in Rocket.Chat's dialect",
		doc: "For what insists on the path that Rocket.Chat's webhooks have; the first part may be anything.",
	},
	{
		method: http.MethodGet, path: receivePath, id: "receiveUsage", summary: "Show how to use the address", doc: "Never posts.",
	},
	{
		method: http.MethodGet, path: receivePath + "/{dialect}", id: "receiveDialectUsage", summary: "Show how to use the address",
		doc: "Never posts. With /discord at its end: the webhook, as Discord describes it.",
	},
	{
		method: http.MethodPatch, path: receivePath + "/messages/{message}", id: "receiveEdit", summary: "Edit a message it posted",
	},
	{
		method: http.MethodDelete, path: receivePath + "/messages/{message}", id: "receiveDelete", summary: "Delete a message it posted",
	},
	{
		method: http.MethodGet, path: receivePath + "/discord/messages/{message}", id: "receiveDiscordMessage",
		summary: "Show a message it posted, as Discord does",
	},
	{
		method: http.MethodPatch, path: receivePath + "/discord/messages/{message}", id: "receiveDiscordEdit",
		summary: "Edit a message it posted, in Discord's dialect",
	},
	{
		method: http.MethodDelete, path: receivePath + "/discord/messages/{message}", id: "receiveDiscordDelete",
		summary: "Delete a message it posted, in Discord's dialect",
	},
	{
		method: http.MethodPost, path: "/api/webhooks/discord", id: "receiveDiscord", summary: "Post a message in Discord's dialect",
		doc: "The token is in the parameter token, or in Authorization: Bearer.",
	},
	{
		method: http.MethodGet, path: receiveClientPath, id: "receiveClientHook", summary: "Show the webhook, as Discord does",
	},
	{
		method: http.MethodPost, path: receiveClientPath, id: "receiveClient", summary: "Post a message with a client of Discord's",
		doc: "Answers 204, or with wait=true the message.",
	},
	{
		method: http.MethodGet, path: receiveClientPath + "/messages/{message}", id: "receiveClientMessage",
		summary: "Show a message it posted to a client of Discord's",
	},
	{
		method: http.MethodPatch, path: receiveClientPath + "/messages/{message}", id: "receiveClientEdit",
		summary: "Edit a message it posted with a client of Discord's",
	},
	{
		method: http.MethodDelete, path: receiveClientPath + "/messages/{message}", id: "receiveClientDelete",
		summary: "Delete a message it posted with a client of Discord's",
	},
}

// describeReceive adds the routes of package ingress to the description.
func (a *API) describeReceive() {
	for _, op := range received {
		op.tag = "receive"
		a.describeOperation(op, func(h *huma.Operation) {
			h.Security = []map[string][]string{{}}
			h.Parameters = nil
			for _, name := range pathParameters(op.path) {
				h.Parameters = append(h.Parameters, &huma.Param{
					Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
				})
			}
			if slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, op.method) {
				h.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
					"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Examples: []any{
						map[string]any{"text": "Hello", "username": "Build", "icon_url": "https://example.com/icon.png"},
					}}},
				}}
			}
			h.Responses["200"] = &huma.Response{Description: "Taken; the answer is in the sender's dialect, some of which say it with 204"}
		})
	}
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
