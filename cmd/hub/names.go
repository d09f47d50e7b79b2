package main

import (
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/client"
)

// names are the names of things that were looked up, by id.
type names struct {
	channels, incoming, outgoing map[string]string // nil: not read yet
	users                        map[string]string
}

// nameIn returns the name of id, or id itself when it is not known, to this token
// at least.
func nameIn[T any](j *job, known *map[string]string, items iter.Seq2[T, error], pair func(T) (id, name string), id string) string {
	if *known == nil {
		*known = map[string]string{}
		j.aside(func() {
			for item, err := range items {
				if err != nil {
					return
				}
				id, name := pair(item)
				(*known)[id] = name
			}
		})
	}
	return orText((*known)[id], id)
}

// aside makes calls that are not what the command is about.
func (j *job) aside(calls func()) {
	docs := j.said.docs
	calls()
	j.said.docs = docs
}

func (j *job) channelName(id string) string {
	if id == "" {
		return ""
	}
	return nameIn(j, &j.names.channels, j.Channels(j.ctx), func(c client.Channel) (string, string) { return c.ID, "#" + c.Name }, id)
}

func (j *job) incomingName(id string) string {
	if id == "" {
		return ""
	}
	return nameIn(j, &j.names.incoming, j.IncomingWebhooks(j.ctx), func(w client.IncomingWebhook) (string, string) { return w.ID, w.Name }, id)
}

func (j *job) outgoingName(id string) string {
	if id == "" {
		return ""
	}
	return nameIn(j, &j.names.outgoing, j.OutgoingWebhooks(j.ctx), func(w client.OutgoingWebhook) (string, string) { return w.ID, w.Name }, id)
}

// userName looks users up one by one: there may be many.
func (j *job) userName(id string) string {
	if id == "" {
		return ""
	}
	if j.names.users == nil {
		j.names.users = map[string]string{}
	}
	name, ok := j.names.users[id]
	if !ok {
		j.aside(func() {
			if u, err := j.User(j.ctx, id); err == nil {
				name = u.Username
			}
		})
		j.names.users[id] = name
	}
	return orText(name, id)
}

// named is something that can be meant by its name.
type named struct{ id, name string }

// find returns the id of the one thing that has a name, or that is an id already.
func find[T any](j *job, kind, list, text string, items iter.Seq2[T, error], pair func(T) named) (string, error) {
	if hub.ValidID(text) {
		return text, nil
	}
	var found []string
	var err error
	j.aside(func() {
		var item T
		for item, err = range items {
			if err != nil {
				return
			}
			if p := pair(item); strings.EqualFold(p.name, text) {
				found = append(found, p.id)
			}
		}
	})
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", fail(exitNotFound, "there is no %s %q.\n`%s` shows what is there.", kind, text, list)
	case len(found) > 1:
		return "", usagef("%d %ss are called %q. Name one by its id:\n  %s", len(found), kind, text, strings.Join(found, "\n  "))
	}
	return found[0], nil
}

// channelID is the id of a channel given as an id, as general or as #general.
func (j *job) channelID(text string) (string, error) {
	return find(j, "channel", "hub channel list", strings.TrimPrefix(text, "#"), j.Channels(j.ctx),
		func(c client.Channel) named { return named{c.ID, c.Name} })
}

// channelIDs are the ids of channels.
func (j *job) channelIDs(texts []string) ([]string, error) { return eachID(texts, j.channelID) }

func (j *job) incomingID(text string) (string, error) {
	return find(j, "incoming webhook", "hub webhook incoming list", text, j.IncomingWebhooks(j.ctx),
		func(w client.IncomingWebhook) named { return named{w.ID, w.Name} })
}

func (j *job) outgoingID(text string) (string, error) {
	return find(j, "outgoing webhook", "hub webhook outgoing list", text, j.OutgoingWebhooks(j.ctx),
		func(w client.OutgoingWebhook) named { return named{w.ID, w.Name} })
}

// userID is the id of a user given as an id, as ada or as @ada.
func (j *job) userID(text string) (string, error) {
	return find(j, "user", "hub user list", strings.TrimPrefix(text, "@"), j.Users(j.ctx),
		func(u client.User) named { return named{u.ID, u.Username} })
}

func (j *job) tokenID(text string) (string, error) {
	return find(j, "token", "hub token list", text, j.Tokens(j.ctx), func(t client.Token) named { return named{t.ID, t.Name} })
}

func eachID(texts []string, id func(string) (string, error)) ([]string, error) {
	ids := make([]string, len(texts))
	for i, text := range texts {
		var err error
		if ids[i], err = id(text); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// unless returns no id for no text.
func unless(text string, id func(string) (string, error)) (string, error) {
	if text == "" {
		return "", nil
	}
	return id(text)
}

// completion is what a shell is offered for the first argument of a command.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)
