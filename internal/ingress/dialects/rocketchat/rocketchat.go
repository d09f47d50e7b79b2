// Package rocketchat is Rocket.Chat's incoming webhooks and its method
// chat.postMessage ("Incoming Webhook Scripting" and "Post Message" of
// docs.rocket.chat): text in Markdown, and the attachments that Slack has with
// Markdown in them.
//
// A request is known by the two headers with which Rocket.Chat's API is called, and
// by the members that only it has.
//
// Left out: the room, because a webhook has one, and scripts.
package rocketchat

import (
	"encoding/json"
	"net/http"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// Dialect is Rocket.Chat's.
var Dialect = &dialect.Dialect{
	Name: "rocketchat", Title: "Rocket.Chat", Detect: detect, Parse: parse, Success: success, Failure: failure,
}

func detect(r *dialect.Request) string {
	f := r.Fields
	switch {
	case !f.Has("text", "attachments"):
		return ""
	case r.Header.Get("X-Auth-Token") != "" && r.Header.Get("X-User-Id") != "":
		return "the headers X-Auth-Token and X-User-Id"
	}
	for _, name := range []string{"roomId", "alias", "tmid", "parseUrls"} {
		if f.Str(name) != "" {
			return "the field " + name
		}
	}
	if f.Str("emoji") != "" && f.Str("emoji")[0] == ':' {
		return "the field emoji"
	}
	if f.URL("avatar") != "" {
		return "the field avatar"
	}
	return ""
}

func parse(r *dialect.Request) (dialect.Post, error) {
	f := r.Fields
	p := dialect.Post{
		Username: f.First("alias", "username"), AvatarURL: f.URL("avatar"), Thread: dialect.Told(f.Str("tmid")), Uploads: r.Uploads,
	}
	if p.AvatarURL == "" {
		p.AvatarURL = f.URL("icon_url")
	}
	if p.AvatarURL == "" {
		p.Username = dialect.NameWithEmoji(f.First("emoji", "icon_emoji"), p.Username)
	}
	text := f.Str("text")
	if f == nil {
		text = r.Text
	}
	blocks := dialect.LooseMarkdown(text)
	blocks = append(blocks, dialect.Attachments(f.Get("attachments"), &p.Losses)...)
	p.Doc = dialect.Say(blocks...)
	return p, r.Finish(&p, nil)
}

func success(*dialect.Request, dialect.Posted) dialect.Answer {
	return dialect.Answer{Status: http.StatusOK, ContentType: "application/json", Body: []byte(`{"success":true}`)}
}

func failure(f *dialect.Failure) dialect.Answer {
	body, err := json.Marshal(struct {
		Success bool   `json:"success"`
		Error   string `json:"error"`
	}{Error: f.Detail})
	if err != nil { // strings always encode
		body = []byte(`{"success":false}`)
	}
	return dialect.Answer{Status: f.Status(), ContentType: "application/json", Body: body}
}
