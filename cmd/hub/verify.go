package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/app"
)

// errNotClean ends `hub verify` with exit code 1; the report has been printed.
var errNotClean = errors.New("the database does not agree with itself")

func newVerifyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove that every event made exactly the deliveries it should have",
		Long: `Match every event again with the subscriptions that were in force, and compare
the result with the deliveries that are there; check that every unfinished
delivery waits for exactly one thing, that every state agrees with the attempts
logged, and that the counters agree with the rows.

It reads one moment of the database, also while the hub is running. Exit code 0:
all is as it should be; 1: not.`,
		Example: "  hub verify\n  hub verify --json | jq .problems",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			var report *hub.VerifyReport
			err = app.WithDatabase(cmd.Context(), config, func(ctx context.Context, db *app.Database) error {
				report, err = db.Verify(ctx)
				return err
			})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				if err := writeJSON(out, report); err != nil {
					return err
				}
			} else {
				printVerify(out, report)
			}
			if !report.Clean() {
				return errNotClean
			}
			return nil
		},
	}
	app.RegisterFlags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}

func printVerify(out io.Writer, report *hub.VerifyReport) {
	fmt.Fprintf(out, "events %d, deliveries expected %d, deliveries found %d, attempts %d\n",
		report.Events, report.Expected, report.Deliveries, report.Attempts)
	for _, p := range report.Problems {
		fmt.Fprintf(out, "  problem: %s\n", p)
	}
	if more := report.Found - int64(len(report.Problems)); more > 0 {
		fmt.Fprintf(out, "  … and %d more\n", more)
	}
	if report.Clean() {
		fmt.Fprintln(out, "clean")
	}
}
