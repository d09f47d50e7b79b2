package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/client"
)

func newTokenCommand(r *reach) *cobra.Command {
	return r.noun(&cobra.Command{
		Use:     "token",
		Aliases: []string{"tokens"},
		Short:   "Make, list and revoke API tokens",
		Long: `Make, list and revoke API tokens: on the hub's own machine without one, whether the
hub is running or not; of a hub elsewhere with one of the scope admin.`,
		Example: "  hub token create ci --scope write --expires 30d\n  hub token list",
	}, newTokenCreateCommand(r), newTokenListCommand(r), newTokenRevokeCommand(r))
}

func newTokenCreateCommand(r *reach) *cobra.Command {
	var user, scope string
	var channels []string
	expires := whenFlag{toCome: true}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an API token and print it, once",
		Long: `Make an API token and print it, and nothing else, to standard output. It is shown
only now: the hub keeps a hash of it.`,
		Example: `  hub token create ci --scope write --expires 30d
  hub token create prometheus --scope read > prometheus.token`,
		Args: cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			if hub.Scope(scope).Rank() == 0 {
				return usagef("--scope is read, write or admin")
			}
			n := client.NewToken{Name: args[0], Scope: scope, ExpiresAt: expires.Time}
			var err error
			if n.UserID, err = unless(user, j.userID); err != nil {
				return err
			}
			if n.ChannelIDs, err = j.channelIDs(channels); err != nil {
				return err
			}
			t, err := j.CreateToken(j.ctx, n)
			if err != nil {
				return err
			}
			if j.json {
				err = j.document(j.said.last())
			} else {
				_, err = fmt.Fprintln(j.out, t.Token)
			}
			if err != nil {
				return err
			}
			j.note("The token is shown only now: keep it where secrets are kept.")
			return nil
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&user, "user", "", "user that the token acts as (default: the owner on the hub's machine, else who makes it)")
	flags.StringVar(&scope, "scope", string(hub.ScopeAdmin), "what it may do: read, write or admin")
	flags.Var(&expires, "expires", "when it ends, as in 720h, 30d or 2027-01-01 (default: never)")
	flags.StringSliceVar(&channels, "channel", nil, "restrict it to this channel; may be repeated")
	completeFlag(cmd, "scope", oneOf("read", "write", "admin"))
	completeFlag(cmd, "channel", r.completeChannels())
	return cmd
}

func newTokenListCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the API tokens, without the tokens themselves",
		Long:    "List the API tokens, oldest first, without the tokens themselves.",
		Example: "  hub token list",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			return printList(j, j.Tokens(j.ctx), 0, "There are no API tokens: `hub token create NAME` makes one.",
				func(t client.Token) string { return t.ID }, []column[client.Token]{
					{"ID", func(t client.Token) string { return t.ID }},
					{"NAME", func(t client.Token) string { return t.Name }},
					{"SCOPE", func(t client.Token) string { return t.Scope }},
					{"USER", func(t client.Token) string { return j.userName(t.UserID) }},
					{"CHANNELS", func(t client.Token) string { return j.channelNames(t.ChannelIDs) }},
					{"CREATED", func(t client.Token) string { return minute(t.CreatedAt) }},
					{"LAST USED", func(t client.Token) string { return minute(t.LastUsedAt) }},
					{"EXPIRES", func(t client.Token) string { return minute(t.ExpiresAt) }},
				})
		}),
	}
	var quiet bool
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

// channelNames are the channels that a token is restricted to.
func (j *job) channelNames(ids []string) string {
	if len(ids) == 0 {
		return "all"
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = j.channelName(id)
	}
	return strings.Join(names, ",")
}

func newTokenRevokeCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "revoke TOKEN...",
		Short:   "Revoke API tokens",
		Long:    "Revoke API tokens, by their names or ids. Who uses one is refused from then on.",
		Example: "  hub token revoke ci --yes",
		Args:    cobra.MinimumNArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			if err := j.confirm("Revoke the API token %s for good?", join(args, "and")); err != nil {
				return err
			}
			return j.each(args, func(arg string) error {
				id, err := j.tokenID(arg)
				if err != nil {
					return err
				}
				if err := j.DeleteToken(j.ctx, id); err != nil {
					return err
				}
				return j.done("Revoked the API token %s.", arg)
			})
		}),
	}
	yesFlag(cmd)
	return cmd
}
