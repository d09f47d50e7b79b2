package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlanOfGroups(t *testing.T) {
	p := plan{endpoints: 6, groups: 3, hanging: 1, dead: 1}
	if p.fanout() != 2 || p.eventType(4) != eventName+".1" || p.pattern(4) != p.eventType(1) || p.pattern(3) == p.eventType(1) {
		t.Errorf("an event goes to %d, event 4 is %s, endpoint 4 subscribes to %s", p.fanout(), p.eventType(4), p.pattern(4))
	}
	// Endpoints 2, 3, 4, 5 are healthy: groups 2, 0, 1, 2.
	all := []verdict{acked, acked, acked, refused, acked, unanswered}
	if got := p.expected(all); got != 1+1+2+1 {
		t.Errorf("%d deliveries expected, want 5", got)
	}
	if diff := cmp.Diff([]verdict{unsent, acked, unsent, unsent, acked, unsent}, p.verdictsAt(4, all)); diff != "" {
		t.Errorf("verdicts at endpoint 4 (-want +got):\n%s", diff)
	}
	var seen bitset
	for _, seq := range []int{1, 2, 4} { // 2 is another group's
		seen.add(seq)
	}
	if got := compare(p.verdictsAt(4, all), seen); got != (audit{Phantom: 1}) {
		t.Errorf("audit of endpoint 4: %s, want one phantom", got)
	}

	one := plan{endpoints: 3, hanging: 1}
	if one.fanout() != 3 || one.eventType(2) != eventName || one.pattern(2) != eventPattern || one.expected(all) != 8 {
		t.Errorf("without groups: %d, %s, %s, %d", one.fanout(), one.eventType(2), one.pattern(2), one.expected(all))
	}
}
