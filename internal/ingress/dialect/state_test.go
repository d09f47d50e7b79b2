package dialect

import (
	"testing"

	"github.com/nself-chat/hub/internal/markup"
)

func TestStateColor(t *testing.T) {
	for word, want := range map[string]markup.Color{
		"FIRING": Red, " Timed Out ": Red, "timed-out": Red, "degraded": Orange, "no_data": Yellow, "Resolved": Green, "SUCCESS": Green,
		"in progress": Blue, "IN_PROGRESS": Blue, "cancelled": Grey, "": "", "blue moon": "", "5": "",
	} {
		if got := StateColor(word); got != want {
			t.Errorf("%q is %q, want %q", word, got, want)
		}
	}
}
