package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

const (
	// noticeEvery is how often notices are looked for without having been
	// announced: after a failure, or a crash between an outcome and its notice.
	noticeEvery = time.Minute
	// noticePace is how long notices are gathered after some were posted: when a network
	// fails, so do all the webhooks behind it.
	noticePace = time.Second
	// noticesApart get a message each; of more that wait so many are told together.
	noticesApart, noticesTogether = 3, 20
	// noticeTries is how often a message is written anew because what it tells has changed.
	noticeTries = 3
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
		waited, err := n.post(ctx)
		if err != nil && ctx.Err() == nil {
			n.log.Warn("a notice could not be posted; it is tried again", "error", err)
		}
		if waited {
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

// post tells of all that waits, and reports whether anything did.
func (n *notifier) post(ctx context.Context) (waited bool, err error) {
	webhooks, err := n.store.WebhooksWithNotice(ctx)
	if err != nil || len(webhooks) == 0 {
		return false, err
	}
	// Those that were disabled first: they do not get well by themselves.
	slices.SortStableFunc(webhooks, func(a, b hub.OutgoingWebhook) int { return rank(a.Notice) - rank(b.Notice) })
	together := noticesTogether
	if len(webhooks) <= noticesApart {
		together = 1
	}
	for group := range slices.Chunk(webhooks, together) {
		failed := n.tellWaiting(ctx, group)
		err = errors.Join(err, failed)
		if isUnwell(failed) {
			break
		}
	}
	return true, err
}

// tellWaiting tells of those of the webhooks of which a notice waits, each by itself
// when they cannot be told of together.
func (n *notifier) tellWaiting(ctx context.Context, group []hub.OutgoingWebhook) error {
	for range noticeTries {
		err := n.tell(ctx, group)
		switch {
		case hub.CodeOf(err) == hub.Conflict:
		case err == nil || len(group) == 1 || isUnwell(err):
			return err
		default:
			var all []error
			for i := range group {
				all = append(all, n.tellWaiting(ctx, group[i:i+1]))
			}
			return errors.Join(all...)
		}
		// Another hub told of one of them, or something else became of it.
		waiting, err := n.store.WebhooksWithNotice(ctx)
		if err != nil {
			return err
		}
		group = slices.DeleteFunc(waiting, func(w hub.OutgoingWebhook) bool {
			return !slices.ContainsFunc(group, func(g hub.OutgoingWebhook) bool { return g.ID == w.ID })
		})
		if len(group) == 0 {
			return nil
		}
	}
	return nil // they go on changing, and announce it
}

// isUnwell reports an error that is not about what was to be stored.
func isUnwell(err error) bool {
	code := hub.CodeOf(err)
	return err != nil && (code == hub.Unavailable || code == hub.StorageFull)
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
	toldDead = " Failed deliveries are kept: `hub deliveries list --status failed` lists them, `hub deliveries show` says what went wrong, " +
		"and `hub webhook outgoing replay` sends them again."
	toldBreaker = " The hub now probes it with one request at a time; everything else waits."
	toldOnce    = " There is no further notice until one succeeds."
	// recovered is what a breaker's notice says when it was closed before that was told.
	recovered = "failed several times in a row, and has answered again since"
)

// noticeText says what happened to a webhook and what can be done.
func noticeText(w *hub.OutgoingWebhook) string {
	name := "Outgoing webhook " + inBold(w.Name)
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
		if !w.Health.Open {
			return name + " " + recovered + "." + dead
		}
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
	var b strings.Builder
	fmt.Fprintf(&b, "%d outgoing webhooks need attention.\n\n", len(webhooks))
	disabled, dead, open := false, false, false
	for i := range webhooks {
		w := &webhooks[i]
		disabled = disabled || w.Notice.Disabling()
		dead = dead || w.Health.DeadLetter || w.Notice == hub.NoticeDeadLetter
		open = open || w.Health.Open && !w.Notice.Disabling()
		fmt.Fprintf(&b, "- %s %s.\n", inBold(w.Name), noticeInShort(w))
	}
	var rest []string
	if disabled {
		rest = append(rest, "What was still waiting for those that were disabled is on hold, and goes out when you enable them again.")
	}
	if open {
		rest = append(rest, "The hub now probes those that fail with one request at a time; what else is for them waits.")
	}
	if dead {
		rest = append(rest, strings.TrimSpace(toldDead))
	}
	return b.String() + "\n" + strings.Join(rest, " ")
}

// inBold returns the Markdown of a name, which may itself look like some.
func inBold(name string) string {
	s, _ := markup.PrintMarkdown(markup.Document{Blocks: []markup.Block{
		markup.Paragraph{Content: []markup.Inline{markup.Strong{Content: []markup.Inline{markup.Text(name)}}}},
	}})
	return s
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
		if !w.Health.Open {
			return recovered
		}
		return fmt.Sprintf("has failed %d times in a row", w.Health.Failures)
	case hub.NoticeNone:
	}
	return "needs attention"
}
