package discord

import (
	"net/url"
	"slices"
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// embedsOf returns the embeds that show a card, in groups that have to stay in
// one message.
func embedsOf(c markup.Card, lost *markup.Degradations) [][]Embed {
	e := embedder{lost: lost, color: c.Color.RGB()}
	e.next()
	body := e.head(c)
	text, pictures := splitPictures(c.Blocks)
	e.body(append(body, text...))
	e.foot(c)
	e.pictures(pictures, c.URL)
	return e.groups
}

// embedder writes a card into as many embeds as it takes.
type embedder struct {
	lost   *markup.Degradations
	color  int
	groups [][]Embed
	at     *Embed // the last one
}

// next begins another embed.
func (e *embedder) next() {
	e.groups = append(e.groups, []Embed{{Color: e.color}})
	e.at = &e.groups[len(e.groups)-1][0]
}

// room makes sure that n more characters fit the embed.
func (e *embedder) room(n int) {
	if e.at.size()+n > MaxEmbedTotal {
		e.next()
	}
}

// head writes author, title and thumbnail, and returns what does not fit there.
func (e *embedder) head(c markup.Card) (rest []markup.Block) {
	if a := c.Author; a.Name != "" || a.URL != "" {
		name := a.Name
		if name == "" {
			name = a.URL
		}
		if length(name) <= MaxAuthor && (a.URL == "" || isEmbedURL(a.URL)) {
			e.at.Author = &EmbedAuthor{Name: name, URL: a.URL, IconURL: e.icon(a.IconURL)}
		} else {
			rest = append(rest, paragraph(linked(a.Name, a.URL)...)...)
			if a.IconURL != "" {
				e.lost.Add(markup.KindImage, markup.Unreadable)
			}
		}
	}
	rest = append(rest, e.title(c)...)
	if img := c.Thumbnail; isEmbedURL(img.URL) {
		e.at.Thumbnail = e.image(img)
	} else {
		rest = append(rest, img)
	}
	return rest
}

// title writes the title, and returns it where it does not fit, or its URL.
func (e *embedder) title(c markup.Card) (rest []markup.Block) {
	var lost markup.Degradations
	title := printLine(c.Title, &lost)
	switch {
	case length(title) > MaxTitle && c.URL != "" && !slices.ContainsFunc(markup.Runs(c.Title), isLinked):
		return paragraph(markup.Strong{Content: []markup.Inline{markup.Link{URL: c.URL, Content: c.Title}}})
	case length(title) > MaxTitle:
		rest = paragraph(markup.Strong{Content: c.Title})
	default:
		e.at.Title = title
		e.lost.Merge(lost)
	}
	switch {
	case c.URL == "":
	case e.at.Title != "" && isEmbedURL(c.URL):
		e.at.URL = c.URL
	default:
		rest = append(rest, paragraph(markup.Link{URL: c.URL})...)
	}
	return rest
}

func isLinked(r markup.Run) bool { return r.URL != "" }

// icon returns the URL of a picture that is shown beside text, if it can be.
func (e *embedder) icon(url string) string {
	if url == "" || isEmbedURL(url) {
		return url
	}
	e.lost.Add(markup.KindImage, markup.Unreadable)
	return ""
}

func (e *embedder) image(img markup.Image) *EmbedImage {
	const longest = MaxDescription // of its description
	text := img.Alt
	if img.Title != "" && text != "" {
		text += " – "
	}
	text += img.Title
	if length(text) > longest {
		e.lost.Add(markup.KindImage, markup.Shortened)
		text = string([]rune(text)[:longest])
	}
	return &EmbedImage{URL: img.URL, Description: text}
}

// splitPictures takes the last pictures in a row out of blocks: they are shown
// below the text.
func splitPictures(blocks []markup.Block) (text []markup.Block, pictures []markup.Image) {
	for i := len(blocks) - 1; i >= 0; i-- {
		img, ok := blocks[i].(markup.Image)
		if ok = ok && isEmbedURL(img.URL); ok {
			pictures = append([]markup.Image{img}, pictures...)
			continue
		}
		if len(pictures) > 0 {
			return append(append(text, blocks[:i+1]...), blocks[i+1+len(pictures):]...), pictures
		}
	}
	return blocks[len(pictures):], pictures
}

// body writes text and fields in their order.
func (e *embedder) body(blocks []markup.Block) {
	var text []markup.Block
	for _, b := range blocks {
		if f, ok := b.(markup.Fields); ok {
			e.text(text)
			e.fields(f)
			text = nil
			continue
		}
		text = append(text, b)
	}
	e.text(text)
}

// text writes blocks as the description, and after fields as a field without a
// name.
func (e *embedder) text(blocks []markup.Block) {
	for _, piece := range markup.Split(markup.Document{Blocks: blocks}, MaxDescription, Size) {
		s := printText(piece, e.lost)
		n := length(s)
		if n == 0 {
			continue
		}
		if len(e.at.Fields) > 0 && n <= MaxFieldValue {
			e.field(EmbedField{Name: separator, Value: s})
			continue
		}
		if len(e.at.Fields) > 0 || e.at.Description != "" {
			e.next()
		}
		e.room(n)
		e.at.Description = s
	}
}

func (e *embedder) fields(f markup.Fields) {
	for _, field := range f.Fields {
		name, value := printLine(field.Title, e.lost), field.Value
		if length(name) > MaxFieldName {
			value = append(paragraph(markup.Strong{Content: field.Title}), value...)
			name = ""
		}
		pieces := markup.Split(markup.Document{Blocks: value}, MaxFieldValue, Size)
		if len(pieces) == 0 {
			pieces = []markup.Document{{}}
		}
		for _, piece := range pieces {
			s := printText(piece, e.lost)
			e.field(EmbedField{Name: orSeparator(name), Value: orSeparator(s), Inline: field.Short && len(pieces) == 1})
			name = ""
		}
	}
}

// orSeparator returns what stands for an empty text, which Discord refuses.
func orSeparator(s string) string {
	if s == "" {
		return separator
	}
	return s
}

func (e *embedder) field(f EmbedField) {
	if len(e.at.Fields) == MaxFields {
		e.next()
	}
	e.room(length(f.Name) + length(f.Value))
	e.at.Fields = append(e.at.Fields, f)
}

// foot writes the footer, which is plain text, and the time.
func (e *embedder) foot(c markup.Card) {
	for _, n := range c.Footer {
		if n.Kind() != markup.KindText {
			e.lost.Add(n.Kind(), markup.AsText)
		}
	}
	footer := strings.TrimSpace(markup.PlainInline(c.Footer))
	switch {
	case length(footer) > MaxFooter:
		e.text([]markup.Block{markup.Context{Content: c.Footer}})
	case footer != "":
		e.room(length(footer))
		e.at.Footer = &EmbedFooter{Text: footer, IconURL: e.icon(c.FooterIconURL)}
	case c.FooterIconURL != "":
		e.lost.Add(markup.KindImage, markup.Unreadable) // it needs a text
	}
	if e.at.size() == 0 && e.at.Thumbnail == nil && !c.Time.IsZero() {
		e.text(paragraph(markup.Timestamp{Time: c.Time})) // a time alone is not shown
		return
	}
	e.at.Timestamp = c.Time
}

// maxGallery is how many pictures Discord shows of embeds that have one URL.
const maxGallery = 4

// pictures writes pictures: the first one into the last embed, the others into
// its gallery or into embeds of their own.
func (e *embedder) pictures(images []markup.Image, url string) {
	for i, img := range images {
		switch {
		case i == 0:
			e.at.Image = e.image(img)
		case i < maxGallery && url != "" && e.groups[len(e.groups)-1][0].URL == url:
			last := len(e.groups) - 1
			e.groups[last] = append(e.groups[last], Embed{URL: url, Image: e.image(img)})
		default:
			e.next()
			e.at.Image = e.image(img)
		}
	}
}

// printLine writes a title. Discord shows styles in it, but neither links nor
// mentions; and backslashes remain visible where it leads somewhere, so that it
// is written without them if it can be.
func printLine(content []markup.Inline, lost *markup.Degradations) string {
	runs := markup.Runs(content)
	for i, r := range runs {
		switch n := r.Node.(type) {
		case markup.Text, markup.Code:
		case markup.Emoji:
			if !isID(n.ID) || !isEmojiName(n.Name) {
				lost.Add(markup.KindEmoji, markup.AsText)
				runs[i].Node = text(n)[0]
			}
		default:
			lost.Add(n.Kind(), markup.AsText)
			runs[i].Node = text(n)[0]
		}
		if r.URL != "" {
			lost.Add(markup.KindLink, markup.AsText)
		}
	}
	content = oneLine(markup.Nest(unlink(runs)))
	if len(content) == 0 {
		return ""
	}
	w := inlineWriter{lost: new(markup.Degradations), inLabel: true}
	raw := separated(w.inlines(content, false, ""))
	if sameLine(parseLine(raw), content) {
		return raw
	}
	return (&printer{lost}).inline(content, inLine)
}

// oneLine returns content in its normal form as a title, without links.
func oneLine(content []markup.Inline) []markup.Inline {
	heading := markup.Normal(markup.Document{Blocks: []markup.Block{markup.Heading{Level: 1, Content: content}}})
	if len(heading.Blocks) == 0 {
		return nil
	}
	runs := markup.Runs(heading.Blocks[0].(markup.Heading).Content)
	for i := range runs {
		runs[i].URL, runs[i].Title = "", ""
	}
	return markup.Nest(runs)
}

func sameLine(a, b []markup.Inline) bool {
	line := func(content []markup.Inline) markup.Document {
		return markup.Document{Blocks: []markup.Block{markup.Heading{Level: 1, Content: content}}}
	}
	return markup.Equal(line(a), line(b))
}

// isEmbedURL reports whether Discord accepts the URL in an embed. One it does
// not accept fails the whole message: a host needs a dot
// (go-gitea/gitea#11124).
func isEmbedURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && isWebURL(s) && strings.Contains(strings.Trim(u.Hostname(), "."), ".") && length(s) <= MaxURL
}
