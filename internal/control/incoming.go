package control

import (
	"cmp"
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/secret"
)

// incomingStore keeps incoming webhooks and the log of their calls.
type incomingStore interface {
	IncomingWebhooks(ctx context.Context) ([]hub.IncomingWebhook, error)
	IncomingPage(ctx context.Context, after hub.IncomingID, limit int) ([]hub.IncomingWebhook, error)
	IncomingWebhook(ctx context.Context, id hub.IncomingID) (hub.IncomingWebhook, error)
	CreateIncomingWebhook(ctx context.Context, w *hub.IncomingWebhook, u *hub.User, routings ...hub.Routing) error
	UpdateIncomingWebhook(ctx context.Context, id hub.IncomingID, change func(*hub.IncomingWebhook) error) (
		hub.IncomingWebhook, error)
	DeleteIncomingWebhook(ctx context.Context, id hub.IncomingID, check func(*hub.IncomingWebhook) error) error
	Calls(ctx context.Context, id hub.IncomingID, before hub.CallID, limit int) ([]hub.Call, error)
	Call(ctx context.Context, id hub.CallID) (hub.Call, error)
}

// IncomingChange describes an incoming webhook to be made, or changes of one.
// Making one, absent and null are the default.
type IncomingChange struct {
	Name          Change[string]
	ChannelID     Change[hub.ChannelID]
	Username      Change[string]
	AvatarURL     Change[string]
	Enabled       Change[bool]
	HMACSecret    Change[string] // null: signatures are not asked for
	AllowIPs      Change[[]string]
	ExpiresAt     Change[time.Time]
	RateLimit     Change[int] // posts a minute; 0: no limit; null: the hub's default
	AllowMentions Change[bool]
	// KeyTemplate and FieldMap are the webhook's own reading of what comes; null: none.
	KeyTemplate Change[string]
	FieldMap    Change[FieldMap]
}

// IncomingSecret is what is shown once of an incoming webhook.
type IncomingSecret struct {
	Token secret.String
	URL   secret.String // the URL holds the token
}

// incomingTokenBytes is the randomness of a token in an URL.
const incomingTokenBytes = 24

// Incomings returns all incoming webhooks, oldest first.
func (s *Service) Incomings(ctx context.Context, a hub.Actor) ([]hub.IncomingWebhook, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return nil, err
	}
	return s.Store.IncomingWebhooks(ctx)
}

// IncomingPage returns at most limit incoming webhooks with ids above after, oldest
// first, and whether there are more.
func (s *Service) IncomingPage(ctx context.Context, a hub.Actor, after hub.IncomingID, limit int) ([]hub.IncomingWebhook, bool, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return nil, false, err
	}
	all, err := s.Store.IncomingPage(ctx, after, limit+1)
	items, more := firstOf(all, limit)
	return items, more, err
}

// Incoming returns one incoming webhook.
func (s *Service) Incoming(ctx context.Context, a hub.Actor, id hub.IncomingID) (hub.IncomingWebhook, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return hub.IncomingWebhook{}, err
	}
	return s.Store.IncomingWebhook(ctx, id)
}

// CreateIncoming makes an incoming webhook and the user that its messages are
// authored by. Token and URL are returned here and never again.
func (s *Service) CreateIncoming(ctx context.Context, a hub.Actor, c IncomingChange) (hub.IncomingWebhook, IncomingSecret, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return hub.IncomingWebhook{}, IncomingSecret{}, err
	}
	now := s.Now().UTC().Truncate(time.Microsecond)
	w := hub.IncomingWebhook{ID: hub.IncomingID(s.IDs.New()), Enabled: true, CreatedBy: a.UserID, CreatedAt: now, UpdatedAt: now}
	if err := s.applyIncoming(ctx, a, &w, c, true); err != nil {
		return hub.IncomingWebhook{}, IncomingSecret{}, err
	}
	if err := s.intake(); err != nil {
		return hub.IncomingWebhook{}, IncomingSecret{}, err
	}
	token := secret.Token("", incomingTokenBytes)
	w.TokenHash = secret.Hash(token.Reveal())
	_, err := s.Chat.CreateUserWith(ctx, chat.NewUser{
		Kind: hub.UserWebhook, DisplayName: cmp.Or(w.Username, w.Name), AvatarURL: w.AvatarURL,
	}, cause(ctx, a), func(u *hub.User, routings []hub.Routing) error {
		w.UserID = u.ID
		return s.Store.CreateIncomingWebhook(ctx, &w, u, routings...)
	})
	if err != nil {
		return hub.IncomingWebhook{}, IncomingSecret{}, err
	}
	s.Ingress.Invalidate()
	s.audit(ctx, a, "incoming_webhook.create", string(w.ID), nil, incomingFacts(&w))
	return w, s.incomingSecret(token), nil
}

func (s *Service) incomingSecret(token secret.String) IncomingSecret {
	return IncomingSecret{Token: token, URL: secret.New(s.BaseURL + "/api/webhooks/incoming/" + token.Reveal())}
}

// UpdateIncoming changes an incoming webhook. ifMatch is the version the
// change was made on; "" is any.
func (s *Service) UpdateIncoming(ctx context.Context, a hub.Actor, id hub.IncomingID, ifMatch string, c IncomingChange) (
	hub.IncomingWebhook, error,
) {
	if err := allow(a, manageWebhooks); err != nil {
		return hub.IncomingWebhook{}, err
	}
	before, err := s.Store.IncomingWebhook(ctx, id)
	if err != nil {
		return hub.IncomingWebhook{}, err
	}
	checked := before
	if err := s.applyIncoming(ctx, a, &checked, c, false); err != nil {
		return hub.IncomingWebhook{}, err
	}
	w, err := s.Store.UpdateIncomingWebhook(ctx, id, func(w *hub.IncomingWebhook) error {
		if err := matches(ifMatch, Version(w.UpdatedAt)); err != nil {
			return err
		}
		before = *w
		setIncoming(w, c)
		if c.HMACSecret.Present {
			w.SealedHMAC = checked.SealedHMAC
		}
		if c.AllowIPs.Present {
			w.AllowIPs = checked.AllowIPs
		}
		return nil
	})
	s.Ingress.Invalidate()
	if err != nil {
		return hub.IncomingWebhook{}, err
	}
	s.audit(ctx, a, "incoming_webhook.update", string(id), incomingFacts(&before), incomingFacts(&w))
	return w, nil
}

// RotateIncoming gives an incoming webhook a new token. The old one is taken
// until the overlap ends.
func (s *Service) RotateIncoming(ctx context.Context, a hub.Actor, id hub.IncomingID, overlap time.Duration) (
	hub.IncomingWebhook, IncomingSecret, error,
) {
	if err := allow(a, manageWebhooks); err != nil {
		return hub.IncomingWebhook{}, IncomingSecret{}, err
	}
	if err := checkOverlap(overlap); err != nil {
		return hub.IncomingWebhook{}, IncomingSecret{}, err
	}
	token := secret.Token("", incomingTokenBytes)
	w, err := s.Store.UpdateIncomingWebhook(ctx, id, func(w *hub.IncomingWebhook) error {
		w.PreviousHash, w.PreviousUntil = w.TokenHash, s.Now().UTC().Add(overlap).Truncate(time.Microsecond)
		if overlap == 0 {
			w.PreviousHash, w.PreviousUntil = "", time.Time{}
		}
		w.TokenHash = secret.Hash(token.Reveal())
		return nil
	})
	s.Ingress.Invalidate()
	if err != nil {
		return hub.IncomingWebhook{}, IncomingSecret{}, err
	}
	s.audit(ctx, a, "incoming_webhook.rotate", string(id), nil, map[string]any{"overlapSeconds": overlap.Seconds()})
	return w, s.incomingSecret(token), nil
}

// DeleteIncoming ends an incoming webhook. Its messages and its log stay. ifMatch is
// as in UpdateIncoming.
func (s *Service) DeleteIncoming(ctx context.Context, a hub.Actor, id hub.IncomingID, ifMatch string) error {
	if err := allow(a, manageWebhooks); err != nil {
		return err
	}
	var w hub.IncomingWebhook
	err := s.Store.DeleteIncomingWebhook(ctx, id, func(found *hub.IncomingWebhook) error {
		w = *found
		return matches(ifMatch, Version(found.UpdatedAt))
	})
	s.Ingress.Invalidate()
	if err != nil {
		return err
	}
	s.audit(ctx, a, "incoming_webhook.delete", string(id), incomingFacts(&w), nil)
	return nil
}

// Calls returns at most limit calls of an incoming webhook older than before
// ("": the newest), newest first and whether there are more. They are without
// headers, query, body and answer.
func (s *Service) Calls(ctx context.Context, a hub.Actor, id hub.IncomingID, before hub.CallID, limit int) ([]hub.Call, bool, error) {
	if _, err := s.Incoming(ctx, a, id); err != nil {
		return nil, false, err
	}
	all, err := s.Store.Calls(ctx, id, before, limit+1)
	items, more := firstOf(all, limit)
	return items, more, err
}

// HMACSecretAAD binds the sealed HMAC secret of an incoming webhook to its row;
// who opens it must pass the same.
func HMACSecretAAD(id hub.IncomingID) string {
	return "nchat_incoming_webhooks/" + string(id) + "/hmac_secret"
}

// setIncoming applies the changes, the HMAC secret apart.
func setIncoming(w *hub.IncomingWebhook, c IncomingChange) {
	c.Name.apply(&w.Name, "")
	c.ChannelID.apply(&w.ChannelID, "")
	c.Username.apply(&w.Username, "")
	c.AvatarURL.apply(&w.AvatarURL, "")
	c.Enabled.apply(&w.Enabled, true)
	c.AllowIPs.apply(&w.AllowIPs, nil)
	c.ExpiresAt.apply(&w.ExpiresAt, time.Time{})
	c.AllowMentions.apply(&w.AllowMentions, false)
	c.KeyTemplate.apply(&w.KeyTemplate, "")
	if m := c.FieldMap; m.Present {
		w.FieldMap = m.Value.text()
	}
	switch limit := c.RateLimit; {
	case limit.Null:
		w.RateLimit = 0 // the hub's default
	case limit.Present && limit.Value == 0:
		w.RateLimit = -1 // no limit
	case limit.Present:
		w.RateLimit = limit.Value
	}
}

// applyIncoming applies the changes and checks the result, as far as it changed.
func (s *Service) applyIncoming(ctx context.Context, a hub.Actor, w *hub.IncomingWebhook, c IncomingChange, created bool) error {
	setIncoming(w, c)
	var errs hub.FieldErrors
	if created || c.Name.Present {
		checkName(&errs, "name", w.Name)
	}
	if created || c.ChannelID.Present {
		if err := s.checkTargetChannel(ctx, a, &errs, w.ChannelID); err != nil {
			return err
		}
	}
	if utf8.RuneCountInString(w.Username) > 80 {
		errs.Add("username", "at most 80 characters")
	}
	if c.AvatarURL.Present && w.AvatarURL != "" && !validPicture(w.AvatarURL) {
		errs.Add("avatarUrl", "must be an http or https URL of at most 2048 characters")
	}
	if c.AllowIPs.Present {
		w.AllowIPs = checkIPs(&errs, w.AllowIPs)
	}
	if c.ExpiresAt.Present {
		s.checkExpiry(&errs, w.ExpiresAt)
	}
	if c.RateLimit.Present && !c.RateLimit.Null {
		between(&errs, "rateLimit", c.RateLimit.Value, 0, maxRate)
	}
	if hasNUL([]byte(w.FieldMap)) {
		errs.Add("fieldMap", "must not contain U+0000")
	}
	if c.KeyTemplate.Present || c.FieldMap.Present {
		errs = append(errs, s.Ingress.CheckReading(w.KeyTemplate, w.FieldMap)...)
	}
	if c.HMACSecret.Present {
		checkSecret(&errs, "hmacSecret", c.HMACSecret)
		w.SealedHMAC = ""
		if key := c.HMACSecret.Value; key != "" {
			w.SealedHMAC = s.Keys.Seal(secret.New(key), HMACSecretAAD(w.ID))
		}
	}
	return errs.Err()
}

func (s *Service) checkTargetChannel(ctx context.Context, a hub.Actor, errs *hub.FieldErrors, id hub.ChannelID) error {
	if id == "" {
		errs.Add("targetChannelId", "is required")
		return nil
	}
	_, err := s.channel(ctx, a, id)
	if hub.CodeOf(err) == hub.NotFound {
		errs.Add("targetChannelId", "there is no such channel")
		return nil
	}
	return err
}

// validPicture reports whether text may be shown as a picture's URL.
func validPicture(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= 2048 && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// maxIPs is the number of addresses and ranges a webhook may allow.
const maxIPs = 100

// checkIPs checks addresses and ranges and returns them in canonical form, each
// once.
func checkIPs(errs *hub.FieldErrors, list []string) []string {
	if len(list) > maxIPs {
		errs.Add("allowIps", "at most %d addresses and ranges", maxIPs)
		return nil
	}
	out := make([]string, 0, len(list))
	for i, text := range list {
		canonical, ok := canonicalIP(strings.TrimSpace(text))
		if !ok {
			errs.Add(indexed("allowIps", i), "must be an IP address or a range such as 192.0.2.0/24")
			continue
		}
		out = append(out, canonical)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// canonicalIP writes an address or a range in the one form that callers'
// addresses are compared with: masked, IPv4 in IPv6 (RFC 4291 §2.5.5.2) as IPv4,
// a range of one address as the address.
func canonicalIP(text string) (string, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		ip, err := netip.ParseAddr(text)
		if err != nil || ip.Zone() != "" {
			return "", false
		}
		p = netip.PrefixFrom(ip, ip.BitLen())
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p.IsSingleIP() {
		return p.Addr().String(), true
	}
	return p.Masked().String(), true
}

// incomingFacts is what the audit log keeps of a webhook.
func incomingFacts(w *hub.IncomingWebhook) map[string]any {
	return map[string]any{
		"name": w.Name, "channelId": w.ChannelID, "username": w.Username, "enabled": w.Enabled, "signed": w.SealedHMAC != "",
		"allowIps": w.AllowIPs, "expiresAt": w.ExpiresAt, "rateLimit": w.RateLimit, "allowMentions": w.AllowMentions,
		"keyTemplate": w.KeyTemplate, "fieldMap": FieldMapOf(w),
	}
}
