// Package delivery is the engine that brings events to outgoing webhooks.
//
// # From event to lane
//
// [Engine.Route] matches an event with the subscriptions in force and reserves
// room in the lanes of the webhooks that match; the caller commits the event
// and its deliveries with the change they tell of, and [Engine.Settle] hands
// over what was committed. A delivery for which a lane has room is inserted
// already leased to this process and sent straight from memory; the rest is
// inserted due, and claimed when there is room. What another process serves is
// inserted leased to that one, which hears of it with the commit (handover.go).
//
// # A lane
//
// Each webhook is a lane of its own, so an endpoint that hangs, fails or asks
// for patience costs nobody else anything:
//
//	        due rows ──claim──▶ ready ──▶ in flight ──▶ unrecorded ──commit──▶ gone
//	Settle, Handed ──────────────▲   (≤ concurrency)
//	        (ready + in flight ≤ 4096)
//
// What is ready goes back to the due rows when the lane may not send for a while.
//
// What is leased is numbered, and sent only up to the lane's mark, which is
// stored ahead (hub.Quota): so a crash tells what may have been sent.
//
// The scheduler wakes a lane when it may have something to do: work is due,
// a Retry-After or a breaker's pause ends, a rate limit allows the next
// request, room came free. Rows it does not know of (another process's,
// or lost to a bug) are found by a sweep.
//
// # An attempt
//
// send → classify ([hub.Next], [hub.Health]) → record. Attempt 7 runs the same
// code as attempt 1. The slot in the lane is free as soon as the receiver has
// answered; the outcome is committed in batches behind it, and the lease ends
// with that commit.
//
// What the engine does not know: HTTP intake, who may do what, how text is
// rendered. SQL is in package store, sockets in package egress, signatures in
// package webhook.
package delivery
