package hub

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// DeliveryStatus is the state of a delivery.
//
//	pending ──▶ active ──▶ success
//	   ▲  │        │ ▲
//	   │  │        ▼ │
//	   │  │     retrying ──▶ failed (the dead letter)
//	   │  ▼        │
//	   held ◀──────┘          any unfinished one ──▶ canceled
//
// An unfinished delivery has exactly one of: a due time (pending, retrying), a
// lease (active, in the memory of a process), an unfinished
// predecessor in its conversation (pending, neither due nor leased), or a
// webhook that is paused or disabled (held).
type DeliveryStatus string

// The delivery states.
const (
	DeliveryPending  DeliveryStatus = "pending"
	DeliveryActive   DeliveryStatus = "active"
	DeliveryRetrying DeliveryStatus = "retrying"
	DeliveryHeld     DeliveryStatus = "held"
	DeliverySuccess  DeliveryStatus = "success"
	DeliveryFailed   DeliveryStatus = "failed"
	DeliveryCanceled DeliveryStatus = "canceled"
)

// DeliveryStatuses lists the states in the order a delivery passes them.
func DeliveryStatuses() []DeliveryStatus {
	return []DeliveryStatus{
		DeliveryPending, DeliveryActive, DeliveryRetrying, DeliveryHeld,
		DeliverySuccess, DeliveryFailed, DeliveryCanceled,
	}
}

// Final reports whether nothing more happens to a delivery in this state
// unless somebody asks for it.
func (s DeliveryStatus) Final() bool {
	return s == DeliverySuccess || s == DeliveryFailed || s == DeliveryCanceled
}

// Delivery is one event on its way to one outgoing webhook.
type Delivery struct {
	ID        DeliveryID
	WebhookID WebhookID
	EventID   EventID
	EventType string
	Status    DeliveryStatus
	// OrderKey is the event's, or "" when the webhook asks for no order.
	OrderKey string
	// Attempts counts all attempts ever made; the last one's number.
	Attempts int
	// Tries counts the attempts of the present series, which decide the
	// schedule. A replay begins a new series; a lost outcome is no try.
	Tries int
	// DueAt is when the next attempt may begin; zero while leased, queued
	// behind its predecessor, held or final.
	DueAt time.Time
	// Epoch fences: a change by the holder of a lease names the epoch of that
	// lease and is void when the delivery has moved on.
	Epoch      int64
	LeasedTo   string // the node that holds it in memory, or ""
	LeaseSeq   int64  // the number of that lease in its lane; see Quota
	LastStatus int    // HTTP status of the last attempt, 0: none
	LastError  string
	CreatedAt  time.Time
	UpdatedAt  time.Time
	FinishedAt time.Time // zero: not final
}

// Attempt is one try of a delivery.
type Attempt struct {
	DeliveryID      DeliveryID
	Number          int
	StartedAt       time.Time
	Duration        time.Duration
	RequestHeaders  json.RawMessage // as sent, the owner's own headers masked
	ResponseStatus  int             // 0: no response
	ResponseHeaders json.RawMessage
	ResponseBody    []byte // at most 16 KiB
	Truncated       bool   // the body was longer
	RemoteAddr      string
	Error           string
	// Result is how it ended: success, an ErrorKind, or "unknown".
	Result string
	// Reason is the decision in words: "429, Retry-After 120 s → due 14:03:20".
	Reason string
	DueAt  time.Time // when the next attempt was due by that decision; zero: none
}

// ResultUnknown marks an attempt whose outcome was lost: the process ended
// between the send and the record of it.
const ResultUnknown = "unknown"

// Response is what came of one attempt on the wire.
type Response struct {
	Status     int // 0: no response
	Header     http.Header
	Body       []byte
	Truncated  bool
	RemoteAddr string
	Started    time.Time
	Duration   time.Duration
	// ErrorKind is why there is no usable response: dns, connect, refused, tls,
	// timeout, reset, … (package egress has the list). Empty with a response.
	ErrorKind string
	// Error is the reason in words, fit to be shown to the webhook's owner.
	Error string
}

// Succeeded reports whether the receiver took the delivery: any 2xx
// (Standard Webhooks, "Delivery").
func (r *Response) Succeeded() bool { return r.ErrorKind == "" && r.Status >= 200 && r.Status <= 299 }

// MaxRetryAfter is the longest Retry-After that is obeyed; longer ones are cut.
const MaxRetryAfter = 24 * time.Hour

// daysSchedule is the example schedule of the Standard Webhooks
// specification ("Deliverability"), without the immediate first try.
var daysSchedule = [...]time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// maxDelay caps the doubling of RetryDelay.
const maxDelay = 24 * time.Hour

// Retries is the number of tries after the first.
func (p Policy) Retries() int {
	if p.Schedule == ScheduleDays {
		return len(daysSchedule)
	}
	return p.MaxRetries
}

// Delay returns the wait before retry n (from 1). rnd is a random number in
// [0, 1): the fourth and later delays grow by up to a tenth of themselves, so
// that what failed together does not return together.
func (p Policy) Delay(n int, rnd float64) time.Duration {
	var d time.Duration
	switch {
	case p.Schedule == ScheduleDays:
		d = daysSchedule[min(n, len(daysSchedule))-1]
	case n > 40 || p.RetryDelay > maxDelay>>(n-1):
		d = maxDelay
	default:
		d = p.RetryDelay << (n - 1)
	}
	if n > 3 {
		d += time.Duration(rnd * float64(d) / 10)
	}
	return d
}

// Decision is what follows an attempt.
type Decision struct {
	Status DeliveryStatus
	DueAt  time.Time // for DeliveryRetrying
	// Reason says in words what was decided and why.
	Reason string
	// LaneUntil asks the whole lane to wait, after a Retry-After; zero: no.
	LaneUntil time.Time
	// Gone: the receiver asked not to be called again (410).
	Gone bool
}

// Next decides what follows the attempt number try of the present series
// (from 1), which ended at now with resp. It is pure; rnd is a random number
// in [0, 1).
//
// 2xx succeeds. 410 fails for good and disables the webhook (Standard
// Webhooks). 429 and 503 obey Retry-After (RFC 9110 §10.2.3) and slow the
// lane. Anything else, 3xx and network errors included, is tried again until
// the policy's retries are used up.
func Next(p Policy, try int, resp *Response, now time.Time, rnd float64) Decision {
	what := resp.describe()
	if resp.Succeeded() {
		return Decision{Status: DeliverySuccess, Reason: what + ": delivered"}
	}
	if resp.Status == http.StatusGone {
		return Decision{Status: DeliveryFailed, Gone: true, Reason: what + ": the receiver wants no more; webhook disabled"}
	}
	var wait time.Duration
	var d Decision
	if resp.Status == http.StatusTooManyRequests || resp.Status == http.StatusServiceUnavailable {
		wait = RetryAfter(resp.Header.Get("Retry-After"), now)
	}
	if wait > 0 {
		what += ", Retry-After " + strconv.FormatInt(int64(wait/time.Second), 10) + " s"
		d.LaneUntil = now.Add(wait)
	}
	if try > p.Retries() {
		d.Status = DeliveryFailed
		d.Reason = what + ": failed after " + plural(try, "try", "tries")
		return d
	}
	wait = max(wait, p.Delay(try, rnd)) // a receiver asks for more time, and cannot use up the tries sooner
	d.Status = DeliveryRetrying
	d.DueAt = now.Add(wait)
	d.Reason = what + " → due " + d.DueAt.UTC().Format("15:04:05")
	return d
}

// describe names the outcome: "503" or "timeout".
func (r *Response) describe() string {
	if r.ErrorKind != "" {
		return r.ErrorKind
	}
	return strconv.Itoa(r.Status)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// RetryAfter parses the Retry-After header (RFC 9110 §10.2.3: seconds or an
// HTTP date), as a wait from now, rounded up to whole seconds and cut at
// MaxRetryAfter. It returns 0 for an absent, unreadable or past value.
func RetryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if digits(value) {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(MaxRetryAfter/time.Second) {
			return MaxRetryAfter // also when too large for an int64
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil || !at.After(now) {
		return 0
	}
	wait := min(at.Sub(now), MaxRetryAfter) // Sub saturates; rounding up must not overflow
	if up := wait.Truncate(time.Second); up < wait {
		wait = up + time.Second
	}
	return wait
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
