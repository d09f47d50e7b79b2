package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// maxSeq bounds the event numbers that are believed, and with them the memory of a bitset (8 MiB).
const maxSeq = 1<<26 - 1

// bitset is a set of event numbers.
type bitset []uint64

// add puts n into the set and reports whether it was new. n is in [0, maxSeq].
func (s *bitset) add(n int) bool {
	word, bit := n/64, uint64(1)<<(n%64)
	if word >= len(*s) {
		*s = append(*s, make(bitset, max(word+1-len(*s), len(*s)))...)
	}
	if (*s)[word]&bit != 0 {
		return false
	}
	(*s)[word] |= bit
	return true
}

func (s bitset) has(n int) bool {
	return n/64 < len(s) && s[n/64]&(1<<(n%64)) != 0
}

func (s bitset) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// bytes is the set as little-endian words, the form in which the sink hands it out.
func (s bitset) bytes() []byte {
	b := make([]byte, 0, len(s)*8)
	for _, w := range s {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

func parseBitset(b []byte) (bitset, error) {
	if len(b)%8 != 0 {
		return nil, errors.New("bitset: not whole words")
	}
	s := make(bitset, 0, len(b)/8)
	for ; len(b) > 0; b = b[8:] {
		s = append(s, binary.LittleEndian.Uint64(b))
	}
	return s, nil
}

// verdict is what the driver knows of one request after its answer.
type verdict uint8

const (
	unsent     verdict = iota // never tried; nothing may appear
	acked                     // acknowledged: must appear exactly once everywhere
	refused                   // answered otherwise: must not appear
	unanswered                // no answer: may appear once or not at all
)

// audit says how what arrived differs from what was acknowledged. The zero value is a faithful run.
type audit struct {
	Lost     int `json:"lost"`     // acknowledged, absent at an endpoint; summed over endpoints
	Doubled  int `json:"doubled"`  // arrivals of an event beyond its first at an endpoint
	Phantom  int `json:"phantom"`  // arrived although refused or never sent
	SameID   int `json:"sameId"`   // arrivals that bear a delivery id seen before at that endpoint
	Foreign  int `json:"foreign"`  // arrivals that carry no mark or no delivery id
	Refused  int `json:"refused"`  // requests the hub answered with an error or not at all
	Mismatch int `json:"mismatch"` // |deliveries the hub says it completed − deliveries expected|
}

// plus is the sum of both.
func (a audit) plus(b audit) audit {
	a.Lost += b.Lost
	a.Doubled += b.Doubled
	a.Phantom += b.Phantom
	a.SameID += b.SameID
	a.Foreign += b.Foreign
	a.Refused += b.Refused
	a.Mismatch += b.Mismatch
	return a
}

// clean reports a run in which nothing was lost, doubled, invented or refused, and whose books agree.
func (a audit) clean() bool { return a == audit{} }

// compare checks what one endpoint saw against the verdicts. seen may hold numbers beyond verdicts: phantoms.
func compare(verdicts []verdict, seen bitset) audit {
	var a audit
	expected := 0
	for seq, v := range verdicts {
		arrived := seen.has(seq)
		switch {
		case v == acked && !arrived:
			a.Lost++
		case arrived && (v == refused || v == unsent):
			a.Phantom++
		}
		if arrived {
			expected++
		}
	}
	a.Phantom += seen.count() - expected
	return a
}

// String names what is wrong, or says "clean".
func (a audit) String() string {
	if a.clean() {
		return "clean"
	}
	return fmt.Sprintf("lost %d, doubled %d, phantom %d, repeated ids %d, foreign %d, refused %d, hub's count off by %d",
		a.Lost, a.Doubled, a.Phantom, a.SameID, a.Foreign, a.Refused, a.Mismatch)
}
