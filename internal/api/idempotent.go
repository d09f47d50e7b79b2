package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
	"github.com/nself-chat/hub/internal/server"
)

// keyHeader asks that a request be carried out once.
const keyHeader = "Idempotency-Key"

// repeatedHeader marks an answer that was given before.
const repeatedHeader = "Idempotent-Replayed"

// keptHeaders are the headers of an answer that a repetition gets as well.
var keptHeaders = []string{"Content-Type", "Etag", "Location"}

// firstTime is how long a repetition waits for the answer of the first request
// with its key.
const firstTime = 10 * time.Second

// Pauses between two looks at a request that has not finished: another hub may be
// carrying it out.
const (
	firstLook = 50 * time.Millisecond
	lastLook  = time.Second
)

// idempotent carries a POST with an Idempotency-Key out once: the answer of a
// success is kept and given again. A refusal changes nothing, so its key stays
// free. Nobody knows what took effect before a failure inside the hub, so that
// answer is kept like one of a success. What was begun is carried out also when its
// caller has gone: who repeats it waits for its answer.
func (a *API) idempotent(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get(keyHeader)
		if r.Method != http.MethodPost || key == "" {
			h(w, r)
			return
		}
		body, err := readBody(w, r, maxBody)
		if err != nil {
			server.WriteProblem(w, r, err)
			return
		}
		who, hash := actorOf(r.Context()), requestHash(r, body)
		before, err := a.awaitFirst(r.Context(), func() (*control.Answer, error) {
			return a.Control.BeginRequest(r.Context(), who, key, hash)
		})
		if err != nil {
			server.WriteProblem(w, r, err)
			return
		}
		if before != nil {
			w.Header().Set(repeatedHeader, "true")
			writeKept(w, *before)
			return
		}
		r = r.WithContext(context.WithoutCancel(r.Context()))
		r.Body = readyBody{bytes.NewReader(body), body}
		rec := recorder{ResponseWriter: w}
		h(&rec, r)
		if err := a.settle(r, key, &rec); err != nil {
			// It was carried out and its answer could not be kept: the caller
			// gets it; a repetition waits for it in vain, and is refused.
			a.Log.Error("an answer could not be kept for repetitions", "error", err)
		}
		rec.flush()
	}
}

// awaitFirst begins a request, and again while the first one with its key is
// running: for firstTime, until the caller has gone, or until the hub stops.
func (a *API) awaitFirst(ctx context.Context, begin func() (*control.Answer, error)) (*control.Answer, error) {
	var deadline <-chan time.Time // made when there is something to wait for
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		before, err := begin()
		if !errors.Is(err, hub.ErrUnfinished) {
			return before, err
		}
		if deadline == nil {
			deadline = time.After(firstTime)
		}
		select {
		case <-time.After(pause):
		case <-deadline:
			return nil, err
		case <-ctx.Done():
			return nil, err
		case <-a.Stopping:
			return nil, err
		}
	}
}

// settle keeps the answer or gives back the key, by the outcome.
func (a *API) settle(r *http.Request, key string, rec *recorder) error {
	who := actorOf(r.Context())
	if rec.status >= http.StatusMultipleChoices && rec.status != http.StatusInternalServerError {
		return a.Control.ForgetRequest(r.Context(), who, key)
	}
	answer := control.Answer{Status: rec.status, Body: rec.body.Bytes(), Header: make(map[string]string)}
	for _, name := range keptHeaders {
		if v := rec.Header().Get(name); v != "" {
			answer.Header[name] = v
		}
	}
	return a.Control.FinishRequest(r.Context(), who, key, answer)
}

func writeKept(w http.ResponseWriter, answer control.Answer) {
	for name, value := range answer.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body) // the client has gone; nobody is left to tell
}

// requestHash identifies a request by its method, address and body.
func requestHash(r *http.Request, body []byte) string {
	h := sha256.New()
	_, _ = io.WriteString(h, r.Method+" "+r.URL.RequestURI()+"\n")
	_, _ = h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// keyed is what is known of a request with an Idempotency-Key whose operation
// takes the key into its own commit.
type keyed struct {
	hash string
	// repeated is set by the operation: it was carried out before.
	repeated bool
}

type keyedKey struct{}

// withKeyed notes the request's hash in its context, when it has an
// Idempotency-Key.
func withKeyed(r *http.Request, body []byte) *http.Request {
	if r.Header.Get(keyHeader) == "" {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), keyedKey{}, &keyed{hash: requestHash(r, body)}))
}

// keyedOf returns what withKeyed noted, nothing for other requests.
func keyedOf(ctx context.Context) *keyed {
	if k, ok := ctx.Value(keyedKey{}).(*keyed); ok {
		return k
	}
	return &keyed{}
}

// keyTells is the error of an operation that took the request's key, "" without
// one, into its commit: there the key tells a repetition whether the commit took
// effect, so that it may be made without a look.
func keyTells(key string, err error) error {
	if key == "" || !errors.Is(err, hub.ErrInDoubt) {
		return err
	}
	return hub.Wrap(hub.Unavailable, errors.New(err.Error()), // a text: it is in doubt no more
		"The database went away in the middle of a commit; whether it took effect is not known. "+
			"Send the same again with the same Idempotency-Key: it happens once.")
}

// writeInDoubt answers an operation after which something may be stored: an
// Unavailable would promise that nothing is, and programs repeat it by themselves.
func writeInDoubt(w http.ResponseWriter, r *http.Request, err error) {
	p := server.Report(r, err)
	p.Code, p.Status, p.Title = hub.Internal, http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError)
	p.Detail += " See what took effect before you send it again. The hub's log has more"
	if id := server.RequestID(r.Context()); id != "" {
		p.Detail += " under request id " + id
	}
	p.Detail += "."
	writeAs(w, r, p)
}

// recorder holds an answer back until it is kept.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

// Unwrap serves http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) flush() {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	r.ResponseWriter.WriteHeader(r.status)
	_, _ = r.ResponseWriter.Write(r.body.Bytes()) // the client has gone; nobody is left to tell
}
