package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
)

// listenSecretEnv holds signing secrets for `hub listen`, so that they need not stand in the list of processes.
const listenSecretEnv = "HUB_LISTEN_SECRET"

// listenOptions are the flags of `hub listen`.
type listenOptions struct {
	addr     string
	secrets  []string
	status   int
	failRate float64
	json     bool
}

func (o listenOptions) validate() error {
	switch {
	case o.status < 200 || o.status > 599:
		return errors.New("--status: want a status from 200 to 599")
	case !(o.failRate >= 0 && o.failRate <= 1): // also refuses NaN
		return errors.New("--fail-rate: want a share from 0 to 1")
	}
	return nil
}

// newListenCommand makes `hub listen`: a receiver of deliveries for trying webhooks out.
func newListenCommand() *cobra.Command {
	var options listenOptions
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive deliveries on this machine, verify their signatures and print them",
		Long: "Listens for outgoing webhooks at any path, verifies both kinds of signature, and prints what arrives.\n" +
			"A delivery with a bad signature is answered 401, as a careful receiver does. The secret is better given in\n" +
			listenSecretEnv + " (several separated by spaces) than as a flag; without one nothing is verified.\n" +
			"Stop it with Ctrl-C.",
		Example: "  " + listenSecretEnv + "=whsec_… hub listen\n  hub listen --fail-rate 0.3   # watch retries",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := options.validate(); err != nil {
				return err
			}
			cmd.SilenceUsage = true
			options.secrets = append(options.secrets, strings.Fields(os.Getenv(listenSecretEnv))...)
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return listen(ctx, options, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&options.addr, "addr", "127.0.0.1:9000", "address to listen on, host:port; port 0 lets the system choose")
	flags.StringArrayVar(&options.secrets, "secret", nil, "signing secret, also several times ["+listenSecretEnv+"]")
	flags.IntVar(&options.status, "status", http.StatusOK, "status to answer deliveries with")
	flags.Float64Var(&options.failRate, "fail-rate", 0, "share of deliveries to answer 500, from 0 to 1, to watch retries")
	flags.BoolVar(&options.json, "json", false, "print one JSON object a line")
	return cmd
}

// listen receives until ctx is done. Deliveries are printed to out; everything else to messages.
func listen(ctx context.Context, options listenOptions, out, messages io.Writer) error {
	receiver, err := newReceiver(options, newPrinter(out, options.json))
	if err != nil {
		return fmt.Errorf("listen: --secret or %s: %w", listenSecretEnv, err)
	}
	listener, err := net.Listen("tcp", options.addr)
	if err != nil {
		return fmt.Errorf("listen: %w: stop what uses the address, or choose another with --addr", err)
	}
	server := &http.Server{
		Handler:           receiver,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	fmt.Fprintf(messages, "Listening on http://%s/ (%s). Stop with Ctrl-C.\n", listener.Addr(), receiver.promise())

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err = <-served:
		return fmt.Errorf("listen: %w", err)
	case <-receiver.broken:
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = server.Shutdown(grace)
	<-served
	fmt.Fprintln(messages, receiver.summary())
	return errors.Join(err, receiver.printError())
}

func newPrinter(out io.Writer, asJSON bool) printer {
	if asJSON {
		return jsonPrinter{out}
	}
	file, ok := out.(*os.File)
	terminal := ok && isatty.IsTerminal(file.Fd()) && os.Getenv("NO_COLOR") == ""
	return &textPrinter{out: out, colour: terminal}
}
