package chat

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

// massMention is what may be taken for a mention of everybody in plain text: not
// @here_, which is a person's name in a document.
var massMention = regexp.MustCompile(`(?i)(^|[^\pL\pM\pN])@(here|channel|everyone|all)($|[^\pL\pM\pN_])`)

// massMentionIn returns what may be taken for one in the message, "" for nothing.

func massMentionIn(m *hub.Message) string {
	document, markdown := markup.Plain(markup.OfMessage(m)), markup.Plain(markup.Compose(m.Content, m.Embeds))
	return massMention.FindString(document + "\n" + markdown)
}

// TestMassMentionsInMarkdown: however Markdown spells them, in the text, in the
// cards, or before a document, they address nobody.
func TestMassMentionsInMarkdown(t *testing.T) {
	w := open(t)
	for _, text := range []string{
		"_@channel look_", "_@channel_", "__@here__", "~~_@all hi_~~", "||@everyone||", "x_@here_", `\_@here\_`, "&#95;&#64;here", "@here_", "_@all_ [x",
		"&#64;channel", "&#x40;channel", "&commat;channel", "@&#99;hannel", "&#64;&#99;hannel", `@\channel`, `\@channel`, `@her&#101;!`,
		"@chan**nel**", "@**here**", "**@**here", "@_al_l", "@<u>every</u>one", "<b>@</b>channel", "@<b></b>all", "&#64;chan**nel**", "x **@** here **@**here",
		"[@](https://example.org)here", "[&#64;here](https://example.org)", "@[here](https://example.org)", "![&#64;all](https://example.org/x.png)",
		"![_&#64;all](https://example.org/x.png)", "# _@here_", "> &#64;here", "- @**all**", "| a |\n|---|\n| &#64;here |", "@\x01channel", "`@`here", "@`here`",
	} {
		embed := hub.Embed{Description: text, Fields: []hub.EmbedField{{Name: "n", Value: text}}}
		doc := markup.Document{Blocks: []markup.Block{markup.Context{Content: []markup.Inline{markup.Text("small")}}, markup.Card{Blocks: markup.ParseMarkdown(text).Blocks}}}
		for name, p := range map[string]Post{
			"content": {Content: text}, "embed": {Embeds: []hub.Embed{embed}}, "before a document": {Content: text, Document: doc},
		} {
			p.ChannelID, p.Author = w.d.General, hub.Author{ID: w.hook.ID}
			m := must(w.Post(t.Context(), p))(t)
			if found := massMentionIn(&m); found != "" {
				t.Errorf("%s %q is stored as %q %+v %s, in which is %q", name, text, m.Content, m.Embeds, m.Document, found)
			}
			if again := contentOf(m.Content, false); again != m.Content {
				t.Errorf("%s %q became %q, the second time %q", name, text, m.Content, again)
			}
		}
		m := w.post("before")
		m = must(w.Edit(t.Context(), m.ID, Edit{Content: &text, Embeds: &[]hub.Embed{embed}}, Cause{By: w.ann.ID}))(t)
		if found := massMentionIn(&m); found != "" {
			t.Errorf("%q is edited to %q, in which is %q", text, m.Content, found)
		}
	}
}

func TestMassMentionsInPlainTexts(t *testing.T) {
	w := open(t)
	for _, text := range []string{"_@here", "x_@channel", "_@all_", "@everyone__"} {
		m := must(w.Post(t.Context(), Post{ChannelID: w.d.General, Author: hub.Author{ID: w.hook.ID}, Embeds: []hub.Embed{{
			Title: text, Footer: text, AuthorName: text, Fields: []hub.EmbedField{{Name: text, Value: "v"}},
		}}}))(t)
		if found := massMentionIn(&m); found != "" {
			t.Errorf("%q is stored as %+v, in which is %q", text, m.Embeds, found)
		}
	}
	title := "[&#64;x](y) *z*" // not Markdown: stays as it is
	m := must(w.Post(t.Context(), Post{ChannelID: w.d.General, Author: hub.Author{ID: w.hook.ID}, Embeds: []hub.Embed{{Title: title}}}))(t)
	if m.Embeds[0].Title != title {
		t.Errorf("the title %q became %q", title, m.Embeds[0].Title)
	}
}

// TestMassMentionsInNames: the name that a post chooses addresses nobody, unless
// mentions are allowed.
func TestMassMentionsInNames(t *testing.T) {
	w := open(t)
	for chosen, want := range map[string]string{
		"@everyone": "@\u200beveryone", "x_@here_": "x_@\u200bhere_", "Build @here": "Build @\u200bhere", "@ann": "@ann", "a@all.example": "a@all.example",
		strings.Repeat("a", maxName-5) + " @all": strings.Repeat("a", maxName-5) + " @\u200bal",
	} {
		for name, author := range map[string]hub.Author{
			"username": {ID: w.hook.ID, Username: chosen}, "display name": {ID: w.hook.ID, DisplayName: chosen},
		} {
			p := Post{ChannelID: w.d.General, Author: author, Content: "x"}
			posted := must(w.Post(t.Context(), p))(t)
			preview := must(w.Preview(t.Context(), p, nil))(t)
			p.AllowMentions = true
			allowed := must(w.Post(t.Context(), p))(t)
			if posted.Author.DisplayName != want || preview.Author.DisplayName != want || allowed.Author.DisplayName != chosen {
				t.Errorf("%s %q: posted as %+v, previewed as %+v, allowed as %+v", name, chosen, posted.Author, preview.Author, allowed.Author)
			}
			if name == "username" && (posted.Author.Username != want || allowed.Author.Username != chosen) {
				t.Errorf("%q: posted as %+v, allowed as %+v", chosen, posted.Author, allowed.Author)
			}
		}
	}
}

// TestHarmlessMarkdownStays: what mentions nobody at once stays as it was
// written, byte for byte.
func TestHarmlessMarkdownStays(t *testing.T) {
	for _, text := range []string{
		"mail a@b.c or __me@all.example__", "* @ann, @ops-team\n* @here_not &#35; &amp; x", "@hereabouts  \n+ a\n1) b", "Setext\n===\n@bob\n\n\n\n***x***",
		"https://medium.com/@ann/x @types/node", "<t:1700000000:R> @ann", "@\u200bhere *x* __y__",
	} {
		if got := contentOf(text, false); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	if text := "*x* &#64;here"; contentOf(text, true) != text {
		t.Errorf("an allowed mention became %q", contentOf(text, true))
	}
}

// TestDefusedDocumentFits: the length of what was asked for counts, not that of
// what it became.
func TestDefusedDocumentFits(t *testing.T) {
	w := open(t)
	post := func(text string) (hub.Message, error) {
		doc := markup.Document{Blocks: []markup.Block{markup.Paragraph{Content: []markup.Inline{markup.Text(text)}}}}
		return w.Post(t.Context(), Post{ChannelID: w.d.General, Author: hub.Author{ID: w.hook.ID}, Content: "x", Document: doc})
	}
	// With what is before it, the first is as long as may be: "x", an empty line,
	// and a backslash for each @ that would be a mention.
	fits := strings.Repeat("@here ", 2000)
	fits += strings.Repeat("y", 16000-3-utf8.RuneCountInString(fits)-2000)
	m := must(post(fits))(t)
	if utf8.RuneCountInString(m.Content) < 16000-2000 || massMentionIn(&m) != "" {
		t.Errorf("stored as %d characters, in which is %q", utf8.RuneCountInString(m.Content), massMentionIn(&m))
	}
	mention := markup.Mention{Target: markup.TargetBroadcast, Name: markup.BroadcastHere}
	var line []markup.Inline
	for range 2600 {
		line = append(line, mention, markup.Text(" "))
	}
	doc := markup.Document{Blocks: []markup.Block{markup.Paragraph{Content: line}}}
	p := Post{ChannelID: w.d.General, Author: hub.Author{ID: w.hook.ID}, Document: doc}
	m = must(w.Post(t.Context(), p))(t)
	if strings.Count(m.Content, "@\u200bhere") != 2600 {
		t.Errorf("stored as %d characters", utf8.RuneCountInString(m.Content))
	}
	m = must(w.Edit(t.Context(), w.post("x").ID, Edit{Document: &doc}, Cause{By: w.ann.ID}))(t)
	if strings.Count(m.Content, "@\u200bhere") != 2600 {
		t.Errorf("edited to %d characters", utf8.RuneCountInString(m.Content))
	}
	_, err := post(strings.Repeat("@here ", 2700))
	wantCode(t, err, hub.Invalid)
}

// BenchmarkContent composes a text without an @ and one with mail addresses.
func BenchmarkContent(b *testing.B) {
	for name, text := range map[string]string{"plain": "Build **passed** after 3 minutes. ", "mail": "mail a@b.example **now** "} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				contentOf(strings.Repeat(text, 10), false)
			}
		})
	}
}
