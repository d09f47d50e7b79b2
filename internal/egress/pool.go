package egress

import (
	"sync"
	"time"
)

// pool keeps connections open between requests: at most maxIdlePerHost to one
// address, for idleTimeout. It is safe for concurrent use.
type pool struct {
	mu     sync.Mutex
	idle   map[string][]*conn // by address; who was used last is last
	sweep  *time.Timer        // set while there are any
	closed bool               // until the next request
}

// take returns a connection to the address that can be used, or nil.
func (p *pool) take(address string) *conn {
	for {
		p.mu.Lock()
		p.closed = false
		kept := p.idle[address]
		if len(kept) == 0 {
			p.mu.Unlock()
			return nil
		}
		last := len(kept) - 1
		c := kept[last]
		kept[last] = nil
		p.idle[address] = kept[:last]
		p.mu.Unlock()
		if !c.unusable() {
			return c
		}
		_ = c.Close()
	}
}

// put keeps a connection for the next request, or closes it.
func (p *pool) put(c *conn) {
	p.mu.Lock()
	kept := p.idle[c.address]
	full := p.closed || len(kept) >= maxIdlePerHost
	if !full {
		if p.idle == nil {
			p.idle = make(map[string][]*conn)
		}
		c.since = time.Now()
		p.idle[c.address] = append(kept, c)
		if p.sweep == nil {
			p.sweep = time.AfterFunc(idleTimeout, p.expire)
		}
	}
	p.mu.Unlock()
	if full {
		_ = c.Close()
	}
}

// expire closes what nobody has used for idleTimeout, and comes again when the
// next is due.
func (p *pool) expire() { p.closeUntil(time.Now().Add(-idleTimeout)) }

// close closes what is idle, and what is put back before the next request.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.closeUntil(time.Now().Add(time.Hour))
}

// closeUntil closes the connections that have been idle since last or longer.
func (p *pool) closeUntil(last time.Time) {
	var old []*conn
	p.mu.Lock()
	var next time.Time
	for address, kept := range p.idle {
		n := 0
		for n < len(kept) && !kept[n].since.After(last) {
			n++
		}
		old = append(old, kept[:n]...)
		if n == len(kept) {
			delete(p.idle, address)
			continue
		}
		p.idle[address] = append([]*conn(nil), kept[n:]...)
		if since := kept[n].since; next.IsZero() || since.Before(next) {
			next = since
		}
	}
	if p.sweep != nil {
		p.sweep.Stop()
		p.sweep = nil
	}
	if !next.IsZero() {
		p.sweep = time.AfterFunc(time.Until(next.Add(idleTimeout)), p.expire)
	}
	p.mu.Unlock()
	for _, c := range old {
		_ = c.Close()
	}
}
