package ingress

import (
	"strings"
	"testing"
)

// TestLongestMentionsFit: text that was cut to what the chat takes is taken,
// though each mention of everybody in it becomes one character longer.
func TestLongestMentionsFit(t *testing.T) {
	w := newRealWorld(t)
	for _, times := range []int{2600, 2666, 4000} {
		for _, mention := range []string{"@here ", "<!here> "} {
			body := `{"text":"` + strings.Repeat(mention, times) + `","attachments":[{"text":"card"}]}`
			rec := w.do(t, "POST", token, body)
			if rec.Code != 200 {
				t.Fatalf("%d × %q: answered %d %s", times, mention, rec.Code, rec.Body)
			}
			all, err := w.db.ChannelMessages(t.Context(), w.channel, "", "", true, 1)
			if err != nil || len(all) != 1 {
				t.Fatalf("%d messages, error %v", len(all), err)
			}
			content := all[0].Content
			if n := strings.Count(content, "@\u200bhere"); n < 2200 || strings.Contains(content, "@here") {
				t.Errorf("%d × %q is stored with %d mentions", times, mention, n)
			}
		}
	}
}
