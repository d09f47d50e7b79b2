package chat

import (
	"context"
	"sync"
)

// cacheSize is the number of entries at which a cache starts afresh.
const cacheSize = 20000

// cache remembers values by key until they are forgotten. The zero value is
// empty and ready; it is safe for concurrent use. Values are returned as
// copies, and must not hold anything that is changed in place.
type cache[K comparable, V any] struct {
	mu     sync.RWMutex
	m      map[K]V
	forgot uint64 // how often something was forgotten
}

// get returns the value of the key, loading it when it is not in memory. What
// was loaded while something was forgotten may be old: it is returned and not
// kept. Errors are not kept.
func (c *cache[K, V]) get(ctx context.Context, key K, load func(context.Context, K) (V, error)) (V, error) {
	c.mu.RLock()
	v, ok := c.m[key]
	forgot := c.forgot
	c.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, err := load(ctx, key)
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forgot != forgot {
		return v, nil
	}
	if c.m == nil || len(c.m) >= cacheSize {
		c.m = make(map[K]V)
	}
	c.m[key] = v
	return v, nil
}

// forget drops a value, after the commit that changed it.
func (c *cache[K, V]) forget(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.m, key)
	c.forgot++
}

// forgetAll drops every value.
func (c *cache[K, V]) forgetAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m = nil
	c.forgot++
}
