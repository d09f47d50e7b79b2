package ingress

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/secret"
)

// nullChat takes posts and does nothing.
type nullChat struct{ Chat }

func (nullChat) Post(_ context.Context, p chat.Post) (hub.Message, error) {
	return hub.Message{ID: "0190b3c8-7c4e-7a12-8000-000000000001", ChannelID: p.ChannelID, CreatedAt: noon}, nil
}

// nullWriter takes an answer and keeps nothing.
type nullWriter struct {
	header http.Header
	status int
}

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *nullWriter) WriteHeader(status int)      { w.status = status }

// BenchmarkHandler is the cost of a call besides net/http and the chat.
func BenchmarkHandler(b *testing.B) {
	body := []byte(guideBody)
	for name, key := range map[string]string{"plain": "", "signed": "key"} {
		b.Run(name, func(b *testing.B) {
			hook := hub.IncomingWebhook{ID: "hook", ChannelID: "channel", Enabled: true, TokenHash: secret.Hash(token), RateLimit: 1 << 30}
			if key != "" {
				signed(&hook, key)
			}
			in := New(Options{
				Store: &fakeStore{now: time.Now, hooks: []hub.IncomingWebhook{hook}}, Chat: nullChat{}, IDs: &hub.IDs{}, Now: time.Now,
				Log: slog.New(slog.DiscardHandler), OpenSecret: func(*hub.IncomingWebhook) (secret.String, error) { return secret.New(key), nil },
			})
			reader := bytes.NewReader(nil)
			r, err := http.NewRequestWithContext(b.Context(), "POST", "/", io.NopCloser(reader))
			if err != nil {
				b.Fatal(err)
			}
			r.SetPathValue("token", token)
			r.RemoteAddr, r.ContentLength = "192.0.2.1:1234", int64(len(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-Webhook-Signature", fmt.Sprintf("sha256=%x", sign([]byte(key), body)))
			w := &nullWriter{header: make(http.Header)}
			post := in.posting(direct)
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(body)
				clear(w.header)
				post(w, r)
				if w.status != 200 {
					b.Fatalf("answered %d", w.status)
				}
			}
		})
	}
}

// BenchmarkPosts posts with 32 callers at a time into the real chat and a
// database that survives a power cut.
func BenchmarkPosts(b *testing.B) {
	w := newRealWorld(b)
	var next atomic.Int64
	var callers sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range 32 {
		callers.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if rec := w.do(b, "POST", token, guideBody, "Content-Type", "application/json"); rec.Code != 200 {
					b.Errorf("answered %d %s", rec.Code, rec.Body)
					return
				}
			}
		})
	}
	callers.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
}
