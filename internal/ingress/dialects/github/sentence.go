package github

import (
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// phrase is a part of a sentence. A phrase that is empty is left out of it.
type phrase = []markup.Inline

// say joins phrases with spaces.
func say(parts ...phrase) phrase { return join(" ", parts) }

// list joins phrases with commas.
func list(parts ...phrase) phrase { return join(", ", parts) }

func join(between string, parts []phrase) phrase {
	var out phrase
	for _, part := range parts {
		if len(part) == 0 {
			continue
		}
		if out != nil {
			out = append(out, markup.Text(between))
		}
		out = append(out, part...)
	}
	return out
}

// with is a phrase after a word that makes no sense without it.
func with(word string, part phrase) phrase {
	if len(part) == 0 {
		return nil
	}
	return say(txt(word), part)
}

// txt is text as it is.
func txt(s string) phrase {
	if s == "" {
		return nil
	}
	return phrase{markup.Text(s)}
}

// quoted is what something was called.
func quoted(s string) phrase {
	if s == "" {
		return nil
	}
	return txt("“" + emoji(s) + "”")
}

// was is what something was called before.
func was(s string) phrase {
	if s == "" {
		return nil
	}
	return txt("(was “" + emoji(s) + "”)")
}

// bold is a name of importance that leads nowhere.
func bold(s string) phrase {
	if s == "" {
		return nil
	}
	return phrase{dialect.Bold(emoji(s))}
}

// link is text that leads somewhere.
func link(url, text string) phrase {
	if text == "" {
		return nil
	}
	return phrase{dialect.Link(url, text)}
}

// page is a page that has no name of its own; empty when there is none.
func page(url, text string) phrase {
	if url == "" {
		return nil
	}
	return link(url, text)
}

// code is a name as programs have it, which leads to a page if it has one.
func code(url, name string) phrase {
	switch {
	case name == "":
		return nil
	case !dialect.IsWebURL(url):
		return phrase{dialect.Fixed(name)}
	}
	return phrase{markup.Link{URL: url, Content: phrase{dialect.Fixed(name)}}}
}

// person is a user, a team or an app.
func person(user dialect.Object) phrase {
	return link(user.URL("html_url"), user.First("login", "name", "slug"))
}

// named is what has a name or a title, and mostly a page.
func named(o dialect.Object) phrase {
	return link(o.URL("html_url"), emoji(o.First("title", "name", "full_name", "login")))
}

// each shows the objects of a list, at most ten of them.
func each(v dialect.Value, show func(dialect.Object) phrase) phrase {
	var shown []phrase
	more := 0
	for element := range v.Elements() {
		n := show(element.Object())
		switch {
		case len(n) == 0:
		case len(shown) < maxListed:
			shown = append(shown, n)
		default:
			more++
		}
	}
	if more > 0 {
		shown = append(shown, txt("and "+strconv.Itoa(more)+" more"))
	}
	return list(shown...)
}

// texts shows the strings of a list.
func texts(v dialect.Value) string {
	var all []string
	for element := range v.Elements() {
		if s := element.Str(); s != "" && len(all) < 50 {
			all = append(all, s)
		}
	}
	return strings.Join(all, ", ")
}

// words writes a word of the interface, as auto_merge_enabled, as a person would.
func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

// emoji writes the shortcodes of standard emoji, which names of labels and
// categories have, as emoji.
func emoji(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] == ':' {
			if end := markup.ShortcodeEnd(s, i); end > i {
				if chars, ok := markup.LookupEmoji(s[i+1 : end-1]); ok {
					b.WriteString(chars)
					i = end
					continue
				}
			}
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// after says how long something took; nil when that is not known.
func after(from, to dialect.Value) phrase {
	began, ended := dialect.Moment(from), dialect.Moment(to)
	if began.IsZero() || !ended.After(began) {
		return nil
	}
	return txt("after " + span(ended.Sub(began)))
}

// span writes a duration in its two largest units.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	days, hours, minutes, seconds := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case d < time.Second:
		return "less than 1 s"
	case days > 0:
		return units(days, "d", hours, "h")
	case hours > 0:
		return units(hours, "h", minutes, "min")
	case minutes > 0:
		return units(minutes, "min", seconds, "s")
	}
	return units(seconds, "s", 0, "")
}

func units(n int, unit string, m int, smaller string) string {
	s := strconv.Itoa(n) + " " + unit
	if m > 0 {
		s += " " + strconv.Itoa(m) + " " + smaller
	}
	return s
}
