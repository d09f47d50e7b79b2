package slack

import (
	"strconv"
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// richText reads the elements of a rich_text block: what Slack's own editor
// writes. Lists within lists follow each other there with an indent each, and
// what is quoted has a border.
func richText(elements []object) []markup.Block {
	var out []markup.Block
	for i := 0; i < len(elements); {
		from, quoted := i, isQuoted(elements[i])
		for i < len(elements) && isQuoted(elements[i]) == quoted {
			i++
		}
		blocks := richBlocks(elements[from:i])
		if quoted {
			blocks = []markup.Block{markup.Quote{Blocks: blocks}}
		}
		out = append(out, blocks...)
	}
	return out
}

func isQuoted(o object) bool { return o.str("type") == "rich_text_quote" || o.number("border") > 0 }

func richBlocks(elements []object) []markup.Block {
	var out []markup.Block
	for i := 0; i < len(elements); {
		o := elements[i]
		switch o.str("type") {
		case "rich_text_list":
			var items []item
			for i < len(elements) && elements[i].str("type") == "rich_text_list" {
				items = append(items, richItems(elements[i])...)
				i++
			}
			out = append(out, mrkdwn.lists(items, 0)...)
			continue
		case "rich_text_preformatted":
			out = append(out, markup.CodeBlock{Language: o.str("language"), Text: richCode(o)})
		default:
			out = append(out, paragraphs(richRuns(o))...)
		}
		i++
	}
	return out
}

// richItems reads the items of a list. Each is a section.
func richItems(o object) []item {
	sections := o.objects("elements")
	out := make([]item, len(sections))
	for i, section := range sections {
		out[i] = item{
			indent:  4 * min(max(o.number("indent"), 0), maxLevels),
			ordered: o.str("style") == "ordered",
			number:  o.number("offset") + 1 + i,
			runs:    append([]markup.Run{}, richRuns(section)...),
		}
	}
	return out
}

// richRuns reads the elements of a section or quote.
func richRuns(o object) []markup.Run {
	var out []markup.Run
	for _, e := range o.objects("elements") {
		style := richStyle(e)
		for _, r := range richLeaves(e) {
			r.Style |= style
			out = append(out, r)
		}
	}
	return out
}

func richStyle(o object) markup.Style {
	style := o.object("style")
	var out markup.Style
	for _, s := range richStyles {
		if style.flag(s.name, false) {
			out |= s.style
		}
	}
	return out
}

var richStyles = []struct {
	name  string
	style markup.Style
}{
	{"bold", markup.StyleStrong},
	{"italic", markup.StyleEmphasis},
	{"strike", markup.StyleStrike},
	{"underline", markup.StyleUnderline},
}

// richLeaves reads one element: text, line breaks and code for "text", one
// leaf for most others.
func richLeaves(o object) []markup.Run {
	leaf := func(n markup.Inline) []markup.Run { return []markup.Run{{Node: n}} }
	switch o.str("type") {
	case "text":
		return styledText(o.str("text"), o)
	case "link":
		runs := styledText(o.first("text", "url"), o)
		for i := range runs {
			runs[i].URL = o.str("url")
		}
		return runs
	case "user":
		return leaf(markup.Mention{Target: markup.TargetUser, ID: o.str("user_id")})
	case "canvas_user_mention":
		return leaf(markup.Mention{Target: markup.TargetUser, ID: o.str("user_id")})
	case "usergroup":
		return leaf(markup.Mention{Target: markup.TargetGroup, ID: o.str("usergroup_id")})
	case "channel":
		return leaf(markup.Mention{Target: markup.TargetChannel, ID: o.str("channel_id")})
	case "broadcast":
		if name, ok := broadcasts[o.str("range")]; ok {
			return leaf(markup.Mention{Target: markup.TargetBroadcast, Name: name})
		}
		return richOther(o)
	case "emoji":
		return leaf(richEmoji(o))
	case "date":
		seconds, ok := o.unix("timestamp")
		if !ok {
			return leaf(markup.Text(o.str("fallback")))
		}
		return dateRuns(seconds, o.str("format"), o.str("fallback"), o.str("url"))
	case "color":
		return leaf(markup.Code(o.str("value")))
	case "team":
		return leaf(markup.Text(o.str("team_id")))
	}
	return richOther(o)
}

// styledText returns the lines of a text, as code when the element's style says so.
func styledText(s string, o object) []markup.Run {
	code := o.object("style").flag("code", false)
	var out []markup.Run
	for i, line := range strings.Split(withLineFeeds(s), "\n") {
		if i > 0 {
			out = append(out, markup.Run{Node: markup.Break{}})
		}
		switch {
		case line == "":
		case code:
			out = append(out, markup.Run{Node: markup.Code(line)})
		default:
			out = append(out, markup.Run{Node: markup.Text(line)})
		}
	}
	return out
}

func richEmoji(o object) markup.Inline {
	name := o.str("name")
	if tone := o.number("skin_tone"); tone >= 2 && tone <= 6 && !strings.Contains(name, "::") {
		name += "::skin-tone-" + strconv.Itoa(tone)
	}
	if _, ok := markup.LookupEmoji(name); !ok {
		if s, ok := fromHex(o.str("unicode")); ok {
			return markup.Text(s)
		}
	}
	return markup.Emoji{Name: name, URL: o.str("url")}
}

// fromHex returns the characters of "1f44b-1f3fc".
func fromHex(s string) (string, bool) {
	if s == "" {
		return "", false
	}
	var b strings.Builder
	for part := range strings.SplitSeq(s, "-") {
		n, err := strconv.ParseUint(part, 16, 21)
		if err != nil {
			return "", false
		}
		b.WriteRune(rune(n))
	}
	return b.String(), true
}

// richOther reads an element that is not known: files, canvases, tags, records,
// citations and what there will be. It shows the text, linked when there is a URL.
func richOther(o object) []markup.Run {
	label := o.first("text", "label", "title", "fallback", "name", "value", "salesforce_field_label", "file_id", "url")
	if label == "" {
		return nil
	}
	return []markup.Run{{Node: markup.Text(label), URL: o.str("url")}}
}

// richCode returns the code of a preformatted element: texts, and links for
// the addresses in it.
func richCode(o object) string {
	var b strings.Builder
	for _, e := range o.objects("elements") {
		for _, r := range richLeaves(e) {
			switch n := r.Node.(type) {
			case markup.Break:
				b.WriteByte('\n')
			default:
				b.WriteString(markup.PlainInline([]markup.Inline{n}))
			}
		}
	}
	return b.String()
}
