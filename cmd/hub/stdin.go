package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// standardInput is what a command reads: until its end, or until the command is interrupted, which a read from a
// terminal or a pipe would not notice.
func standardInput(cmd *cobra.Command) io.Reader {
	in := cmd.InOrStdin()
	if f, ok := in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return in // it can be read again
		}
	}
	return interruptible(cmd.Context(), in)
}

// interruptible reads from in until ctx is done. What is read ahead of then is lost.
func interruptible(ctx context.Context, in io.Reader) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, in)
		w.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { w.CloseWithError(context.Canceled) })
	return r
}
