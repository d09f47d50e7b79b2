package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nself-chat/hub"
)

// How long, and how much, is remembered. Another process may change what is
// cached here without a word, so nothing is believed for long.
const (
	keepKnown   = 30 * time.Second
	keepUnknown = 10 * time.Second
	maxEntries  = 4096
	// maxCredential is longer than any credential; what is longer is not
	// worth hashing.
	maxCredential = 512
)

// key is the SHA-256 of a credential, which is not kept itself.
type key [sha256.Size]byte

// keyOf reports false for what cannot be a credential.
func keyOf(credential string) (key, bool) {
	if credential == "" || len(credential) > maxCredential {
		return key{}, false
	}
	return sha256.Sum256([]byte(credential)), true
}

// entry is the result of a look-up. It is shared, and immutable but for
// lastNoted.
type entry struct {
	actor   hub.Actor
	expires time.Time // zero: never
	loaded  time.Time
	// generation is the cache's when it was looked up: before or after a clear.
	generation int
	// err is set when the credential is not valid, for as long as that is remembered.
	err error
	// lastNoted is the minute (Unix) in which its use was noted last.
	lastNoted atomic.Int64
}

// errExpired answers the holder of what once was a valid credential.
var errExpired = hub.Errorf(hub.Unauthorized, "The API token or session has expired.")

func (e *entry) valid(now time.Time) error {
	switch {
	case e.err != nil:
		return e.err
	case !e.expires.IsZero() && !now.Before(e.expires):
		return errExpired
	default:
		return nil
	}
}

// fresh reports whether the entry may still be believed.
func (e *entry) fresh(now time.Time) bool {
	keep := keepKnown
	if e.err != nil {
		keep = keepUnknown
	}
	age := now.Sub(e.loaded)
	return age >= 0 && age < keep // a clock that stepped back makes it stale
}

// cache remembers look-ups of one kind of credential. Valid and invalid ones
// are kept apart, so that guessing does not crowd out the valid ones. A valid
// one that may not be believed any more stays, to be told from a guess, until
// it turns out to be invalid or others need its place.
type cache struct {
	now   func() time.Time
	query func(ctx context.Context, hash string) (*entry, error)

	mu         sync.RWMutex
	known      map[key]*entry
	unknown    map[key]*entry
	generation int // counts clear
}

func newCache(now func() time.Time, query func(context.Context, string) (*entry, error)) *cache {
	return &cache{now: now, query: query, known: make(map[key]*entry), unknown: make(map[key]*entry)}
}

// find returns what is remembered of the credential, nil when it has to be
// looked up. proven reports whether it was valid when last looked up, however
// long ago: such a one is no guess.
func (c *cache) find(k key) (e *entry, proven bool) {
	c.mu.RLock()
	e, proven = c.known[k]
	if !proven {
		e = c.unknown[k]
	}
	generation := c.generation
	c.mu.RUnlock()
	if e == nil || e.generation != generation || !e.fresh(c.now()) {
		return nil, proven
	}
	return e, proven
}

// load looks the credential up and remembers the result, unless the cache was
// cleared in between: what was read may be older than that.
func (c *cache) load(ctx context.Context, k key) (*entry, error) {
	c.mu.RLock()
	generation := c.generation
	c.mu.RUnlock()
	e, err := c.query(ctx, hex.EncodeToString(k[:]))
	if err != nil {
		return nil, err
	}
	e.loaded, e.generation = c.now(), generation
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return e, nil
	}
	delete(c.known, k)
	delete(c.unknown, k)
	if e.err != nil {
		put(c.unknown, k, e)
	} else {
		put(c.known, k, e)
	}
	return e, nil
}

// put adds an entry, in the place of any other when there are too many.
func put(m map[key]*entry, k key, e *entry) {
	for other := range m {
		if len(m) < maxEntries {
			break
		}
		delete(m, other)
	}
	m[k] = e
}

// clear makes everything that was looked up so far stale.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	clear(c.unknown)
}
