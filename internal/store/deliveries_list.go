package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// conditions collects the parts of a WHERE clause with their arguments.
type conditions struct {
	parts []string
	args  []any
}

// add appends a condition; a %s in it stands for the argument's placeholder.
func (c *conditions) add(condition string, arg any) {
	c.args = append(c.args, arg)
	c.parts = append(c.parts, fmt.Sprintf(condition, c.last()))
}

// last is the placeholder of the argument added last.
func (c *conditions) last() string { return fmt.Sprintf("$%d", len(c.args)) }

// lookedAt is how many rows a page looks at of which it keeps those that a filter
// without an index wants: what is rare, or not there at all, is not looked for
// through millions of rows in one call. Rows that an index only leads to, one by
// one, are dearer than those of the key itself.
const (
	lookedAt   = 5000
	lookedAtBy = 1500
)

// Deliveries returns at most q.Limit deliveries that q selects, newest first, and
// where the next page begins, "" when there is none. A page can hold fewer and not
// be the last, when it was filtered by an event or by a state that most are in.
func (s *Store) Deliveries(ctx context.Context, q hub.DeliveryQuery) (page []hub.Delivery, next hub.DeliveryID, err error) {
	l, err := s.listOf(q)
	if err != nil {
		return nil, "", err
	}
	if len(l.filters) == 0 {
		return l.read(ctx, s.readers, q.Limit)
	}
	// What moves between the two statements would be skipped, or shown twice.
	err = s.readers.snapshot(ctx, func(moment querier) (err error) {
		page, next, err = l.read(ctx, moment, q.Limit)
		return err
	})
	return page, next, err
}

func (l *deliveryList) read(ctx context.Context, from querier, limit int) (page []hub.Delivery, next hub.DeliveryID, err error) {
	text, args := l.page(limit + 1)
	if page, err = list(ctx, from, scanDelivery, text, args...); err != nil {
		return nil, "", err
	}
	switch {
	case len(page) > limit:
		page = page[:limit]
		return page, page[len(page)-1].ID, nil
	case len(l.filters) == 0:
		return page, "", nil
	}
	text, args = l.last()
	err = each(ctx, from, func(row scanner) error { return row.Scan(&next) }, text, args...)
	return page, next, err
}

// deliveryList is a list of deliveries: what an index serves, in its order, and
// what is filtered of that.
type deliveryList struct {
	indexed conditions
	newest  string
	looked  int // at so many rows with filters
	filters []string
	wanted  []any // the arguments of filters, after those of indexed
}

// listOf returns the list that q selects. Of one webhook it walks the index
// (webhook_id, id), of all the primary key; states that are rare have partial
// indexes of either kind.
func (s *Store) listOf(q hub.DeliveryQuery) (l deliveryList, err error) {
	low, high := lowestID, upTo(q.Before)
	if !q.Since.IsZero() {
		low = hub.FirstID(q.Since) // no delivery has this very id
	}
	if !q.Until.IsZero() {
		high = min(high, hub.FirstID(q.Until))
	}
	l.newest, l.looked = "d.id DESC", lookedAt
	if q.WebhookID != "" {
		l.looked = lookedAtBy
	}
	switch {
	case q.WebhookID != "" && q.Status == hub.DeliveryActive && !s.onPostgres():
		// Few are on their way: the plus keeps SQLite from walking all of the webhook's.
		l.indexed = conditions{parts: []string{"+d.webhook_id = $1 AND d.id > $2 AND d.id < $3"}, args: []any{string(q.WebhookID), low, high}}
	case q.WebhookID != "":
		var between string
		between, l.newest, _ = within(s.onPostgres(), "d.webhook_id", "d.id")
		l.indexed = conditions{parts: []string{between}, args: []any{string(q.WebhookID), low, high}}
	default:
		l.indexed = conditions{parts: []string{"d.id > $1", "d.id < $2"}, args: []any{low, high}}
	}
	if err := l.addStatus(q.Status); err != nil {
		return l, err
	}
	if q.Event != "" && q.Event != "*" {
		operator, pattern := s.matches(q.Event)
		_, other := s.matches(hub.AliasPattern(q.Event))
		l.wanted = []any{pattern, other}
		n := len(l.indexed.args)
		l.filters = append(l.filters, fmt.Sprintf("(d.event %s $%d OR d.event %s $%d)", operator, n+1, operator, n+2))
	}
	return l, nil
}

// addStatus restricts to one state. The state stands in the text, because a
// partial index serves only a query that names its condition.
func (l *deliveryList) addStatus(status hub.DeliveryStatus) error {
	if status == "" {
		return nil
	}
	if !slices.Contains(hub.DeliveryStatuses(), status) {
		return hub.Errorf(hub.Invalid, "There is no such delivery status.")
	}
	condition := "d.status = '" + string(status) + "'"
	switch status {
	case hub.DeliverySuccess, hub.DeliveryPending:
		l.filters = append(l.filters, condition)
		return nil
	case hub.DeliveryActive:
		condition += " AND d.lease_node IS NOT NULL"
	}
	l.indexed.parts, l.looked = append(l.indexed.parts, condition), lookedAtBy
	return nil
}

// where is the part that an index serves.
func (l *deliveryList) where() string {
	return ` FROM nchat_webhook_deliveries d WHERE ` + strings.Join(l.indexed.parts, " AND ") + ` ORDER BY ` + l.newest
}

// page is the statement for at most limit of the list.
func (l *deliveryList) page(limit int) (text string, args []any) {
	args = slices.Concat(l.indexed.args, l.wanted, []any{limit})
	end := fmt.Sprintf(" LIMIT $%d", len(args))
	if len(l.filters) == 0 {
		return `SELECT ` + deliveryColumns + l.where() + end, args
	}
	return `SELECT ` + deliveryColumns + ` FROM (SELECT *` + l.where() + ` LIMIT ` + strconv.Itoa(l.looked) + `) d WHERE ` +
		strings.Join(l.filters, " AND ") + ` ORDER BY ` + l.newest + end, args
}

// last is the statement for the last one that page looked at, if it did not come to
// the end.
func (l *deliveryList) last() (text string, args []any) {
	args = l.indexed.args
	return `SELECT d.id` + l.where() + ` LIMIT 1 OFFSET ` + strconv.Itoa(l.looked-1), args
}

// Delivery returns one delivery.
func (s *Store) Delivery(ctx context.Context, id hub.DeliveryID) (hub.Delivery, error) {
	return one(ctx, s.readers, "delivery", scanDelivery,
		`SELECT `+deliveryColumns+` FROM nchat_webhook_deliveries d WHERE d.id = $1`, string(id))
}

// Attempts returns the attempts of a delivery in the order they were made.
func (s *Store) Attempts(ctx context.Context, id hub.DeliveryID) ([]hub.Attempt, error) {
	return list(ctx, s.readers, scanAttempt, `SELECT delivery_id, number, started_at, duration_us, request_headers,
			coalesce(response_status, 0), response_headers, response_body, truncated, remote_addr, error, result, reason, due_at
		FROM nchat_webhook_attempts WHERE delivery_id = $1 ORDER BY number`, string(id))
}

func scanAttempt(row scanner) (a hub.Attempt, err error) {
	var started, due Time
	var micros int64
	var request, response string
	err = row.Scan(&a.DeliveryID, &a.Number, &started, &micros, orEmpty(&request), &a.ResponseStatus, orEmpty(&response),
		&a.ResponseBody, &a.Truncated, orEmpty(&a.RemoteAddr), orEmpty(&a.Error), &a.Result, &a.Reason, &due)
	a.StartedAt, a.DueAt, a.Duration = started.Time, due.Time, time.Duration(micros)*time.Microsecond
	if request != "" {
		a.RequestHeaders = []byte(request)
	}
	if response != "" {
		a.ResponseHeaders = []byte(response)
	}
	return a, err
}
