package auth

import (
	"maps"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/nself-chat/hub"
)

// An address may fail failureBurst times at once and then once every
// failureEvery: 60 a minute.
const (
	failureBurst = 60
	failureEvery = time.Second
	// maxAddresses bounds the memory that an attack from many addresses costs.
	maxAddresses = 4096
)

// failures counts invalid credentials by address, so that guessing costs the
// guesser time and the store no queries.
type failures struct {
	now func() time.Time

	mu     sync.Mutex
	byAddr map[string]*rate.Limiter
	swept  time.Time // when makeRoom last looked at all addresses
}

func newFailures(now func() time.Time) *failures {
	return &failures{now: now, byAddr: make(map[string]*rate.Limiter)}
}

// check returns RateLimited for an address that has failed too often.
func (f *failures) check(ip string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, ok := f.byAddr[networkOf(ip)]
	if !ok {
		return nil
	}
	missing := 1 - l.TokensAt(f.now())
	if missing <= 0 {
		return nil
	}
	return &hub.Error{
		Code: hub.RateLimited, Detail: "Too many invalid credentials came from this address.",
		RetryAfter: time.Duration(missing * float64(failureEvery)),
	}
}

// add counts one failure of an address.
func (f *failures) add(ip string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, network := f.now(), networkOf(ip)
	l, ok := f.byAddr[network]
	if !ok {
		f.makeRoom(now)
		l = rate.NewLimiter(rate.Every(failureEvery), failureBurst)
		f.byAddr[network] = l
	}
	l.AllowN(now, 1)
}

// makeRoom forgets the addresses that have nothing against them any more, or
// one of the others.
func (f *failures) makeRoom(now time.Time) {
	if len(f.byAddr) < maxAddresses {
		return
	}
	if now.Sub(f.swept) >= failureEvery {
		f.swept = now
		maps.DeleteFunc(f.byAddr, func(_ string, l *rate.Limiter) bool { return l.TokensAt(now) >= failureBurst })
	}
	for network := range f.byAddr {
		if len(f.byAddr) < maxAddresses {
			return
		}
		delete(f.byAddr, network)
	}
}

// networkOf is what failures are counted by: the address or, for IPv6, its
// /64, which is what one customer has.
func networkOf(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Unmap().Is4() {
		return ip
	}
	p, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return ip
	}
	return p.String()
}
