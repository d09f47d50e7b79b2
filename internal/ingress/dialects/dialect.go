package dialects

import (
	"time"

	"github.com/nself-chat/hub"
)

// Dialect is one product's way of posting through a webhook. All functions are
// pure and safe for concurrent use.
type Dialect struct {
	// Name is what the log calls it, and the suffix of the URL that forces it.
	Name string
	// Detect reports whether the request speaks this dialect.
	Detect func(*Request) bool
	// Parse makes a post of it. Its error is a *Failure. Strings of the post
	// do not alias the request. They may be of any length and hold mentions.
	Parse func(*Request) (Post, error)
	// Success is what the sender expects to hear when the post was stored.
	Success func(Posted) Answer
	// Failure is what the sender expects to hear when it was refused.
	Failure func(*Failure) Answer
}

// Post is what a call asks to be posted.
type Post struct {
	Content   string // Markdown
	Username  string // "": the webhook's
	AvatarURL string // "": the webhook's
	ThreadID  hub.MessageID
	Embeds    []hub.Embed
	// Files live elsewhere: only URL, Filename and MimeType are set, and
	// MimeType is what the sender says it is.
	Files []hub.Attachment
}

// Empty reports whether there is nothing in the post to show.
func (p *Post) Empty() bool { return p.Content == "" && len(p.Embeds) == 0 && len(p.Files) == 0 }

// Posted tells what became of a call that was carried out.
type Posted struct {
	MessageID hub.MessageID
	ChannelID hub.ChannelID
	At        time.Time     // when the message was posted
	Duration  time.Duration // how long the call took
	// Done is what was done, as a sentence for people.
	Done string
}

// Answer is an HTTP response without what does not depend on the dialect.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte
}

// All returns the dialects in the order in which they are tried: the marks of
// one product first, what several might have sent last. A dialect may occur
// more than once, with different marks.
func All() []*Dialect { return all[:] }

var (
	slackMarked = slackDialect(hasSlackMarks)
	slackPlain  = slackDialect(hasBareText)
	nself       = nselfDialect()

	all = [...]*Dialect{slackMarked, nself, slackPlain}
)

// Default is the dialect of what no other one claims.
func Default() *Dialect { return nself }

// ByName returns the dialect of that name, or nil.
func ByName(name string) *Dialect {
	for _, d := range all {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// Names lists the names of the dialects, each once, the hub's own first.
func Names() []string { return []string{nself.Name, slackPlain.Name} }

// Recognise returns the dialect in which the request speaks; never nil.
func Recognise(r *Request) *Dialect {
	for _, d := range all {
		if d.Detect(r) {
			return d
		}
	}
	return nself
}
