package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/nself-chat/hub/internal/app"
)

const (
	// redrawEvery is how often the line of a step is drawn anew on a terminal,
	// reportEvery how often a long step is told of elsewhere.
	redrawEvery = 100 * time.Millisecond
	reportEvery = 10 * time.Second
)

// progressPrinter shows how far a command is: on a terminal in a line that
// changes, elsewhere in one line for each step and now and then in between.
type progressPrinter struct {
	out      io.Writer
	terminal bool
	now      func() time.Time

	last  app.Progress
	began time.Time // of the step
	shown time.Time
}

// newProgress returns a printer to out, which prints nothing when quiet.
func newProgress(out io.Writer, quiet bool) *progressPrinter {
	if quiet {
		out = io.Discard
	}
	f, ok := out.(*os.File)
	return &progressPrinter{out: out, terminal: ok && isatty.IsTerminal(f.Fd()), now: time.Now}
}

// show takes what app reports.
func (p *progressPrinter) show(at app.Progress) {
	now := p.now()
	every := reportEvery
	if p.terminal {
		every = redrawEvery
	}
	if at.Step != p.last.Step {
		p.end()
		p.began, p.shown = now, now
		if p.terminal {
			p.shown = time.Time{}
		}
	}
	p.last = at
	if now.Sub(p.shown) >= every {
		p.print()
		p.shown = now
	}
}

// end finishes the line of the last step.
func (p *progressPrinter) end() {
	if p.last.Step == "" {
		return
	}
	p.print()
	if p.terminal {
		fmt.Fprintln(p.out)
	}
	p.last = app.Progress{}
}

func (p *progressPrinter) print() {
	line := p.line()
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(p.out, line)
}

// line is the state of the step: its part of the whole, how fast it goes and
// how long it will take at that.
func (p *progressPrinter) line() string {
	at := p.last
	if at.Total == 0 && at.Done == 0 {
		return at.Step
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-34s %s", at.Step, amount(at.Done, at.Bytes))
	if at.Total > 0 {
		fmt.Fprintf(&b, " of %s, %d %%", amount(at.Total, at.Bytes), min(100, at.Done*100/at.Total))
	}
	took := p.now().Sub(p.began).Seconds()
	if took < 1 || at.Done <= at.Before {
		return b.String()
	}
	rate := float64(at.Done-at.Before) / took
	fmt.Fprintf(&b, ", %s/s", amount(int64(rate), at.Bytes))
	if left := at.Total - at.Done; left > 0 {
		eta := time.Duration(float64(left) / rate * float64(time.Second))
		fmt.Fprintf(&b, ", %s left", max(eta, time.Second).Round(time.Second))
	}
	return b.String()
}

// amount writes bytes in MiB, and other numbers in groups of three digits.
func amount(n int64, isBytes bool) string {
	if isBytes {
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return digits
}
