package main

import (
	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

func newSessionCommand(r *reach) *cobra.Command {
	return r.noun(&cobra.Command{
		Use:     "session",
		Aliases: []string{"sessions"},
		Short:   "See who is signed in to the console, and sign out",
		Long:    "See the browsers that are signed in to the console, and sign them out. `hub login` signs one in.",
		Example: "  hub session list --user ada\n  hub session revoke --all --user ada --yes",
	}, newSessionListCommand(r), newSessionRevokeCommand(r))
}

func newSessionListCommand(r *reach) *cobra.Command {
	var user string
	var quiet bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List signed-in browsers",
		Long:    "List the signed-in browsers of a user, newest first; without --user your own.",
		Example: "  hub session list --user ada",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			id, err := unless(user, j.userID)
			if err != nil {
				return err
			}
			return printList(j, j.Sessions(j.ctx, id), 0, "No browser is signed in: `hub login` on the hub's machine signs one in.",
				func(s client.Session) string { return s.ID }, []column[client.Session]{
					{"ID", func(s client.Session) string { return s.ID }},
					{"USER", func(s client.Session) string { return j.userName(s.UserID) }},
					{"FROM", func(s client.Session) string { return s.RemoteIP }},
					{"SINCE", func(s client.Session) string { return minute(s.CreatedAt) }},
					{"LAST SEEN", func(s client.Session) string { return minute(s.LastSeenAt) }},
					{"EXPIRES", func(s client.Session) string { return minute(s.ExpiresAt) }},
					{"BROWSER", func(s client.Session) string { return s.UserAgent }},
				})
		}),
	}
	cmd.Flags().StringVar(&user, "user", "", "whose; needs the scope admin (default: your own)")
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

func newSessionRevokeCommand(r *reach) *cobra.Command {
	var user string
	var all bool
	cmd := &cobra.Command{
		Use:     "revoke SESSION... | --all",
		Short:   "Sign browsers out",
		Long:    "Sign browsers out, by the ids of their sessions, or with --all everywhere.",
		Example: "  hub session revoke 01a20028-dd55-7000-8b7e-02788dca0b21 --yes\n  hub session revoke --all --user ada --yes",
		Args:    cobra.ArbitraryArgs,
		RunE: r.job(func(j *job, args []string) error {
			switch {
			case all == (len(args) > 0):
				return usagef("name sessions, or give --all")
			case user != "" && !all:
				return usagef("--user goes with --all")
			case all:
				return j.revokeSessions(user)
			}
			if err := j.confirm("Sign out %s?", join(args, "and")); err != nil {
				return err
			}
			return j.each(args, func(arg string) error {
				if err := j.DeleteSession(j.ctx, arg); err != nil {
					return err
				}
				return j.done("Signed out %s.", arg)
			})
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "sign out everywhere")
	cmd.Flags().StringVar(&user, "user", "", "whose sessions --all ends; needs the scope admin (default: your own)")
	yesFlag(cmd)
	return cmd
}

func (j *job) revokeSessions(user string) error {
	if err := j.confirm("Sign out %s everywhere?", orText(user, "yourself")); err != nil {
		return err
	}
	id, err := unless(user, j.userID)
	if err != nil {
		return err
	}
	n, err := j.DeleteSessions(j.ctx, id)
	if err != nil {
		return err
	}
	if j.json {
		return j.document(j.said.last())
	}
	return j.done("Signed out %d browsers.", n)
}
