package cluster_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/auth"
	"github.com/nself-chat/hub/internal/cluster"
	"github.com/nself-chat/hub/internal/delivery"
	"github.com/nself-chat/hub/internal/postgrestest"
	"github.com/nself-chat/hub/internal/secret"
	"github.com/nself-chat/hub/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// member is one of two processes: the parts that follow the other one's doings.
type member struct {
	t       *testing.T
	ids     *hub.IDs
	store   *store.Store
	engine  *delivery.Engine
	cluster *cluster.Cluster
	auth    *auth.Authenticator

	receive func(path string) // what a request comes to; nil: an answer at once

	mu    sync.Mutex
	sent  map[hub.DeliveryID]bool
	again []hub.DeliveryID // what was sent before
	woken chan struct{}    // capacity 1
}

// Send implements delivery.Sender: every receiver is well.
func (m *member) Send(_ context.Context, to *url.URL, header http.Header, _ []byte, _ time.Duration) hub.Response {
	if m.receive != nil {
		m.receive(to.Path)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	id := hub.DeliveryID(header.Get("Webhook-Id"))
	if m.sent[id] {
		m.again = append(m.again, id)
	}
	m.sent[id] = true
	return hub.Response{Status: http.StatusNoContent}
}

func (m *member) has(id hub.DeliveryID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent[id]
}

// plain opens nothing: the tests' secrets are not sealed.
type plain struct{}

// Open implements delivery.Opener.
func (plain) Open(sealed, _ string) (secret.String, error) { return secret.New(sealed), nil }

// start puts a member to work until the test ends.
func start(t *testing.T, database string, o cluster.Options) *member {
	t.Helper()
	return startWith(t, database, o, nil)
}

func startWith(t *testing.T, database string, o cluster.Options, receive func(path string)) *member {
	t.Helper()
	m := &member{t: t, ids: &hub.IDs{}, receive: receive, sent: make(map[hub.DeliveryID]bool), woken: make(chan struct{}, 1)}
	log := slog.New(slog.DiscardHandler)
	var err error
	m.store, err = store.Open(t.Context(), store.Options{
		Postgres: database, Log: log,
		OnChange: func() { m.cluster.OnChange() },
	})
	if err != nil {
		t.Fatal(err)
	}
	m.ids.Now = m.store.Now
	m.auth = auth.New(auth.Options{Store: m.store, IDs: m.ids, Now: m.store.Now, Log: log})
	m.engine = &delivery.Engine{Store: m.store, Sender: m, Keys: plain{}, Now: m.store.Now, Log: log}
	o.Store, o.Engine, o.NewID, o.SetSlot, o.Name, o.Log = m.store, m.engine, m.ids.New, m.ids.SetSlot, "test", log
	o.Forget = m.auth.Invalidate
	o.Wake = func() {
		select {
		case m.woken <- struct{}{}:
		default:
		}
	}
	m.cluster = cluster.New(o)
	m.engine.OnForeign, m.engine.OnGrant, m.engine.OnRevoke = m.cluster.OnForeign, m.cluster.OnGrant, m.cluster.OnRevoke
	if m.engine.Node, err = m.cluster.Join(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = m.cluster.Run(ctx) })
	running.Go(func() { _ = m.engine.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		if err := errors.Join(m.cluster.Leave(context.Background()), m.store.Close()); err != nil {
			t.Error(err)
		}
	})
	return m
}

// subscribe makes a webhook, as the operator of this process does.
func (m *member) subscribe(event string) hub.WebhookID {
	m.t.Helper()
	return m.subscribeAt(event, "http://receiver/")
}

func (m *member) subscribeAt(event, url string) hub.WebhookID {
	m.t.Helper()
	now := m.store.Now()
	w := hub.OutgoingWebhook{
		ID: hub.WebhookID(m.ids.New()), Name: event, URL: url, State: hub.WebhookActive, Events: []string{event},
		Policy: hub.DefaultPolicy(), SealedSecret: "a secret of the tests", CreatedAt: now, UpdatedAt: now,
	}
	_, err := m.store.CreateOutgoingWebhook(m.t.Context(), &w)
	if err := errors.Join(err, m.engine.Reload(m.t.Context())); err != nil {
		m.t.Fatal(err)
	}
	return w.ID
}

// publish stores an event and returns its deliveries.
func (m *member) publish(event string) []hub.RoutedDelivery {
	m.t.Helper()
	e := &hub.Event{
		ID: hub.EventID(m.ids.New()), Type: event, Time: m.store.Now(), Data: []byte("1"), Origin: hub.Origin{Kind: hub.OriginHub},
	}
	for {
		r := m.engine.Route(e)
		err := m.store.Publish(m.t.Context(), nil, r)
		m.engine.Settle(err == nil, r)
		if err == nil {
			return r.Deliveries
		}
		if !errors.Is(err, hub.ErrOutdated) {
			m.t.Fatal(err)
		}
		if err := m.engine.CatchUp(m.t.Context(), e.Revision); err != nil {
			m.t.Fatal(err)
		}
	}
}

// admits reports whether an API token is good here.
func (m *member) admits(token string) bool {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	_, err := m.auth.Actor(r)
	return err == nil
}

// within waits until a condition holds that nobody tells of.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	began := time.Now()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		<-again.C
		if time.Since(began) > limit {
			t.Fatalf("%s: not within %s", what, limit)
		}
	}
	t.Logf("%s: after %s", what, time.Since(began).Round(time.Millisecond))
}

// TestEitherIsEnough: what one process does reaches the other by signals alone,
// and by looking alone.
func TestEitherIsEnough(t *testing.T) {
	const soon = 2 * time.Second // a fraction of a second, and a busy machine
	for name, c := range map[string]struct {
		options cluster.Options
		// How long it takes to take over work, and a token that was unknown.
		work, token time.Duration
	}{
		"signals": {cluster.Options{NoPolling: true}, soon, soon},
		"polling": {cluster.Options{Deaf: true}, 2*hub.BeatEvery + 2*soon, 10*hub.BeatEvery + 2*soon},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := postgrestest.URL(t)
			a, b := start(t, database, c.options), start(t, database, c.options)
			within(t, 2*hub.BeatEvery+soon, "both are members", func() bool {
				return len(a.cluster.Members()) == 2 && len(b.cluster.Members()) == 2
			})
			flows(t, a, b, c.work)
			followsTokens(t, a, b, c.token)
		})
	}
}

// flows makes webhooks and work at one member and waits until both have done
// their share of it, and the other one has heard of the events.
func flows(t *testing.T, a, b *member, limit time.Duration) {
	const lanes = 12 // so that each member serves some
	for range lanes - 1 {
		a.subscribe("work")
	}
	a.subscribe("last")
	within(t, limit, "the other knows of the webhooks", func() bool { return len(b.publish("last")) == 1 })
	select {
	case <-b.woken:
	default:
	}
	for _, m := range []*member{a, b} {
		work := m.publish("work")
		if len(work) != lanes-1 {
			t.Errorf("the work goes to %d webhooks", len(work))
		}
		within(t, limit, "all work is done", func() bool {
			for _, d := range work {
				if !a.has(d.ID) && !b.has(d.ID) {
					return false
				}
			}
			return true
		})
		for _, d := range work {
			if a.has(d.ID) && b.has(d.ID) {
				t.Errorf("delivery %s was made by both", d.ID)
			}
		}
	}
	a.mu.Lock()
	b.mu.Lock()
	if len(a.sent) == 0 || len(b.sent) == 0 {
		t.Errorf("one did %d deliveries, the other %d: one has no share", len(a.sent), len(b.sent))
	}
	a.mu.Unlock()
	b.mu.Unlock()
	select {
	case <-b.woken:
	case <-time.After(limit):
		t.Error("the other's streams did not hear of new events")
	}
}

// followsTokens makes a token at one member, and revokes it.
func followsTokens(t *testing.T, a, b *member, limit time.Duration) {
	user := hub.User{ID: hub.UserID(a.ids.New()), Username: "ann", DisplayName: "Ann", Status: "active", CreatedAt: a.store.Now(), UpdatedAt: a.store.Now()}
	if err := a.store.CreateUser(t.Context(), &user); err != nil {
		t.Fatal(err)
	}
	token := secret.Token(secret.APITokenPrefix, 24)
	if b.admits(token.Reveal()) {
		t.Fatal("a token that does not exist is good")
	}
	made := hub.APIToken{
		ID: hub.TokenID(a.ids.New()), Name: "test", UserID: user.ID, Scope: hub.ScopeRead, Hash: secret.Hash(token.Reveal()), CreatedAt: a.store.Now(),
	}
	if err := a.store.CreateToken(t.Context(), nil, made); err != nil {
		t.Fatal(err)
	}
	within(t, limit, "the other takes the token", func() bool { return b.admits(token.Reveal()) })
	if err := a.store.DeleteToken(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	within(t, limit, "the other refuses the token", func() bool { return !b.admits(token.Reveal()) })
}
