package dialect

import (
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/markup"
)

// Alarm is what a product that watches others has to say, in the order in which
// somebody who was woken by it wants to know: the state, of what, why, the values,
// and where to go. Every part is optional.
type Alarm struct {
	State string // a word in capitals: "FIRING"
	Color markup.Color
	Name  string // of what is watched, or of the rule
	URL   string // where the title leads
	Text  []markup.Block
	Facts Facts
	Links Links
	Rest  []markup.Block // below the facts
	From  []string       // the product, and by what way it came
	Time  time.Time
}

// Card returns the alarm as a card.
func (a *Alarm) Card() markup.Card {
	c := markup.Card{Color: a.Color, URL: a.webURL(), Time: a.Time}
	c.Title = Line(Txt(a.title()))
	c.Blocks = append(c.Blocks, a.Text...)
	c.Blocks = append(c.Blocks, a.Facts.Blocks()...)
	c.Blocks = append(c.Blocks, a.Rest...)
	c.Blocks = append(c.Blocks, a.Links.Blocks()...)
	var from []string
	for _, s := range a.From {
		if s = strings.TrimSpace(s); s != "" {
			from = append(from, s)
		}
	}
	if from != nil {
		c.Footer = Line(Txt(strings.Join(from, " · ")))
	}
	return c
}

// Doc returns a document with nothing but the card. It is empty when all that could
// be said is a state, of nobody knows what: [Request.Finish] refuses it.
func (a *Alarm) Doc() markup.Document {
	if a.Name == "" && a.Facts.Len() == 0 && Say(a.Text...).IsEmpty() && Say(a.Rest...).IsEmpty() {
		return markup.Document{}
	}
	return Say(a.Card())
}

func (a *Alarm) title() string {
	switch {
	case a.State == "":
		return a.Name
	case a.Name == "":
		return a.State
	}
	return a.State + ": " + a.Name
}

func (a *Alarm) webURL() string {
	if IsWebURL(a.URL) {
		return a.URL
	}
	return ""
}

// SeverityColor is the colour of a word or grade for how bad something is, as
// "critical" or "P2"; "" when it is none that is known.
func SeverityColor(word string) markup.Color {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "critical", "crit", "fatal", "emergency", "emerg", "page", "disaster", "immediate", "severe", "error", "err", "major", "high", "p1", "p2":
		return Red
	case "warning", "warn", "minor", "medium", "moderate", "average", "degraded", "p3":
		return Orange
	case "info", "information", "informational", "notice", "low", "debug", "none", "p4", "p5":
		return Blue
	}
	return ""
}

// Worst returns the colour of the greater alarm of the two.
func Worst(a, b markup.Color) markup.Color {
	for _, c := range []markup.Color{Red, Orange, Yellow, Blue} {
		if a == c || b == c {
			return c
		}
	}
	return a
}
