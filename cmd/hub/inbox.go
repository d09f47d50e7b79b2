package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

// replayUnasked is how much is sent or posted again without a question.
const replayUnasked = 20

func newInboxCommand(r *reach) *cobra.Command {
	return r.noun(&cobra.Command{
		Use:   "inbox",
		Short: "Look at everything that was posted to the hub",
		Long: `Look at the calls of all incoming webhooks, deleted ones too, and at those whose token
was nobody's.`,
		Example: "  hub inbox list\n  hub inbox show 01a20028-dd55-7000-8b7e-02788dca0b21",
	}, newInboxListCommand(r), newInboxShowCommand(r), newInboxReplayCommand(r))
}

func callID(c client.Call) string { return c.ID }

// callColumns are the columns of calls, of all webhooks or of one.
func (j *job) callColumns(webhook bool) []column[client.Call] {
	columns := []column[client.Call]{
		{"ID", callID},
		{"TIME", func(c client.Call) string { return clock(c.CreatedAt) }},
		{"WEBHOOK", func(c client.Call) string { return orText(j.incomingName(c.IncomingID), "-") }},
		{"FROM", func(c client.Call) string { return c.RemoteIP }},
		{"DIALECT", func(c client.Call) string { return c.Dialect }},
		{"STATUS", func(c client.Call) string { return fmt.Sprint(c.Status) }},
		{"VERDICT", func(c client.Call) string { return c.Verdict }},
		{"REASON", func(c client.Call) string { return c.Reason }},
	}
	if !webhook {
		columns = slices.Delete(columns, 2, 3)
	}
	return columns
}

func newInboxListCommand(r *reach) *cobra.Command {
	var limit int
	var quiet bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the calls of all incoming webhooks",
		Long:    "List the calls of all incoming webhooks, newest first, with the verdict on each.",
		Example: "  hub inbox list --limit 10\n  hub inbox list --json | jq '.[] | select(.verdict != \"accepted\")'",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			return printList(j, j.Inbox(j.ctx, atMost(limit)), limit, "Nothing was posted to the hub yet.", callID, j.callColumns(true))
		}),
	}
	limitFlag(cmd, &limit)
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

func newInboxShowCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show CALL",
		Short:   "Show a call with its body",
		Long:    "Show a call with its headers, its body, what was answered and what came of it. Secrets in it are masked.",
		Example: "  hub inbox show 01a20028-dd55-7000-8b7e-02788dca0b21",
		Args:    cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			call, err := j.InboxCall(j.ctx, args[0])
			if err != nil {
				return err
			}
			return j.showCall(call)
		}),
	}
	watchFlag(cmd)
	return cmd
}

func (j *job) showCall(c client.Call) error {
	content := ""
	switch {
	case c.Rendered != nil:
		content = c.Rendered.Content
	case c.Message != nil:
		content = c.Message.Content
	}
	var events []string
	for _, e := range c.Events {
		events = append(events, fmt.Sprintf("%s  %s", e.Event, e.ID))
		for _, d := range e.Deliveries {
			events = append(events, fmt.Sprintf("  to %s  %s  %s", j.outgoingName(d.WebhookID), d.ID, d.Status))
		}
	}
	return j.show(c.ID, "ID", c.ID, "Time", clock(c.CreatedAt), "Webhook", j.incomingName(c.IncomingID), "From", c.RemoteIP,
		"Verdict", c.Verdict, "Reason", c.Reason, "Dialect", c.Dialect, "Known by", c.RecognisedBy,
		"Answered", strings.TrimSpace(fmt.Sprintf("%d %s", c.Status, http.StatusText(c.Status))), "Took", millis(c.Duration),
		"Size", fmt.Sprintf("%d bytes", c.BodySize), "Message", c.MessageID, "Says", content, "Events", strings.Join(events, "\n"),
		"Query", c.Query, "Headers", headerText(c.Headers), "Body", prettyJSON(c.Body), "Answer", prettyJSON(c.Answer))
}

func millis(ms float64) string { return fmt.Sprintf("%.1f ms", ms) }

func headerText(headers map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		fmt.Fprintf(&b, "%s: %s\n", name, headers[name])
	}
	return b.String()
}

func newInboxReplayCommand(r *reach) *cobra.Command {
	var f readingFlags
	cmd := &cobra.Command{
		Use:   "replay CALL...",
		Short: "Post calls again",
		Long: `Post calls again, read as their webhooks are set now. --dry-run shows what would be
posted. A call whose token was nobody's has nowhere to go.`,
		Example: "  hub inbox replay 01a20028-dd55-7000-8b7e-02788dca0b21 --dry-run",
		Args:    cobra.MinimumNArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			return j.replayCalls(args, &f,
				func(call string) (string, error) {
					c, err := j.InboxCall(j.ctx, call)
					if err == nil && c.IncomingID == "" {
						err = fail(exitConflict, "the token of the call %s was nobody's: there is no webhook to post it", call)
					}
					return c.IncomingID, err
				},
				func(call string) (client.Call, error) { return j.ReplayInbox(j.ctx, call) })
		}),
	}
	f.add(cmd)
	return cmd
}

// readingFlags say how calls are read that are posted again.
type readingFlags struct {
	change
	dryRun        bool
	key, fieldMap string
}

func (f *readingFlags) add(cmd *cobra.Command) {
	f.cmd = cmd
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be posted; post nothing")
	cmd.Flags().StringVar(&f.key, "key-template", "", "with --dry-run: try this one instead of the webhook's; '' is none")
	cmd.Flags().StringVar(&f.fieldMap, "field-map", "", "with --dry-run: try this one instead of the webhook's, JSON, @FILE or -; '' is none")
	yesFlag(cmd)
}

func (f *readingFlags) fields(j *job) (client.ReadingFields, error) {
	flags := j.cmd.Flags()
	if !f.dryRun && (flags.Changed("key-template") || flags.Changed("field-map")) {
		return client.ReadingFields{}, usagef("--key-template and --field-map are tried with --dry-run; `hub webhook incoming edit` sets them")
	}
	fieldMap, err := fieldMapValue(j.cmd, f.fieldMap)
	out := client.ReadingFields{KeyTemplate: given(&f.change, "key-template", f.key), FieldMap: given(&f.change, "field-map", fieldMap)}
	if f.key == "" && flags.Changed("key-template") {
		out.KeyTemplate = client.Null[string]()
	}
	if f.fieldMap == "" && flags.Changed("field-map") {
		out.FieldMap = client.Null[client.FieldMap]()
	}
	return out, err
}

// replayCalls posts calls again, or shows what they would be.
func (j *job) replayCalls(
	calls []string, f *readingFlags, webhook func(call string) (id string, err error), replay func(call string) (client.Call, error),
) error {
	reading, err := f.fields(j)
	if err != nil {
		return err
	}
	if len(calls) > replayUnasked && !f.dryRun {
		if err := j.confirm("Post %d calls again?", len(calls)); err != nil {
			return err
		}
	}
	return j.each(calls, func(call string) error {
		if f.dryRun {
			id, err := webhook(call)
			if err != nil {
				return err
			}
			read, err := j.PreviewCall(j.ctx, id, call, reading)
			if err != nil {
				return err
			}
			return j.showReading(call, read)
		}
		again, err := replay(call)
		if err != nil {
			return err
		}
		return j.showCall(again)
	})
}

func (j *job) showReading(call string, r client.Reading) error {
	var losses, cards, files []string
	for _, l := range r.Losses {
		losses = append(losses, fmt.Sprintf("%d %s %s", l.Count, l.Kind, l.Done))
	}
	for _, e := range r.Embeds {
		cards = append(cards, embedText(e))
	}
	for _, f := range r.Attachments {
		files = append(files, f.Filename)
	}
	return j.show(call, "Call", call, "Would be", "posted; nothing was (--dry-run)", "Dialect", r.Dialect, "Known by", r.RecognisedBy, "About", r.Key,
		"Replies to", r.Thread, "Shows as", r.Username, "Says", r.Content, "Cards", strings.Join(cards, "\n"), "Files", strings.Join(files, "\n"),
		"Left out", strings.Join(losses, ", "), "Remarks", r.Remarks)
}
