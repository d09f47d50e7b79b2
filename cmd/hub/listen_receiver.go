package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nself-chat/hub/webhook"
)

const (
	// maxDelivery is what is read of one request, in bytes. The hub sends 10 MiB of JSON at most.
	maxDelivery = 12 << 20

	// maxRemembered bounds the ids that are remembered for counting repetitions: the oldest are forgotten.
	maxRemembered = 100_000
)

// Verdicts on a signature.
const (
	verdictVerified  = "verified"
	verdictInvalid   = "invalid"
	verdictUnchecked = "unchecked" // no secret was given
)

// arrival is one request as it is printed, and the JSON of `hub listen --json`.
type arrival struct {
	Time      time.Time       `json:"time"`
	Event     string          `json:"event"`
	ID        string          `json:"id"`
	Attempt   string          `json:"attempt"`
	Verdict   string          `json:"verdict"`
	Reason    string          `json:"reason,omitempty"` // why it is invalid
	Seen      int             `json:"seen"`             // how often this id arrived, this time included
	Duplicate bool            `json:"duplicate"`        // it was accepted before
	Status    int             `json:"status"`           // the answer
	Bytes     int             `json:"bytes"`
	Body      json.RawMessage `json:"body,omitempty"` // when it is JSON
	Text      string          `json:"text,omitempty"` // when it is not
}

// history is what is remembered of one delivery id.
type history struct {
	seen     int
	accepted bool // answered 2xx
}

// receiver answers deliveries. Requests are served at the same time; counting and printing are one at a time.
type receiver struct {
	options  listenOptions
	verifier *webhook.Verifier // nil without a secret
	now      func() time.Time
	roll     func() float64 // from 0 up to 1
	broken   chan struct{}  // closed when printing has failed: nobody reads any more

	mu      sync.Mutex // guards what follows, and the order of the lines
	printer printer
	failure error
	seen    map[string]*history
	order   []string // ids in the order of arrival, the oldest first
	totals  totals
}

type totals struct{ received, invalid, duplicates, refused int }

// newReceiver returns a receiver with the clock and the dice of this machine, or an error that wraps
// [webhook.ErrSecret].
func newReceiver(options listenOptions, p printer) (*receiver, error) {
	r := &receiver{
		options: options, printer: p, now: time.Now, roll: rand.Float64,
		seen: make(map[string]*history), broken: make(chan struct{}),
	}
	if len(options.secrets) == 0 {
		return r, nil
	}
	clock := webhook.Clock(func() time.Time { return r.now() })
	var err error
	r.verifier, err = webhook.NewVerifier(options.secrets, clock)
	return r, err
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	switch request.Method {
	case http.MethodPost:
		r.receive(w, request)
	case http.MethodGet, http.MethodHead:
		_, _ = io.WriteString(w, "hub listen: send deliveries here with POST.\n")
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (r *receiver) receive(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxDelivery))
	if err != nil {
		status := http.StatusBadRequest
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		w.WriteHeader(status)
		return
	}
	a := arrival{
		Time:    r.now(),
		Event:   request.Header.Get(webhook.HeaderEvent),
		ID:      deliveryID(request.Header),
		Attempt: request.Header.Get(webhook.HeaderAttempt),
		Bytes:   len(body),
	}
	if json.Valid(body) {
		a.Body = body
	} else {
		a.Text = string(body)
	}
	a.Verdict, a.Reason = r.verify(request.Header, body)
	a.Status = r.answer(a.Verdict)
	if err := r.record(&a); err != nil {
		a.Status = http.StatusServiceUnavailable
	}
	w.WriteHeader(a.Status)
}

// deliveryID prefers the name of Standard Webhooks; the hub sends the same id under both.
func deliveryID(header http.Header) string {
	if id := header.Get(webhook.HeaderID); id != "" {
		return id
	}
	return header.Get(webhook.HeaderDelivery)
}

// verify holds both of the hub's signatures against the secrets. The hub sends both with every delivery, so both must
// be there and be right.
func (r *receiver) verify(header http.Header, body []byte) (verdict, reason string) {
	if r.verifier == nil {
		return verdictUnchecked, ""
	}
	var reasons []string
	if err := r.verifier.Verify(header, body); err != nil {
		reasons = append(reasons, "webhook-signature: "+err.Error())
	}
	if err := r.verifier.VerifyBody(header, body); err != nil {
		reasons = append(reasons, "x-webhook-signature: "+err.Error())
	}
	if reasons != nil {
		return verdictInvalid, strings.Join(reasons, "; ")
	}
	return verdictVerified, ""
}

func (r *receiver) answer(verdict string) int {
	switch {
	case verdict == verdictInvalid:
		return http.StatusUnauthorized
	case r.options.failRate > 0 && r.roll() < r.options.failRate:
		return http.StatusInternalServerError
	}
	return r.options.status
}

// record counts and prints an arrival before it is answered, so that what the sender believes delivered was shown.
func (r *receiver) record(a *arrival) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.totals.received++
	if a.Verdict == verdictInvalid {
		r.totals.invalid++ // and not remembered: anybody could have sent it under that id
	} else {
		r.remember(a)
	}
	if a.Status >= 300 {
		r.totals.refused++
	}
	if r.failure != nil {
		return r.failure
	}
	if r.failure = r.printer.print(*a); r.failure != nil {
		close(r.broken)
	}
	return r.failure
}

func (r *receiver) remember(a *arrival) {
	if a.ID == "" {
		return
	}
	h, known := r.seen[a.ID]
	if !known {
		h = &history{}
		r.seen[a.ID] = h
		r.order = append(r.order, a.ID)
		if len(r.order) > maxRemembered {
			delete(r.seen, r.order[0])
			r.order = r.order[1:]
		}
	}
	h.seen++
	a.Seen, a.Duplicate = h.seen, h.accepted
	if a.Duplicate {
		r.totals.duplicates++
	}
	h.accepted = h.accepted || a.Status < 300
}

// promise says at the start what will be done with a delivery.
func (r *receiver) promise() string {
	verified := "signatures are not verified: no --secret"
	if r.verifier != nil {
		verified = "both signatures are verified"
	}
	if r.options.failRate > 0 {
		return fmt.Sprintf("%s; %.0f %% are answered 500, the others %d", verified, 100*r.options.failRate, r.options.status)
	}
	return fmt.Sprintf("%s; the answer is %d", verified, r.options.status)
}

func (r *receiver) summary() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("Received: %d; bad signature: %d; again after a 2xx: %d; not answered 2xx: %d.",
		r.totals.received, r.totals.invalid, r.totals.duplicates, r.totals.refused)
}

func (r *receiver) printError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failure != nil {
		return fmt.Errorf("listen: print a delivery: %w", r.failure)
	}
	return nil
}
