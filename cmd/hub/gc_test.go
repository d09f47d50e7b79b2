package main

import "testing"

func TestGCPercentFor(t *testing.T) {
	for live, want := range map[uint64]int{0: 300, 20 << 20: 300, 32 << 20: 300, 48 << 20: 200, 96 << 20: 100, 4 << 30: 100} {
		if got := gcPercentFor(live); got != want {
			t.Errorf("of %d MB live: %d %%, want %d %%", live>>20, got, want)
		}
	}
}
