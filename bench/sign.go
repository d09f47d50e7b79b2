package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names of the headers that carry the proof of an outgoing request. The second three are those of Standard Webhooks
// ("Webhook metadata", standard-webhooks specification).
const (
	headerSignature         = "X-Webhook-Signature"
	headerStandardID        = "Webhook-Id"
	headerStandardTimestamp = "Webhook-Timestamp"
	headerStandardSignature = "Webhook-Signature"
)

// secretPrefix marks a secret whose rest is base64 of the key for the Standard Webhooks signature.
const secretPrefix = "whsec_"

// bodySignature is the value of X-Webhook-Signature: HMAC-SHA256 over the raw body, keyed with the literal secret.
func bodySignature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// standardKey is the key of the Standard Webhooks signature.
func standardKey(secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("secret is not base64 after " + secretPrefix)
	}
	return key, nil
}

// standardSignature is one entry of webhook-signature: HMAC-SHA256 over "id.timestamp.body".
func standardSignature(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// setDeliveryHeaders gives h the headers of a first attempt of delivery id, signed.
func setDeliveryHeaders(h http.Header, secret string, key []byte, id string, now time.Time, body []byte) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "nself-chat-webhook/1.0")
	h.Set("X-Webhook-Id", id)
	h.Set("X-Webhook-Event", eventName)
	h.Set("X-Webhook-Attempt", "1")
	h.Set("X-Webhook-Timestamp", timestamp)
	h.Set("X-Hub-Hop", "1")
	h.Set(headerSignature, bodySignature(secret, body))
	h.Set(headerStandardID, id)
	h.Set(headerStandardTimestamp, timestamp)
	h.Set(headerStandardSignature, standardSignature(key, id, timestamp, body))
}

// checkSignatures reports whether both signatures of a delivered request are right: a hub that skipped signing would
// not have done the work that is measured.
func checkSignatures(secret string, h http.Header, body []byte) error {
	if h.Get(headerSignature) != bodySignature(secret, body) {
		return errors.New(headerSignature + " is absent or wrong")
	}
	key, err := standardKey(secret)
	if err != nil {
		return err
	}
	want := standardSignature(key, h.Get(headerStandardID), h.Get(headerStandardTimestamp), body)
	if !slices.Contains(strings.Fields(h.Get(headerStandardSignature)), want) {
		return errors.New(headerStandardSignature + " is absent or wrong")
	}
	return nil
}
