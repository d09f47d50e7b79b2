package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/internal/app"
)

// tuneRuntime sets what the environment does not. One goroutine more may run than
// there are cores: the one that writes waits for the disk most of the time, and
// with every core taken by another when its commit is done it would wait again
// (measured on two cores: 8 % of the throughput). Where the process has less than all
// cores, by a container's limit, that stays to Go, which follows it.
func tuneRuntime() {
	if n := runtime.GOMAXPROCS(0); n == runtime.NumCPU() && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(n + 1)
	}
}

func newServeCommand() *cobra.Command {
	var demo bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the hub",
		Long: `Run the hub until it is stopped by SIGINT, SIGTERM, or the SIGHUP of a terminal that
closes (not under nohup).

With an empty data folder the database, a workspace, the channels general and
notices, an owner and an API token are created; the console's address with a
one-time link, and the token, are printed once.`,
		Example: "  hub serve\n  HUB_DATABASE_URL=postgres://hub@db/hub hub serve --addr :8000",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			log := app.NewLogger(os.Stderr, config)
			// A reader of the log that has gone is no reason to stop: lines are lost then.
			signal.Ignore(syscall.SIGPIPE)
			if doubts := misspelt(os.Environ()); doubts != nil {
				log.Warn("environment variables are misspelt, and not used", "variables", strings.Join(doubts, " "))
			}
			tuneRuntime()
			ctx, stop := context.WithCancel(cmd.Context())
			defer stop()
			go paceGC(ctx)
			hub, err := app.New(cmd.Context(), config, app.Options{Log: log, Version: buildVersion(), Demo: demo})
			if err != nil {
				return err
			}
			welcome, err := hub.Welcome(cmd.Context())
			if err != nil {
				return errors.Join(err, hub.Close())
			}
			if demo {
				if welcome.DemoURL, err = hub.SeedDemo(cmd.Context()); err != nil {
					return errors.Join(err, hub.Close())
				}
			}
			return hub.Run(cmd.Context(), func() { printWelcome(cmd.OutOrStdout(), welcome) })
		},
	}
	app.RegisterFlags(cmd.Flags())
	cmd.Flags().BoolVar(&demo, "demo", false, "seed channels, a webhook of each kind, and a local receiver")
	return cmd
}

// printWelcome tells an operator where the console is. Secrets appear here
// once, and never in the log.
func printWelcome(out io.Writer, w app.Welcome) {
	fmt.Fprintf(out, "\n  nself-chat hub is ready at %s\n", w.URL)
	if w.LoginURL != "" {
		fmt.Fprintf(out, "\n  Console (this link works once, for 15 minutes):\n    %s\n", w.LoginURL)
	} else {
		fmt.Fprintf(out, "  A sign-in link for the console: hub login\n")
	}
	if w.Token != "" {
		fmt.Fprintf(out, "\n  API token (shown only now):\n    %s\n", w.Token)
	}
	if w.DemoURL != "" {
		fmt.Fprintf(out, "\n  Say something in #engineering (this address, too, is shown only now):\n"+
			"    curl -d '{\"text\":\"deploy started\"}' %s\n", w.DemoURL)
	}
	fmt.Fprintln(out)
}
