package chat

import (
	"encoding/json"
	"strings"

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
	d, _ = markup.Defuse(markup.Normal(d), markup.Allow{Users: true, Groups: true, Broadcast: mentions})
	text, cards := markup.Cards(d)
	printed, _ := markup.PrintMarkdown(text)
	whole := content
	if printed != "" {
		whole = strings.TrimSpace(content + "\n\n" + printed)
	}
	for _, c := range cards {
		embeds = append(embeds, markup.CardEmbed(c))
	}
	s.checkContent(errs, whole)
	out := says{content: contentOf(whole, mentions), embeds: s.cleanEmbeds(errs, embeds, mentions)}
	full := markup.Document{Blocks: append(markup.ParseMarkdown(contentOf(content, mentions)).Blocks, d.Blocks...)}
	if !markup.Equal(full, markup.Compose(out.content, out.embeds)) {
		out.document = s.encode(full)
	}
	return out
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
