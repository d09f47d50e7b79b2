package github

import (
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// How much is shown of what may be long.
const (
	maxListed = 10
	longText  = 1200     // characters of a description or a comment
	longNotes = 3000     // of the notes of a release
	longest   = 64 << 10 // bytes that are looked at at all
)

// message is what is told of an event: a sentence, and a card with what else there
// is to say.
type message struct {
	line  phrase
	color markup.Color
	title phrase // of the card; mostly the line says it all
	url   string // where the title leads
	texts []markup.Block
	facts dialect.Facts
	time  time.Time
	key   string
}

func (m *message) post() dialect.Post {
	p := dialect.Post{Doc: dialect.Say(markup.Paragraph{Content: m.line}), Key: m.key}
	blocks := append(m.texts, m.facts.Blocks()...)
	if len(blocks) == 0 && len(m.title) == 0 {
		return p
	}
	p.Doc.Blocks = append(p.Doc.Blocks, markup.Card{Color: m.color, Title: m.title, URL: m.url, Blocks: blocks, Time: m.time})
	return p
}

// markdown adds text in GitHub's Markdown, and where the rest of it can be read when
// it is long.
func (m *message) markdown(source, url string) { m.clipped(source, url, longText) }

func (m *message) clipped(source, url string, limit int) {
	cut := len(source) > longest
	if cut {
		source = strings.ToValidUTF8(source[:longest], "")
	}
	parts := markup.Split(markup.Document{Blocks: dialect.Markdown(plainer(source))}, limit, characters)
	if len(parts) == 0 {
		return
	}
	m.texts = append(m.texts, parts[0].Blocks...)
	if len(parts) > 1 || cut {
		m.texts = append(m.texts, dialect.Para(say(txt("…"), link(url, "read the rest"))...))
	}
}

func characters(d markup.Document) int { return markup.Runes(markup.Plain(d)) }

// plain adds text that has no markup.
func (m *message) plain(s string) {
	if s != "" {
		m.texts = append(m.texts, dialect.Plain(s)...)
	}
}

// note adds a line.
func (m *message) note(parts ...phrase) {
	if line := say(parts...); len(line) > 0 {
		m.texts = append(m.texts, dialect.Para(line...))
	}
}

// day adds a date.
func (m *message) day(title string, v dialect.Value) {
	t := dialect.Moment(v)
	if t.IsZero() {
		m.facts.Add(title, v.Str())
		return
	}
	m.facts.AddLine(title, markup.Timestamp{Time: t, Format: markup.FormatDateLong, Text: t.Format("2 January 2006")})
}
