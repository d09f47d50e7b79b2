package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

func newQueueCommand(r *reach) *cobra.Command {
	return r.noun(&cobra.Command{
		Use:     "queue",
		Short:   "See and stop the sending of deliveries",
		Long:    "See how much waits to be sent, of all outgoing webhooks and of each, and stop and start all sending.",
		Example: "  hub queue stats --watch\n  hub queue pause --yes",
	}, newQueueStatsCommand(r), newQueuePauseCommand(r), newQueueResumeCommand(r))
}

func newQueueStatsCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "stats",
		Short:   "Show the figures of the delivery queue",
		Long:    "Show the figures of the delivery queue: of all deliveries, and of each outgoing webhook.",
		Example: "  hub queue stats\n  hub queue stats --watch=5s",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			s, err := j.QueueStats(j.ctx)
			if err != nil {
				return err
			}
			oldest := ""
			if s.OldestDueSeconds > 0 {
				oldest = time.Duration(s.OldestDueSeconds * float64(time.Second)).Round(time.Millisecond).String()
			}
			if err := j.show("", "Total", amount(s.Total, false), "Due", amount(s.Pending, false), "Being sent", amount(s.Active, false),
				"Later", amount(s.Delayed, false), "Sent", amount(s.Completed, false), "Failed", amount(s.Failed, false),
				"Due the longest", oldest); err != nil || j.json || len(s.Lanes) == 0 {
				return err
			}
			fmt.Fprintln(j.out)
			return printTable(j.output, s.Lanes, "", func(l client.Lane) string { return l.WebhookID }, []column[client.Lane]{
				{"WEBHOOK ID", func(l client.Lane) string { return l.WebhookID }},
				{"NAME", func(l client.Lane) string { return j.outgoingName(l.WebhookID) }},
				{"STATE", func(l client.Lane) string {
					return outgoingState(client.OutgoingWebhook{State: l.State, Health: client.EndpointHealth{BreakerOpen: l.BreakerOpen}})
				}},
				{"FAILURES", func(l client.Lane) string { return fmt.Sprint(l.Failures) }},
				{"DELIVERIES", func(l client.Lane) string { return countsText(l.Deliveries) }},
			})
		}),
	}
	watchFlag(cmd)
	return cmd
}

func newQueuePauseCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "pause",
		Short:   "Stop all sending",
		Long:    "Stop the sending of all deliveries, of all outgoing webhooks. Events are still taken, and deliveries made.",
		Example: "  hub queue pause --yes",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			if err := j.confirm("Stop all sending, of all outgoing webhooks?"); err != nil {
				return err
			}
			if err := j.PauseQueue(j.ctx); err != nil {
				return err
			}
			return j.done("Nothing is sent any more, until `hub queue resume`.")
		}),
	}
	yesFlag(cmd)
	return cmd
}

func newQueueResumeCommand(r *reach) *cobra.Command {
	return &cobra.Command{
		Use:     "resume",
		Short:   "Send again",
		Long:    "Send deliveries again after a pause. Outgoing webhooks that are paused themselves stay so.",
		Example: "  hub queue resume",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			if err := j.ResumeQueue(j.ctx); err != nil {
				return err
			}
			j.noHub()
			return j.done("Deliveries are sent again.")
		}),
	}
}
