package delivery

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/egress"
	"github.com/nself-chat/hub/internal/secret"
	"github.com/nself-chat/hub/webhook"
)

// UserAgent is what the hub calls itself towards receivers.
const UserAgent = "nself-chat-webhook/1.0"

// target is everything needed to send to one webhook, prepared once per
// change of it. It is immutable.
type target struct {
	id            hub.WebhookID
	name          string
	url           *url.URL
	policy        hub.Policy
	state         hub.WebhookState
	signer        *webhook.Signer
	previous      *webhook.Signer // the secret before the rotation, or nil
	previousUntil time.Time
	headers       http.Header         // the owner's own
	sealed        hub.OutgoingWebhook // what it was made of
	echoes        *secret.Redactor    // of their values; nil: there are none
	err           error               // why nothing can be sent
}

// AAD of the sealed columns of an outgoing webhook.
func sealedAs(id hub.WebhookID, column string) string {
	return "nchat_outgoing_webhooks/" + string(id) + "/" + column
}

// SecretAAD binds a sealed secret to its webhook.
func SecretAAD(id hub.WebhookID) string { return sealedAs(id, "secret") }

// HeadersAAD binds sealed headers to their webhook.
func HeadersAAD(id hub.WebhookID) string { return sealedAs(id, "headers") }

// Opener opens what package secret sealed.
type Opener interface {
	Open(sealed, aad string) (secret.String, error)
}

func newTarget(w *hub.OutgoingWebhook, keys Opener) *target {
	t := &target{id: w.ID, name: w.Name, policy: w.Policy, state: w.State, previousUntil: w.PreviousUntil, sealed: *w}
	t.err = t.open(w, keys)
	return t
}

// differs reports whether the webhook has changed in anything that matters to
// sending.
func (t *target) differs(w *hub.OutgoingWebhook) bool {
	s := &t.sealed
	return t.state != w.State || s.URL != w.URL || s.Policy != w.Policy || s.SealedSecret != w.SealedSecret ||
		s.SealedPrevious != w.SealedPrevious || !s.PreviousUntil.Equal(w.PreviousUntil) || s.SealedHeaders != w.SealedHeaders ||
		!s.UpdatedAt.Equal(w.UpdatedAt)
}

func (t *target) open(w *hub.OutgoingWebhook, keys Opener) (err error) {
	if t.url, err = egress.ParseURL(w.URL); err != nil {
		return err
	}
	if t.signer, err = openSigner(w.SealedSecret, w.ID, keys); err != nil {
		return err
	}
	if w.SealedPrevious != "" {
		if t.previous, err = openSigner(w.SealedPrevious, w.ID, keys); err != nil {
			return err
		}
	}
	if w.SealedHeaders == "" {
		return nil
	}
	text, err := keys.Open(w.SealedHeaders, HeadersAAD(w.ID))
	if err != nil {
		return fmt.Errorf("the webhook's headers cannot be opened: %w", err)
	}
	var headers map[string]string
	if err := json.Unmarshal([]byte(text.Reveal()), &headers); err != nil {
		return fmt.Errorf("the webhook's stored headers are malformed")
	}
	t.headers = make(http.Header, len(headers))
	var values []secret.String
	for name, value := range headers {
		t.headers.Set(name, value)
		values = append(values, spellings(value)...)
	}
	t.echoes = secret.NewRedactor(values...)
	return nil
}

// spellings are the forms in which a receiver may send a header's value back:
// whole, without its scheme (RFC 9110 §11.4), and in JSON.
func spellings(value string) []secret.String {
	_, credentials, _ := strings.Cut(value, " ")
	var all []secret.String
	for _, form := range []string{value, credentials} {
		all = append(all, secret.New(form))
		if text, err := json.Marshal(form); err == nil { // a string: cannot fail
			all = append(all, secret.New(strings.Trim(string(text), `"`)))
		}
	}
	return all
}

// conceal masks the values of the owner's headers in what a receiver answered:
// some send back what they got, and the answer goes into the log.
func (t *target) conceal(r *hub.Response) {
	if t.echoes == nil {
		return
	}
	redact := t.echoes.Redact
	if r.Truncated {
		redact = t.echoes.RedactCut
	}
	r.Body, r.Error = []byte(redact(string(r.Body))), t.echoes.Redact(r.Error)
	for _, values := range r.Header {
		for i := range values {
			values[i] = t.echoes.Redact(values[i])
		}
	}
}

func openSigner(sealed string, id hub.WebhookID, keys Opener) (*webhook.Signer, error) {
	text, err := keys.Open(sealed, SecretAAD(id))
	if err != nil {
		return nil, fmt.Errorf("the webhook's secret cannot be opened: %w", err)
	}
	s, err := webhook.NewSigner(text.Reveal())
	if err != nil {
		return nil, fmt.Errorf("the webhook's secret cannot sign: %w", err)
	}
	return s, nil
}

var (
	contentType = []string{"application/json"}
	userAgent   = []string{UserAgent}
	identity    = []string{"identity"} // no compression to undo
)

// masked stands for the value of an owner's header in the log.
const masked = "•••"

// request returns the headers of an attempt made at now, and their JSON for
// the log, in which the owner's own headers are masked.
func (t *target) request(j *hub.Job, body []byte, now time.Time) (http.Header, []byte) {
	unix := now.Unix()
	id := string(j.Delivery.ID)
	stamp := strconv.FormatInt(unix, 10)
	h := make(http.Header, 13+len(t.headers))
	log := append(make([]byte, 0, 640), '{')
	set := func(name, value string) {
		h[name] = []string{value}
		log = appendHeaderJSON(log, name, value)
	}
	for name, values := range t.headers {
		h[name] = values
	}
	for _, name := range sortedKeys(t.headers) {
		log = appendHeaderJSON(log, name, masked)
	}
	h["Content-Type"], h["User-Agent"], h["Accept-Encoding"] = contentType, userAgent, identity
	log = appendHeaderJSON(log, "Content-Type", contentType[0])
	log = appendHeaderJSON(log, "User-Agent", UserAgent)
	set("X-Webhook-Id", id)
	set("X-Webhook-Event", j.Event.Type)
	set("X-Webhook-Attempt", itoa(j.Delivery.Attempts+1))
	set("X-Webhook-Timestamp", stamp)
	set("X-Hub-Hop", itoa(j.Event.Origin.Hop+1))
	set("Webhook-Id", id)
	set("Webhook-Timestamp", stamp)

	// During a rotation X-Webhook-Signature is made with the previous secret
	// and -Next with the new one; the Standard header lists both.
	var buf [256]byte
	if t.previous != nil && now.Before(t.previousUntil) {
		set("X-Webhook-Signature", string(t.previous.AppendBody(buf[:0], body)))
		set("X-Webhook-Signature-Next", string(t.signer.AppendBody(buf[:0], body)))
		both := append(t.signer.AppendStandard(buf[:0], id, unix, body), ' ')
		set("Webhook-Signature", string(t.previous.AppendStandard(both, id, unix, body)))
	} else {
		set("X-Webhook-Signature", string(t.signer.AppendBody(buf[:0], body)))
		set("Webhook-Signature", string(t.signer.AppendStandard(buf[:0], id, unix, body)))
	}
	switch t.policy.Signing {
	case hub.SigningGitHub:
		set("X-Hub-Signature-256", string(t.signer.AppendBody(buf[:0], body)))
		set("X-Github-Event", j.Event.Type)
		set("X-Github-Delivery", id)
	case hub.SigningSlack:
		set("X-Slack-Request-Timestamp", stamp)
		set("X-Slack-Signature", string(t.signer.AppendSlack(buf[:0], unix, body)))
	case hub.SigningHub, hub.SigningStandard:
	}
	return h, append(log, '}')
}

func sortedKeys(h http.Header) []string {
	if len(h) == 0 {
		return nil
	}
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
