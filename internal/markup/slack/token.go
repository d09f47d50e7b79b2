package slack

import (
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// readToken reads what stands between < and >: a mention, a special mention, a
// date or a link. What is none of them is text: senders write "<b>" and mean it.
func (x syntax) readToken(s string) ([]markup.Run, bool) {
	body, label, _ := strings.Cut(s, "|")
	if body == "" {
		return nil, false
	}
	switch body[0] {
	case '@':
		return one(mention(markup.TargetUser, body[1:], label))
	case '#':
		return one(mention(markup.TargetChannel, body[1:], label))
	case '!':
		return x.special(body[1:], label)
	}
	if strings.HasPrefix(label, "@") && isUserID(body) { // as it was until 2014
		return one(mention(markup.TargetUser, body, label))
	}
	return x.link(body, label)
}

func one(n markup.Inline) ([]markup.Run, bool) {
	if n == nil {
		return nil, false
	}
	return []markup.Run{{Node: n}}, true
}

// mention returns nil for what is neither an id nor a name.
func mention(target markup.Target, id, label string) markup.Inline {
	id = unescaper.Replace(id)
	if id == "" || strings.ContainsAny(id, " \t\n") {
		return nil
	}
	if isID(target, id) {
		return markup.Mention{Target: target, ID: id, Name: strings.TrimPrefix(unescaper.Replace(label), sigil(target))}
	}
	if _, ok := broadcasts[id]; ok {
		return markup.Text("@" + id) // it addresses nobody in Slack either
	}
	return markup.Mention{Target: target, Name: id}
}

// sigil is what a label may have before the name.
func sigil(target markup.Target) string {
	if target == markup.TargetChannel {
		return "#"
	}
	return "@"
}

// broadcasts are the special mentions, and what they are called here.
var broadcasts = map[string]string{
	"here": markup.BroadcastHere, "channel": markup.BroadcastChannel, "everyone": markup.BroadcastEveryone,
	"group": markup.BroadcastChannel, // of a private channel, as it was called until 2016
}

// special reads <!here>, <!subteam^S1|@name>, <!date^1^{date}|fallback>.
func (x syntax) special(s, label string) ([]markup.Run, bool) {
	if name, ok := broadcasts[s]; ok {
		return one(markup.Mention{Target: markup.TargetBroadcast, Name: name})
	}
	kind, rest, _ := strings.Cut(s, "^")
	switch kind {
	case "subteam":
		return one(mention(markup.TargetGroup, rest, label))
	case "date":
		return readDate(rest, unescaper.Replace(label))
	}
	if label == "" {
		return nil, false
	}
	return x.label().line(label), true // Slack shows the label of what it does not know
}

func (x syntax) link(url, label string) ([]markup.Run, bool) {
	// PrintText has to escape a "|" in a URL.
	url = strings.ReplaceAll(unescaper.Replace(url), "%7C", "|")
	switch {
	case hasScheme(url):
	case label != "" && strings.Contains(url, ".") && !strings.ContainsAny(url, " :@/"):
		url = "http://" + url
	default:
		return nil, false
	}
	runs := []markup.Run{{Node: markup.Text(url)}}
	if strings.TrimSpace(label) != "" {
		runs = x.label().line(label)
	}
	for i := range runs {
		runs[i].URL = url
	}
	return runs, true
}

// hasScheme reports whether s is a URL that Slack makes a link of: any with
// "//", and some without.
func hasScheme(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || rest == "" || scheme == "" {
		return false
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "http", "https", "mailto", "tel", "sms", "sip":
		return true
	}
	return strings.HasPrefix(rest, "//") && strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

// codeText returns code as Slack shows it: without the brackets that its
// servers put around addresses and ids.
func codeText(s string) string {
	if !strings.ContainsAny(s, "<&") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			b.WriteString(unescaper.Replace(s))
			return b.String()
		}
		b.WriteString(unescaper.Replace(s[:i]))
		s = s[i+1:]
		if n := strings.IndexAny(s, "<>"); n >= 0 && s[n] == '>' {
			if runs, ok := plainText.readToken(s[:n]); ok {
				b.WriteString(tokenText(s[:n], runs))
				s = s[n+1:]
				continue
			}
		}
		b.WriteByte('<')
	}
}

// tokenText returns the text of a token in code, where a label is text.
func tokenText(token string, runs []markup.Run) string {
	if _, label, ok := strings.Cut(token, "|"); ok && runs[0].URL != "" {
		return unescaper.Replace(label)
	}
	var b strings.Builder
	for _, r := range runs {
		b.WriteString(markup.PlainInline([]markup.Inline{r.Node}))
	}
	return b.String()
}
