package hub

import (
	"context"
	"time"
)

// Node is one of the processes that work on the same database.
type Node struct {
	ID      string // never used before
	Name    string // for operators: host and process
	Slot    int    // see IDs.SetSlot; its own while it is a member
	Started time.Time
	Beat    time.Time // its last sign of life
}

const (
	// BeatEvery is how often a node gives a sign of life.
	BeatEvery = time.Second
	// DeadAfter is the silence after which the other nodes go on without one.
	DeadAfter = 5 * time.Second
)

// ErrFenced refuses the writes of a node that the others took for dead. It may
// join again under a new id.
var ErrFenced = Errorf(Unavailable, "This hub was out of touch with its database and is joining again; nothing was stored.")

// ErrOutdated refuses events that were matched with subscriptions which another
// node has changed since. Whoever matched them takes over the change and matches
// them again.
var ErrOutdated = Errorf(Unavailable, "Outgoing webhooks were being changed at this moment; nothing was stored. Try again.")

// MaxRoutes is how often events are matched at most until they are stored: each
// time but the first, subscriptions were changed in between.
const MaxRoutes = 8

// Pulse is what a node learns with each sign of life.
type Pulse struct {
	Nodes []Node // the eldest first
	// Seq is the number of the newest event, Revision that of the newest
	// subscription, SettingsAt when a setting changed last.
	Seq, Revision int64
	SettingsAt    time.Time
}

// Signal is what one node tells the others right after a commit. It may be
// lost; whoever relies on it looks for itself as well, now and then.
type Signal struct {
	From string `json:"from"` // the sender's id
	// Seq is the number of the newest event; 0: no news, -1: not known.
	Seq int64 `json:"seq,omitempty"`
	// Due are lanes in which work became due; All: any may have some.
	Due []WebhookID `json:"due,omitempty"`
	All bool        `json:"all,omitempty"`
	// Changed: webhooks, settings or another thing that nodes keep a copy of.
	Changed bool `json:"changed,omitempty"`
	// Nodes: one came or went, or lanes were given up.
	Nodes bool `json:"nodes,omitempty"`
	// Grants are for the one node that is told. Revoked: all that the sender gave
	// are void.
	Grants  []Grant `json:"grants,omitempty"`
	Revoked bool    `json:"revoked,omitempty"`
}

// Ears are called, one at a time, with what other nodes tell.
type Ears struct {
	// Signal is called for each signal of another process.
	Signal func(Signal)
	// Handover is called with what another process has leased to this one. nil:
	// this one takes nothing.
	Handover func(Routing)
	// Listening says under which name this process hears of handovers, "" when it
	// does not any more. After an error the connection is made anew.
	Listening func(ctx context.Context, node string) error
}
