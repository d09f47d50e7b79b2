package hub_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
)

// What AppendJSON writes by itself is what encoding/json would write.
func TestTriggeredByJSON(t *testing.T) {
	for _, text := range append(strings.Split("\x00 \x1f ~ \x7f \" \\ < > & é \u2028 \xff plain", " "), "", "two words") {
		for _, by := range []hub.TriggeredBy{{UserID: hub.UserID(text)}, {UserID: "u", Username: text}} {
			want, err := json.Marshal(by)
			if err != nil {
				t.Fatal(err)
			}
			if got := by.AppendJSON([]byte("before")); string(got) != "before"+string(want) {
				t.Errorf("%q: %s, want %s", text, got, want)
			}
		}
	}
}
