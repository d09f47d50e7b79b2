package client

import (
	"context"
	"iter"
	"time"
)

// IncomingWebhook is a token URL that posts into one channel.
type IncomingWebhook struct {
	ID                 string    `json:"id"`
	Name               string    `json:"name"`
	TargetChannelID    string    `json:"targetChannelId"`
	UserID             string    `json:"userId"`
	Username           string    `json:"username"`
	AvatarURL          string    `json:"avatarUrl"`
	Enabled            bool      `json:"enabled"`
	Signed             bool      `json:"signed"`
	AllowIPs           []string  `json:"allowIps"`
	ExpiresAt          time.Time `json:"expiresAt"`
	RateLimit          *int      `json:"rateLimit"` // nil: the hub's default; 0: no limit
	AllowMentions      bool      `json:"allowMentions"`
	KeyTemplate        string    `json:"keyTemplate"`
	FieldMap           *FieldMap `json:"fieldMap"` // nil: none
	PreviousTokenUntil time.Time `json:"previousTokenUntil"`
	LastUsedAt         time.Time `json:"lastUsedAt"`
	CallCount          int64     `json:"callCount"`
	RefusedCount       int64     `json:"refusedCount"`
	CreatedBy          string    `json:"createdBy"`
	CreatedAt          time.Time `json:"createdAt"`
	UpdatedAt          time.Time `json:"updatedAt"`
	Version            string    `json:"version"` // changes with every edit; see [IfMatch]
	// Token and URL are set only in the answer that makes them.
	Token string `json:"token"`
	URL   string `json:"url"`
}

// IncomingWebhookFields make or change an incoming webhook. Name and
// TargetChannelID are required when making one.
type IncomingWebhookFields struct {
	Name            Field[string]    `json:"name,omitzero"`
	TargetChannelID Field[string]    `json:"targetChannelId,omitzero"`
	Username        Field[string]    `json:"username,omitzero"`
	AvatarURL       Field[string]    `json:"avatarUrl,omitzero"`
	Enabled         Field[bool]      `json:"enabled,omitzero"`
	HMACSecret      Field[string]    `json:"hmacSecret,omitzero"`
	AllowIPs        Field[[]string]  `json:"allowIps,omitzero"`
	ExpiresAt       Field[time.Time] `json:"expiresAt,omitzero"`
	RateLimit       Field[int]       `json:"rateLimit,omitzero"`
	AllowMentions   Field[bool]      `json:"allowMentions,omitzero"`
	// KeyTemplate makes of each call what its message is about; FieldMap makes a
	// card of the calls of senders that the hub does not know.
	KeyTemplate Field[string]   `json:"keyTemplate,omitzero"`
	FieldMap    Field[FieldMap] `json:"fieldMap,omitzero"`
}

const incomingsPath = "/api/incoming-webhooks"

func incomingPath(id string) string { return incomingsPath + "/" + escape(id) }

// IncomingWebhooks lists incoming webhooks, oldest first.
func (c *Client) IncomingWebhooks(ctx context.Context, options ...ListOption) iter.Seq2[IncomingWebhook, error] {
	return list[IncomingWebhook](ctx, c, incomingsPath, nil, options)
}

// IncomingWebhook returns one incoming webhook.
func (c *Client) IncomingWebhook(ctx context.Context, id string) (IncomingWebhook, error) {
	return call[IncomingWebhook](ctx, c, get(incomingPath(id), nil))
}

// CreateIncomingWebhook makes an incoming webhook. Its Token and URL are in
// the answer and nowhere else.
func (c *Client) CreateIncomingWebhook(ctx context.Context, f IncomingWebhookFields, options ...CallOption) (IncomingWebhook, error) {
	return call[IncomingWebhook](ctx, c, post(incomingsPath, f, options...))
}

// UpdateIncomingWebhook changes an incoming webhook.
func (c *Client) UpdateIncomingWebhook(ctx context.Context, id string, f IncomingWebhookFields, options ...CallOption) (IncomingWebhook, error) {
	return call[IncomingWebhook](ctx, c, patch(incomingPath(id), f, options...))
}

// RotateIncomingWebhook gives an incoming webhook a new token; the old one is
// taken until the overlap ends; see [DefaultOverlap].
func (c *Client) RotateIncomingWebhook(ctx context.Context, id string, overlap time.Duration, options ...CallOption) (IncomingWebhook, error) {
	return call[IncomingWebhook](ctx, c, post(incomingPath(id)+"/rotate", overlapOf(overlap), options...))
}

// DeleteIncomingWebhook ends an incoming webhook.
func (c *Client) DeleteIncomingWebhook(ctx context.Context, id string, options ...CallOption) error {
	return c.do(ctx, remove(incomingPath(id), options...))
}

// DefaultOverlap lets the hub choose for how long what is rotated stays good:
// 24 hours. Otherwise it may be 0, which ends it at once, to a week.
const DefaultOverlap time.Duration = -1

type overlapBody struct {
	OverlapHours *float64 `json:"overlapHours,omitempty"`
}

func overlapOf(d time.Duration) overlapBody {
	if d < 0 {
		return overlapBody{}
	}
	hours := d.Hours()
	return overlapBody{&hours}
}
