package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/app"
)

func newTokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke API tokens",
		Long: `Make, list and revoke API tokens, in the data folder of a hub that is running or
not. A running hub notices a revoked token within a minute; through the API it
is at once.`,
		Args: cobra.NoArgs,
	}
	app.RegisterFlags(cmd.PersistentFlags())
	cmd.AddCommand(newTokenCreateCommand(), newTokenListCommand(), newTokenRevokeCommand())
	return cmd
}

func newTokenCreateCommand() *cobra.Command {
	var user, scope string
	var expires time.Duration
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an API token and print it, once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			if hub.Scope(scope).Rank() == 0 {
				return fmt.Errorf("--scope is read, write or admin")
			}
			var until time.Time
			if expires > 0 {
				until = time.Now().Add(expires)
			}
			return app.WithDatabase(cmd.Context(), config, func(ctx context.Context, db *app.Database) error {
				token, err := db.CreateToken(ctx, user, args[0], hub.Scope(scope), until)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), token.Reveal())
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "user name the token acts as (default: the owner)")
	cmd.Flags().StringVar(&scope, "scope", string(hub.ScopeAdmin), "what it may do: read, write or admin")
	cmd.Flags().DurationVar(&expires, "expires", 0, "end of its validity from now on, as in 720h (default: never)")
	return cmd
}

func newTokenListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the API tokens, without the tokens themselves",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			return app.WithDatabase(cmd.Context(), config, func(ctx context.Context, db *app.Database) error {
				tokens, err := db.Tokens(ctx)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tNAME\tSCOPE\tCREATED\tLAST USED\tEXPIRES")
				for _, t := range tokens {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, t.Scope, day(t.CreatedAt), day(t.LastUsedAt), day(t.ExpiresAt))
				}
				return w.Flush()
			})
		},
	}
}

func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04")
}

func newTokenRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke an API token",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			return app.WithDatabase(cmd.Context(), config, func(ctx context.Context, db *app.Database) error {
				return db.DeleteToken(ctx, hub.TokenID(args[0]))
			})
		},
	}
}
