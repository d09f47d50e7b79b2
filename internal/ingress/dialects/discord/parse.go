package discord

import (
	"strconv"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/discord"
)

// suppressNotifications is the flag of a message that nobody is to be notified of
// ("Message Flags").
const suppressNotifications = 1 << 12

func parse(r *dialect.Request) (dialect.Post, error) {
	f := r.Fields
	p := dialect.Post{
		Username:  f.Str("username"),
		AvatarURL: f.URL("avatar_url"),
		Thread:    dialect.Told(strings.TrimSpace(r.Query.Get("thread_id"))),
	}
	p.Doc, p.Losses = read(r)
	if name := f.Str("thread_name"); name != "" { // the title of a post in a forum
		p.Doc.Blocks = append([]markup.Block{dialect.Para(dialect.Bold(name))}, p.Doc.Blocks...)
	}
	attach(&p, r)
	mention(&p, f)
	return p, r.Finish(&p, nil)
}

func read(r *dialect.Request) (markup.Document, markup.Degradations) {
	whole := r.Whole()
	if whole == nil {
		return discord.ParseText(strings.TrimSpace(r.Text)), nil
	}
	doc, lost, err := discord.ParseMessage(whole)
	if err != nil { // it is an object
		return markup.Document{}, nil
	}
	return doc, lost
}

// attach takes the files that came along, as attachments names and describes them,
// and those that are elsewhere, as in a message that is sent on.
func attach(p *dialect.Post, r *dialect.Request) {
	p.Uploads = append(p.Uploads, r.Uploads...)
	for e := range r.Fields.Get("attachments").Elements() {
		a := e.Object()
		name := a.Str("filename")
		if url := a.URL("url"); url != "" && len(p.Files) < dialect.MaxFiles {
			p.Files = append(p.Files, hub.Attachment{URL: url, Filename: fileName(name), MimeType: a.Str("content_type")})
		} else if u := upload(p.Uploads, a.Str("id")); u != nil {
			if name != "" {
				u.Filename = name
			}
			name = u.Filename
		}
		if description := a.First("description", "title"); description != "" {
			p.Doc.Blocks = append(p.Doc.Blocks, markup.Context{Content: dialect.Line(dialect.Txt(fileName(name) + ": " + description))})
		}
	}
}

func fileName(name string) string {
	if name == "" {
		return "file"
	}
	return name
}

// upload returns the file of the part files[id].
func upload(uploads []dialect.Upload, id string) *dialect.Upload {
	for i := range uploads {
		if uploads[i].Field == "files["+id+"]" {
			return &uploads[i]
		}
	}
	return nil
}

// mention makes texts of the mentions that allowed_mentions leaves out ("Allowed
// Mentions Object").
func mention(p *dialect.Post, f dialect.Object) {
	if flags, err := strconv.Atoi(f.Str("flags")); err == nil && flags&suppressNotifications != 0 {
		p.NoMentions = true
	}
	v := f.Get("allowed_mentions")
	if !v.IsObject() {
		return
	}
	allow := markup.Allow{Users: !isEmpty(v.At("users")), Groups: !isEmpty(v.At("roles"))}
	for kind := range v.At("parse").Elements() {
		switch kind.Str() {
		case "users":
			allow.Users = true
		case "roles":
			allow.Groups = true
		case "everyone":
			allow.Broadcast = true
		}
	}
	if allow == (markup.Allow{}) {
		p.NoMentions = true
		return
	}
	p.Doc, _ = markup.Defuse(p.Doc, allow) // nothing that was asked for is lost
}

func isEmpty(list dialect.Value) bool {
	for range list.Elements() {
		return false
	}
	return true
}
