package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

// job is one command at work with a hub.
type job struct {
	*connection
	*output
	ctx   context.Context
	cmd   *cobra.Command
	names names
}

// job makes the work of a command: it connects, works, and lets go.
func (r *reach) job(work func(j *job, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		ctx := cmd.Context()
		quiet, _ := cmd.Flags().GetBool("quiet")
		c, err := r.connect(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.close()) }()
		j := &job{connection: c, output: r.output(cmd, quiet), ctx: ctx, cmd: cmd}
		if every, ok := watchEvery(cmd); ok {
			return away(j.watch(every, func() error { return work(j, args) }))
		}
		return away(work(j, args))
	}
}

// away gives the error of a call that no hub answered its exit code.
func away(err error) error {
	if unreachable(err) && !errors.As(err, new(*failure)) {
		return &failure{code: exitUnavailable, err: err}
	}
	return err
}

// watchFlag adds --watch to a command that shows something.
func watchFlag(cmd *cobra.Command) {
	cmd.Flags().Duration("watch", 0, "show it again and again, every 2s or as given by --watch=5s")
	cmd.Flags().Lookup("watch").NoOptDefVal = "2s"
}

func watchEvery(cmd *cobra.Command) (time.Duration, bool) {
	every, err := cmd.Flags().GetDuration("watch")
	return every, err == nil && every > 0
}

// leastWatch keeps --watch from keeping a hub busy.
const leastWatch = 100 * time.Millisecond

// watch shows something until the command is interrupted: on a terminal in place.
func (j *job) watch(every time.Duration, show func() error) error {
	if err := j.follows(); err != nil {
		return err
	}
	out, notes := j.out, j.err
	defer func() { j.out, j.err = out, notes }()
	for first := true; ; first = false {
		var page bytes.Buffer
		j.out, j.names = &page, names{}
		if j.width > 0 {
			j.err = &page // the next page would stand over it
		}
		j.said.forget()
		err := show()
		switch {
		case err != nil && (first || j.ctx.Err() != nil || !temporary(err)):
			return err
		case err != nil: // the hub is being restarted
			complain(notes, j.cmd, j.at, err)
		case j.width > 0: // home, the page with each line's rest erased, what was below it erased (ECMA-48 §8.3)
			text := strings.ReplaceAll(page.String(), "\n", "\x1b[K\n")
			_, err = fmt.Fprintf(out, "\x1b[H%s  every %s, Ctrl-C ends it\x1b[K\n\x1b[K\n%s\x1b[J", time.Now().Format("15:04:05"), every, text)
		case !first && !j.json:
			_, err = fmt.Fprintf(out, "\n%s", page.Bytes())
		default:
			_, err = out.Write(page.Bytes())
		}
		if err != nil && !temporary(err) {
			return err
		}
		if err := pause(j.ctx, max(every, leastWatch)); err != nil {
			return err
		}
	}
}

// follows fails when there is nothing to follow: this process itself holds the database then, and no
// hub could start.
func (j *job) follows() error {
	if j.running {
		return nil
	}
	return fail(exitUnavailable, "no hub is running, so there is nothing to follow: `hub serve` starts one")
}

// pause waits for d, or fails when ctx is done before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Canceled
	}
}

// collect reads a list, most items of it at most (0: all of it).
func collect[T any](j *job, items iter.Seq2[T, error], most int) ([]T, error) {
	j.said.forget()
	all := []T{}
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		if most > 0 && len(all) == most {
			if j.width > 0 && !j.json {
				defer j.note("There are more: --limit %d shows them, --limit 0 shows all.", 2*most)
			}
			break
		}
		all = append(all, item)
	}
	return all, j.ctx.Err()
}

// printList prints a list: as JSON, as a table or as ids.
func printList[T any](j *job, items iter.Seq2[T, error], most int, none string, id func(T) string, columns []column[T]) error {
	all, err := collect(j, items, most)
	if err != nil {
		return err
	}
	if j.json {
		raw, err := j.said.items(len(all))
		if err != nil {
			return err
		}
		doc, err := json.Marshal(raw)
		if err != nil {
			return err
		}
		return j.document(doc)
	}
	return printTable(j.output, all, none, id, columns)
}

// atMost asks for no more than --limit says, and one more, by which it is known that there are more.
func atMost(limit int) client.ListOption {
	if limit <= 0 {
		return client.WithLimit(0)
	}
	return client.WithLimit(limit + 1)
}

// limitFlag adds --limit to a command that lists what never ends.
func limitFlag(cmd *cobra.Command, limit *int) {
	cmd.Flags().IntVarP(limit, "limit", "n", 50, "how many to show, the newest first; 0: all")
}

// show prints one thing: as JSON, as its id after it was made, or as fields.
func (j *job) show(id string, fields ...string) error {
	switch {
	case j.json:
		return j.document(j.said.last())
	case j.quiet:
		_, err := fmt.Fprintln(j.out, id)
		return err
	}
	return printFields(j.out, fields...)
}

// done says that something was done whose answer is empty.
func (j *job) done(format string, args ...any) error {
	if j.json {
		return j.document([]byte("{}"))
	}
	_, err := fmt.Fprintf(j.out, format+"\n", args...)
	return err
}

// yesFlag adds --yes to a command that asks before it does its work.
func yesFlag(cmd *cobra.Command) {
	cmd.Flags().BoolP("yes", "y", false, "do not ask")
}

// confirm asks whether to go on. Where nobody can be asked, --yes must say so.
func (j *job) confirm(format string, args ...any) error {
	if sure, _ := j.cmd.Flags().GetBool("yes"); sure {
		return nil
	}
	question := fmt.Sprintf(format, args...)
	in, ok := j.cmd.InOrStdin().(*os.File)
	if !ok || !isatty.IsTerminal(in.Fd()) {
		return &failure{code: exitUsage, plain: true, err: fmt.Errorf("%s Nobody can be asked here: add --yes to do it", oneLine(question))}
	}
	fmt.Fprintf(j.err, "%s [y/N] ", oneLine(question))
	answer, err := readLine(j.ctx, in)
	if err != nil {
		fmt.Fprintln(j.err) // the question's line ends here
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return fail(exitFailed, "nothing was done")
}

// readLine reads a line that a person types, or gives up when the command is
// interrupted.
func readLine(ctx context.Context, in io.Reader) (string, error) {
	return awaitInput(ctx, func() (string, error) {
		line, err := bufio.NewReader(in).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return line, err
	})
}

// awaitInput returns what read does, or gives up when the command is interrupted.
func awaitInput(ctx context.Context, read func() (string, error)) (string, error) {
	type typed struct {
		text string
		err  error
	}
	done := make(chan typed, 1)
	go func() {
		text, err := read()
		done <- typed{text, err}
	}()
	select {
	case t := <-done:
		return t.text, t.err
	case <-ctx.Done():
		return "", context.Canceled
	}
}

// each does something to every one of args, and goes on after a failure.
func (j *job) each(args []string, do func(arg string) error) error {
	var failed []error
	for _, arg := range args {
		err := do(arg)
		if err != nil && len(args) > 1 && j.ctx.Err() == nil {
			failed = append(failed, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	if len(failed) == 0 {
		return nil
	}
	for _, err := range failed[:len(failed)-1] {
		complain(j.err, j.cmd, j.at, err)
	}
	return failed[len(failed)-1]
}
