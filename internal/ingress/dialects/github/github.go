// Package github is GitHub's webhooks, of github.com and of GitHub Enterprise
// Server ("Webhook events and payloads" in its documentation): pushes, issues,
// pull requests and reviews, checks and workflows, deployments, releases,
// discussions, security alerts, and what happens to repositories, organizations and
// apps.
//
// A delivery names its kind in the header X-GitHub-Event. Gitea, Forgejo and Gogs
// send that header too, with one of their own beside it: those are not GitHub's.
// Where the dialect is forced and the header is missing, the kind is guessed by the
// members of the body.
//
// Each event is one sentence (who did what to what, and where), and a card where
// there is more to say. Checks, workflow runs and jobs, deployments, commit
// statuses and alerts have keys, for their state changes; everything else is a
// fact by itself. Kinds that are not known are told by what GitHub's events have in
// common. Left out: what only programs need (ids, addresses of the API, trees of
// permissions), the public part of deploy keys, a webhook's own address, and the
// text of deleted comments.
package github

import "github.com/nself-chat/hub/internal/ingress/dialect"

// Dialect is GitHub's.
var Dialect = &dialect.Dialect{Name: "github", Title: "GitHub", Detect: detect, Parse: parse}

const eventHeader = "X-GitHub-Event"

// imitators are the headers of those who send GitHub's for compatibility.
var imitators = [...]string{"X-Gitea-Event", "X-Forgejo-Event", "X-Gogs-Event"}

func detect(r *dialect.Request) string {
	if r.Header.Get(eventHeader) == "" {
		return ""
	}
	for _, name := range imitators {
		if r.Header.Get(name) != "" {
			return ""
		}
	}
	return "the header " + eventHeader
}

func parse(r *dialect.Request) (dialect.Post, error) {
	if len(r.Fields) == 0 {
		return dialect.Post{}, dialect.Nothing()
	}
	e := newEvent(r.Header.Get(eventHeader), r.Fields)
	tell, ok := kinds[e.kind]
	if !ok {
		tell = other
	}
	m := tell(e)
	p := m.post()
	return p, r.Finish(&p, nil)
}

// kinds says how the kinds of events are told.
var kinds = map[string]func(*event) message{
	"branch_protection_configuration": branchProtection,
	"branch_protection_rule":          branchRule,
	"check_run":                       checkRun,
	"check_suite":                     checkSuite,
	"code_scanning_alert":             codeScanningAlert,
	"commit_comment":                  commitComment,
	"create":                          refCreated,
	"delete":                          refDeleted,
	"dependabot_alert":                dependabotAlert,
	"deploy_key":                      deployKey,
	"deployment":                      deployment,
	"deployment_protection_rule":      deploymentRule,
	"deployment_review":               deploymentReview,
	"deployment_status":               deploymentStatus,
	"discussion":                      discussion,
	"discussion_comment":              discussionComment,
	"fork":                            fork,
	"github_app_authorization":        appAuthorization,
	"gollum":                          wiki,
	"installation":                    installation,
	"installation_repositories":       installationRepositories,
	"issue_comment":                   issueComment,
	"issues":                          issues,
	"label":                           label,
	"marketplace_purchase":            marketplacePurchase,
	"member":                          member,
	"membership":                      membership,
	"merge_group":                     mergeGroup,
	"meta":                            meta,
	"milestone":                       milestone,
	"org_block":                       orgBlock,
	"organization":                    organization,
	"package":                         packageVersion,
	"page_build":                      pageBuild,
	"ping":                            ping,
	"project":                         project,
	"project_card":                    projectCard,
	"project_column":                  projectColumn,
	"projects_v2":                     projectsV2,
	"projects_v2_item":                projectsV2Item,
	"public":                          public,
	"pull_request":                    pullRequest,
	"pull_request_review":             review,
	"pull_request_review_comment":     reviewComment,
	"pull_request_review_thread":      reviewThread,
	"push":                            push,
	"registry_package":                packageVersion,
	"release":                         release,
	"repository":                      repository,
	"repository_advisory":             repositoryAdvisory,
	"repository_dispatch":             repositoryDispatch,
	"repository_import":               repositoryImport,
	"repository_ruleset":              ruleset,
	"repository_vulnerability_alert":  vulnerabilityAlert,
	"secret_scanning_alert":           secretAlert,
	"security_advisory":               securityAdvisory,
	"sponsorship":                     sponsorship,
	"star":                            star,
	"status":                          status,
	"team":                            team,
	"team_add":                        teamAdd,
	"watch":                           star,
	"workflow_dispatch":               workflowDispatch,
	"workflow_job":                    workflowJob,
	"workflow_run":                    workflowRun,
}
