package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The headers of a request, in the canonical form of net/http.
const (
	// HeaderID, HeaderTimestamp (Unix seconds of the attempt) and
	// HeaderSignature are those of Standard Webhooks.
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"

	// HeaderBodySignature is the hub's own signature, over the body alone.
	// While a secret is being replaced it is made with the old one and
	// HeaderBodySignatureNext with the new one.
	HeaderBodySignature     = "X-Webhook-Signature"
	HeaderBodySignatureNext = "X-Webhook-Signature-Next"

	// HeaderDelivery repeats the id of the delivery, HeaderEvent the event's
	// type; HeaderAttempt counts attempts from 1, and HeaderAttemptTime is the
	// Unix time of this one.
	HeaderDelivery    = "X-Webhook-Id"
	HeaderEvent       = "X-Webhook-Event"
	HeaderAttempt     = "X-Webhook-Attempt"
	HeaderAttemptTime = "X-Webhook-Timestamp"

	// HeaderHop is the number of hubs that the event has passed.
	HeaderHop = "X-Hub-Hop"

	// HeaderGitHubSignature is added with signing: github.
	HeaderGitHubSignature = "X-Hub-Signature-256"
	// HeaderSlackSignature and HeaderSlackTimestamp are added with signing: slack.
	HeaderSlackSignature = "X-Slack-Signature"
	HeaderSlackTimestamp = "X-Slack-Request-Timestamp"
)

// ErrSecret is returned for a secret that cannot be used: it is empty, or it
// begins with whsec_ and what follows is not base64.
var ErrSecret = errors.New("webhook: the secret is empty or not valid base64 after whsec_")

// ErrID is returned for an id that cannot be signed: it is empty or has a dot
// in it (Standard Webhooks, "Signature scheme").
var ErrID = errors.New("webhook: the id is empty or has a dot in it")

// secretPrefix marks a secret whose rest is base64 (Standard Webhooks,
// "Symmetric").
const secretPrefix = "whsec_"

// standardKey returns the key of the Standard Webhooks signature: what follows
// whsec_, decoded, or the bytes of any other secret.
func standardKey(secret string) ([]byte, error) {
	coded, marked := strings.CutPrefix(secret, secretPrefix)
	key := []byte(secret)
	if marked {
		var err error
		key, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(coded, "="))
		if err != nil {
			return nil, ErrSecret // base64's own error tells about the secret
		}
	}
	if len(key) == 0 {
		return nil, ErrSecret
	}
	return key, nil
}

// Signer makes the signatures of one secret. It is safe for concurrent use,
// makes no garbage, and does not show its secret when it is printed.
type Signer struct {
	standard keyedHash // key: the secret, decoded if it begins with whsec_
	literal  keyedHash // key: the secret as it is written
}

// NewSigner returns the Signer of a secret, or [ErrSecret].
func NewSigner(secret string) (*Signer, error) {
	key, err := standardKey(secret)
	if err != nil {
		return nil, err
	}
	s := new(Signer)
	s.standard.use(key)
	s.literal.use([]byte(secret))
	return s, nil
}

// keyedHash hands out HMAC-SHA256 states of one key: to set up a key costs as
// much as to sign a small body.
type keyedHash struct{ pool sync.Pool }

// mac is one state with room for what goes in and out of it.
type mac struct {
	hash.Hash
	buf []byte
}

func (k *keyedHash) use(key []byte) {
	k.pool.New = func() any { return &mac{Hash: hmac.New(sha256.New, key), buf: make([]byte, 0, 128)} }
}

// sum returns a state whose buf holds the HMAC of the two parts, of which head
// appends the first. It is to be put back.
func (k *keyedHash) sum(head func(dst []byte) []byte, body []byte) *mac {
	m, _ := k.pool.Get().(*mac)
	m.Reset()
	if head != nil {
		m.buf = head(m.buf[:0])
		_, _ = m.Write(m.buf) // a hash never fails
	}
	_, _ = m.Write(body)
	m.buf = m.Sum(m.buf[:0])
	return m
}

// AppendStandard appends the Standard Webhooks signature of a body ("v1,…")
// to dst: the base64 of HMAC-SHA256 over id, Unix time and body, joined by
// dots. The id must be fit for it, see [ErrID]. During a rotation the header
// holds the signatures of both secrets with a space between.
func (s *Signer) AppendStandard(dst []byte, id string, unix int64, body []byte) []byte {
	m := s.standard.sum(func(head []byte) []byte {
		head = append(append(head, id...), '.')
		return append(strconv.AppendInt(head, unix, 10), '.')
	}, body)
	dst = base64.StdEncoding.AppendEncode(append(dst, "v1,"...), m.buf)
	s.standard.pool.Put(m)
	return dst
}

// AppendBody appends the value of X-Webhook-Signature ("sha256=…") to dst: the
// hex HMAC-SHA256 of the body under the secret as it is written. GitHub's
// X-Hub-Signature-256 is the same.
func (s *Signer) AppendBody(dst, body []byte) []byte {
	m := s.literal.sum(nil, body)
	dst = hex.AppendEncode(append(dst, "sha256="...), m.buf)
	s.literal.pool.Put(m)
	return dst
}

// AppendSlack appends the value of X-Slack-Signature ("v0=…") to dst: the hex
// HMAC-SHA256 of "v0:", Unix time, ":" and body under the secret as it is
// written (docs.slack.dev, "Verifying requests from Slack").
func (s *Signer) AppendSlack(dst []byte, unix int64, body []byte) []byte {
	m := s.literal.sum(func(head []byte) []byte {
		return append(strconv.AppendInt(append(head, "v0:"...), unix, 10), ':')
	}, body)
	dst = hex.AppendEncode(append(dst, "v0="...), m.buf)
	s.literal.pool.Put(m)
	return dst
}

// SignStandard returns one entry of the header webhook-signature ("v1,…"). The
// error is [ErrSecret] or [ErrID]. Those who sign often use a [Signer].
func SignStandard(secret, id string, at time.Time, body []byte) (string, error) {
	if id == "" || strings.Contains(id, ".") {
		return "", ErrID
	}
	s, err := NewSigner(secret)
	if err != nil {
		return "", err
	}
	return string(s.AppendStandard(nil, id, at.Unix(), body)), nil
}

// SignBody returns the value of X-Webhook-Signature ("sha256=…").
func SignBody(secret string, body []byte) string {
	return "sha256=" + literalSum(secret, body)
}

// SignGitHub returns the value of GitHub's X-Hub-Signature-256 ("sha256=…")
// (docs.github.com, "Validating webhook deliveries").
func SignGitHub(secret string, body []byte) string {
	return "sha256=" + literalSum(secret, body)
}

// SignSlack returns the value of X-Slack-Signature ("v0=…"); at is the time in
// X-Slack-Request-Timestamp.
func SignSlack(secret string, at time.Time, body []byte) string {
	return "v0=" + literalSum(secret, []byte("v0:"+strconv.FormatInt(at.Unix(), 10)+":"), body)
}

func literalSum(secret string, parts ...[]byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	for _, part := range parts {
		_, _ = h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}
