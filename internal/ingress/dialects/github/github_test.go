package github_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/ingress/dialects/github"
)

// alike are the actions of which the messages differ in a word only: they are held to
// what is expected of them, and nobody has to read them again and again.
var alike = []string{
	"check_suite/rerequested", "discussion/labeled", "discussion/locked", "discussion/pinned", "discussion/unlocked", "discussion_comment/edited",
	"installation/deleted", "issue_comment/edited", "issues/deleted", "issues/demilestoned", "issues/unassigned", "issues/unlabeled",
	"issues/unlocked", "issues/unpinned", "pull_request/assigned", "pull_request/locked", "pull_request/reopened", "pull_request/unassigned",
	"pull_request/unlabeled", "pull_request/unlocked", "project_card/deleted", "release/created", "release/prereleased", "team/edited",
}

// split divides the cases: the first of each event and action is read by people, the
// others are the same again, with or without an organization.
func split(cases []dialecttest.Case) (read, rest []dialecttest.Case) {
	seen := map[string]bool{}
	for _, c := range cases {
		event, file := path.Split(strings.TrimPrefix(c.Name, "github/"))
		action, _, _ := strings.Cut(file, ".")
		kind := event + strings.Trim(action, "0123456789")
		if seen[kind] || slices.Contains(alike, kind) {
			rest = append(rest, c)
			continue
		}
		seen[kind] = true
		read = append(read, c)
	}
	return read, rest
}

func TestEvents(t *testing.T) {
	read, rest := split(dialecttest.Cases(t, "testdata/fields.txt"))
	dialecttest.Run(t, github.Dialect, read)
	dialecttest.Check(t, github.Dialect, rest)
}
