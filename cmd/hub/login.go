package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/internal/app"
)

func newLoginCommand() *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Print a link that signs a browser in to the console, once",
		Long: `Print a link that signs a browser in to the console, once, within 15 minutes: as the
owner, or as another user. It is made in the database of this machine's hub.`,
		Example: "  hub login\n  hub login --user ada",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			if config.BaseURL == "" && strings.HasSuffix(config.Addr, ":0") {
				return usagef("the hub's port is chosen at its start: name its address with --base-url")
			}
			return app.WithDatabase(cmd.Context(), config, func(ctx context.Context, db *app.Database) error {
				link, err := db.LoginLink(ctx, user, config.PublicURL(config.Addr))
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s\n", link)
				return nil
			})
		},
	}
	app.RegisterFlags(cmd.Flags())
	cmd.Flags().StringVar(&user, "user", "", "user name to sign in (default: the owner)")
	return cmd
}
