package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// OutgoingWebhook is an outgoing webhook as it is shown. Times of the policy are
// milliseconds, as nself-chat has them.
type OutgoingWebhook struct {
	ID            hub.WebhookID                `json:"id"`
	Name          string                       `json:"name" doc:"For people."`
	URL           string                       `json:"url" doc:"Where deliveries are sent."`
	State         hub.WebhookState             `json:"state" enum:"active,paused,disabled" doc:"paused: deliveries are made and held; disabled: none are made."`
	Enabled       bool                         `json:"enabled" doc:"It is not disabled."`
	Events        []string                     `json:"events" doc:"Event names and patterns."`
	ChannelIDs    []hub.ChannelID              `json:"channelIds" doc:"Only events of these channels; empty: of all that are public."`
	Filter        *Filter                      `json:"filter,omitempty" doc:"Absent: none."`
	Headers       map[string]string            `json:"headers,omitempty" doc:"Names of the custom headers; the values are not shown. Absent: none."`
	Timeout       int64                        `json:"timeout" minimum:"1000" maximum:"120000" doc:"Milliseconds for one attempt."`
	MaxRetries    int                          `json:"maxRetries" minimum:"0" maximum:"20" doc:"Attempts after the first one."`
	RetryDelay    int64                        `json:"retryDelay" minimum:"100" maximum:"86400000" doc:"Milliseconds before the first retry; doubles."`
	RetrySchedule string                       `json:"retrySchedule,omitempty" enum:"days" doc:"days: nine retries over three days; absent: by retryDelay."`
	RateLimit     int                          `json:"rateLimit" minimum:"0" maximum:"60000" doc:"Requests a minute; 0: no limit."`
	Concurrency   int                          `json:"concurrency" minimum:"1" maximum:"100" doc:"Requests in flight."`
	Ordering      hub.Ordering                 `json:"ordering" enum:"conversation,unordered" doc:"conversation: what belongs together is sent in order."`
	Signing       hub.Signing                  `json:"signing" enum:"nchat,standard,github,slack" doc:"github and slack add the headers of these products."`
	Health        EndpointHealth               `json:"health" doc:"What is known of the endpoint."`
	PreviousUntil time.Time                    `json:"previousSecretUntil,omitzero" doc:"Until then requests are signed with the previous secret as well."`
	Deliveries    map[hub.DeliveryStatus]int64 `json:"deliveries" doc:"How many are in each state."`
	CreatedBy     hub.UserID                   `json:"createdBy,omitempty" doc:"Absent: the hub."`
	CreatedAt     time.Time                    `json:"createdAt"`
	UpdatedAt     time.Time                    `json:"updatedAt"`
	Version       string                       `json:"version" doc:"Changes with every edit; If-Match takes it, in quotes."`
}

// EndpointHealth is what is known of an endpoint.
type EndpointHealth struct {
	Healthy      bool      `json:"healthy" doc:"The last attempt succeeded, or there was none."`
	Failures     int       `json:"failures" minimum:"0" doc:"Failed attempts since the last success."`
	FailingSince time.Time `json:"failingSince,omitzero" doc:"Absent: it is not."`
	BreakerOpen  bool      `json:"breakerOpen" doc:"Only one probe at a time is sent."`
	WaitUntil    time.Time `json:"waitUntil,omitzero" doc:"Nothing is sent before; absent: no wait."`
}

func (w OutgoingWebhook) version() string  { return control.Version(w.UpdatedAt) }
func (w OutgoingWebhook) location() string { return "/api/outgoing-webhooks/" + string(w.ID) }

// OutgoingWebhookMade is an outgoing webhook with the secret, shown once.
type OutgoingWebhookMade struct {
	OutgoingWebhook
	Secret string `json:"secret" readOnly:"true" format:"password" doc:"Shown once."`
}

// masked stands for values that are not shown.
const masked = "********"

func wireOutgoing(w control.Outgoing) OutgoingWebhook {
	p := w.Policy
	out := OutgoingWebhook{
		ID: w.ID, Name: w.Name, URL: w.URL, State: w.State, Enabled: w.State != hub.WebhookDisabled,
		Events: w.Events, ChannelIDs: orEmpty(w.ChannelIDs),
		Timeout: p.Timeout.Milliseconds(), MaxRetries: p.MaxRetries, RetryDelay: p.RetryDelay.Milliseconds(),
		RetrySchedule: p.Schedule, RateLimit: p.RateLimit, Concurrency: p.Concurrency, Ordering: p.Ordering, Signing: p.Signing,
		Health: EndpointHealth{
			Healthy: w.Health.Healthy(), Failures: w.Health.Failures, FailingSince: w.Health.FailingSince,
			BreakerOpen: w.Health.Open, WaitUntil: w.Health.WaitUntil,
		},
		PreviousUntil: w.PreviousUntil, Deliveries: w.Counts, CreatedBy: w.CreatedBy, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt,
		Version: unquoted(control.Version(w.UpdatedAt)),
	}
	if w.Filter != nil {
		out.Filter = &Filter{*w.Filter}
	}
	if len(w.HeaderNames) > 0 {
		out.Headers = make(map[string]string, len(w.HeaderNames))
	}
	for _, name := range w.HeaderNames {
		out.Headers[name] = masked
	}
	if out.Deliveries == nil {
		out.Deliveries = map[hub.DeliveryStatus]int64{}
	}
	return out
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// OutgoingWebhookFields makes an outgoing webhook, or changes one.
type OutgoingWebhookFields struct {
	Name          field[string]            `json:"name,omitzero" limits:"type=string,minLength=1,maxLength=100" doc:"Required when making one."`
	URL           field[string]            `json:"url,omitzero" limits:"type=string,maxLength=2048" doc:"An https URL, or http where the hub may call it. Required when making one."`
	Events        field[[]string]          `json:"events,omitzero" limits:"type=array,minItems=1,maxItems=50" doc:"Event names and patterns; * stands for any characters. Required when making one."`
	ChannelIDs    field[[]hub.ChannelID]   `json:"channelIds,omitzero" limits:"maxItems=500" doc:"Only events of these channels; private channels must be named. null: of all that are public."`
	Filter        field[json.RawMessage]   `json:"filter,omitzero" limits:"type=object|null" doc:"A predicate over the data: all, any, not, or field with one operator; null: none."`
	Headers       field[map[string]string] `json:"headers,omitzero" limits:"maxProperties=20" writeOnly:"true" doc:"Custom headers, values of at most 4096 bytes; stored sealed, never shown again; null: none."`
	Timeout       field[int64]             `json:"timeout,omitzero" limits:"minimum=1000,maximum=120000" doc:"Milliseconds for one attempt; null: as the hub is set, 30000 unless it was changed."`
	MaxRetries    field[int]               `json:"maxRetries,omitzero" limits:"minimum=0,maximum=20" doc:"Attempts after the first one; null: as the hub is set, 3 unless it was changed."`
	RetryDelay    field[int64]             `json:"retryDelay,omitzero" limits:"minimum=100,maximum=86400000" doc:"Milliseconds before the first retry; doubles; null: as the hub is set, 5000 unless it was changed."`
	RetrySchedule field[string]            `json:"retrySchedule,omitzero" limits:"enum=days|" doc:"days: nine retries over three days; empty or null: by retryDelay."`
	RateLimit     field[int]               `json:"rateLimit,omitzero" limits:"minimum=0,maximum=60000,default=0" doc:"Requests a minute; 0: no limit."`
	Concurrency   field[int]               `json:"concurrency,omitzero" limits:"minimum=1,maximum=100" doc:"Requests in flight; null: as the hub is set, 10 unless it was changed."`
	Ordering      field[string]            `json:"ordering,omitzero" limits:"enum=conversation|unordered,default=conversation" doc:"conversation: what belongs together is sent in order."`
	Signing       field[string]            `json:"signing,omitzero" limits:"enum=nchat|standard|github|slack,default=nchat" doc:"github and slack add the headers of these products."`
	Enabled       field[bool]              `json:"enabled,omitzero" limits:"default=true" doc:"false: no deliveries are made."`
}

func (b *OutgoingWebhookFields) change() control.OutgoingChange {
	return control.OutgoingChange{
		Name: b.Name.Change, URL: b.URL.Change, Events: b.Events.Change, ChannelIDs: b.ChannelIDs.Change, Filter: b.Filter.Change,
		Headers: b.Headers.Change, Timeout: b.Timeout.Change, MaxRetries: b.MaxRetries.Change, RetryDelay: b.RetryDelay.Change,
		RetrySchedule: b.RetrySchedule.Change, RateLimit: b.RateLimit.Change, Concurrency: b.Concurrency.Change,
		Ordering: changeTo(b.Ordering, func(s string) hub.Ordering { return hub.Ordering(s) }),
		Signing:  changeTo(b.Signing, func(s string) hub.Signing { return hub.Signing(s) }),
		Enabled:  b.Enabled.Change,
	}
}

// OutgoingPath is the path of an outgoing webhook.
type OutgoingPath struct {
	ID hub.WebhookID `path:"id"`
}

type (
	listOutgoingInput struct{ Paging }
	makeOutgoingInput struct {
		Body struct {
			OutgoingWebhookFields
			Secret field[string] `json:"secret,omitzero" limits:"maxLength=512" writeOnly:"true" format:"password" doc:"8 to 512 bytes; made by the hub when absent."`
		} `nameHint:"OutgoingWebhookCreate"`
	}
	deleteOutgoingInput struct {
		OutgoingPath
		Conditional
	}
	patchOutgoingInput struct {
		OutgoingPath
		Conditional
		Body OutgoingWebhookFields `nameHint:"OutgoingWebhookPatch"`
	}
	rotateOutgoingInput struct {
		OutgoingPath
		Body *Overlap
	}
	resumeInput struct {
		OutgoingPath
		Body *struct {
			Held string `json:"held,omitempty" enum:"deliver,skip" default:"deliver" doc:"What happens to the deliveries that were held."`
		} `nameHint:"ResumeRequest"`
	}
	replayInput struct {
		OutgoingPath
		Body struct {
			Status        hub.DeliveryStatus `json:"status,omitempty" enum:"success,failed,canceled" default:"failed" doc:"Which deliveries."`
			Since         time.Time          `json:"since,omitzero" doc:"Event time, included."`
			Until         time.Time          `json:"until,omitzero" doc:"Event time, excluded."`
			DryRun        bool               `json:"dryRun,omitempty" doc:"Only count."`
			RatePerMinute int                `json:"ratePerMinute,omitempty" minimum:"0" limits:"maximum=60000" doc:"Spreads the replay; 0: as fast as the webhook's limits allow."`
		} `nameHint:"ReplayRequest"`
	}
)

// Overlap is the body of a rotation.
type Overlap struct {
	OverlapHours *float64 `json:"overlapHours,omitempty" minimum:"0" maximum:"168" doc:"How long the old one stays good; 24 when absent."`
}

// overlap returns the overlap asked for.
func (b *Overlap) overlap() time.Duration {
	if b == nil || b.OverlapHours == nil {
		return control.DefaultOverlap
	}
	return time.Duration(*b.OverlapHours * float64(time.Hour))
}

// RotatedSecret is a new secret, shown once.
type RotatedSecret struct {
	Secret        string    `json:"secret" readOnly:"true" format:"password" doc:"Shown once."`
	PreviousUntil time.Time `json:"previousSecretUntil,omitzero" doc:"Until then requests are signed with the previous secret as well; absent: they are not."`
}

// TestSent names the delivery of a test.
type TestSent struct {
	EventID    hub.EventID    `json:"eventId"`
	DeliveryID hub.DeliveryID `json:"deliveryId"`
}

// ReplayResult says how many deliveries are sent again.
type ReplayResult struct {
	Deliveries int  `json:"deliveries" minimum:"0" doc:"How many are sent again, or would be."`
	DryRun     bool `json:"dryRun" doc:"They were only counted."`
}

func (a *API) outgoingRoutes() {
	const base = "/api/outgoing-webhooks"
	register(a, operation{
		method: http.MethodGet, path: base, id: "listOutgoingWebhooks", tag: "outgoing webhooks", summary: "List outgoing webhooks, oldest first",
	}, func(ctx context.Context, who hub.Actor, in *listOutgoingInput) (page[OutgoingWebhook], error) {
		after, err := idCursor[hub.WebhookID]("outgoing", in.Cursor)
		if err != nil {
			return page[OutgoingWebhook]{}, err
		}
		items, more, err := a.Control.OutgoingPage(ctx, who, after, in.Limit)
		if err != nil {
			return page[OutgoingWebhook]{}, err
		}
		return pageOf(items, wireOutgoing, nextOf("outgoing", items, more, func(w control.Outgoing) string { return string(w.ID) })), nil
	})
	register(a, operation{
		method: http.MethodPost, path: base, id: "createOutgoingWebhook", tag: "outgoing webhooks", summary: "Make an outgoing webhook",
		status: http.StatusCreated,
	}, func(ctx context.Context, who hub.Actor, in *makeOutgoingInput) (OutgoingWebhookMade, error) {
		c := in.Body.change()
		c.Secret = in.Body.Secret.Change
		w, secret, err := a.Control.CreateOutgoing(ctx, who, c)
		if err != nil {
			return OutgoingWebhookMade{}, err
		}
		return OutgoingWebhookMade{wireOutgoing(w), secret.Reveal()}, nil
	})
	register(a, operation{
		method: http.MethodGet, path: base + "/{id}", id: "getOutgoingWebhook", tag: "outgoing webhooks", summary: "Show an outgoing webhook",
	}, func(ctx context.Context, who hub.Actor, in *OutgoingPath) (OutgoingWebhook, error) {
		return wired(wireOutgoing)(a.Control.Outgoing(ctx, who, in.ID))
	})
	register(a, operation{
		method: http.MethodPatch, path: base + "/{id}", id: "updateOutgoingWebhook", tag: "outgoing webhooks", summary: "Change an outgoing webhook",
		doc: "Absent fields keep their value, null resets to the default.",
	}, func(ctx context.Context, who hub.Actor, in *patchOutgoingInput) (OutgoingWebhook, error) {
		return wired(wireOutgoing)(a.Control.UpdateOutgoing(ctx, who, in.ID, in.IfMatch, in.Body.change()))
	})
	register(a, operation{
		method: http.MethodDelete, path: base + "/{id}", id: "deleteOutgoingWebhook", tag: "outgoing webhooks", summary: "Delete an outgoing webhook",
		doc: "Its log stays; what was not sent is canceled.",
	}, func(ctx context.Context, who hub.Actor, in *deleteOutgoingInput) (nothing, error) {
		return nothing{}, a.Control.DeleteOutgoing(ctx, who, in.ID, in.IfMatch)
	})
	a.outgoingActions(base + "/{id}")
}

func (a *API) outgoingActions(one string) {
	register(a, operation{
		method: http.MethodPost, path: one + "/rotate-secret", id: "rotateOutgoingSecret", tag: "outgoing webhooks", summary: "Give it a new secret",
		doc: "Until the overlap ends requests are signed with both.",
	}, func(ctx context.Context, who hub.Actor, in *rotateOutgoingInput) (RotatedSecret, error) {
		secret, until, err := a.Control.RotateSecret(ctx, who, in.ID, in.Body.overlap())
		return RotatedSecret{secret.Reveal(), until}, err
	})
	register(a, operation{
		method: http.MethodPost, path: one + "/pause", id: "pauseOutgoingWebhook", tag: "outgoing webhooks", summary: "Hold its deliveries",
		conflict: "The webhook is disabled.",
	}, func(ctx context.Context, who hub.Actor, in *OutgoingPath) (OutgoingWebhook, error) {
		return wired(wireOutgoing)(a.Control.PauseOutgoing(ctx, who, in.ID))
	})
	register(a, operation{
		method: http.MethodPost, path: one + "/resume", id: "resumeOutgoingWebhook", tag: "outgoing webhooks", summary: "Send again",
		doc: "Also enables a disabled one.",
	}, func(ctx context.Context, who hub.Actor, in *resumeInput) (OutgoingWebhook, error) {
		skip := in.Body != nil && in.Body.Held == "skip"
		return wired(wireOutgoing)(a.Control.ResumeOutgoing(ctx, who, in.ID, !skip))
	})
	register(a, operation{
		method: http.MethodPost, path: one + "/test", id: "testOutgoingWebhook", tag: "outgoing webhooks", summary: "Send it a test event",
		conflict: "The webhook is disabled.",
		status:   http.StatusAccepted,
	}, func(ctx context.Context, who hub.Actor, in *OutgoingPath) (TestSent, error) {
		event, delivery, err := a.Control.TestOutgoing(ctx, who, in.ID)
		return TestSent{event, delivery}, err
	})
	register(a, operation{
		method: http.MethodPost, path: one + "/replay", id: "replayOutgoingWebhook", tag: "outgoing webhooks", summary: "Send finished deliveries again",
		conflict: "The webhook is disabled.",
		doc:      "They keep their ids and continue their count of attempts.", status: http.StatusAccepted,
	}, func(ctx context.Context, who hub.Actor, in *replayInput) (ReplayResult, error) {
		b := in.Body
		if b.Status == "" {
			b.Status = hub.DeliveryFailed
		}
		n, err := a.Control.ReplayOutgoing(ctx, who, hub.ReplayRequest{
			WebhookID: in.ID, Status: b.Status, Since: b.Since, Until: b.Until, DryRun: b.DryRun, RatePerMinute: b.RatePerMinute,
		})
		return ReplayResult{n, b.DryRun}, err
	})
}

// wired returns a function that turns what control returns into its wire form.
func wired[T, W any](wire func(T) W) func(T, error) (W, error) {
	return func(v T, err error) (W, error) {
		if err != nil {
			var none W
			return none, err
		}
		return wire(v), nil
	}
}
