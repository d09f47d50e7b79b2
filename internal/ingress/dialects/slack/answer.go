package slack

import (
	"cmp"
	"encoding/json"
	"math"
	"net/http"
	"strconv"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// success is "ok" and nothing else: Alertmanager and Grafana compare every byte.
// Callers of the Web API want to know the message.
func success(r *dialect.Request, p dialect.Posted) dialect.Answer {
	if r.Method == "" {
		return dialect.Answer{Status: http.StatusOK, ContentType: "text/plain", Body: []byte("ok")}
	}
	return inJSON(http.StatusOK, posted{
		OK: true, Channel: "C" + dialect.Decimal(string(p.Message.ChannelID)), TS: dialect.Decimal(string(p.Message.ID)),
		Message: describe(&p.Message),
	})
}

// posted is what chat.postMessage answers. The ids are the hub's own in decimal,
// and are taken back as thread_ts.
type posted struct {
	OK      bool    `json:"ok"`
	Channel string  `json:"channel"`
	TS      string  `json:"ts"`
	Message message `json:"message"`
}

// message is a message of Slack's.
type message struct {
	Type     string `json:"type"`
	Subtype  string `json:"subtype"`
	Text     string `json:"text"`
	Username string `json:"username,omitempty"`
	TS       string `json:"ts"`
	ThreadTS string `json:"thread_ts,omitempty"`
}

func describe(m *hub.Message) message {
	out := message{
		Type: "message", Subtype: "bot_message", Text: m.Content, Username: cmp.Or(m.Author.DisplayName, m.Author.Username), TS: dialect.Decimal(string(m.ID)),
	}
	if m.ThreadID != "" {
		out.ThreadTS = dialect.Decimal(string(m.ThreadID))
	}
	return out
}

// failure answers with Slack's plain tokens, and with Slack's JSON when there were
// too many requests ("Rate limits").
func failure(f *dialect.Failure) dialect.Answer {
	status := f.Status()
	switch f.Verdict {
	case dialect.RateLimited:
		seconds := int(math.Ceil(f.RetryAfter.Seconds()))
		return dialect.Answer{
			Status: status, ContentType: "application/json",
			Body: []byte(`{"retry_after":` + strconv.Itoa(seconds) + `,"ok":false,"error":"rate_limited"}`),
		}
	case dialect.ChannelArchived:
		status = http.StatusGone
	}
	return dialect.Answer{Status: status, ContentType: "text/plain", Body: []byte(f.Slack())}
}

// apiTokens are the errors of chat.postMessage. Those that are not here are
// invalid_arguments.
var apiTokens = map[dialect.Verdict]string{
	dialect.NoText:          "no_text",
	dialect.TooLarge:        "msg_too_long",
	dialect.UnknownToken:    "invalid_auth",
	dialect.BadSignature:    "invalid_auth",
	dialect.AddressRefused:  "access_denied",
	dialect.Forbidden:       "access_denied",
	dialect.RateLimited:     "ratelimited",
	dialect.ChannelMissing:  "channel_not_found",
	dialect.ChannelArchived: "is_archived",
	dialect.NotFound:        "unknown_method",
	dialect.StorageFull:     "internal_error",
	dialect.Internal:        "internal_error",
	dialect.Unavailable:     "service_unavailable",
}

// apiFailure answers as the Web API does: what another try would not help is told
// with 200, because Slack's own client tries everything else again.
func apiFailure(f *dialect.Failure) dialect.Answer {
	token, ok := apiTokens[f.Verdict]
	if !ok {
		token = "invalid_arguments"
	}
	status := http.StatusOK
	if s := f.Status(); s == http.StatusTooManyRequests || s >= 500 && f.Verdict != dialect.LoopDetected {
		status = s
	}
	return inJSON(status, struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}{false, token})
}

func inJSON(status int, v any) dialect.Answer {
	body, err := json.Marshal(v)
	if err != nil { // strings and booleans always encode
		status, body = http.StatusInternalServerError, []byte(`{"ok":false,"error":"internal_error"}`)
	}
	return dialect.Answer{Status: status, ContentType: "application/json", Body: body}
}
