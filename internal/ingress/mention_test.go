package ingress

import (
	"strings"
	"testing"
	"time"
)

// Text full of marks that open nothing takes time in proportion to its length:
// anything else would let one call of ten megabytes hold a processor for minutes.
func TestMentionsTakeLinearTime(t *testing.T) {
	for _, unit := range []string{"<!", "<!channel", "<!|"} {
		text := strings.Repeat(unit, 4<<20/len(unit))
		for _, end := range []string{"", ">"} {
			began := time.Now()
			plainMentions(text + end)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("four megabytes of %q that ends in %q took %v", unit, end, took)
			}
		}
	}
}
