package ingress

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/secret"
)

// maxSkew is how far a signed timestamp may be off (Standard Webhooks,
// "Verifying webhook authenticity": five minutes).
const maxSkew = 5 * time.Minute

// maxSignatures bounds the list in webhook-signature.
const maxSignatures = 16

// proof is what a call's header says to prove that the sender knows the
// webhook's secret. Two schemes are known, and when a call carries the first
// it must satisfy that one:
//
//   - Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature, a
//     space-separated list of v1,<base64 of HMAC-SHA256 over id.timestamp.body>;
//   - X-Webhook-Signature, as the hub itself sends it, or GitHub's
//     X-Hub-Signature-256: sha256=<hex of HMAC-SHA256 over the body>.
//
// A secret that begins with whsec_ is base64 for the first scheme and literal
// for the second.
//
// Neither covers method and path. So a message is changed by a call of the
// first scheme only, whose id is good for one call of any kind: a signature of
// the body alone, and of an empty one above all, would do for every message.
type proof struct {
	id, stamp, signatures string // of the first scheme; id is "" in the second
	sum                   []byte // of the second
}

// readProof reads the proof in the header and checks what can be checked
// without the body.
func readProof(r *http.Request, now time.Time) (proof, *dialect.Failure) {
	if signatures := r.Header.Get("Webhook-Signature"); signatures != "" {
		p := proof{id: r.Header.Get("Webhook-Id"), stamp: r.Header.Get("Webhook-Timestamp"), signatures: signatures}
		return p, p.checkStamp(now)
	}
	if r.Method != http.MethodPost {
		return proof{}, badSignature("To change or delete a message, sign as Standard Webhooks do: send webhook-id (new for each call), " +
			"webhook-timestamp (Unix seconds) and webhook-signature: v1,<base64 HMAC-SHA256 of id.timestamp.body>. " +
			"A signature of the body alone does not do, because it fits any message.")
	}
	given := r.Header.Get("X-Webhook-Signature")
	if given == "" {
		given = r.Header.Get("X-Hub-Signature-256")
	}
	if given == "" {
		return proof{}, badSignature(
			"This webhook takes signed calls only: send X-Webhook-Signature: sha256=<hex HMAC-SHA256 of the body>.")
	}
	digest, ok := strings.CutPrefix(strings.TrimSpace(given), "sha256=")
	sum, err := hex.DecodeString(digest)
	if !ok || err != nil || len(sum) != sha256.Size {
		return proof{}, noMatch
	}
	return proof{sum: sum}, nil
}

func (p *proof) checkStamp(now time.Time) *dialect.Failure {
	if p.id == "" || p.stamp == "" {
		return badSignature("webhook-signature needs webhook-id and webhook-timestamp beside it.")
	}
	seconds, err := strconv.ParseInt(p.stamp, 10, 64)
	if err != nil {
		return badSignature("webhook-timestamp must be in Unix seconds.")
	}
	if skew := now.Unix() - seconds; skew > int64(maxSkew/time.Second) || skew < -int64(maxSkew/time.Second) {
		return badSignature("webhook-timestamp is more than five minutes off.")
	}
	return nil
}

// check holds the proof against the body as received.
func (p *proof) check(key secret.String, body []byte) *dialect.Failure {
	if p.id == "" {
		if !hmac.Equal(p.sum, sign([]byte(key.Reveal()), body)) {
			return noMatch
		}
		return nil
	}
	want := sign(standardKey(key.Reveal()), []byte(p.id), []byte{'.'}, []byte(p.stamp), []byte{'.'}, body)
	for i, signature := range strings.SplitN(p.signatures, " ", maxSignatures+1) {
		if i == maxSignatures {
			break
		}
		encoded, ok := strings.CutPrefix(signature, "v1,")
		if !ok {
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(encoded)
		if err == nil && hmac.Equal(sum, want) {
			return nil
		}
	}
	return badSignature("No signature in webhook-signature matches: v1,<base64 HMAC-SHA256 of id.timestamp.body>.")
}

var noMatch = badSignature(`The signature does not match: it must be "sha256=" and the hex HMAC-SHA256 of the body as sent.`)

// standardKey is the key of the Standard Webhooks scheme: the bytes that a
// whsec_ secret encodes, any other secret as it is.
func standardKey(key string) []byte {
	if encoded, ok := strings.CutPrefix(key, secret.SigningSecretPrefix); ok {
		if raw, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			return raw
		}
	}
	return []byte(key)
}

func sign(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)
}

func badSignature(detail string) *dialect.Failure {
	return &dialect.Failure{Verdict: dialect.BadSignature, Detail: detail}
}
