package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

func newManCommand() *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the man pages of all commands",
		Long: `Write a man page for each command into a folder, which is made when it is not there.
With --markdown the reference of all commands is printed instead, as one page.`,
		Example: "  hub man /usr/local/share/man/man1\n  hub man --markdown > cli.md",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case markdown && len(args) == 0:
				return writeMarkdown(cmd.OutOrStdout(), cmd.Root())
			case markdown || len(args) == 0:
				return usagef("give a folder, or --markdown")
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the same commands make the same pages
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "nself-chat hub", Manual: "nself-chat hub"}, args[0])
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print the reference of all commands as Markdown")
	return cmd
}

// markdownHead begins docs/cli.md, which has the text of all commands.
const markdownHead = `# Command line

Everything that ` + "`hub --help`" + ` and the help of its commands say, on one page. It is made from the commands
themselves: ` + "`hub man --markdown`" + `.

`

// writeMarkdown prints the reference of all commands: topics, then each command with its own flags.
func writeMarkdown(w io.Writer, root *cobra.Command) error {
	var b strings.Builder
	b.WriteString(markdownHead)
	commands := described(root)
	b.WriteString("| command | |\n|---|---|\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", c.CommandPath(), anchor(c), c.Short)
	}
	for _, c := range root.Commands() {
		if c.IsAdditionalHelpTopicCommand() {
			fmt.Fprintf(&b, "\n## %s\n\n```\n%s\n```\n", c.Short, strings.TrimSpace(c.Long))
		}
	}
	var shared *cobra.Command
	for _, c := range root.Commands() {
		if c.PersistentFlags().Lookup("url") != nil {
			shared = cmp.Or(shared, c)
		}
	}
	if shared != nil {
		b.WriteString("\n## Flags of all commands that work with a hub\n\n")
		writeFlags(&b, shared.PersistentFlags())
	}
	for _, c := range commands {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n```\n%s\n```\n", c.CommandPath(), strings.TrimSpace(orText(c.Long, c.Short)), c.UseLine())
		if c.Example != "" {
			fmt.Fprintf(&b, "\n```sh\n%s\n```\n", unindented(c.Example))
		}
		if flags := ownFlags(c); flags.HasAvailableFlags() {
			b.WriteString("\n")
			writeFlags(&b, flags)
		}
		if hasSettings(c) {
			b.WriteString("\nEvery setting of [configuration.md](configuration.md) is a flag as well.\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// described are the commands that do something, in the order of the help text.
func described(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, c := range cmd.Commands() {
		if c.Hidden || c.IsAdditionalHelpTopicCommand() || c.Name() == "help" {
			continue
		}
		if subs := described(c); len(subs) > 0 {
			all = append(all, subs...)
		} else {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b *cobra.Command) int { return strings.Compare(a.CommandPath(), b.CommandPath()) })
	return all
}

func anchor(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// hasSettings reports whether the settings of a hub are flags of a command.
func hasSettings(c *cobra.Command) bool {
	return c.LocalNonPersistentFlags().Lookup("retention-days") != nil
}

// ownFlags are those that other commands do not have.
func ownFlags(c *cobra.Command) *pflag.FlagSet {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden || hasSettings(c) && strings.Contains(f.Usage, " [") {
			return
		}
		own.AddFlag(f)
	})
	return own
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	b.WriteString("| flag | |\n|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if kind != "" && f.NoOptDefVal == "" {
			name += " " + strings.ToUpper(orText(kindWords[kind], kind))
		}
		fmt.Fprintf(b, "| `%s` | %s%s |\n", name, strings.ReplaceAll(usage, "|", "\\|"), defaultText(f))
	})
}

// kindWords are the words for kinds of values that pflag calls otherwise.
var kindWords = map[string]string{"string": "text", "strings": "text,…", "stringArray": "text", "int": "number", "list": "text"}

// defaultText says what a flag is when it is not given.
func defaultText(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "false", "[]", "0", "0s", "{}":
		return ""
	}
	return " (default " + f.DefValue + ")"
}

// unindented takes the two spaces off that examples begin with.
func unindented(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}
