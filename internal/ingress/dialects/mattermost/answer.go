package mattermost

import (
	"encoding/json"
	"net/http"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

func success(*dialect.Request, dialect.Posted) dialect.Answer {
	return dialect.Answer{Status: http.StatusOK, ContentType: "text/plain", Body: []byte("ok")}
}

// errorIDs name the failures as Mattermost does; the others are general.
var errorIDs = map[dialect.Verdict]string{
	dialect.BadBody:         "web.incoming_webhook.decode.app_error",
	dialect.NoText:          "web.incoming_webhook.text.app_error",
	dialect.UnknownToken:    "web.incoming_webhook.invalid.app_error",
	dialect.ChannelMissing:  "web.incoming_webhook.channel.app_error",
	dialect.ChannelArchived: "api.post.create_post.can_not_post_to_deleted.error",
	dialect.AddressRefused:  "web.incoming_webhook.permissions.app_error",
	dialect.Forbidden:       "web.incoming_webhook.permissions.app_error",
	dialect.TooLarge:        "api.context.request_body_too_large.app_error",
}

// failure answers with Mattermost's error object. Its message is the reason in full:
// senders show it, or write it to their logs.
func failure(f *dialect.Failure) dialect.Answer {
	id, ok := errorIDs[f.Verdict]
	if !ok {
		id = "web.incoming_webhook.general.app_error"
	}
	status := f.Status()
	body, err := json.Marshal(struct {
		ID            string `json:"id"`
		Message       string `json:"message"`
		DetailedError string `json:"detailed_error"`
		RequestID     string `json:"request_id"`
		StatusCode    int    `json:"status_code"`
	}{ID: id, Message: f.Detail, StatusCode: status})
	if err != nil { // strings and a number always encode
		body = []byte(`{}`)
	}
	return dialect.Answer{Status: status, ContentType: "application/json", Body: body}
}
