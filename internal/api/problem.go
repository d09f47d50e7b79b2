package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/server"
)

// Problem is the hub's problem+json as huma writes and describes it.
type Problem struct{ server.Problem }

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// useProblems makes huma refuse requests as the rest of the hub does. huma
// keeps this in variables of the package, which is why it is done once.
var useProblems = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false // lists are never null here
	huma.NewErrorWithContext = func(ctx huma.Context, status int, detail string, errs ...error) huma.StatusError {
		background := context.Background()
		if ctx != nil {
			background = ctx.Context()
		}
		return &Problem{server.ProblemOf(background, refusal(status, detail, errs))}
	}
	huma.NewError = func(status int, detail string, errs ...error) huma.StatusError {
		return huma.NewErrorWithContext(nil, status, detail, errs...)
	}
})

// maxErrors bounds what is said of one request: a list with thousands of wrong
// elements must not make an answer many times its size.
const maxErrors = 50

// refusal turns what huma found wrong into the hub's error. The values that
// huma attaches are dropped: input is never echoed.
func refusal(status int, detail string, errs []error) error {
	for _, err := range errs {
		if e, ok := errors.AsType[*hub.Error](err); ok {
			return e
		}
	}
	if status >= http.StatusInternalServerError {
		return errors.Join(append(errs, errors.New(detail))...)
	}
	if status == http.StatusRequestEntityTooLarge {
		return tooLarge(maxBody)
	}
	var fields hub.FieldErrors
	for _, err := range errs {
		if len(fields) == maxErrors {
			break
		}
		if d, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			field, detail := place(d.Location), d.Message
			if name, ok := missingField(detail); ok {
				field, detail = within(field, name), "is required"
			}
			fields.Add(field, "%s", detail)
		}
	}
	if err := fields.Err(); err != nil {
		return err
	}
	return hub.Errorf(hub.Invalid, "The request cannot be understood: %s.", detail)
}

// place turns huma's location ("body.events[0]", "query.limit") into the path
// of a field.
func place(location string) string {
	for _, prefix := range []string{"body.", "query.", "path.", "header."} {
		if rest, ok := strings.CutPrefix(location, prefix); ok {
			return fieldName(rest)
		}
	}
	return fieldName(location)
}

// missingField recognises huma's word of a field that is not there, which names it
// in the message and the object in the location.
func missingField(message string) (name string, ok bool) {
	name, ok = strings.CutPrefix(message, "expected required property ")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, " to be present")
	return fieldName(name), ok
}

// within is the path of a field of an object; "body" is the whole.
func within(object, field string) string {
	if object == "body" || object == "" {
		return field
	}
	return object + "." + field
}
