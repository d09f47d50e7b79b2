package main

import "github.com/spf13/cobra"

func newWebhookCommand(r *reach) *cobra.Command {
	return r.noun(&cobra.Command{
		Use:     "webhook",
		Aliases: []string{"webhooks"},
		Short:   "Manage incoming and outgoing webhooks",
		Long: `An incoming webhook is a secret URL that posts into one channel. An outgoing webhook
sends events, signed, to a URL of yours.`,
		Example: `  hub webhook incoming create ci --channel general
  hub webhook outgoing create orders https://example.com/hook --event 'message.*'`,
	}, newIncomingCommand(r), newOutgoingCommand(r))
}
