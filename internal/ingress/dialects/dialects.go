// Package dialects is the list of products whose webhooks the hub understands
// (package dialect), in the order in which a request is tried against them.
package dialects

import (
	"slices"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialects/alertmanager"
	"github.com/nself-chat/hub/internal/ingress/dialects/alerts"
	"github.com/nself-chat/hub/internal/ingress/dialects/azuredevops"
	"github.com/nself-chat/hub/internal/ingress/dialects/bitbucket"
	"github.com/nself-chat/hub/internal/ingress/dialects/card"
	"github.com/nself-chat/hub/internal/ingress/dialects/discord"
	"github.com/nself-chat/hub/internal/ingress/dialects/dockerhub"
	"github.com/nself-chat/hub/internal/ingress/dialects/gitea"
	"github.com/nself-chat/hub/internal/ingress/dialects/github"
	"github.com/nself-chat/hub/internal/ingress/dialects/gitlab"
	"github.com/nself-chat/hub/internal/ingress/dialects/grafana"
	"github.com/nself-chat/hub/internal/ingress/dialects/jenkins"
	"github.com/nself-chat/hub/internal/ingress/dialects/mattermost"
	"github.com/nself-chat/hub/internal/ingress/dialects/nself"
	"github.com/nself-chat/hub/internal/ingress/dialects/push"
	"github.com/nself-chat/hub/internal/ingress/dialects/rocketchat"
	"github.com/nself-chat/hub/internal/ingress/dialects/sentry"
	"github.com/nself-chat/hub/internal/ingress/dialects/slack"
	"github.com/nself-chat/hub/internal/ingress/dialects/teams"
	"github.com/nself-chat/hub/internal/ingress/dialects/uptimekuma"
)

// all is tried from the top: who names themselves in a header first (Gitea and its
// kin send GitHub's, too), then who is known by several fields, then who shares a
// field with others.
var all = slices.Concat(
	[]*dialect.Dialect{
		gitea.Forgejo, gitea.Dialect, gitea.Gogs, github.Dialect, gitlab.Dialect, bitbucket.Dialect, sentry.Dialect,
		rocketchat.Dialect, teams.Dialect, discord.Dialect, mattermost.Dialect,
		grafana.Dialect, alertmanager.Dialect, uptimekuma.Dialect,
	},
	alerts.All[:],
	[]*dialect.Dialect{azuredevops.Dialect, dockerhub.Dialect, jenkins.Dialect},
	push.All,
	[]*dialect.Dialect{slack.Dialect, nself.Dialect, slack.Plain, card.Dialect},
)

// All returns the dialects in the order in which they are tried. The caller must not
// change it.
func All() []*dialect.Dialect { return all }

// Default is the dialect of what no other one claims.
func Default() *dialect.Dialect { return nself.Dialect }

// IsUnknown reports whether a dialect stands for senders that nobody knows.
func IsUnknown(d *dialect.Dialect) bool { return d == card.Dialect }

// ByName returns the dialect of that name, or nil.
func ByName(name string) *dialect.Dialect {
	for _, d := range all {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// Names lists the names of the dialects, each once, the hub's own first.
func Names() []string {
	names := []string{nself.Dialect.Name}
	for _, d := range all {
		if !slices.Contains(names, d.Name) {
			names = append(names, d.Name)
		}
	}
	return names
}

// Recognise returns the dialect in which the request speaks, and by which mark it
// was known; never nil.
func Recognise(r *dialect.Request) (d *dialect.Dialect, why string) {
	for _, d := range all {
		if why := d.Detect(r); why != "" {
			return d, why
		}
	}
	return Default(), "nothing else fits"
}
