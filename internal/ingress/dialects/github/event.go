package github

import (
	"net/url"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// event is one delivery: the members of its body, and those that nearly all have.
type event struct {
	dialect.Object
	kind   string // as the header has it: "pull_request"
	action string // "opened"; "": the kind has only one
	repo   dialect.Object
	sender dialect.Object
}

func newEvent(kind string, body dialect.Object) *event {
	if kind == "" {
		kind = guess(body)
	}
	return &event{
		Object: body,
		kind:   kind,
		action: body.Str("action"),
		repo:   body.Get("repository").Object(),
		sender: body.Get("sender").Object(),
	}
}

// in returns the members of an object of the body.
func (e *event) in(path ...string) dialect.Object { return e.At(path...).Object() }

// who is the person or app that did it.
func (e *event) who() phrase {
	for _, who := range []phrase{person(e.sender), txt(e.Str("pusher", "name"))} {
		if len(who) > 0 {
			return who
		}
	}
	return txt("Somebody")
}

// isSender reports whether the user is the one who did it.
func (e *event) isSender(user dialect.Object) bool {
	login := user.Str("login")
	return login != "" && login == e.sender.Str("login")
}

// where is the repository.
func (e *event) where() phrase {
	return link(e.repo.URL("html_url"), e.repo.First("full_name", "name"))
}

// org is the organization.
func (e *event) org() phrase {
	name := e.Str("organization", "login")
	if name == "" {
		return nil
	}
	if site := e.site(); site != "" {
		return link(site+"/"+name, name)
	}
	return txt(name)
}

// site is the address of the GitHub that sent the event, without a slash at its
// end: organizations come without one of their own.
func (e *event) site() string {
	if s, ok := strings.CutSuffix(e.sender.URL("html_url"), "/"+e.sender.Str("login")); ok {
		return s
	}
	s, _ := strings.CutSuffix(e.repo.URL("html_url"), "/"+e.repo.Str("full_name"))
	return s
}

// inPlace says where it happened.
func (e *event) inPlace() phrase {
	if place := e.where(); len(place) > 0 {
		return with("in", place)
	}
	return with("in", e.org())
}

// did makes the sentence of somebody who did something.
func (e *event) did(parts ...phrase) phrase {
	return e.told(append([]phrase{e.who()}, parts...)...)
}

// told makes the sentence of what happened.
func (e *event) told(parts ...phrase) phrase {
	return say(append(parts, e.inPlace())...)
}

// page is an address below the repository's; "" when that is not known.
func (e *event) page(kind, name string) string { return pageOf(e.repo, kind, name) }

func pageOf(repo dialect.Object, kind, name string) string {
	base := repo.URL("html_url")
	if base == "" || name == "" {
		return ""
	}
	return base + "/" + kind + "/" + (&url.URL{Path: name}).EscapedPath()
}

// commit shows a commit by its short name.
func (e *event) commit(sha string) phrase {
	if sha == "" {
		return nil
	}
	return code(e.page("commit", sha), dialect.Short(sha))
}

// branch shows a branch or a tag.
func (e *event) branch(ref string) phrase {
	name := refName(ref)
	return code(e.page("tree", name), name)
}

// refName is the name of a branch or a tag without its place.
func refName(ref string) string {
	for _, place := range [...]string{"refs/heads/", "refs/tags/", "refs/"} {
		if name, ok := strings.CutPrefix(ref, place); ok {
			return name
		}
	}
	return ref
}
