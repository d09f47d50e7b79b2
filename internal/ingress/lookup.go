package ingress

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/fieldmap"
	"github.com/nself-chat/hub/internal/secret"
)

const (
	// cacheFor is how long a webhook is believed without asking the store.
	// Changes made through the hub are seen at once (Invalidate); this bounds
	// those that another process made.
	cacheFor = 10 * time.Second
	// maxCached bounds the cache; it is emptied when full.
	maxCached = 10_000
	// maxToken is the longest path segment that is looked up at all.
	maxToken = 256
)

// tokenHash is the SHA-256 of a token.
type tokenHash [sha256.Size]byte

// hook is an incoming webhook in force, prepared for use. It is immutable.
type hook struct {
	hub.IncomingWebhook
	key secret.String // of signatures; empty: not asked for
	// fields and subject are the webhook's own reading of what comes; zero: none.
	fields  fieldmap.Map
	subject fieldmap.Template
	allow   []netip.Prefix
	fresh   time.Time // until when it is believed
	expiry  time.Time // of the token; zero: never
}

func (h *hook) validAt(now time.Time) bool {
	return now.Before(h.fresh) && (h.expiry.IsZero() || now.Before(h.expiry))
}

// allows reports whether a client at ip may call.
func (h *hook) allows(ip netip.Addr) bool {
	if len(h.AllowIPs) == 0 {
		return true
	}
	ip = ip.Unmap().WithZone("")
	for _, p := range h.allow {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// lookup finds webhooks by their token. Only webhooks in force are cached: an
// unknown token, a disabled webhook and an expired one each cost the same
// question to the store, and so cannot be told apart by time.
type lookup struct {
	store Store
	open  func(*hub.IncomingWebhook) (secret.String, error)
	now   func() time.Time

	mu     sync.RWMutex
	hooks  map[tokenHash]*hook
	change uint64 // counts invalidations: what was read before one is not kept
}

// invalidate forgets everything.
func (l *lookup) invalidate() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.change++
	clear(l.hooks)
}

// find returns the webhook in force with that token; NotFound when there is
// none.
func (l *lookup) find(ctx context.Context, hash tokenHash) (*hook, error) {
	now := l.now()
	l.mu.RLock()
	h, change := l.hooks[hash], l.change
	l.mu.RUnlock()
	if h != nil && h.validAt(now) {
		return h, nil
	}
	h, err := l.load(ctx, hash, now)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		delete(l.hooks, hash)
	case l.change == change:
		if len(l.hooks) >= maxCached {
			clear(l.hooks)
		}
		if l.hooks == nil {
			l.hooks = make(map[tokenHash]*hook)
		}
		l.hooks[hash] = h
	}
	return h, err
}

func (l *lookup) load(ctx context.Context, hash tokenHash, now time.Time) (*hook, error) {
	text := hash.String()
	w, err := l.store.FindIncoming(ctx, text)
	if err != nil {
		return nil, err
	}
	h, err := l.prepare(w)
	if err != nil {
		return nil, err
	}
	h.fresh, h.expiry = now.Add(cacheFor), w.ExpiresAt
	if w.TokenHash != text && (h.expiry.IsZero() || w.PreviousUntil.Before(h.expiry)) {
		h.expiry = w.PreviousUntil
	}
	return h, nil
}

// prepare opens and reads what is needed of a webhook for a call.
func (l *lookup) prepare(w hub.IncomingWebhook) (*hook, error) {
	h := &hook{IncomingWebhook: w, allow: prefixes(w.AllowIPs), subject: fieldmap.Template(w.KeyTemplate)}
	if w.FieldMap != "" {
		h.fields, _ = fieldmap.Decode([]byte(w.FieldMap)) // checked when it was stored
	}
	if w.SealedHMAC == "" {
		return h, nil
	}
	var err error
	if h.key, err = l.open(&w); err != nil {
		return nil, fmt.Errorf("ingress: open the secret of an incoming webhook: %w", err)
	}
	if h.key.IsZero() {
		return nil, fmt.Errorf("ingress: incoming webhook %s is to be signed and its secret is empty", w.ID)
	}
	return h, nil
}

// prefixes reads addresses and ranges. What is neither allows nobody.
func prefixes(list []string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(list))
	for _, text := range list {
		if p, err := netip.ParsePrefix(text); err == nil {
			out = append(out, p.Masked())
		} else if ip, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()))
		}
	}
	return out
}

// hashOf returns the hash under which a token is known.
func hashOf(token string) tokenHash { return sha256.Sum256([]byte(token)) }

// String returns the hash as the store keeps it.
func (h tokenHash) String() string { return hex.EncodeToString(h[:]) }
