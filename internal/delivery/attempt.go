package delivery

import (
	"context"
	"encoding/json"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/egress"
	"github.com/nself-chat/hub/internal/fault"
)

// result is a finished attempt on its way to the record.
type result struct {
	lane    *lane
	job     *hub.Job
	outcome *hub.Outcome
}

// launch begins an attempt in a goroutine of its own. The caller holds mu.
func (e *Engine) launch(l *lane, j *hub.Job) {
	l.inflight++
	probe := l.health.Open
	e.workers.Add(1)
	go e.work(e.sendCtx, l, l.target, j, probe)
}

// work sends the job, and then whatever the lane has ready, until there is
// nothing left for this goroutine.
func (e *Engine) work(ctx context.Context, l *lane, t *target, j *hub.Job, probe bool) {
	defer e.workers.Done()
	for j != nil {
		resp, headers := e.attempt(ctx, t, j)
		now := e.now()
		e.mu.Lock()
		l.inflight--
		l.unrecorded++
		o := e.conclude(ctx, l, t, j, &resp, headers, probe, now)
		e.lastClaim = now
		j, t = e.following(l, now)
		ctx = e.sendCtx
		probe = l.health.Open
		e.mu.Unlock()
		e.observe(&o, now)
		e.outcomes <- &result{lane: l, job: o.job, outcome: o.outcome}
	}
}

// following takes the next job for a goroutine that has just become free, or
// dispatches the lane when there is none.
func (e *Engine) following(l *lane, now time.Time) (*hub.Job, *target) {
	if e.idle() || !l.owned || !l.open() || !l.next() || l.slots() == 0 || !l.waits(now).IsZero() ||
		l.limiter != nil {
		e.dispatch(l, now)
		return nil, nil
	}
	j := l.pop(now)
	l.inflight++
	e.dispatch(l, now)
	return j, l.target
}

// attempt performs one exchange. Nothing in it is shared.
func (e *Engine) attempt(ctx context.Context, t *target, j *hub.Job) (resp hub.Response, headers []byte) {
	started := e.now()
	defer func() {
		if p := recover(); p != nil {
			e.Log.Error("panic in an attempt", "delivery", j.Delivery.ID, "panic", p, "stack", string(debug.Stack()))
			resp = hub.Response{ErrorKind: "internal", Error: "the hub failed to make the request"}
		}
		resp.Started = started
	}()
	if t.err != nil {
		return hub.Response{ErrorKind: "unusable", Error: t.err.Error()}, nil
	}
	body := Envelope(&j.Delivery, j.Event)
	header, headers := t.request(j, body, started)
	fault.Point(fault.SendBefore)
	resp = e.Sender.Send(ctx, t.url, header, body, t.policy.Timeout)
	fault.Point(fault.SendAfter)
	t.conceal(&resp)
	return resp, headers
}

// conclusion is what follows an attempt.
type conclusion struct {
	job     *hub.Job
	outcome *hub.Outcome
}

// conclude decides what follows the attempt, which was made at t, and updates the
// lane's health. The caller holds mu.
func (e *Engine) conclude(ctx context.Context, l *lane, t *target, j *hub.Job, resp *hub.Response, headers []byte, probe bool, now time.Time) conclusion {
	e.stats.Sent.Add(1)
	d := &j.Delivery
	o := &hub.Outcome{DeliveryID: d.ID, WebhookID: d.WebhookID, Node: d.LeasedTo, Mark: l.raise(), Epoch: d.Epoch, OrderKey: d.OrderKey, Tries: d.Tries + 1}
	var next hub.Decision
	switch {
	case ctx.Err() != nil && resp.Status == 0:
		// Cut off by the stop: nobody's failure, and no try spent.
		o.Tries = d.Tries
		next = hub.Decision{Status: hub.DeliveryRetrying, DueAt: now, Reason: "the hub stopped during the attempt → due at once"}
		resp.ErrorKind = hub.ResultUnknown
	case egress.Kind(resp.ErrorKind) == egress.KindLocal:
		// The hub's own trouble says nothing about the receiver.
		o.Tries = d.Tries
		due := now.Add(localPause)
		next = hub.Decision{Status: hub.DeliveryRetrying, DueAt: due, Reason: "local → due " + due.Format("15:04:05") + ", no try spent"}
	default:
		next = hub.Next(l.target.policy, o.Tries, resp, now, e.Rand())
		if next.Status == hub.DeliverySuccess {
			l.succeeded()
		}
		health, notice := l.health.After(next, probe, now)
		if (health != l.health || l.unlike) && t.sealed.URL == l.target.sealed.URL { // else it is about another endpoint
			if health.Open != l.health.Open {
				e.Log.Info("breaker", "webhook", l.id, "open", health.Open, "failures", health.Failures)
			}
			l.health, l.unlike = health, false
			o.Health, o.Notice, o.WebhookVersion = &health, notice, l.target.sealed.UpdatedAt
			if notice.Disabling() {
				l.target = l.target.disabled()
			}
		}
	}
	o.Status, o.DueAt = next.Status, next.DueAt
	if e.Log.Enabled(context.Background(), slog.LevelDebug) {
		e.Log.Debug("attempt", "delivery", d.ID, "webhook", d.WebhookID, "event", d.EventType, "attempt", d.Attempts+1,
			"took", resp.Duration.Round(time.Microsecond), "decision", next.Reason)
	}
	o.Attempt = hub.Attempt{
		DeliveryID: d.ID, Number: d.Attempts + 1, StartedAt: resp.Started, Duration: resp.Duration,
		RequestHeaders: headers, ResponseStatus: resp.Status, ResponseHeaders: responseHeaders(resp),
		ResponseBody: resp.Body, Truncated: resp.Truncated, RemoteAddr: resp.RemoteAddr,
		Error: resp.Error, Result: resultName(resp), Reason: next.Reason, DueAt: next.DueAt,
	}
	if !l.open() && next.Status == hub.DeliveryRetrying {
		o.Status, o.DueAt = hub.DeliveryHeld, time.Time{} // paused or disabled meanwhile
	}
	return conclusion{job: j, outcome: o}
}

// localPause follows an attempt that the hub itself had no means for, such as
// free file descriptors.
const localPause = 5 * time.Second

// disabled returns the target of the webhook as it is after a disabling
// notice, until the reload that follows.
func (t *target) disabled() *target {
	c := *t
	c.state = hub.WebhookDisabled
	return &c
}

func resultName(r *hub.Response) string {
	switch {
	case r.ErrorKind != "":
		return r.ErrorKind
	case r.Succeeded():
		return "success"
	default:
		return "http_" + itoa(r.Status)
	}
}

// maxLoggedHeaders bounds the response headers kept with an attempt, in bytes.
const maxLoggedHeaders = 4096

// responseHeaders returns the response's headers as JSON, names to first
// values, cut at maxLoggedHeaders.
func responseHeaders(r *hub.Response) json.RawMessage {
	if len(r.Header) == 0 {
		return nil
	}
	b := append(make([]byte, 0, 128), '{')
	for _, name := range sortedKeys(r.Header) {
		if len(b) > maxLoggedHeaders {
			break
		}
		if values := r.Header[name]; len(values) > 0 {
			b = appendHeaderJSON(b, name, cut(values[0], maxLoggedHeaders))
		}
	}
	return append(b, '}')
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
