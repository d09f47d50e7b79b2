package console

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// TestRenderedOf: the page shows what the call made, not what another made of
// it since.
func TestRenderedOf(t *testing.T) {
	m := fullMessage()
	m.Content, m.Revision = "resolved", 2
	call := control.CallDetail{Message: &m}
	show := func() (string, string) {
		view, note := renderedOf(&call)
		return view.HTML, note
	}
	if html, note := show(); !strings.Contains(html, "resolved") || note != "" {
		t.Errorf("of an old call: %s, %q", html, note)
	}
	call.Rendered = &hub.Revision{Number: 2, Content: "resolved"}
	if html, note := show(); !strings.Contains(html, "resolved") || note != "" {
		t.Errorf("of the last call: %s, %q", html, note)
	}
	call.Rendered = &hub.Revision{Number: 1, Content: "firing", Embeds: json.RawMessage(`[{"title":"disk full"}]`)}
	html, note := show()
	if !strings.Contains(html, "firing") || !strings.Contains(html, "disk full") || strings.Contains(html, "resolved") || note != textChangedSince {
		t.Errorf("of an earlier call: %s, %q", html, note)
	}
}
