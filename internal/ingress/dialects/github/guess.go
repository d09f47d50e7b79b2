package github

import (
	"slices"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// marks are members by which a kind of event is known, the more telling ones first:
// a review has its pull request with it, and a comment what it is about.
var marks = []struct {
	members []string
	kind    string
}{
	{[]string{"zen"}, "ping"},
	{[]string{"ref", "before", "after"}, "push"},
	{[]string{"review", "pull_request"}, "pull_request_review"},
	{[]string{"comment", "pull_request"}, "pull_request_review_comment"},
	{[]string{"thread", "pull_request"}, "pull_request_review_thread"},
	{[]string{"comment", "issue"}, "issue_comment"},
	{[]string{"comment", "discussion"}, "discussion_comment"},
	{[]string{"pull_request"}, "pull_request"},
	{[]string{"issue"}, "issues"},
	{[]string{"discussion"}, "discussion"},
	{[]string{"deployment_status"}, "deployment_status"},
	{[]string{"workflow_job"}, "workflow_job"},
	{[]string{"deployment", "deployment_callback_url"}, "deployment_protection_rule"},
	{[]string{"deployment"}, "deployment"},
	{[]string{"workflow_run", "reviewers"}, "deployment_review"},
	{[]string{"workflow_run", "approver"}, "deployment_review"},
	{[]string{"workflow_run"}, "workflow_run"},
	{[]string{"check_run"}, "check_run"},
	{[]string{"check_suite"}, "check_suite"},
	{[]string{"comment"}, "commit_comment"},
	{[]string{"release"}, "release"},
	{[]string{"package"}, "package"},
	{[]string{"registry_package"}, "registry_package"},
	{[]string{"security_advisory"}, "security_advisory"},
	{[]string{"repository_advisory"}, "repository_advisory"},
	{[]string{"ref", "ref_type", "master_branch"}, "create"},
	{[]string{"ref", "ref_type"}, "delete"},
	{[]string{"forkee"}, "fork"},
	{[]string{"pages"}, "gollum"},
	{[]string{"milestone"}, "milestone"},
	{[]string{"label"}, "label"},
	{[]string{"state", "sha", "context"}, "status"},
	{[]string{"build"}, "page_build"},
	{[]string{"key"}, "deploy_key"},
	{[]string{"hook"}, "meta"},
	{[]string{"rule"}, "branch_protection_rule"},
	{[]string{"repository_ruleset"}, "repository_ruleset"},
	{[]string{"merge_group"}, "merge_group"},
	{[]string{"membership"}, "organization"},
	{[]string{"member", "team"}, "membership"},
	{[]string{"member"}, "member"},
	{[]string{"blocked_user"}, "org_block"},
	{[]string{"team", "action"}, "team"},
	{[]string{"team"}, "team_add"},
	{[]string{"project"}, "project"},
	{[]string{"project_card"}, "project_card"},
	{[]string{"project_column"}, "project_column"},
	{[]string{"projects_v2"}, "projects_v2"},
	{[]string{"projects_v2_item"}, "projects_v2_item"},
	{[]string{"sponsorship"}, "sponsorship"},
	{[]string{"marketplace_purchase"}, "marketplace_purchase"},
	{[]string{"workflow", "ref"}, "workflow_dispatch"},
	{[]string{"client_payload"}, "repository_dispatch"},
	{[]string{"repositories_added"}, "installation_repositories"},
	{[]string{"repositories_removed"}, "installation_repositories"},
}

// guess finds the kind of an event that came without its header; "" when nothing
// tells.
func guess(body dialect.Object) string {
	for _, m := range marks {
		if hasAll(body, m.members) {
			return m.kind
		}
	}
	if alert := body.Get("alert").Object(); len(alert) > 0 {
		return guessAlert(alert)
	}
	return guessByAction(body)
}

func hasAll(body dialect.Object, members []string) bool {
	for _, name := range members {
		if !body.Has(name) {
			return false
		}
	}
	return true
}

func guessAlert(alert dialect.Object) string {
	switch {
	case alert.Has("dependency"):
		return "dependabot_alert"
	case alert.Has("secret_type"):
		return "secret_scanning_alert"
	case alert.Has("tool"):
		return "code_scanning_alert"
	}
	return "repository_vulnerability_alert"
}

// guessByAction is for events that have nothing but an action and a repository.
func guessByAction(body dialect.Object) string {
	action := body.Str("action")
	switch {
	case slices.Contains(body.Names(), "starred_at"), action == "started": // it is null when the star is gone
		return "star"
	case body.At("installation", "account") != nil:
		return "installation"
	case body.Has("repository") && body.Has("status"):
		return "repository_import"
	case body.Has("repository") && action != "":
		return "repository"
	case body.Has("repository") && body.Has("sender"):
		return "public"
	case body.Has("organization") && action != "":
		return "organization"
	case action == "revoked":
		return "github_app_authorization"
	}
	return ""
}
