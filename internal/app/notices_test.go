package app

import (
	"context"
	"errors"
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
	taken   hub.WebhookID // another hub tells of it at any moment
	refused hub.WebhookID // what is about it cannot be stored
	err     error         // of everything
	events  []*hub.Event
	sizes   []int // how many webhooks each message is about
	at      []time.Time
}

func (b *noticeBoard) WebhooksWithNotice(context.Context) ([]hub.OutgoingWebhook, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.waiting), nil
}

func (b *noticeBoard) PostNotice(_ context.Context, _ string, about []hub.NoticeRef, events ...*hub.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	isAbout := func(id hub.WebhookID) bool {
		return slices.ContainsFunc(about, func(r hub.NoticeRef) bool { return r.WebhookID == id })
	}
	switch {
	case b.err != nil:
		return b.err
	case isAbout(b.refused):
		return errors.New("refused")
	case isAbout(b.taken):
		b.waiting = slices.DeleteFunc(b.waiting, func(w hub.OutgoingWebhook) bool { return w.ID == b.taken })
		b.taken = ""
		return hub.Errorf(hub.Conflict, "told")
	}
	b.waiting = slices.DeleteFunc(b.waiting, func(w hub.OutgoingWebhook) bool { return isAbout(w.ID) })
	b.events, b.sizes, b.at = append(b.events, events...), append(b.sizes, len(about)), append(b.at, time.Now())
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

// TestNoticesTogether: few notices get a message each, many are told together, each
// with its event, and one of which another hub told meanwhile, or that is refused, keeps
// back none of the others.
func TestNoticesTogether(t *testing.T) {
	for name, tt := range map[string]struct {
		failing int
		board   *noticeBoard
		want    []int
		left    int
	}{
		"none":                {0, &noticeBoard{}, nil, 0},
		"few":                 {3, &noticeBoard{}, []int{1, 1, 1}, 0},
		"several":             {4, &noticeBoard{}, []int{4}, 0},
		"a whole network":     {45, &noticeBoard{}, []int{20, 20, 5}, 0},
		"one was told":        {1, &noticeBoard{taken: "w0"}, nil, 0},
		"one of several":      {5, &noticeBoard{taken: "w2"}, []int{4}, 0},
		"one of the second":   {22, &noticeBoard{taken: "w20"}, []int{20, 1}, 0},
		"one is refused":      {25, &noticeBoard{refused: "w1"}, append(slices.Repeat([]int{1}, 19), 5), 1},
		"the database is ill": {25, &noticeBoard{err: hub.Errorf(hub.Unavailable, "x")}, nil, 25},
	} {
		t.Run(name, func(t *testing.T) {
			b := tt.board
			b.fail(0, tt.failing)
			waited, err := notifierOf(b).post(t.Context())
			if waited != (tt.failing > 0) || (err != nil) != (tt.left > 0) || !slices.Equal(b.sizes, tt.want) || len(b.waiting) != tt.left {
				t.Errorf("%t, %v, messages about %v webhooks, %d wait; want %v, %d", waited, err, b.sizes, len(b.waiting), tt.want, tt.left)
			}
			told := map[string]bool{}
			for _, e := range b.events {
				told[e.Origin.ID] = e.Type == hub.EventWebhookFailing
			}
			sum := 0
			for _, n := range tt.want {
				sum += n
			}
			if len(told) != sum || len(b.events) != sum {
				t.Errorf("events of %d webhooks, want %d", len(told), sum)
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
		if !slices.Equal(b.sizes, []int{1, 20, 20, 9}) || !b.at[0].Equal(began) || b.at[1].Sub(began) != noticePace {
			t.Errorf("messages about %v webhooks at %v", b.sizes, b.at)
		}
	})
}

// TestManyNoticesInOne: a message about many webhooks says for each what happened, and
// once what follows from that.
func TestManyNoticesInOne(t *testing.T) {
	well := hub.Health{}
	open := hub.Health{Open: true, Failures: 12}
	for name, tt := range map[string]struct {
		webhooks   []hub.OutgoingWebhook
		says, hush []string
	}{
		"all": {
			[]hub.OutgoingWebhook{
				{Name: "a", Notice: hub.NoticeGone, Health: open},
				{Name: "b", Notice: hub.NoticeFailing, Health: open},
				{Name: "c", Notice: hub.NoticeDeadLetter, Health: well},
				{Name: "d", Notice: hub.NoticeBreaker, Health: open},
			},
			[]string{
				"4 outgoing webhooks need attention.\n\n- **a** answered 410 Gone, so it was disabled.\n- **b** has only failed for five days",
				"\n- **c** gave up on a delivery", "\n- **d** has failed 12 times in a row.\n\nWhat was", "enable them again", "one request at a time",
				"--status failed",
			},
			nil,
		},
		"disabled only": {
			[]hub.OutgoingWebhook{{Name: "a", Notice: hub.NoticeGone, Health: open}, {Name: "b", Notice: hub.NoticeGone, Health: open}},
			[]string{"enable them again"},
			[]string{"one request", "--status failed"},
		},
		"well again": {
			[]hub.OutgoingWebhook{{Name: "a", Notice: hub.NoticeBreaker, Health: well}, {Name: "b", Notice: hub.NoticeBreaker, Health: open}},
			[]string{"**a** failed several times in a row, and has answered again since.", "one request"},
			[]string{" 0 times", "--status failed", "enable"},
		},
		"well again, alone": {
			[]hub.OutgoingWebhook{{Name: "a", Notice: hub.NoticeBreaker, Health: well}},
			[]string{"Outgoing webhook **a** failed several times in a row, and has answered again since."},
			[]string{" 0 times", "one request"},
		},
		"names that look like Markdown": {
			[]hub.OutgoingWebhook{{Name: "a*b_c_", Notice: hub.NoticeGone}, {Name: "`b`", Notice: hub.NoticeGone}},
			[]string{`- **a\*b_c\_** answered`, "- **\\`b\\`** answered"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := noticesText(tt.webhooks)
			for _, s := range tt.says {
				if !strings.Contains(text, s) {
					t.Errorf("it does not say %q: %s", s, text)
				}
			}
			for _, s := range tt.hush {
				if strings.Contains(text, s) {
					t.Errorf("it says %q: %s", s, text)
				}
			}
		})
	}
}

// TestNoticesInOrder: those that were disabled are told first.
func TestNoticesInOrder(t *testing.T) {
	b := &noticeBoard{}
	b.fail(0, 21)
	b.waiting[20].Notice = hub.NoticeGone
	if _, err := notifierOf(b).post(t.Context()); err != nil || b.events[0].Type != hub.EventWebhookDisabled {
		t.Errorf("%v, %s is told first", err, b.events[0].Type)
	}
}

// TestNoticesTellEverything: a notice that replaced another, or came with it,
// says what that one would have said.
func TestNoticesTellEverything(t *testing.T) {
	const dead, breaker, safe = "--status failed", "one request at a time", "Nothing is lost"
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
