package chat

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

// says is what a message says, in the forms in which it is kept.
type says struct {
	content  string // Markdown
	embeds   []hub.Embed
	document json.RawMessage // nil: content and embeds say everything
}

// compose brings what somebody wants to say into these forms: Markdown as they
// wrote it, then the text of a document, then cards. A document that they say all
// of is not kept besides.
func (s *Service) compose(errs *hub.FieldErrors, content string, embeds []hub.Embed, d markup.Document, mentions bool) says {
	if d.IsEmpty() {
		s.checkContent(errs, content)
		return says{content: contentOf(content, mentions), embeds: s.cleanEmbeds(errs, embeds, mentions)}
	}
	asked := markup.Normal(d)
	d, _ = markup.Defuse(asked, markup.Allow{Users: true, Groups: true, Broadcast: mentions})
	text, cards := markup.Cards(d)
	whole := join(content, text)
	for _, c := range cards {
		embeds = append(embeds, markup.CardEmbed(c))
	}
	s.checkWhole(errs, whole, content, asked)
	out := says{content: contentOf(whole, mentions), embeds: s.cleanEmbeds(errs, embeds, mentions)}
	before := markup.ParseMarkdown(contentOf(content, mentions))
	if !mentions {
		before = defused(before)
	}
	full := markup.Document{Blocks: append(before.Blocks, d.Blocks...)}
	if !markup.Equal(full, markup.Compose(out.content, out.embeds)) {
		out.document = s.encode(full)
	}
	return out
}

// join returns the Markdown of content with a text below it.
func join(content string, text markup.Document) string {
	printed, _ := markup.PrintMarkdown(text)
	if printed == "" {
		return content
	}
	return strings.TrimSpace(content + "\n\n" + printed)
}

// checkWhole is checkContent for content with a document below it, of which whole
// is made. Not what defusing mentions adds counts, but what was asked for: a
// sender that keeps to the limit is not refused.
func (s *Service) checkWhole(errs *hub.FieldErrors, whole, content string, asked markup.Document) {
	if utf8.RuneCountInString(whole) > s.Limits.content() {
		text, _ := markup.Cards(asked)
		whole = join(content, text)
	}
	s.checkContent(errs, whole)
}

// encode writes a document as it is kept; nil for one that is too large.
func (s *Service) encode(d markup.Document) json.RawMessage {
	d = markup.Normal(d)
	if markup.Check(d) != nil {
		return nil
	}
	b, err := json.Marshal(d)
	if err != nil || len(b) > s.Limits.documentBytes() {
		return nil
	}
	return b
}
