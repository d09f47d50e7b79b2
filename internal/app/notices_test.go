package app

import (
	"strings"
	"testing"

	"github.com/nself-chat/hub"
)

// TestNoticesTellEverything: a notice that replaced another, or came with it,
// says what that one would have said.
func TestNoticesTellEverything(t *testing.T) {
	const dead, breaker, safe = "status `failed`", "one request at a time", "Nothing is lost"
	for name, c := range map[string]struct {
		notice     hub.Notice
		health     hub.Health
		says, hush []string
	}{
		"breaker":                     {hub.NoticeBreaker, hub.Health{Open: true}, []string{breaker, safe}, []string{dead}},
		"breaker with a dead letter":  {hub.NoticeBreaker, hub.Health{Open: true, DeadLetter: true}, []string{breaker, dead}, []string{safe}},
		"dead letter":                 {hub.NoticeDeadLetter, hub.Health{DeadLetter: true}, []string{dead}, []string{breaker}},
		"dead letter behind breaker":  {hub.NoticeDeadLetter, hub.Health{Open: true, DeadLetter: true}, []string{dead, breaker}, []string{safe}},
		"disabled":                    {hub.NoticeFailing, hub.Health{Open: true}, []string{"on hold"}, []string{dead}},
		"disabled with a dead letter": {hub.NoticeFailing, hub.Health{Open: true, DeadLetter: true}, []string{"on hold", dead}, nil},
		"gone":                        {hub.NoticeGone, hub.Health{DeadLetter: true}, []string{"410", dead}, nil},
	} {
		text := noticeText(&hub.OutgoingWebhook{Name: "x", Notice: c.notice, Health: c.health})
		for _, s := range c.says {
			if !strings.Contains(text, s) {
				t.Errorf("%s does not say %q: %s", name, s, text)
			}
		}
		for _, s := range c.hush {
			if strings.Contains(text, s) {
				t.Errorf("%s says %q: %s", name, s, text)
			}
		}
	}
}
