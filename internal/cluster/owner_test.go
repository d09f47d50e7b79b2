package cluster

import (
	"fmt"
	"testing"

	"github.com/nself-chat/hub"
)

// TestOwner: lanes are spread evenly, and a change of members moves only the
// lanes of the one that came or went.
func TestOwner(t *testing.T) {
	ids := &hub.IDs{}
	var members []string
	for range 5 {
		members = append(members, ids.New())
	}
	const lanes = 10_000
	byOwner := make(map[string]int)
	moved := 0
	for range lanes {
		lane := hub.WebhookID(ids.New())
		owner := Owner(members, lane)
		byOwner[owner]++
		if less := Owner(members[:4], lane); owner != members[4] && less != owner {
			t.Fatalf("lane %s went from %s to %s when another member left", lane, owner, less)
		} else if less != owner {
			moved++
		}
	}
	for _, m := range members {
		if n := byOwner[m]; n < lanes/5*9/10 || n > lanes/5*11/10 {
			t.Errorf("a member of five serves %d of %d lanes", n, lanes)
		}
	}
	if moved != byOwner[members[4]] {
		t.Errorf("%d lanes moved, %d were the leaver's", moved, byOwner[members[4]])
	}
	if got := Owner(nil, "lane"); got != "" {
		t.Errorf("without members: %q", got)
	}
	if a, b := Owner(members, "lane"), Owner([]string{members[3], members[1], members[0], members[4], members[2]}, "lane"); a != b {
		t.Error("the owner depends on the order of the members")
	}
}

func ExampleOwner() {
	fmt.Println(Owner([]string{"only"}, "any lane"))
	// Output: only
}
