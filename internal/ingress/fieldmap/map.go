package fieldmap

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialects/card"
	"github.com/nself-chat/hub/internal/markup"
)

// Map says what of a request becomes which part of a post. Each part is a [Template];
// "": there is none.
type Map struct {
	Title  string `json:"title,omitempty"`  // one line of plain text
	Text   string `json:"text,omitempty"`   // Markdown
	Color  string `json:"color,omitempty"`  // a colour, or a word for how something is
	Link   string `json:"link,omitempty"`   // where the title leads
	Key    string `json:"key,omitempty"`    // what the post is about: see [dialect.Post]
	Image  string `json:"image,omitempty"`  // the address of a picture
	Author string `json:"author,omitempty"` // who did it
	Thread string `json:"thread,omitempty"` // what the post replies to
}

// keyPrefix keeps the keys of maps apart from those that dialects make.
const keyPrefix = "map:"

// member is one part of a map by its name.
type member struct {
	name  string
	value *string
}

func (m *Map) members() []member {
	return []member{
		{"title", &m.Title},
		{"text", &m.Text},
		{"color", &m.Color},
		{"link", &m.Link},
		{"key", &m.Key},
		{"image", &m.Image},
		{"author", &m.Author},
		{"thread", &m.Thread},
	}
}

// Decode reads a map from JSON, and says what is wrong with it.
func Decode(b []byte) (Map, hub.FieldErrors) {
	var m Map
	var errs hub.FieldErrors
	b = bytes.TrimSpace(b)
	if !json.Valid(b) || !dialect.Value(b).IsObject() {
		errs.Add("", "must be an object")
		return m, errs
	}
	o := dialect.Value(b).Object()
	known := map[string]*string{}
	for _, p := range m.members() {
		known[p.name] = p.value
	}
	for _, name := range o.Names() {
		v := o.Get(name)
		target := known[name]
		switch {
		case target == nil:
			errs.Add("", "must have no other members than title, text, color, link, key, image, author and thread")
			return m, errs
		case v.Absent():
		case v[0] != '"':
			errs.Add(name, "must be a string")
		default:
			*target, _ = v.Text()
		}
	}
	return m, append(errs, m.Check()...)
}

// Check says what is wrong with the map.
func (m Map) Check() hub.FieldErrors {
	var errs hub.FieldErrors
	for _, p := range m.members() {
		Template(*p.value).Check(p.name, &errs)
	}
	return errs
}

// IsZero reports whether the map names nothing.
func (m Map) IsZero() bool { return m == Map{} }

// Apply makes a post of a request: a card with the parts that the map names and are
// there, and just the text if there is nothing else. Its error is a *dialect.Failure.
func (m Map) Apply(r *dialect.Request) (dialect.Post, error) {
	body := root(r)
	fill := func(t string) string { return Template(t).fill(body) }
	p := dialect.Post{Thread: Template(m.Thread).Expand(r), Uploads: r.Uploads}
	if key := Template(m.Key).Expand(r); key != "" {
		p.Key = keyPrefix + key
	}
	title, text := fill(m.Title), fill(m.Text)
	if title == "" && text == "" {
		return everything(r, p)
	}
	c := markup.Card{
		Color:  color(fill(m.Color)),
		Author: markup.CardAuthor{Name: oneLine(fill(m.Author))},
		Title:  dialect.Line(dialect.Txt(oneLine(title))),
		Blocks: dialect.Markdown(text),
	}
	image, link := fill(m.Image), fill(m.Link)
	if dialect.IsWebURL(image) {
		c.Blocks = append(c.Blocks, markup.Image{URL: image})
	}
	switch {
	case !dialect.IsWebURL(link):
	case title == "":
		c.Blocks = append(c.Blocks, dialect.Para(dialect.Link(link, "")))
	default:
		c.URL = link
	}
	if title == "" && c.Color == "" && c.Author.Name == "" {
		p.Doc = dialect.Say(c.Blocks...)
	} else {
		p.Doc = dialect.Say(c)
	}
	return p, r.Finish(&p, nil)
}

// Unfilled returns the names of the parts that the map names and for which the request
// has nothing that can be shown, in the order of Map.
func (m Map) Unfilled(r *dialect.Request) []string {
	var out []string
	for _, p := range m.members() {
		if *p.value == "" {
			continue
		}
		text, found, missing := Template(*p.value).expand(root(r))
		there := text != "" && (found > 0 || missing == 0)
		switch p.value {
		case &m.Key, &m.Thread:
			there = there && missing == 0
		case &m.Link, &m.Image:
			there = there && dialect.IsWebURL(text)
		case &m.Color:
			there = there && color(text) != ""
		}
		if !there {
			out = append(out, p.name)
		}
	}
	return out
}

// everything shows all of the request.
func everything(r *dialect.Request, p dialect.Post) (dialect.Post, error) {
	if r.JSON == nil && r.Fields == nil {
		p.Markdown = strings.TrimSpace(r.Text)
		return p, r.Finish(&p, nil)
	}
	whole, err := card.Dialect.Parse(r)
	p.Doc = whole.Doc
	return p, err
}

// color reads words such as "firing" and "critical", and colours.
func color(s string) markup.Color {
	if c := dialect.StateColor(s); c != "" {
		return c
	}
	if c := dialect.SeverityColor(s); c != "" {
		return c
	}
	return markup.ParseColor(s)
}

// oneLine is a text in its place on a line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
