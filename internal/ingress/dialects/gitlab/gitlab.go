// Package gitlab reads what GitLab's webhooks send: those of projects and groups
// ("Webhook events" in its documentation) and those of a whole instance ("System
// hooks").
//
// A request is known by its header X-Gitlab-Event, or by object_kind together with
// what it describes. GitLab's own integrations for Slack and Mattermost send a
// form with Slack's payload and neither of these; they are Slack's dialect.
//
// Pipelines, jobs and deployments keep one message each, which follows their
// state. The variables of a pipeline are left out because they may be secret, and
// so are e-mail addresses and the numbers by which GitLab knows things.
package gitlab

import (
	"net/url"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Dialect is GitLab's.
var Dialect = &dialect.Dialect{Name: "gitlab", Title: "GitLab", Detect: detect, Parse: parse}

func detect(r *dialect.Request) string {
	f := r.Fields
	switch {
	case r.Header.Get("X-Gitlab-Event") != "":
		return "the header X-Gitlab-Event"
	case r.Kind == dialect.KindJSON && f.Has("object_kind") && (f.Has("object_attributes") || f.Has("project_id")):
		return "the field object_kind"
	}
	return ""
}

func parse(r *dialect.Request) (dialect.Post, error) {
	if r.Fields == nil {
		return dialect.Post{}, dialect.Nothing()
	}
	e := event{Object: r.Fields, attrs: r.Fields.Get("object_attributes").Object()}
	p := e.post()
	return p, r.Finish(&p, nil)
}

// event is a body, with what it is about.
type event struct {
	dialect.Object
	attrs dialect.Object
}

func (e event) post() dialect.Post {
	switch kind := e.First("object_kind", "event_name"); kind {
	case "push", "tag_push":
		return e.push()
	case "merge_request":
		return e.mergeRequest()
	case "issue", "work_item":
		return e.issue()
	case "note":
		return e.note()
	case "pipeline":
		return e.pipeline()
	case "build":
		return e.job()
	case "deployment":
		return e.deployment()
	case "release":
		return e.release()
	case "wiki_page":
		return e.wikiPage()
	case "milestone":
		return e.milestone()
	case "feature_flag":
		return e.featureFlag()
	case "emoji":
		return e.emoji()
	case "access_token", "deploy_token":
		return e.token(kind)
	case "vulnerability":
		return e.vulnerability()
	case "repository_update":
		return e.repositoryUpdate()
	default:
		return e.system(kind)
	}
}

// person is what somebody calls themself.
func person(o dialect.Object) string { return o.First("name", "username", "login") }

func personOf(v dialect.Value) string { return person(v.Object()) }

// actor is who did it.
func (e event) actor() markup.Inline {
	name := personOf(e.Get("user"))
	if name == "" {
		name = e.First("user_name", "user_username", "username")
	}
	if name == "" {
		name = "Somebody"
	}
	return dialect.Bold(name)
}

// web is the address of the project.
func (e event) web() string {
	for _, path := range [][]string{{"project", "web_url"}, {"project", "homepage"}, {"repository", "homepage"}} {
		if s := e.URL(path...); s != "" {
			return strings.TrimSuffix(s, "/")
		}
	}
	return ""
}

// page is the address of a page of the project; "" when the project has none.
func (e event) page(parts ...string) string {
	web := e.web()
	if web == "" {
		return ""
	}
	for i, part := range parts {
		parts[i] = escapePath(part)
	}
	return web + "/-/" + strings.Join(parts, "/")
}

// escapePath escapes a name in a path, but not the slashes of a branch.
func escapePath(name string) string { return strings.ReplaceAll(url.PathEscape(name), "%2F", "/") }

// line is a sentence that ends with the project in which it happened.
func (e event) line(content ...markup.Inline) []markup.Inline {
	project := e.Get("project").Object().First("path_with_namespace", "name")
	if project == "" {
		project = e.First("project_name")
	}
	if project == "" {
		project = e.Str("repository", "name")
	}
	if project == "" {
		return content
	}
	return append(content, dialect.Txt(" in "), dialect.Link(e.web(), project))
}

// branch is the name of a branch or a tag, which leads to its commits.
func (e event) branch(name string) markup.Inline {
	return dialect.Link(e.page("commits", name), name)
}

// labels names the labels of an issue or a merge request.
func (e event) labels() string {
	for _, v := range []dialect.Value{e.Get("labels"), e.attrs.Get("labels"), e.At("issue", "labels")} {
		if s := dialect.Joined(v, dialect.Named("title", "name")); s != "" {
			return s
		}
	}
	return ""
}

// assignees names who is to do it.
func (e event) assignees() string {
	if s := dialect.Joined(e.Get("assignees"), personOf); s != "" {
		return s
	}
	return personOf(e.Get("assignee"))
}

// commit reads a commit in any of the forms in which GitLab writes them.
func commit(v dialect.Value) dialect.Commit {
	o := v.Object()
	id := o.Str("sha") // a job's commit has the pipeline's number as its id
	if id == "" {
		id = o.Str("id")
	}
	author := personOf(o.Get("author"))
	if author == "" {
		author = o.Str("author_name")
	}
	return dialect.Commit{ID: id, URL: o.Str("url"), Message: o.First("message", "title"), Author: author}
}
