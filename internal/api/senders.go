package api

import (
	"maps"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nself-chat/hub"
)

// What senders post, and what they hear, for those that expect something of
// their own. All others hear what the hub's own senders do.

// Posted is what a sender of the hub's own dialect hears.
type Posted struct {
	Success   bool          `json:"success"`
	Message   string        `json:"message" doc:"What was done, in words."`
	MessageID hub.MessageID `json:"messageId"`
	ChannelID hub.ChannelID `json:"channelId"`
	Timestamp time.Time     `json:"timestamp" doc:"When the message was posted."`
	Duration  float64       `json:"duration" doc:"Milliseconds."`
}

// Post is a body in the hub's own dialect.
type Post struct {
	_           struct{} `additionalProperties:"true"`
	Text        string   `json:"text,omitempty" doc:"Markdown; also: content."`
	Content     string   `json:"content,omitempty" doc:"The same."`
	Username    string   `json:"username,omitempty" doc:"The name that the message shows."`
	IconURL     string   `json:"icon_url,omitempty" doc:"Its picture; also: avatarUrl, avatar_url."`
	Embeds      []loose  `json:"embeds,omitempty" doc:"Cards: title, description, url, color, fields, image, thumbnail, footer, author."`
	Attachments []loose  `json:"attachments,omitempty" doc:"Files that live elsewhere: url, filename, contentType."`
	ThreadID    string   `json:"threadId,omitempty" doc:"What it replies to."`
}

// SlackPost is a body in Slack's dialect.
type SlackPost struct {
	_           struct{} `additionalProperties:"true"`
	Text        string   `json:"text,omitempty" doc:"mrkdwn."`
	Blocks      []loose  `json:"blocks,omitempty" doc:"Block Kit."`
	Attachments []loose  `json:"attachments,omitempty" doc:"Cards."`
	Username    string   `json:"username,omitempty" doc:"The name that the message shows."`
	IconEmoji   string   `json:"icon_emoji,omitempty" doc:"An emoji beside the name."`
	IconURL     string   `json:"icon_url,omitempty" doc:"Its picture."`
	ThreadTS    string   `json:"thread_ts,omitempty" doc:"What it replies to: a ts that an answer told."`
}

// SlackMessage is what callers of chat.postMessage hear.
type SlackMessage struct {
	OK      bool   `json:"ok"`
	Channel string `json:"channel,omitempty" doc:"The channel's id in decimal."`
	TS      string `json:"ts,omitempty" doc:"The message's id in decimal; taken back as thread_ts."`
	Message loose  `json:"message,omitzero" doc:"The message."`
	Error   string `json:"error,omitempty" doc:"Why not: invalid_auth, no_text, ratelimited …"`
}

// SlackError is what Slack's senders hear in JSON when they send too much.
type SlackError struct {
	OK         bool   `json:"ok"`
	Error      string `json:"error"`
	RetryAfter int    `json:"retry_after,omitempty" doc:"Seconds."`
}

// DiscordPost is a body in Discord's dialect.
type DiscordPost struct {
	_         struct{} `additionalProperties:"true"`
	Content   string   `json:"content,omitempty" doc:"Discord's Markdown."`
	Username  string   `json:"username,omitempty" doc:"The name that the message shows."`
	AvatarURL string   `json:"avatar_url,omitempty" doc:"Its picture."`
	Embeds    []loose  `json:"embeds,omitempty" doc:"Cards, with a number as color."`
}

// DiscordMessage is a message as Discord describes it. Ids are the hub's own in
// decimal.
type DiscordMessage struct {
	_               struct{}  `additionalProperties:"true"`
	ID              string    `json:"id" limits:"pattern=^[0-9]+$"`
	ChannelID       string    `json:"channel_id" limits:"pattern=^[0-9]+$"`
	WebhookID       string    `json:"webhook_id" limits:"pattern=^[0-9]+$"`
	Type            int       `json:"type"`
	Author          loose     `json:"author" doc:"A user object."`
	Content         string    `json:"content" doc:"Discord's Markdown."`
	Embeds          []loose   `json:"embeds" doc:"Cards."`
	Attachments     []loose   `json:"attachments" doc:"Files."`
	Components      []loose   `json:"components" doc:"Always empty; so are mentions and mention_roles."`
	Mentions        []loose   `json:"mentions" doc:"Always empty."`
	MentionRoles    []string  `json:"mention_roles" doc:"Always empty."`
	MentionEveryone bool      `json:"mention_everyone" doc:"Always false."`
	Pinned          bool      `json:"pinned" doc:"It is among the channel's pinned messages."`
	TTS             bool      `json:"tts" doc:"Always false."`
	Flags           int       `json:"flags" doc:"Always 0."`
	Timestamp       time.Time `json:"timestamp" doc:"When it was posted."`
	EditedTimestamp *string   `json:"edited_timestamp" limits:"format=date-time" doc:"null: never."`
}

// DiscordWebhook is a webhook as Discord describes it.
type DiscordWebhook struct {
	ID            string  `json:"id" limits:"pattern=^[0-9]+$"`
	Type          int     `json:"type"`
	Name          string  `json:"name"`
	Avatar        *string `json:"avatar" doc:"Always null."`
	ChannelID     string  `json:"channel_id" limits:"pattern=^[0-9]+$"`
	GuildID       string  `json:"guild_id" limits:"pattern=^[0-9]+$"`
	ApplicationID *string `json:"application_id" doc:"Always null."`
	Token         string  `json:"token" format:"password" doc:"The one in the address."`
	URL           string  `json:"url" doc:"The webhook's, with the token."`
}

// DiscordError is a refusal in Discord's words.
type DiscordError struct {
	Message    string   `json:"message" doc:"Why not."`
	Code       int      `json:"code" doc:"One of Discord's; 0: a general error."`
	Errors     loose    `json:"errors,omitzero" doc:"What is wrong with which field."`
	RetryAfter *float64 `json:"retry_after,omitempty" doc:"Seconds."`
	Global     *bool    `json:"global,omitempty" doc:"Always false."`
}

// MattermostPost is a body in Mattermost's dialect.
type MattermostPost struct {
	_           struct{} `additionalProperties:"true"`
	Text        string   `json:"text,omitempty" doc:"Markdown."`
	Username    string   `json:"username,omitempty" doc:"The name that the message shows."`
	IconURL     string   `json:"icon_url,omitempty" doc:"Its picture."`
	Channel     string   `json:"channel,omitempty" doc:"Not looked at: the webhook has its channel."`
	Attachments []loose  `json:"attachments,omitempty" doc:"Cards."`
	Props       *loose   `json:"props,omitempty" doc:"card: a text in Markdown."`
}

// MattermostError is a refusal in Mattermost's words.
type MattermostError struct {
	ID            string `json:"id"`
	Message       string `json:"message" doc:"Why not."`
	DetailedError string `json:"detailed_error" doc:"Always empty."`
	RequestID     string `json:"request_id" doc:"Always empty."`
	StatusCode    int    `json:"status_code"`
}

// RocketChatPost is a body in Rocket.Chat's dialect.
type RocketChatPost struct {
	_           struct{} `additionalProperties:"true"`
	Text        string   `json:"text,omitempty" doc:"Rocket.Chat's Markdown."`
	Alias       string   `json:"alias,omitempty" doc:"The name that the message shows."`
	Emoji       string   `json:"emoji,omitempty" doc:"An emoji beside the name."`
	Avatar      string   `json:"avatar,omitempty" doc:"Its picture."`
	Attachments []loose  `json:"attachments,omitempty" doc:"Cards."`
}

// RocketChatAnswer is what Rocket.Chat's senders hear.
type RocketChatAnswer struct {
	Success bool   `json:"success"`
	Error   string `json:"error,omitempty" doc:"Why not."`
}

// TeamsPost is a body in the dialect of Microsoft Teams.
type TeamsPost struct {
	_        struct{} `additionalProperties:"true"`
	Type     string   `json:"@type,omitempty" doc:"MessageCard."`
	Title    string   `json:"title,omitempty"`
	Text     string   `json:"text,omitempty" doc:"Markdown or HTML."`
	Sections []loose  `json:"sections,omitempty"`
	Body     []loose  `json:"attachments,omitempty" doc:"Adaptive cards."`
}

// GotifyPost is a body in Gotify's dialect.
type GotifyPost struct {
	_        struct{} `additionalProperties:"true"`
	Title    string   `json:"title,omitempty"`
	Message  string   `json:"message,omitempty" doc:"Text, or Markdown when extras say so."`
	Priority int      `json:"priority,omitempty"`
	Extras   *loose   `json:"extras,omitempty"`
}

// GotifyMessage is what Gotify's senders hear.
type GotifyMessage struct {
	ID       int64     `json:"id" doc:"A number that leads nowhere."`
	App      int       `json:"appid"`
	Message  string    `json:"message"`
	Title    string    `json:"title"`
	Priority int       `json:"priority"`
	Extras   any       `json:"extras,omitempty"`
	Date     time.Time `json:"date"`
}

// GotifyError is a refusal in Gotify's words.
type GotifyError struct {
	Error       string `json:"error" doc:"The status in words."`
	Code        int    `json:"errorCode" doc:"The status."`
	Description string `json:"errorDescription" doc:"Why not."`
}

// NtfyPost is a body in ntfy's dialect.
type NtfyPost struct {
	_        struct{} `additionalProperties:"true"`
	Topic    string   `json:"topic,omitempty" doc:"Shown; the webhook has its channel."`
	Title    string   `json:"title,omitempty"`
	Message  string   `json:"message,omitempty" doc:"Text, or Markdown when markdown says so."`
	Priority int      `json:"priority,omitempty"`
	Tags     []string `json:"tags,omitempty"`
}

// NtfyMessage is what ntfy's senders hear.
type NtfyMessage struct {
	ID       string   `json:"id"`
	Time     int64    `json:"time" doc:"Unix seconds."`
	Event    string   `json:"event"`
	Topic    string   `json:"topic"`
	Title    string   `json:"title,omitempty"`
	Message  string   `json:"message"`
	Priority int      `json:"priority,omitempty"`
	Tags     []string `json:"tags,omitempty"`
}

// NtfyError is a refusal in ntfy's words.
type NtfyError struct {
	Code  int    `json:"code" doc:"One of ntfy's: the status and two digits."`
	HTTP  int    `json:"http" doc:"The status."`
	Error string `json:"error" doc:"Why not."`
}

// TelegramPost is a body of Telegram's sendMessage.
type TelegramPost struct {
	_         struct{} `additionalProperties:"true"`
	ChatID    any      `json:"chat_id,omitempty" doc:"A number or a name; the webhook has its channel."`
	Text      string   `json:"text,omitempty"`
	ParseMode string   `json:"parse_mode,omitempty" doc:"HTML, Markdown or MarkdownV2."`
}

// TelegramAnswer is what Telegram's senders hear.
type TelegramAnswer struct {
	OK          bool   `json:"ok"`
	Result      *loose `json:"result,omitempty" doc:"The message."`
	Code        int    `json:"error_code,omitempty" doc:"The status."`
	Description string `json:"description,omitempty" doc:"Why not."`
	Parameters  *loose `json:"parameters,omitempty" doc:"retry_after: seconds."`
}

// Usage says how an address is used.
type Usage struct {
	Detail   string            `json:"detail" doc:"What the address does."`
	Method   string            `json:"method"`
	Bodies   []string          `json:"bodies" doc:"Kinds of body."`
	Fields   map[string]string `json:"fields" doc:"Of the hub's own dialect."`
	Dialects []string          `json:"dialects" doc:"The names that may end the address."`
	Example  string            `json:"example" doc:"A command."`
	Edit     string            `json:"edit" doc:"How a message is edited."`
	Delete   string            `json:"delete" doc:"How a message is deleted."`
	Limits   map[string]int    `json:"limits"`
}

// loose is an object that is not described further.
type loose map[string]any

// sender is a product whose senders post and hear something of their own.
type sender struct{ *senderKind }

type senderKind struct {
	name    string
	body    reflect.Type
	example object
	// refusal is what they hear in JSON of a refusal; nil: problem+json.
	refusal        reflect.Type
	refusalExample any
	text           bool // they hear text of it
}

var (
	nself = sender{&senderKind{
		name: "nself-chat", body: reflect.TypeFor[Post](),
		example: object{"text": "Hello from external service!", "username": "External Bot", "icon_url": "https://example.com/icon.png"},
	}}
	slack = sender{&senderKind{
		name: "slack", body: reflect.TypeFor[SlackPost](), refusal: reflect.TypeFor[SlackError](), text: true,
		example:        object{"text": "*Build 17* is out", "username": "ci", "icon_emoji": ":rocket:"},
		refusalExample: SlackError{Error: "rate_limited", RetryAfter: 30},
	}}
	discord = sender{&senderKind{
		name: "discord", body: reflect.TypeFor[DiscordPost](), refusal: reflect.TypeFor[DiscordError](),
		example:        object{"content": "**Build 17** is out", "embeds": []any{object{"title": "Log", "color": 3066993}}},
		refusalExample: DiscordError{Message: "Unknown Webhook", Code: 10015},
	}}
	mattermost = sender{&senderKind{
		name: "mattermost", body: reflect.TypeFor[MattermostPost](), refusal: reflect.TypeFor[MattermostError](),
		example:        object{"text": "**Build 17** is out", "username": "ci", "props": object{"card": "All tests passed"}},
		refusalExample: MattermostError{ID: "web.incoming_webhook.text.app_error", Message: "There is nothing to post in the body.", StatusCode: http.StatusBadRequest},
	}}
	rocketChat = sender{&senderKind{
		name: "rocketchat", body: reflect.TypeFor[RocketChatPost](), refusal: reflect.TypeFor[RocketChatAnswer](),
		example:        object{"text": "*Build 17* is out", "alias": "ci", "emoji": ":rocket:"},
		refusalExample: RocketChatAnswer{Error: "There is nothing to post in the body."},
	}}
	teams = sender{&senderKind{
		name: "teams", body: reflect.TypeFor[TeamsPost](), text: true,
		example: object{"@type": "MessageCard", "@context": "https://schema.org/extensions", "title": "Build 17", "text": "is out"},
	}}
	gotify = sender{&senderKind{
		name: "gotify", body: reflect.TypeFor[GotifyPost](), refusal: reflect.TypeFor[GotifyError](),
		example:        object{"title": "Build 17", "message": "is out", "priority": 5},
		refusalExample: GotifyError{"Bad Request", http.StatusBadRequest, "There is nothing to post in the body."},
	}}
	ntfy = sender{&senderKind{
		name: "ntfy", body: reflect.TypeFor[NtfyPost](), refusal: reflect.TypeFor[NtfyError](),
		example:        object{"topic": "builds", "title": "Build 17", "message": "is out", "priority": 4, "tags": []any{"rocket"}},
		refusalExample: NtfyError{40001, http.StatusBadRequest, "There is nothing to post in the body."},
	}}
	telegram = sender{&senderKind{
		name: "telegram", body: reflect.TypeFor[TelegramPost](), refusal: reflect.TypeFor[TelegramAnswer](),
		example:        object{"chat_id": "@ops", "text": "<b>Build 17</b> is out", "parse_mode": "HTML"},
		refusalExample: TelegramAnswer{Code: http.StatusBadRequest, Description: "Bad Request: There is nothing to post in the body."},
	}}

	allSenders    = []sender{nself, slack, discord, mattermost, rocketChat, teams, gotify, ntfy, telegram}
	methodSenders = []sender{slack, gotify, ntfy}
)

// answer200 is one way to say that a call was carried out.
type answer200 struct{ *answerKind }

type answerKind struct {
	name    string
	is      reflect.Type // nil: text
	example any
}

const exampleDecimal = "2143853839483742823948573947293847293"

var (
	saysPosted = answer200{&answerKind{"nself-chat", reflect.TypeFor[Posted](), Posted{
		true, "Message posted successfully", exampleMessageID, exampleChannelID, exampleTime(3), 3.003,
	}}}
	saysOK         = answer200{&answerKind{"slack", nil, "ok"}}
	saysOne        = answer200{&answerKind{"teams", nil, "1"}}
	saysRocketChat = answer200{&answerKind{"rocketchat", reflect.TypeFor[RocketChatAnswer](), RocketChatAnswer{Success: true}}}
	saysSlack      = answer200{&answerKind{"slack", reflect.TypeFor[SlackMessage](), SlackMessage{
		OK: true, Channel: "C" + exampleDecimal, TS: exampleDecimal, Message: loose{"type": "message", "text": "Build 17 is out", "ts": exampleDecimal},
	}}}
	saysDiscordMessage = answer200{&answerKind{"discord", reflect.TypeFor[DiscordMessage](), DiscordMessage{
		ID: exampleDecimal, ChannelID: exampleDecimal, WebhookID: exampleDecimal, Content: "**Build 17** is out", Timestamp: exampleTime(3),
		Author: loose{"id": exampleDecimal, "username": "build server", "bot": true}, Embeds: []loose{{"type": "rich", "title": "Log", "color": 3066993}}, Attachments: []loose{},
		Components: []loose{}, Mentions: []loose{}, MentionRoles: []string{}, EditedTimestamp: ptr("2026-11-21T22:04:25.083935Z"),
	}}}
	saysDiscordHook = answer200{&answerKind{"discord", reflect.TypeFor[DiscordWebhook](), DiscordWebhook{
		ID: exampleDecimal, Type: 1, Name: "build server", ChannelID: exampleDecimal, GuildID: exampleDecimal, Token: exampleToken,
		URL: "https://hub.example.com/api/webhooks/incoming/" + exampleToken,
	}}}
	saysGotify = answer200{&answerKind{"gotify", reflect.TypeFor[GotifyMessage](), GotifyMessage{
		ID: 1795298605, App: 1, Message: "is out", Title: "Build 17", Priority: 5, Date: exampleTime(3),
	}}}
	saysNtfy = answer200{&answerKind{"ntfy", reflect.TypeFor[NtfyMessage](), NtfyMessage{
		ID: string(exampleMessageID), Time: 1795298605, Event: "message", Topic: "builds", Title: "Build 17", Message: "is out", Priority: 4,
		Tags: []string{"rocket"},
	}}}
	saysTelegram = answer200{&answerKind{"telegram", reflect.TypeFor[TelegramAnswer](), TelegramAnswer{
		OK: true, Result: &loose{"message_id": 1795298605, "date": 1795298605, "chat": object{"type": "channel"}, "text": "Build 17 is out"},
	}}}
	saysUsage = answer200{&answerKind{"usage", reflect.TypeFor[Usage](), Usage{
		Detail: "This address posts messages into a channel. Send POST; GET only shows this.", Method: http.MethodPost, Bodies: []string{"JSON", "plain text"},
		Fields: map[string]string{"text": "the message, Markdown; also: content"}, Dialects: []string{"nself-chat", "slack"},
		Example: `curl -X POST "$URL" -H "Content-Type: application/json" -d '{"text": "Hello"}'`,
		Edit:    "PATCH $URL/messages/{messageId} with the same fields", Delete: "DELETE $URL/messages/{messageId}",
		Limits: map[string]int{"bodyBytes": 10 << 20},
	}}}

	posts = []answer200{
		saysPosted, saysOK, saysOne, saysDiscordMessage, saysRocketChat, saysGotify, saysNtfy, saysTelegram,
	}
	methodPosts = []answer200{saysSlack, saysGotify, saysNtfy, saysPosted}
)

// describeSenders adds the schemas.
func (a *API) describeSenders() {
	for _, s := range allSenders {
		a.schema(s.body)
	}
}

// postedBodies describes what may be posted: the body is recognised whatever the
// content type says.
func (a *API) postedBodies(takes []sender) map[string]*huma.MediaType {
	inJSON := &huma.MediaType{Examples: make(map[string]*huma.Example)}
	var kinds []*huma.Schema
	for _, s := range takes {
		kinds = append(kinds, a.schema(s.body))
		inJSON.Examples[s.name] = &huma.Example{Value: s.example}
	}
	anything := &huma.Schema{Description: "What another sender sends; what is in it is shown as well as can be."}
	inJSON.Schema = &huma.Schema{AnyOf: append(kinds, anything)}
	form := &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true,
		Description: "The same fields, or one field payload or payload_json with the JSON; parts with a file name are files.",
	}
	return map[string]*huma.MediaType{
		"application/json": inJSON, "application/x-www-form-urlencoded": {Schema: form}, "multipart/form-data": {Schema: form},
		"text/plain": {Schema: &huma.Schema{Type: huma.TypeString, Description: "A text, or the JSON."}, Example: "just text"},
		"*/*":        {Schema: &huma.Schema{Description: "The same under any other name."}},
	}
}

// contents describes answers that say that it was done.
func (a *API) contents(says []answer200) map[string]*huma.MediaType {
	out := make(map[string]*huma.MediaType)
	for _, s := range says {
		if s.is == nil {
			add(out, "text/plain", s.name, &huma.Schema{Type: huma.TypeString, Enum: []any{s.example}}, s.example)
			continue
		}
		add(out, "application/json", s.name, a.schema(s.is), s.example)
	}
	return out
}

// add adds one of several bodies of the same media type.
func add(to map[string]*huma.MediaType, media, name string, schema *huma.Schema, example any) {
	m := to[media]
	if m == nil {
		m = &huma.MediaType{Schema: &huma.Schema{}, Examples: make(map[string]*huma.Example)}
		to[media] = m
	}
	m.Schema.AnyOf = append(m.Schema.AnyOf, schema)
	if example != nil {
		m.Examples[name] = &huma.Example{Value: example}
	}
}

// describeRefusal describes the answers with one status that refuse.
func (a *API) describeRefusal(h *huma.Operation, r reception, status int, with map[string]*huma.Header) {
	general := a.refusal(status, refusalKinds[status].when)
	out := &huma.Response{Description: receiveWhen[status], Headers: maps.Clone(with), Content: map[string]*huma.MediaType{}}
	for _, s := range r.speaks {
		switch {
		case s.refusal != nil:
			add(out.Content, "application/json", s.name, a.schema(s.refusal), s.refusalExample)
		case !s.text:
			out.Content["application/problem+json"] = general.Content["application/problem+json"]
		}
		if s.text {
			add(out.Content, "text/plain", s.name, &huma.Schema{Type: huma.TypeString, Description: "Why not."}, nil)
		}
	}
	for name, header := range general.Headers {
		out.Headers[name] = header
	}
	h.Responses[strconv.Itoa(status)] = out
}

// receiveWhen says when a call is refused.
var receiveWhen = map[int]string{
	http.StatusBadRequest:            "There is nothing to post in the body, or it cannot be understood.",
	http.StatusUnauthorized:          "The signature is missing or wrong, or no webhook is named.",
	http.StatusForbidden:             "The webhook does not take calls from this address.",
	http.StatusNotFound:              "The token, the dialect or the message is unknown.",
	http.StatusConflict:              "The channel is archived, or the key was used for another request.",
	http.StatusGone:                  "The channel is archived, as Slack says it.",
	http.StatusRequestEntityTooLarge: "The body is larger than 10 MiB, 25 MiB with files.",
	http.StatusTooManyRequests:       "Too many calls, or too many wrong ones.",
	http.StatusInternalServerError:   "Something failed inside the hub.",
	http.StatusServiceUnavailable:    "The hub cannot do this now; nothing was stored.",
	http.StatusLoopDetected:          "It came through too many hubs.",
	http.StatusInsufficientStorage:   "The hub's disk is nearly full; nothing was stored.",
}
