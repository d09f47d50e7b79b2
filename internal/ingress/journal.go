package ingress

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
)

const (
	// flushEvery is how long counts and refused calls wait to be written.
	flushEvery = time.Second
	// flushTimeout bounds one write.
	flushTimeout = 5 * time.Second
	// maxPending bounds the refused calls that wait; beyond it they are
	// counted only.
	maxPending = 1024
	// sampled is how many calls a second are logged of one webhook, and of
	// all unknown tokens together. The rest is counted.
	sampled = 10
)

// entry is a call on its way into the log by itself. The calls that made a
// message are not among them: they are in the commit of the message.
type entry struct {
	call hub.Call
	hash tokenHash // of the token, when call.IncomingID is not known
}

// journal counts calls and logs those that changed nothing, off the path of
// the answer.
type journal struct {
	store  Store
	log    *slog.Logger
	onCall func(verdict string)
	queue  chan entry

	mu   sync.Mutex
	uses map[hub.IncomingID]*use
}

// use is what is to be added to a webhook's counters, and how many of its
// calls were put into the queue in the present second.
type use struct {
	calls, refused int64
	last           time.Time
	second         int64
	queued         int
}

func newJournal(o Options) *journal {
	j := &journal{
		store: o.Store, log: o.Log, onCall: o.OnCall,
		queue: make(chan entry, maxPending), uses: make(map[hub.IncomingID]*use),
	}
	if j.onCall == nil {
		j.onCall = func(string) {}
	}
	return j
}

// accepted counts a call that was carried out.
func (j *journal) accepted(id hub.IncomingID, v dialect.Verdict, now time.Time) {
	j.onCall(string(v))
	if j.log.Enabled(context.Background(), slog.LevelDebug) {
		j.log.Debug("call accepted", "webhook", id)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	u := j.use(id)
	u.calls++
	u.last = now
}

// note counts a call that is not in the commit of a message, and queues it for
// the log unless there are too many.
func (j *journal) note(e entry, refused bool) {
	j.onCall(e.call.Verdict)
	if j.log.Enabled(context.Background(), slog.LevelDebug) {
		j.log.Debug("call", "webhook", e.call.IncomingID, "verdict", e.call.Verdict, "status", e.call.Status, "ip", e.call.RemoteIP)
	}
	j.mu.Lock()
	u := j.use(e.call.IncomingID)
	u.calls++
	if refused {
		u.refused++
	} else {
		u.last = e.call.CreatedAt
	}
	if second := e.call.CreatedAt.Unix(); second != u.second {
		u.second, u.queued = second, 0
	}
	u.queued++
	wanted := u.queued <= sampled
	j.mu.Unlock()
	if !wanted {
		return
	}
	select {
	case j.queue <- e:
	default:
	}
}

func (j *journal) use(id hub.IncomingID) *use {
	u := j.uses[id]
	if u == nil {
		u = &use{}
		j.uses[id] = u
	}
	return u
}

func (j *journal) run(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			j.flush(ctx)
		case <-ctx.Done():
			j.flush(ctx)
			return nil
		}
	}
}

// flush writes what there is in one commit, also when ctx has ended: what was
// taken out of the queue would be lost. Counts that could not be written are
// kept for the next time; log entries are not.
func (j *journal) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	calls := j.drain(ctx)
	uses := j.takeUses()
	if len(calls) == 0 && len(uses) == 0 {
		return
	}
	if err := j.store.LogCalls(ctx, calls, uses); err != nil {
		j.log.Warn("incoming calls could not be logged", "calls", len(calls), "error", err)
		j.putBack(uses)
	}
}

func (j *journal) drain(ctx context.Context) (calls []hub.Call) {
	for range maxPending {
		select {
		case e := <-j.queue:
			j.attribute(ctx, &e)
			calls = append(calls, e.call)
		default:
			return calls
		}
	}
	return calls
}

// attribute finds whose webhook a refused token is or was. That happens here
// and not while the call is answered, so that the answer takes as long for a
// disabled webhook as for a token that never was.
func (j *journal) attribute(ctx context.Context, e *entry) {
	unknown := e.call.Verdict == string(dialect.UnknownToken)
	if e.call.IncomingID != "" || !unknown && e.call.Verdict != string(dialect.UnknownDialect) {
		return
	}
	w, err := j.store.IncomingByHash(ctx, e.hash.String())
	if err != nil {
		return // nobody's
	}
	e.call.IncomingID = w.ID
	if unknown {
		e.call.Reason = "The webhook " + state(&w, e.call.CreatedAt, e.hash)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	u := j.use(w.ID)
	u.calls++
	u.refused++
}

// state says why a webhook was not in force.
func state(w *hub.IncomingWebhook, at time.Time, hash tokenHash) string {
	switch {
	case !w.DeletedAt.IsZero():
		return "is deleted."
	case !w.Enabled:
		return "is disabled."
	case !w.ExpiresAt.IsZero() && !at.Before(w.ExpiresAt):
		return "has expired."
	case w.TokenHash != hash.String():
		return "has a newer token; the overlap of the rotation has ended."
	default:
		return "was not in force at that moment."
	}
}

// takeUses returns the counts and forgets them. What counts unknown tokens is
// kept only for its sampling.
func (j *journal) takeUses() (uses []hub.IncomingWebhook) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for id, u := range j.uses {
		if id != "" && u.calls > 0 {
			uses = append(uses, hub.IncomingWebhook{ID: id, CallCount: u.calls, RefusedCount: u.refused, LastUsedAt: u.last})
		}
		if u.calls == 0 {
			delete(j.uses, id) // a whole interval without a call
			continue
		}
		u.calls, u.refused = 0, 0
	}
	return uses
}

func (j *journal) putBack(uses []hub.IncomingWebhook) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range uses {
		u := j.use(uses[i].ID)
		u.calls += uses[i].CallCount
		u.refused += uses[i].RefusedCount
		if u.last.Before(uses[i].LastUsedAt) {
			u.last = uses[i].LastUsedAt
		}
	}
}
