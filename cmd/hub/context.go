package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/nself-chat/hub/client"
)

// contextShown is the JSON of one context.
type contextShown struct {
	Name     string `json:"name"`
	URL      string `json:"url"`
	Current  bool   `json:"current"`
	HasToken bool   `json:"hasToken"`
}

func newContextCommand(r *reach) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "context",
		Short: "Keep the addresses and tokens of hubs under names",
		Long: `Keep the addresses and tokens of hubs under names, so that commands can work with
them: with the one in use, or with another by --context NAME or HUB_CONTEXT.

They are kept in $XDG_CONFIG_HOME/nself-chat-hub/contexts.yaml, or in
~/.config/nself-chat-hub/contexts.yaml, which only you may read.`,
		Example: `  hub context add prod https://hub.example.com
  hub context use prod
  hub channel list --context staging`,
	}, newContextAddCommand(r), newContextListCommand(r), newContextUseCommand(r), newContextRemoveCommand(r), newContextShowCommand(r))
	cmd.PersistentFlags().BoolVar(&r.json, "json", false, "print JSON")
	return cmd
}

var contextName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$`)

func newContextAddCommand(r *reach) *cobra.Command {
	var use, unchecked, force bool
	cmd := &cobra.Command{
		Use:   "add NAME URL",
		Short: "Keep a hub under a name",
		Long: `Keep the address and an API token of a hub under a name. The token is taken from
HUB_TOKEN, else read from standard input; on a terminal it is asked for. The hub is
asked whether it takes the token before anything is kept.

The first context is in use at once.`,
		Example: `  hub context add prod https://hub.example.com            # asks for the token
  hub context add ci https://hub.example.com < token.txt`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, address := args[0], strings.TrimRight(args[1], "/")
			if !contextName.MatchString(name) {
				return usagef("a context's name has letters, digits, '.', '_' and '-', 64 at most")
			}
			if err := checkAddress(address); err != nil {
				return usagef("%w", err)
			}
			known, err := r.contexts()
			if err != nil {
				return err
			}
			if err := known.mayAdd(name, force); err != nil {
				return err
			}
			token, err := r.readToken(cmd, address)
			if err != nil {
				return err
			}
			r.at = target{from: "the arguments", url: address, tokenFrom: "HUB_TOKEN or standard input"}
			if !unchecked {
				if err := tryToken(cmd.Context(), address, token); err != nil {
					return err
				}
			}
			known, err = r.changeContexts(func(known *contextsFile) error {
				if err := known.mayAdd(name, force); err != nil {
					return err
				}
				known.Contexts[name] = hubContext{URL: address, Token: token}
				if use || known.Current == "" {
					known.Current = name
				}
				return nil
			})
			if err != nil {
				return err
			}
			return r.showContext(cmd.OutOrStdout(), known, name)
		},
	}
	cmd.Flags().BoolVar(&use, "use", false, "use it from now on")
	cmd.Flags().BoolVar(&unchecked, "no-check", false, "keep it without asking the hub")
	cmd.Flags().BoolVar(&force, "force", false, "replace a context with this name")
	return cmd
}

// mayAdd fails when there is a context with that name that may not be replaced.
func (f *contextsFile) mayAdd(name string, replace bool) error {
	if _, ok := f.Contexts[name]; ok && !replace {
		return fail(exitConflict, "there is a context %s already; --force replaces it", name)
	}
	return nil
}

// readToken reads an API token from where nobody else sees it.
func (r *reach) readToken(cmd *cobra.Command, address string) (string, error) {
	text, from := r.lookup(tokenEnv), tokenEnv
	if text == "" {
		var err error
		if text, err = askToken(cmd, address); err != nil {
			return "", err
		}
		from = "what was given"
	}
	token, err := checkToken(text, from)
	if err != nil {
		return "", err
	}
	if token == "" {
		return "", usagef("there is no token: set %s, or pass it on standard input", tokenEnv)
	}
	return token, nil
}

func askToken(cmd *cobra.Command, address string) (string, error) {
	in := cmd.InOrStdin()
	if f, ok := in.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		fmt.Fprintf(cmd.ErrOrStderr(), "API token of %s (not shown): ", address)
		text, err := readHidden(cmd.Context(), int(f.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return text, err
	}
	return readLine(cmd.Context(), io.LimitReader(in, 4096))
}

// readHidden reads a line from a terminal that does not show it, and leaves the terminal as it was, also when the
// command is interrupted.
func readHidden(ctx context.Context, terminal int) (string, error) {
	was, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	text, err := awaitInput(ctx, func() (string, error) {
		text, err := term.ReadPassword(terminal)
		return string(text), err
	})
	if ctx.Err() != nil { // it is still being read
		return "", errors.Join(context.Canceled, term.Restore(terminal, was))
	}
	return text, err
}

// tryToken asks a hub whether it takes a token.
func tryToken(ctx context.Context, address, token string) error {
	calls := callsThrough(&patience{next: http.DefaultTransport, most: answerTime})
	c, err := client.New(address, token, client.WithHTTPClient(calls), client.WithUserAgent("hub/"+buildVersion()))
	if err != nil {
		return usagef("%w", err)
	}
	for _, err := range c.Channels(ctx) {
		return away(err)
	}
	return nil
}

func newContextListCommand(r *reach) *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the contexts",
		Long:    "List the contexts by name. Tokens are not shown.",
		Example: "  hub context list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			known, err := r.contexts()
			if err != nil {
				return err
			}
			all := []contextShown{}
			for _, name := range known.sorted() {
				all = append(all, known.shown(name))
			}
			out := r.output(cmd, quiet)
			if r.json {
				return writeJSON(out.out, all)
			}
			return printTable(out, all, "There are no contexts yet: `hub context add NAME URL` keeps one.", func(c contextShown) string { return c.Name },
				[]column[contextShown]{
					{"NAME", func(c contextShown) string { return c.Name }},
					{"URL", func(c contextShown) string { return c.URL }},
					{"IN USE", func(c contextShown) string { return yes(c.Current) }},
				})
		},
	}
	quietFlag(cmd, &quiet)
	return cmd
}

func (f *contextsFile) shown(name string) contextShown {
	c := f.Contexts[name]
	return contextShown{Name: name, URL: c.URL, Current: name == f.Current, HasToken: c.Token != ""}
}

func (r *reach) showContext(w io.Writer, known *contextsFile, name string) error {
	c := known.shown(name)
	if r.json {
		return writeJSON(w, c)
	}
	return printFields(w, "Name", c.Name, "URL", c.URL, "Token", "kept, not shown", "In use", yesNo(c.Current), "File", known.path)
}

func newContextUseCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "use NAME",
		Short:             "Work with a context from now on",
		Long:              "Work with the hub of a context from now on, where no flag and no variable says otherwise.",
		Example:           "  hub context use prod",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeContexts,
		RunE: func(cmd *cobra.Command, args []string) error {
			known, err := r.changeContexts(func(known *contextsFile) error {
				known.Current = args[0]
				return known.named(args[0])
			})
			if err != nil {
				return err
			}
			return r.showContext(cmd.OutOrStdout(), known, args[0])
		},
	}
	return cmd
}

func newContextRemoveCommand(r *reach) *cobra.Command {
	return &cobra.Command{
		Use:               "remove NAME",
		Short:             "Forget a context and its token",
		Long:              "Forget a context and its token. The token stays valid: `hub token revoke` ends it.",
		Example:           "  hub context remove staging",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeContexts,
		RunE: func(cmd *cobra.Command, args []string) error {
			var was contextShown
			_, err := r.changeContexts(func(known *contextsFile) error {
				if err := known.named(args[0]); err != nil {
					return err
				}
				was = known.shown(args[0])
				delete(known.Contexts, args[0])
				if was.Current {
					known.Current = ""
				}
				return nil
			})
			if err != nil {
				return err
			}
			if r.json {
				return writeJSON(cmd.OutOrStdout(), was)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Removed the context %s. Its token stays valid until it is revoked.\n", args[0])
			return nil
		},
	}
}

func newContextShowCommand(r *reach) *cobra.Command {
	return &cobra.Command{
		Use:               "show [NAME]",
		Short:             "Show a context, or the one in use",
		Long:              "Show a context, or the one in use. The token is not shown.",
		Example:           "  hub context show\n  hub context show prod --json",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: r.completeContexts,
		RunE: func(cmd *cobra.Command, args []string) error {
			known, err := r.contexts()
			if err != nil {
				return err
			}
			name := known.Current
			if len(args) > 0 {
				name = args[0]
			}
			if name == "" {
				return fail(exitNotFound, "no context is in use%s: `hub context use NAME` chooses one", known.names())
			}
			if err := known.named(name); err != nil {
				return err
			}
			return r.showContext(cmd.OutOrStdout(), known, name)
		},
	}
}

// completeContexts completes the names of contexts.
func (r *reach) completeContexts(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	known, err := r.contexts()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return known.sorted(), cobra.ShellCompDirectiveNoFileComp
}
