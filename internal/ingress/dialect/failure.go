package dialect

import (
	"net/http"
	"time"

	"github.com/nself-chat/hub"
)

// Verdict is what was decided about a call. The log shows it.
type Verdict string

// The verdicts.
const (
	Accepted Verdict = "accepted"
	Repeated Verdict = "repeated" // carried out before under the same Idempotency-Key
	Edited   Verdict = "edited"
	Deleted  Verdict = "deleted"

	BadBody         Verdict = "bad_body" // not decodable, or wrong in its fields
	NoText          Verdict = "no_text"
	TooLarge        Verdict = "too_large"
	LoopDetected    Verdict = "loop_detected"
	UnknownToken    Verdict = "unknown_token"   // or one that is not in force
	UnknownDialect  Verdict = "unknown_dialect" // which the address asks for
	AddressRefused  Verdict = "address_refused"
	RateLimited     Verdict = "rate_limited"
	BadSignature    Verdict = "bad_signature" // or none
	ChannelMissing  Verdict = "channel_missing"
	ChannelArchived Verdict = "channel_archived"
	NotFound        Verdict = "not_found" // the message to change
	Forbidden       Verdict = "forbidden"
	Conflict        Verdict = "conflict"
	StorageFull     Verdict = "storage_full"
	Unavailable     Verdict = "unavailable"
	Internal        Verdict = "internal"
)

// meaning is how a verdict is told in HTTP.
type meaning struct {
	status int
	code   hub.Code // of problem+json
	slack  string   // Slack's token for it
}

// Slack's tokens are those of its incoming webhooks ("Handling errors" of
// "Sending messages using incoming webhooks"); it has none for the others.
var meanings = map[Verdict]meaning{
	BadBody:         {http.StatusBadRequest, hub.Invalid, "invalid_payload"},
	NoText:          {http.StatusBadRequest, hub.Invalid, "no_text"},
	TooLarge:        {http.StatusRequestEntityTooLarge, hub.TooLarge, "payload_too_large"},
	LoopDetected:    {http.StatusLoopDetected, hub.LoopDetected, "loop_detected"},
	UnknownToken:    {http.StatusNotFound, hub.NotFound, "no_service"},
	UnknownDialect:  {http.StatusNotFound, hub.NotFound, "no_service"},
	AddressRefused:  {http.StatusForbidden, hub.Forbidden, "action_prohibited"},
	RateLimited:     {http.StatusTooManyRequests, hub.RateLimited, "rate_limited"},
	BadSignature:    {http.StatusUnauthorized, hub.Unauthorized, "invalid_token"},
	ChannelMissing:  {http.StatusNotFound, hub.NotFound, "channel_not_found"},
	ChannelArchived: {http.StatusConflict, hub.Conflict, "channel_is_archived"},
	NotFound:        {http.StatusNotFound, hub.NotFound, "message_not_found"},
	Forbidden:       {http.StatusForbidden, hub.Forbidden, "action_prohibited"},
	Conflict:        {http.StatusConflict, hub.Conflict, "conflict"},
	StorageFull:     {http.StatusInsufficientStorage, hub.StorageFull, "storage_full"},
	Unavailable:     {http.StatusServiceUnavailable, hub.Unavailable, "service_unavailable"},
	Internal:        {http.StatusInternalServerError, hub.Internal, "rollup_error"},
}

// Failure says why a call was refused, fit to be shown to its sender: no
// input value and no secret is in it.
type Failure struct {
	Verdict Verdict
	Detail  string // a full sentence
	Fields  []hub.FieldError
	// RetryAfter is when to come back; zero: not known.
	RetryAfter time.Duration
}

// Error returns the detail with its fields, for the log.
func (f *Failure) Error() string {
	return (&hub.Error{Detail: f.Detail, Fields: f.Fields}).Error()
}

// Status is the HTTP status of the failure, unless a dialect has its own.
func (f *Failure) Status() int { return f.meaning().status }

// Code is the failure in the closed list of package hub.
func (f *Failure) Code() hub.Code { return f.meaning().code }

// Slack is the failure as Slack's incoming webhooks name it: "no_text".
func (f *Failure) Slack() string { return f.meaning().slack }

func (f *Failure) meaning() meaning {
	if m, ok := meanings[f.Verdict]; ok {
		return m
	}
	return meanings[Internal]
}

// badBody is a BadBody failure without fields.
func badBody(detail string) *Failure { return &Failure{Verdict: BadBody, Detail: detail} }

// Refused is a BadBody failure without fields, for what can be said in a sentence.
func Refused(detail string) *Failure { return badBody(detail) }

// Nothing is the failure of a request with nothing to show in it.
func Nothing() *Failure {
	return &Failure{Verdict: NoText, Detail: "There is nothing to post in the body: " + whatWorks}
}
