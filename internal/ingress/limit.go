package ingress

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/nself-chat/hub"
)

const (
	// limitWindow is the time over which calls are counted.
	limitWindow = time.Minute
	// failureLimit is how many calls with an unknown token, a wrong signature
	// or from a wrong address one client may make in a window.
	failureLimit = 60

	limitShards = 16
	// maxWindows bounds one shard. Beyond it, who has been there is forgotten
	// rather than who comes refused.
	maxWindows = 4096
)

// limitKey is whose calls are counted together: one client at one webhook, or
// at none ("") for calls that failed.
type limitKey struct {
	hook   hub.IncomingID
	client netip.Addr
}

// window is a span of time that began with a client's first call.
type window struct {
	ends int64 // Unix nanoseconds
	used int
}

// limiter counts calls in windows of limitWindow. The zero value is not ready;
// use newLimiter. It is safe for concurrent use.
type limiter struct {
	seed   maphash.Seed
	shards [limitShards]limitShard
}

type limitShard struct {
	mu      sync.Mutex
	windows map[limitKey]window
	sweepAt int64
}

// allowance is what a client has left.
type allowance struct {
	limit     int
	remaining int
	ends      time.Time // when the count begins again
	refused   bool
}

func newLimiter() *limiter {
	l := &limiter{seed: maphash.MakeSeed()}
	for i := range l.shards {
		l.shards[i].windows = make(map[limitKey]window)
	}
	return l
}

// take counts one call at now against limit (at least 1). Refused calls are
// not counted.
func (l *limiter) take(key limitKey, limit int, now time.Time) allowance {
	s := &l.shards[maphash.Comparable(l.seed, key)%limitShards]
	nanos := now.UnixNano()
	s.mu.Lock()
	defer s.mu.Unlock()
	w, known := s.windows[key]
	if !known {
		s.makeRoom(nanos)
	}
	if nanos >= w.ends || w.ends-nanos > int64(limitWindow) { // over, or the clock was set back
		w = window{ends: nanos + int64(limitWindow)}
	}
	a := allowance{limit: limit, ends: time.Unix(0, w.ends)}
	if w.used >= limit {
		a.refused = true
		return a
	}
	w.used++
	s.windows[key] = w
	a.remaining = limit - w.used
	return a
}

// makeRoom forgets windows that are over, at most once a second, and when none
// are, some other one.
func (s *limitShard) makeRoom(now int64) {
	if len(s.windows) < maxWindows {
		return
	}
	if now >= s.sweepAt {
		s.sweepAt = now + int64(time.Second)
		for key, w := range s.windows {
			if now >= w.ends {
				delete(s.windows, key)
			}
		}
	}
	if len(s.windows) < maxWindows {
		return
	}
	for key := range s.windows {
		delete(s.windows, key)
		return
	}
}

// clientOf is what limits are counted by: an IPv4 address, or the /64 network
// of an IPv6 one, of which a single client has all addresses (RFC 6177 §2).
func clientOf(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if !ip.Is6() {
		return ip
	}
	network, err := ip.Prefix(64)
	if err != nil {
		return ip
	}
	return network.Addr()
}
