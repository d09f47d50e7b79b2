package card

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// The names by which a value's part in a card is known, best first.
var (
	titles   = strings.Fields("title subject heading headline alerttitle alertname eventtitle")
	subjects = strings.Fields("name displayname summary alert checkname monitorname jobname rulename monitor check job service")
	events   = strings.Fields("event eventtype eventname action type kind topic trigger")
	texts    = strings.Fields("message text msg description body content details detail notification summary reason comment note output")

	links = strings.Fields("url link htmlurl weburl href permalink targeturl detailsurl externalurl alerturl eventurl incidenturl dashboardurl " +
		"clickurl click uri weblink")
	colors = strings.Fields("color colour")
	states = strings.Fields("status state alertstate currentstate newstate result outcome conclusion health")
	grades = strings.Fields("severity level loglevel priority urgency criticality importance")
	flags  = strings.Fields("success ok passed healthy up")
	times  = strings.Fields("timestamp time datetime date createdat eventtime occurredat triggeredat firedat startsat startedat " +
		"updatedat sentat at ts created updated")

	people = strings.Fields("author user username sender actor from by createdby triggeredby reporter owner pusher member customer")
	named  = strings.Fields("displayname fullname realname name login username nickname email")
)

// isText reports whether a value is words, and not about a person.
func isText(l *leaf) bool {
	s := l.value.Str()
	return l.value[0] == '"' && strings.ContainsFunc(s, unicode.IsLetter) && !dialect.IsWebURL(s) && !isNoise(s) && !aboutPerson(l)
}

// isWord reports whether a value is the name of something that happens.
func isWord(l *leaf) bool {
	return isText(l) && len(l.value.Str()) <= 64 && !strings.ContainsAny(l.value.Str(), "\n")
}

func aboutPerson(l *leaf) bool { return slices.Contains(people, l.parent) }

func isURL(l *leaf) bool { return dialect.IsWebURL(l.value.Str()) }

// url takes where the title leads. Without a title it stays among the facts.
func (b *board) url(titled bool) string {
	if !titled {
		return ""
	}
	return b.take(b.find(links, 3, func(l *leaf) bool { return isURL(l) && !aboutPerson(l) }))
}

// picture takes the picture with one of the names, or in an object with one.
func (b *board) picture(names ...string) string {
	return b.take(b.find(names, 3, isURL))
}

// moment takes when it was.
func (b *board) moment() time.Time {
	l := b.find(times, 3, func(l *leaf) bool { return !dialect.Moment(l.value).IsZero() })
	if l == nil {
		return time.Time{}
	}
	b.take(l)
	return dialect.Moment(l.value)
}

// color is the sender's own, or that of how it stands: what is over is no longer as
// bad as it was.
func (b *board) color() markup.Color {
	if l := b.find(colors, 2, func(l *leaf) bool { return dialect.Color(l.value) != "" }); l != nil {
		l.taken = true
		return dialect.Color(l.value)
	}
	state, grade := b.colorBy(states, stateColor), b.colorBy(grades, gradeColor)
	switch {
	case state == "" && grade == "":
		return b.colorBy(flags, flagColor)
	case grade == "" || state == dialect.Green || state == dialect.Grey:
		return state
	}
	return grade
}

// colorBy is the colour of the first of these names whose value has one.
func (b *board) colorBy(names []string, color func(string) markup.Color) markup.Color {
	l := b.find(names, 3, func(l *leaf) bool { return color(l.value.Str()) != "" })
	if l == nil {
		return ""
	}
	return color(l.value.Str())
}

// stateColor also reads the status codes of HTTP.
func stateColor(word string) markup.Color {
	if len(word) == 3 && strings.Trim(word, "0123456789") == "" {
		switch word[0] {
		case '2':
			return dialect.Green
		case '4', '5':
			return dialect.Red
		}
	}
	return dialect.StateColor(word)
}

// gradeColor also reads the last word of a constant, as LEVEL_WARNING.
func gradeColor(word string) markup.Color {
	if color := dialect.SeverityColor(word); color != "" {
		return color
	}
	if color := dialect.SeverityColor(word[strings.LastIndexByte(word, '_')+1:]); color != "" {
		return color
	}
	return dialect.StateColor(word)
}

func flagColor(word string) markup.Color {
	switch strings.ToLower(word) {
	case "true":
		return dialect.Green
	case "false":
		return dialect.Red
	}
	return ""
}

// person takes who did it: a name, or an object with one.
func (b *board) person() markup.CardAuthor {
	whole := b.find(people, 2, func(l *leaf) bool { return isText(l) && len(l.value.Str()) <= maxTitle })
	part := b.find(named, 3, func(l *leaf) bool { return aboutPerson(l) && len(l.value.Str()) <= maxTitle })
	first := b.find([]string{"firstname"}, 3, aboutPerson)
	switch {
	case whole != nil && (part == nil || len(whole.path) < len(part.path)):
		return markup.CardAuthor{Name: b.take(whole), IconURL: b.picture("avatar", "avatarurl", "usericon")}
	case first != nil:
		last := b.beside(first, []string{"lastname"})
		return markup.CardAuthor{Name: strings.TrimSpace(b.take(first) + " " + b.take(last)), URL: b.take(b.linkBeside(first, links))}
	case part != nil:
		a := markup.CardAuthor{URL: b.take(b.linkBeside(part, links)), IconURL: b.take(b.linkBeside(part, avatars))}
		a.Name = b.take(part)
		return a
	}
	return markup.CardAuthor{}
}

var avatars = strings.Fields("avatarurl avatar icon iconurl picture photo image imageurl")

// beside returns the leaf with one of the names in the object in which l is.
func (b *board) beside(l *leaf, names []string) *leaf {
	return b.find(names, len(l.path), func(other *leaf) bool { return sameObject(l, other) })
}

func (b *board) linkBeside(l *leaf, names []string) *leaf {
	return b.find(names, len(l.path), func(other *leaf) bool { return sameObject(l, other) && isURL(other) })
}

func sameObject(a, b *leaf) bool {
	return len(a.path) == len(b.path) && slices.Equal(a.path[:len(a.path)-1], b.path[:len(b.path)-1])
}
