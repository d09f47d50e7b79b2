// Command hub connects a team chat to everything around it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/internal/app"
)

// version is set by the release build.
var version = ""

// buildVersion returns the release's version, or the revision built from.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "devel-" + s.Value[:12]
			}
		}
	}
	return "devel"
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := newRootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "hub:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "hub",
		Short:         "Connect a team chat to everything around it",
		Version:       buildVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServeCommand(), newVerifyCommand(), newListenCommand(), newDoctorCommand(databaseChecks), newReadyCommand(),
		newConfigCommand(), newTokenCommand(), newLoginCommand(), newBackupCommand(), newRestoreCommand(), newMigrateCommand())
	return root
}

// loadConfig reads the configuration as the command sees it.
func loadConfig(cmd *cobra.Command) (app.Config, error) {
	return app.LoadConfig(cmd.Flags(), os.LookupEnv)
}
