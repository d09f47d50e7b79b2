package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
)

// noticeEvery is how often notices are looked for without having been
// announced: after a failure, or a crash between an outcome and its notice.
const noticeEvery = time.Minute

// notifier tells the operators about webhooks in trouble: a message in the
// notices channel, and an event for other webhooks. What is to be told is kept
// with the webhook until it was told.
type notifier struct {
	log   *slog.Logger
	wakes chan struct{}
	// posted is told of every notice that was posted.
	posted func(hub.Notice)

	store noticeStore
	chat  *chat.Service
}

type noticeStore interface {
	// WebhooksWithNotice returns the webhooks about which a notice is due.
	WebhooksWithNotice(ctx context.Context) ([]hub.OutgoingWebhook, error)
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
		if err := n.post(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("a notice could not be posted; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-n.wakes:
		case <-ticker.C:
		}
	}
}

func (n *notifier) post(ctx context.Context) error {
	webhooks, err := n.store.WebhooksWithNotice(ctx)
	if err != nil {
		return err
	}
	for i := range webhooks {
		w := &webhooks[i]
		text := noticeText(w)
		event, err := noticeEvent(w, text)
		if err != nil {
			return err
		}
		err = n.chat.PostNotice(ctx, text, &chat.NoticeRef{WebhookID: w.ID, Notice: w.Notice}, event)
		if hub.CodeOf(err) == hub.Conflict {
			continue // another hub was quicker, or the channel is archived
		}
		if err != nil {
			return err
		}
		n.posted(w.Notice)
		n.log.Warn("outgoing webhook in trouble", "webhook", w.ID, "notice", w.Notice)
	}
	return nil
}

// noticeEvent tells other webhooks; the one it is about never gets it.
func noticeEvent(w *hub.OutgoingWebhook, text string) (*hub.Event, error) {
	kind := hub.EventWebhookFailing
	if w.Notice.Disabling() {
		kind = hub.EventWebhookDisabled
	}
	data, err := json.Marshal(hub.WebhookStateData{
		Webhook: hub.WebhookInfo{ID: w.ID, Name: w.Name}, Reason: string(w.Notice), Detail: text,
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
