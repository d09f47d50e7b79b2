package api

import (
	"context"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// IncomingWebhook is an incoming webhook as it is shown.
type IncomingWebhook struct {
	ID            hub.IncomingID `json:"id"`
	Name          string         `json:"name" doc:"For people."`
	ChannelID     hub.ChannelID  `json:"targetChannelId" doc:"Where it posts."`
	UserID        hub.UserID     `json:"userId" doc:"The user its messages are authored by."`
	Username      string         `json:"username,omitempty" doc:"The name its messages show; absent: the webhook's."`
	AvatarURL     string         `json:"avatarUrl,omitempty" doc:"Absent: none."`
	Enabled       bool           `json:"enabled" doc:"false: it answers as if it did not exist."`
	Signed        bool           `json:"signed" doc:"An HMAC signature is asked for."`
	AllowIPs      []string       `json:"allowIps" doc:"Addresses and ranges that may post; empty: all."`
	ExpiresAt     time.Time      `json:"expiresAt,omitzero" doc:"Absent: never."`
	RateLimit     *int           `json:"rateLimit" minimum:"0" doc:"Posts a minute per client; 0: no limit; null: the hub's default."`
	AllowMentions bool           `json:"allowMentions" doc:"Texts may mention everybody."`
	KeyTemplate   string         `json:"keyTemplate,omitempty" doc:"Makes of each call what its message is about."`
	FieldMap      *FieldMap      `json:"fieldMap,omitempty" doc:"What of a call becomes which part of its message, for senders that are not known."`
	PreviousUntil time.Time      `json:"previousTokenUntil,omitzero" doc:"Until then the previous token is taken as well."`
	LastUsedAt    time.Time      `json:"lastUsedAt,omitzero" doc:"Absent: never."`
	CallCount     int64          `json:"callCount" minimum:"0" doc:"Calls that were carried out."`
	RefusedCount  int64          `json:"refusedCount" minimum:"0" doc:"Calls that were refused."`
	CreatedBy     hub.UserID     `json:"createdBy,omitempty" doc:"Absent: the hub."`
	CreatedAt     time.Time      `json:"createdAt"`
	UpdatedAt     time.Time      `json:"updatedAt"`
	Version       string         `json:"version" doc:"Changes with every edit; If-Match takes it, in quotes."`
}

func (w IncomingWebhook) version() string  { return control.Version(w.UpdatedAt) }
func (w IncomingWebhook) location() string { return "/api/incoming-webhooks/" + string(w.ID) }

// IncomingWebhookMade is an incoming webhook with its token, shown once.
type IncomingWebhookMade struct {
	IncomingWebhook
	Token string `json:"token" readOnly:"true" format:"password" doc:"Shown once."`
	URL   string `json:"url" readOnly:"true" doc:"Where to post. It contains the token, and is shown once."`
}

func wireIncoming(w hub.IncomingWebhook) IncomingWebhook {
	out := IncomingWebhook{
		ID: w.ID, Name: w.Name, ChannelID: w.ChannelID, UserID: w.UserID, Username: w.Username, AvatarURL: w.AvatarURL,
		Enabled: w.Enabled, Signed: w.SealedHMAC != "", AllowIPs: orEmpty(w.AllowIPs), ExpiresAt: w.ExpiresAt,
		AllowMentions: w.AllowMentions, KeyTemplate: w.KeyTemplate, PreviousUntil: w.PreviousUntil, LastUsedAt: w.LastUsedAt,
		CallCount: w.CallCount, RefusedCount: w.RefusedCount, CreatedBy: w.CreatedBy, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt,
		Version: unquoted(control.Version(w.UpdatedAt)),
	}
	if w.FieldMap != "" {
		out.FieldMap = ptr(FieldMap(control.FieldMapOf(&w)))
	}
	if w.RateLimit != 0 {
		out.RateLimit = ptr(max(w.RateLimit, 0))
	}
	return out
}

func wireIncomingMade(w hub.IncomingWebhook, s control.IncomingSecret) IncomingWebhookMade {
	return IncomingWebhookMade{wireIncoming(w), s.Token.Reveal(), s.URL.Reveal()}
}

// IncomingWebhookFields makes an incoming webhook, or changes one.
type IncomingWebhookFields struct {
	Name          field[string]    `json:"name,omitzero" limits:"type=string,minLength=1,maxLength=100" doc:"Required when making one."`
	ChannelID     field[string]    `json:"targetChannelId,omitzero" limits:"type=string" doc:"Where it posts; required when making one."`
	Username      field[string]    `json:"username,omitzero" limits:"maxLength=80" doc:"The name its messages show; null: the webhook's."`
	AvatarURL     field[string]    `json:"avatarUrl,omitzero" limits:"maxLength=2048" doc:"An http or https URL; null: none."`
	Enabled       field[bool]      `json:"enabled,omitzero" limits:"default=true" doc:"false: it answers as if it did not exist."`
	HMACSecret    field[string]    `json:"hmacSecret,omitzero" limits:"maxLength=512" writeOnly:"true" format:"password" doc:"8 to 512 bytes. Posts must then be signed with it; never shown; null: none."`
	AllowIPs      field[[]string]  `json:"allowIps,omitzero" limits:"maxItems=100" doc:"Addresses and ranges that may post; null: all."`
	ExpiresAt     field[time.Time] `json:"expiresAt,omitzero" doc:"In the future; null: never."`
	RateLimit     field[int]       `json:"rateLimit,omitzero" limits:"minimum=0,maximum=60000" doc:"Posts a minute per client; 0: no limit; null: the hub's default."`
	AllowMentions field[bool]      `json:"allowMentions,omitzero" limits:"default=false" doc:"Texts may mention everybody."`
	KeyTemplate   field[string]    `json:"keyTemplate,omitzero" doc:"A JSON Pointer into the call, or a text with pointers in braces. Calls for which it makes the same text are about the same: the later takes the place of the earlier one."`
	FieldMap      field[FieldMap]  `json:"fieldMap,omitzero" doc:"What of a call becomes which part of its message, for senders that are not known; null: none."`
}

func (b *IncomingWebhookFields) change() control.IncomingChange {
	return control.IncomingChange{
		Name: b.Name.Change, ChannelID: changeTo(b.ChannelID, func(s string) hub.ChannelID { return hub.ChannelID(s) }),
		Username: b.Username.Change, AvatarURL: b.AvatarURL.Change, Enabled: b.Enabled.Change, HMACSecret: b.HMACSecret.Change,
		AllowIPs: b.AllowIPs.Change, ExpiresAt: b.ExpiresAt.Change, RateLimit: b.RateLimit.Change, AllowMentions: b.AllowMentions.Change,
		KeyTemplate: b.KeyTemplate.Change, FieldMap: changeTo(b.FieldMap, FieldMap.control),
	}
}

// IncomingPath is the path of an incoming webhook.
type IncomingPath struct {
	ID hub.IncomingID `path:"id"`
}

type (
	listIncomingInput struct{ Paging }
	makeIncomingInput struct {
		Body IncomingWebhookFields `nameHint:"IncomingWebhookCreate"`
	}
	deleteIncomingInput struct {
		IncomingPath
		Conditional
	}
	patchIncomingInput struct {
		IncomingPath
		Conditional
		Body IncomingWebhookFields
	}
	rotateIncomingInput struct {
		IncomingPath
		Body *Overlap
	}
)

func (a *API) incomingRoutes() {
	const base = "/api/incoming-webhooks"
	register(a, operation{
		method: http.MethodGet, path: base, id: "listIncomingWebhooks", tag: "incoming webhooks", summary: "List incoming webhooks, oldest first",
	}, func(ctx context.Context, who hub.Actor, in *listIncomingInput) (page[IncomingWebhook], error) {
		after, err := idCursor[hub.IncomingID]("incoming", in.Cursor)
		if err != nil {
			return page[IncomingWebhook]{}, err
		}
		items, more, err := a.Control.IncomingPage(ctx, who, after, in.Limit)
		if err != nil {
			return page[IncomingWebhook]{}, err
		}
		return pageOf(items, wireIncoming, nextOf("incoming", items, more, func(w hub.IncomingWebhook) string { return string(w.ID) })), nil
	})
	register(a, operation{
		method: http.MethodPost, path: base, id: "createIncomingWebhook", tag: "incoming webhooks", summary: "Make an incoming webhook",
		conflict: "The channel is archived.",
		status:   http.StatusCreated,
	}, func(ctx context.Context, who hub.Actor, in *makeIncomingInput) (IncomingWebhookMade, error) {
		w, s, err := a.Control.CreateIncoming(ctx, who, in.Body.change())
		return wireIncomingMade(w, s), err
	})
	register(a, operation{
		method: http.MethodGet, path: base + "/{id}", id: "getIncomingWebhook", tag: "incoming webhooks", summary: "Show an incoming webhook",
	}, func(ctx context.Context, who hub.Actor, in *IncomingPath) (IncomingWebhook, error) {
		return wired(wireIncoming)(a.Control.Incoming(ctx, who, in.ID))
	})
	register(a, operation{
		method: http.MethodPatch, path: base + "/{id}", id: "updateIncomingWebhook", tag: "incoming webhooks", summary: "Change an incoming webhook",
		conflict: "The channel is archived.",
		doc:      "Absent fields keep their value, null resets to the default.",
	}, func(ctx context.Context, who hub.Actor, in *patchIncomingInput) (IncomingWebhook, error) {
		return wired(wireIncoming)(a.Control.UpdateIncoming(ctx, who, in.ID, in.IfMatch, in.Body.change()))
	})
	register(a, operation{
		method: http.MethodDelete, path: base + "/{id}", id: "deleteIncomingWebhook", tag: "incoming webhooks", summary: "Delete an incoming webhook",
		doc: "Its messages and its log stay.",
	}, func(ctx context.Context, who hub.Actor, in *deleteIncomingInput) (nothing, error) {
		return nothing{}, a.Control.DeleteIncoming(ctx, who, in.ID, in.IfMatch)
	})
	register(a, operation{
		method: http.MethodPost, path: base + "/{id}/rotate", id: "rotateIncomingToken", tag: "incoming webhooks", summary: "Give it a new token",
		doc: "The old one is taken until the overlap ends.",
	}, func(ctx context.Context, who hub.Actor, in *rotateIncomingInput) (IncomingWebhookMade, error) {
		w, s, err := a.Control.RotateIncoming(ctx, who, in.ID, in.Body.overlap())
		return wireIncomingMade(w, s), err
	})
	a.dialectRoutes(base + "/dialects")
	a.callRoutes(base + "/{id}/log")
	a.inboxRoutes()
}
