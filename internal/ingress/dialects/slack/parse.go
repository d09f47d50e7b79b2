package slack

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/slack"
)

// method is the only one of the Web API that there is here.
const method = "chat.postMessage"

func parse(r *dialect.Request) (dialect.Post, error) {
	if r.Method != "" && r.Method != method {
		return dialect.Post{}, &dialect.Failure{Verdict: dialect.NotFound, Detail: "There is no such method here, only " + method + "."}
	}
	p := dialect.Post{
		Username:  r.Fields.Str("username"),
		AvatarURL: r.Fields.URL("icon_url"),
		Thread:    dialect.Told(r.Fields.Str("thread_ts")),
		Uploads:   r.Uploads,
	}
	if p.AvatarURL == "" {
		p.Username = dialect.NameWithEmoji(r.Fields.Str("icon_emoji"), p.Username)
	}
	p.Doc, p.Losses = says(r)
	return p, r.Finish(&p, nil)
}

// says reads the message. A body that is nothing but a text is mrkdwn.
func says(r *dialect.Request) (markup.Document, markup.Degradations) {
	if r.Fields == nil {
		return slack.ParseText(strings.TrimSpace(r.Text)), nil
	}
	doc, lost, err := slack.ParseMessage(r.Whole())
	if err != nil { // it is an object
		return markup.Document{}, nil
	}
	// What chat.postMessage takes instead of text and blocks.
	doc.Blocks = append(dialect.Markdown(r.Fields.Str("markdown_text")), doc.Blocks...)
	return doc, lost
}
