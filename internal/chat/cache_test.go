package chat

import (
	"context"
	"errors"
	"testing"
)

func TestCache(t *testing.T) {
	var c cache[int, int]
	loads := 0
	load := func(_ context.Context, key int) (int, error) {
		loads++
		return key*100 + loads, nil
	}
	get := func(key, want int) {
		t.Helper()
		if got, err := c.get(t.Context(), key, load); got != want || err != nil {
			t.Errorf("%d is %d, %v; want %d", key, got, err, want)
		}
	}
	get(1, 101)
	get(1, 101)
	get(2, 202)
	c.forget(1)
	get(1, 103)
	get(2, 202)

	if _, err := c.get(t.Context(), 3, func(context.Context, int) (int, error) { return 0, errors.New("no") }); err == nil {
		t.Error("an error was lost")
	}
	get(3, 304)

	for key := range cacheSize + 1 {
		if _, err := c.get(t.Context(), 1000+key, load); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.m) > cacheSize {
		t.Errorf("%d entries are kept", len(c.m))
	}
}

// What was read before a change and arrives after it must not stay.
func TestCacheDoesNotKeepOldValues(t *testing.T) {
	var c cache[int, string]
	got, err := c.get(t.Context(), 1, func(context.Context, int) (string, error) {
		c.forget(1) // the change, while the old value is on its way
		return "old", nil
	})
	if got != "old" || err != nil {
		t.Fatal(got, err)
	}
	got, err = c.get(t.Context(), 1, func(context.Context, int) (string, error) { return "new", nil })
	if got != "new" || err != nil {
		t.Errorf("after the change: %q, %v", got, err)
	}
}
