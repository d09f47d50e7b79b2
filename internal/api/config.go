package api

import (
	"encoding/json"
	"io"

	"github.com/danielgtaylor/huma/v2"
)

// config is huma's configuration. Nothing is mounted by huma itself, and no
// $schema is added to answers.
func (a *API) config() huma.Config {
	version := a.Version
	if version == "" {
		version = "development"
	}
	c := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "nself-chat hub", Version: version,
				Description: "Chat, incoming webhooks, events and signed outgoing webhooks. Errors are application/problem+json (RFC 9457) " +
					"with a code and the fields that are wrong. Lists take limit and cursor.",
			},
			Tags: tags,
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token": {Type: "http", Scheme: "bearer", Description: "An API token, hub_…"},
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": jsonFormat, "application/problem+json": jsonFormat},
		DefaultFormat: "application/json",
	}
	return c
}

// tags are the groups of operations, in the order in which one meets them.
var tags = []*huma.Tag{
	{Name: "channels", Description: "Where messages are, and who is in there."},
	{Name: "messages", Description: "Messages, threads, reactions, pins and the search."},
	{Name: "users", Description: "People and bots."},
	{Name: "files", Description: "Files, to be posted with a message."},
	{Name: "incoming webhooks", Description: "URLs that other programs post to, and the log of what came."},
	{Name: "receive", Description: "Those URLs: what a program posts, and what it hears."},
	{Name: "outgoing webhooks", Description: "Programs that are told what happens."},
	{Name: "deliveries", Description: "What was sent to them, each try of it, and how to send it again."},
	{Name: "events", Description: "What happened; events of your own; the stream."},
	{Name: "queue", Description: "All sending together."},
	{Name: "access", Description: "API tokens, signed-in browsers, and the log of changes."},
}

// jsonFormat is how huma reads and writes JSON. The guard has checked the
// bytes before.
var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		return e.Encode(v)
	},
	Unmarshal: func(b []byte, v any) error {
		if err := json.Unmarshal(b, v); err != nil {
			return jsonError(err)
		}
		return nil
	},
}

// description is the OpenAPI document as text.
func (a *API) description() []byte {
	b, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		a.Log.Error("the API cannot be described", "error", err)
	}
	return b
}
