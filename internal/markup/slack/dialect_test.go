package slack

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/markuptest"
)

// inline are the kinds of inlines that all of Slack's texts have.
var inline = []markup.Kind{
	markup.KindStrong, markup.KindEmphasis, markup.KindStrike, markup.KindCode, markup.KindLink, markup.KindMention, markup.KindEmoji,
	markup.KindTimestamp, markup.KindBreak,
}

// textDialect is mrkdwn.
var textDialect = markuptest.Dialect{
	Parse: ParseText,
	Print: PrintText,
	Lossy: true, // where styles overlap
	Subset: markuptest.Subset{
		Kinds: append([]markup.Kind{markup.KindQuote, markup.KindList, markup.KindCodeBlock}, inline...),
		Depth: 3, NoLanguage: true, NoTasks: true, BlocksAlone: true,
		Mention: mentions, Timestamp: timestamps, URL: urls,
		Keep: func(d markup.Document) bool { return settled(d) && sayable(d, false) && codeWithoutTicks(d) },
	},
}

func TestText(t *testing.T) { markuptest.Run(t, textDialect) }

// messageDialect is Block Kit.
var messageDialect = markuptest.Dialect{
	Parse: func(source string) markup.Document {
		d, _, err := ParseMessage([]byte(source))
		if err != nil {
			return ParsePlain(source)
		}
		return d
	},
	Print: func(d markup.Document) (string, markup.Degradations) {
		m, lost := PrintMessage(d)
		b, err := json.Marshal(m)
		if err != nil {
			panic(err)
		}
		return string(b), lost
	},
	Lossy: true, // lists that begin with 0
	Subset: markuptest.Subset{
		Kinds: append([]markup.Kind{
			markup.KindQuote, markup.KindList, markup.KindCodeBlock, markup.KindRule, markup.KindUnderline,
		}, inline...),
		Depth: 3, NoTasks: true, BlocksAlone: true,
		Mention: rapid.Map(mentions, func(m markup.Mention) markup.Mention {
			if m.ID != "" {
				m.Name = ""
			}
			return m
		}),
		Timestamp: timestamps, URL: urls,
		Keep: func(d markup.Document) bool { return settled(d) && sayable(d, true) },
	},
}

func TestMessage(t *testing.T) { markuptest.Run(t, messageDialect) }

var mentions = rapid.SampledFrom([]markup.Mention{
	{Target: markup.TargetUser, ID: "U024BE7LH"},
	{Target: markup.TargetUser, ID: "W12", Name: "bob"},
	{Target: markup.TargetUser, ID: "U1", Name: "@b|c>"},
	{Target: markup.TargetChannel, ID: "C024BE7LR", Name: "general"},
	{Target: markup.TargetGroup, ID: "S0", Name: "team"},
	{Target: markup.TargetBroadcast, Name: markup.BroadcastHere},
	{Target: markup.TargetBroadcast, Name: markup.BroadcastChannel},
	{Target: markup.TargetBroadcast, Name: markup.BroadcastEveryone},
})

var timestamps = rapid.Custom(func(t *rapid.T) markup.Timestamp {
	return markup.Timestamp{
		Time: time.Unix(rapid.Int64Range(-1e9, 4e9).Draw(t, "time"), 0).UTC(),
		Format: rapid.SampledFrom([]markup.TimeFormat{
			markup.FormatDateTime, markup.FormatDateTimeLong, markup.FormatDate, markup.FormatDateLong, markup.FormatTime,
			markup.FormatTimeSeconds, markup.FormatRelative,
		}).Draw(t, "format"),
		Text: rapid.SampledFrom([]string{"", "", "soon", "<a|b> & *c*"}).Draw(t, "text"),
	}
})

var urls = rapid.SampledFrom([]string{
	"https://example.org", "http://example.org/a_b_c?x=1&amp;y=*2*#frag", "https://en.example.org/wiki/A_(b)", "https://x.example/((",
	`https://x.example/a\b`, "mailto:me@example.org", "https://x.example/[1]?q=|a|", "http://localhost:8080/x~y~", "https://[::1]/é%20ü",
	"slack://open", "https://x.example/a'b\"c", "http://www.example.org", "https://example.org/.",
})

// settled reports whether line breaks have the style of what is around them;
// no text of Slack can say anything else.
func settled(d markup.Document) bool {
	return markup.Equal(d, markup.Mapper{Block: func(b markup.Block) []markup.Block {
		if p, ok := b.(markup.Paragraph); ok {
			b = markup.Paragraph{Content: content(markup.Runs(p.Content))}
		}
		return []markup.Block{b}
	}}.Map(d))
}

// sayable reports whether blocks are within blocks, and inlines within links,
// only where Slack can have them.
func sayable(d markup.Document, rich bool) bool {
	ok := blocksSayable(d.Blocks, "", rich)
	markup.Walk(d, func(n markup.Node) bool {
		link, is := n.(markup.Link)
		if !is {
			return true
		}
		runs := markup.Runs(link.Content)
		for _, r := range runs {
			switch r.Node.(type) {
			case markup.Mention:
				ok = false
			case markup.Timestamp:
				ok = ok && len(runs) == 1 && !strings.Contains(link.URL, "|")
			case markup.Emoji:
				ok = ok && !rich
			}
		}
		return false
	})
	return ok
}

func blocksSayable(blocks []markup.Block, within markup.Kind, rich bool) bool {
	for _, b := range blocks {
		ok := true
		switch b := b.(type) {
		case markup.Quote:
			ok = within == "" && blocksSayable(b.Blocks, markup.KindQuote, rich)
		case markup.List:
			for _, item := range b.Items {
				ok = ok && blocksSayable(item.Blocks, markup.KindList, rich)
			}
		case markup.CodeBlock:
			ok = within == "" || within == markup.KindQuote && rich
		case markup.Rule:
			ok = within == ""
		}
		if !ok {
			return false
		}
	}
	return true
}

// codeWithoutTicks reports whether mrkdwn can write all code.
func codeWithoutTicks(d markup.Document) bool {
	ok := true
	markup.Walk(d, func(n markup.Node) bool {
		switch n := n.(type) {
		case markup.Code:
			ok = ok && !strings.Contains(string(n), "`") && strings.TrimSpace(string(n)) != ""
		case markup.CodeBlock:
			ok = ok && !strings.Contains(n.Text, fence)
		}
		return true
	})
	return ok
}
