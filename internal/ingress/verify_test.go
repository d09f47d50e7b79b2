package ingress

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/secret"
)

// Published vectors. GitHub: "Validating webhook deliveries", "Testing the
// webhook payload validation". Standard Webhooks: the example of its
// specification's libraries.
const (
	githubKey       = "It's a Secret to Everybody"
	githubBody      = "Hello, World!"
	githubSignature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

	standardSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	standardBody      = `{"test": 2432232314}`
	standardID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	standardStamp     = "1614265330"
	standardSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

// verify takes both steps with a POST.
func verify(key secret.String, h http.Header, body []byte, now time.Time) (string, *dialect.Failure) {
	p, failed := readProof(&http.Request{Method: http.MethodPost, Header: h}, now)
	if failed != nil {
		return "", failed
	}
	return p.id, p.check(key, body)
}

func TestVerify(t *testing.T) {
	signedAt := time.Unix(1614265330, 0)
	standard := func(signature string, change ...string) []string {
		return append([]string{"webhook-id", standardID, "webhook-timestamp", standardStamp, "webhook-signature", signature}, change...)
	}
	for name, test := range map[string]struct {
		key, body string
		header    []string
		now       time.Time
		ok        bool
	}{
		"GitHub's vector":            {githubKey, githubBody, []string{"X-Hub-Signature-256", githubSignature}, noon, true},
		"as the hub sends it":        {githubKey, githubBody, []string{"X-Webhook-Signature", githubSignature}, noon, true},
		"upper case":                 {githubKey, githubBody, []string{"X-Webhook-Signature", "sha256=" + strings.ToUpper(githubSignature[7:])}, noon, true},
		"another body":               {githubKey, githubBody + "\n", []string{"X-Webhook-Signature", githubSignature}, noon, false},
		"another key":                {githubKey + "!", githubBody, []string{"X-Webhook-Signature", githubSignature}, noon, false},
		"no prefix":                  {githubKey, githubBody, []string{"X-Webhook-Signature", githubSignature[7:]}, noon, false},
		"SHA-1's prefix":             {githubKey, githubBody, []string{"X-Webhook-Signature", "sha1=" + githubSignature[7:]}, noon, false},
		"half of it":                 {githubKey, githubBody, []string{"X-Webhook-Signature", githubSignature[:39]}, noon, false},
		"empty digest":               {githubKey, githubBody, []string{"X-Webhook-Signature", "sha256="}, noon, false},
		"no hex":                     {githubKey, githubBody, []string{"X-Webhook-Signature", "sha256=zz"}, noon, false},
		"none":                       {githubKey, githubBody, nil, noon, false},
		"empty":                      {githubKey, githubBody, []string{"X-Webhook-Signature", ""}, noon, false},
		"Standard Webhooks' vector":  {standardSecret, standardBody, standard(standardSignature), signedAt, true},
		"one of several":             {standardSecret, standardBody, standard("v1,AAAA v2,x " + standardSignature), signedAt, true},
		"the 17th of many":           {standardSecret, standardBody, standard(strings.Repeat("v1,AAAA ", 16) + standardSignature), signedAt, false},
		"another version":            {standardSecret, standardBody, standard("v2" + standardSignature[2:]), signedAt, false},
		"five minutes late":          {standardSecret, standardBody, standard(standardSignature), signedAt.Add(5 * time.Minute), true},
		"later":                      {standardSecret, standardBody, standard(standardSignature), signedAt.Add(5*time.Minute + time.Second), false},
		"five minutes early":         {standardSecret, standardBody, standard(standardSignature), signedAt.Add(-5 * time.Minute), true},
		"earlier":                    {standardSecret, standardBody, standard(standardSignature), signedAt.Add(-5*time.Minute - time.Second), false},
		"another id":                 {standardSecret, standardBody, standard(standardSignature, "webhook-id", "msg_x"), signedAt, false},
		"no id":                      {standardSecret, standardBody, standard(standardSignature, "webhook-id", ""), signedAt, false},
		"no timestamp":               {standardSecret, standardBody, standard(standardSignature, "webhook-timestamp", ""), signedAt, false},
		"another timestamp":          {standardSecret, standardBody, standard(standardSignature, "webhook-timestamp", "1614265331"), signedAt, false},
		"timestamp in words":         {standardSecret, standardBody, standard(standardSignature, "webhook-timestamp", "now"), signedAt, false},
		"timestamp without end":      {standardSecret, standardBody, standard(standardSignature, "webhook-timestamp", "-9223372036854775808"), signedAt, false},
		"the first scheme must hold": {githubKey, githubBody, standard(standardSignature, "X-Webhook-Signature", githubSignature), signedAt, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			for i := 0; i < len(test.header); i += 2 {
				h.Set(test.header[i], test.header[i+1])
			}
			id, failed := verify(secret.New(test.key), h, []byte(test.body), test.now)
			if (failed == nil) != test.ok {
				t.Fatalf("verified %v (%v), want %v", failed == nil, failed, test.ok)
			}
			wantID := ""
			if test.body == standardBody {
				wantID = standardID
			}
			if test.ok && id != wantID {
				t.Errorf("id %q, want %q", id, wantID)
			}
			if failed != nil && (failed.Verdict != dialect.BadSignature || strings.Contains(failed.Detail, test.key)) {
				t.Errorf("refused with %+v", failed)
			}
		})
	}
}

// TestSignedWithoutID: a signature over an empty id would let one call be
// repeated under any name.
func TestSignedWithoutID(t *testing.T) {
	stamp := strconv.FormatInt(noon.Unix(), 10)
	h := http.Header{}
	h.Set("webhook-timestamp", stamp)
	h.Set("webhook-signature", "v1,"+base64Of(sign([]byte("key"), []byte("."+stamp+".body"))))
	if _, failed := verify(secret.New("key"), h, []byte("body"), noon); failed == nil {
		t.Error("taken")
	}
}

// TestSecretOfBothSchemes: one whsec_ secret is literal for one scheme and
// base64 for the other; a plain one is the same for both.
func TestSecretOfBothSchemes(t *testing.T) {
	if got := string(standardKey("plain")); got != "plain" {
		t.Errorf("key %q", got)
	}
	if got := string(standardKey("whsec_not base64!")); got != "whsec_not base64!" {
		t.Errorf("key %q", got)
	}
	h := http.Header{}
	h.Set("X-Webhook-Signature", fmt.Sprintf("sha256=%x", sign([]byte(standardSecret), []byte(standardBody))))
	if _, failed := verify(secret.New(standardSecret), h, []byte(standardBody), noon); failed != nil {
		t.Errorf("the literal secret: %v", failed)
	}
}

func TestSignedCalls(t *testing.T) {
	w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { signed(h, standardSecret) })
	body := `{"text": "x"}`
	stamp := strconv.FormatInt(noon.Unix(), 10)
	header := func(signature string) []string {
		return []string{"webhook-id", "msg 1", "webhook-timestamp", stamp, "webhook-signature", signature}
	}
	good := "v1," + base64Of(sign(standardKey(standardSecret), []byte("msg 1."+stamp+"."+body)))
	for _, test := range []struct {
		header []string
		body   string
		status int
	}{
		{header(good), body, 200},
		{header(good), `{"text":"x"}`, 401}, // the same, written otherwise
		{nil, body, 401},
	} {
		rec := w.do("POST", token, test.body, test.header...)
		if rec.Code != test.status {
			t.Errorf("answered %d, want %d", rec.Code, test.status)
		}
		if (rec.Header().Get("WWW-Authenticate") != "") != (test.status == 401) {
			t.Errorf("%d with WWW-Authenticate %q", rec.Code, rec.Header().Get("WWW-Authenticate"))
		}
	}
	for _, c := range w.journal() {
		if c.Verdict != "bad_signature" || c.Body != nil || c.BodySize == 0 {
			t.Errorf("logged %+v: the body of a call that was not verified is not kept", c)
		}
	}
	// A call that is sent again is carried out once, by the id it is signed with.
	once := w.chat.posts[0].Once
	if once == nil || !strings.HasPrefix(once.Key, "id:") || once.TokenID != "in:hook" {
		t.Errorf("asked for %+v", once)
	}
	// The Idempotency-Key is not signed: another one makes no other call of it.
	w.do("POST", token, body, append(header(good), "Idempotency-Key", "fresh")...)
	if again := w.chat.posts[len(w.chat.posts)-1].Once; len(w.chat.posts) != 2 || again == nil || again.Key != once.Key {
		t.Errorf("with a fresh key asked for %+v, want %+v", again, once)
	}
}

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
