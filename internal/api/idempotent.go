package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"

	"github.com/nself-chat/hub/internal/control"
	"github.com/nself-chat/hub/internal/server"
)

// keyHeader asks that a request be carried out once.
const keyHeader = "Idempotency-Key"

// repeatedHeader marks an answer that was given before.
const repeatedHeader = "Idempotent-Replayed"

// keptHeaders are the headers of an answer that a repetition gets as well.
var keptHeaders = []string{"Content-Type", "Etag", "Location"}

// idempotent carries a POST with an Idempotency-Key out once: the answer of a
// success is kept and given again. A refusal changes nothing, so its key stays
// free. After a failure inside the hub the key stays taken, because nobody
// knows what took effect.
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
		who := actorOf(r.Context())
		before, err := a.Control.BeginRequest(r.Context(), who, key, requestHash(r, body))
		if err != nil {
			server.WriteProblem(w, r, err)
			return
		}
		if before != nil {
			w.Header().Set(repeatedHeader, "true")
			writeKept(w, *before)
			return
		}
		r.Body = readyBody{bytes.NewReader(body), body}
		rec := recorder{ResponseWriter: w}
		h(&rec, r)
		if err := a.settle(r, key, &rec); err != nil {
			// It was carried out and its answer could not be kept: the caller
			// gets it, a repetition will be refused.
			a.Log.Error("an answer could not be kept for repetitions", "error", err)
		}
		rec.flush()
	}
}

// settle keeps or gives back the key, by the outcome.
func (a *API) settle(r *http.Request, key string, rec *recorder) error {
	who := actorOf(r.Context())
	switch {
	case rec.status == http.StatusInternalServerError:
		return nil
	case rec.status >= http.StatusMultipleChoices:
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
