package chat

import (
	"encoding/json"
	"strings"

	"github.com/nself-chat/hub"
)

// cleanEmbeds returns the embeds with what cannot be shown safely left out:
// URLs that are not http or https, colours that are none. Empty ones are
// dropped. mentions says whether they may address everybody.
func (s *Service) cleanEmbeds(errs *hub.FieldErrors, embeds []hub.Embed, mentions bool) []hub.Embed {
	if len(embeds) == 0 {
		return nil
	}
	if len(embeds) > s.Limits.embeds() {
		errs.Add("embeds", "at most %d", s.Limits.embeds())
		return nil
	}
	out := make([]hub.Embed, 0, len(embeds))
	for i := range embeds {
		if e := cleanEmbed(embeds[i], mentions); !emptyEmbed(&e) {
			out = append(out, e)
		}
	}
	if b, err := json.Marshal(out); err != nil || len(b) > s.Limits.embedBytes() {
		errs.Add("embeds", "at most %d bytes of JSON together", s.Limits.embedBytes())
		return nil
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// cleanEmbed cleans one embed. Its description and the values of its fields are
// Markdown, its other texts are plain (as in [markup.EmbedCard]).
func cleanEmbed(e hub.Embed, mentions bool) hub.Embed {
	text := func(s string) string {
		s = cleanText(s)
		if !mentions {
			s = breakMentions(s)
		}
		return s
	}
	e.Title, e.Footer, e.AuthorName = text(e.Title), text(e.Footer), text(e.AuthorName)
	e.Description = contentOf(e.Description, mentions)
	for _, url := range []*string{&e.URL, &e.ImageURL, &e.ThumbURL, &e.AuthorURL, &e.AuthorIcon, &e.FooterIcon} {
		*url = webURL(*url)
	}
	e.Timestamp = cleanLine(e.Timestamp, maxName)
	if !isColor(e.Color) {
		e.Color = ""
	}
	fields := make([]hub.EmbedField, 0, len(e.Fields))
	for _, f := range e.Fields {
		f.Name, f.Value = text(f.Name), contentOf(f.Value, mentions)
		if f.Name != "" || f.Value != "" {
			fields = append(fields, f)
		}
	}
	e.Fields = nil
	if len(fields) > 0 {
		e.Fields = fields
	}
	return e
}

// emptyEmbed reports whether there is nothing to see in the embed.
func emptyEmbed(e *hub.Embed) bool {
	return e.Title == "" && e.Description == "" && e.URL == "" && e.AuthorName == "" && e.ImageURL == "" && e.ThumbURL == "" &&
		e.Footer == "" && len(e.Fields) == 0
}

// isColor reports whether s is "#rrggbb".
func isColor(s string) bool {
	if len(s) != 7 || s[0] != '#' {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// searchable is the text that a message is found by: its content, what its
// embeds say, and the names of its files.
func searchable(m *hub.Message) string {
	if len(m.Embeds) == 0 && len(m.Files) == 0 {
		return m.Content
	}
	parts := []string{m.Content}
	add := func(text ...string) {
		for _, s := range text {
			if s != "" {
				parts = append(parts, s)
			}
		}
	}
	for i := range m.Embeds {
		e := &m.Embeds[i]
		add(e.AuthorName, e.Title, e.Description)
		for _, f := range e.Fields {
			add(f.Name, f.Value)
		}
		add(e.Footer)
	}
	for i := range m.Files {
		add(m.Files[i].Filename)
	}
	return strings.Join(parts, "\n")
}
