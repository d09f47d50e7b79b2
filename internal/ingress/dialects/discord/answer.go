package discord

import (
	"net/http"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// success has no body, unless the caller waits for the message.
func success(r *dialect.Request, p dialect.Posted) dialect.Answer {
	if !r.Waits() {
		return dialect.Answer{Status: http.StatusNoContent}
	}
	return dialect.Answer{Status: http.StatusOK, ContentType: "application/json", Body: Message(&p.Message)}
}

// changed is the message ("Edit Webhook Message").
func changed(p dialect.Posted) dialect.Answer {
	return dialect.Answer{Status: http.StatusOK, ContentType: "application/json", Body: Message(&p.Message)}
}

// deleted has no body ("Delete Webhook Message").
func deleted(dialect.Posted) dialect.Answer { return dialect.Answer{Status: http.StatusNoContent} }

// wording is a failure in Discord's words ("JSON Error Codes"). Code 0 is a general
// error.
type wording struct {
	status  int
	code    int
	message string
}

// Codes of Discord's.
const (
	unknownChannel     = 10003
	unknownMessage     = 10008
	unknownWebhook     = 10015
	entityTooLarge     = 40005
	emptyMessage       = 50006
	missingPermissions = 50013
	invalidToken       = 50027
	invalidForm        = 50035
	archivedThread     = 50083
	invalidJSON        = 50109
)

var wordings = map[dialect.Verdict]wording{
	dialect.BadBody:         {http.StatusBadRequest, invalidJSON, "The request body contains invalid JSON."},
	dialect.NoText:          {http.StatusBadRequest, emptyMessage, "Cannot send an empty message"},
	dialect.TooLarge:        {http.StatusRequestEntityTooLarge, entityTooLarge, "Request entity too large"},
	dialect.UnknownToken:    {http.StatusNotFound, unknownWebhook, "Unknown Webhook"},
	dialect.BadSignature:    {http.StatusUnauthorized, invalidToken, "Invalid Webhook Token"},
	dialect.AddressRefused:  {http.StatusForbidden, missingPermissions, "You lack permissions to perform that action"},
	dialect.Forbidden:       {http.StatusForbidden, missingPermissions, "You lack permissions to perform that action"},
	dialect.RateLimited:     {http.StatusTooManyRequests, 0, "You are being rate limited."},
	dialect.ChannelMissing:  {http.StatusNotFound, unknownChannel, "Unknown Channel"},
	dialect.ChannelArchived: {http.StatusBadRequest, archivedThread, "This thread is archived"},
	dialect.NotFound:        {http.StatusNotFound, unknownMessage, "Unknown Message"},
}

// problem is Discord's error object ("Error Messages").
type problem struct {
	Message    string            `json:"message"`
	Code       int               `json:"code"`
	Errors     map[string]inside `json:"errors,omitempty"`
	RetryAfter *float64          `json:"retry_after,omitempty"`
	Global     *bool             `json:"global,omitempty"`
}

// inside is what is wrong with one field.
type inside struct {
	Errors []reason `json:"_errors"`
}

type reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func failure(f *dialect.Failure) dialect.Answer {
	w, ok := wordings[f.Verdict]
	if !ok {
		w = wording{f.Status(), 0, f.Detail}
	}
	out := problem{Message: w.message, Code: w.code}
	switch {
	case f.Verdict == dialect.RateLimited:
		seconds, global := f.RetryAfter.Seconds(), false
		out.RetryAfter, out.Global = &seconds, &global
	case f.Verdict == dialect.BadBody && len(f.Fields) > 0:
		out.Message, out.Code, out.Errors = "Invalid Form Body", invalidForm, make(map[string]inside)
		for _, field := range f.Fields {
			out.Errors[field.Field] = inside{[]reason{{"BASE_TYPE_BAD", field.Detail}}}
		}
	}
	return dialect.Answer{Status: w.status, ContentType: "application/json", Body: encode(out)}
}
