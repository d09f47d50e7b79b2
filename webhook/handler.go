package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// MaxBody is the size of the largest body [Handler] accepts, in bytes.
const MaxBody = 10 << 20

// Handler returns a handler that receives the requests of an outgoing webhook:
// it reads the body, verifies the Standard Webhooks signature ([Verify]),
// decodes the envelope ([Parse]) and calls handle. Its answers are
//
//	204  handle returned nil
//	500  handle returned an error: the hub sends the event again later
//	401  the signature is missing or wrong, or the request too old
//	400  the body could not be read or is not an event
//	405  the method is not POST
//	413  the body is larger than [MaxBody]
//
// What handle's error says is not sent. An event can come more than once; its
// ID tells. Several calls of handle can run at once.
//
// Handler panics if a secret cannot be used ([ErrSecret]), so that a missing
// setting stops a program when it starts and never opens it to everybody.
func Handler[S Secrets](secrets S, handle func(context.Context, Event) error, options ...Option) http.Handler {
	v, err := NewVerifier(secrets, options...)
	if err != nil {
		panic(err)
	}
	return &receiver{verifier: v, handle: handle}
}

type receiver struct {
	verifier *Verifier
	handle   func(context.Context, Event) error
}

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "webhooks are sent with POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := readAll(w, r)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		http.Error(w, "the body is larger than 10 MiB", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	if err := rc.verifier.Verify(r.Header, body); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	event, err := Parse(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := rc.handle(r.Context(), event); err != nil {
		http.Error(w, "the event could not be handled", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// readAll reads the body, and does not begin when it is known to be too large.
func readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > MaxBody {
		return nil, &http.MaxBytesError{Limit: MaxBody}
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
}
