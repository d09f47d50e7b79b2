package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/internal/app"
)

// newConfigCommand makes `hub config`: what each setting is and where that comes from.
func newConfigCommand() *cobra.Command {
	var asJSON, docs bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the effective configuration and where each value comes from",
		Long: "Shows every setting with its value and the place it was found at: a flag, else an environment variable,\n" +
			"else a key of hub.yaml, else the default. Secrets are masked.",
		Example: "  hub config\n  hub config --json | jq '.settings[] | select(.source == \"env\")'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true // from here on an error is not about the usage
			out := cmd.OutOrStdout()
			if docs {
				_, err := io.WriteString(out, app.ConfigMarkdown())
				return err
			}
			config, err := app.LoadConfig(cmd.Flags(), os.LookupEnv)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(out, configReport{File: config.File, Settings: config.Describe()})
			}
			return printConfig(out, config)
		},
	}
	app.RegisterFlags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&docs, "docs", false, "print the reference of all settings as a Markdown table")
	cmd.MarkFlagsMutuallyExclusive("json", "docs")
	return cmd
}

// configReport is the JSON of `hub config --json`.
type configReport struct {
	File     string        `json:"file"` // empty when there is none
	Settings []app.Setting `json:"settings"`
}

func printConfig(out io.Writer, config app.Config) error {
	file := config.File
	if file == "" {
		file = "none"
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Configuration file: %s\n\nSETTING\tVALUE\tSOURCE\tENVIRONMENT\n", file)
	for _, s := range config.Describe() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.Key, shownValue(s), s.Source, s.Env)
	}
	return w.Flush()
}

// shownValue says what stands in for a value that is not set.
func shownValue(s app.Setting) string {
	switch {
	case s.Value != "":
		return s.Value
	case s.Default != "":
		return "(" + s.Default + ")"
	default:
		return "-"
	}
}

func writeJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
