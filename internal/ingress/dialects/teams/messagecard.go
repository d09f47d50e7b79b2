package teams

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// readMessageCard reads the older format ("Legacy actionable message card
// reference"). Its summary is what notifications show, and the title of a card that
// has no other.
func readMessageCard(o dialect.Object, lost *markup.Degradations) markup.Card {
	heading := o.Str("title")
	if heading == "" {
		heading = o.At("sections", "0").Object().First("activityTitle", "title")
	}
	if heading == "" {
		heading = o.Str("summary")
	}
	title, url := line(heading)
	c := markup.Card{Color: dialect.Color(o.Get("themeColor")), Title: dialect.Line(dialect.Txt(title)), URL: url}
	c.Blocks = text(o.Str("text"))
	for e := range o.Get("sections").Elements() {
		section := e.Object()
		if c.Thumbnail.URL == "" {
			c.Thumbnail = markup.Image{URL: section.URL("activityImage")}
		}
		c.Blocks = append(c.Blocks, readSection(section, heading, lost)...)
	}
	c.Blocks = append(c.Blocks, oldActions(o.Get("potentialAction"), lost)...)
	return c
}

// readSection reads a part of a MessageCard. The heading is shown already.
func readSection(o dialect.Object, heading string, lost *markup.Degradations) []markup.Block {
	var out []markup.Block
	for _, name := range []string{"title", "activityTitle"} {
		if s := o.Str(name); s != "" && s != heading {
			out = append(out, markup.Paragraph{Content: dialect.Line(markup.Strong{Content: inlines(text(s))})})
		}
	}
	if s := o.Str("activitySubtitle"); s != "" {
		out = append(out, markup.Context{Content: inlines(text(s))})
	}
	out = append(out, text(o.Str("activityText"))...)
	out = append(out, text(o.Str("text"))...)
	out = append(out, facts(o.Get("facts"), "name")...)
	out = append(out, oldImage(o.Get("heroImage").Object())...)
	for e := range o.Get("images").Elements() {
		out = append(out, oldImage(e.Object())...)
	}
	return append(out, oldActions(o.Get("potentialAction"), lost)...)
}

func oldImage(o dialect.Object) []markup.Block {
	if url := o.URL("image"); url != "" {
		return []markup.Block{markup.Image{URL: url, Alt: o.Str("title")}}
	}
	return nil
}

// oldActions reads the buttons of a MessageCard: those that lead somewhere are links.
func oldActions(list dialect.Value, lost *markup.Degradations) []markup.Block {
	var links []markup.Inline
	for e := range list.Elements() {
		a := e.Object()
		links = append(links, action(a.Str("name"), oldTarget(a), lost)...)
	}
	return spaced(links)
}

// oldTarget returns where an OpenUri or a ViewAction leads. Of the targets for
// several systems the default comes first.
func oldTarget(o dialect.Object) string {
	url := o.URL("target", "0")
	for e := range o.Get("targets").Elements() {
		target := e.Object()
		if uri := target.URL("uri"); uri != "" && (url == "" || target.Str("os") == "default") {
			url = uri
		}
	}
	return url
}

// action is a button: a link, or what stands on it when nobody could answer it.
func action(label, url string, lost *markup.Degradations) []markup.Inline {
	switch {
	case url != "":
		return dialect.Line(dialect.Link(url, label))
	case label == "":
		return nil
	}
	lost.Add(button, markup.AsText)
	return dialect.Line(dialect.Txt("[" + label + "]"))
}

// readSmallCard reads the cards of bots ("Types of cards"): hero, thumbnail and those
// like them.
func readSmallCard(o dialect.Object, lost *markup.Degradations) markup.Card {
	c := markup.Card{Title: dialect.Line(dialect.Txt(o.Str("title"))), URL: o.URL("tap", "value")}
	if s := o.Str("subtitle"); s != "" {
		c.Blocks = append(c.Blocks, markup.Context{Content: dialect.Line(dialect.Txt(s))})
	}
	c.Blocks = append(c.Blocks, text(o.Str("text"))...)
	for e := range o.Get("images").Elements() {
		if url := e.Object().URL("url"); url != "" {
			c.Blocks = append(c.Blocks, markup.Image{URL: url, Alt: e.Object().Str("alt")})
		}
	}
	var links []markup.Inline
	for e := range o.Get("buttons").Elements() {
		links = append(links, action(e.Object().Str("title"), e.Object().URL("value"), lost)...)
	}
	c.Blocks = append(c.Blocks, spaced(links)...)
	return c
}
