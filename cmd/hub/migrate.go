package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/internal/app"
)

func newMigrateCommand() *cobra.Command {
	var asJSON bool
	var o app.MigrateOptions
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Move a hub's data to Postgres, or back to an embedded database",
		Long: `Copy all data of a hub from an embedded database to an empty one on Postgres, or
the other way round:

  hub migrate --from sqlite:///var/lib/hub/hub.db --to postgres://hub@db/hub

Without --from or --to the embedded database is that of the data folder, and the
one on Postgres that of HUB_DATABASE_URL (which, unlike arguments, other users of
the machine cannot see; a password may also be in ~/.pgpass or PGPASSWORD).

The hub must be stopped. The source is only read, and stays as it is. At the end
both sides are read again and compared, and hub verify runs on the target. Killed
at any moment, the command goes on from there when it is run again; a hub does not
start on a target that is not complete.

Uploaded files are not part of the database: they stay in the files folder, which
each hub on the new database needs, and so do the keys.`,
		Example: "  HUB_DATABASE_URL=postgres://hub@db/hub hub migrate --dry-run",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			progress := newProgress(cmd.ErrOrStderr(), asJSON)
			o.Progress = progress.show
			report, err := app.Migrate(cmd.Context(), config, o)
			progress.end()
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), report)
			} else {
				printMigrate(cmd.OutOrStdout(), report)
			}
			if err == nil && report.Verify != nil && !report.Verify.Clean() {
				err = errNotClean
			}
			return err
		},
	}
	app.RegisterFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.From, "from", "", "URL of the source: sqlite://… or postgres://…")
	cmd.Flags().StringVar(&o.To, "to", "", "URL of the target")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "read everything and count it; write nothing")
	cmd.Flags().BoolVar(&o.StartOver, "start-over", false, "drop what an interrupted migration has brought to the target, and begin anew")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

func printMigrate(out io.Writer, r *app.MigrateReport) {
	if r.Already {
		fmt.Fprintf(out, "Nothing to do: %s was copied to %s at %s.\n", r.From, r.To, r.FinishedAt.Format(time.RFC3339))
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TABLE\tROWS\tCONTENT")
	for _, t := range r.Tables {
		fmt.Fprintf(w, "%s\t%s\t%.16s\n", t.Table, amount(t.Rows, false), t.Digest)
	}
	_ = w.Flush() // out has had every error of its own already
	if r.Replaced > 0 {
		fmt.Fprintf(out, "In %s values, NUL or bytes that are no text become U+FFFD: Postgres does not keep them.\n", amount(r.Replaced, false))
	}
	if r.DryRun {
		fmt.Fprintf(out, "From %s to %s: nothing was written (--dry-run).\n", r.From, r.To)
		return
	}
	fmt.Fprintf(out, "Copied from %s to %s; both hold the same. A search finds %s messages.\n", r.From, r.To, amount(r.Indexed, false))
	printVerify(out, r.Verify)
	fmt.Fprintf(out, "Uploaded files stay in %s: every hub on the new database needs that folder (HUB_FILES), and the same keys.\n", r.FilesDir)
	printKeys(out, r.KeysFit, r.KeysFile)
}
