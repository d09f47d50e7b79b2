package control

import (
	"context"

	"github.com/nself-chat/hub"
)

// Inbox returns at most limit calls of all incoming webhooks, deleted ones too,
// and of tokens that are nobody's, older than before ("": the newest), newest
// first and without bodies, and whether there are more.
func (s *Service) Inbox(ctx context.Context, a hub.Actor, before hub.CallID, limit int) ([]hub.Call, bool, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return nil, false, err
	}
	all, err := s.Store.Calls(ctx, "", before, limit+1)
	items, more := firstOf(all, limit)
	return items, more, err
}

// Trace is a call with all that came of it.
type Trace struct {
	CallDetail
	// Steps are what was told of the message so far, oldest first.
	Steps []TraceStep
}

// TraceStep is an event, and where it was sent.
type TraceStep struct {
	Event      *hub.Event
	Deliveries []hub.Delivery
}

// Bounds of a Trace.
const (
	maxSteps      = 50
	maxDeliveries = 100 // of one step
)

// InboxCall returns one of the calls in the inbox with its body and what came of it.
func (s *Service) InboxCall(ctx context.Context, a hub.Actor, call hub.CallID) (Trace, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return Trace{}, err
	}
	c, err := s.Store.Call(ctx, call)
	if err != nil {
		return Trace{}, err
	}
	out := Trace{}
	if out.CallDetail, err = s.withMessage(ctx, a, c); err != nil || out.Message == nil {
		return out, err
	}
	events, err := s.Store.EventsOfKey(ctx, hub.MessageOrderKey(out.Message.ID), maxSteps)
	if err != nil {
		return Trace{}, err
	}
	for _, e := range events {
		deliveries, err := s.Store.DeliveriesOf(ctx, e.ID, maxDeliveries)
		if err != nil {
			return Trace{}, err
		}
		out.Steps = append(out.Steps, TraceStep{e, deliveries})
	}
	return out, nil
}

// ReplayInbox posts a call of the inbox again, as ReplayCall does.
func (s *Service) ReplayInbox(ctx context.Context, a hub.Actor, call hub.CallID) (hub.Call, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return hub.Call{}, err
	}
	c, err := s.Store.Call(ctx, call)
	switch {
	case err != nil:
		return hub.Call{}, err
	case c.IncomingID == "":
		return hub.Call{}, hub.Errorf(hub.Conflict, "The token of this call was nobody's; there is no channel to post it into.")
	}
	return s.ReplayCall(ctx, a, c.IncomingID, call)
}
