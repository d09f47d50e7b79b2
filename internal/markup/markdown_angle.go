package markup

import (
	"strconv"
	"strings"
	"time"
)

// angle reads what begins with "<": a tag, a timestamp or an autolink.
func (p *inlineParser) angle() bool {
	rest := p.s[p.pos:]
	end := strings.IndexAny(rest[1:], "<> \t\n") + 1
	if end <= 1 || rest[end] != '>' {
		return p.spacedBreak(rest)
	}
	inside := rest[1:end]
	name := strings.ToLower(strings.TrimPrefix(inside, "/"))
	if kind, ok := styleTags[name]; ok {
		p.delimiter(end+1, delimiter{kind: kind, length: 1, opens: name == strings.ToLower(inside), closes: inside[0] == '/'})
		return true
	}
	if name == "br" || name == "br/" {
		p.take(end+1, Break{})
		return true
	}
	if t, ok := timestampOf(inside); ok {
		p.takeAtom(end+1, t)
		return true
	}
	if isAutolink(inside) {
		p.takeLink(end+1, inside, inside)
		return true
	}
	if emailEnd(inside, 0) == len(inside) {
		p.takeLink(end+1, "mailto:"+inside, inside)
		return true
	}
	return false
}

// spacedBreak reads "<br />".
func (p *inlineParser) spacedBreak(rest string) bool {
	const tag = "<br />"
	if !hasPrefixFold(rest, tag) {
		return false
	}
	p.take(len(tag), Break{})
	return true
}

// styleTags are the names of the tags that set text apart.
var styleTags = map[string]byte{
	"b": 'b', "strong": 'b', "i": 'i', "em": 'i', "s": 's', "del": 's', "strike": 's', "u": 'u', "ins": 'u',
}

// isAutolink reports whether s is a URI in the sense of CommonMark §6.5.
func isAutolink(s string) bool {
	colon := strings.IndexByte(s, ':')
	if colon < 2 || colon > 32 || !isLetter(s[0]) {
		return false
	}
	for i := range colon {
		if !isAlnum(s[i]) && strings.IndexByte("+.-", s[i]) < 0 {
			return false
		}
	}
	return true
}

// timestampOf reads what Discord writes as <t:1700000000:R>.
func timestampOf(s string) (Timestamp, bool) {
	s, ok := strings.CutPrefix(s, "t:")
	if !ok {
		return Timestamp{}, false
	}
	seconds, style, _ := strings.Cut(s, ":")
	format, ok := timeFormats[style]
	unix, err := strconv.ParseInt(seconds, 10, 64)
	t := Timestamp{Time: time.Unix(unix, 0).UTC(), Format: format}
	return t, ok && err == nil && inYears(t.Time)
}

// timeFormats are Discord's letters for the formats.
var timeFormats = map[string]TimeFormat{
	"": FormatDateTime, "f": FormatDateTime, "F": FormatDateTimeLong, "d": FormatDate, "D": FormatDateLong,
	"t": FormatTime, "T": FormatTimeSeconds, "R": FormatRelative,
}
