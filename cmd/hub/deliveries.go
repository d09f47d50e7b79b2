package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
	"github.com/nself-chat/hub/internal/app"
)

// deliveryStatuses are the states of a delivery.
var deliveryStatuses = []string{"pending", "active", "retrying", "held", "success", "failed", "canceled"}

func newDeliveriesCommand(r *reach) *cobra.Command {
	return r.noun(&cobra.Command{
		Use:     "deliveries",
		Aliases: []string{"delivery"},
		Short:   "See what was sent, and send it again",
		Long: `See what outgoing webhooks sent, each attempt with what was decided after it and why,
follow it as it happens, and send it again.`,
		Example: `  hub deliveries list --status failed --since 2h
  hub deliveries tail --webhook orders`,
	}, newDeliveriesListCommand(r), newDeliveriesShowCommand(r), newDeliveriesRetryCommand(r), newDeliveriesReplayCommand(r),
		newDeliveriesCancelCommand(r), newDeliveriesTailCommand(r))
}

// deliveryFlags select deliveries.
type deliveryFlags struct {
	webhook, status, event string
	since, until           whenFlag
}

func (f *deliveryFlags) add(r *reach, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.webhook, "webhook", "", "only of this outgoing webhook")
	flags.StringVar(&f.status, "status", "", "only in this state: "+join(deliveryStatuses, "or"))
	flags.StringVar(&f.event, "event", "", "only of this event name or pattern, as in message.*")
	completeFlag(cmd, "webhook", r.completeOutgoing())
	completeFlag(cmd, "status", oneOf(deliveryStatuses...))
}

func (f *deliveryFlags) addTimes(cmd *cobra.Command) {
	cmd.Flags().Var(&f.since, "since", "only of events since then, as in 2h or 2026-02-01")
	cmd.Flags().Var(&f.until, "until", "only of events before then")
}

func (f *deliveryFlags) query(j *job) (client.DeliveryQuery, error) {
	if f.status != "" && !slices.Contains(deliveryStatuses, f.status) {
		return client.DeliveryQuery{}, usagef("--status is %s", join(deliveryStatuses, "or"))
	}
	webhook, err := unless(f.webhook, j.outgoingID)
	return client.DeliveryQuery{WebhookID: webhook, Status: f.status, Event: f.event, Since: f.since.Time, Until: f.until.Time}, err
}

func newDeliveriesListCommand(r *reach) *cobra.Command {
	var f deliveryFlags
	var limit int
	var quiet bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List deliveries",
		Long:  "List deliveries, newest first.",
		Example: `  hub deliveries list --status failed --since 2h
  hub deliveries list --webhook orders --event 'message.*' --limit 0 --quiet | xargs hub deliveries retry --yes`,
		Args: cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			q, err := f.query(j)
			if err != nil {
				return err
			}
			return printList(j, j.Deliveries(j.ctx, q, atMost(limit)), limit, "There are no such deliveries.",
				func(d client.Delivery) string { return d.ID }, []column[client.Delivery]{
					{"ID", func(d client.Delivery) string { return d.ID }},
					{"CREATED", func(d client.Delivery) string { return clock(d.CreatedAt) }},
					{"EVENT", func(d client.Delivery) string { return d.Event }},
					{"WEBHOOK", func(d client.Delivery) string { return j.outgoingName(d.WebhookID) }},
					{"STATUS", func(d client.Delivery) string { return d.Status }},
					{"ATTEMPTS", func(d client.Delivery) string { return fmt.Sprint(d.Attempts) }},
					{"LAST", lastOutcome},
				})
		}),
	}
	f.add(r, cmd)
	f.addTimes(cmd)
	limitFlag(cmd, &limit)
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

// lastOutcome is what the last attempt came to.
func lastOutcome(d client.Delivery) string {
	return strings.TrimSpace(number(d.LastStatus) + " " + d.LastError)
}

func newDeliveriesShowCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show DELIVERY",
		Short: "Show a delivery with its request and its attempts",
		Long: `Show a delivery: the request as it was sent, and each attempt with the answer, what
was decided after it, and why.`,
		Example: "  hub deliveries show 01a20028-dd55-7000-8b7e-02788dca0b21",
		Args:    cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			d, err := j.Delivery(j.ctx, args[0])
			if err != nil {
				return err
			}
			return j.showDelivery(d)
		}),
	}
	watchFlag(cmd)
	return cmd
}

func (j *job) deliveryFields(d client.Delivery) []string {
	return []string{
		"ID", d.ID, "Event", d.Event + "  " + d.EventID, "Webhook", j.outgoingName(d.WebhookID), "Status", d.Status, "Attempts", fmt.Sprint(d.Attempts),
		"Next attempt", clock(d.ScheduledFor), "Last", lastOutcome(d), "Order key", d.OrderKey, "Created", clock(d.CreatedAt),
		"Finished", clock(d.FinishedAt),
	}
}

func (j *job) showDelivery(d client.Delivery) error {
	if err := j.show(d.ID, j.deliveryFields(d)...); err != nil || j.json || j.quiet {
		return err
	}
	if d.Request != nil {
		fmt.Fprintln(j.out, "\nRequest")
		var headers strings.Builder
		for _, name := range slices.Sorted(maps.Keys(d.Request.Headers)) {
			fmt.Fprintf(&headers, "%s: %s\n", name, strings.Join(d.Request.Headers[name], ", "))
		}
		if err := printIndented(j, headers.String()+"\n"+prettyWhole(d.Request.Body)); err != nil {
			return err
		}
	}
	for _, a := range d.Log {
		if err := j.showAttempt(a); err != nil {
			return err
		}
	}
	return nil
}

// showAttempt prints an attempt: what came of it, and what was decided and why.
func (j *job) showAttempt(a client.Attempt) error {
	answer := a.Error
	if a.ResponseStatus > 0 {
		answer = strings.TrimSpace(fmt.Sprintf("%d %s %s", a.ResponseStatus, http.StatusText(a.ResponseStatus), a.Error))
	}
	result := a.Result
	if result != "success" {
		result = j.paint(red, result)
	} else {
		result = j.paint(green, result)
	}
	if _, err := fmt.Fprintf(j.out, "\nAttempt %d  %s  %s\n", a.Number, clock(a.StartedAt), result); err != nil {
		return err
	}
	body := prettyWhole(a.ResponseBody)
	if a.Truncated {
		body += "\n… (the rest was not kept)"
	}
	var b strings.Builder
	if err := printFields(&b, "Answer", answer, "Took", millis(a.Duration), "From", a.RemoteAddr, "Decided", a.Reason,
		"Next attempt", clock(a.ScheduledFor), "Headers", rawHeaders(a.ResponseHeaders), "Body", body); err != nil {
		return err
	}
	return printIndented(j, b.String())
}

// rawHeaders writes headers as they come in JSON; "" when they cannot be read.
func rawHeaders(raw json.RawMessage) string {
	var many map[string][]string
	if json.Unmarshal(raw, &many) == nil {
		one := make(map[string]string, len(many))
		for name, values := range many {
			one[name] = strings.Join(values, ", ")
		}
		return headerText(one)
	}
	var one map[string]string
	if json.Unmarshal(raw, &one) == nil {
		return headerText(one)
	}
	return ""
}

// prettyWhole indents a body that is JSON.
func prettyWhole(body string) string { return prettyJSON(body) }

func printIndented(j *job, text string) error {
	text = visible(strings.TrimRight(text, "\n"), 4*maxShown)
	_, err := fmt.Fprintln(j.out, "  "+strings.ReplaceAll(text, "\n", "\n  "))
	return err
}

func newDeliveriesRetryCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "retry DELIVERY...",
		Short:   "Send deliveries again",
		Long:    "Send deliveries again, at once. They keep their ids and continue their count of attempts.",
		Example: "  hub deliveries retry 01a20028-dd55-7000-8b7e-02788dca0b21\n  hub deliveries list --status failed -q | xargs hub deliveries retry --yes",
		Args:    cobra.MinimumNArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			if len(args) > replayUnasked {
				if err := j.confirm("Send %d deliveries again?", len(args)); err != nil {
					return err
				}
			}
			err := j.each(args, func(arg string) error {
				d, err := j.RetryDelivery(j.ctx, arg)
				if err != nil {
					return err
				}
				return j.changedDelivery(d, "is sent again")
			})
			j.noHub()
			return err
		}),
	}
	yesFlag(cmd)
	return cmd
}

// changedDelivery says what became of a delivery.
func (j *job) changedDelivery(d client.Delivery, what string) error {
	if j.json {
		return j.document(j.said.last())
	}
	_, err := fmt.Fprintf(j.out, "%s (%s to %s) %s.\n", d.ID, oneLine(d.Event), oneLine(j.outgoingName(d.WebhookID)), what)
	return err
}

func newDeliveriesReplayCommand(r *reach) *cobra.Command {
	var f replayFlags
	var webhook string
	cmd := &cobra.Command{
		Use:     "replay --webhook WEBHOOK",
		Short:   "Send finished deliveries of a webhook again",
		Long:    replayLong,
		Example: "  hub deliveries replay --webhook orders --since 2h --dry-run\n  hub deliveries replay --webhook orders --since 2h --yes",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			if webhook == "" {
				return usagef("--webhook is required: whose deliveries are sent again")
			}
			return j.replay(webhook, f)
		}),
	}
	cmd.Flags().StringVar(&webhook, "webhook", "", "outgoing webhook whose deliveries are sent again")
	completeFlag(cmd, "webhook", r.completeOutgoing())
	f.add(cmd)
	return cmd
}

func newDeliveriesCancelCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "cancel DELIVERY...",
		Short:   "Give unfinished deliveries up",
		Long:    "Give unfinished deliveries up. They stay in the log, and can be sent again.",
		Example: "  hub deliveries cancel 01a20028-dd55-7000-8b7e-02788dca0b21 --yes",
		Args:    cobra.MinimumNArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			if err := j.confirm("Give %s up?", deliveriesText(args)); err != nil {
				return err
			}
			return j.each(args, func(arg string) error {
				d, err := j.CancelDelivery(j.ctx, arg)
				if err != nil {
					return err
				}
				return j.changedDelivery(d, "is canceled")
			})
		}),
	}
	yesFlag(cmd)
	return cmd
}

func deliveriesText(ids []string) string {
	if len(ids) == 1 {
		return "the delivery " + ids[0]
	}
	return fmt.Sprintf("%d deliveries", len(ids))
}

// pollEvery is how often something is asked for that the hub does not tell of by itself.
const pollEvery = 500 * time.Millisecond

// awaitDelivery shows a delivery when its first attempt has an outcome, and fails unless that
// is a success.
func (j *job) awaitDelivery(id string) error {
	if !j.running {
		return fail(exitUnavailable, "no hub is running that could send it: `hub serve` starts one")
	}
	for {
		j.said.forget()
		d, err := j.Delivery(j.ctx, id)
		if err != nil {
			return err
		}
		switch d.Status {
		case "pending", "active":
			if err := pause(j.ctx, pollEvery/5); err != nil {
				return err
			}
			continue
		}
		if err := j.showDelivery(d); err != nil {
			return err
		}
		if d.Status != "success" {
			return fail(exitFailed, "the delivery is %s: %s", d.Status, orText(lastOutcome(d), "nothing was sent"))
		}
		return nil
	}
}

// awaitReplay shows how far n deliveries are that a webhook sends again, until none is
// waiting, or what waits is held.
func (j *job) awaitReplay(id string, n int64) (err error) {
	progress := newProgress(j.err, j.json)
	defer progress.end()
	j.aside(func() {
		for {
			var w client.OutgoingWebhook
			if w, err = j.OutgoingWebhook(j.ctx, id); err != nil {
				return
			}
			left := waiting(w.Deliveries) - w.Deliveries["held"]
			progress.show(app.Progress{Step: "sending again", Done: max(0, n-left), Total: n})
			if left == 0 {
				return
			}
			if err = pause(j.ctx, pollEvery); err != nil {
				return
			}
		}
	})
	return err
}
