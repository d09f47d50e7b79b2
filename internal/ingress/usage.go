package ingress

import (
	"encoding/json"
	"net/http"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialects"
)

// Usage is the answer to GET: how a webhook is used. It is the same for every
// token, known or not, and nothing is posted: link previews fetch any address
// they find in a message.
type Usage struct {
	Detail   string            `json:"detail"`
	Method   string            `json:"method"`
	Bodies   []string          `json:"bodies"`
	Fields   map[string]string `json:"fields"`
	Dialects []string          `json:"dialects"`
	Example  string            `json:"example"`
	Edit     string            `json:"edit"`
	Delete   string            `json:"delete"`
	Limits   map[string]int    `json:"limits"`
}

func usage() Usage {
	return Usage{
		Detail: "This address posts messages into a channel. Send POST; GET only shows this.",
		Method: http.MethodPost,
		Bodies: []string{"JSON", "form fields", "a form field payload with JSON in it", "plain text"},
		Fields: map[string]string{
			"text":        "the message, Markdown; also: content",
			"username":    "shown as the author; optional",
			"icon_url":    "the author's picture; also: avatarUrl, avatar_url; optional",
			"embeds":      "cards: title, description, url, color, fields[{name, value, inline}], image, thumbnail, footer, author; optional",
			"attachments": "files that live elsewhere: url, filename, contentType; optional",
			"threadId":    "the message to reply to; optional",
		},
		Dialects: dialects.Names(),
		Example: `curl -X POST "$URL" -H "Content-Type: application/json" ` +
			`-d '{"text": "Hello from external service!", "username": "External Bot", "icon_url": "https://example.com/icon.png"}'`,
		Edit:   "PATCH $URL/messages/{messageId} with the same fields; if posts are signed, signed as Standard Webhooks are",
		Delete: "DELETE $URL/messages/{messageId}; signed likewise",
		Limits: map[string]int{
			"bodyBytes": maxBody, "multipartBytes": maxMultipart, "contentCharacters": maxContent,
			"usernameCharacters": maxUsername, "embeds": maxEmbeds,
		},
	}
}

func (in *Ingress) usage(w http.ResponseWriter, _ *http.Request) {
	body, err := json.MarshalIndent(usage(), "", "  ")
	if err != nil {
		in.Log.Error("the usage of incoming webhooks cannot be encoded", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	respond(w, dialect.Answer{Status: http.StatusOK, ContentType: "application/json", Body: append(body, '\n')})
}
