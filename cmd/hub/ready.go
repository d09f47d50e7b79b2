package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/internal/app"
)

// readyTime bounds what `hub ready` waits for: /readyz takes three seconds at
// most.
const readyTime = 5 * time.Second

func newReadyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ready",
		Short: "Ask the hub on this machine whether it is ready",
		Long: "Asks GET /readyz of the hub that listens on the configured address, and prints its answer. The exit code is 0\n" +
			"when it is ready, else 1: for health checks where there is no other client, as in a container.",
		Example: "  hub ready && echo ready",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			cmd.SilenceUsage = true
			base, err := localURL(config.Addr)
			if err != nil {
				return err
			}
			if base == "" {
				return errors.New("the hub's port is chosen at its start: name its address with --addr")
			}
			client := newDoctor(nil).client
			client.Timeout = readyTime
			return askReady(cmd.Context(), client, base, cmd.OutOrStdout())
		},
	}
	app.RegisterFlags(cmd.Flags())
	return cmd
}

// askReady copies the answer of /readyz to out, and fails unless it is 200.
func askReady(ctx context.Context, client *http.Client, base string, out io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no hub answers: %w", err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(out, io.LimitReader(response.Body, 64<<10)); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: GET /readyz answers %d", response.StatusCode)
	}
	return nil
}
