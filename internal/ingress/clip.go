package ingress

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// The most, in characters, that is kept of what a call brings. Longer text is
// cut where a reader can see it, never refused.
const (
	maxContent     = 16_000
	maxUsername    = 80
	maxEmbeds      = 10
	maxFields      = 25
	maxTitle       = 256
	maxDescription = 4096
	maxFieldValue  = 1024
	maxFooter      = 2048
	maxFilename    = 255
	maxMimeType    = 127
)

// clip cuts what is too long and drops characters that cannot be shown. leftOut is
// how many parts of the call were too many to be looked at.
func clip(p *dialect.Post, leftOut int) {
	p.Username = clipLine(p.Username, maxUsername)
	for i := range p.Files {
		p.Files[i].Filename = clipLine(p.Files[i].Filename, maxFilename)
		p.Files[i].MimeType = clipLine(p.Files[i].MimeType, maxMimeType)
	}
	var text markup.Document
	var cards []markup.Card
	if !p.Doc.IsEmpty() {
		text, cards = markup.Cards(markup.Normal(p.Doc))
	}
	notes := clipLists(p, &cards)
	if leftOut > 0 && (len(notes) > 0 || !p.Empty()) {
		notes = append(notes, markup.Context{Content: []markup.Inline{markup.Text(tooMany(leftOut))}})
		p.Losses.Add(markup.KindContext, markup.Shortened)
	}
	limit := maxContent - noteRoom*len(notes)
	p.Markdown = strings.TrimSpace(clipContent(printable(p.Markdown), limit))
	if p.Doc.IsEmpty() && len(notes) == 0 {
		return
	}
	text = clipDocument(text, max(limit-utf8.RuneCountInString(p.Markdown)-2, 0), markdownSize)
	p.Doc = markup.Document{Blocks: text.Blocks}
	for _, c := range fitCards(cards) {
		p.Doc.Blocks = append(p.Doc.Blocks, c)
	}
	p.Doc.Blocks = append(p.Doc.Blocks, notes...)
}

// noteRoom is how many characters of Markdown a note of what is left out takes at most.
const noteRoom = 80

// clipLists leaves of the files and cards as many as are taken, and returns what is
// to be said of the others.
func clipLists(p *dialect.Post, cards *[]markup.Card) (notes []markup.Block) {
	if n := len(p.Uploads) - maxUploads; n > 0 {
		p.Uploads = p.Uploads[:maxUploads]
		notes = append(notes, andMore(n, "file"))
		p.Losses.Add(markup.KindContext, markup.Shortened)
	}
	if n := len(*cards) - maxEmbeds; n > 0 {
		*cards = (*cards)[:maxEmbeds]
		notes = append(notes, andMore(n, "card"))
		p.Losses.Add(markup.KindCard, markup.Shortened)
	}
	return notes
}

// tooMany says that so many parts of a call were not looked at.
func tooMany(n int) string {
	return "The body had too many parts: " + dialect.Count(n, "was", "were") + " left out."
}

// andMore says what is left out.
func andMore(n int, what string) markup.Block {
	return markup.Context{Content: []markup.Inline{markup.Text("and " + dialect.Count(n, "more "+what, "more "+what+"s"))}}
}

// clipDocument keeps what fits into limit characters, and says so if that is not
// all.
func clipDocument(d markup.Document, limit int, size func(markup.Document) int) markup.Document {
	total := size(d)
	if total <= limit {
		return d
	}
	const note = 64 // characters for what says so
	d, _ = markup.Clip(d, max(limit-note, 0), size)
	d.Blocks = append(d.Blocks, markup.Paragraph{Content: []markup.Inline{
		markup.Emphasis{Content: []markup.Inline{markup.Text("(shortened from " + strconv.Itoa(total) + " characters)")}},
	}})
	return d
}

func markdownSize(d markup.Document) int {
	text, _ := markup.PrintMarkdown(d)
	return utf8.RuneCountInString(text)
}

// plainSize counts what a reader sees: of a card that is what its sender counted.
func plainSize(d markup.Document) int { return utf8.RuneCountInString(markup.Plain(d)) }

// embedBudget is how many bytes of JSON the cards of a message may have together
// as embeds. It is the chat's.
const embedBudget = 64 << 10

// fitCards leaves of cards what a person would look at and the chat takes: the last
// ones go first, then the last fields of the only one. What stays says so.
func fitCards(cards []markup.Card) []markup.Card {
	for i := range cards {
		c := &cards[i]
		c.Title, c.Footer = clipInline(c.Title, maxTitle), clipInline(c.Footer, maxFooter)
		c.Author.Name = clipLine(c.Author.Name, maxTitle)
		c.Blocks = clipBlocks(c.Blocks, maxDescription)
	}
	shortened := []markup.Inline{markup.Text("… (shortened: the cards were too long)")}
	for len(cards) > 0 && embedBytes(cards) > embedBudget {
		last := &cards[len(cards)-1]
		switch n := len(last.Blocks); {
		case len(cards) > 1:
			cards = cards[:len(cards)-1]
		case n == 0:
			return nil
		default:
			last.Blocks[n-1] = halved(last.Blocks[n-1])
			if last.Blocks[n-1] == nil {
				last.Blocks = last.Blocks[:n-1]
			}
		}
		cards[len(cards)-1].Footer = shortened
	}
	return cards
}

// halved returns half of the fields; nil for any other block.
func halved(b markup.Block) markup.Block {
	if f, ok := b.(markup.Fields); ok && len(f.Fields) > 1 {
		return markup.Fields{Fields: f.Fields[:len(f.Fields)/2]}
	}
	return nil
}

// embedBytes is how many bytes of JSON the cards have at most in the chat, which
// writes a zero-width space after each @ that addresses everybody.
func embedBytes(cards []markup.Card) int {
	embeds := make([]hub.Embed, len(cards))
	for i := range cards {
		embeds[i] = markup.CardEmbed(cards[i])
	}
	encoded, err := json.Marshal(embeds)
	if err != nil { // strings always encode
		return math.MaxInt
	}
	return len(encoded) + bytes.Count(encoded, []byte{'@'})*len("\u200b")
}

// clipBlocks bounds the text of a card; its fields, each by itself and in number; and
// leaves its pictures.
func clipBlocks(blocks []markup.Block, limit int) []markup.Block {
	var out, text []markup.Block
	flush := func() {
		d := clipDocument(markup.Document{Blocks: text}, limit, plainSize)
		limit = max(0, limit-plainSize(d))
		out, text = append(out, d.Blocks...), nil
	}
	for _, b := range blocks {
		switch b := b.(type) {
		case markup.Fields:
			flush()
			out = append(out, clipFields(b)...)
		case markup.Image:
			flush()
			out = append(out, b)
		default:
			text = append(text, b)
		}
	}
	flush()
	return out
}

func clipFields(all markup.Fields) []markup.Block {
	fields := make([]markup.Field, 0, min(len(all.Fields), maxFields))
	for _, f := range all.Fields[:min(len(all.Fields), maxFields)] {
		f.Title = clipInline(f.Title, maxTitle)
		f.Value = clipDocument(markup.Document{Blocks: f.Value}, maxFieldValue, plainSize).Blocks
		fields = append(fields, f)
	}
	out := []markup.Block{markup.Fields{Fields: fields}}
	if n := len(all.Fields) - maxFields; n > 0 {
		out = append(out, andMore(n, "field"))
	}
	return out
}

// clipInline shortens one line. What is too long loses its markup.
func clipInline(line []markup.Inline, limit int) []markup.Inline {
	text := markup.PlainInline(line)
	if utf8.RuneCountInString(text) <= limit {
		return line
	}
	return []markup.Inline{markup.Text(clipLine(text, limit))}
}

// clipContent says how much is missing.
func clipContent(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	total := utf8.RuneCountInString(s)
	if total <= limit {
		return s
	}
	mark := "…\n\n_(shortened from " + strconv.Itoa(total) + " characters)_"
	return firstRunes(s, limit-utf8.RuneCountInString(mark)) + mark
}

func clipText(s string, limit int) string {
	s = strings.TrimSpace(printable(s))
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	return firstRunes(s, limit-1) + "…"
}

// clipLine makes one line of s.
func clipLine(s string, limit int) string {
	if strings.ContainsAny(s, "\n\t") {
		s = strings.NewReplacer("\n", " ", "\t", " ").Replace(s)
	}
	return clipText(s, limit)
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// printable drops control characters but line feed and tab.
func printable(s string) string {
	if !mayHoldControls(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// mayHoldControls looks at bytes: C0, DEL, and the lead byte of C1.
func mayHoldControls(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c == 0x7f || c == 0xc2 {
			return true
		}
	}
	return false
}
