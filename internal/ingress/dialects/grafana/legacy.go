package grafana

import (
	"slices"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// maxMatches is how many of the series that made a rule fire are listed.
const maxMatches = 10

// legacy shows a notification of the alerting of Grafana 8 and before.
func legacy(f dialect.Object) dialect.Post {
	tags := f.Get("tags").Object()
	a := dialect.Alarm{Name: legacyName(f), URL: f.Str("ruleUrl"), Text: dialect.Plain(f.Str("message")), From: []string{"Grafana"}}
	a.State, a.Color = legacyState(f.Str("state"), tags.Str("severity"))
	if rule := f.Str("ruleName"); rule != a.Name {
		a.Facts.Add("Rule", rule)
	}
	a.Facts.Add("Severity", tags.Str("severity"))
	for _, name := range tags.Names() {
		if name != "severity" && a.Facts.Len() < dialect.MaxFields {
			a.Facts.Add(dialect.Title(name), tags.Str(name))
		}
	}
	a.Rest = matches(f.Get("evalMatches"))
	if url := f.URL("imageUrl"); url != "" {
		a.Rest = append(a.Rest, markup.Image{URL: url, Alt: a.Name})
	}
	return dialect.Post{Doc: a.Doc(), Key: legacyKey(f)}
}

func legacyKey(f dialect.Object) string {
	if id := f.Str("ruleId"); id != "" {
		return "rule:" + id
	}
	return ""
}

// legacyName is the title without the state in brackets that it begins with.
func legacyName(f dialect.Object) string {
	title := f.Str("title")
	if strings.HasPrefix(title, "[") {
		if _, rest, ok := strings.Cut(title, "] "); ok {
			title = strings.TrimSpace(rest)
		}
	}
	if title == "" {
		return f.Str("ruleName")
	}
	return title
}

func legacyState(state, severity string) (string, markup.Color) {
	switch state {
	case "alerting":
		if c := dialect.SeverityColor(severity); c != "" {
			return "FIRING", c
		}
		return "FIRING", dialect.Red
	case "ok":
		return "RESOLVED", dialect.Green
	case "no_data":
		return "NO DATA", dialect.Orange
	case "pending":
		return "PENDING", dialect.Yellow
	case "paused":
		return "PAUSED", dialect.Grey
	}
	return strings.ToUpper(dialect.Title(state)), dialect.Blue
}

// matches lists the series that made the rule fire, each once.
func matches(v dialect.Value) []markup.Block {
	var seen []string
	list := markup.List{}
	for e := range v.Elements() {
		m := e.Object()
		about := m.Str("metric") + ": " + dialect.Number(m.Get("value"))
		where := tagLine(m.Get("tags").Object())
		if m == nil || slices.Contains(seen, about+where) || len(seen) == maxMatches {
			continue
		}
		seen = append(seen, about+where)
		line := dialect.Line(dialect.Bold(about))
		if where != "" {
			line = append(line, markup.Break{}, dialect.Txt(where))
		}
		list.Items = append(list.Items, markup.ListItem{Blocks: []markup.Block{dialect.Para(line...)}})
	}
	if list.Items == nil {
		return nil
	}
	return []markup.Block{list}
}

func tagLine(tags dialect.Object) string {
	var parts []string
	for _, name := range tags.Names() {
		if value := tags.Str(name); value != "" {
			parts = append(parts, strings.Trim(name, "_")+" "+value)
		}
	}
	return strings.Join(parts, ", ")
}
