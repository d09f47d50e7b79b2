// Package dockerhub reads what Docker Hub's webhooks send when somebody pushes a
// tag of an image ("Webhooks" in Docker's documentation): there is no other event.
//
// A request has no header of its own and is known by its members callback_url,
// push_data and repository. The call to callback_url that ends a chain of webhooks
// is not made: a message in a chat decides nothing about an image.
package dockerhub

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Dialect is Docker Hub's.
var Dialect = &dialect.Dialect{Name: "dockerhub", Title: "Docker Hub", Detect: detect, Parse: parse}

func detect(r *dialect.Request) string {
	f := r.Fields
	if f.Has("callback_url") && f.Get("push_data").IsObject() && f.Get("repository").IsObject() {
		return "the fields callback_url, push_data and repository"
	}
	return ""
}

func parse(r *dialect.Request) (dialect.Post, error) {
	push, repository := r.Fields.Get("push_data").Object(), r.Fields.Get("repository").Object()
	image := imageName(repository)
	if image == "" {
		return dialect.Post{}, dialect.Nothing()
	}
	name := image
	if tag := push.Str("tag"); tag != "" {
		name += ":" + tag
	}
	page := repository.URL("repo_url")
	if page == "" {
		page = "https://hub.docker.com/r/" + image
	}
	line := dialect.Line(dialect.Bold(pusher(push)), dialect.Txt(" pushed "), dialect.Link(page, name))

	var facts dialect.Facts
	facts.AddLine("Get it", dialect.Fixed("docker pull "+name))
	facts.Add("Visibility", visibility(repository))
	card := markup.Card{Color: dialect.Blue, Time: dialect.Moment(push.Get("pushed_at"))}
	card.Blocks = append(dialect.Excerpt(repository.Str("description"), dialect.Plain), facts.Blocks()...)

	p := dialect.Post{Doc: dialect.Report(line, card)}
	return p, r.Finish(&p, nil)
}

// imageName is the name under which the image is pulled.
func imageName(repository dialect.Object) string {
	if s := repository.Str("repo_name"); s != "" {
		return s
	}
	name, owner := repository.Str("name"), repository.First("namespace", "owner")
	if name == "" || owner == "" {
		return name
	}
	return owner + "/" + name
}

func pusher(push dialect.Object) string {
	if s := push.Str("pusher"); s != "" {
		return s
	}
	return "Somebody"
}

func visibility(repository dialect.Object) string {
	if repository.Flag("is_private") {
		return "private"
	}
	return ""
}
