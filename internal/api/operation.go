package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
	"github.com/nself-chat/hub/internal/server"
)

// operation describes a route.
type operation struct {
	method, path string
	id           string // operationId
	tag          string
	summary      string
	doc          string
	status       int    // of success; 0: 200
	inCommit     bool   // Idempotency-Key is handled by the operation itself
	answers      string // the media type of the answer; "": it cannot be told before, or JSON for register
	// conflict says when the answer is 409, besides those about an Idempotency-Key.
	conflict string
	// also are statuses that refuse and do not follow from what the operation takes.
	also []int
}

// nothing is the answer of operations that have nothing to say: 204.
type nothing struct{}

// tagged is an answer about a thing that can be edited: its version is in the ETag.
type tagged interface{ version() string }

// located is an answer about a thing that was made, at this path.
type located interface{ location() string }

// answer lets huma write nothing of a success: the operation does it.
type answer struct{ Body func(huma.Context) }

// register describes an operation to huma and mounts it. I is a struct as
// huma reads it, with path, query, header and Body fields; O is what is
// answered as JSON.
func register[I, O any](a *API, op operation, do func(ctx context.Context, who hub.Actor, in *I) (O, error)) {
	if op.status == 0 {
		op.status = http.StatusOK
	}
	pattern := op.method + " " + op.path
	a.inCommit[pattern], a.mayAsk[pattern] = op.inCommit, mayAskOf(op)
	op.answers = jsonType[0]
	a.answers[pattern] = op.answers
	h := a.operation(op)
	if op.method == http.MethodGet {
		readsOf(&h)
	}
	h.Responses = a.success(op, reflect.TypeFor[O]())
	huma.Register(a.huma, h, func(ctx context.Context, in *I) (*answer, error) {
		out, err := do(ctx, actorOf(ctx), in)
		return &answer{Body: func(c huma.Context) {
			r, w := humago.Unwrap(c)
			if err != nil {
				writeError(w, r, err)
				return
			}
			if keyedOf(ctx).repeated {
				w.Header().Set(repeatedHeader, "true")
			}
			writeAnswer(w, r, op.status, out)
		}}, nil
	})
	a.describeInput(op, reflect.TypeFor[I]())
}

func writeAnswer(w http.ResponseWriter, r *http.Request, status int, out any) {
	if _, ok := out.(nothing); ok {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if l, ok := out.(located); ok && status == http.StatusCreated {
		w.Header().Set("Location", l.location())
	}
	b, err := encodeJSON(out)
	if err != nil {
		server.WriteProblem(w, r, err)
		return
	}
	if tag := etagOf(r, out, b); tag != "" {
		w.Header()["Etag"] = []string{tag}
		if isRead(r) && namesTag(r.Header.Values("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	writeBytes(w, status, b)
}

// operation returns huma's form of op, without its answers.
func (a *API) operation(op operation) huma.Operation {
	h := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Tags: []string{op.tag}, Summary: op.summary, Description: op.doc,
		DefaultStatus: op.status, Security: []map[string][]string{{"token": {}}},
		// The guard has read the body: nothing is left to wait for or to limit.
		BodyReadTimeout: -1, MaxBodyBytes: maxBody + 1,
	}
	if op.method == http.MethodPost {
		h.Parameters = append(h.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: ptr(255)},
			Description: "Carries the request out once: for 24 hours a repetition gets the same answer, another request with the same key 409.",
		})
	}
	return h
}

func ptr[T any](v T) *T { return &v }

// success describes the answer of an operation.
func (a *API) success(op operation, out reflect.Type) map[string]*huma.Response {
	names := []string{"X-Request-Id"}
	if op.method == http.MethodPost {
		names = append(names, repeatedHeader)
	}
	if out == reflect.TypeFor[nothing]() {
		return map[string]*huma.Response{strconv.Itoa(http.StatusNoContent): {Description: "Done.", Headers: headers(names...)}}
	}
	if op.method == http.MethodGet || out.Implements(reflect.TypeFor[tagged]()) {
		names = append(names, "ETag")
	}
	if op.status == http.StatusCreated && out.Implements(reflect.TypeFor[located]()) {
		names = append(names, "Location")
	}
	all := map[string]*huma.Response{strconv.Itoa(op.status): {
		Description: http.StatusText(op.status), Headers: headers(names...),
		Content: map[string]*huma.MediaType{jsonType[0]: {Schema: a.schema(out), Example: exampleOf(out)}},
	}}
	if op.method == http.MethodGet {
		all[strconv.Itoa(http.StatusNotModified)] = &huma.Response{
			Description: "The caller knows this answer already.", Headers: headers("X-Request-Id", "ETag"),
		}
	}
	return all
}

// readsOf adds what reads take besides their input.
func readsOf(h *huma.Operation) {
	h.Parameters = append(h.Parameters, &huma.Param{
		Name: "If-None-Match", In: "header", Schema: &huma.Schema{Type: huma.TypeString},
		Description: "The ETag of an earlier answer, or several: when the answer is the same, it is 304.",
	})
}

// describeInput completes the description of an operation that huma has read
// from its input: what is an id, and the answers that refuse.
func (a *API) describeInput(op operation, in reflect.Type) {
	h := a.described(op)
	for _, f := range reflect.VisibleFields(in) {
		for _, p := range h.Parameters {
			if p.Name == f.Tag.Get(p.In) {
				describeField(p.Schema, f.Type, f.Tag.Get("limits"), true)
				if id, ok := exampleIDs[f.Type]; ok && p.In == "path" {
					p.Example = id
				}
			}
		}
	}
	a.finish(op, h)
}

// described returns the description of an operation.
func (a *API) described(op operation) *huma.Operation {
	p := a.huma.OpenAPI().Paths[op.path]
	return map[string]*huma.Operation{
		http.MethodGet: p.Get, http.MethodPost: p.Post, http.MethodPut: p.Put, http.MethodPatch: p.Patch, http.MethodDelete: p.Delete,
	}[op.method]
}

func (a *API) schema(t reflect.Type) *huma.Schema {
	return a.huma.OpenAPI().Components.Schemas.Schema(t, true, "")
}

// handler is an operation that reads the request and writes the answer itself.
// What it returns is answered as a problem, if nothing was written before.
type handler func(w http.ResponseWriter, r *http.Request) error

// raw mounts a plain handler with its description. change completes the
// description; it may be nil.
func (a *API) raw(op operation, h handler, change func(*huma.Operation)) {
	if op.status == 0 {
		op.status = http.StatusOK
	}
	pattern := op.method + " " + op.path
	a.inCommit[pattern], a.mayAsk[pattern], a.answers[pattern] = op.inCommit, mayAskOf(op), op.answers
	a.describeOperation(op, change)
	a.finish(op, a.described(op))
	a.route(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			writeError(w, r, err)
		}
	})
}

// describeOperation adds an operation to the description only.
func (a *API) describeOperation(op operation, change func(*huma.Operation)) {
	h := a.operation(op)
	h.Responses = map[string]*huma.Response{}
	if change != nil {
		change(&h)
	}
	a.huma.OpenAPI().AddOperation(&h)
}

// writeError answers with a problem. A stale If-Match is 412, as
// RFC 9110 §13.1.1 asks, and what may have taken effect 500; all else is by its code.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, hub.ErrInDoubt) {
		writeInDoubt(w, r, err)
		return
	}
	if _, ok := errors.AsType[*control.StaleError](err); !ok {
		server.WriteProblem(w, r, err)
		return
	}
	p := server.ProblemOf(r.Context(), err)
	p.Status, p.Title = http.StatusPreconditionFailed, http.StatusText(http.StatusPreconditionFailed)
	writeAs(w, r, p)
}

// writeAs answers with a problem under its own status.
func writeAs(w http.ResponseWriter, r *http.Request, p server.Problem) {
	b, err := json.Marshal(p)
	if err != nil {
		server.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(b) // the client has gone; nobody is left to tell
}
