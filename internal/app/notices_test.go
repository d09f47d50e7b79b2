package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
)

// noticeBoard keeps the notices that wait, and what was posted.
type noticeBoard struct {
	mu      sync.Mutex
	waiting []hub.OutgoingWebhook
	taken   hub.WebhookID // another hub posts its notice at any moment
	texts   []string
	sizes   []int // how many webhooks each text is about
	at      []time.Time
}

func (b *noticeBoard) WebhooksWithNotice(context.Context) ([]hub.OutgoingWebhook, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.waiting), nil
}

func (b *noticeBoard) PostNotice(_ context.Context, text string, about []hub.NoticeRef, events ...*hub.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	told := func(w hub.OutgoingWebhook) bool {
		return slices.Contains(about, hub.NoticeRef{WebhookID: w.ID, Notice: w.Notice})
	}
	if slices.ContainsFunc(about, func(r hub.NoticeRef) bool { return r.WebhookID == b.taken }) || len(events) != len(about) {
		b.waiting = slices.DeleteFunc(b.waiting, func(w hub.OutgoingWebhook) bool { return w.ID == b.taken })
		return hub.Errorf(hub.Conflict, "told")
	}
	b.waiting = slices.DeleteFunc(b.waiting, told)
	b.texts, b.sizes, b.at = append(b.texts, text), append(b.sizes, len(about)), append(b.at, time.Now())
	return nil
}

// fail lets webhooks from ≤ n < to be in trouble.
func (b *noticeBoard) fail(from, to int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := from; n < to; n++ {
		b.waiting = append(b.waiting, hub.OutgoingWebhook{
			ID: hub.WebhookID(fmt.Sprint("w", n)), Name: fmt.Sprint("hook ", n), Notice: hub.NoticeBreaker, Health: hub.Health{Open: true, Failures: 10},
		})
	}
}

func notifierOf(b *noticeBoard) *notifier {
	n := newNotifier(slog.New(slog.DiscardHandler))
	n.store, n.chat, n.posted = b, b, func(hub.Notice) {}
	return n
}

// TestNoticesTogether: few notices get a message each, many are told in one, and one
// that another hub told meanwhile does not keep the others back.
func TestNoticesTogether(t *testing.T) {
	for name, tt := range map[string]struct {
		failing int
		taken   hub.WebhookID
		want    []int
	}{
		"none":              {0, "", nil},
		"few":               {3, "", []int{1, 1, 1}},
		"several":           {4, "", []int{4}},
		"a whole network":   {450, "", []int{200, 200, 50}},
		"one was told":      {1, "w0", nil},
		"one of several":    {5, "w2", []int{1, 1, 1, 1}},
		"one of the second": {202, "w201", []int{200, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			b := &noticeBoard{taken: tt.taken}
			b.fail(0, tt.failing)
			if _, err := notifierOf(b).post(t.Context()); err != nil || !slices.Equal(b.sizes, tt.want) || len(b.waiting) > 0 {
				t.Errorf("%v, messages about %v webhooks, %d wait; want %v", err, b.sizes, len(b.waiting), tt.want)
			}
		})
	}
}

// TestNoticePace: the first notice is posted at once, and what comes within a second
// after it is told together.
func TestNoticePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &noticeBoard{}
		n := notifierOf(b)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		began := time.Now()
		go func() { ended <- n.Run(ctx) }()
		synctest.Wait()
		for i := range 50 {
			b.fail(i, i+1)
			n.wake()
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if !slices.Equal(b.sizes, []int{1, 49}) || !b.at[0].Equal(began) || b.at[1].Sub(began) != noticePace {
			t.Errorf("messages about %v webhooks at %v", b.sizes, b.at)
		}
	})
}

// TestManyNoticesInOne: a message about many webhooks says for each what happened, those
// that were disabled first, names no more than a reader takes in, and what follows.
func TestManyNoticesInOne(t *testing.T) {
	b := &noticeBoard{}
	b.fail(0, 30)
	b.waiting[29].Notice = hub.NoticeGone
	b.waiting[28].Notice, b.waiting[28].Health.DeadLetter = hub.NoticeDeadLetter, true
	text := noticesText(b.waiting)
	lines := strings.Split(text, "\n")
	if len(lines) != 25 || lines[0] != "30 outgoing webhooks need attention." || lines[2] != "- **hook 29** answered 410 Gone, so it was disabled." ||
		lines[3] != "- **hook 28** gave up on a delivery after its last try." || lines[4] != "- **hook 0** has failed 10 times in a row." ||
		!strings.HasPrefix(lines[22], "- … and 10 more") {
		t.Errorf("%d lines: %s", len(lines), text)
	}
	for _, s := range []string{"enable them again", "one request at a time", "status `failed`", "no further notice"} {
		if !strings.Contains(lines[24], s) {
			t.Errorf("it does not say %q: %s", s, lines[24])
		}
	}
	if few := noticesText(b.waiting[:2]); strings.Contains(few, "enable") || strings.Contains(few, "`failed`") || strings.Contains(few, "more:") {
		t.Errorf("it says too much: %s", few)
	}
}

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
