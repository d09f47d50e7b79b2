package control

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// log is an event log in memory.
type log struct {
	Store
	events []*hub.Event
	err    error
	once   map[string]string
	reads  int
}

func (l *log) Publish(_ context.Context, once *hub.Idempotency, routings ...hub.Routing) error {
	if l.err != nil {
		return l.err
	}
	if once != nil {
		if result, ok := l.once[once.Key]; ok {
			return &hub.RepeatedError{Result: result}
		}
		l.once[once.Key] = once.Result
	}
	for _, r := range routings {
		r.Event.Seq = int64(len(l.events) + 1)
		l.events = append(l.events, r.Event)
	}
	return nil
}

func (l *log) EventsBefore(_ context.Context, seq int64, _ string, limit int) (out []*hub.Event, next int64, _ error) {
	l.reads++
	for i := len(l.events) - 1; i >= 0 && len(out) < limit; i-- {
		if e := l.events[i]; seq == 0 || e.Seq < seq {
			out = append(out, e)
		}
	}
	if len(out) == limit {
		next = out[limit-1].Seq
	}
	return out, next, nil
}

func (l *log) EventsAfter(_ context.Context, seq int64, limit int) (out []*hub.Event, _ error) {
	for _, e := range l.events {
		if e.Seq > seq && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

// router routes everything to one webhook and keeps count of what was settled.
type router struct {
	routed, committed, given int
	caughtUp                 []int64 // from which revisions
}

func (r *router) Route(e *hub.Event) hub.Routing {
	r.routed++
	e.Revision = int64(r.routed)
	return hub.Routing{Event: e, Deliveries: make([]hub.RoutedDelivery, 1)}
}

func (r *router) CatchUp(_ context.Context, since int64) error {
	r.caughtUp = append(r.caughtUp, since)
	return nil
}

func (r *router) Settle(committed bool, routings ...hub.Routing) {
	if committed {
		r.committed += len(routings)
	} else {
		r.given += len(routings)
	}
}

func TestPublishSettlesOnce(t *testing.T) {
	l, r := &log{once: make(map[string]string)}, &router{}
	s := &Service{Store: l, Router: r, IDs: &hub.IDs{}, Now: time.Now}
	p := Publication{Event: "a.b", Data: []byte("1"), Key: "k", RequestHash: "h"}
	first, err := s.Publish(t.Context(), actors["member"], p)
	if err != nil || first.Deliveries != 1 || first.Repeated {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := s.Publish(t.Context(), actors["member"], p)
	if err != nil || again.EventID != first.EventID || again.Deliveries != 1 || !again.Repeated {
		t.Fatalf("%+v, %v", again, err)
	}
	l.err = errors.New("disk full")
	p.Key = ""
	if _, err := s.Publish(t.Context(), actors["member"], p); !errors.Is(err, l.err) {
		t.Fatal(err)
	}
	if r.routed != 3 || r.committed != 1 || r.given != 2 {
		t.Errorf("%+v", r)
	}
	// What is refused before is not routed.
	s.Gate = func() error { return hub.Errorf(hub.StorageFull, "full") }
	if _, err := s.Publish(t.Context(), actors["member"], p); hub.CodeOf(err) != hub.StorageFull {
		t.Error(err)
	}
	for _, bad := range []Publication{
		{Event: "", Data: []byte("1")},
		{Event: "a..b", Data: []byte("1")},
		{Event: "a*", Data: []byte("1")},
		{Event: "a"},
		{Event: "a", Data: []byte("1"), Key: strings.Repeat("k", maxKey+1)},
	} {
		if _, err := s.Publish(t.Context(), actors["member"], bad); hub.CodeOf(err) != hub.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := s.Publish(t.Context(), actors["member"], Publication{Event: "a", Data: []byte("1"), Hop: 6}); hub.CodeOf(err) != hub.LoopDetected {
		t.Error(err)
	}
	if r.routed != 3 {
		t.Error("a refused event was routed")
	}
}

// outdatedLog refuses what was routed by a revision that is not in force.
type outdatedLog struct {
	log
	inForce int64
}

func (l *outdatedLog) Publish(ctx context.Context, once *hub.Idempotency, routings ...hub.Routing) error {
	if routings[0].Event.Revision < l.inForce {
		return hub.ErrOutdated
	}
	return l.log.Publish(ctx, once, routings...)
}

// TestPublishRoutesAgain: an event that was routed by outgoing webhooks as they are
// no longer is routed again, but not for ever.
func TestPublishRoutesAgain(t *testing.T) {
	l, r := &outdatedLog{log: log{once: make(map[string]string)}, inForce: 3}, &router{}
	s := &Service{Store: l, Router: r, IDs: &hub.IDs{}, Now: time.Now}
	p := Publication{Event: "a.b", Data: []byte("1"), Key: "k", RequestHash: "h"}
	if _, err := s.Publish(t.Context(), actors["member"], p); err != nil {
		t.Fatal(err)
	}
	if len(l.events) != 1 || r.routed != 3 || r.committed != 1 || r.given != 2 || !slices.Equal(r.caughtUp, []int64{1, 2}) {
		t.Errorf("%d events, %+v", len(l.events), r)
	}
	l.inForce = 1000
	p.Key = "another"
	if _, err := s.Publish(t.Context(), actors["member"], p); !errors.Is(err, hub.ErrOutdated) || r.routed != 3+hub.MaxRoutes {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestKeyOwner(t *testing.T) {
	a, b := hub.Actor{TokenID: "t", UserID: "u"}, hub.Actor{UserID: "u"}
	if KeyOwner(a) != "t" || KeyOwner(b) == "" || KeyOwner(b) == KeyOwner(hub.Actor{UserID: "v"}) {
		t.Error("keys are mixed up")
	}
}

// TestEventsSkipsTheInvisible: a page is full of what is visible, whatever
// lies in between, and a search for it is bounded.
func TestEventsSkipsTheInvisible(t *testing.T) {
	l := &log{}
	for i := range 300 {
		e := &hub.Event{Seq: int64(i + 1), Type: "a.b", ChannelID: privateID, ChannelPrivate: true}
		if i%10 == 0 {
			e.ChannelID, e.ChannelPrivate = publicID, false
		}
		l.events = append(l.events, e)
	}
	s := &Service{Store: l, Chat: twoChannels()}
	guest := actors["guest"]
	var got []int64
	before := int64(0)
	for {
		page, next, err := s.Events(t.Context(), guest, before, "", 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			got = append(got, e.Seq)
		}
		if next == 0 {
			break
		}
		if before != 0 && next >= before {
			t.Fatal("the list does not go on")
		}
		before = next
	}
	if len(got) != 30 || got[0] != 291 || got[29] != 1 {
		t.Errorf("%v", got)
	}
	l.events = l.events[:0]
	for i := range 100_000 {
		l.events = append(l.events, &hub.Event{Seq: int64(i + 1), ChannelID: privateID, ChannelPrivate: true})
	}
	l.reads = 0
	if page, next, err := s.Events(t.Context(), guest, 0, "", 10); err != nil || len(page) != 0 || next == 0 || l.reads > maxLooks {
		t.Errorf("%d events, next %d, %d reads, %v", len(page), next, l.reads, err)
	}
}

// TestEventsOfWebhooks: what webhooks are in trouble is for those who manage them.
func TestEventsOfWebhooks(t *testing.T) {
	l := &log{events: []*hub.Event{
		{Seq: 1, Type: hub.EventWebhookFailing},
		{Seq: 2, Type: hub.EventWebhookDisabled},
		{Seq: 3, Type: hub.EventWebhookTest, Target: "w"},
		{Seq: 4, Type: "order.created"},
	}}
	s := &Service{Store: l, Chat: twoChannels()}
	for who, want := range map[string]int{"owner": 4, "admin": 4, "member": 1, "guest": 0} {
		page, _, err := s.Events(t.Context(), actors[who], 0, "", 10)
		if err != nil || len(page) != want {
			t.Errorf("%s sees %d, want %d: %v", who, len(page), want, err)
		}
	}
}

func TestEventsAfter(t *testing.T) {
	l := &log{}
	for i := range 10 {
		l.events = append(l.events, &hub.Event{Seq: int64(i + 1), ChannelID: privateID, ChannelPrivate: i != 9})
	}
	s := &Service{Store: l, Chat: twoChannels()}
	// What is not visible is passed over, and not looked at again.
	page, last, more, err := s.EventsAfter(t.Context(), actors["guest"], 0, 5)
	if err != nil || len(page) != 0 || last != 5 || !more {
		t.Errorf("%d events, last %d, more %v, %v", len(page), last, more, err)
	}
	page, last, more, err = s.EventsAfter(t.Context(), actors["guest"], 5, 100)
	if err != nil || len(page) != 1 || last != 10 || more {
		t.Errorf("%d events, last %d, more %v, %v", len(page), last, more, err)
	}
	if _, last, _, err = s.EventsAfter(t.Context(), actors["guest"], 10, 100); err != nil || last != 10 {
		t.Errorf("last %d, %v", last, err)
	}
}

// TestEventsTakeBoundedMemory: large events come in smaller portions, and all
// of them in the end.
func TestEventsTakeBoundedMemory(t *testing.T) {
	l := &log{}
	for i := range 100 {
		l.events = append(l.events, &hub.Event{Seq: int64(i + 1), Data: make([]byte, 1<<20)})
	}
	s := &Service{Store: l}
	seen := 0
	for after, more := int64(0), true; more; {
		page, last, again, err := s.EventsAfter(t.Context(), actors["owner"], after, 256)
		if err != nil || len(page) > 2*firstChunk {
			t.Fatalf("%d events at once, %v", len(page), err)
		}
		seen, after, more = seen+len(page), last, again
	}
	if seen != 100 {
		t.Errorf("%d events", seen)
	}
	seen = 0
	for before := int64(0); ; {
		page, next, err := s.Events(t.Context(), actors["owner"], before, "", 500)
		if err != nil || len(page) > 2*firstChunk {
			t.Fatalf("%d events at once, %v", len(page), err)
		}
		seen += len(page)
		if before = next; next == 0 {
			break
		}
	}
	if seen != 100 {
		t.Errorf("%d events", seen)
	}
}

func TestBell(t *testing.T) {
	var b Bell
	b.Ring() // nobody waits
	a, c := b.Wait(), b.Wait()
	select {
	case <-a:
		t.Fatal("rung before the ring")
	default:
	}
	b.Ring()
	<-a
	<-c
	if d := b.Wait(); d == a {
		t.Error("the old bell rings for ever")
	}
}
