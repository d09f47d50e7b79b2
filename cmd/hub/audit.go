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
	var actor string
	var q client.AuditQuery
	var since, until whenFlag
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List what operators did",
		Long:    "List what operators did, newest first, with what it changed. Secrets are never in it.",
		Example: "  hub audit list --actor ada --since 7d\n  hub audit list --action token.create --limit 0 --json",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			var err error
			if q.ActorID, err = unless(actor, j.userID); err != nil {
				return err
			}
			q.Since, q.Until = since.Time, until.Time
			return printList(j, j.AuditLog(j.ctx, q, atMost(limit)), limit, "Nothing like that was done yet.",
				func(e client.AuditEntry) string { return e.ID }, []column[client.AuditEntry]{
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
	flags := cmd.Flags()
	flags.StringVar(&actor, "actor", "", "only what this user did")
	flags.StringVar(&q.Action, "action", "", "only this action, as in outgoing_webhook.update")
	flags.StringVar(&q.Subject, "subject", "", "only what was done to the thing with this id")
	flags.Var(&since, "since", "only since then, as in 2h or 2026-02-01")
	flags.Var(&until, "until", "only before then")
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
