// Package cluster lets several processes work on one database.
//
// Each process is a member: it gives a sign of life every second, removes
// members that have been silent, and learns who the others are. All the rest
// follows from the list of members, without a word between them: which lanes a
// process serves ([Owner], rendezvous hashing), and who does what one alone
// should do ([Cluster.Leads], the eldest). A process that the others removed, as
// it was stopped or cut off, is refused by the store until it has joined anew.
//
// What one process changed it tells the others by a signal right after the
// commit, and of events with it (the store does); signals may be lost, so every
// member looks for itself as well.
//
// With the embedded database there is one process, and no Cluster.
package cluster

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nself-chat/hub"
)

// Store is what a cluster needs of the database.
type Store interface {
	Join(ctx context.Context, id, name string) (slot int, err error)
	Beat(ctx context.Context, id string) (hub.Pulse, error)
	Leave(ctx context.Context, id string) error
	Signal(ctx context.Context, sig hub.Signal) error
	SignalTo(ctx context.Context, node string, sig hub.Signal) error
	Listen(ctx context.Context, ears hub.Ears) error
	EnsurePartitions(ctx context.Context) error
	WeeksAhead(ctx context.Context) (int, error)
}

// Engine is the part of the delivery engine that follows the members.
type Engine interface {
	Alive(until time.Time)
	SetShare(ctx context.Context, members []string, wants func(hub.WebhookID) bool) error
	TakeOver(ctx context.Context) error
	Rejoin(ctx context.Context, node string) error
	Reload(ctx context.Context) error
	LoadPaused(ctx context.Context) error
	Poll(ctx context.Context) error
	Due(from string, lanes ...hub.WebhookID)
	Granted(g hub.Grant)
	Revoked(from string)
	Handed(r hub.Routing)
	Listening(ctx context.Context, node string) error
}

// Options make a Cluster.
type Options struct {
	Store  Store
	Engine Engine
	// NewID makes names of members that were never used, and SetSlot tells the
	// maker of ids which part of them is this process's.
	NewID   func() string
	SetSlot func(int)
	// Name is what operators see: the host's.
	Name string
	// Wake is called when there are new events.
	Wake func()
	// Forget is called when another process changed what this one may have
	// copies of (webhooks, tokens, channels). May be nil.
	Forget func()
	Log    *slog.Logger
	// NoPolling and Deaf leave only the signals, or only the polling: for tests
	// that show that either is enough.
	NoPolling, Deaf bool
}

// Cluster keeps this process a member. Join, then Run; the other methods may be
// called concurrently.
type Cluster struct {
	Options
	counters Counters
	id       string // of this process as a member
	leads    atomic.Bool
	members  atomic.Pointer[[]hub.Node]

	mu      sync.Mutex
	pending hub.Signal             // not yet sent
	private map[string]*hub.Signal // the same, to one node each
	send    chan struct{}          // there is something pending
	kick    chan struct{}          // the nodes may have changed: look now
	// told is what was heard and takes time to follow, follow that there is some.
	told   hub.Signal
	follow chan struct{}
	// last is what the pulse said before: what differs is news.
	last hub.Pulse
	// unshared: the engine's share is not, or not wholly, that of the present
	// members. It is set until every step was taken without an error.
	unshared bool
	// leasing is the name under which the engine leases.
	leasing string

	life life
}

// life is what is known of this process's being a member.
type life struct {
	mu     sync.Mutex
	sign   time.Time // the last sign of life that the database took
	fenced bool      // the others went on without it, and it has not joined again
}

// note notes a sign of life that was given at a time.
func (l *life) note(given time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sign, l.fenced = given, false
}

func (l *life) fence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fenced = true
}

// Check fails while this process is no member that the others reckon with: it
// sends nothing then, and stores nothing.
func (c *Cluster) Check(context.Context) error {
	c.life.mu.Lock()
	defer c.life.mu.Unlock()
	silent := time.Since(c.life.sign)
	switch {
	case c.life.fenced:
		return hub.Errorf(hub.Unavailable, "The other hubs went on without this one, and it has not joined again yet.")
	case silent > silence:
		return hub.Errorf(hub.Unavailable, "The last sign of life of this hub that its database took is %s old.", silent.Round(time.Second))
	}
	return nil
}

const (
	// signalGap is the least time between two signals of one process.
	signalGap = 5 * time.Millisecond
	// pollEvery is how many beats pass between two looks for work that no
	// signal told of.
	pollEvery = 2
	// forgetEvery is how many beats copies are kept that no signal asked to drop,
	// and pass between two looks for what processes that are gone have left.
	forgetEvery = 10
	// silence is how long after its last sign of life a process still sends.
	// The others wait longer (hub.DeadAfter).
	silence = hub.DeadAfter - 2*time.Second
	// partitionsEvery is the time between two looks whether the tables have
	// room for the weeks to come.
	partitionsEvery = time.Minute
	// followTime bounds what a beat brings with it, so that the next one is in
	// time whatever the database does. What was not finished goes on then.
	followTime = 3 * time.Second
)

// New makes a Cluster.
func New(o Options) *Cluster {
	c := &Cluster{
		Options: o, private: make(map[string]*hub.Signal),
		send: make(chan struct{}, 1), kick: make(chan struct{}, 1), follow: make(chan struct{}, 1),
	}
	c.members.Store(&[]hub.Node{})
	return c
}

// Join makes this process a member and tells the engine its share, before the
// engine starts. It returns the name under which the engine leases.
func (c *Cluster) Join(ctx context.Context) (node string, err error) {
	if err := c.join(ctx); err != nil {
		return "", err
	}
	began := time.Now()
	pulse, err := c.Store.Beat(ctx, c.id)
	if err != nil {
		return "", err
	}
	c.life.note(began)
	c.Engine.Alive(began.Add(silence))
	c.note(pulse.Nodes)
	c.last, c.leasing = pulse, c.id
	if err := c.Store.Signal(ctx, hub.Signal{Nodes: true}); err != nil {
		return "", err
	}
	members, wants := c.shares()
	return c.id, c.Engine.SetShare(ctx, members, wants)
}

func (c *Cluster) join(ctx context.Context) error {
	id := c.NewID()
	slot, err := c.Store.Join(ctx, id, c.Name)
	if err != nil {
		return err
	}
	c.id = id
	c.SetSlot(slot)
	return nil
}

// Counters count since the start; all only grow.
type Counters struct {
	// Sent and Heard are signals to other processes and of them. Fenced is how
	// often the others went on without this process, which joined anew.
	Sent, Heard, Fenced atomic.Int64
}

// Counters returns the live counters.
func (c *Cluster) Counters() *Counters { return &c.counters }

// Members returns who works on the database, the eldest first.
func (c *Cluster) Members() []hub.Node { return *c.members.Load() }

// Leads reports whether this process does what only one should do.
func (c *Cluster) Leads() bool { return c.leads.Load() }

// note remembers the members; true: they are others than before.
func (c *Cluster) note(members []hub.Node) bool {
	was := *c.members.Load()
	c.members.Store(&members)
	c.leads.Store(len(members) > 0 && members[0].ID == c.id)
	return !slices.EqualFunc(was, members, func(a, b hub.Node) bool { return a.ID == b.ID })
}

// shares returns the present members, and which lanes are this process's by them.
func (c *Cluster) shares() (ids []string, wants func(hub.WebhookID) bool) {
	members := c.Members()
	ids = make([]string, len(members))
	for i, m := range members {
		ids[i] = m.ID
	}
	self := c.id
	return ids, func(lane hub.WebhookID) bool { return Owner(ids, lane) == self }
}

// Owner returns the member that serves a lane: the one with the highest hash of
// both (rendezvous hashing), so that a change of members moves no lane but
// theirs. "" without members.
func Owner(members []string, lane hub.WebhookID) (owner string) {
	best := uint64(0)
	for _, m := range members {
		h := fnv.New64a()
		_, _ = h.Write([]byte(m))
		_, _ = h.Write([]byte(lane))
		// FNV's high bits hardly depend on the last bytes; a round of mixing
		// (the finalizer of MurmurHash3) spreads them.
		x := h.Sum64()
		x ^= x >> 33
		x *= 0xff51afd7ed558ccd
		x ^= x >> 33
		if x >= best || owner == "" {
			best, owner = x, m
		}
	}
	return owner
}

// Run keeps the membership until ctx is done, then ends it.
func (c *Cluster) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { c.signals(ctx) })
	if !c.Deaf {
		all.Go(func() { c.follows(ctx) })
		ears := hub.Ears{Signal: c.heard, Handover: c.Engine.Handed, Listening: c.Engine.Listening}
		all.Go(func() { _ = c.Store.Listen(ctx, ears) })
	}
	all.Go(func() { c.partitions(ctx) })
	c.beat(ctx)
	all.Wait()
	return nil
}

// partitions has the leader make room in the tables for the weeks to come. It is
// apart from the signs of life, which must not wait for whoever keeps it from that.
func (c *Cluster) partitions(ctx context.Context) {
	ticker := time.NewTicker(partitionsEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !c.Leads() {
			continue
		}
		if err := c.Store.EnsurePartitions(ctx); err != nil && ctx.Err() == nil {
			ahead, unknown := c.Store.WeeksAhead(ctx)
			c.Log.Warn("the tables could not be given room for all of the weeks to come; it is tried again in a minute",
				"weeks_ahead", ahead, "error", errors.Join(err, unknown))
		}
	}
}

// Leave ends the membership, when nothing of this process's is left to do.
func (c *Cluster) Leave(ctx context.Context) error {
	err := c.Store.Leave(ctx, c.id)
	return errors.Join(err, c.Store.Signal(ctx, hub.Signal{Nodes: true}))
}

// beat gives signs of life.
func (c *Cluster) beat(ctx context.Context) {
	ticker := time.NewTicker(hub.BeatEvery)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-c.kick:
		}
		if err := c.once(ctx, n); err != nil && ctx.Err() == nil {
			c.Log.Warn("out of touch with the database; nothing is sent until it answers", "error", err)
		}
	}
}

// once gives one sign of life and follows what it learns.
func (c *Cluster) once(ctx context.Context, n int) error {
	began := time.Now()
	pulse, err := c.Store.Beat(ctx, c.id)
	if errors.Is(err, hub.ErrFenced) {
		return c.rejoin(ctx)
	}
	if err != nil {
		return err
	}
	c.life.note(began)
	ctx, cancel := context.WithTimeout(ctx, followTime)
	defer cancel()
	if c.note(pulse.Nodes) {
		c.Log.Info("members changed", "members", len(pulse.Nodes), "leads", c.Leads())
		c.unshared = true
	}
	if err := c.share(ctx, began); err != nil {
		return err
	}
	if c.NoPolling {
		return nil
	}
	last := c.last
	c.last = pulse
	if pulse.Seq != last.Seq {
		c.Wake()
	}
	switch {
	case pulse.Revision != last.Revision || !pulse.SettingsAt.Equal(last.SettingsAt):
		c.changed(ctx)
	case n%forgetEvery == 0 && len(pulse.Nodes) > 1 && c.Forget != nil:
		c.Forget()
	}
	switch {
	case n%forgetEvery == 0:
		return c.Engine.TakeOver(ctx)
	case n%pollEvery == 0 && len(pulse.Nodes) > 1:
		return c.Engine.Poll(ctx)
	}
	return nil
}

// rejoin begins a new life after the others took this process for dead.
func (c *Cluster) rejoin(ctx context.Context) error {
	c.counters.Fenced.Add(1)
	c.life.fence()
	c.Log.Warn("the other hubs went on without this one, which was out of touch; joining again")
	if err := c.join(ctx); err != nil {
		return err
	}
	began := time.Now()
	pulse, err := c.Store.Beat(ctx, c.id)
	if err != nil {
		return err
	}
	c.life.note(began)
	c.note(pulse.Nodes)
	c.last = pulse
	ctx, cancel := context.WithTimeout(ctx, followTime)
	defer cancel()
	err = c.share(ctx, began)
	c.changed(ctx)
	c.Wake()
	return err
}

// share brings the engine's name and share in line with the members, after a
// beat that began at a time.
func (c *Cluster) share(ctx context.Context, began time.Time) error {
	if c.leasing != c.id {
		c.leasing, c.unshared = c.id, true
		if err := c.Engine.Rejoin(ctx, c.id); err != nil {
			return err
		}
	}
	c.Engine.Alive(began.Add(silence))
	if c.unshared {
		members, wants := c.shares()
		if err := c.Engine.SetShare(ctx, members, wants); err != nil {
			return err
		}
		c.unshared = false
	}
	return nil
}

// changed takes over what another process changed.
func (c *Cluster) changed(ctx context.Context) {
	if c.Forget != nil {
		c.Forget()
	}
	if err := errors.Join(c.Engine.LoadPaused(ctx), c.Engine.Reload(ctx)); err != nil && ctx.Err() == nil {
		c.Log.Warn("changes of webhooks could not be taken over; the sweep tries again", "error", err)
	}
}

// heard follows a signal: at once as far as that takes no time, as handovers are
// heard of behind it.
func (c *Cluster) heard(s hub.Signal) {
	if s.From != "" { // else it stands for those that were missed
		c.counters.Heard.Add(1)
	}
	if s.Seq != 0 {
		c.Wake()
	}
	if s.Revoked {
		c.Engine.Revoked(s.From)
	}
	for _, g := range s.Grants {
		c.Engine.Granted(g)
	}
	if len(s.Due) > 0 {
		c.Engine.Due(s.From, s.Due...)
	}
	if s.Nodes {
		poke(c.kick)
	}
	if !s.Changed && !s.Nodes && !s.All {
		return
	}
	c.mu.Lock()
	c.told.Changed, c.told.Nodes, c.told.All = c.told.Changed || s.Changed, c.told.Nodes || s.Nodes, c.told.All || s.All
	c.mu.Unlock()
	poke(c.follow)
}

// follows does what was heard and asks the database.
func (c *Cluster) follows(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.follow:
		}
		c.mu.Lock()
		s := c.told
		c.told = hub.Signal{}
		c.mu.Unlock()
		if s.Changed {
			c.changed(ctx)
		}
		var err error
		if s.Nodes {
			err = c.Engine.TakeOver(ctx)
		}
		if s.All {
			err = errors.Join(err, c.Engine.Poll(ctx))
		}
		if err != nil && ctx.Err() == nil {
			c.Log.Warn("a signal could not be followed; the polling will", "error", err)
		}
	}
}

// poke tells who waits for ch that there is something to do.
func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// OnForeign tells the others that work became due in a lane; "": that lanes
// became free. It does not block.
func (c *Cluster) OnForeign(lane hub.WebhookID) {
	c.tell(func(s *hub.Signal) {
		switch {
		case lane == "":
			s.Nodes = true
		case slices.Contains(s.Due, lane):
		case len(s.Due) == maxDue:
			s.All = true
		default:
			s.Due = append(s.Due, lane)
		}
	})
}

// OnGrant tells another process what it may hand over. It does not block.
func (c *Cluster) OnGrant(g hub.Grant) {
	c.tellOne(g.To, func(s *hub.Signal) {
		if len(s.Grants) < maxPending {
			s.Grants = append(s.Grants, g)
		}
	})
}

// OnRevoke tells the others that what they may hand over is void. It does not
// block.
func (c *Cluster) OnRevoke() {
	for _, m := range c.Members() { // this process itself hears nothing of its own
		c.tellOne(m.ID, func(s *hub.Signal) { s.Grants, s.Revoked = nil, true })
	}
}

const (
	// A signal names maxDue lanes at most, and has maxGrants; further ones wait for
	// the next, as many as maxPending.
	maxDue     = 100
	maxGrants  = 40
	maxPending = 10_000
)

// OnChange tells the others that something changed that they have copies of. It
// does not block.
func (c *Cluster) OnChange() {
	c.tell(func(s *hub.Signal) { s.Changed = true })
}

// tell adds to the signal that goes out next.
func (c *Cluster) tell(add func(*hub.Signal)) {
	if len(c.Members()) < 2 {
		return
	}
	c.mu.Lock()
	add(&c.pending)
	c.mu.Unlock()
	poke(c.send)
}

// tellOne is tell for one node.
func (c *Cluster) tellOne(node string, add func(*hub.Signal)) {
	c.mu.Lock()
	s := c.private[node]
	if s == nil {
		s = &hub.Signal{}
		c.private[node] = s
	}
	add(s)
	c.mu.Unlock()
	poke(c.send)
}

// signals sends what is pending, in one signal for all that gathered in
// signalGap: each is a commit, and a commit with a NOTIFY in it keeps the others
// with one waiting.
func (c *Cluster) signals(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.send:
		}
		s, private := c.next()
		if s != nil {
			c.sent(ctx, c.Store.Signal(ctx, *s))
		}
		for node, s := range private {
			c.sent(ctx, c.Store.SignalTo(ctx, node, s))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(signalGap):
		}
	}
}

// next takes what is pending: for all (nil: nothing), and for one each.
func (c *Cluster) next() (all *hub.Signal, private map[string]hub.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.pending; len(s.Due) > 0 || s.All || s.Changed || s.Nodes {
		all, c.pending = &s, hub.Signal{}
	}
	private = make(map[string]hub.Signal, len(c.private))
	for node, s := range c.private {
		one := *s
		if len(one.Grants) <= maxGrants {
			delete(c.private, node)
		} else {
			one.Grants = one.Grants[:maxGrants:maxGrants]
			c.private[node] = &hub.Signal{Grants: s.Grants[maxGrants:]}
			poke(c.send)
		}
		private[node] = one
	}
	return all, private
}

// sent notes what became of a signal.
func (c *Cluster) sent(ctx context.Context, err error) {
	switch {
	case err == nil:
		c.counters.Sent.Add(1)
	case ctx.Err() == nil:
		c.Log.Debug("a signal was not sent", "error", err)
	}
}
