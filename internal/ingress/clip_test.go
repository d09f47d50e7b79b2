package ingress

import (
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/markup"
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

// TestManyParts: what a call costs does not grow with the number of its parts, and
// the message and the log say what was left out.
func TestManyParts(t *testing.T) {
	for name, body := range map[string]struct{ before, part, after string }{
		"Slack's attachments": {`{"attachments":[`, `{"text":"a"}`, `]}`},
		"Slack's blocks":      {`{"blocks":[`, `{"type":"section","text":{"type":"mrkdwn","text":"a"}}`, `]}`},
		"Slack's fields":      {`{"attachments":[{"fields":[`, `{"title":"a","value":"b"}`, `]}]}`},
		"Discord's embeds":    {`{"content":"x","tts":false,"embeds":[`, `{"title":"a"}`, `]}`},
		"an adaptive card": {
			`{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","body":[`,
			`{"type":"TextBlock","text":"a"}`, `]}}]}`,
		},
		"a form": {`payload={"attachments":[`, `{"text":"a"}`, `]}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			post := func(parts int) float64 {
				text := body.before + strings.Repeat(body.part+",", parts-1) + body.part + body.after
				return testing.AllocsPerRun(1, func() {
					if rec := w.do("POST", token, text); rec.Code >= 300 {
						t.Fatalf("answered %d %s", rec.Code, rec.Body)
					}
				})
			}
			const many = 50_000
			few, more := post(1000), post(many)
			if more > 2*few+1000 {
				t.Errorf("1000 parts take %.0f allocations, %d parts %.0f", few, many, more)
			}
			p := w.chat.posts[len(w.chat.posts)-1]
			const note = "The body had too many parts: 49000 were left out."
			said, reason := markup.Plain(p.Document), p.Call.Reason
			if !strings.Contains(said, note) || !strings.Contains(reason, note) {
				t.Errorf("the message says %q, the log %q", said[max(0, len(said)-200):], reason)
			}
			if p := w.chat.posts[0]; strings.Contains(markup.Plain(p.Document)+p.Call.Reason, "too many parts") {
				t.Error("1000 parts are too many")
			}
		})
	}
}

// TestNotesFit: where the text is as long as may be, there is room for what is said of
// the rest.
func TestNotesFit(t *testing.T) {
	w := newRealWorld(t)
	for _, text := range []string{strings.Repeat("a", maxContent), strings.Repeat("b ", maxContent)} {
		for _, body := range []string{
			`{"content":"` + text + `","tts":false,"embeds":[` + strings.Repeat(`{"title":"a"},`, 2000) + `{"title":"b"}]}`,
			`{"text":"` + text + `","attachments":[` + strings.Repeat(`{"text":"a"},`, 2000) + `{"text":"b"}]}`,
		} {
			if rec := w.do(t, "POST", token, body); rec.Code >= 300 {
				t.Fatalf("answered %d %s", rec.Code, rec.Body)
			}
			all, err := w.db.ChannelMessages(t.Context(), w.channel, "", "", true, 1)
			if err != nil || len(all) != 1 {
				t.Fatalf("%d messages, error %v", len(all), err)
			}
			if got := all[0].Content; !strings.Contains(got, "and 990 more cards") || !strings.Contains(got, "1001 were left out") {
				t.Errorf("it ends in %q", got[max(0, len(got)-300):])
			}
		}
	}
}
