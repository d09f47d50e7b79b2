// Command hub connects a team chat to everything around it.
package main

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"strings"

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
	os.Exit(newProgram().run(untilStopped()))
}

// program is the tree of commands with what one run of it finds out.
type program struct {
	root  *cobra.Command
	reach *reach
	began bool // a command has begun its work: what fails from here on is not the usage
}

func newProgram() *program {
	p := &program{reach: newReach(os.LookupEnv)}
	p.root = newRootCommand(p.reach)
	p.watch(p.root)
	return p
}

// watch makes every command say that it has begun.
func (p *program) watch(cmd *cobra.Command) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			p.began = true
			return run(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		p.watch(sub)
	}
}

// run runs the command that the arguments name and returns the exit code.
func (p *program) run(ctx context.Context) int {
	cmd, err := p.root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case !p.began:
		err = &failure{code: exitUsage, err: err}
	}
	complain(os.Stderr, cmd, p.reach.at, err)
	return exitCode(err)
}

// Groups of commands in the help text.
const (
	groupServer = "server"
	groupClient = "client"
)

func newRootCommand(r *reach) *cobra.Command {
	root := group(&cobra.Command{
		Use:   "hub",
		Short: "Connect a team chat to everything around it",
		Long: `hub connects a team chat to everything around it: anything that can POST can speak
in a channel, and everything that happens can be told to any URL.

` + "`hub serve`" + ` runs one. The other commands work with it: on its own machine without
further ado, and with a hub elsewhere by --url, HUB_URL or a context.`,
		Example: `  hub serve
  hub message post general "Hello!"
  hub context add prod https://hub.example.com`,
		Version:       buildVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
	})
	root.AddGroup(&cobra.Group{ID: groupServer, Title: "Run a hub:"}, &cobra.Group{ID: groupClient, Title: "Work with a hub:"})
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
		}
		root.AddCommand(commands...)
	}
	add(groupServer, newServeCommand(), newVerifyCommand(), newListenCommand(), newDoctorCommand(databaseChecks), newReadyCommand(),
		newConfigCommand(), newLoginCommand(), newBackupCommand(), newRestoreCommand(), newMigrateCommand())
	add(groupClient, newWebhookCommand(r), newDeliveriesCommand(r), newChannelCommand(r), newMessageCommand(r), newEventCommand(r),
		newQueueCommand(r), newUserCommand(r), newFileCommand(r), newInboxCommand(r), newTokenCommand(r), newSessionCommand(r),
		newAuditCommand(r), newContextCommand(r))
	root.AddCommand(newManCommand(), newExitCodesTopic(), newWhereTopic(), newValuesTopic())
	finishCompletion(root)
	finishHelp(root)
	return root
}

// group makes a command of one that only has subcommands: alone it shows its
// help, and what is no subcommand of it is refused.
func group(cmd *cobra.Command, subcommands ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return unknown(cmd, args[0])
	}
	cmd.AddCommand(subcommands...)
	return cmd
}

// unknown refuses a word that is no subcommand of cmd.
func unknown(cmd *cobra.Command, word string) error {
	text := "unknown command `" + cmd.CommandPath() + " " + word + "`"
	cmd.SuggestionsMinimumDistance = 2
	for i, s := range cmd.SuggestionsFor(word) {
		if i == 0 {
			text += "; did you mean"
		} else {
			text += " or"
		}
		text += " `" + cmd.CommandPath() + " " + s + "`"
	}
	if strings.Contains(text, "did you mean") {
		text += "?"
	}
	return usagef("%s", text)
}

// finishHelp makes `hub help` refuse what there is no help about.
func finishHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() != "help" {
			continue
		}
		show := c.Run
		c.RunE = func(cmd *cobra.Command, args []string) error {
			about, rest, err := root.Find(args)
			if about == nil || err != nil {
				about, rest = root, args
			}
			if len(rest) > 0 {
				return unknown(about, rest[0])
			}
			show(cmd, args)
			return nil
		}
	}
}

// loadConfig reads the configuration as the command sees it.
func loadConfig(cmd *cobra.Command) (app.Config, error) {
	config, err := app.LoadConfig(cmd.Flags(), os.LookupEnv)
	if err != nil {
		return app.Config{}, &failure{code: exitUsage, err: err}
	}
	return config, nil
}
