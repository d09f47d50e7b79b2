package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/client"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitDenied      = 4
	exitConflict    = 5
	exitUnavailable = 6
	exitInterrupted = 130
)

// newExitCodesTopic makes `hub help exit-codes`.
func newExitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: `Exit codes of all commands:

  0    it is done
  1    it failed
  2    wrong usage: an unknown command or flag, a value that is not accepted, a
       confirmation that is missing
  3    there is no such thing
  4    not allowed, or not signed in
  5    it contradicts what is there
  6    the hub cannot be reached, says nothing for a minute, or asks to try again
       later
  130  interrupted (Ctrl-C)

Commands that answer a question do it with 0 and 1: verify (1: not clean), ready
(1: not ready), doctor (1: something fails). listen ends with 0 when it is stopped.`,
	}
}

// failure is an error that says with which code the program ends.
type failure struct {
	code  int
	err   error
	plain bool // it says itself what to do
}

// Error implements error.
func (f *failure) Error() string { return f.err.Error() }

// Unwrap makes the cause visible to errors.Is and errors.As.
func (f *failure) Unwrap() error { return f.err }

// fail returns an error that ends the program with code.
func fail(code int, format string, args ...any) error {
	return &failure{code: code, err: fmt.Errorf(format, args...)}
}

// usagef returns an error about how the command was called.
func usagef(format string, args ...any) error { return fail(exitUsage, format, args...) }

// exitCode is the code that err ends the program with.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code
	}
	if e, ok := errors.AsType[*client.Error](err); ok {
		return refusalCode(e)
	}
	if e, ok := errors.AsType[*hub.Error](err); ok {
		return workCode(e.Code)
	}
	return exitFailed
}

// workCode is the exit code for what this process itself could not do.
func workCode(code hub.Code) int {
	switch code {
	case hub.Invalid:
		return exitUsage
	case hub.NotFound:
		return exitNotFound
	case hub.Unauthorized, hub.Forbidden:
		return exitDenied
	case hub.Conflict:
		return exitConflict
	case hub.Unavailable, hub.StorageFull, hub.RateLimited:
		return exitUnavailable
	}
	return exitFailed
}

// refusalCode is the exit code for a refusal of the hub.
func refusalCode(e *client.Error) int {
	switch {
	case e.Temporary():
		return exitUnavailable
	case e.Status == http.StatusBadRequest:
		return exitUsage
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return exitDenied
	case e.Status == http.StatusNotFound:
		return exitNotFound
	case e.Status == http.StatusConflict, e.Status == http.StatusPreconditionFailed:
		return exitConflict
	}
	return exitFailed
}

// unreachable reports whether err is that of a call that no hub answered.
func unreachable(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return true
	}
	_, ok := errors.AsType[*net.OpError](err) // not net.Error: what the system says of files is one, too
	return ok
}
