package control

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/delivery"
	"github.com/nself-chat/hub/internal/secret"
)

// outgoingStore keeps outgoing webhooks.
type outgoingStore interface {
	OutgoingWebhooks(ctx context.Context) ([]hub.OutgoingWebhook, error)
	OutgoingWebhook(ctx context.Context, id hub.WebhookID) (hub.OutgoingWebhook, error)
	CreateOutgoingWebhook(ctx context.Context, w *hub.OutgoingWebhook) (revision int64, err error)
	UpdateOutgoingWebhook(ctx context.Context, id hub.WebhookID, change func(*hub.OutgoingWebhook) error) (
		hub.OutgoingWebhook, int64, error)
	DeleteOutgoingWebhook(ctx context.Context, id hub.WebhookID, check func(*hub.OutgoingWebhook) error) (revision int64, err error)
	OutgoingPage(ctx context.Context, after hub.WebhookID, limit int) ([]hub.OutgoingWebhook, error)
	DeliveryCounts(ctx context.Context) (map[hub.WebhookID]map[hub.DeliveryStatus]int64, error)
	DeliveryCountsOf(ctx context.Context, first, last hub.WebhookID) (map[hub.WebhookID]map[hub.DeliveryStatus]int64, error)
}

// OutgoingChange describes an outgoing webhook to be made, or changes of one.
// Making one, absent and null are the default.
type OutgoingChange struct {
	Name          Change[string]
	URL           Change[string]
	Secret        Change[string] // only when making one
	Events        Change[[]string]
	ChannelIDs    Change[[]hub.ChannelID]
	Filter        Change[json.RawMessage] // a hub.Filter
	Headers       Change[map[string]string]
	Timeout       Change[int64] // milliseconds
	MaxRetries    Change[int]
	RetryDelay    Change[int64] // milliseconds
	RetrySchedule Change[string]
	RateLimit     Change[int] // a minute
	Concurrency   Change[int]
	Ordering      Change[hub.Ordering]
	Signing       Change[hub.Signing]
	Enabled       Change[bool]
}

// Outgoing is an outgoing webhook with its figures.
type Outgoing struct {
	hub.OutgoingWebhook
	Counts map[hub.DeliveryStatus]int64
}

// Outgoings returns all outgoing webhooks, oldest first.
func (s *Service) Outgoings(ctx context.Context, a hub.Actor) ([]Outgoing, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return nil, err
	}
	all, err := s.Store.OutgoingWebhooks(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := s.Store.DeliveryCounts(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Outgoing, len(all))
	for i := range all {
		out[i] = Outgoing{all[i], counts[all[i].ID]}
	}
	return out, nil
}

// OutgoingPage returns at most limit outgoing webhooks with ids above after, oldest
// first, and whether there are more.
func (s *Service) OutgoingPage(ctx context.Context, a hub.Actor, after hub.WebhookID, limit int) ([]Outgoing, bool, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return nil, false, err
	}
	all, err := s.Store.OutgoingPage(ctx, after, limit+1)
	items, more := firstOf(all, limit)
	if err != nil || len(items) == 0 {
		return nil, false, err
	}
	counts, err := s.Store.DeliveryCountsOf(ctx, items[0].ID, items[len(items)-1].ID)
	if err != nil {
		return nil, false, err
	}
	out := make([]Outgoing, len(items))
	for i := range items {
		out[i] = Outgoing{items[i], counts[items[i].ID]}
	}
	return out, more, nil
}

// Outgoing returns one outgoing webhook.
func (s *Service) Outgoing(ctx context.Context, a hub.Actor, id hub.WebhookID) (Outgoing, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return Outgoing{}, err
	}
	w, err := s.Store.OutgoingWebhook(ctx, id)
	if err != nil {
		return Outgoing{}, err
	}
	counts, err := s.Store.DeliveryCountsOf(ctx, id, id)
	return Outgoing{w, counts[id]}, err
}

// CreateOutgoing makes an outgoing webhook. The secret is returned here and
// never again.
func (s *Service) CreateOutgoing(ctx context.Context, a hub.Actor, c OutgoingChange) (Outgoing, secret.String, error) {
	none := secret.String{}
	if err := allow(a, manageWebhooks); err != nil {
		return Outgoing{}, none, err
	}
	now := s.Now().UTC().Truncate(time.Microsecond)
	w := hub.OutgoingWebhook{
		ID: hub.WebhookID(s.IDs.New()), State: hub.WebhookActive, Policy: s.Defaults,
		CreatedBy: a.UserID, CreatedAt: now, UpdatedAt: now,
	}
	if err := s.applyOutgoing(ctx, &w, c, true); err != nil {
		return Outgoing{}, none, err
	}
	key := secret.New(c.Secret.Value)
	if key.IsZero() {
		key = secret.SigningSecret()
	}
	w.SealedSecret = s.Keys.Seal(key, delivery.SecretAAD(w.ID))
	if _, err := s.Store.CreateOutgoingWebhook(ctx, &w); err != nil {
		return Outgoing{}, none, err
	}
	s.audit(ctx, a, "outgoing_webhook.create", string(w.ID), nil, outgoingFacts(&w))
	s.reload(ctx, w.ID)
	return Outgoing{OutgoingWebhook: w}, key, nil
}

// reload lets the engine take up a change. The change is stored: a failure here
// must not tell the caller that it is not, nor hide a secret that cannot be asked
// for again. It is tried a few times; then the engine's sweep takes the change up later.
func (s *Service) reload(ctx context.Context, id hub.WebhookID) {
	ctx = context.WithoutCancel(ctx)
	err := s.Engine.Reload(ctx)
	for tries := 1; err != nil && tries < reloadTries; tries++ {
		time.Sleep(reloadPause)
		err = s.Engine.Reload(ctx)
	}
	if err != nil {
		s.Log.Warn("a changed webhook takes effect with the engine's next sweep", "webhook", id, "error", err)
	}
}

const (
	reloadTries = 3
	reloadPause = 100 * time.Millisecond
)

// UpdateOutgoing changes an outgoing webhook. ifMatch is the version the
// change was made on; "" is any. Enabling a disabled webhook forgets what was
// held against its endpoint and sends what waited.
func (s *Service) UpdateOutgoing(ctx context.Context, a hub.Actor, id hub.WebhookID, ifMatch string, c OutgoingChange) (Outgoing, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return Outgoing{}, err
	}
	if c.Secret.Present {
		var errs hub.FieldErrors
		errs.Add("secret", "cannot be changed here; rotate it instead")
		return Outgoing{}, errs.Err()
	}
	// Checked against a first reading, because it may ask elsewhere; the
	// transaction repeats it without.
	before, err := s.Store.OutgoingWebhook(ctx, id)
	if err != nil {
		return Outgoing{}, err
	}
	checked := before
	if err := s.applyOutgoing(ctx, &checked, c, false); err != nil {
		return Outgoing{}, err
	}
	enabled := false
	w, _, err := s.Store.UpdateOutgoingWebhook(ctx, id, func(w *hub.OutgoingWebhook) error {
		if err := matches(ifMatch, Version(w.UpdatedAt)); err != nil {
			return err
		}
		before, enabled = *w, false
		was := w.State
		s.setOutgoing(w, c)
		takeOver(w, &checked, c)
		if was == hub.WebhookDisabled && w.State == hub.WebhookActive {
			enabled = true
			w.Health = hub.Health{}
		}
		if w.URL != before.URL {
			w.Health = hub.Health{} // another endpoint, about which nothing is known
		}
		return nil
	})
	if err != nil {
		return Outgoing{}, err
	}
	s.audit(ctx, a, "outgoing_webhook.update", string(id), outgoingFacts(&before), outgoingFacts(&w))
	s.reload(ctx, id)
	if enabled {
		if err := s.Engine.ReleaseHeld(ctx, id, true); err != nil {
			return Outgoing{}, err
		}
	}
	return s.Outgoing(ctx, a, id)
}

// takeOver copies the changed fields that applyOutgoing parsed or sealed.
func takeOver(w, checked *hub.OutgoingWebhook, c OutgoingChange) {
	if c.Filter.Present {
		w.Filter = checked.Filter
	}
	if c.Headers.Present {
		w.SealedHeaders, w.HeaderNames = checked.SealedHeaders, checked.HeaderNames
	}
	if c.ChannelIDs.Present {
		w.ChannelIDs = checked.ChannelIDs
	}
}

// DeleteOutgoing ends a subscription. Its log stays; what was not sent is canceled.
// ifMatch is as in UpdateOutgoing.
func (s *Service) DeleteOutgoing(ctx context.Context, a hub.Actor, id hub.WebhookID, ifMatch string) error {
	if err := allow(a, manageWebhooks); err != nil {
		return err
	}
	var w hub.OutgoingWebhook
	_, err := s.Store.DeleteOutgoingWebhook(ctx, id, func(found *hub.OutgoingWebhook) error {
		w = *found
		return matches(ifMatch, Version(found.UpdatedAt))
	})
	if err != nil {
		return err
	}
	s.audit(ctx, a, "outgoing_webhook.delete", string(id), outgoingFacts(&w), nil)
	s.reload(ctx, id)
	return nil
}

// MaxOverlap is the longest overlap of two secrets or tokens.
const MaxOverlap = 168 * time.Hour

// DefaultOverlap is the overlap of a rotation that does not name one.
const DefaultOverlap = 24 * time.Hour

// RotateSecret gives an outgoing webhook a new secret, returned here and never
// again. Until the overlap ends requests are signed with both.
func (s *Service) RotateSecret(ctx context.Context, a hub.Actor, id hub.WebhookID, overlap time.Duration) (
	key secret.String, until time.Time, err error,
) {
	if err := allow(a, manageWebhooks); err != nil {
		return secret.String{}, time.Time{}, err
	}
	if err := checkOverlap(overlap); err != nil {
		return secret.String{}, time.Time{}, err
	}
	key = secret.SigningSecret()
	sealed := s.Keys.Seal(key, delivery.SecretAAD(id))
	_, _, err = s.Store.UpdateOutgoingWebhook(ctx, id, func(w *hub.OutgoingWebhook) error {
		until = s.Now().UTC().Add(overlap).Truncate(time.Microsecond)
		w.SealedPrevious, w.PreviousUntil = w.SealedSecret, until
		if overlap == 0 {
			w.SealedPrevious, w.PreviousUntil, until = "", time.Time{}, time.Time{}
		}
		w.SealedSecret = sealed
		return nil
	})
	if err != nil {
		return secret.String{}, time.Time{}, err
	}
	s.audit(ctx, a, "outgoing_webhook.rotate_secret", string(id), nil, map[string]any{"overlapSeconds": overlap.Seconds()})
	s.reload(ctx, id)
	return key, until, nil
}

func checkOverlap(d time.Duration) error {
	var errs hub.FieldErrors
	if d < 0 || d > MaxOverlap {
		errs.Add("overlapHours", "from 0 to %d", int(MaxOverlap/time.Hour))
	}
	return errs.Err()
}

// PauseOutgoing holds the deliveries of a webhook; they are still made.
func (s *Service) PauseOutgoing(ctx context.Context, a hub.Actor, id hub.WebhookID) (Outgoing, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return Outgoing{}, err
	}
	var was hub.WebhookState
	_, _, err := s.Store.UpdateOutgoingWebhook(ctx, id, func(w *hub.OutgoingWebhook) error {
		was = w.State
		if w.State == hub.WebhookDisabled {
			return hub.Errorf(hub.Conflict, "The webhook is disabled; there is nothing to pause.")
		}
		w.State = hub.WebhookPaused
		return nil
	})
	if err != nil {
		return Outgoing{}, err
	}
	s.audit(ctx, a, "outgoing_webhook.pause", string(id), map[string]any{"state": was}, map[string]any{"state": hub.WebhookPaused})
	s.reload(ctx, id)
	return s.Outgoing(ctx, a, id)
}

// ResumeOutgoing makes a paused or disabled webhook active again. What was
// held is sent, or canceled when deliver is false; an active one holds nothing.
func (s *Service) ResumeOutgoing(ctx context.Context, a hub.Actor, id hub.WebhookID, deliver bool) (Outgoing, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return Outgoing{}, err
	}
	if !deliver {
		if err := s.skipHeld(ctx, a, id); err != nil {
			return Outgoing{}, err
		}
	}
	var was hub.WebhookState
	_, _, err := s.Store.UpdateOutgoingWebhook(ctx, id, func(w *hub.OutgoingWebhook) error {
		was = w.State
		if w.State == hub.WebhookDisabled {
			w.Health = hub.Health{}
		}
		w.State = hub.WebhookActive
		return nil
	})
	if err != nil {
		return Outgoing{}, err
	}
	s.audit(ctx, a, "outgoing_webhook.resume", string(id), map[string]any{"state": was},
		map[string]any{"deliverHeld": deliver, "state": hub.WebhookActive})
	s.reload(ctx, id)
	if deliver {
		if err := s.Engine.ReleaseHeld(ctx, id, true); err != nil {
			return Outgoing{}, err
		}
	}
	return s.Outgoing(ctx, a, id)
}

// skipHeld cancels what a webhook that is not active holds. It comes before the
// webhook is active again, because from then on the engine sends what is held,
// also after a crash in between; and it is audited by itself, because the
// resumption may fail after it.
func (s *Service) skipHeld(ctx context.Context, a hub.Actor, id hub.WebhookID) error {
	w, err := s.Store.OutgoingWebhook(ctx, id)
	if err != nil || w.State == hub.WebhookActive {
		return err
	}
	err = s.Engine.ReleaseHeld(ctx, id, false)
	s.audit(ctx, a, "outgoing_webhook.skip_held", string(id), nil, map[string]any{"completed": err == nil})
	return err
}

// TestOutgoing sends the event webhook.test to one webhook, whatever it
// subscribes to. It returns the delivery, whose outcome follows.
func (s *Service) TestOutgoing(ctx context.Context, a hub.Actor, id hub.WebhookID) (hub.EventID, hub.DeliveryID, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return "", "", err
	}
	w, err := s.Store.OutgoingWebhook(ctx, id)
	if err != nil {
		return "", "", err
	}
	if w.State == hub.WebhookDisabled {
		return "", "", hub.Errorf(hub.Conflict, "The webhook is disabled; enable it first.")
	}
	if err := s.intake(); err != nil {
		return "", "", err
	}
	data, err := json.Marshal(hub.WebhookTestData{Message: "This is a test of your webhook."})
	if err != nil {
		return "", "", err
	}
	e := s.event(ctx, a, hub.EventWebhookTest, data)
	e.Target = id
	if err := s.publish(ctx, e, func(int) *hub.Idempotency { return nil }); err != nil {
		return "", "", err
	}
	delivery := hub.DeliveryIDFor(e.ID, id)
	s.audit(ctx, a, "outgoing_webhook.test", string(id), nil, map[string]any{"eventId": e.ID, "deliveryId": delivery})
	return e.ID, delivery, nil
}

// ReplayOutgoing sends finished deliveries of a webhook again, or counts them. One
// that broke off is on record with what it had sent by then, and its error is
// hub.ErrInDoubt.
func (s *Service) ReplayOutgoing(ctx context.Context, a hub.Actor, r hub.ReplayRequest) (int, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return 0, err
	}
	var errs hub.FieldErrors
	if !r.Status.Final() {
		errs.Add("status", "one of success, failed, canceled")
	}
	if !r.Since.IsZero() && !r.Until.IsZero() && !r.Since.Before(r.Until) {
		errs.Add("until", "must be later than since")
	}
	if r.RatePerMinute < 0 || r.RatePerMinute > maxRate {
		errs.Add("ratePerMinute", "from 0 to %d", maxRate)
	}
	if err := errs.Err(); err != nil {
		return 0, err
	}
	w, err := s.Store.OutgoingWebhook(ctx, r.WebhookID)
	if err != nil {
		return 0, err
	}
	if w.State == hub.WebhookDisabled && !r.DryRun {
		return 0, hub.Errorf(hub.Conflict, "The webhook is disabled; enable it first.")
	}
	if !r.DryRun {
		if err := s.intake(); err != nil {
			return 0, err
		}
	}
	n, err := s.Engine.Replay(ctx, r)
	if !r.DryRun && (n > 0 || err == nil) {
		s.audit(ctx, a, "outgoing_webhook.replay", string(r.WebhookID), nil, map[string]any{
			"status": r.Status, "since": r.Since, "until": r.Until, "deliveries": n, "completed": err == nil,
		})
	}
	return n, err
}

// setOutgoing applies the fields that need no check beyond those of
// applyOutgoing.
func (s *Service) setOutgoing(w *hub.OutgoingWebhook, c OutgoingChange) {
	p, d := &w.Policy, s.Defaults
	c.Name.apply(&w.Name, "")
	c.URL.apply(&w.URL, "")
	c.Events.apply(&w.Events, nil)
	c.ChannelIDs.apply(&w.ChannelIDs, nil)
	setMillis(c.Timeout, &p.Timeout, d.Timeout)
	setMillis(c.RetryDelay, &p.RetryDelay, d.RetryDelay)
	c.MaxRetries.apply(&p.MaxRetries, d.MaxRetries)
	c.RetrySchedule.apply(&p.Schedule, d.Schedule)
	c.RateLimit.apply(&p.RateLimit, d.RateLimit)
	c.Concurrency.apply(&p.Concurrency, d.Concurrency)
	c.Ordering.apply(&p.Ordering, d.Ordering)
	c.Signing.apply(&p.Signing, d.Signing)
	if !c.Enabled.Present {
		return
	}
	switch {
	case !c.Enabled.Null && !c.Enabled.Value:
		w.State = hub.WebhookDisabled
	case w.State == hub.WebhookDisabled: // a paused one stays paused
		w.State = hub.WebhookActive
	}
}

func setMillis(c Change[int64], to *time.Duration, reset time.Duration) {
	switch {
	case c.Null:
		*to = reset
	case c.Present:
		// Clamped, so that a huge number is out of range and not a small one.
		*to = time.Duration(min(max(c.Value, -1), 1<<40)) * time.Millisecond
	}
}

// applyOutgoing applies the changes and checks the result, as far as it changed.
func (s *Service) applyOutgoing(ctx context.Context, w *hub.OutgoingWebhook, c OutgoingChange, created bool) error {
	s.setOutgoing(w, c)
	var errs hub.FieldErrors
	if created || c.Name.Present {
		checkName(&errs, "name", w.Name)
	}
	if created || c.URL.Present {
		s.checkTarget(&errs, w.URL)
	}
	if created || c.Events.Present {
		checkPatterns(&errs, w.Events)
	}
	if c.Secret.Present {
		checkSecret(&errs, "secret", c.Secret)
	}
	checkPolicy(&errs, &w.Policy)
	if c.Filter.Present {
		w.Filter = parseFilter(&errs, c.Filter)
	}
	if c.Headers.Present {
		w.HeaderNames = checkHeaders(&errs, c.Headers.Value)
		w.SealedHeaders = s.sealHeaders(w.ID, c.Headers.Value)
	}
	if c.ChannelIDs.Present {
		slices.Sort(w.ChannelIDs)
		w.ChannelIDs = slices.Compact(w.ChannelIDs)
		if err := s.checkChannels(ctx, &errs, w.ChannelIDs); err != nil {
			return err
		}
	}
	return errs.Err()
}

func (s *Service) sealHeaders(id hub.WebhookID, headers map[string]string) string {
	b, err := json.Marshal(headers)
	if len(headers) == 0 || err != nil { // a map of strings always marshals
		return ""
	}
	return s.Keys.Seal(secret.New(string(b)), delivery.HeadersAAD(id))
}

// maxChannels is the number of channels a webhook may name.
const maxChannels = 500

func (s *Service) checkChannels(ctx context.Context, errs *hub.FieldErrors, ids []hub.ChannelID) error {
	if len(ids) > maxChannels {
		errs.Add("channelIds", "at most %d channels", maxChannels)
		return nil
	}
	for i, id := range ids {
		_, err := s.Chat.Channel(ctx, id)
		switch {
		case hub.CodeOf(err) == hub.NotFound:
			errs.Add(indexed("channelIds", i), "there is no such channel")
		case err != nil:
			return err
		}
	}
	return nil
}

func (s *Service) checkTarget(errs *hub.FieldErrors, target string) {
	if len(target) > 2048 {
		errs.Add("url", "at most 2048 characters")
		return
	}
	err := s.Egress.CheckURL(target)
	if err == nil {
		return
	}
	detail := err.Error()
	if e, ok := err.(interface{ Detail() string }); ok { //nolint:errorlint // asks what the value itself offers
		detail = e.Detail()
	}
	errs.Add("url", "%s", detail)
}

// originOf is scheme, host and port of a URL: where it leads, without what may be
// a secret in its path or query.
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// outgoingFacts is what the audit log keeps of a webhook.
func outgoingFacts(w *hub.OutgoingWebhook) map[string]any {
	return map[string]any{
		"name": w.Name, "url": originOf(w.URL), "state": w.State, "events": w.Events, "channelIds": w.ChannelIDs, "filter": w.Filter,
		"headers": w.HeaderNames, "timeout": w.Policy.Timeout.Milliseconds(), "maxRetries": w.Policy.MaxRetries,
		"retryDelay": w.Policy.RetryDelay.Milliseconds(), "retrySchedule": w.Policy.Schedule, "rateLimit": w.Policy.RateLimit,
		"concurrency": w.Policy.Concurrency, "ordering": w.Policy.Ordering, "signing": w.Policy.Signing,
	}
}
