package ingress

import (
	"slices"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialects"
)

// massMentions are the names that Slack writes as <!name>.
var massMentions = []string{"channel", "here", "everyone"}

// writeMentions writes Slack's <!channel> as @channel, everywhere in the
// post. The chat makes that harmless, like every other mention of everybody,
// unless the webhook's owner allows it.
func writeMentions(p *dialects.Post) {
	p.Content = plainMentions(p.Content)
	for i := range p.Embeds {
		e := &p.Embeds[i]
		for _, s := range []*string{&e.Title, &e.Description, &e.AuthorName, &e.Footer} {
			*s = plainMentions(*s)
		}
		for j := range e.Fields {
			e.Fields[j].Name = plainMentions(e.Fields[j].Name)
			e.Fields[j].Value = plainMentions(e.Fields[j].Value)
		}
	}
}

// plainMentions turns <!channel>, <!here|here> and <!subteam^ID|@name> into
// @channel, @here and @name. Anything else that begins with <! stays.
func plainMentions(s string) string {
	if !strings.Contains(s, "<!") {
		return s
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "<!")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		// No further than the next mark: a text full of them is read once, not once for each.
		if end := strings.IndexAny(rest, "<>"); end >= 0 && rest[end] == '>' {
			if name := mentioned(rest[:end]); name != "" {
				b.WriteString("@" + name)
				s = rest[end+1:]
				continue
			}
		}
		b.WriteString("<!")
		s = rest
	}
}

// mentioned returns who is called by what stands between <! and >; "" when
// nobody is.
func mentioned(inside string) string {
	word, label, _ := strings.Cut(inside, "|")
	if strings.HasPrefix(word, "subteam^") {
		return strings.TrimPrefix(label, "@")
	}
	if name := strings.ToLower(word); slices.Contains(massMentions, name) {
		return name
	}
	return ""
}
