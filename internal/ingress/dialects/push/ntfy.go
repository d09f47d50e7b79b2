package push

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Ntfy is the dialect of ntfy: JSON with a topic, or a text whose title, tags and
// priority are in headers.
var Ntfy = base(dialect.Dialect{
	Name: "ntfy", Title: "ntfy", Detect: detectNtfy, Parse: parseNtfy, Success: ntfySuccess, Failure: ntfyFailure,
})

var ntfyFields = map[string]bool{
	"topic": true, "message": true, "title": true, "tags": true, "priority": true, "actions": true, "click": true, "attach": true, "markdown": true,
	"icon": true, "filename": true, "delay": true, "email": true, "call": true, "cache": true, "firebase": true, "sequence_id": true,
}

// ntfyHeaders are the headers of a text, by the field for which each stands.
var ntfyHeaders = map[string][]string{
	"title": {"X-Title", "Title", "Ti"}, "tags": {"X-Tags", "Tags", "Ta"}, "priority": {"X-Priority", "Priority", "Prio"},
	"click": {"X-Click", "Click"}, "attach": {"X-Attach", "Attach"}, "actions": {"X-Actions", "Actions"}, "icon": {"X-Icon", "Icon"},
	"markdown": {"X-Markdown", "Markdown"}, "filename": {"X-Filename", "Filename"},
}

// telling are the fields whose headers no other sender of a text has.
var telling = []string{"title", "tags", "click", "actions"}

func detectNtfy(r *dialect.Request) string {
	f := r.Fields
	if f.Has("topic") && f.Has("message", "title", "tags", "priority", "actions", "click", "attach") && onlyFields(f, ntfyFields) {
		return "the fields topic and message"
	}
	if f != nil || r.JSON != nil {
		return ""
	}
	for _, field := range telling {
		for _, name := range ntfyHeaders[field] {
			if r.Header.Get(name) != "" {
				return "the header " + name
			}
		}
	}
	if ntfyPriorities[header(r, "priority")] != 0 { // browsers send other ones (RFC 9218)
		return "the header Priority"
	}
	return ""
}

// header is a field of a text: in a header, or in the URL.
func header(r *dialect.Request, field string) string {
	for _, name := range ntfyHeaders[field] {
		if s := r.Header.Get(name); s != "" {
			decoded, err := new(mime.WordDecoder).DecodeHeader(s)
			if err != nil {
				decoded = s
			}
			return strings.TrimSpace(strings.ToValidUTF8(decoded, ""))
		}
	}
	return strings.TrimSpace(r.Query.Get(field))
}

// ntfyPriorities are from 1 to 5; 3 is the usual one.
var ntfyPriorities = map[string]int{
	"1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "min": 1, "low": 2, "default": 3, "high": 4, "max": 5, "urgent": 5,
	"Min": 1, "Low": 2, "Default": 3, "High": 4, "Max": 5, "Urgent": 5,
}

// note is a message of ntfy's, wherever its parts stood.
type note struct {
	topic, title, message, click, attach, filename, icon string
	markdown                                             bool
	priority                                             int
	tags                                                 []string
	actions                                              []action
}

func readNote(r *dialect.Request) note {
	if r.Fields == nil {
		return textNote(r)
	}
	f := r.Fields
	n := note{
		topic: f.Str("topic"), title: f.Str("title"), message: f.Str("message"), click: f.URL("click"), attach: f.URL("attach"),
		filename: f.Str("filename"), icon: f.URL("icon"), markdown: f.Flag("markdown"), priority: ntfyPriorities[f.Str("priority")],
		tags: words(f.Str("tags")), actions: objectActions(f.Get("actions")),
	}
	for e := range f.Get("tags").Elements() {
		n.tags = append(n.tags, words(e.Str())...)
	}
	return n
}

func textNote(r *dialect.Request) note {
	return note{
		topic: r.Method, title: header(r, "title"), message: strings.TrimSpace(r.Text), click: header(r, "click"), attach: header(r, "attach"),
		filename: header(r, "filename"), icon: header(r, "icon"), priority: ntfyPriorities[header(r, "priority")],
		markdown: slices.Contains([]string{"yes", "true", "1"}, strings.ToLower(header(r, "markdown"))) ||
			strings.HasPrefix(r.Header.Get("Content-Type"), "text/markdown"),
		tags: words(header(r, "tags")), actions: textActions(header(r, "actions")),
	}
}

// words are the parts of a list with commas.
func words(s string) []string {
	var out []string
	for word := range strings.SplitSeq(s, ",") {
		if word = strings.TrimSpace(word); word != "" {
			out = append(out, word)
		}
	}
	return out
}

func parseNtfy(r *dialect.Request) (dialect.Post, error) {
	n := readNote(r)
	p := dialect.Post{Uploads: r.Uploads}
	emoji, others := splitTags(n.tags)
	if n.title == "" && n.message == "" && n.attach == "" && len(n.tags) == 0 {
		return p, dialect.Nothing()
	}
	if n.title == "" {
		n.message = strings.TrimSpace(emoji + n.message)
	} else {
		n.title = emoji + n.title
	}
	c := markup.Card{
		Color:  n.color(),
		Title:  dialect.Line(dialect.Txt(n.title)),
		Blocks: dialect.Plain(n.message), Thumbnail: markup.Image{URL: webURL(n.icon)},
		Footer: n.footer(),
	}
	if url := webURL(n.click); n.title != "" {
		c.URL = url
	} else if url != "" {
		n.actions = append([]action{{kind: "view", label: "Open", url: url}}, n.actions...)
	}
	if n.markdown {
		c.Blocks = dialect.Markdown(n.message)
	}
	var f dialect.Facts
	f.Add("Tags", strings.Join(others, ", "))
	c.Blocks = append(c.Blocks, f.Blocks()...)
	c.Blocks = append(c.Blocks, buttons(n.actions, &p.Losses)...)
	if dialect.IsWebURL(n.attach) {
		p.Files = []hub.Attachment{{URL: n.attach, Filename: n.file()}}
	}
	p.Doc = dialect.Say(c)
	return p, r.Finish(&p, nil)
}

func webURL(s string) string {
	if dialect.IsWebURL(s) {
		return s
	}
	return ""
}

// file is the name of the attachment.
func (n *note) file() string {
	if n.filename != "" {
		return n.filename
	}
	name := n.attach[strings.LastIndexByte(n.attach, '/')+1:]
	if name, _, _ = strings.Cut(name, "?"); name == "" {
		return "file"
	}
	return name
}

// footer is where the message was sent, and how important it is, if not as usual.
func (n *note) footer() []markup.Inline {
	parts := []string{n.topic, ""}
	if n.priority != 0 && n.priority != 3 {
		parts[1] = []string{"lowest", "low", "", "high", "highest"}[n.priority-1] + " priority"
	}
	return dialect.Line(dialect.Txt(strings.Trim(strings.Join(parts, " · "), " ·")))
}

// tagColors are the emoji by which senders say how it stands.
var tagColors = map[string]markup.Color{
	"red_circle": dialect.Red, "rotating_light": dialect.Red, "skull": dialect.Red, "x": dialect.Red, "no_entry": dialect.Red, "fire": dialect.Red,
	"sos": dialect.Red, "bangbang": dialect.Red, "warning": dialect.Orange, "orange_circle": dialect.Orange, "yellow_circle": dialect.Yellow,
	"green_circle": dialect.Green, "white_check_mark": dialect.Green, "heavy_check_mark": dialect.Green, "tada": dialect.Green, "+1": dialect.Green,
	"blue_circle": dialect.Blue, "information_source": dialect.Blue,
}

// color is that of the first tag that has one; without any, an important message is
// shown as one.
func (n *note) color() markup.Color {
	for _, tag := range n.tags {
		if color := tagColors[tag]; color != "" {
			return color
		}
	}
	switch n.priority {
	case 4:
		return dialect.Orange
	case 5:
		return dialect.Red
	}
	return ""
}

// splitTags returns the emoji that stand before the title, and the other tags.
func splitTags(tags []string) (emoji string, others []string) {
	for _, tag := range tags {
		if chars, ok := markup.LookupEmoji(tag); ok {
			emoji += chars + " "
		} else {
			others = append(others, tag)
		}
	}
	return emoji, others
}

func ntfySuccess(r *dialect.Request, p dialect.Posted) dialect.Answer {
	n := readNote(r)
	if n.topic == "" {
		n.topic = string(p.Message.ChannelID)
	}
	if n.message == "" {
		n.message = "triggered"
	}
	return answer(http.StatusOK, struct {
		ID       string   `json:"id"`
		Time     int64    `json:"time"`
		Event    string   `json:"event"`
		Topic    string   `json:"topic"`
		Title    string   `json:"title,omitempty"`
		Message  string   `json:"message"`
		Priority int      `json:"priority,omitempty"`
		Tags     []string `json:"tags,omitempty"`
	}{string(p.Message.ID), p.Message.CreatedAt.Unix(), "message", n.topic, n.title, n.message, n.priority, n.tags})
}

func ntfyFailure(f *dialect.Failure) dialect.Answer {
	return answer(f.Status(), struct {
		Code  int    `json:"code"`
		HTTP  int    `json:"http"`
		Error string `json:"error"`
	}{100*f.Status() + 1, f.Status(), f.Detail})
}
