package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/client"
)

func newEventCommand(r *reach) *cobra.Command {
	return r.noun(&cobra.Command{
		Use:     "event",
		Aliases: []string{"events"},
		Short:   "Send events, and see those that happened",
		Long: `Send events of your own to the outgoing webhooks that name them, list what happened
in the hub, and follow it as it happens.`,
		Example: "  hub event trigger order.created --data '{\"id\": 17}'\n  hub event tail --type 'message.*'",
	}, newEventTriggerCommand(r), newEventListCommand(r), newEventShowCommand(r), newEventTailCommand(r))
}

func newEventTriggerCommand(r *reach) *cobra.Command {
	var data, key, user string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "trigger NAME",
		Short: "Send an event",
		Long: `Send an event: it goes to every outgoing webhook that names it. When the command
ends, the event and its deliveries are on disk.`,
		Example: `  hub event trigger order.created --data '{"id": 17}'
  jq -c . order.json | hub event trigger order.created --data - --key order-17`,
		Args: cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			raw, err := jsonValue(j.cmd, "--data", data)
			if err != nil {
				return err
			}
			p := client.Publication{Event: args[0], Data: raw, Key: key}
			if user != "" {
				if p.TriggeredBy, err = j.triggeredBy(user); err != nil {
					return err
				}
			}
			sent, err := j.Publish(j.ctx, p)
			if err != nil {
				return err
			}
			if sent.Deliveries > 0 {
				j.noHub()
			}
			return j.show(sent.EventID, "Event", sent.EventID, "Deliveries", fmt.Sprint(sent.Deliveries))
		}),
	}
	cmd.Flags().StringVar(&data, "data", "{}", "what happened: JSON, @FILE or -")
	cmd.Flags().StringVar(&key, "key", "", "sent once, however often it is called with the same key in a day")
	cmd.Flags().StringVar(&user, "user", "", "user who caused it (default: who sends it)")
	quietFlag(cmd, &quiet)
	return cmd
}

func (j *job) triggeredBy(user string) (*client.TriggeredBy, error) {
	id, err := j.userID(user)
	if err != nil {
		return nil, err
	}
	return &client.TriggeredBy{UserID: id, Username: j.userName(id)}, nil
}

func actorText(e client.Event) string {
	if e.TriggeredBy == nil {
		return ""
	}
	return orText(e.TriggeredBy.Username, e.TriggeredBy.UserID)
}

func newEventListCommand(r *reach) *cobra.Command {
	var pattern string
	var limit int
	var quiet bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List events",
		Long:    "List the events that you may see, newest first.",
		Example: "  hub event list --type 'message.*' --limit 10",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			return printList(j, j.EventLog(j.ctx, pattern, atMost(limit)), limit, "There are no such events.", func(e client.Event) string { return e.ID },
				[]column[client.Event]{
					{"ID", func(e client.Event) string { return e.ID }},
					{"TIME", func(e client.Event) string { return clock(e.Timestamp) }},
					{"EVENT", func(e client.Event) string { return e.Event }},
					{"CHANNEL", func(e client.Event) string { return j.channelName(e.ChannelID) }},
					{"BY", actorText},
				})
		}),
	}
	cmd.Flags().StringVar(&pattern, "type", "", "only this event name or pattern, as in message.*")
	limitFlag(cmd, &limit)
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

func newEventShowCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show EVENT",
		Short:   "Show an event with its data",
		Long:    "Show an event with its data.",
		Example: "  hub event show 01a20028-dd55-7000-8b7e-02788dca0b21",
		Args:    cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			e, err := j.Event(j.ctx, args[0])
			if err != nil {
				return err
			}
			return j.show(e.ID, "ID", e.ID, "Number", fmt.Sprint(e.Seq), "Event", e.Event, "Time", clock(e.Timestamp),
				"Channel", j.channelName(e.ChannelID), "By", actorText(e), "Origin", originText(e.Origin), "Trace", e.TraceID,
				"Data", prettyJSON(string(e.Data)))
		}),
	}
	watchFlag(cmd)
	return cmd
}

func originText(o client.Origin) string {
	text := o.Kind
	if o.ID != "" {
		text += " " + o.ID
	}
	if o.Hop > 0 {
		text += fmt.Sprintf(", through %d hubs", o.Hop)
	}
	return text
}

func newEventTailCommand(r *reach) *cobra.Command {
	var pattern string
	var after int64
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Follow events as they happen",
		Long: `Follow events as they happen, a line each, until Ctrl-C. When the connection breaks
it goes on where it stopped. --after begins in the past.`,
		Example: "  hub event tail --type 'message.*'\n  hub event tail --after 0 --json | jq -c .data",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			if pattern != "" && !hub.ValidEventPattern(pattern) {
				return usagef("--type: want an event name or pattern, as in message.created or message.*")
			}
			if err := j.follows(); err != nil {
				return err
			}
			following := []client.StreamOption{client.WithBreaks(func(err error) {
				if j.ctx.Err() == nil {
					j.note("The connection broke (%s); it is made again.", oneLine(strings.TrimPrefix(err.Error(), "hub: ")))
				}
			})}
			if pattern != "" {
				following = append(following, client.WithPattern(pattern))
			}
			j.note("Following events; Ctrl-C ends it.")
			for e, err := range j.Events(j.ctx, after, following...) {
				if err != nil {
					return err
				}
				if err := j.printEvent(e); err != nil {
					return err
				}
			}
			if j.ctx.Err() != nil {
				return j.ctx.Err()
			}
			return fail(exitUnavailable, "the stream of events has ended")
		}),
	}
	cmd.Flags().StringVar(&pattern, "type", "", "only this event name or pattern, as in message.*")
	cmd.Flags().Int64Var(&after, "after", client.Now, "begin after the event with this number; 0: with the oldest that is kept")
	cmd.Flags().Lookup("after").DefValue = "now"
	return cmd
}

func (j *job) printEvent(e client.Event) error {
	if j.json {
		raw, err := json.Marshal(e)
		if err != nil {
			return err
		}
		return j.object(raw)
	}
	line := fmt.Sprintf("%s  %s  %s", clock(e.Timestamp), oneLine(e.Event), oneLine(actorText(e)))
	if e.ChannelID != "" {
		line += "  " + oneLine(j.channelName(e.ChannelID))
	}
	line += "  " + oneLine(string(e.Data))
	if j.width > 0 {
		line = cut(line, j.width)
	}
	_, err := fmt.Fprintln(j.out, line)
	return err
}
