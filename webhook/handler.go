package webhook

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"
)

// MaxBody is the size of the largest body [Handler] accepts, in bytes.
const MaxBody = 10 << 20

// ErrGone makes [Handler] answer 410 when handle returns an error that wraps
// it: the hub gives the event up and disables the webhook, until somebody
// enables it.
var ErrGone = errors.New("webhook: the receiver wants no more events")

// Later returns an error that wraps err and makes [Handler] answer 503 with
// Retry-After: the hub sends nothing to the webhook for d, 24 hours at most, and
// then the event again. It counts as a failed attempt. err may be nil.
func Later(d time.Duration, err error) error {
	if err == nil {
		err = errors.New("webhook: not now")
	}
	return &later{err, d}
}

type later struct {
	error
	after time.Duration
}

// Unwrap serves errors.Is and errors.As.
func (l *later) Unwrap() error { return l.error }

// seconds is the time to wait in whole seconds, none of it cut off.
func (l *later) seconds() string {
	whole := max(l.after, 0).Truncate(time.Second)
	if whole < l.after {
		return strconv.FormatInt(int64(whole/time.Second)+1, 10)
	}
	return strconv.FormatInt(int64(whole/time.Second), 10)
}

// Handler returns a handler that receives the requests of an outgoing webhook:
// it reads the body, verifies the Standard Webhooks signature ([Verify]),
// decodes the envelope ([Parse]) and calls handle. Its answers are
//
//	204  handle returned nil
//	500  handle returned an error or panicked
//	503  handle returned an error made by Later, with Retry-After
//	410  handle returned an error that wraps ErrGone
//	401  the signature is missing or wrong, or the request too old
//	400  the body could not be read or is not an event
//	405  the method is not POST
//	413  the body is larger than MaxBody
//
// After 204 the hub is content, after 410 it disables the webhook, and after
// all others it sends the event again, as often as the webhook's retries say;
// then it is a dead letter, to be replayed by hand. So return nil for an event
// that you do not want, and an error only when the same event may be handled
// better later. The hub waits for the answer only as long as the webhook's
// timeout says, 30 seconds by default: what takes longer is put in a queue of
// your own.
//
// What handle's error says is not sent, nor is a panic, which is logged as
// net/http does. An event can come more than once; its ID tells. Several calls
// of handle can run at once.
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

// ServeHTTP implements http.Handler.
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
	event, err := rc.verifier.Event(r.Header, body)
	switch {
	case errors.Is(err, ErrPayload):
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	answer(w, rc.call(r, event))
}

// errPanic stands for a panic of handle.
var errPanic = errors.New("webhook: the handler panicked")

// call calls handle and returns a panic as an error.
func (rc *receiver) call(r *http.Request, event Event) (err error) {
	defer func() {
		switch cause := recover(); cause {
		case nil:
		case http.ErrAbortHandler: //nolint:errorlint // what net/http compares
			panic(cause)
		default:
			logPanic(r, cause)
			err = errPanic
		}
	}()
	return rc.handle(r.Context(), event)
}

// logPanic logs where the server logs.
func logPanic(r *http.Request, cause any) {
	printf := log.Printf
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		printf = server.ErrorLog.Printf
	}
	printf("webhook: panic handling a request of %s: %v\n%s", r.RemoteAddr, cause, debug.Stack())
}

// answer says what became of an event.
func answer(w http.ResponseWriter, err error) {
	busy, postponed := errors.AsType[*later](err)
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, ErrGone):
		http.Error(w, "no more events are wanted", http.StatusGone)
	case postponed:
		w.Header().Set("Retry-After", busy.seconds())
		http.Error(w, "the event cannot be handled now", http.StatusServiceUnavailable)
	default:
		http.Error(w, "the event could not be handled", http.StatusInternalServerError)
	}
}

// readAll reads the body, and does not begin when it is known to be too large.
func readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > MaxBody {
		return nil, &http.MaxBytesError{Limit: MaxBody}
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
}
