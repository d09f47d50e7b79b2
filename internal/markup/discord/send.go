package discord

import (
	"slices"
	"time"
	"unicode/utf8"

	"github.com/nself-chat/hub/internal/markup"
)

// Message is what a create-message or execute-webhook request says: its body,
// but for what is not text (Discord's reference, "Execute Webhook").
type Message struct {
	Content         string          `json:"content,omitempty"`
	Embeds          []Embed         `json:"embeds,omitempty"`
	AllowedMentions AllowedMentions `json:"allowed_mentions"`
}

// AllowedMentions names who may be notified. Nobody else is, whatever the
// content says.
type AllowedMentions struct {
	Parse []string `json:"parse"` // "everyone" or nothing; never null
	Users []string `json:"users,omitempty"`
	Roles []string `json:"roles,omitempty"`
}

// Embed is a card in a message (Discord's reference, "Embed Structure").
type Embed struct {
	Title       string       `json:"title,omitempty"`
	Description string       `json:"description,omitempty"`
	URL         string       `json:"url,omitempty"`
	Timestamp   time.Time    `json:"timestamp,omitzero"`
	Color       int          `json:"color,omitempty"` // 0xrrggbb
	Footer      *EmbedFooter `json:"footer,omitempty"`
	Image       *EmbedImage  `json:"image,omitempty"`
	Thumbnail   *EmbedImage  `json:"thumbnail,omitempty"`
	Author      *EmbedAuthor `json:"author,omitempty"`
	Fields      []EmbedField `json:"fields,omitempty"`
}

// EmbedFooter is the last line of an embed, in plain text.
type EmbedFooter struct {
	Text    string `json:"text"`
	IconURL string `json:"icon_url,omitempty"`
}

// EmbedImage is a picture in an embed.
type EmbedImage struct {
	URL         string `json:"url"`
	Description string `json:"description,omitempty"`
}

// EmbedAuthor is the first line of an embed, in plain text.
type EmbedAuthor struct {
	Name    string `json:"name"`
	URL     string `json:"url,omitempty"`
	IconURL string `json:"icon_url,omitempty"`
}

// EmbedField is a labelled text in an embed.
type EmbedField struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline,omitempty"`
}

// size returns what counts towards MaxEmbedTotal.
func (e Embed) size() int {
	n := length(e.Title) + length(e.Description)
	if e.Footer != nil {
		n += length(e.Footer.Text)
	}
	if e.Author != nil {
		n += length(e.Author.Name)
	}
	for _, f := range e.Fields {
		n += length(f.Name) + length(f.Value)
	}
	return n
}

// length returns the length of s in Discord's unit.
func length(s string) int { return utf8.RuneCountInString(s) }

// PrintMessages writes a document as messages to send one after the other; an
// empty one as none. Cards become embeds, everything else content. Nothing is
// cut: what is too long for one part of a message goes on in the next embed,
// or the next message. Embeds stand below the content of their message, so text
// after a card begins another message.
//
// Only mentions that allow permits notify anybody; see [Mentions].
func PrintMessages(d markup.Document, allow markup.Allow) ([]Message, markup.Degradations) {
	d, lost := silence(markup.Normal(d), allow)
	var out []Message
	for part := range parts(d.Blocks) {
		out = appendPart(out, part, allow, &lost)
	}
	return out, lost
}

// silence makes text of broadcasts that are not allowed. Other mentions keep
// their names and notify nobody.
func silence(d markup.Document, allow markup.Allow) (markup.Document, markup.Degradations) {
	var lost markup.Degradations
	return markup.MapInlines(d, func(n markup.Inline) []markup.Inline {
		m, ok := n.(markup.Mention)
		if !ok || permits(allow, m.Target) {
			return []markup.Inline{n}
		}
		lost.Add(markup.KindMention, markup.Defused)
		if m.Target == markup.TargetBroadcast {
			return text(m)
		}
		return []markup.Inline{n}
	}), lost
}

func permits(allow markup.Allow, t markup.Target) bool {
	switch t {
	case markup.TargetUser:
		return allow.Users
	case markup.TargetGroup:
		return allow.Groups
	case markup.TargetBroadcast:
		return allow.Broadcast
	}
	return true
}

// Mentions returns the allowed_mentions for a message whose content is d: of
// those that it mentions, the ones that allow permits. Embeds notify nobody. Of
// users and of groups, the first [MaxMentions] are notified.
func Mentions(d markup.Document, allow markup.Allow) AllowedMentions {
	out := AllowedMentions{Parse: []string{}}
	add := func(ids *[]string, id string) {
		if isID(id) && len(*ids) < MaxMentions && !slices.Contains(*ids, id) {
			*ids = append(*ids, id)
		}
	}
	markup.Walk(d, func(n markup.Node) bool {
		m, ok := n.(markup.Mention)
		if !ok || !permits(allow, m.Target) {
			return true
		}
		switch m.Target {
		case markup.TargetUser:
			add(&out.Users, m.ID)
		case markup.TargetGroup:
			add(&out.Roles, m.ID)
		case markup.TargetBroadcast:
			if len(out.Parse) == 0 {
				out.Parse = append(out.Parse, "everyone") // and @here
			}
		}
		return true
	})
	return out
}

// part is what fits the order of one message: text, then cards.
type part struct {
	text  []markup.Block
	cards []markup.Card
}

// parts yields the parts of a document. A picture that no text follows is a
// card of its own.
func parts(blocks []markup.Block) func(func(part) bool) {
	return func(yield func(part) bool) {
		var p part
		for i, b := range blocks {
			switch b := b.(type) {
			case markup.Card:
				p.cards = append(p.cards, b)
				continue
			case markup.Image:
				if isEmbedURL(b.URL) && onlyCards(blocks[i:]) {
					p.cards = append(p.cards, markup.Card{Blocks: []markup.Block{b}})
					continue
				}
			}
			if len(p.cards) > 0 {
				if !yield(p) {
					return
				}
				p = part{}
			}
			p.text = append(p.text, b)
		}
		if len(p.text)+len(p.cards) > 0 {
			yield(p)
		}
	}
}

func onlyCards(blocks []markup.Block) bool {
	return !slices.ContainsFunc(blocks, func(b markup.Block) bool {
		return b.Kind() != markup.KindCard && b.Kind() != markup.KindImage
	})
}

// appendPart appends the messages of a part. The first embeds go with the last
// piece of its text.
func appendPart(out []Message, p part, allow markup.Allow, lost *markup.Degradations) []Message {
	for _, piece := range markup.Split(markup.Document{Blocks: p.text}, MaxContent, Size) {
		content := printText(piece, lost)
		if content != "" {
			out = append(out, Message{Content: content, AllowedMentions: Mentions(piece, allow)})
		}
	}
	first := len(p.text) == 0 // the embeds cannot go with what is there
	for _, card := range p.cards {
		for _, group := range embedsOf(card, lost) {
			if last := len(out) - 1; !first && last >= 0 && fits(out[last].Embeds, group) {
				out[last].Embeds = append(out[last].Embeds, group...)
			} else {
				out = append(out, Message{Embeds: group, AllowedMentions: AllowedMentions{Parse: []string{}}})
			}
			first = false
		}
	}
	return out
}

// fits reports whether a message that has embeds can have more. Of several
// with one URL Discord shows the first one only, unless the others are nothing
// but pictures.
func fits(embeds, more []Embed) bool {
	size := 0
	for _, e := range slices.Concat(embeds, more) {
		size += e.size()
	}
	sameURL := slices.ContainsFunc(embeds, func(e Embed) bool { return e.URL != "" && e.URL == more[0].URL })
	return size <= MaxEmbedTotal && len(embeds)+len(more) <= MaxEmbeds && !sameURL
}
