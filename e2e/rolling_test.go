package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/nself-chat/hub/internal/postgrestest"
)

// balancer forwards requests to the hubs that say they are ready, in turn, as
// docs/scaling.md has it.
type balancer struct {
	hubs  []*process
	proxy []*httputil.ReverseProxy
	ready []atomic.Bool
	next  atomic.Int64
}

// probeEvery is the interval at which it asks a hub for /readyz; HUB_DRAIN_DELAY
// is more than two of them.
const (
	probeEvery = 100 * time.Millisecond
	drainDelay = 1500 * time.Millisecond
)

func newBalancer(t *testing.T, hubs ...*process) *balancer {
	t.Helper()
	b := &balancer{hubs: hubs, ready: make([]atomic.Bool, len(hubs))}
	for _, p := range hubs {
		to, err := url.Parse("http://" + p.addr)
		if err != nil {
			t.Fatal(err)
		}
		proxy := httputil.NewSingleHostReverseProxy(to)
		proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
		b.proxy = append(b.proxy, proxy)
	}
	return b
}

// ServeHTTP implements http.Handler.
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for range b.hubs {
		if i := int(b.next.Add(1)) % len(b.hubs); b.ready[i].Load() {
			b.proxy[i].ServeHTTP(w, r)
			return
		}
	}
	http.Error(w, "no hub is ready", http.StatusServiceUnavailable)
}

// probe asks each hub until ctx ends.
func (b *balancer) probe(ctx context.Context) {
	var all sync.WaitGroup
	for i, p := range b.hubs {
		all.Go(func() {
			tick := time.NewTicker(probeEvery)
			defer tick.Stop()
			for {
				once, cancel := context.WithTimeout(ctx, 5*time.Second)
				b.ready[i].Store(ask(once, "http://"+p.addr+"/readyz") == nil)
				cancel()
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
			}
		})
	}
	all.Wait()
}

// TestRollingRestart: behind a load balancer that asks for /readyz, hubs are
// restarted one after the other under load, and no request is refused or stays
// without an answer. Everything arrives.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	database := postgrestest.URL(t)
	books := newLedger()
	receiver := httptest.NewServer(books)
	defer receiver.Close()
	first := newProcess(t, "HUB_DRAIN_DELAY="+drainDelay.String())
	first.addr = steadyAddr(t)
	first.useDatabase(database)
	first.env = append(first.env, "HUB_FILES="+filepath.Join(first.dir, "files"))
	first.start()
	second := first.beside(database, "HUB_DRAIN_DELAY="+drainDelay.String())
	second.addr = steadyAddr(t)
	second.start()
	for _, path := range []string{"/0", "/1", "/2"} {
		first.outgoing(map[string]any{"name": "to " + path, "url": receiver.URL + path, "events": []string{"ledger.*", "message.*"}, "retryDelay": 100})
	}
	b := newBalancer(t, first, second)
	front := httptest.NewServer(b)
	defer front.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	stop := sync.OnceFunc(func() { cancel(); running.Wait(); client.CloseIdleConnections() })
	defer stop()
	running.Go(func() { b.probe(ctx) })
	admitted := func(i int) {
		t.Helper()
		eventually(t, "a hub that the balancer takes for ready", b.ready[i].Load)
	}
	admitted(0)
	admitted(1)

	clients := &process{t: t, url: front.URL, token: adminToken}
	l := newLoad(first.incoming(map[string]any{"name": "ledger", "targetChannelId": first.general()}).Token)
	pace := rate.NewLimiter(60, 1)
	for range 4 {
		running.Go(func() {
			for pace.Wait(ctx) == nil {
				l.post(clients)
			}
		})
	}
	taken := func(more int64) {
		t.Helper()
		want := l.acks.Load() + more
		eventually(t, "requests that are taken", func() bool { return l.acks.Load() >= want })
	}
	for i, p := range b.hubs {
		taken(50)
		p.stop()
		taken(50) // by the other one alone
		p.start()
		admitted(i)
	}
	taken(50)
	stop()
	if n := l.count(acknowledged); len(l.answers) > 0 || l.count(unanswered) > 0 || l.count(refused) > 0 {
		t.Errorf("%d taken, %d unanswered, refused: %v", n, l.count(unanswered), l.answers)
	}
	first.drained(time.Minute)
	compare(t, books, l, first.messages(first.general()), func(string) int { return 3 })
	first.verify()
}
