package chat

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/store"
)

// noRouter is a Router without webhooks.
type noRouter struct{}

func (noRouter) Route(e *hub.Event) hub.Routing { return hub.Routing{Event: e} }

func (noRouter) CatchUp(context.Context, int64) error { return nil }

func (noRouter) Settle(bool, ...hub.Routing) {}

// BenchmarkPost posts with 32 callers at a time, as 32 clients of an incoming
// webhook do, each post with its call logged, on a database that survives a
// power cut.
func BenchmarkPost(b *testing.B) {
	dir := b.TempDir()
	db, err := store.Open(b.Context(), store.Options{Path: filepath.Join(dir, "hub.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	ids := &hub.IDs{}
	s := &Service{Store: db, Router: noRouter{}, IDs: ids, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	d, err := s.EnsureDefaults(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	hook, err := s.CreateUser(b.Context(), NewUser{Kind: hub.UserWebhook, DisplayName: "Build server"}, Cause{})
	if err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	var callers sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range 32 {
		callers.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if _, err := s.Post(context.Background(), benchPost(ids, d.General, hook.ID)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
}

func benchPost(ids *hub.IDs, channel hub.ChannelID, author hub.UserID) Post {
	now := time.Now()
	return Post{
		ChannelID: channel, Author: hub.Author{ID: author, Username: "Build server"},
		Content: "Build 4711 of `hub` **passed** in 3 min 12 s, 2,345 tests, no failures. https://ci.example.org/hub/4711",
		Origin:  hub.Origin{Kind: hub.OriginIncoming, ID: "0190b3c8-7c4e-7a12-8000-000000000001"},
		Trace:   "4bf92f3577b34da6a3ce929d0e0e4736",
		Call: &hub.Call{
			ID: hub.CallID(ids.New()), IncomingID: "0190b3c8-7c4e-7a12-8000-000000000001", Verdict: "accepted", Dialect: "nself-chat",
			RemoteIP: "127.0.0.1", Status: 200, Body: []byte(`{"text":"Build 4711 of hub passed","username":"Build server"}`),
			BodySize: 64, CreatedAt: now,
		},
	}
}
