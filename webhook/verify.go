package webhook

import (
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The reasons a request is not accepted. Errors of this package wrap one of
// them and add what exactly is wrong; ask with errors.Is.
var (
	// ErrMissingSignature: a header that the signature needs is not there.
	ErrMissingSignature = errors.New("webhook: not signed")
	// ErrTimestamp: the time of the request is unreadable, or too far from now.
	ErrTimestamp = errors.New("webhook: bad timestamp")
	// ErrSignature: no signature in the request was made with a known secret.
	ErrSignature = errors.New("webhook: bad signature")
)

// DefaultTolerance is how far the time of a request may be from now, before
// and after.
const DefaultTolerance = 5 * time.Minute

// Secrets is one secret, or several of which any will do: the one before and
// the one after while a secret is being replaced. Empty ones in a list are
// ignored, so that an optional second can come straight from the
// configuration, but one there must be.
type Secrets interface{ string | []string }

// Option changes how requests are verified.
type Option func(*Verifier)

// Tolerance sets how far the time of a request may be from now, instead of
// [DefaultTolerance].
func Tolerance(d time.Duration) Option { return func(v *Verifier) { v.tolerance = d } }

// Clock sets what tells the time, instead of time.Now.
func Clock(now func() time.Time) Option { return func(v *Verifier) { v.now = now } }

// Verifier verifies requests. It is immutable and safe for concurrent use.
type Verifier struct {
	signers   []*Signer
	tolerance time.Duration
	now       func() time.Time
}

// NewVerifier returns a Verifier of requests signed with one of the secrets.
// The error is [ErrSecret].
func NewVerifier[S Secrets](secrets S, options ...Option) (*Verifier, error) {
	v := &Verifier{tolerance: DefaultTolerance, now: time.Now}
	for _, option := range options {
		option(v)
	}
	for _, secret := range list(secrets) {
		s, err := NewSigner(secret)
		if err != nil {
			return nil, err
		}
		v.signers = append(v.signers, s)
	}
	if len(v.signers) == 0 {
		return nil, ErrSecret
	}
	return v, nil
}

// list returns the secrets that are not empty.
func list[S Secrets](secrets S) []string {
	switch given := any(secrets).(type) {
	case string:
		return []string{given}
	case []string:
		return slices.DeleteFunc(slices.Clone(given), func(s string) bool { return s == "" })
	}
	return nil
}

// Verify checks the Standard Webhooks signature of a request. See
// [Verifier.Verify]; the error can also be [ErrSecret].
func Verify[S Secrets](secrets S, header http.Header, body []byte, options ...Option) error {
	v, err := NewVerifier(secrets, options...)
	if err != nil {
		return err
	}
	return v.Verify(header, body)
}

// VerifyBody checks the X-Webhook-Signature of a request. See
// [Verifier.VerifyBody]; the error can also be [ErrSecret].
func VerifyBody[S Secrets](secrets S, header http.Header, body []byte, options ...Option) error {
	v, err := NewVerifier(secrets, options...)
	if err != nil {
		return err
	}
	return v.VerifyBody(header, body)
}

// Verify checks the Standard Webhooks signature of a request: webhook-id,
// webhook-timestamp within the tolerance, and a webhook-signature of which one
// v1 entry was made with one of the secrets. Entries of other versions are
// ignored. The body must be the bytes as received. It takes the same time
// whatever part of a signature is wrong. The error wraps
// [ErrMissingSignature], [ErrTimestamp] or [ErrSignature].
func (v *Verifier) Verify(header http.Header, body []byte) error {
	for _, name := range []string{HeaderID, HeaderTimestamp, HeaderSignature} {
		if header.Get(name) == "" {
			return fmt.Errorf("%w: no header %s", ErrMissingSignature, strings.ToLower(name))
		}
	}
	unix, err := v.timestamp(header.Get(HeaderTimestamp))
	if err != nil {
		return err
	}
	entries := versionOne(header[HeaderSignature])
	if len(entries) == 0 {
		return fmt.Errorf("%w: no entry of version v1", ErrSignature)
	}
	matches := false
	var want []byte
	for _, s := range v.signers {
		want = s.AppendStandard(want[:0], header.Get(HeaderID), unix, body)
		for _, entry := range entries {
			matches = hmac.Equal([]byte(entry), want) || matches
		}
	}
	if !matches {
		return fmt.Errorf("%w: no entry matches the body, id, timestamp and secret", ErrSignature)
	}
	return nil
}

// Event verifies a request with [Verifier.Verify] and decodes its envelope with
// [Parse]: what [Handler] does, for programs that read requests in their own
// way.
func (v *Verifier) Event(header http.Header, body []byte) (Event, error) {
	if err := v.Verify(header, body); err != nil {
		return Event{}, err
	}
	e, err := Parse(body)
	if err != nil {
		return Event{}, err
	}
	e.Attempt, _ = strconv.Atoi(header.Get(HeaderAttempt)) // 0 without
	e.Hop, _ = strconv.Atoi(header.Get(HeaderHop))
	return e, nil
}

// timestamp reads a time in Unix seconds and holds it against the clock.
func (v *Verifier) timestamp(value string) (int64, error) {
	unix, err := strconv.ParseInt(value, 10, 64)
	if err != nil || strconv.FormatInt(unix, 10) != value {
		return 0, fmt.Errorf("%w: not a number of seconds", ErrTimestamp)
	}
	now := v.now()
	sent := time.Unix(unix, 0)
	if early := sent.Sub(now); early > v.tolerance {
		return 0, fmt.Errorf("%w: %v ahead of this clock", ErrTimestamp, early.Truncate(time.Second))
	}
	// sent is in whole seconds, so now is taken in whole seconds as well.
	if late := now.Truncate(time.Second).Sub(sent); late > v.tolerance {
		return 0, fmt.Errorf("%w: %v behind this clock", ErrTimestamp, late)
	}
	return unix, nil
}

// versionOne returns the v1 entries of webhook-signature headers: lists
// separated by spaces, each entry a version, a comma and a value.
func versionOne(values []string) []string {
	var entries []string
	for _, value := range values {
		for entry := range strings.FieldsSeq(value) {
			if strings.HasPrefix(entry, "v1,") {
				entries = append(entries, entry)
			}
		}
	}
	return entries
}

// VerifyBody checks the hub's own signature: X-Webhook-Signature, or
// X-Webhook-Signature-Next while a secret is being replaced, made with one of
// the secrets. It says nothing about when the request was made, so whoever
// recorded a request can send it again; prefer [Verifier.Verify]. The error
// wraps [ErrMissingSignature] or [ErrSignature].
func (v *Verifier) VerifyBody(header http.Header, body []byte) error {
	given := slices.Concat(header.Values(HeaderBodySignature), header.Values(HeaderBodySignatureNext))
	if len(given) == 0 {
		return fmt.Errorf("%w: no header %s", ErrMissingSignature, strings.ToLower(HeaderBodySignature))
	}
	matches := false
	for _, s := range v.signers {
		want := s.literal.sum(nil, body)
		for _, value := range given {
			coded, _ := strings.CutPrefix(value, "sha256=")
			sum, err := hex.DecodeString(coded)
			matches = err == nil && hmac.Equal(sum, want.buf) || matches
		}
		s.literal.pool.Put(want)
	}
	if !matches {
		return fmt.Errorf("%w: it does not match the body and secret", ErrSignature)
	}
	return nil
}
