package dialects

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// nselfDialect is nself-chat's own: both sets of field names of its guides,
// answered with {"success":true,…} or problem+json (RFC 9457). It is also the
// dialect of plain text and of what nobody else claims.
func nselfDialect() *Dialect {
	return &Dialect{
		Name:    "nself-chat",
		Detect:  isNself,
		Parse:   parseNself,
		Success: nselfSuccess,
		Failure: Problem,
	}
}

func isNself(r *Request) bool {
	f := r.Fields
	switch {
	case f == nil:
		return true
	case f.Has("content", "avatarUrl", "avatar_url", "threadId", "thread_id", "embeds"):
		return true
	case f.Has("text"):
		return f.Has("icon_url") || hasFiles(f.Get("attachments")) || acceptsOnlyJSON(r.Header)
	default:
		return hasFiles(f.Get("attachments"))
	}
}

// hasFiles tells nself-chat's attachments, which have an address, from Slack's cards.
func hasFiles(v Value) bool {
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
		if !isJSON(accepted) {
			return false
		}
	}
	return true
}

func parseNself(r *Request) (Post, error) {
	if r.Fields == nil {
		p := Post{Content: r.Text}
		err := finish(r, &p, nil)
		return p, err
	}
	var errs hub.FieldErrors
	f := fields{r.Fields, "", &errs}
	p := Post{
		Content:   f.text("content", "text"),
		Username:  f.text("username"),
		AvatarURL: f.link("icon_url", "avatarUrl", "avatar_url"),
		ThreadID:  hub.MessageID(strings.ToLower(f.text("threadId", "thread_id"))),
	}
	if p.ThreadID != "" && !hub.ValidID(string(p.ThreadID)) {
		errs.Add("threadId", "must be the id of a message")
	}
	f.list("embeds", maxEmbeds, func(e fields) { p.Embeds = append(p.Embeds, nselfEmbed(e)) })
	f.list("attachments", maxFiles, func(a fields) {
		if file, ok := nselfFile(a); ok {
			p.Files = append(p.Files, file)
		}
	})
	err := finish(r, &p, errs)
	return p, err
}

// finish notes the files that were not taken, and refuses a post with wrong
// fields or nothing in it.
func finish(r *Request, p *Post, errs hub.FieldErrors) error {
	if len(errs) > 0 {
		return &Failure{Verdict: BadBody, Detail: "The body has fields of the wrong kind.", Fields: errs}
	}
	p.Content = strings.TrimSpace(p.Content)
	if n := len(r.Files); n > 0 && !p.Empty() {
		p.Content = strings.TrimSpace(p.Content + "\n\n_(" + plural(n, "file was", "files were") + " not taken)_")
	}
	if p.Empty() {
		return &Failure{Verdict: NoText, Detail: "There is nothing to post in the body: " + whatWorks}
	}
	return nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// nselfEmbed reads an embed in the nested form of the guide
// (footer{text}, image{url}) and in the hub's own flat one.
func nselfEmbed(f fields) hub.Embed {
	e := hub.Embed{
		Title:       f.text("title"),
		Description: f.text("description"),
		URL:         f.link("url"),
		Color:       color(f.Get("color", "colour")),
		AuthorName:  firstText(f, "author", "name", "authorName"),
		ImageURL:    firstLink(f, "image", "imageUrl"),
		ThumbURL:    firstLink(f, "thumbnail", "thumbnailUrl"),
		Footer:      firstText(f, "footer", "text", ""),
		Timestamp:   moment(f.Get("timestamp")),
	}
	f.list("fields", maxFields, func(f fields) {
		e.Fields = append(e.Fields, hub.EmbedField{Name: f.text("name"), Value: f.text("value"), Inline: f.flag("inline")})
	})
	return e
}

// firstText reads name as an object's member, as a string, or a flat name.
func firstText(f fields, name, inner, flat string) string {
	if v := f.Get(name); v.IsObject() {
		return f.inside(name).text(inner)
	}
	return f.text(name, flat)
}

func firstLink(f fields, name, flat string) string {
	if v := f.Get(name); v.IsObject() {
		return f.inside(name).link("url")
	}
	return f.link(name, flat)
}

// moment reads a time as RFC 3339 text or as Unix seconds; "" for anything else.
func moment(v Value) string {
	s, ok := v.Text()
	if !ok {
		return ""
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC().Format(time.RFC3339)
	}
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil || !(seconds > 0 && seconds < 1e10) {
		return ""
	}
	return time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339)
}

func nselfFile(f fields) (file hub.Attachment, ok bool) {
	file = hub.Attachment{
		URL:      strings.TrimSpace(f.text("url")),
		Filename: f.text("filename", "name"),
		MimeType: f.text("contentType", "mimeType", "content_type"),
	}
	if !IsWebURL(file.URL) {
		f.errs.Add(f.path+"url", "must be a web address")
		return file, false
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

// nselfSuccess writes the answer of nself-chat's guide. Times carry
// milliseconds, as JavaScript's do; duration is in milliseconds.
func nselfSuccess(p Posted) Answer {
	b := make([]byte, 0, 256)
	b = append(b, `{"success":true,"message":`...)
	b = strconv.AppendQuote(b, p.Done) // our own words: plain ASCII
	b = append(b, `,"messageId":"`...)
	b = append(b, p.MessageID...)
	b = append(b, `","channelId":"`...)
	b = append(b, p.ChannelID...)
	b = append(b, `","timestamp":"`...)
	b = p.At.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, `","duration":`...)
	b = strconv.AppendFloat(b, float64(p.Duration.Microseconds())/1000, 'f', -1, 64)
	b = append(b, '}')
	return Answer{Status: http.StatusOK, ContentType: "application/json", Body: b}
}

// Problem words a failure as problem+json (RFC 9457).
func Problem(f *Failure) Answer {
	status := f.Status()
	fields := f.Fields
	if fields == nil {
		fields = []hub.FieldError{}
	}
	body, err := json.Marshal(struct {
		Type   string           `json:"type"`
		Title  string           `json:"title"`
		Status int              `json:"status"`
		Detail string           `json:"detail"`
		Code   hub.Code         `json:"code"`
		Errors []hub.FieldError `json:"errors"`
	}{"about:blank", http.StatusText(status), status, f.Detail, f.Code(), fields})
	if err != nil { // strings and integers always encode
		body = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal"}`)
	}
	return Answer{Status: status, ContentType: "application/problem+json", Body: body}
}
