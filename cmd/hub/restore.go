package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/internal/app"
)

func newRestoreCommand() *cobra.Command {
	var asJSON bool
	var o app.RestoreOptions
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in place, in a data folder without a database",
		Long: `Restore a backup that hub backup has written: into the data folder, or with a
postgres:// URL in HUB_DATABASE_URL into an empty database on Postgres (uploaded
files and keys go to the data folder then, too). The hub must not be running.

The whole archive is checked against its manifest before anything is put in place,
and the database again afterwards. It goes on from the moment of the backup: what
was due then is sent again, under the same ids.

With --force a database that is there is moved, with its files and keys, to a
folder before-restore-… beside it. Nothing is deleted.`,
		Example: "  hub restore hub-2026-02-01.tar.gz --data-dir /var/lib/hub",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			progress := newProgress(cmd.ErrOrStderr(), asJSON)
			o.Path, o.Now, o.Progress = args[0], time.Now, progress.show
			report, err := app.Restore(cmd.Context(), config, o)
			progress.end()
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), report)
			} else {
				printRestore(cmd.OutOrStdout(), report)
			}
			if err == nil && !report.Verify.Clean() {
				err = errNotClean
			}
			return err
		},
	}
	app.RegisterFlags(cmd.Flags())
	cmd.Flags().BoolVar(&o.Force, "force", false, "move a database that is there aside")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

func printRestore(out io.Writer, r *app.RestoreReport) {
	if r.MovedTo != "" {
		fmt.Fprintf(out, "What was there is in %s now.\n", r.MovedTo)
	}
	fmt.Fprintf(out, "Restored to %s: the hub as of %s, %s messages, %s events, %d files\n", r.Database,
		r.CreatedAt.Format(time.RFC3339), amount(r.Rows["nchat_messages"], false), amount(r.Rows["nchat_events"], false), r.Files)
	for _, hash := range r.LostFiles {
		fmt.Fprintf(out, "warning: the uploaded file %s was lost before the backup\n", hash)
	}
	for _, hash := range r.DamagedFiles {
		fmt.Fprintf(out, "warning: the uploaded file %s was damaged before the backup, and was not restored\n", hash)
	}
	printVerify(out, r.Verify)
	printKeys(out, r.KeysFit, r.KeysFile)
}

// printKeys says what to do about keys that do not open what is in a database.
func printKeys(out io.Writer, state app.KeysState, file string) {
	switch state {
	case app.KeysMissing:
		fmt.Fprintf(out, "The keys are missing: before you start the hub, copy the keys file to %s (mode 0600), or set HUB_SECRET_KEYS.\n", file)
	case app.KeysWrong:
		fmt.Fprintf(out, "The keys that are here do not open the secrets in the database: replace %s or HUB_SECRET_KEYS by the keys of\n"+
			"the hub that the database is from, before you start this one.\n", file)
	case app.KeysFit:
	}
}
