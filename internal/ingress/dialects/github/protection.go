package github

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

func branchRule(e *event) message {
	rule := e.in("rule")
	m := message{line: e.did(txt(words(e.action)), txt("the protection of"), e.protected(rule.Str("name"))), color: dialect.Orange}
	changes := e.in("changes")
	for _, name := range changes.Names() {
		before, now := setting(changes.At(name, "from")), setting(rule.Get(name))
		if before != now && m.facts.Len() < dialect.MaxFields {
			m.facts.Add(ruleName(name), before+" → "+now)
		}
	}
	if e.action != "created" {
		return m
	}
	m.facts.Add("Required checks", texts(rule.Get("required_status_checks")))
	m.facts.Add("Who may push", texts(rule.Get("authorized_actor_names")))
	if rule.Str("pull_request_reviews_enforcement_level") != "off" {
		m.facts.Add("Required approvals", rule.Str("required_approving_review_count"))
	}
	return m
}

// protected is the branch that a rule is about, or a pattern of several.
func (e *event) protected(name string) phrase {
	if strings.ContainsAny(name, "*?[") {
		return code("", name)
	}
	return e.branch(name)
}

// ruleName is the name of a setting in words.
func ruleName(name string) string {
	return dialect.Title(strings.TrimSuffix(name, "_enforcement_level"))
}

// setting is the value of a setting in words.
func setting(v dialect.Value) string {
	s := v.Str()
	if v.IsArray() {
		s = texts(v)
	}
	switch s {
	case "":
		return "none"
	case "true":
		return "yes"
	case "false":
		return "no"
	}
	return words(s)
}

func branchProtection(e *event) message {
	return message{line: e.did(txt(words(e.action)), txt("all branch protections"))}
}

func ruleset(e *event) message {
	r := e.in("repository_ruleset")
	url := r.URL("_links", "html", "href")
	m := message{line: e.did(txt(words(e.action)), txt("the ruleset"), link(url, r.Str("name"))), color: dialect.Orange}
	m.facts.Add("Enforcement", words(r.Str("enforcement")))
	m.facts.Add("Target", r.Str("target"))
	return m
}
