package markuptest

import (
	"encoding/json"
	"strings"

	"pgregory.net/rapid"
)

// snippets are what texts are made of: words, and everything that some dialect
// reads as markup, a mention or an emoji.
var snippets = []string{
	"word", "Wörter", "x", "1", "2026", " ", " ", " ", "  ", "\t", ".", ",", "-", "(", ")", "\"", "'", "/", "=", "+", "$", "%",
	"*", "**", "***", "_", "__", "~", "~~", "~~~", "`", "``", "```", "|", "||", "\\", "\\*", "[", "]", "[x]", "[ ] ", "](", "[a](b)", "![", "!",
	"<", ">", "<b>", "</b>", "<br>", "<u>", "<!--", "<a:b>", "<@U123>", "<#C123|x>", "<!here>", "<!channel|x>", "<@&42>", "<@!42>", "<:a:1>",
	"<t:1:R>", "<https://x.example|y>", "&", "&amp;", "&lt;", "&#42;", "&nbsp;", "@", "@bob", "@here", "@everyone", "@channel", "@all", "#", "#general",
	"# ", "## ", "> ", ">>> ", ">", "- ", "* ", "+ ", "-# ", "1. ", "1) ", "---", "===", "| - |", "```x", ":tada:", ":unknown:", ":", "::", "+1:", "h1. ",
	"{code}", "{{", "}}", "~user", "bq. ", "🎉", "👩‍👩‍👧‍👦", "🇩🇪", "👋🏽", "⚠️", "e\u0301", "אב", "漢字", "，", "\u00a0", "\u200b", "\u202e", "𝒳",
	"www.", "http", "https:", "://", "a@b", "mailto:", "t:", "C:\\dir", "std::vector::size", "10:30:45", "snake_case_name", "2 * 3 * 4", "a || b", "~5", "#123",
}

// Text returns lines of text that is no markup and looks like it.
func Text() *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(snippets), rapid.StringN(1, 3, -1)), 1, 5), func(parts []string) string {
		return strings.ReplaceAll(strings.Join(parts, ""), "\n", " ")
	})
}

// Source returns what somebody could send: markup of all dialects, over lines,
// most of it broken.
func Source() *rapid.Generator[string] {
	breaks := []string{"\n", "\n", "\n\n", "\n> ", "\n- ", "\n  ", "\n    ", "\n\t", "\r\n", "\n```\n", "\n1. ", "\n# ", "\n| a | b |\n|---|---|\n|"}
	part := rapid.OneOf(rapid.SampledFrom(snippets), rapid.SampledFrom(snippets), rapid.SampledFrom(breaks), rapid.StringN(1, 3, -1))
	return rapid.Map(rapid.SliceOfN(part, 1, 20), func(parts []string) string { return strings.Join(parts, "") })
}

// Code returns what may stand in code: anything, over lines.
func Code() *rapid.Generator[string] {
	part := rapid.OneOf(rapid.SampledFrom(snippets), rapid.SampledFrom([]string{"\n", "\n\n", "\n    ", "\t", "````", "~~~~", "</code>", "\n```\n", "\n  \n", " "}))
	return rapid.Map(rapid.SliceOfN(part, 1, 6), func(parts []string) string { return strings.Join(parts, "") })
}

func quoteJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}
