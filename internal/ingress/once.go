package ingress

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// maxKey is the longest Idempotency-Key taken.
const maxKey = 255

// once asks that a post be carried out once: by the webhook-id that its
// signature covers, else by its Idempotency-Key, else by the number that GitHub, and
// who sends as GitHub does, gives a delivery and keeps when it is delivered again
// ("Webhook events and payloads" of GitHub's documentation). The keys are not signed, so a
// recorded call with another key must not pass for another call.
func (c *call) once() (*hub.Idempotency, *dialect.Failure) {
	key, delivery := c.r.Header.Get("Idempotency-Key"), c.r.Header.Get("X-GitHub-Delivery")
	switch {
	case !isKey(key):
		return nil, &dialect.Failure{
			Verdict: dialect.BadBody,
			Detail:  "Idempotency-Key must be at most " + strconv.Itoa(maxKey) + " visible ASCII characters without spaces.",
		}
	case c.signedID != "":
		return c.onceSigned(), nil
	case key != "":
		return c.onceUnder("key:" + key), nil
	case delivery != "" && isKey(delivery):
		return c.onceUnder("delivery:" + delivery), nil
	}
	return nil, nil
}

func isKey(s string) bool {
	return len(s) <= maxKey && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// onceSigned asks that the call be carried out once by its signed webhook-id,
// which posts and changes share; nil when it has none.
func (c *call) onceSigned() *hub.Idempotency {
	if c.signedID == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(c.signedID))
	return c.onceUnder("id:" + hex.EncodeToString(sum[:]))
}

func (c *call) onceUnder(key string) *hub.Idempotency {
	hash := sha256.New()
	for _, part := range []string{c.r.Method, string(c.hook.ID), c.r.PathValue("dialect"), c.r.PathValue("message")} {
		hash.Write([]byte(part + "\n"))
	}
	for _, part := range c.aimed() {
		hash.Write([]byte(part + "\n"))
	}
	hash.Write(c.body)
	return &hub.Idempotency{
		TokenID: hub.TokenID("in:" + string(c.hook.ID)), Key: key, RequestHash: hex.EncodeToString(hash.Sum(nil)),
	}
}

// aimed is what the URL says, besides the webhook, of what becomes of the body: nil
// when it says nothing.
func (c *call) aimed() (parts []string) {
	if method := c.r.PathValue("method"); method != "" {
		parts = append(parts, "method="+url.QueryEscape(method))
	}
	q := c.r.URL.Query()
	for _, name := range []string{"key", "thread", "thread_id"} {
		if value := q.Get(name); value != "" {
			parts = append(parts, name+"="+url.QueryEscape(value))
		}
	}
	return parts
}
