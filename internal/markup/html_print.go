package markup

import (
	"html"
	"strconv"
	"strings"
	"time"
)

// PrintHTML writes a document for a page. Every character of it is escaped, so
// that it can only ever make the elements that are written here; it has no
// style attributes and no scripts, which a Content-Security-Policy would
// refuse.
//
// Links lead to the web or to a mailbox, in a new window that learns nothing of
// this one ([SafeURL]). Images are loaded over https and linked otherwise.
// Headings are h4 to h6, since the page has the others. What has marks or columns
// on a side has them on the side that its text begins on.
func PrintHTML(d Document) (string, Degradations) {
	p := htmlPrinter{}
	p.blocks(Normal(d).Blocks)
	return p.b.String(), p.lost
}

type htmlPrinter struct {
	b    strings.Builder
	lost Degradations
}

func (p *htmlPrinter) raw(parts ...string) {
	for _, s := range parts {
		p.b.WriteString(s)
	}
}

func (p *htmlPrinter) text(s string) { p.b.WriteString(html.EscapeString(s)) }

// attribute writes ` name="value"`.
func (p *htmlPrinter) attribute(name, value string) {
	p.raw(" ", name, `="`, html.EscapeString(value), `"`)
}

func (p *htmlPrinter) blocks(blocks []Block) {
	for _, b := range blocks {
		p.block(b)
	}
}

func (p *htmlPrinter) block(b Block) {
	switch b := b.(type) {
	case Paragraph:
		p.element("p", b.Content)
	case Heading:
		p.element([]string{"h4", "h5", "h6", "h6", "h6", "h6"}[b.Level-1], b.Content)
	case Context:
		p.raw(`<p class="context">`)
		p.inlines(b.Content)
		p.raw("</p>\n")
	case Quote:
		p.raw(`<blockquote dir="auto">`, "\n")
		p.blocks(b.Blocks)
		p.raw("</blockquote>\n")
	case List:
		p.list(b)
	case CodeBlock:
		p.raw("<pre><code")
		if b.Language != "" {
			p.attribute("class", "language-"+b.Language)
		}
		p.raw(">")
		p.text(b.Text)
		p.raw("\n</code></pre>\n")
	case Rule:
		p.raw("<hr>\n")
	case Table:
		p.table(b)
	case Image:
		p.raw("<p>")
		p.image(b)
		p.raw("</p>\n")
	case Fields:
		p.fields(b)
	case Card:
		p.card(b)
	case Unknown:
		p.lost.Add(b.Name, AsText)
		p.element("p", []Inline{Text(b.Fallback)})
	}
}

func (p *htmlPrinter) element(name string, content []Inline) {
	p.raw("<", name, ">")
	p.inlines(content)
	p.raw("</", name, ">\n")
}

func (p *htmlPrinter) list(l List) {
	name := "ul"
	if l.Ordered {
		name = "ol"
	}
	p.raw("<", name, ` dir="auto"`)
	if l.Ordered && l.Start != 1 {
		p.attribute("start", strconv.Itoa(l.Start))
	}
	p.raw(">\n")
	for _, item := range l.Items {
		p.raw("<li>")
		switch item.Task {
		case TaskOpen:
			p.raw(`<input type="checkbox" disabled aria-label="Task"> `)
		case TaskDone:
			p.raw(`<input type="checkbox" checked disabled aria-label="Task"> `)
		}
		p.item(item.Blocks)
		p.raw("</li>\n")
	}
	p.raw("</", name, ">\n")
}

// item writes a paragraph at the start of an item without an element of its own.
func (p *htmlPrinter) item(blocks []Block) {
	if len(blocks) == 0 {
		return
	}
	if first, ok := blocks[0].(Paragraph); ok {
		p.inlines(first.Content)
		if blocks = blocks[1:]; len(blocks) == 0 {
			return
		}
	}
	p.raw("\n")
	p.blocks(blocks)
}

func (p *htmlPrinter) table(t Table) {
	p.raw(`<table dir="auto">`, "\n<thead>\n")
	p.row(t, t.Header, "th")
	p.raw("</thead>\n<tbody>\n")
	for _, row := range t.Rows {
		p.row(t, row, "td")
	}
	p.raw("</tbody>\n</table>\n")
}

func (p *htmlPrinter) row(t Table, r Row, cell string) {
	p.raw("<tr>\n")
	for i, content := range r {
		p.raw("<", cell)
		if t.Align[i] != AlignNone {
			p.attribute("align", string(t.Align[i]))
		}
		p.raw(">")
		p.inlines(content)
		p.raw("</", cell, ">\n")
	}
	p.raw("</tr>\n")
}

func (p *htmlPrinter) fields(f Fields) {
	p.raw("<dl>\n")
	for _, field := range f.Fields {
		p.raw("<div")
		if field.Short {
			p.attribute("class", "inline")
		}
		p.raw("><dt>")
		p.inlines(field.Title)
		p.raw("</dt><dd>\n")
		p.blocks(field.Value)
		p.raw("</dd></div>\n")
	}
	p.raw("</dl>\n")
}

func (p *htmlPrinter) card(c Card) {
	p.raw(`<section class="embed"><svg class="stripe" aria-hidden="true"><rect width="100%" height="100%"`)
	if c.Color != "" {
		p.attribute("fill", string(c.Color))
	}
	p.raw("></rect></svg>\n")
	if c.Thumbnail.URL != "" {
		p.picture(c.Thumbnail, "thumb")
		p.raw("\n")
	}
	if c.Author.Name != "" || c.Author.URL != "" {
		p.raw(`<p class="embed-author">`)
		p.icon(c.Author.IconURL)
		p.inlines(linked(c.Author.URL, textContent(c.Author.Name)))
		p.raw("</p>\n")
	}
	if len(c.Title) > 0 || c.URL != "" {
		p.raw(`<p class="embed-title">`)
		p.inlines(linked(c.URL, c.Title))
		p.raw("</p>\n")
	}
	p.blocks(c.Blocks)
	if len(c.Footer) > 0 || !c.Time.IsZero() {
		p.raw(`<p class="embed-footer">`)
		p.icon(c.FooterIconURL)
		p.inlines(c.Footer)
		if !c.Time.IsZero() {
			p.raw(" ")
			p.timestamp(Timestamp{Time: c.Time})
		}
		p.raw("</p>\n")
	}
	p.raw("</section>\n")
}

// icon writes a small picture that means nothing by itself.
func (p *htmlPrinter) icon(url string) {
	if isSecure(url) {
		p.picture(Image{URL: url}, "icon")
		p.raw(" ")
	}
}

func (p *htmlPrinter) inlines(content []Inline) {
	for _, n := range content {
		p.inline(n)
	}
}

func (p *htmlPrinter) inline(n Inline) {
	switch n := n.(type) {
	case Text:
		p.text(string(n))
	case Code:
		p.raw("<code>")
		p.text(string(n))
		p.raw("</code>")
	case Strong:
		p.wrap("<strong>", n.Content, "</strong>")
	case Emphasis:
		p.wrap("<em>", n.Content, "</em>")
	case Strike:
		p.wrap("<del>", n.Content, "</del>")
	case Underline:
		p.wrap("<u>", n.Content, "</u>")
	case Spoiler:
		p.wrap(`<span class="spoiler" tabindex="0">`, n.Content, "</span>")
	case Link:
		p.link(n)
	case Mention:
		p.raw(`<span class="mention">`)
		p.text(n.label())
		p.raw("</span>")
	case Emoji:
		if isSecure(n.URL) {
			p.picture(Image{URL: n.URL, Alt: ":" + n.Name + ":", Title: n.Name}, "emoji")
		} else {
			p.text(":" + n.Name + ":")
		}
	case Timestamp:
		p.timestamp(n)
	case Break:
		p.raw("<br>\n")
	case Image:
		p.image(n)
	case Unknown:
		p.lost.Add(n.Name, AsText)
		p.text(n.Fallback)
	}
}

func (p *htmlPrinter) wrap(start string, content []Inline, end string) {
	p.raw(start)
	p.inlines(content)
	p.raw(end)
}

func (p *htmlPrinter) link(n Link) {
	content := n.Content
	if len(content) == 0 {
		content = textContent(n.URL) // of a card; others are normal
	}
	if !SafeURL(n.URL) {
		p.lost.Add(KindLink, AsText)
		p.inlines(content)
		return
	}
	p.raw("<a")
	p.attribute("href", n.URL)
	p.raw(` rel="noopener nofollow" target="_blank"`)
	if n.Title != "" {
		p.attribute("title", n.Title)
	}
	p.raw(">")
	p.inlines(content)
	p.raw("</a>")
}

// image writes an image; one that may not be loaded is its description, linked
// where it leads somewhere.
func (p *htmlPrinter) image(n Image) {
	if isSecure(n.URL) {
		p.picture(n, "")
		return
	}
	label := n.Alt
	if label == "" {
		label = n.URL
	}
	p.lost.Add(KindImage, AsLink)
	p.link(Link{URL: n.URL, Title: n.Title, Content: textContent(label)})
}

func (p *htmlPrinter) picture(n Image, class string) {
	if !isSecure(n.URL) {
		return
	}
	p.raw(`<img loading="lazy"`)
	if class != "" {
		p.attribute("class", class)
	}
	p.attribute("src", n.URL)
	p.attribute("alt", n.Alt)
	if n.Title != "" {
		p.attribute("title", n.Title)
	}
	p.raw(">")
}

func (p *htmlPrinter) timestamp(n Timestamp) {
	p.raw("<time")
	p.attribute("datetime", n.Time.UTC().Format(time.RFC3339))
	if n.Format != FormatDateTime {
		p.attribute("data-format", string(n.Format))
	}
	p.raw(">")
	p.text(n.Plain())
	p.raw("</time>")
}

// isSecure reports whether a picture may be loaded from there.
func isSecure(url string) bool {
	return SafeURL(url) && hasPrefixFold(url, "https:")
}
