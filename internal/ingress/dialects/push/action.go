package push

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// action is a button below a message of ntfy's.
type action struct {
	kind, label, url string
	value            string // what the button copies
}

// objectActions reads them from an array, or from the short form in a string.
func objectActions(list dialect.Value) []action {
	if list.Str() != "" {
		return textActions(list.Str())
	}
	var out []action
	for e := range list.Elements() {
		if o := e.Object(); len(out) < dialect.MaxFields {
			out = append(out, action{o.Str("action"), o.Str("label"), o.URL("url"), o.Str("value")})
		}
	}
	return out
}

// textActions reads the short form "view, Label, URL; http, …", and JSON.
func textActions(s string) []action {
	if strings.HasPrefix(s, "[") {
		list, err := dialect.ParseJSON([]byte(s))
		if err != nil || !list.IsArray() {
			return nil
		}
		return objectActions(list)
	}
	var out []action
	for part := range strings.SplitSeq(s, ";") {
		fields := words(part)
		if len(fields) < 2 || len(out) == dialect.MaxFields {
			continue
		}
		out = append(out, positional(fields))
	}
	return out
}

// positional reads the fields of an action: by their names, or by where they stand.
func positional(fields []string) action {
	var at [3]string
	a := action{}
	n := 0
	for _, field := range fields {
		name, value, named := strings.Cut(field, "=")
		switch {
		case named && name == "action":
			at[0] = value
		case named && name == "label":
			at[1] = value
		case named && name == "url":
			at[2] = value
		case named && name == "value":
			a.value = value
		case n < len(at):
			at[n] = field
			n++
		}
	}
	a.kind, a.label, a.url = at[0], at[1], webURL(at[2])
	if a.kind == "copy" && a.value == "" {
		a.value = at[2]
	}
	return a
}

// buttons shows actions: links to follow, and text to copy. What only a phone could do
// is named.
func buttons(actions []action, lost *markup.Degradations) []markup.Block {
	var line []markup.Inline
	for _, a := range actions {
		var shown []markup.Inline
		switch {
		case a.label == "" && a.url == "" && a.value == "":
			continue
		case a.kind == "view" && a.url != "":
			shown = dialect.Line(dialect.Link(a.url, a.label))
		case a.kind == "copy" && a.value != "":
			shown = dialect.Line(dialect.Txt(a.label+": "), dialect.Fixed(a.value))
		default:
			lost.Add("button", markup.AsText)
			shown = dialect.Line(dialect.Txt("[" + a.label + "]"))
		}
		if line != nil {
			line = append(line, dialect.Txt(" · "))
		}
		line = append(line, shown...)
	}
	if line == nil {
		return nil
	}
	return []markup.Block{dialect.Para(line...)}
}
