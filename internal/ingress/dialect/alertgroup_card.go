package dialect

import (
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// maxAlertLabels is how many labels of one alert, or of a group, are shown.
const maxAlertLabels = 20

// document is the group as a card.
func (g *alertGroup) document(look AlertLook) markup.Document {
	if len(g.firing)+len(g.resolved) == 0 {
		return markup.Document{}
	}
	card := Alarm{State: g.state(), Color: g.color(), Name: look.Name, URL: look.URL, Text: look.Text}
	if card.Name == "" {
		card.Name = g.name()
	}
	if size := g.size(); size != "" {
		card.Name += " (" + size + ")"
	}
	if alerts := g.all(); len(alerts) == 1 {
		single := alerts[0]
		single.fill(&card)
	} else {
		g.fill(&card)
	}
	if more := len(g.firing) + len(g.resolved) - maxAlerts; more > 0 || g.truncated > 0 {
		card.Rest = append(card.Rest, Para(Txt("and "+Count(max(more, 0)+g.truncated, "more", "more"))))
	}
	card.From = []string{look.Product, g.receiver, g.reason}
	return card.Doc()
}

// fill shows an alert that is alone on its card.
func (a *groupAlert) fill(card *Alarm) {
	card.Text = append(card.Text, annotationText(a.annotations, card.Name)...)
	card.Facts.Add("Severity", a.severity())
	if a.isResolved() {
		card.Facts.AddTime("Started", a.from)
		card.Facts.AddTime("Resolved", a.to)
		card.Facts.AddSpan("Lasted", a.from, a.to)
	} else {
		card.Facts.AddTime("Since", a.from)
	}
	card.Facts.Add("Values", a.values())
	addAlertLabels(&card.Facts, a.labels)
	addAlertNotes(&card.Facts, a.annotations)
	card.Rest = a.image()
	card.Links = a.links()
}

// fill shows what the alerts have in common, then each of them.
func (g *alertGroup) fill(card *Alarm) {
	card.Text = append(card.Text, annotationText(g.annotations, card.Name)...)
	card.Facts.Add("Severity", g.labels.Str("severity"))
	addAlertLabels(&card.Facts, g.labels)
	addAlertNotes(&card.Facts, g.annotations)
	firing := g.firing[:min(len(g.firing), maxAlerts)]
	resolved := g.resolved[:min(len(g.resolved), maxAlerts-len(firing))]
	both := len(firing) > 0 && len(resolved) > 0
	card.Rest = append(g.list("Firing", firing, both), g.list("Resolved", resolved, both)...)
}

func (g *alertGroup) list(title string, alerts []groupAlert, titled bool) []markup.Block {
	if len(alerts) == 0 {
		return nil
	}
	var out []markup.Block
	if titled {
		out = append(out, Para(Bold(title)))
	}
	list := markup.List{}
	for i := range alerts {
		list.Items = append(list.Items, markup.ListItem{Blocks: g.item(&alerts[i])})
	}
	return append(out, list)
}

// item shows an alert among others: what tells it from them, what is wrong, and
// when it began with where to look.
func (g *alertGroup) item(a *groupAlert) []markup.Block {
	name := g.distinction(a)
	if name == "" {
		name = a.name()
	}
	line := Line(Bold(name))
	if summary := g.own(a, "summary"); summary != "" && summary != name {
		line = append(line, Txt(": "+summary))
	}
	for _, text := range []string{g.own(a, "description"), g.own(a, "message"), a.values()} {
		if text != "" {
			line = append(line, markup.Break{})
			line = append(line, brokenLines(text)...)
		}
	}
	if foot := a.foot(); foot != nil {
		line = append(append(line, markup.Break{}), foot...)
	}
	return append([]markup.Block{markup.Paragraph{Content: line}}, a.image()...)
}

func (a *groupAlert) foot() []markup.Inline {
	foot := a.since()
	links := a.links()
	if row := links.Row(); len(foot) > 0 && len(row) > 0 {
		return append(append(foot, Txt(" · ")), row...)
	} else if len(row) > 0 {
		return row
	}
	return foot
}

// brokenLines writes a text of several lines into a paragraph.
func brokenLines(text string) []markup.Inline {
	var out []markup.Inline
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if out != nil {
			out = append(out, markup.Break{})
		}
		out = append(out, Txt(line))
	}
	return out
}

// own is an annotation that is not the same for all alerts of the group.
func (g *alertGroup) own(a *groupAlert, name string) string {
	s := a.annotations.Str(name)
	if s == g.annotations.Str(name) {
		return ""
	}
	return s
}

// distinction writes the labels that are not the same for all alerts of the group.
// The only one needs no name.
func (g *alertGroup) distinction(a *groupAlert) string {
	var names []string
	for _, name := range a.labels.Names() {
		value := a.labels.Str(name)
		if value != "" && value != g.labels.Str(name) && !strings.HasPrefix(name, "__") && len(names) < maxAlertLabels {
			names = append(names, name)
		}
	}
	if len(names) == 1 {
		return a.labels.Str(names[0])
	}
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = name + " " + a.labels.Str(name)
		if name == "alertname" {
			parts[i] = a.labels.Str(name)
		}
	}
	return strings.Join(parts, ", ")
}

// annotationText is what a rule says for people, without what was said already.
func annotationText(annotations Object, said string) []markup.Block {
	var out []markup.Block
	for _, name := range []string{"summary", "description", "message"} {
		if text := annotations.Str(name); text != "" && text != said {
			said = text
			out = append(out, Plain(text)...)
		}
	}
	return out
}

func addAlertLabels(facts *Facts, labels Object) {
	for _, name := range labels.Names() {
		switch {
		case facts.Len() >= maxAlertLabels:
			return
		case name == "alertname" || name == "severity":
		case name == "__name__":
			facts.Add("Metric", labels.Str(name))
		case !strings.HasPrefix(name, "__"):
			facts.Add(Title(name), labels.Str(name))
		}
	}
}

// addAlertNotes adds the annotations that have no place of their own. Those with a web
// address are among the links.
func addAlertNotes(facts *Facts, annotations Object) {
	for _, name := range annotations.Names() {
		if value := annotations.Str(name); isNote(name) && !IsWebURL(value) && facts.Len() < maxAlertLabels {
			facts.Add(Title(name), value)
		}
	}
}
