package api

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const receivePath = "/api/webhooks/incoming/{token}"

// received are the routes of package ingress. They need no API token: the
// token in the path is the proof.
var received = []operation{
	{
		method: http.MethodPost, path: receivePath, id: "receive", tag: "receive", summary: "Post a message",
		doc: "The body is read in the sender's own dialect, and answered in it. Refusals: 400 bad body, 401 signature, 404 unknown token, " +
			"413 too large, 429 rate limit with Retry-After.",
	},
	{
		method: http.MethodPost, path: receivePath + "/{dialect}", id: "receiveDialect", tag: "receive", summary: "Post a message in a named dialect",
	},
	{
		method: http.MethodGet, path: receivePath, id: "receiveUsage", tag: "receive", summary: "Show how to use the address", doc: "Never posts.",
	},
	{
		method: http.MethodGet, path: receivePath + "/{dialect}", id: "receiveDialectUsage", tag: "receive",
		summary: "Show how to use the address", doc: "Never posts.",
	},
	{
		method: http.MethodPatch, path: receivePath + "/messages/{message}", id: "receiveEdit", tag: "receive", summary: "Edit a message it posted",
	},
	{
		method: http.MethodDelete, path: receivePath + "/messages/{message}", id: "receiveDelete", tag: "receive", summary: "Delete a message it posted",
	},
}

// describeReceive adds the routes of package ingress to the description.
func (a *API) describeReceive() {
	for _, op := range received {
		a.describeOperation(op, func(h *huma.Operation) {
			h.Security = []map[string][]string{{}}
			h.Parameters = nil
			for _, name := range pathParameters(op.path) {
				h.Parameters = append(h.Parameters, &huma.Param{
					Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
				})
			}
			if op.method == http.MethodPost || op.method == http.MethodPatch {
				h.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
					"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Examples: []any{
						map[string]any{"text": "Hello", "username": "Build", "icon_url": "https://example.com/icon.png"},
					}}},
				}}
			}
			h.Responses["200"] = &huma.Response{Description: "Taken; the answer is in the sender's dialect"}
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
