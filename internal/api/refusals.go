package api

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/server"
)

// refusalKind describes a status that refuses, the same for all operations.
type refusalKind struct {
	name   string // of the component
	when   string
	detail string // of the example
	code   hub.Code
}

// refusalKinds are described once, as components of the description.
var refusalKinds = map[int]refusalKind{
	http.StatusBadRequest: {
		"Invalid", "The request cannot be understood, or fields of it are wrong: errors names them.", "The request has invalid fields.", hub.Invalid,
	},
	http.StatusUnauthorized: {
		"Unauthorized", "There is no valid token or session.", "This needs an API token (Authorization: Bearer hub_…) or a session.", hub.Unauthorized,
	},
	http.StatusForbidden: {
		"Forbidden", "The caller may not do this: the scope, the role, a token restricted to channels, or another site's page.",
		"To manage webhooks and their deliveries needs the scope admin.", hub.Forbidden,
	},
	http.StatusNotFound: {
		"NotFound", "It is not there, or not to be seen by the caller.", "There is no such channel.", hub.NotFound,
	},
	http.StatusNotAcceptable: {
		"NotAcceptable", "The request's Accept excludes what the answer is.",
		"The answer is application/json, which the request's Accept excludes.", "not_acceptable",
	},
	http.StatusConflict: {
		"Conflict", "The Idempotency-Key was used for another request, or its first request has not finished; with Retry-After it may be running still: " +
			"send it again to get its answer.",
		"This Idempotency-Key was used before for another request; use a new key.", hub.Conflict,
	},
	http.StatusPreconditionFailed: {
		"Stale", "If-Match names a version that is not in force any more.", "It was changed meanwhile; read it again and repeat your change.", hub.Conflict,
	},
	http.StatusRequestEntityTooLarge: {
		"TooLarge", "The body is too large.", "The request's body is larger than 10485760 bytes.", hub.TooLarge,
	},
	http.StatusTooManyRequests: {
		"RateLimited", "Too many invalid credentials came from this address.", "Too many invalid credentials came from this address.", hub.RateLimited,
	},
	http.StatusInternalServerError: {
		"Internal", "Something failed inside the hub, or it is not known whether all of it took effect: look before you repeat it. " +
			"Its log has the reason, under the request id.",
		"Something failed inside the hub; the reason is in its log under request id 01a20024-8cdb-7000-9f1e-5b1c2a3d4e5f.", hub.Internal,
	},
	http.StatusServiceUnavailable: {
		"Unavailable", "The hub cannot do this now: its database is away, or too much is sent at once. Nothing was stored, " +
			"or detail says that the Idempotency-Key tells a repetition whether it was; try again.",
		"The database cannot be reached; nothing was stored.", hub.Unavailable,
	},
	http.StatusInsufficientStorage: {
		"StorageFull", "The hub's disk is nearly full. Nothing was stored.",
		"The hub's disk is nearly full; nothing was stored. Its operator has to free some space.", hub.StorageFull,
	},
	http.StatusLoopDetected: {
		"LoopDetected", "X-Hub-Hop says that the event came through too many hubs.",
		"The event has passed through more than 5 hubs; there is a loop.", hub.LoopDetected,
	},
}

// refusals returns the statuses that an operation can refuse with. It follows
// from what it takes; what does not is in the operation.
func refusals(op operation, h *huma.Operation) []int {
	all := []int{http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}
	writes := op.method != http.MethodGet
	if writes {
		all = append(all, http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusInsufficientStorage)
	}
	if !slices.Contains(openTags, op.tag) {
		all = append(all, http.StatusForbidden)
	}
	if strings.Contains(op.path, "{") {
		all = append(all, http.StatusNotFound)
	}
	if op.method == http.MethodPost || op.conflict != "" {
		all = append(all, http.StatusConflict)
	}
	if op.answers != "" {
		all = append(all, http.StatusNotAcceptable)
	}
	for _, p := range h.Parameters {
		if p.In == "query" || p.In == "header" && p.Name != "If-None-Match" {
			all = append(all, http.StatusBadRequest)
		}
		if p.Name == "If-Match" {
			all = append(all, http.StatusPreconditionFailed)
		}
	}
	return append(all, op.also...)
}

// openTags are the tags of operations that every token may read by.
var openTags = []string{"channels", "messages", "users", "files", "events"}

// describeRefusals adds the components.
func (a *API) describeRefusals() {
	c := a.huma.OpenAPI().Components
	c.Headers, c.Responses = answerHeaders, make(map[string]*huma.Response)
	for status, k := range refusalKinds {
		c.Responses[k.name] = a.refusal(status, k.when)
	}
}

// refusal describes an answer that refuses.
func (a *API) refusal(status int, when string) *huma.Response {
	k := refusalKinds[status]
	fields := []hub.FieldError{}
	if status == http.StatusBadRequest {
		fields = []hub.FieldError{{Field: "name", Detail: "is required"}}
	}
	r := &huma.Response{Description: when, Headers: headers("X-Request-Id"), Content: map[string]*huma.MediaType{
		"application/problem+json": {
			Schema: a.schema(reflect.TypeFor[Problem]()),
			Example: server.Problem{
				Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: k.detail, Code: k.code, Errors: fields,
			},
		},
	}}
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		r.Headers["Retry-After"] = headers("Retry-After")["Retry-After"]
	case http.StatusConflict:
		again := *answerHeaders["Retry-After"]
		again.Required, again.Description = false, "Given while the first request with the Idempotency-Key runs: seconds until another try."
		r.Headers["Retry-After"] = &again
	case http.StatusInternalServerError:
		r.Headers[repeatedHeader] = headers(repeatedHeader)[repeatedHeader]
	case http.StatusUnauthorized:
		r.Headers["WWW-Authenticate"] = headers("WWW-Authenticate")["WWW-Authenticate"]
	}
	return r
}

// answerHeaders describe the headers of answers.
var answerHeaders = map[string]*huma.Header{
	"X-Request-Id": {
		Description: "The request's, if it had one; else made by the hub.", Required: true,
		Schema: &huma.Schema{Type: huma.TypeString}, Example: "01a20024-8cdb-7000-9f1e-5b1c2a3d4e5f",
	},
	"ETag": {
		Description: "The version, for If-Match, and in the answer to a read a digest of it, for If-None-Match.", Required: true,
		Schema: &huma.Schema{Type: huma.TypeString, Pattern: `^".+"$`}, Example: `"20261121220525.083935"`,
	},
	"Location": {
		Description: "The path of what was made.", Required: true, Schema: &huma.Schema{Type: huma.TypeString, Pattern: "^/api/"},
		Example: "/api/channels/" + exampleChannelID,
	},
	repeatedHeader: {
		Description: "Given when the Idempotency-Key was used before: this is the first answer again.",
		Schema:      &huma.Schema{Type: huma.TypeString, Enum: []any{"true"}}, Example: "true",
	},
	"Retry-After": {
		Description: "Seconds until another try may succeed.", Required: true,
		Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: ptr(1.0)}, Example: 1,
	},
	"WWW-Authenticate": {
		Description: "How to prove who is asking.", Required: true, Schema: &huma.Schema{Type: huma.TypeString}, Example: `Bearer realm="hub"`,
	},
	"X-RateLimit-Limit": {
		Description: "Calls a minute.", Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: ptr(1.0)}, Example: 60,
	},
	"X-RateLimit-Remaining": {
		Description: "How many are left.", Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: ptr(0.0)}, Example: 59,
	},
	"X-RateLimit-Reset": {
		Description: "When there are as many as at first again, in Unix seconds.",
		Schema:      &huma.Schema{Type: huma.TypeInteger, Minimum: ptr(0.0)}, Example: 1795298760,
	},
}

// headers refers to descriptions of headers.
func headers(names ...string) map[string]*huma.Header {
	out := make(map[string]*huma.Header, len(names))
	for _, name := range names {
		out[name] = &huma.Header{Ref: "#/components/headers/" + name}
	}
	return out
}

// finish completes the description of an operation with the answers that follow
// from what it is. Only answers with content of their own are in h before.
func (a *API) finish(op operation, h *huma.Operation) {
	delete(h.Responses, "default")
	for _, status := range refusals(op, h) {
		key := strconv.Itoa(status)
		if h.Responses[key] != nil {
			continue
		}
		h.Responses[key] = &huma.Response{Ref: "#/components/responses/" + refusalKinds[status].name}
		if status == http.StatusConflict && op.conflict != "" {
			when := op.conflict
			if op.method == http.MethodPost {
				when += " Also: " + refusalKinds[status].when
			}
			h.Responses[key] = a.refusal(status, when)
		}
	}
	if h.RequestBody != nil {
		if m := h.RequestBody.Content["application/json"]; m != nil {
			if example, ok := requestExamples[op.id]; ok {
				m.Example = example
			}
		}
	}
}
