package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	"golang.org/x/text/width"
)

// output is where a command prints, and how.
type output struct {
	out, err io.Writer
	width    int // of the terminal; 0: out is none
	colour   bool
	json     bool
	quiet    bool
}

// output returns the output of a command.
func (r *reach) output(cmd *cobra.Command, quiet bool) *output {
	o := &output{out: cmd.OutOrStdout(), err: cmd.ErrOrStderr(), json: r.json, quiet: quiet && !r.json}
	f, ok := o.out.(*os.File)
	if !ok || !isatty.IsTerminal(f.Fd()) {
		return o
	}
	o.width = 80
	if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
		o.width = columns
	}
	o.colour = r.lookup("NO_COLOR") == "" && r.lookup("TERM") != "dumb"
	return o
}

// quietFlag adds --quiet to a command that lists or makes things.
func quietFlag(cmd *cobra.Command, quiet *bool) {
	cmd.Flags().BoolVarP(quiet, "quiet", "q", false, "print ids only")
}

// note tells a person something that is not the result.
func (o *output) note(format string, args ...any) {
	fmt.Fprintf(o.err, format+"\n", args...)
}

// document prints the JSON of the API.
func (o *output) document(raw json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return fmt.Errorf("the hub's answer is no JSON: %w", err)
	}
	return o.writeDocument(bytes.TrimSpace(b.Bytes()))
}

// object prints JSON in one line.
func (o *output) object(raw json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return fmt.Errorf("the hub's answer is no JSON: %w", err)
	}
	return o.writeDocument(b.Bytes())
}

// writeDocument writes JSON as it is, but on a terminal with escapes for what that would obey or not show.
func (o *output) writeDocument(doc []byte) error {
	if o.width > 0 {
		doc = escapeUnprintable(doc)
	}
	_, err := o.out.Write(append(doc, '\n'))
	return err
}

// escapeUnprintable writes characters of JSON's strings that are not printable as escapes.
func escapeUnprintable(doc []byte) []byte {
	var b []byte
	for _, r := range string(doc) {
		if r == '\n' || unicode.IsPrint(r) {
			b = utf8.AppendRune(b, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			b = fmt.Appendf(b, `\u%04x`, unit)
		}
	}
	return b
}

// column is one column of a table of things.
type column[T any] struct {
	title string
	cell  func(T) string
}

// printTable prints things in aligned columns, or their ids.
func printTable[T any](o *output, all []T, none string, id func(T) string, columns []column[T]) error {
	var b strings.Builder
	switch {
	case len(all) == 0:
		if !o.quiet {
			o.note("%s", none)
		}
		return nil
	case o.quiet:
		for _, v := range all {
			b.WriteString(id(v) + "\n")
		}
	default:
		rows := make([][]string, 1, len(all)+1)
		for _, c := range columns {
			rows[0] = append(rows[0], c.title)
		}
		for _, v := range all {
			row := make([]string, len(columns))
			for i, c := range columns {
				row[i] = oneLine(c.cell(v))
			}
			rows = append(rows, row)
		}
		align(&b, rows, o.width)
	}
	_, err := io.WriteString(o.out, b.String())
	return err
}

// leastColumn is what cutting leaves of a column.
const leastColumn = 8

// align writes rows in columns, the widest cut until a line fits into most cells
// of a terminal; 0: nothing is cut.
func align(b *strings.Builder, rows [][]string, most int) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], cells(cell))
		}
	}
	for most > 0 {
		total, widest := 2*(len(widths)-1), 0
		for i, w := range widths {
			total += w
			if i > 0 && w >= widths[widest] || widest == 0 { // the id stays whole
				widest = min(i, len(widths)-1)
			}
		}
		if total <= most || widest == 0 || widths[widest] <= leastColumn {
			break
		}
		widths[widest] = max(leastColumn, widths[widest]-(total-most))
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			cell = cut(cell, widths[i])
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-cells(cell)+2))
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// cells is how many cells of a terminal a text takes.
func cells(text string) int {
	n := 0
	for _, r := range text {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	if unicode.Is(unicode.Mn, r) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut shortens a text to most cells.
func cut(text string, most int) string {
	if cells(text) <= most {
		return text
	}
	n := 0
	for i, r := range text {
		if n += runeCells(r); n > most-1 {
			return text[:i] + "…"
		}
	}
	return text
}

// oneLine makes a text one line without characters that a terminal obeys.
func oneLine(text string) string {
	return strings.Join(strings.Fields(visible(text, maxShown)), " ")
}

// printFields prints names and values in pairs. Values that are empty are left out, and
// further lines of a value are indented.
func printFields(w io.Writer, pairs ...string) error {
	widest := 0
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			widest = max(widest, cells(pairs[i]))
		}
	}
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		name, value := pairs[i], visible(strings.ReplaceAll(pairs[i+1], "\t", "    "), maxShown)
		if value == "" {
			continue
		}
		indent := strings.Repeat(" ", widest+2)
		b.WriteString(name + indent[cells(name):])
		b.WriteString(strings.ReplaceAll(strings.TrimRight(value, "\n"), "\n", "\n"+indent) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// yes marks what is so in a table.
func yes(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// clock writes a time for people: the local one, to the second.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// minute is clock to the minute; never when there is none.
func minute(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// number writes a number; 0 is left out.
func number[N int | int64](n N) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// Colours, for what a person must not overlook.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (o *output) paint(code, text string) string {
	if !o.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// stateColour is the colour of a state; "": none.
func stateColour(state string) string {
	switch state {
	case "success", "accepted":
		return green
	case "failed", "disabled":
		return red
	case "retrying", "paused", "held":
		return yellow
	}
	return ""
}
