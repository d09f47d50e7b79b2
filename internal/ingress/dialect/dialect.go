package dialect

import (
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

// Dialect is one product's way of posting through a webhook. All functions are
// pure and safe for concurrent use.
type Dialect struct {
	// Name is what the log calls it, and the suffix of the URL that forces it.
	Name string
	// Title is the product's name for people.
	Title string
	// Detect says by which mark the request is known to speak this dialect, as
	// `the header X-GitHub-Event`; "": it does not, as far as it can tell.
	Detect func(*Request) string
	// Parse makes a post of it. Its error is a *Failure. Strings of the post
	// do not alias the request. They may be of any length and hold mentions. What
	// is of an unexpected kind is shown in another way or left out: a request is
	// refused only if there is nothing in it that could be shown.
	Parse func(*Request) (Post, error)
	// Success is what the sender expects to hear when the post was stored. nil:
	// what [Success] says.
	Success func(*Request, Posted) Answer
	// Failure is what the sender expects to hear when it was refused. nil: what
	// [Problem] says.
	Failure func(*Failure) Answer
	// API is how calls are answered that name a method behind the dialect in their
	// URL, as chat.postMessage; nil: there are no methods.
	API *Dialect
	// Hook and Message are the product's descriptions of a webhook and of a message,
	// for those who ask; nil: it has none. url is the webhook's, with its token.
	Hook    func(h *hub.IncomingWebhook, token, url string) []byte
	Message func(m *hub.Message) []byte
	// Changed is what the sender expects to hear when a message was edited; nil: what
	// it hears of a post. Deleted is the same of a deletion.
	Changed func(Posted) Answer
	Deleted func(Posted) Answer
	// Cards are the members that list a message's cards: an edit that has one
	// replaces all cards, by none when it is empty. nil: embeds, attachments, blocks.
	Cards []string
}

// ListsCards reports whether an edit says which cards the message is to have.
func (d *Dialect) ListsCards(r *Request) bool {
	if d.Cards == nil {
		return r.Fields.Has("embeds", "attachments", "blocks")
	}
	return r.Fields.Has(d.Cards...)
}

// Succeeded words the answer to a call that was carried out.
func (d *Dialect) Succeeded(r *Request, p Posted) Answer {
	if d.Success == nil {
		return Success(p)
	}
	return d.Success(r, p)
}

// Edited words the answer to an edit.
func (d *Dialect) Edited(r *Request, p Posted) Answer {
	if d.Changed == nil {
		return d.Succeeded(r, p)
	}
	return d.Changed(p)
}

// Removed words the answer to a deletion.
func (d *Dialect) Removed(r *Request, p Posted) Answer {
	if d.Deleted == nil {
		return d.Succeeded(r, p)
	}
	return d.Deleted(p)
}

// Failed words the answer to a call that was refused.
func (d *Dialect) Failed(f *Failure) Answer {
	if d.Failure == nil {
		return Problem(f)
	}
	return d.Failure(f)
}

// Post is what a call asks to be posted.
type Post struct {
	// Doc is what the post says. Mentions in it have the ids and names of the
	// sender's product.
	Doc markup.Document
	// Markdown is text that the sender wrote in the chat's own Markdown. It stands
	// before Doc, and is kept as it was written.
	Markdown string
	// Username and AvatarURL are the author's look; "": the webhook's.
	Username  string
	AvatarURL string
	// Thread is what the post replies to, as the sender has it: the id of a
	// message that an answer told, or a word of the sender's own that is the same
	// in all posts of a thread. "": it stands by itself.
	Thread string
	// Key is what the post is about: an alert, a build, a pull request. A later
	// post with the same key takes the place of this one, which goes into its
	// thread. "": each post is a message of its own.
	Key string
	// Files live elsewhere: only URL, Filename and MimeType are set, and
	// MimeType is what the sender says it is.
	Files []hub.Attachment
	// Uploads are files that came with the request.
	Uploads []Upload
	// NoMentions: the sender asks that nobody be notified.
	NoMentions bool
	// Losses is what of the request has no place in a message.
	Losses markup.Degradations
}

// Upload is a file in a request. Content aliases the request.
type Upload struct {
	Field    string // the name of its part
	Filename string
	Content  []byte
}

// Empty reports whether there is nothing in the post to show.
func (p *Post) Empty() bool {
	return p.Markdown == "" && p.Doc.IsEmpty() && len(p.Files)+len(p.Uploads) == 0
}

// Posted tells what became of a call that was carried out.
type Posted struct {
	Message  hub.Message
	Duration time.Duration // how long the call took
	// Done is what was done, as a sentence for people in plain ASCII.
	Done string
}

// Answer is an HTTP response without what does not depend on the dialect.
type Answer struct {
	Status      int
	ContentType string // "": there is no body
	Body        []byte
}
