package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// A role is what a child process of this program does. It ends when its work is done or stdin is closed, so that no
// child outlives the harness, however the harness ends.
type role func(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error

func childRole(args []string) (role, bool) {
	if len(args) == 0 {
		return nil, false
	}
	switch args[0] {
	case "sink":
		return serveSink, true
	case "floor":
		return postFloor, true
	}
	return nil, false
}

// child is this program, started again in a role.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
}

// startChild starts this program in the role args[0]. The caller owns the child and must call wait or stop.
func startChild(ctx context.Context, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = 5 * time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{cmd: cmd, stdin: stdin, out: bufio.NewReader(stdout)}, nil
}

// read decodes the next line of the child's output, which is one JSON value.
func (c *child) read(into any) error {
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%s: no answer: %w", c.cmd.Args[1], err)
	}
	return json.Unmarshal(line, into)
}

// wait returns when the child has ended by itself.
func (c *child) wait() error {
	_, copyErr := io.Copy(io.Discard, c.out)
	return errors.Join(copyErr, c.cmd.Wait(), ignoreClosed(c.stdin.Close()))
}

// stop tells the child to end and waits for it.
func (c *child) stop() error {
	return errors.Join(ignoreClosed(c.stdin.Close()), c.wait())
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
