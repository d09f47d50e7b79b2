package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

const (
	// tailLate is how many deliveries are read at once that were read before.
	tailLate = 50
)

func newDeliveriesTailCommand(r *reach) *cobra.Command {
	var f deliveryFlags
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Follow deliveries as they are made and get their outcomes",
		Long: `Follow deliveries: a line for each one that is made, and one whenever its state
changes, until Ctrl-C. What was unfinished at the beginning is followed as well.`,
		Example: "  hub deliveries tail --webhook orders\n  hub deliveries tail --status failed --json",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			if err := j.follows(); err != nil {
				return err
			}
			q, err := f.query(j)
			if err != nil {
				return err
			}
			t := &tail{job: j, status: q.Status, seen: map[string]seenDelivery{}, query: q, printed: true}
			t.query.Status = ""
			return t.run()
		}),
	}
	f.add(r, cmd)
	return cmd
}

// tail follows deliveries.
type tail struct {
	*job
	query   client.DeliveryQuery
	status  string // print only what comes to this state; "": everything
	seen    map[string]seenDelivery
	newest  string // id of the newest delivery that was read: ids are in order of time
	printed bool   // what is read is printed
}

// seenDelivery is what was last known of an unfinished delivery.
type seenDelivery struct {
	status   string
	attempts int
	due      time.Time
}

func (t *tail) run() error {
	t.printed = false
	for _, status := range []string{"pending", "active", "retrying", "held"} {
		q := t.query
		q.Status = status
		if err := t.read(q, tailLate); err != nil {
			return err
		}
	}
	if err := t.read(t.query, 1); err != nil {
		return err
	}
	t.printed = true
	t.note("Following deliveries; Ctrl-C ends it.")
	for {
		if err := pause(t.ctx, pollEvery); err != nil {
			return err
		}
		if err := t.poll(); err != nil && !temporary(err) {
			return err
		}
	}
}

// temporary reports whether the hub may answer again later.
func temporary(err error) bool {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return e.Temporary()
	}
	return unreachable(err) || errors.Is(err, io.ErrUnexpectedEOF) // it ended within an answer
}

// poll reads what is new, and what became of what is unfinished.
func (t *tail) poll() error {
	began := t.newest
	if err := t.read(t.query, tailLate); err != nil {
		return err
	}
	asked := 0
	for id, was := range t.seen {
		if id > began || was.due.After(time.Now()) || was.status == "held" {
			continue
		}
		if asked++; asked > tailLate {
			break
		}
		t.said.forget()
		d, err := t.Delivery(t.ctx, id)
		if client.CodeOf(err) == client.CodeNotFound { // it went with its webhook
			delete(t.seen, id)
			continue
		}
		if err != nil {
			return err
		}
		if err := t.tell(d, t.said.last()); err != nil {
			return err
		}
	}
	return nil
}

// read tells of the deliveries of a list, from the oldest of them on: all that are new once what is read is
// printed, and most of the others.
func (t *tail) read(q client.DeliveryQuery, most int) error {
	began := t.newest
	t.said.forget()
	var all []client.Delivery
	for d, err := range t.Deliveries(t.ctx, q) {
		if err != nil {
			return err
		}
		if len(all) >= most && (!t.printed || d.ID <= began) {
			break
		}
		all = append(all, d)
	}
	raw, err := t.said.items(len(all))
	if err != nil {
		return err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if t.printed && all[i].ID <= began && t.seen[all[i].ID] == (seenDelivery{}) {
			continue // it was finished before
		}
		var doc json.RawMessage
		if i < len(raw) {
			doc = raw[i]
		}
		if err := t.tell(all[i], doc); err != nil {
			return err
		}
	}
	return t.ctx.Err()
}

// tell prints what is new about a delivery.
func (t *tail) tell(d client.Delivery, raw json.RawMessage) error {
	is := seenDelivery{d.Status, d.Attempts, d.ScheduledFor}
	was := t.seen[d.ID]
	t.newest = max(t.newest, d.ID)
	switch d.Status {
	case "success", "failed", "canceled":
		delete(t.seen, d.ID)
	default:
		t.seen[d.ID] = is
	}
	if !t.printed || was.status == is.status && was.attempts == is.attempts || t.status != "" && t.status != d.Status {
		return nil
	}
	if t.json {
		return t.object(withoutDetail(raw))
	}
	line := fmt.Sprintf("%s  %s  %s  %s to %s", clock(time.Now()), oneLine(d.ID), t.paint(stateColour(d.Status), fmt.Sprintf("%-8s", oneLine(d.Status))),
		oneLine(d.Event), oneLine(t.outgoingName(d.WebhookID)))
	if d.Attempts > 0 {
		line += fmt.Sprintf("  attempt %d", d.Attempts)
	}
	if last := lastOutcome(d); last != "" {
		line += "  " + oneLine(last)
	}
	if d.Status == "retrying" {
		line += "  again at " + clock(d.ScheduledFor)
	}
	_, err := fmt.Fprintln(t.out, strings.TrimRight(line, " "))
	return err
}

// withoutDetail leaves out of a delivery what a list does not show.
func withoutDetail(raw json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return raw
	}
	if fields["log"] == nil && fields["request"] == nil {
		return raw
	}
	delete(fields, "log")
	delete(fields, "request")
	short, err := json.Marshal(fields)
	if err != nil {
		return raw
	}
	return short
}
