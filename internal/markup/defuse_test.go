package markup_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/markuptest"
)

// ping is what some destination takes for a mention of everybody.
var ping = regexp.MustCompile(`(?i)(^|[^\pL\pM\pN_])@(here|channel|everyone|all)($|[^\pL\pM\pN])`)

func TestDefusedTextsPingNobody(t *testing.T) {
	everything := markuptest.Everything() // but code, which Defuse does not touch
	everything.Kinds = slices.DeleteFunc(everything.Kinds, func(k markup.Kind) bool { return k == markup.KindCode || k == markup.KindCodeBlock })
	everything.Text = rapid.Map(rapid.SliceOf(rapid.SampledFrom([]string{"@", "here", "all", "every", "one", "@everyone", "@Channel", " ", "x", "(", "e"})),
		func(parts []string) string { return strings.Join(parts, "") })
	all := markuptest.Documents(everything)
	rapid.Check(t, func(t *rapid.T) {
		defused, _ := markup.Defuse(all.Draw(t, "document"), markup.Allow{})
		for name, s := range map[string]string{
			"plain":    markup.Plain(defused),
			"Markdown": strings.ReplaceAll(printed(defused)[0], "\\", ""), // as if it knew no escapes
		} {
			if found := ping.FindString(s); found != "" {
				t.Fatalf("%s pings: %q in %s", name, found, s)
			}
		}
		markup.Walk(defused, func(n markup.Node) bool {
			if m, ok := n.(markup.Mention); ok && m.Target != markup.TargetChannel {
				t.Fatalf("a mention is left: %+v", m)
			}
			return true
		})
	})
}

func TestDefuse(t *testing.T) {
	mention := func(target markup.Target, name string) markup.Inline {
		return markup.Mention{Target: target, Name: name}
	}
	all := markup.Document{Blocks: []markup.Block{markup.Paragraph{Content: []markup.Inline{
		mention(markup.TargetUser, "ann"), markup.Text(" "), mention(markup.TargetGroup, "ops"), markup.Text(" "),
		mention(markup.TargetBroadcast, "here"), markup.Text(" "), mention(markup.TargetChannel, "dev"), markup.Text(" @all me@allx.example @e"),
		markup.Strong{Content: []markup.Inline{markup.Text("veryone")}},
		markup.Text(" "), markup.Code("@here"), markup.Text(" "), markup.Code("@"), markup.Text("here"),
	}}}}
	tests := map[string]struct {
		allow markup.Allow
		want  string
		lost  markup.Degradations
	}{
		"nothing": {
			markup.Allow{},
			"@\u200bann @\u200bops @\u200bhere #dev @\u200ball me@allx.example @\u200beveryone @here @\u200bhere",
			markup.Degradations{{Kind: markup.KindMention, Done: markup.Defused, Count: 3}},
		},
		"users": {
			markup.Allow{Users: true},
			"@ann @\u200bops @\u200bhere #dev @\u200ball me@allx.example @\u200beveryone @here @\u200bhere",
			markup.Degradations{{Kind: markup.KindMention, Done: markup.Defused, Count: 2}},
		},
		"everything": {markup.Allow{Users: true, Groups: true, Broadcast: true}, "@ann @ops @here #dev @all me@allx.example @everyone @here @here", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, lost := markup.Defuse(all, test.allow)
			if diff := cmp.Diff(test.want, markup.Plain(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if diff := cmp.Diff(test.lost, lost); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestBreakMentions(t *testing.T) {
	for s, want := range map[string]string{
		"@here": "@\u200bhere", "(@Everyone)": "(@\u200bEveryone)", "@all @channel.": "@\u200ball @\u200bchannel.", "@here_": "@\u200bhere_",
		"": "", "@": "@", "@ann": "@ann", "me@here.example": "me@here.example", "@allison": "@allison", "@ here": "@ here", "@@here": "@@\u200bhere",
	} {
		if got := markup.BreakMentions(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestMapperAndWalk(t *testing.T) {
	documents := markuptest.Documents(markuptest.Everything())
	rapid.Check(t, func(t *rapid.T) {
		doc := documents.Draw(t, "document")
		before, blocks, inlines := 0, 0, 0
		markup.Walk(doc, func(markup.Node) bool { before++; return true })
		mapped := markup.Mapper{
			Block:  func(b markup.Block) []markup.Block { blocks++; return []markup.Block{b} },
			Inline: func(n markup.Inline) []markup.Inline { inlines++; return []markup.Inline{n} },
		}.Map(doc)
		if !markup.Equal(doc, mapped) || blocks+inlines != before {
			t.Fatalf("%d nodes, %d blocks and %d inlines mapped", before, blocks, inlines)
		}
		top := 0
		markup.Walk(doc, func(markup.Node) bool { top++; return false })
		if top != len(doc.Blocks) {
			t.Fatalf("%d nodes without what is in them, want %d", top, len(doc.Blocks))
		}
		if got := (markup.Mapper{Block: func(markup.Block) []markup.Block { return nil }}).Map(doc); len(got.Blocks) > 0 {
			t.Fatal("blocks are left")
		}
	})
}

func TestDegradations(t *testing.T) {
	var a, b markup.Degradations
	a.Add(markup.KindTable, markup.AsCode)
	a.Add(markup.KindCard, markup.AsQuote)
	b.Add(markup.KindTable, markup.AsCode)
	b.Add(markup.KindTable, markup.AsText)
	a.Merge(b)
	want := markup.Degradations{
		{Kind: markup.KindTable, Done: markup.AsCode, Count: 2}, {Kind: markup.KindCard, Done: markup.AsQuote, Count: 1}, {Kind: markup.KindTable, Done: markup.AsText, Count: 1},
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
