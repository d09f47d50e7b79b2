package discord

import (
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/markup"
)

// angle reads what stands between "<" and ">" (Discord's reference, "Message
// Formatting").
func (p *parser) angle(end int, in context) bool {
	rest := p.s[p.pos+1 : end]
	n := strings.IndexAny(rest, "<>\n")
	if n < 1 || rest[n] != '>' {
		return false
	}
	inside := rest[:n]
	if url := inside; isWebURL(url) && in.link.url == "" && !in.title {
		p.flush(in)
		in.link.url = url
		return p.take(n+2, markup.Text(url), in)
	}
	node, ok := angled(inside)
	if _, isEmoji := node.(markup.Emoji); !ok || in.title && !isEmoji {
		return false
	}
	return p.take(n+2, node, in)
}

func isWebURL(s string) bool {
	return (hasScheme(s, "http://") || hasScheme(s, "https://")) && !strings.ContainsAny(s, " \t") && markup.SafeURL(s)
}

// hasScheme reports whether s begins with a scheme, which is written in any
// case (RFC 3986 §3.1).
func hasScheme(s, scheme string) bool {
	return len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme)
}

// angled returns the mention, emoji, timestamp, command or place that s names.
func angled(s string) (markup.Inline, bool) {
	for _, m := range mentionMarks {
		if id, ok := strings.CutPrefix(s, m.mark); ok && isID(id) {
			return markup.Mention{Target: m.target, ID: id}, true
		}
	}
	switch s[0] {
	case ':', 'a':
		return customEmoji(s)
	case 't':
		return timestamp(s)
	case '/':
		name, id, ok := strings.Cut(s, ":")
		return markup.Text(name), ok && isID(id) && len(name) > 1
	case 'i':
		place, ok := places[strings.TrimRight(strings.TrimPrefix(s, "id:"), ":0123456789")]
		return markup.Text(place), ok && strings.HasPrefix(s, "id:")
	}
	return nil, false
}

// mentionMarks come before the ID of what is mentioned.
var mentionMarks = []struct {
	mark   string
	target markup.Target
}{
	{"@&", markup.TargetGroup},
	{"@!", markup.TargetUser}, // deprecated
	{"@", markup.TargetUser},
	{"#", markup.TargetChannel},
}

// places are the tabs of a server that a message can lead to, as clients call
// them ("Guild Navigation Types").
var places = map[string]string{
	"customize":    "Channels & Roles",
	"browse":       "Browse Channels",
	"guide":        "Server Guide",
	"linked-roles": "Linked Roles",
}

// isID reports whether s could be a snowflake: an unsigned 64-bit integer.
func isID(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, "0123456789") == ""
}

// customEmoji reads ":name:id" and "a:name:id".
func customEmoji(s string) (markup.Inline, bool) {
	rest, animated := strings.CutPrefix(s, "a")
	rest, ok := strings.CutPrefix(rest, ":")
	name, id, found := strings.Cut(rest, ":")
	if !ok || !found || !isEmojiName(name) || !isID(id) {
		return nil, false
	}
	return markup.Emoji{Name: name, ID: id, URL: EmojiURL(id, animated), Animated: animated}, true
}

func isEmojiName(s string) bool {
	const longest = 32
	for i := range len(s) {
		if !isWordByte(s[i]) {
			return false
		}
	}
	return s != "" && len(s) <= longest
}

// EmojiURL returns the picture of a custom emoji (Discord's reference, "CDN
// Endpoints"). The ID is not checked.
func EmojiURL(id string, animated bool) string {
	url := "https://cdn.discordapp.com/emojis/" + id + ".webp"
	if animated {
		url += "?animated=true"
	}
	return url
}

// timeStyles are the letters of the formats. Those of s and S are the nearest.
var timeStyles = map[string]markup.TimeFormat{
	"": markup.FormatDateTime, "f": markup.FormatDateTime, "s": markup.FormatDateTime, "S": markup.FormatDateTime,
	"F": markup.FormatDateTimeLong, "d": markup.FormatDate, "D": markup.FormatDateLong,
	"t": markup.FormatTime, "T": markup.FormatTimeSeconds, "R": markup.FormatRelative,
}

// timestamp reads "t:seconds" and "t:seconds:style".
func timestamp(s string) (markup.Inline, bool) {
	s, ok := strings.CutPrefix(s, "t:")
	seconds, style, _ := strings.Cut(s, ":")
	format, known := timeStyles[style]
	unix, err := strconv.ParseInt(seconds, 10, 64)
	t := time.Unix(unix, 0).UTC()
	if !ok || !known || err != nil || t.Year() < 0 || t.Year() > 9999 || t.IsZero() {
		return nil, false
	}
	return markup.Timestamp{Time: t, Format: format}, true
}
