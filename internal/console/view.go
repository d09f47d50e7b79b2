package console

import (
	"hash/fnv"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

// What the templates show of a message. The views hold finished values, so
// that the templates decide nothing; HTML is safe to be written as it is.

type messageView struct {
	ID          hub.MessageID
	Avatar      avatarView
	Author      string
	Badge       string // "": a person of this hub
	Time        timeView
	Edited      bool
	Pinned      bool
	Deleted     bool
	System      bool
	HTML        string // what it says, cards included; "": nothing
	Images      []fileView
	Files       []fileView
	Reactions   []reactionView
	Replies     int
	ThreadURL   string // "": no link to the thread
	Permalink   string
	ReplyButton bool // without replies yet, ThreadURL begins a thread
}

type avatarView struct {
	URL      string // "": initials
	Initials string
	Color    string // the name of one of the style's colours
}

type timeView struct {
	ISO    string // for the script, which shows it in the viewer's zone
	Text   string // for readers without script
	Format string // how the script shows it: see its formats
}

type fileView struct {
	Name string
	URL  string // "": shown without a link
	Size string
	// Width and Height reserve room for an image; "" when they are not known.
	Width, Height string
}

type reactionView struct {
	Emoji string
	Count string
}

// viewer knows what a message's view depends on besides the message.
type viewer struct {
	// inThread: the message stands on the page of its thread, where links to
	// it would lead to where the reader is.
	inThread bool
	canWrite bool
}

func (v viewer) message(m *hub.Message) messageView {
	out := messageView{
		ID: m.ID, Avatar: avatarOf(m.Author), Author: authorName(m.Author), Badge: badgeOf(m), Time: timeOf(m.CreatedAt),
		Deleted: m.IsDeleted, Pinned: m.IsPinned, System: m.Type == hub.MessageSystem,
		Edited: !m.EditedAt.IsZero(),
	}
	if v.inThread && m.ThreadID == "" {
		out.Permalink = messagePath(m.ChannelID, m.ID, m.ID)
	} else {
		out.Permalink = messagePath(m.ChannelID, m.ThreadID, m.ID)
	}
	if !v.inThread && m.ThreadID == "" {
		out.Replies = m.ReplyCount
		if m.ReplyCount > 0 || v.canWrite && !m.IsDeleted {
			out.ThreadURL = threadPath(m.ChannelID, m.ID)
			out.ReplyButton = m.ReplyCount == 0
		}
	}
	if m.IsDeleted {
		return out
	}
	out.HTML, _ = markup.PrintHTML(markup.OfMessage(m))
	for i := range m.Files {
		f := fileOf(&m.Files[i])
		if isPicture(&m.Files[i]) && f.URL != "" {
			out.Images = append(out.Images, f)
		} else {
			out.Files = append(out.Files, f)
		}
	}
	for _, r := range m.Reactions {
		if r.Count > 0 {
			out.Reactions = append(out.Reactions, reactionView{r.Emoji, strconv.Itoa(r.Count)})
		}
	}
	return out
}

func (v viewer) messages(all []hub.Message) []messageView {
	out := make([]messageView, len(all))
	for i := range all {
		out[i] = v.message(&all[i])
	}
	return out
}

// oldestFirst is the order of reading; lists come newest first.
func oldestFirst(page []hub.Message) []hub.Message {
	page = slices.Clone(page)
	slices.Reverse(page)
	return page
}

// elementID is the id of a message's element, by which the script finds it.
func elementID(id hub.MessageID) string { return "m-" + string(id) }

func channelPath(id hub.ChannelID) string { return "/channels/" + string(id) }

func threadPath(id hub.ChannelID, root hub.MessageID) string {
	return channelPath(id) + "/threads/" + string(root)
}

// messagePath is where a message is for ever: on the page of its channel, or of
// the thread with that root, that has it.
func messagePath(channel hub.ChannelID, root, id hub.MessageID) string {
	page := channelPath(channel)
	if root != "" {
		page = threadPath(channel, root)
	}
	return page + "?at=" + url.QueryEscape(string(id)) + "#" + elementID(id)
}

func badgeOf(m *hub.Message) string {
	if m.Type == hub.MessageSystem {
		return badgeSystem
	}
	switch m.Author.Kind {
	case hub.UserBot:
		return badgeBot
	case hub.UserWebhook:
		return badgeWebhook
	case hub.UserRemote:
		return badgeRemote
	default:
		return ""
	}
}

func authorName(a hub.Author) string {
	for _, name := range []string{a.DisplayName, a.Username} {
		if name = strings.TrimSpace(name); name != "" {
			return name
		}
	}
	return "?"
}

// colors is how many colours the style has for initials: color-0 …
const colors = 8

func avatarOf(a hub.Author) avatarView {
	name := authorName(a)
	h := fnv.New32a()
	_, _ = h.Write([]byte(string(a.ID) + name)) // never fails
	v := avatarView{Initials: initials(name), Color: "color-" + strconv.Itoa(int(h.Sum32()%colors))}
	if safeImage(a.AvatarURL) || localPath(a.AvatarURL) {
		v.URL = a.AvatarURL
	}
	return v
}

// safeImage reports whether an image may be loaded from there: the
// Content-Security-Policy would refuse it otherwise, loudly.
func safeImage(u string) bool {
	const scheme = "https:"
	return markup.SafeURL(u) && strings.EqualFold(u[:min(len(scheme), len(u))], scheme)
}

// localPath reports whether a URL is a path on the hub itself.
func localPath(u string) bool {
	return strings.HasPrefix(u, "/") && !strings.HasPrefix(u, "//") && !strings.ContainsAny(u, "\\\t\r\n")
}

// initials returns the first letters of the first two words, upper case.
func initials(name string) string {
	var out strings.Builder
	for i, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if i == 2 {
			break
		}
		first, _ := utf8.DecodeRuneInString(word)
		out.WriteRune(unicode.ToUpper(first))
	}
	if out.Len() == 0 {
		first, _ := utf8.DecodeRuneInString(name)
		return string(first)
	}
	return out.String()
}

func timeOf(t time.Time) timeView {
	if t.IsZero() {
		return timeView{}
	}
	t = t.UTC()
	return timeView{ISO: t.Format(time.RFC3339), Text: t.Format("2 Jan 2006, 15:04 UTC")}
}

// secondOf is timeOf where many things happen in a minute.
func secondOf(t time.Time) timeView {
	v := timeOf(t)
	if v.ISO != "" {
		v.Text, v.Format = t.UTC().Format("2 Jan 2006, 15:04:05 UTC"), "seconds"
	}
	return v
}

func fileOf(a *hub.Attachment) fileView {
	v := fileView{Name: a.Filename}
	if v.Name == "" {
		v.Name = string(a.ID)
	}
	if a.Size > 0 {
		v.Size = byteSize(a.Size)
	}
	switch {
	case a.Hash != "":
		v.URL = "/api/files/" + string(a.ID)
	case markup.SafeURL(a.URL):
		v.URL = a.URL
	}
	if a.Width > 0 && a.Height > 0 {
		v.Width, v.Height = strconv.Itoa(a.Width), strconv.Itoa(a.Height)
	}
	return v
}

// isPicture reports whether the file is shown in the message rather than
// named: an image of a format that cannot carry a program, from a place that
// the Content-Security-Policy allows.
func isPicture(a *hub.Attachment) bool {
	switch a.MimeType {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif":
		return a.Hash != "" || safeImage(a.URL)
	default:
		return false
	}
}

// byteSize writes a number of bytes for people, in units of 1024 (KiB, MiB …).
func byteSize(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	units := []string{"KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(n)/1024, 0
	for math.Round(value*10)/10 >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + units[unit]
}
