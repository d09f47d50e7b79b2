package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

func newAuditCommand(r *reach) *cobra.Command {
	return r.noun(&cobra.Command{
		Use:     "audit",
		Short:   "See what operators did",
		Long:    "See what operators did, who and from where.",
		Example: "  hub audit list --limit 20",
	}, newAuditListCommand(r))
}

func newAuditListCommand(r *reach) *cobra.Command {
	var limit int
	var quiet bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List what operators did",
		Long:    "List what operators did, newest first, with what it changed. Secrets are never in it.",
		Example: "  hub audit list --limit 20\n  hub audit list --limit 0 --json | jq '.[] | select(.action == \"token.create\")'",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			return printList(j, j.AuditLog(j.ctx, client.AuditQuery{}, atMost(limit)), limit, "Nothing was done yet.", func(e client.AuditEntry) string { return e.ID },
				[]column[client.AuditEntry]{
					{"ID", func(e client.AuditEntry) string { return e.ID }},
					{"TIME", func(e client.AuditEntry) string { return clock(e.CreatedAt) }},
					{"BY", func(e client.AuditEntry) string { return orText(j.userName(e.ActorID), "the hub") }},
					{"FROM", func(e client.AuditEntry) string { return e.RemoteIP }},
					{"ACTION", func(e client.AuditEntry) string { return e.Action }},
					{"SUBJECT", func(e client.AuditEntry) string { return e.Subject }},
					{"CHANGE", changeText},
				})
		}),
	}
	limitFlag(cmd, &limit)
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

// changeText is what was changed, before and after.
func changeText(e client.AuditEntry) string {
	var parts []string
	for _, side := range [][]byte{e.Before, e.After} {
		if len(side) > 0 && string(side) != "null" {
			parts = append(parts, string(side))
		}
	}
	return strings.Join(parts, " → ")
}
