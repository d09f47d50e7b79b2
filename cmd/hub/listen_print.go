package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxShown bounds the text of one body on the screen, in bytes; --json prints all of it.
	maxShown = 8 << 10

	// maxHeaderShown bounds the text of one header on the screen, in bytes.
	maxHeaderShown = 100
)

// printer shows one arrival. It is called by one goroutine at a time.
type printer interface{ print(arrival) error }

// jsonPrinter writes one JSON object a line.
type jsonPrinter struct{ out io.Writer }

func (p jsonPrinter) print(a arrival) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(a)
}

// textPrinter writes for a person. Whatever came over the network is stripped of characters that a terminal obeys.
type textPrinter struct {
	out    io.Writer
	colour bool
}

func (p *textPrinter) print(a arrival) error {
	var line strings.Builder
	fmt.Fprintf(&line, "%s  %s  %s", a.Time.Format("15:04:05.000"), p.bold(orDash(a.Event)), orDash(a.ID))
	if a.Attempt != "" {
		fmt.Fprintf(&line, "  attempt %s", visible(a.Attempt, maxHeaderShown))
	}
	fmt.Fprintf(&line, "  %s", p.verdict(a))
	switch {
	case a.Duplicate:
		fmt.Fprintf(&line, "  %s", p.yellow(fmt.Sprintf("duplicate (seen %d times)", a.Seen)))
	case a.Seen > 1:
		fmt.Fprintf(&line, "  again (seen %d times)", a.Seen)
	}
	fmt.Fprintf(&line, "  answered %s\n", p.status(a.Status))
	if body := prettyBody(a); body != "" {
		line.WriteString("    " + strings.ReplaceAll(body, "\n", "\n    ") + "\n")
	}
	_, err := io.WriteString(p.out, line.String())
	return err
}

func (p *textPrinter) verdict(a arrival) string {
	switch a.Verdict {
	case verdictVerified:
		return p.green("signature ok")
	case verdictInvalid:
		return p.red("signature BAD: " + visible(a.Reason, 3*maxHeaderShown))
	default:
		return "signature not checked"
	}
}

func (p *textPrinter) status(status int) string {
	if status < 300 {
		return fmt.Sprint(status)
	}
	return p.red(fmt.Sprint(status))
}

// Colours by the standard codes (ECMA-48 §8.3.117).
func (p *textPrinter) paint(code, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *textPrinter) bold(text string) string   { return p.paint("1", text) }
func (p *textPrinter) red(text string) string    { return p.paint("31", text) }
func (p *textPrinter) green(text string) string  { return p.paint("32", text) }
func (p *textPrinter) yellow(text string) string { return p.paint("33", text) }

func orDash(header string) string {
	if header == "" {
		return "-"
	}
	return visible(header, maxHeaderShown)
}

// prettyBody indents the data of our envelope, or the whole of any other JSON.
func prettyBody(a arrival) string {
	shown := a.Body
	if shown == nil {
		return visible(a.Text, maxShown)
	}
	var envelope struct{ Data json.RawMessage }
	if err := json.Unmarshal(a.Body, &envelope); err == nil && len(envelope.Data) > 0 {
		shown = envelope.Data
	}
	var b bytes.Buffer
	if err := json.Indent(&b, shown, "", "  "); err != nil {
		return visible(string(shown), maxShown)
	}
	return visible(b.String(), maxShown)
}

// visible replaces what is not printable, and cuts what is longer than most bytes.
func visible(text string, most int) string {
	cut := 0
	if len(text) > most {
		end := most
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		text, cut = text[:end], len(text)-end
	}
	text = strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
	if cut > 0 {
		text += fmt.Sprintf(" … and %d bytes more", cut)
	}
	return text
}
