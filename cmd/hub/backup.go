package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/internal/app"
)

func newBackupCommand() *cobra.Command {
	var asJSON bool
	var o app.BackupOptions
	cmd := &cobra.Command{
		Use:   "backup FILE.tar[.gz]",
		Short: "Write a backup of the database and the uploaded files, also while the hub runs",
		Long: `Write a backup: one archive with the database as of one moment, the uploaded files
that it names, and a manifest with the SHA-256 of each. The hub may be running;
its work is not held up, and all that it acknowledged before the command began is
in the backup. The archive has its name when it is complete and on disk.

The keys are left out unless --with-keys asks for them. Without them whoever finds
the backup cannot open the secrets of webhooks in it; neither can you: keep a copy
of the keys elsewhere. With them the backup is as secret as all it holds.

It works on Postgres, too: the archive has the same form, and can be restored to
an embedded database as well. For the database alone pg_dump is faster. hub.yaml
is not part of a backup.`,
		Example: "  hub backup hub-$(date +%F).tar.gz",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			progress := newProgress(cmd.ErrOrStderr(), asJSON)
			o.Path, o.Version, o.Now, o.Progress = args[0], buildVersion(), time.Now, progress.show
			report, err := app.Backup(cmd.Context(), config, o)
			progress.end()
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), report)
			}
			printBackup(cmd.OutOrStdout(), config, report)
			return nil
		},
	}
	app.RegisterFlags(cmd.Flags())
	cmd.Flags().BoolVar(&o.Force, "force", false, "replace the file if it exists")
	cmd.Flags().BoolVar(&o.WithKeys, "with-keys", false, "put the keys into the backup, which then gives away every secret in it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

func printBackup(out io.Writer, config app.Config, r *app.BackupReport) {
	fmt.Fprintf(out, "%s: %s, %s messages, %s events, %d files\n", r.Path, amount(r.Size, true),
		amount(r.Rows["nchat_messages"], false), amount(r.Rows["nchat_events"], false), r.Files)
	for _, hash := range r.LostFiles {
		fmt.Fprintf(out, "warning: the uploaded file %s is lost: it is not in %s\n", hash, config.Files.Dir)
	}
	for _, hash := range r.DamagedFiles {
		fmt.Fprintf(out, "warning: the uploaded file %s in %s is damaged\n", hash, config.Files.Dir)
	}
	if r.Keys {
		fmt.Fprintln(out, "warning: the keys are in it. Whoever can read this file can read every secret of the hub.")
		return
	}
	keys := config.KeysFile()
	if !config.SecretKeys.IsZero() {
		keys = "HUB_SECRET_KEYS"
	}
	fmt.Fprintf(out, "The keys are not in it: its secrets open only with those in %s. Keep a copy of them elsewhere.\n", keys)
}
