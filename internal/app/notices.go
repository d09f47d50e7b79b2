package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

const (
	// noticeEvery is how often notices are looked for without having been
	// announced: after a failure, or a crash between an outcome and its notice.
	noticeEvery = time.Minute
	// noticePace is how long notices are gathered after some were posted: when a network
	// fails, so do all the webhooks behind it.
	noticePace = time.Second
	// noticesApart get a message each; more that wait are told in one, or several of
	// noticesTogether, which name at most noticesNamed webhooks.
	noticesApart, noticesTogether, noticesNamed = 3, 200, 20
)

// notifier tells the operators about webhooks in trouble: a message in the
// notices channel, and an event for other webhooks. What is to be told is kept
// with the webhook until it was told.
type notifier struct {
	log   *slog.Logger
	wakes chan struct{}
	// posted is told of every notice that was posted.
	posted func(hub.Notice)

	store noticeStore
	chat  noticePoster
}

type noticeStore interface {
	// WebhooksWithNotice returns the webhooks about which a notice is due.
	WebhooksWithNotice(ctx context.Context) ([]hub.OutgoingWebhook, error)
}

// noticePoster is chat.Service.
type noticePoster interface {
	PostNotice(ctx context.Context, text string, about []hub.NoticeRef, events ...*hub.Event) error
}

func newNotifier(log *slog.Logger) *notifier {
	return &notifier{log: log, wakes: make(chan struct{}, 1)}
}

// wake announces that there is a notice to post. It never blocks.
func (n *notifier) wake() {
	select {
	case n.wakes <- struct{}{}:
	default:
	}
}

// Run posts notices until ctx is done.
func (n *notifier) Run(ctx context.Context) error {
	ticker := time.NewTicker(noticeEvery)
	defer ticker.Stop()
	for {
		posted, err := n.post(ctx)
		if err != nil && ctx.Err() == nil {
			n.log.Warn("a notice could not be posted; it is tried again", "error", err)
		}
		if posted {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(noticePace):
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-n.wakes:
		case <-ticker.C:
		}
	}
}

// post tells of all that waits, and reports whether there was anything.
func (n *notifier) post(ctx context.Context) (posted bool, err error) {
	webhooks, err := n.store.WebhooksWithNotice(ctx)
	if err != nil {
		return false, err
	}
	atOnce := noticesTogether
	if len(webhooks) <= noticesApart {
		atOnce = 1
	}
	for group := range slices.Chunk(webhooks, atOnce) {
		err := n.tell(ctx, group)
		if hub.CodeOf(err) == hub.Conflict { // of one of them
			for i := range group {
				if err = n.tell(ctx, group[i:i+1]); hub.CodeOf(err) == hub.Conflict {
					err = nil // another hub was quicker, or the channel is archived
				}
				if err != nil {
					break
				}
			}
		}
		if err != nil {
			return posted, err
		}
		posted = true
	}
	return posted, nil
}

// tell posts one message about the webhooks.
func (n *notifier) tell(ctx context.Context, webhooks []hub.OutgoingWebhook) error {
	var about []hub.NoticeRef
	var events []*hub.Event
	for i := range webhooks {
		w := &webhooks[i]
		event, err := noticeEvent(w)
		if err != nil {
			return err
		}
		about, events = append(about, hub.NoticeRef{WebhookID: w.ID, Notice: w.Notice}), append(events, event)
	}
	if err := n.chat.PostNotice(ctx, noticesText(webhooks), about, events...); err != nil {
		return err
	}
	for _, ref := range about {
		n.posted(ref.Notice)
		n.log.Warn("outgoing webhook in trouble", "webhook", ref.WebhookID, "notice", ref.Notice)
	}
	return nil
}

// noticeEvent tells other webhooks; the one it is about never gets it.
func noticeEvent(w *hub.OutgoingWebhook) (*hub.Event, error) {
	kind := hub.EventWebhookFailing
	if w.Notice.Disabling() {
		kind = hub.EventWebhookDisabled
	}
	data, err := json.Marshal(hub.WebhookStateData{
		Webhook: hub.WebhookInfo{ID: w.ID, Name: w.Name}, Reason: string(w.Notice), Detail: noticeText(w),
	})
	if err != nil {
		return nil, err
	}
	return &hub.Event{Type: kind, Data: data, Origin: hub.Origin{Kind: hub.OriginHub, ID: string(w.ID)}}, nil
}

// What a notice says of deliveries that failed for good, of an open breaker, and
// of both: one may have come about before the other was told.
const (
	toldDead    = " Failed deliveries are kept and can be sent again: list them with status `failed`, then retry one or replay them all."
	toldBreaker = " The hub now probes it with one request at a time; everything else waits."
	toldOnce    = " There is no further notice until one succeeds."
)

// noticeText says what happened to a webhook and what can be done.
func noticeText(w *hub.OutgoingWebhook) string {
	name := fmt.Sprintf("Outgoing webhook **%s**", w.Name)
	dead, breaker := "", ""
	if w.Health.DeadLetter {
		dead = toldDead
	}
	if w.Health.Open {
		breaker = fmt.Sprintf(" It has failed %d times in a row.", w.Health.Failures) + toldBreaker
	}
	switch w.Notice {
	case hub.NoticeDeadLetter:
		return name + " gave up on a delivery after its last try." + toldDead + breaker + toldOnce
	case hub.NoticeBreaker:
		text := fmt.Sprintf("%s has failed %d times in a row.", name, w.Health.Failures) + toldBreaker
		if dead == "" {
			return text + " Nothing is lost."
		}
		return text + " It gave up on a delivery after its last try." + dead + toldOnce
	case hub.NoticeGone:
		return name + " answered 410 Gone, so it was disabled: its receiver wants no more. Enable it again if that was a mistake; " +
			"what was still waiting is on hold." + dead
	case hub.NoticeFailing:
		return name + " has only failed for five days, so it was disabled. What was still waiting is on hold and goes out when " +
			"you enable it again." + dead
	case hub.NoticeNone:
	}
	return name + " needs attention."
}

// noticesText says what happened to several webhooks.
func noticesText(webhooks []hub.OutgoingWebhook) string {
	if len(webhooks) == 1 {
		return noticeText(&webhooks[0])
	}
	// Those that were disabled first: they do not get well by themselves.
	sorted := slices.SortedStableFunc(slices.Values(webhooks), func(a, b hub.OutgoingWebhook) int {
		return rank(a.Notice) - rank(b.Notice)
	})
	var b strings.Builder
	fmt.Fprintf(&b, "%d outgoing webhooks need attention.\n\n", len(sorted))
	disabled, dead, open := false, false, false
	for i := range sorted {
		w := &sorted[i]
		disabled, dead, open = disabled || w.Notice.Disabling(), dead || w.Health.DeadLetter, open || w.Health.Open && !w.Notice.Disabling()
		if i < noticesNamed {
			fmt.Fprintf(&b, "- **%s** %s.\n", w.Name, noticeInShort(w))
		}
	}
	if more := len(sorted) - noticesNamed; more > 0 {
		fmt.Fprintf(&b, "- … and %d more: the list of outgoing webhooks shows them.\n", more)
	}
	b.WriteString("\n")
	if disabled {
		b.WriteString("What was still waiting for those that were disabled is on hold, and goes out when you enable them again. ")
	}
	if open {
		b.WriteString("The hub now probes those that fail with one request at a time; what else is for them waits. ")
	}
	if dead {
		b.WriteString(strings.TrimSpace(toldDead) + " ")
	}
	b.WriteString("There is no further notice of any of them until one of its deliveries succeeds.")
	return b.String()
}

// rank orders notices by what they ask of the reader.
func rank(n hub.Notice) int {
	return slices.Index([]hub.Notice{hub.NoticeGone, hub.NoticeFailing, hub.NoticeDeadLetter, hub.NoticeBreaker}, n)
}

// noticeInShort says what happened to a webhook, after its name.
func noticeInShort(w *hub.OutgoingWebhook) string {
	switch w.Notice {
	case hub.NoticeGone:
		return "answered 410 Gone, so it was disabled"
	case hub.NoticeFailing:
		return "has only failed for five days, so it was disabled"
	case hub.NoticeDeadLetter:
		return "gave up on a delivery after its last try"
	case hub.NoticeBreaker:
		return fmt.Sprintf("has failed %d times in a row", w.Health.Failures)
	case hub.NoticeNone:
	}
	return "needs attention"
}
