package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

// defaultOverlap is how long what a rotation replaces stays good.
const defaultOverlap = 24 * time.Hour

func newOutgoingCommand(r *reach) *cobra.Command {
	return group(&cobra.Command{
		Use:     "outgoing",
		Aliases: []string{"out"},
		Short:   "Manage the subscriptions of your URLs to events",
		Long: `Manage outgoing webhooks: each sends the events that it names to a URL, signed, tried
again when that fails, and logged (hub deliveries).`,
		Example: `  hub webhook outgoing create orders https://example.com/hook --event 'message.*'
  hub webhook outgoing test orders`,
	}, newOutgoingListCommand(r), newOutgoingShowCommand(r), newOutgoingCreateCommand(r), newOutgoingEditCommand(r), newOutgoingTestCommand(r),
		newOutgoingPauseCommand(r), newOutgoingResumeCommand(r), newOutgoingRotateCommand(r), newOutgoingReplayCommand(r),
		newOutgoingDeleteCommand(r))
}

func newOutgoingListCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List outgoing webhooks",
		Long:    "List outgoing webhooks, oldest first, with their state and what came of their deliveries.",
		Example: "  hub webhook outgoing list\n  hub webhook outgoing list --watch",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			return printList(j, j.OutgoingWebhooks(j.ctx), 0,
				"There are no outgoing webhooks yet: `hub webhook outgoing create NAME URL --event EVENT` makes one.",
				func(w client.OutgoingWebhook) string { return w.ID }, []column[client.OutgoingWebhook]{
					{"ID", func(w client.OutgoingWebhook) string { return w.ID }},
					{"NAME", func(w client.OutgoingWebhook) string { return w.Name }},
					{"URL", func(w client.OutgoingWebhook) string { return w.URL }},
					{"EVENTS", func(w client.OutgoingWebhook) string { return strings.Join(w.Events, ",") }},
					{"STATE", outgoingState},
					{"SENT", func(w client.OutgoingWebhook) string { return fmt.Sprint(w.Deliveries["success"]) }},
					{"WAITING", func(w client.OutgoingWebhook) string { return fmt.Sprint(waiting(w.Deliveries)) }},
					{"FAILED", func(w client.OutgoingWebhook) string { return fmt.Sprint(w.Deliveries["failed"]) }},
				})
		}),
	}
	var quiet bool
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

// outgoingState is the state of a webhook, and what is wrong with its endpoint.
func outgoingState(w client.OutgoingWebhook) string {
	if w.Health.BreakerOpen {
		return w.State + ", breaker open"
	}
	return w.State
}

// waiting are the deliveries that are not finished.
func waiting(counts map[string]int64) int64 {
	return counts["pending"] + counts["active"] + counts["retrying"] + counts["held"]
}

// countsText writes the counts by state that are not zero.
func countsText(counts map[string]int64) string {
	var parts []string
	for _, status := range deliveryStatuses {
		if n := counts[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	return orText(strings.Join(parts, ", "), "none")
}

func (j *job) showOutgoing(w client.OutgoingWebhook) error {
	channels := make([]string, len(w.ChannelIDs))
	for i, id := range w.ChannelIDs {
		channels[i] = j.channelName(id)
	}
	retries := fmt.Sprintf("%d, the first after %s", w.MaxRetries, time.Duration(w.RetryDelay)*time.Millisecond)
	if w.RetrySchedule != "" {
		retries = "over " + w.RetrySchedule
	}
	health := "no failures since the last success"
	if w.Health.Failures > 0 {
		health = fmt.Sprintf("%d failures in a row, since %s", w.Health.Failures, clock(w.Health.FailingSince))
	}
	if w.Health.BreakerOpen {
		health += "; breaker open, one probe at a time"
	}
	if !w.Health.WaitUntil.IsZero() {
		health += "; waits until " + clock(w.Health.WaitUntil)
	}
	return j.show(w.ID, "ID", w.ID, "Name", w.Name, "URL", w.URL, "Secret", w.Secret, "State", w.State,
		"Events", strings.Join(w.Events, ", "), "Channels", strings.Join(channels, ", "), "Filter", prettyJSON(string(w.Filter)),
		"Headers", strings.Join(slices.Sorted(maps.Keys(w.Headers)), ", "), "Signing", w.Signing, "Ordering", w.Ordering,
		"Timeout", (time.Duration(w.Timeout) * time.Millisecond).String(), "Retries", retries,
		"Concurrency", fmt.Sprint(w.Concurrency), "Rate limit", perMinute(w.RateLimit), "Endpoint", health,
		"Deliveries", countsText(w.Deliveries), "Old secret until", clock(w.PreviousSecretUntil),
		"Created", clock(w.CreatedAt), "Created by", j.userName(w.CreatedBy))
}

// outgoing is the work of commands on one outgoing webhook that end with showing it.
func (r *reach) outgoing(work func(j *job, id string) (client.OutgoingWebhook, error)) func(*cobra.Command, []string) error {
	return r.job(func(j *job, args []string) error {
		id, err := j.outgoingID(args[0])
		if err != nil {
			return err
		}
		w, err := work(j, id)
		if err != nil {
			return err
		}
		return j.showOutgoing(w)
	})
}

func newOutgoingShowCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "show WEBHOOK",
		Short:             "Show an outgoing webhook",
		Long:              "Show an outgoing webhook with the state of its endpoint. Its secret and the values of its headers are never shown.",
		Example:           "  hub webhook outgoing show orders",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeOutgoing(),
		RunE: r.outgoing(func(j *job, id string) (client.OutgoingWebhook, error) {
			return j.OutgoingWebhook(j.ctx, id)
		}),
	}
	watchFlag(cmd)
	return cmd
}

// outgoingFlags are the fields of an outgoing webhook as flags.
type outgoingFlags struct {
	change
	name, url, secret, filter, schedule, ordering, signing string
	events, channels, headers                              []string
	timeout, delay                                         spanFlag
	retries, rate, concurrency                             int
	enabled                                                bool
}

func (f *outgoingFlags) add(r *reach, cmd *cobra.Command) {
	f.cmd = cmd
	flags := cmd.Flags()
	flags.StringSliceVar(&f.events, "event", nil, "event name or pattern, as in message.*; may be repeated")
	flags.StringSliceVar(&f.channels, "channel", nil, "only events of this channel; may be repeated")
	flags.StringVar(&f.filter, "filter", "", "only events whose data passes this predicate: JSON, @FILE or -")
	flags.StringArrayVar(&f.headers, "header", nil, "custom header, NAME=VALUE or NAME=@FILE; may be repeated")
	flags.Var(&f.timeout, "timeout", "time for one attempt, 1s to 2m")
	flags.IntVar(&f.retries, "max-retries", 0, "retries after the first attempt, 0 to 20")
	flags.Var(&f.delay, "retry-delay", "wait before the first retry; it doubles")
	flags.StringVar(&f.schedule, "retry-schedule", "", "days: nine retries over three days")
	flags.IntVar(&f.rate, "rate-limit", 0, "requests a minute; 0: no limit")
	flags.IntVar(&f.concurrency, "concurrency", 0, "requests in flight, 1 to 100")
	flags.StringVar(&f.ordering, "ordering", "", "conversation or unordered")
	flags.StringVar(&f.signing, "signing", "", "nchat, standard, github or slack")
	flags.BoolVar(&f.enabled, "enabled", true, "make deliveries")
	completeFlag(cmd, "channel", r.completeChannels())
	completeFlag(cmd, "ordering", oneOf("conversation", "unordered"))
	completeFlag(cmd, "signing", oneOf("nchat", "standard", "github", "slack"))
	completeFlag(cmd, "retry-schedule", oneOf("days"))
	completeFlag(cmd, "event", oneOf("*", "message.*", "message.created", "message.updated", "message.deleted", "message.reaction.*", "channel.*",
		"user.*", "thread.*", "file.*"))
}

var outgoingFlagNames = []string{
	"name", "to", "event", "channel", "filter", "header", "timeout", "max-retries", "retry-delay", "retry-schedule", "rate-limit",
	"concurrency", "ordering", "signing", "enabled",
}

func (f *outgoingFlags) fields(j *job) (client.OutgoingWebhookFields, error) {
	none := client.OutgoingWebhookFields{}
	channels, err := j.channelIDs(f.channels)
	if err != nil {
		return none, err
	}
	headers, err := headerValues(j.cmd, f.headers)
	if err != nil {
		return none, err
	}
	var filter any
	if f.filter != "" {
		if filter, err = jsonValue(j.cmd, "--filter", f.filter); err != nil {
			return none, err
		}
	}
	c := &f.change
	return client.OutgoingWebhookFields{
		Events: given(c, "event", f.events), ChannelIDs: given(c, "channel", channels), Filter: given(c, "filter", filter),
		Headers: given(c, "header", headers), Timeout: given(c, "timeout", f.timeout.Milliseconds()),
		MaxRetries: given(c, "max-retries", f.retries), RetryDelay: given(c, "retry-delay", f.delay.Milliseconds()),
		RetrySchedule: given(c, "retry-schedule", f.schedule), RateLimit: given(c, "rate-limit", f.rate),
		Concurrency: given(c, "concurrency", f.concurrency), Ordering: given(c, "ordering", f.ordering),
		Signing: given(c, "signing", f.signing), Enabled: given(c, "enabled", f.enabled),
	}, nil
}

// headerValues reads NAME=VALUE and NAME=@FILE.
func headerValues(cmd *cobra.Command, pairs []string) (map[string]string, error) {
	headers := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usagef("--header: want NAME=VALUE")
		}
		value, err := secretValue(cmd, value)
		if err != nil {
			return nil, err
		}
		headers[strings.TrimSpace(name)] = value
	}
	return headers, nil
}

func newOutgoingCreateCommand(r *reach) *cobra.Command {
	var f outgoingFlags
	var quiet bool
	cmd := &cobra.Command{
		Use:   "create NAME URL --event EVENT...",
		Short: "Make an outgoing webhook",
		Long: `Make an outgoing webhook. The secret that its requests are signed with is printed
once; --secret takes one of your own.`,
		Example: `  hub webhook outgoing create orders https://example.com/hook --event 'message.*' --channel general
  hub webhook outgoing create audit https://example.com/audit --event '*' --secret @secret.txt --retry-schedule days
  hub webhook outgoing create ops https://example.com/ops --event message.created \
      --filter '{"field": "message.content", "contains": "deploy"}'`,
		Args: cobra.ExactArgs(2),
		RunE: r.job(func(j *job, args []string) error {
			fields, err := f.fields(j)
			if err != nil {
				return err
			}
			secret, err := secretValue(j.cmd, f.secret)
			if err != nil {
				return err
			}
			fields.Name, fields.URL, fields.Secret = client.Set(args[0]), client.Set(args[1]), given(&f.change, "secret", secret)
			w, err := j.CreateOutgoingWebhook(j.ctx, fields)
			if err != nil {
				return err
			}
			if err := j.showOutgoing(w); err != nil {
				return err
			}
			if j.quiet {
				j.note("Its secret was not shown; `hub webhook outgoing rotate-secret %s` makes another.", w.ID)
			} else {
				j.note("The secret is shown only now: give it to the receiver.")
			}
			return nil
		}),
	}
	cmd.Flags().StringVar(&f.secret, "secret", "", "secret to sign with, 8 characters or more: TEXT, @FILE or - (default: made by the hub)")
	f.add(r, cmd)
	quietFlag(cmd, &quiet)
	return cmd
}

func newOutgoingEditCommand(r *reach) *cobra.Command {
	var f outgoingFlags
	cmd := &cobra.Command{
		Use:   "edit WEBHOOK",
		Short: "Change an outgoing webhook",
		Long: `Change an outgoing webhook. What no flag names stays as it is; --reset sets back to
the default. Lists (--event, --channel, --header) are replaced as a whole.`,
		Example: `  hub webhook outgoing edit orders --to https://example.com/v2/hook --timeout 10s
  hub webhook outgoing edit orders --reset channel,filter`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeOutgoing(),
		RunE: r.outgoing(func(j *job, id string) (client.OutgoingWebhook, error) {
			if err := f.empty(outgoingFlagNames...); err != nil {
				return client.OutgoingWebhook{}, err
			}
			fields, err := f.fields(j)
			if err != nil {
				return client.OutgoingWebhook{}, err
			}
			fields.Name, fields.URL = given(&f.change, "name", f.name), given(&f.change, "to", f.url)
			return j.UpdateOutgoingWebhook(j.ctx, id, fields, j.onVersion()...)
		}),
	}
	cmd.Flags().StringVar(&f.name, "name", "", "new name")
	cmd.Flags().StringVar(&f.url, "to", "", "new URL to send to")
	f.add(r, cmd)
	versionFlag(cmd)
	f.resetFlag(cmd, "channel", "filter", "header", "timeout", "max-retries", "retry-delay", "retry-schedule", "rate-limit", "concurrency",
		"ordering", "signing")
	return cmd
}

func newOutgoingTestCommand(r *reach) *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "test WEBHOOK",
		Short: "Send a test event to an outgoing webhook",
		Long: `Send the event webhook.test to an outgoing webhook, whatever events it names. With
--wait its delivery is shown when it is finished, and the exit code is 1 unless it
succeeded.`,
		Example:           "  hub webhook outgoing test orders --wait",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeOutgoing(),
		RunE: r.job(func(j *job, args []string) error {
			id, err := j.outgoingID(args[0])
			if err != nil {
				return err
			}
			sent, err := j.TestOutgoingWebhook(j.ctx, id)
			if err != nil {
				return err
			}
			if wait {
				return j.awaitDelivery(sent.DeliveryID)
			}
			j.noHub()
			return j.show(sent.DeliveryID, "Event", sent.EventID, "Delivery", sent.DeliveryID, "Next", "hub deliveries show "+sent.DeliveryID)
		}),
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the first attempt has an outcome, and show it")
	return cmd
}

// noHub says that what was asked for waits, when no hub runs.
func (j *job) noHub() {
	if !j.running {
		j.note("No hub is running: what is to be sent waits until `hub serve` runs.")
	}
}

func newOutgoingPauseCommand(r *reach) *cobra.Command {
	return &cobra.Command{
		Use:               "pause WEBHOOK",
		Short:             "Hold the deliveries of an outgoing webhook",
		Long:              "Hold the deliveries of an outgoing webhook. They are made, and sent or skipped when it is resumed.",
		Example:           "  hub webhook outgoing pause orders",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeOutgoing(),
		RunE: r.outgoing(func(j *job, id string) (client.OutgoingWebhook, error) {
			return j.PauseOutgoingWebhook(j.ctx, id)
		}),
	}
}

func newOutgoingResumeCommand(r *reach) *cobra.Command {
	var skip bool
	cmd := &cobra.Command{
		Use:   "resume WEBHOOK",
		Short: "Send the deliveries of an outgoing webhook again",
		Long: `Send the deliveries of an outgoing webhook again, those that were held first, or
without them with --skip-held. Also enables a webhook that was disabled.`,
		Example:           "  hub webhook outgoing resume orders\n  hub webhook outgoing resume orders --skip-held --yes",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeOutgoing(),
		RunE: r.outgoing(func(j *job, id string) (client.OutgoingWebhook, error) {
			if skip {
				if err := j.confirm("Give up everything that was held?"); err != nil {
					return client.OutgoingWebhook{}, err
				}
			}
			return j.ResumeOutgoingWebhook(j.ctx, id, skip)
		}),
	}
	cmd.Flags().BoolVar(&skip, "skip-held", false, "do not send what was held")
	yesFlag(cmd)
	return cmd
}

func newOutgoingRotateCommand(r *reach) *cobra.Command {
	overlap := spanFlag{defaultOverlap}
	cmd := &cobra.Command{
		Use:   "rotate-secret WEBHOOK",
		Short: "Give an outgoing webhook a new secret",
		Long: `Give an outgoing webhook a new secret, which is printed once. Until the overlap ends
requests are signed with the old one and the new one.`,
		Example:           "  hub webhook outgoing rotate-secret orders --overlap 48h",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeOutgoing(),
		RunE: r.job(func(j *job, args []string) error {
			id, err := j.outgoingID(args[0])
			if err != nil {
				return err
			}
			rotated, err := j.RotateSecret(j.ctx, id, overlap.Duration)
			if err != nil {
				return err
			}
			if err := j.show(id, "Secret", rotated.Secret, "Old secret until", clock(rotated.PreviousSecretUntil)); err != nil {
				return err
			}
			j.note("The secret is shown only now: give it to the receiver.")
			return nil
		}),
	}
	cmd.Flags().Var(&overlap, "overlap", "how long requests are signed with the old secret, too, 7d at most")
	return cmd
}

// replayFlags choose finished deliveries.
type replayFlags struct {
	status       string
	since, until whenFlag
	dryRun, wait bool
	rate         int
}

func (f *replayFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.status, "status", "failed", "what to send again: failed, success or canceled")
	flags.Var(&f.since, "since", "only of events since then, as in 2h or 2026-02-01")
	flags.Var(&f.until, "until", "only of events before then")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only count")
	flags.IntVar(&f.rate, "rate", 0, "send so many a minute; 0: as fast as the webhook's limits allow")
	flags.BoolVar(&f.wait, "wait", false, "wait until nothing of the webhook is waiting to be sent, and show how far it is")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "wait")
	completeFlag(cmd, "status", oneOf("failed", "success", "canceled"))
	yesFlag(cmd)
}

const replayLong = `Send finished deliveries of an outgoing webhook again. They keep their ids, by which
receivers know that they have seen them, and continue their count of attempts.
--dry-run counts. More than 20 are sent only after a confirmation.`

func newOutgoingReplayCommand(r *reach) *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay WEBHOOK",
		Short: "Send finished deliveries again",
		Long:  replayLong,
		Example: `  hub webhook outgoing replay orders --since 2h --dry-run
  hub webhook outgoing replay orders --since 2h --rate 600 --wait`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeOutgoing(),
		RunE:              r.job(func(j *job, args []string) error { return j.replay(args[0], f) }),
	}
	f.add(cmd)
	return cmd
}

func (j *job) replay(webhook string, f replayFlags) error {
	id, err := j.outgoingID(webhook)
	if err != nil {
		return err
	}
	asked := client.Replay{Status: f.status, Since: f.since.Time, Until: f.until.Time, DryRun: true, RatePerMinute: f.rate}
	n, err := j.ReplayOutgoingWebhook(j.ctx, id, asked)
	if err != nil {
		return err
	}
	if !f.dryRun {
		if n > replayUnasked {
			if err := j.confirm("Send %s deliveries of %s again?", amount(int64(n), false), webhook); err != nil {
				return err
			}
		}
		asked.DryRun = false
		if n, err = j.ReplayOutgoingWebhook(j.ctx, id, asked); err != nil {
			return err
		}
		j.noHub()
		if f.wait && j.running {
			if err := j.awaitReplay(id, int64(n)); err != nil {
				return err
			}
		}
	}
	switch {
	case j.json:
		return j.document(j.said.last())
	case f.dryRun:
		_, err = fmt.Fprintf(j.out, "%s deliveries would be sent again; nothing was (--dry-run).\n", amount(int64(n), false))
	default:
		_, err = fmt.Fprintf(j.out, "%s deliveries are sent again.\n", amount(int64(n), false))
	}
	return err
}

func newOutgoingDeleteCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "delete WEBHOOK...",
		Short:             "Delete outgoing webhooks",
		Long:              "Delete outgoing webhooks. What was not sent yet is canceled; their log stays.",
		Example:           "  hub webhook outgoing delete orders --yes",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: r.completeOutgoing(),
		RunE: r.job(func(j *job, args []string) error {
			if err := j.confirm("Delete the outgoing webhook %s for good, with what it has not sent yet?", join(args, "and")); err != nil {
				return err
			}
			return j.each(args, func(arg string) error {
				id, err := j.outgoingID(arg)
				if err != nil {
					return err
				}
				if err := j.DeleteOutgoingWebhook(j.ctx, id); err != nil {
					return err
				}
				return j.done("Deleted the outgoing webhook %s.", arg)
			})
		}),
	}
	yesFlag(cmd)
	return cmd
}

// prettyJSON indents what is JSON, and leaves other text as it is.
func prettyJSON(text string) string {
	if !json.Valid([]byte(text)) {
		return text
	}
	return prettyBody(arrival{Body: json.RawMessage(`{"data":` + text + `}`)})
}
