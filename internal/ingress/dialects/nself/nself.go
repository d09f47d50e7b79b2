// Package nself is nself-chat's own dialect: both sets of field names of its
// guides, answered with {"success":true,…} or problem+json (RFC 9457). It is also
// the dialect of plain text.
package nself

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Dialect is nself-chat's.
var Dialect = &dialect.Dialect{Name: "nself-chat", Title: "nself-chat", Detect: detect, Parse: parse, Cards: []string{"embeds"}}

func detect(r *dialect.Request) string {
	f := r.Fields
	switch {
	case f == nil && r.JSON == nil:
		return "plain text"
	case f.Has("content", "avatarUrl", "avatar_url", "threadId", "thread_id", "embeds"):
		return "a field of nself-chat's own"
	case f.Has("text") && f.Has("icon_url"):
		return "text with icon_url"
	case hasFiles(f.Get("attachments")):
		return "attachments with a url"
	case f.Has("text") && acceptsOnlyJSON(r.Header):
		return "text, and an answer in JSON wanted"
	}
	return ""
}

// hasFiles tells nself-chat's attachments, which have an address, from Slack's cards.
func hasFiles(v dialect.Value) bool {
	for e := range v.Elements() {
		return e.Object().Has("url")
	}
	return false
}

// acceptsOnlyJSON reports whether the sender asked for JSON and nothing else
// (RFC 9110 §12.5.1).
func acceptsOnlyJSON(h http.Header) bool {
	accept := h.Get("Accept")
	if accept == "" {
		return false
	}
	for accepted := range strings.SplitSeq(accept, ",") {
		if !dialect.IsJSON(accepted) {
			return false
		}
	}
	return true
}

func parse(r *dialect.Request) (dialect.Post, error) {
	if r.Fields == nil {
		p := dialect.Post{Markdown: strings.TrimSpace(r.Text), Uploads: r.Uploads}
		return p, r.Finish(&p, nil)
	}
	var errs hub.FieldErrors
	f := dialect.NewFields(r.Fields, &errs)
	p := dialect.Post{
		Markdown:  strings.TrimSpace(f.Text("content", "text")),
		Username:  f.Text("username"),
		AvatarURL: f.Link("icon_url", "avatarUrl", "avatar_url"),
		Thread:    f.Text("threadId", "thread_id"),
		Uploads:   r.Uploads,
	}
	f.List("embeds", dialect.MaxCards, func(e dialect.Fields) {
		p.Doc.Blocks = append(p.Doc.Blocks, embed(e))
	})
	f.List("attachments", dialect.MaxFiles, func(a dialect.Fields) {
		if file, ok := remoteFile(a); ok {
			p.Files = append(p.Files, file)
		}
	})
	return p, r.Finish(&p, errs)
}

// embed reads an embed in the nested form of the guide (footer{text}, image{url})
// and in the hub's own flat one.
func embed(f dialect.Fields) markup.Card {
	c := markup.Card{
		Title: dialect.Line(dialect.Txt(f.Text("title"))),
		URL:   f.Link("url"),
		Color: dialect.Color(f.Get("color", "colour")),
		Author: markup.CardAuthor{
			Name: firstText(f, "author", "name", "authorName"), URL: f.Inside("author").Link("url"),
			IconURL: f.Inside("author").Link("iconUrl", "icon_url"),
		},
		Blocks:        dialect.Markdown(f.Text("description")),
		Thumbnail:     markup.Image{URL: firstLink(f, "thumbnail", "thumbnailUrl")},
		Footer:        dialect.Line(dialect.Txt(firstText(f, "footer", "text", ""))),
		FooterIconURL: f.Inside("footer").Link("iconUrl", "icon_url"),
		Time:          dialect.Moment(f.Get("timestamp")),
	}
	var fields []markup.Field
	f.List("fields", dialect.MaxFields, func(f dialect.Fields) {
		fields = append(fields, markup.Field{
			Title: dialect.Line(dialect.Txt(f.Text("name"))), Value: dialect.Markdown(f.Text("value")), Short: f.Flag("inline"),
		})
	})
	if fields != nil {
		c.Blocks = append(c.Blocks, markup.Fields{Fields: fields})
	}
	if image := firstLink(f, "image", "imageUrl"); image != "" {
		c.Blocks = append(c.Blocks, markup.Image{URL: image})
	}
	return c
}

// firstText reads name as an object's member, as a string, or a flat name.
func firstText(f dialect.Fields, name, inner, flat string) string {
	if v := f.Get(name); v.IsObject() {
		return f.Inside(name).Text(inner)
	}
	return f.Text(name, flat)
}

func firstLink(f dialect.Fields, name, flat string) string {
	if v := f.Get(name); v.IsObject() {
		return f.Inside(name).Link("url")
	}
	return f.Link(name, flat)
}

func remoteFile(f dialect.Fields) (file hub.Attachment, ok bool) {
	file = hub.Attachment{
		URL:      strings.TrimSpace(f.Text("url")),
		Filename: f.Text("filename", "name"),
		MimeType: f.Text("contentType", "mimeType", "content_type"),
	}
	if !dialect.IsWebURL(file.URL) {
		return file, false // nobody could open it
	}
	if file.Filename == "" {
		file.Filename = lastSegment(file.URL)
	}
	return file, true
}

// lastSegment names a file after the end of its address.
func lastSegment(address string) string {
	if u, err := url.Parse(address); err == nil {
		if base := path.Base(u.Path); base != "." && base != "/" {
			return base
		}
	}
	return "file"
}
