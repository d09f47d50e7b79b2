package console

import (
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/nself-chat/hub"
)

// The pieces of pages that the script fetches.

// messageFragment is one message. ?thread=1 renders it as on its thread's page.
func (c *Console) messageFragment(w http.ResponseWriter, r *http.Request, a hub.Actor) error {
	m, err := c.Control.Message(r.Context(), a, hub.MessageID(r.PathValue("id")))
	if err != nil {
		return err
	}
	v := viewer{inThread: r.URL.Query().Get("thread") != "", canWrite: canWrite(a)}
	return write(w, r, http.StatusOK, message(v.message(&m)))
}

// listFragment is a page of a channel's messages, or of a thread's.
func (c *Console) listFragment(w http.ResponseWriter, r *http.Request, a hub.Actor) error {
	id, query := hub.ChannelID(r.PathValue("id")), r.URL.Query()
	before := hub.MessageID(query.Get("before"))
	var l listView
	var err error
	if root := hub.MessageID(query.Get("thread")); root != "" {
		l, _, err = c.threadList(r.Context(), a, id, root, before)
	} else {
		l, err = c.channelList(r.Context(), a, id, before)
	}
	if err != nil {
		return err
	}
	l.Newest = "" // the script adds to a list that has its own end
	return write(w, r, http.StatusOK, messageList(l))
}

// postFragment posts a message and answers with it.
func (c *Console) postFragment(w http.ResponseWriter, r *http.Request, a hub.Actor) error {
	id := hub.ChannelID(r.PathValue("id"))
	d, err := draftOf(w, r, id)
	if err != nil {
		return err
	}
	m, err := c.Control.Post(r.Context(), a, id, d)
	if err != nil {
		return inWords(err, d.Content)
	}
	v := viewer{inThread: d.ThreadID != "", canWrite: canWrite(a)}
	return write(w, r, http.StatusCreated, message(v.message(&m)))
}

// newKey makes the idempotency key of a form.
func newKey() string { return rand.Text() }

// formError says what is wrong with a form that cannot be read.
func formError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err // the server knows it
	}
	if _, ok := errors.AsType[*hub.Error](err); ok {
		return err
	}
	return hub.Wrap(hub.Invalid, err, "The form cannot be read.")
}
