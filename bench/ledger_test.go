package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestBitsetIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOf(rapid.IntRange(0, 5000)).Draw(t, "numbers")
		set := map[int]bool{}
		var s bitset
		for _, n := range numbers {
			if added := s.add(n); added == set[n] {
				t.Fatalf("add(%d) = %v, but %v before", n, added, set[n])
			}
			set[n] = true
		}
		again, err := parseBitset(s.bytes())
		if err != nil {
			t.Fatal(err)
		}
		if again.count() != len(set) {
			t.Fatalf("count %d, want %d", again.count(), len(set))
		}
		for n := range 5100 {
			if again.has(n) != set[n] {
				t.Fatalf("has(%d) = %v, want %v", n, again.has(n), set[n])
			}
		}
	})
	if _, err := parseBitset([]byte{1, 2, 3}); err == nil {
		t.Error("half a word was accepted")
	}
}

func TestCompare(t *testing.T) {
	verdicts := []verdict{acked, acked, refused, refused, unanswered, unanswered, unsent, unsent}
	var seen bitset
	for _, n := range []int{0, 2, 4, 6, 99} {
		seen.add(n)
	}
	// Lost: 1. Phantoms: 2 was refused, 6 never sent, 99 unheard of. 4 and 5 may or may not appear.
	if diff := cmp.Diff(audit{Lost: 1, Phantom: 3}, compare(verdicts, seen)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := compare([]verdict{acked}, nil); got != (audit{Lost: 1}) {
		t.Errorf("nothing seen: %+v", got)
	}
}

func TestEveryFaultMattersAndAdds(t *testing.T) {
	for _, a := range []audit{{Lost: 1}, {Doubled: 1}, {Phantom: 1}, {SameID: 1}, {Foreign: 1}, {Refused: 1}, {Mismatch: 1}} {
		if a.clean() {
			t.Errorf("%+v is called clean", a)
		}
		if sum := (audit{}).plus(a); sum != a {
			t.Errorf("0 + %+v = %+v", a, sum)
		}
	}
}
