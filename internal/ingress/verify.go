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

	"github.com/nself-chat/hub/internal/ingress/dialects"
	"github.com/nself-chat/hub/internal/secret"
)

// maxSkew is how far a signed timestamp may be off (Standard Webhooks,
// "Verifying webhook authenticity": five minutes).
const maxSkew = 5 * time.Minute

// maxSignatures bounds the list in webhook-signature.
const maxSignatures = 16

// verify checks the signature over the raw body. Two schemes are known, and
// when a call carries the first it must satisfy that one, whose timestamp
// keeps a recorded call from being sent again:
//
//   - Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature, a
//     space-separated list of v1,<base64 of HMAC-SHA256 over id.timestamp.body>;
//   - X-Webhook-Signature, as the hub itself sends it, or GitHub's
//     X-Hub-Signature-256: sha256=<hex of HMAC-SHA256 over the body>.
//
// A secret that begins with whsec_ is base64 for the first scheme and literal
// for the second. id is the verified webhook-id, "" for the second scheme.
func verify(key secret.String, h http.Header, body []byte, now time.Time) (id string, failed *dialects.Failure) {
	if signature := h.Get("Webhook-Signature"); signature != "" {
		return verifyStandard(key.Reveal(), h, signature, body, now)
	}
	given := h.Get("X-Webhook-Signature")
	if given == "" {
		given = h.Get("X-Hub-Signature-256")
	}
	if given == "" {
		return "", badSignature("This webhook takes signed calls only: send X-Webhook-Signature: sha256=<hex HMAC-SHA256 of the body>.")
	}
	digest, ok := strings.CutPrefix(strings.TrimSpace(given), "sha256=")
	sum, err := hex.DecodeString(digest)
	if !ok || err != nil || !hmac.Equal(sum, sign([]byte(key.Reveal()), body)) {
		return "", badSignature(`The signature does not match: it must be "sha256=" and the hex HMAC-SHA256 of the body as sent.`)
	}
	return "", nil
}

func verifyStandard(key string, h http.Header, signatures string, body []byte, now time.Time) (string, *dialects.Failure) {
	id, stamp := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	if id == "" || stamp == "" {
		return "", badSignature("webhook-signature needs webhook-id and webhook-timestamp beside it.")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return "", badSignature("webhook-timestamp must be in Unix seconds.")
	}
	if skew := now.Unix() - seconds; skew > int64(maxSkew/time.Second) || skew < -int64(maxSkew/time.Second) {
		return "", badSignature("webhook-timestamp is more than five minutes off.")
	}
	want := sign(standardKey(key), []byte(id), []byte{'.'}, []byte(stamp), []byte{'.'}, body)
	for i, signature := range strings.SplitN(signatures, " ", maxSignatures+1) {
		if i == maxSignatures {
			break
		}
		encoded, ok := strings.CutPrefix(signature, "v1,")
		if !ok {
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(encoded)
		if err == nil && hmac.Equal(sum, want) {
			return id, nil
		}
	}
	return "", badSignature("No signature in webhook-signature matches: v1,<base64 HMAC-SHA256 of id.timestamp.body>.")
}

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

func badSignature(detail string) *dialects.Failure {
	return &dialects.Failure{Verdict: dialects.BadSignature, Detail: detail}
}
