package github

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// severityColor is the colour of how bad something is.
func severityColor(severity string) markup.Color {
	switch strings.ToLower(severity) {
	case "critical", "high", "error":
		return dialect.Red
	case "medium", "moderate", "warning":
		return dialect.Orange
	}
	return dialect.Yellow
}

// alertStates are the actions on alerts that "was" does not make a sentence of.
var alertStates = map[string]string{
	"create": "was opened", "created": "was opened", "appeared_in_branch": "appeared in another branch", "dismiss": "was dismissed",
	"auto_dismissed": "was dismissed automatically", "auto_reopened": "was reopened automatically", "resolve": "was resolved",
	"closed_by_user": "was dismissed", "reopened_by_user": "was reopened", "reintroduced": "is back", "fixed": "is fixed",
	"publicly_leaked": "leaked to the public",
}

// alerted makes the message of an alert: how it stands, what it is, and how bad.
func (e *event) alerted(kind, title, severity string) message {
	a := e.in("alert")
	number, url := a.Str("number"), a.URL("html_url")
	name := kind + " alert"
	if number != "" {
		name += " #" + number
	}
	state := alertStates[e.action]
	if state == "" {
		state = "was " + words(e.action)
	}
	m := message{
		line:  e.told(link(url, name), bold(state)),
		color: severityColor(severity),
		title: txt(title),
		url:   url,
		time:  moment(a, "updated_at", "fixed_at", "dismissed_at", "created_at"),
	}
	if repo := e.repo.Str("full_name"); number != "" && repo != "" {
		m.key = "alert:" + strings.ReplaceAll(strings.ToLower(kind), " ", "-") + ":" + repo + "#" + number
	}
	switch a.Str("state") {
	case "fixed", "resolved":
		m.color = dialect.Green
	case "dismissed", "auto_dismissed", "closed":
		m.color = dialect.Grey
	}
	m.facts.Add("Severity", severity)
	return m
}

// dismissal adds by whom and why an alert was dismissed or resolved.
func (e *event) dismissal(m *message) {
	a := e.in("alert")
	verb := "Dismissed by"
	if a.Has("resolved_by") {
		verb = "Resolved by"
	}
	m.facts.AddLine(verb, person(a.Get("dismissed_by", "dismisser", "resolved_by").Object())...)
	m.facts.Add("Reason", a.First("dismissed_reason", "dismiss_reason", "resolution"))
	m.facts.Add("Comment", a.First("dismissed_comment", "resolution_comment"))
}

func dependabotAlert(e *event) message {
	a := e.in("alert")
	advisory, weakness := a.Get("security_advisory").Object(), a.Get("security_vulnerability").Object()
	m := e.alerted("Dependabot", advisory.Str("summary"), weakness.First("severity"))
	m.markdown(advisory.Str("description"), a.URL("html_url"))
	m.facts.Add("Package", packageName(a.Get("dependency").Object()))
	m.facts.Add("Affected", weakness.Str("vulnerable_version_range"))
	m.facts.Add("Fixed in", weakness.Str("first_patched_version", "identifier"))
	m.facts.Add("File", a.Str("dependency", "manifest_path"))
	m.facts.Add("Scope", a.Str("dependency", "scope"))
	advisoryFacts(&m, advisory)
	e.dismissal(&m)
	return m
}

// packageName is the name of a package and where it comes from.
func packageName(o dialect.Object) string {
	name, from := o.Str("package", "name"), o.Str("package", "ecosystem")
	if name != "" && from != "" {
		return name + " (" + from + ")"
	}
	return name
}

// advisoryFacts adds what is known of a weakness by its numbers.
func advisoryFacts(m *message, a dialect.Object) {
	m.facts.AddLine("Known as", each(a.Get("identifiers"), func(o dialect.Object) phrase { return identifier(o.Str("value")) })...)
	if score := a.Str("cvss", "score"); score != "0" && score != "0.0" {
		m.facts.Add("CVSS", score)
	}
	m.facts.AddLine("Weakness", each(a.Get("cwes"), func(o dialect.Object) phrase { return say(txt(o.Str("cwe_id")), txt(o.Str("name"))) })...)
}

// identifier is the number of a weakness, with the page that explains it.
func identifier(name string) phrase {
	switch {
	case strings.HasPrefix(name, "GHSA-"):
		return link("https://github.com/advisories/"+name, name)
	case strings.HasPrefix(name, "CVE-"):
		return link("https://nvd.nist.gov/vuln/detail/"+name, name)
	}
	return txt(name)
}

func codeScanningAlert(e *event) message {
	a := e.in("alert")
	rule := a.Get("rule").Object()
	m := e.alerted("Code scanning", rule.First("description", "name", "id"), rule.First("security_severity_level", "severity"))
	if full := rule.Str("full_description"); full != rule.Str("description") {
		m.plain(full)
	}
	at := a.Get("most_recent_instance").Object()
	if len(at) == 0 {
		at = a.At("instances", "0").Object()
	}
	m.plain(at.Str("message", "text"))
	m.facts.AddLine("Place", e.found(at)...)
	m.facts.AddLine("Branch", e.branch(first(e.Str("ref"), at.Str("ref")))...)
	m.facts.AddLine("Commit", e.commit(first(e.Str("commit_oid"), at.Str("commit_sha")))...)
	m.facts.Add("Tool", strings.TrimSpace(a.Str("tool", "name")+" "+a.Str("tool", "version")))
	e.dismissal(&m)
	return m
}

// found is where a scanner found something: a file in a commit, at a line.
func (e *event) found(instance dialect.Object) phrase {
	at := instance.Get("location").Object()
	file, line := strings.TrimPrefix(at.Str("path"), "/"), at.Str("start_line")
	if file == "" {
		return nil
	}
	url := e.page("blob/"+instance.Str("commit_sha"), file)
	if line == "" {
		return code(url, at.Str("path"))
	}
	return say(code(url+"#L"+line, at.Str("path")), txt("line "+line))
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

func secretAlert(e *event) message {
	a := e.in("alert")
	m := e.alerted("Secret scanning", a.First("secret_type_display_name", "secret_type"), "")
	m.color = dialect.Red
	if a.Str("state") == "resolved" || a.Has("resolution") {
		m.color = dialect.Grey
	}
	m.facts.Add("Validity", a.Str("validity"))
	if a.Flag("push_protection_bypassed") {
		m.facts.AddLine("Pushed in spite of the protection by", person(a.Get("push_protection_bypassed_by").Object())...)
	}
	e.dismissal(&m)
	return m
}

func vulnerabilityAlert(e *event) message {
	a := e.in("alert")
	m := e.alerted("Vulnerability", a.Str("affected_package_name"), a.Str("severity"))
	m.url = a.URL("external_reference")
	m.facts.Add("Affected", a.Str("affected_range"))
	m.facts.Add("Fixed in", a.Str("fixed_in"))
	m.facts.AddLine("Known as", list(identifier(a.Str("ghsa_id")), link(a.URL("external_reference"), a.Str("external_identifier")))...)
	e.dismissal(&m)
	return m
}

func securityAdvisory(e *event) message { return e.advisory(e.in("security_advisory")) }

func repositoryAdvisory(e *event) message { return e.advisory(e.in("repository_advisory")) }

func (e *event) advisory(a dialect.Object) message {
	url := a.URL("html_url")
	id := a.First("ghsa_id", "cve_id")
	if url == "" && id != "" {
		url = "https://github.com/advisories/" + id
	}
	m := message{
		line:  e.told(txt("Security advisory"), link(url, id), bold("was "+words(e.action))),
		color: severityColor(a.Str("severity")),
		title: txt(a.Str("summary")),
		url:   url,
		time:  moment(a, "updated_at", "published_at"),
	}
	if a.Has("withdrawn_at") {
		m.color = dialect.Grey
	}
	m.markdown(a.Str("description"), url)
	m.facts.Add("Severity", a.Str("severity"))
	for v := range a.Get("vulnerabilities").Elements() {
		if m.facts.Len() < maxListed {
			weak := v.Object()
			m.facts.Add(packageName(weak), affected(weak))
		}
	}
	advisoryFacts(&m, a)
	return m
}

// affected says which versions have a weakness, and which one has it no more.
func affected(weak dialect.Object) string {
	fixed := first(weak.Str("first_patched_version", "identifier"), weak.Str("patched_versions"))
	if fixed == "" {
		return weak.Str("vulnerable_version_range") + ", not fixed yet"
	}
	return weak.Str("vulnerable_version_range") + ", fixed in " + fixed
}
