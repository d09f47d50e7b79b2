package delivery

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nself-chat/hub"
)

// maxTypes bounds how many event types a snapshot remembers the subscribers
// of; custom names are unlimited.
const maxTypes = 2048

// snapshot is the state of all subscriptions at one revision. It is immutable
// but for its memory of which subscriptions an event type can match.
type snapshot struct {
	revision int64
	subs     []*hub.Subscription
	byID     map[hub.WebhookID]*hub.Subscription
	byType   sync.Map // event type → []*hub.Subscription
	types    atomic.Int32
}

func newSnapshot(revision int64, webhooks []hub.OutgoingWebhook) *snapshot {
	s := &snapshot{revision: revision, byID: make(map[hub.WebhookID]*hub.Subscription, len(webhooks))}
	for i := range webhooks {
		sub := webhooks[i].Subscription()
		s.subs = append(s.subs, &sub)
		s.byID[sub.WebhookID] = &sub
	}
	return s
}

// candidates returns the subscriptions whose patterns match the type.
func (s *snapshot) candidates(eventType string) []*hub.Subscription {
	if known, ok := s.byType.Load(eventType); ok {
		return known.([]*hub.Subscription)
	}
	var out []*hub.Subscription
	for _, sub := range s.subs {
		if sub.State != hub.WebhookDisabled && sub.WantsType(eventType) {
			out = append(out, sub)
		}
	}
	if s.types.Load() < maxTypes {
		s.types.Add(1)
		s.byType.Store(eventType, out)
	}
	return out
}

// match returns the subscriptions that the event is delivered to.
func (s *snapshot) match(e *hub.Event) []*hub.Subscription {
	if e.Quiet {
		return nil
	}
	from := s.candidates(e.Type)
	if e.Target != "" {
		from = nil
		if sub, ok := s.byID[e.Target]; ok {
			from = []*hub.Subscription{sub}
		}
	}
	data := decodeOnce(e)
	out := make([]*hub.Subscription, 0, len(from))
	for _, sub := range from {
		if sub.Matches(e, data) {
			out = append(out, sub)
		}
	}
	return out
}

// decodeOnce returns a function that decodes the event's data when a filter
// first asks for it.
func decodeOnce(e *hub.Event) func() any {
	return sync.OnceValue(func() any { return hub.FilterData(e.Data) })
}

// Route matches the event with the subscriptions in force, notes their
// revision on it, and reserves room in the lanes that have some. The routing
// must be settled, once, whatever becomes of its commit.
func (e *Engine) Route(ev *hub.Event) hub.Routing {
	snap := e.snap.Load()
	ev.Revision = snap.revision
	r := hub.Routing{Event: ev}
	subs := snap.match(ev)
	if len(subs) == 0 {
		return r
	}
	now := e.now()
	r.Deliveries = make([]hub.RoutedDelivery, len(subs))
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, sub := range subs {
		d := &r.Deliveries[i].Delivery
		d.ID, d.WebhookID = hub.DeliveryIDFor(ev.ID, sub.WebhookID), sub.WebhookID
		d.EventID, d.EventType = ev.ID, ev.Type
		if sub.Ordering == hub.OrderConversation {
			d.OrderKey = ev.OrderKey
		}
		l := e.lanes[sub.WebhookID]
		switch {
		case sub.State == hub.WebhookPaused || sub.State == hub.WebhookDisabled && ev.Target == "":
			d.Status = hub.DeliveryHeld
		case l != nil && !e.idle() && l.takes(now, e.tight()):
			d.Status, d.LeasedTo, d.Epoch = hub.DeliveryActive, e.Node, 1
			d.LeaseSeq, r.Deliveries[i].Mark = l.number()
			l.reserved++
		case sub.State == hub.WebhookActive && !e.idle() && e.hand(l, &r.Deliveries[i], ev):
		default:
			d.Status, d.DueAt = hub.DeliveryPending, now
		}
	}
	return r
}

// Settle hands over routings after the commit they were part of, or gives
// their room back when it failed.
func (e *Engine) Settle(committed bool, routings ...hub.Routing) {
	for i := range routings {
		if committed {
			e.Observer.Published(routings[i].Event.Type)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range routings {
		for k := range routings[i].Deliveries {
			e.settle(&routings[i].Deliveries[k], routings[i].Event, committed)
		}
	}
}

func (e *Engine) settle(d *hub.RoutedDelivery, ev *hub.Event, committed bool) {
	l := e.lanes[d.WebhookID]
	if l == nil {
		return // deleted since; the sweep cancels it (Abandoned)
	}
	leased := d.LeasedTo != "" && !d.Handed
	if leased {
		l.reserved--
	}
	switch {
	case d.LeasedTo != e.Node: // another process's, or of this one before it was taken for dead: the mark went with the lane
	case !committed && d.Mark > 0:
		l.asked = l.mark // it did not get there
	case committed:
		l.marked(d.Mark)
	}
	switch {
	case !committed && d.Handed: // telling may be what failed
		l.credits = nil
	case !committed || d.Parked:
	case d.Handed:
		if !slices.Contains(e.share.members, d.LeasedTo) { // gone meanwhile: to be voided
			e.acquireLater()
		}
	case leased && d.LeasedTo == e.Node:
		e.take(l, &hub.Job{Delivery: d.Delivery, Event: ev})
	case leased: // to what this process was before it was taken for dead: to be voided
		e.acquireLater()
	case d.Status == hub.DeliveryPending:
		e.laneDue(l, d.DueAt)
	case d.Status == hub.DeliveryHeld && l.open():
		e.startMove(l) // resumed between match and commit
	}
	if !l.open() && committed { // closed between match and commit
		e.giveBack(l)
		e.startMove(l)
	}
	if l.ceding {
		e.giveBack(l)
	}
	e.attend(l)
}

// take puts a leased job into the lane's memory.
func (e *Engine) take(l *lane, j *hub.Job) {
	if len(l.ready) == 0 {
		l.readyAt = e.now()
	}
	l.ready = append(l.ready, j)
	e.hold(l, j)
}

// hold remembers a job until it is dropped.
func (e *Engine) hold(l *lane, j *hub.Job) {
	l.leased[j.Delivery.ID] = j.Delivery.Epoch
	e.held += jobSize + len(j.Event.Data)
}

// holds reports whether a delivery of the lane is in memory, or on its way back to
// the store.
func (e *Engine) holds(l *lane, id hub.DeliveryID) bool {
	_, leased := l.leased[id]
	_, returning := e.returning[id]
	return leased || returning
}

// jobSize is what a job costs in memory besides its event's data, in bytes.
const jobSize = 1 << 10

// drop forgets a job that is not in memory any more.
func (e *Engine) drop(l *lane, j *hub.Job) {
	if l.leased[j.Delivery.ID] == j.Delivery.Epoch { // else it was leased anew meanwhile
		delete(l.leased, j.Delivery.ID)
	}
	e.held -= jobSize + len(j.Event.Data)
}

// pop returns the lane's next job.
func (l *lane) pop(now time.Time) *hub.Job {
	l.readyAt = now
	j := l.ready[0]
	l.ready[0] = nil
	l.ready = l.ready[1:]
	return j
}

// Reload takes over the webhooks as they are now. Control calls it after
// every change of one; it returns when events are matched by the new state. The
// change is stored, so the caller's going away does not stop it; and what fails
// here is done by the sweep. Of many who call it at once, one reloads for those
// that wait.
func (e *Engine) Reload(ctx context.Context) error {
	own := e.reloadsAsked.Add(1)
	e.reloading.Lock()
	defer e.reloading.Unlock()
	if e.reloadsDone >= own { // what began after this call has read its change
		return nil
	}
	asked := e.reloadsAsked.Load()
	err := e.reload(ctx)
	if err == nil {
		e.reloadsDone = asked
	}
	return err
}

// CatchUp is Reload for who found that the subscriptions have changed since a
// revision; of many who find the same at once, one reloads.
func (e *Engine) CatchUp(ctx context.Context, since int64) error {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	if e.snap.Load().revision > since {
		return nil
	}
	return e.reload(ctx)
}

func (e *Engine) reload(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	revision, webhooks, err := e.Store.Snapshot(ctx)
	if err != nil {
		return err
	}
	for i := range webhooks {
		if f := webhooks[i].Filter; f != nil {
			if err := f.Compile("filter"); err != nil {
				e.Log.Error("a stored filter is not valid and matches nothing", "webhook", webhooks[i].ID, "error", err)
			}
		}
	}
	snap := newSnapshot(revision, webhooks)
	e.mu.Lock()
	for i := range webhooks {
		e.retarget(&webhooks[i])
	}
	e.mu.Unlock()
	if err := e.acquire(ctx); err != nil {
		e.Log.Warn("lanes could not be taken over; it is tried again", "error", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, l := range e.lanes {
		if _, ok := snap.byID[id]; !ok && !l.gone {
			l.gone = true
			e.giveBack(l)
			e.startMove(l)
		}
	}
	e.snap.Store(snap)
	return nil
}

// retarget brings one lane up to date. Targets are opened again only when the
// webhook changed.
func (e *Engine) retarget(w *hub.OutgoingWebhook) {
	l := e.lanes[w.ID]
	if l == nil {
		l = newLane(w.ID)
		e.lanes[w.ID] = l
	}
	l.gone = false
	if !l.owned {
		l.health = w.Health // learned by the process that serves it
	}
	if l.target != nil && !l.target.differs(w) {
		return
	}
	was := l.target
	l.retarget(newTarget(w, e.Keys))
	if l.target.err != nil {
		e.Log.Error("webhook cannot be sent to", "webhook", w.ID, "error", l.target.err)
	}
	switch {
	case was == nil:
	case w.Health.Healthy(), was.sealed.URL != w.URL, was.state == hub.WebhookDisabled && w.State == hub.WebhookActive:
		l.health = hub.Health{} // a fresh start
	case was.state == hub.WebhookPaused && w.State == hub.WebhookActive:
		l.health = l.health.Resumed()
	}
	l.unlike = l.health != w.Health
	if l.open() {
		e.startMove(l) // release what was held
	} else {
		e.giveBack(l)
		e.startMove(l)
	}
	e.attend(l)
}

// attend dispatches what the lane can send and wakes the scheduler when it
// has to wait for something.
func (e *Engine) attend(l *lane) { e.dispatch(l, e.now()) }

// wakeLane asks for the lane's attention at t.
func (e *Engine) wakeLane(l *lane, t time.Time) {
	if l.index >= 0 && !t.Before(l.wakeAt) {
		return
	}
	e.push(l, t)
}
