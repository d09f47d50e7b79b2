package ingress

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nself-chat/hub"
)

// FuzzHandler sends anything to the routes: never a panic, never a 5xx, and
// what is posted is within what the chat takes.
func FuzzHandler(f *testing.F) {
	for _, body := range []string{guideBody, `{"content":"<!here> @all","embeds":[{"title":"t"}]}`, `payload=%7B%7D`, "text=a", "plain", `{"text":`, "\xff", ""} {
		for _, header := range []string{
			"", "Content-Type: application/json", "Accept: application/json", "X-Hub-Hop: 9", "Idempotency-Key: k",
			"X-Webhook-Signature: sha256=00", "Webhook-Signature: v1,AAAA", "Content-Type: multipart/form-data; boundary=X",
		} {
			f.Add("POST", "", header, []byte(body))
			f.Add("POST", "/slack", header, []byte(body))
			f.Add("PATCH", "/messages/"+string(foreign), header, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, method, suffix, header string, body []byte) {
		w := newWorld(t, func(o *Options, h *hub.IncomingWebhook) {
			if strings.HasPrefix(header, "Webhook-") || strings.HasPrefix(header, "X-Webhook-") {
				signed(h, "key")
			}
		})
		w.chat.messages[foreign] = hub.Message{ID: foreign, Origin: hub.Origin{Kind: hub.OriginIncoming, ID: "hook"}}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://h/api/webhooks/incoming/"+token, strings.NewReader(string(body)))
		if err != nil {
			return // no request that a server would hand on
		}
		r.URL.Path += suffix
		r.RemoteAddr = "192.0.2.1:1"
		if name, value, ok := strings.Cut(header, ": "); ok {
			r.Header.Set(name, value)
		}
		rec := httptest.NewRecorder()
		w.mux.ServeHTTP(rec, r)
		if rec.Code >= 500 && rec.Code != http.StatusLoopDetected {
			t.Fatalf("answered %d %s\n%s", rec.Code, rec.Body, w.log.String())
		}
		for _, p := range w.chat.posts {
			if content := contentOf(&p); !utf8.ValidString(content) || utf8.RuneCountInString(content) > maxContent || utf8.RuneCountInString(p.Author.Username) > maxUsername {
				t.Fatalf("posted %+v", p)
			}
			if contentOf(&p) == "" && len(embedsOf(&p))+len(p.Remote)+len(p.FileIDs) == 0 {
				t.Fatal("an empty message was posted")
			}
			if len(p.Call.Body) > maxLogged || p.Call.BodySize != int64(len(body)) {
				t.Fatalf("logged %d of %d bytes", len(p.Call.Body), p.Call.BodySize)
			}
		}
		if len(w.chat.posts) > 0 && (rec.Code != http.StatusOK || method != http.MethodPost) {
			t.Fatalf("%s posted and answered %d", method, rec.Code)
		}
	})
}
