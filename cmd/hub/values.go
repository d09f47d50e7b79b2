package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

// newValuesTopic makes `hub help values`.
func newValuesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "values",
		Short: "How texts, times and names are given",
		Long: `Texts, secrets and JSON: the text itself, or @FILE for the content of a file, or - for
standard input. A secret is better not given as an argument, where every user of the
machine can see it. @@ at the beginning stands for one @.

Times: how long ago, as in 90s, 30m, 2h or 3d; a day, as in 2026-02-01; or a time, as
in 2026-02-01T12:00:00Z or 2026-02-01T12:00. What names no zone is local. Where a time
is to come, 30m is in half an hour.

Durations: as in 500ms, 30s, 5m, 24h or 3d.

Channels, webhooks, users and tokens: the id, or the name where only one has it;
#general is general, and @ada is ada.`,
	}
}

// maxValue bounds what is read of a file or of standard input, in bytes: the hub takes 10
// MiB of JSON.
const maxValue = 16 << 20

// textValue reads a text: itself, @FILE or -.
func textValue(cmd *cobra.Command, text string) (string, error) {
	switch {
	case text == "-":
		return readValue(standardInput(cmd), "standard input")
	case strings.HasPrefix(text, "@@"):
		return text[1:], nil
	case strings.HasPrefix(text, "@"):
		f, err := os.Open(text[1:])
		if err != nil {
			return "", usagef("%w", err)
		}
		defer f.Close()
		return readValue(f, text[1:])
	}
	return text, nil
}

func readValue(in io.Reader, name string) (string, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxValue+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	if len(text) > maxValue {
		return "", usagef("%s is longer than %s", name, amount(maxValue, true))
	}
	return string(text), nil
}

// secretValue is textValue of a secret, which does not end in a line break.
func secretValue(cmd *cobra.Command, text string) (string, error) {
	value, err := textValue(cmd, text)
	return strings.TrimRight(value, "\r\n"), err
}

// jsonValue is textValue of JSON.
func jsonValue(cmd *cobra.Command, flag, text string) (json.RawMessage, error) {
	value, err := textValue(cmd, text)
	if err != nil {
		return nil, err
	}
	if !json.Valid([]byte(value)) {
		return nil, usagef("%s: want JSON", flag)
	}
	return json.RawMessage(strings.TrimSpace(value)), nil
}

// span reads a duration, with days as well.
func span(text string) (time.Duration, error) {
	if n, ok := strings.CutSuffix(text, "d"); ok {
		days, err := strconv.ParseFloat(n, 64)
		if err != nil || days < 0 || days > 36500 {
			return 0, errors.New("want a duration, as in 30s, 24h or 3d")
		}
		return time.Duration(days * float64(24*time.Hour)), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, errors.New("want a duration, as in 30s, 24h or 3d")
	}
	return d, nil
}

// spanFlag is a flag that takes a duration.
type spanFlag struct{ time.Duration }

// Set implements pflag.Value.
func (s *spanFlag) Set(text string) (err error) {
	s.Duration, err = span(text)
	return err
}

// String implements pflag.Value.
func (s *spanFlag) String() string {
	if s.Duration == 0 {
		return ""
	}
	return s.Duration.String()
}

// Type implements pflag.Value.
func (s *spanFlag) Type() string { return "duration" }

// whenFlag is a flag that takes a time. A duration counts back from now, or on when the time is to
// come.
type whenFlag struct {
	time.Time
	toCome bool
	text   string
}

// Set implements pflag.Value.
func (w *whenFlag) Set(text string) error {
	w.text = text
	if d, err := span(text); err == nil {
		if !w.toCome {
			d = -d
		}
		w.Time = time.Now().Add(d)
		return nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		w.Time = t
		return nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateTime} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			w.Time = t
			return nil
		}
	}
	return errors.New("want a duration as in 2h or 3d, a day as in 2026-02-01, or a time as in 2026-02-01T12:00:00Z")
}

// String implements pflag.Value.
func (w *whenFlag) String() string { return w.text }

// Type implements pflag.Value.
func (w *whenFlag) Type() string { return "time" }

// change makes the fields of a change from the flags of a command: those that were
// given are set, those that --reset names become null.
type change struct {
	cmd   *cobra.Command
	reset []string
}

// resetFlag adds --reset to a command that changes something. resettable are the flags
// that have a default to go back to.
func (c *change) resetFlag(cmd *cobra.Command, resettable ...string) {
	c.cmd = cmd
	cmd.Flags().StringSliceVar(&c.reset, "reset", nil, "set back to the default: "+join(resettable, "or"))
	completeFlag(cmd, "reset", oneOf(resettable...))
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		for _, name := range c.reset {
			if !slices.Contains(resettable, name) {
				return usagef("--reset takes %s", join(resettable, "or"))
			}
			if cmd.Flags().Changed(name) {
				return usagef("--%s is given and reset at once", name)
			}
		}
		if check != nil {
			return check(cmd, args)
		}
		return nil
	}
}

// versionFlag adds --if-match to a command that changes something.
func versionFlag(cmd *cobra.Command) {
	cmd.Flags().String("if-match", "", "only when this is still its version, as --json shows it (a message's revision)")
}

// onVersion are the options of a change that is made on a version.
func (j *job) onVersion() []client.CallOption {
	version, _ := j.cmd.Flags().GetString("if-match")
	if version == "" {
		return nil
	}
	return []client.CallOption{client.IfMatch(version)}
}

// empty reports that nothing was asked for; ignored are flags that change nothing.
func (c *change) empty(flags ...string) error {
	if len(c.reset) > 0 {
		return nil
	}
	for _, name := range flags {
		if c.cmd.Flags().Changed(name) {
			return nil
		}
	}
	return usagef("nothing is to change: give at least one flag")
}

// given is the field of a flag: value when the flag was given.
func given[T any](c *change, flag string, value T) client.Field[T] {
	switch {
	case slices.Contains(c.reset, flag):
		return client.Null[T]()
	case c.cmd.Flags().Changed(flag):
		return client.Set(value)
	}
	return client.Field[T]{}
}
