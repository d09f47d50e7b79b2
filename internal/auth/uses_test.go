package auth

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/secret"
)

func TestUsesAreWrittenToTheMinuteInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		for _, id := range []string{"a", "b"} {
			m.addToken("hub_"+id, hub.APIToken{ID: hub.TokenID("t" + id), Scope: hub.ScopeRead})
		}
		m.sessions[secret.Hash("cookie")] = hub.Session{ID: "s1", UserID: "ann", ExpiresAt: time.Now().Add(time.Hour)}
		a := New(Options{Store: m, IDs: &hub.IDs{}, Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.Run(ctx) }()

		began := time.Now() // on a minute: the bubble's clock starts at midnight
		use := func(token string) {
			t.Helper()
			if _, err := a.Actor(request(token, "192.0.2.1")); err != nil {
				t.Fatal(err)
			}
		}
		for range 50 {
			use("hub_a")
			use("hub_b")
			time.Sleep(time.Second)
		}
		if m.writes() != 0 {
			t.Errorf("%d writes within the first minute", m.writes())
		}
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if m.writes() != 1 || !m.usedAt["ta"].Equal(began) || !m.usedAt["tb"].Equal(began) {
			t.Errorf("%d writes: %v", m.writes(), m.usedAt)
		}

		// Nothing used, nothing written.
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if m.writes() != 1 {
			t.Errorf("%d writes while idle", m.writes())
		}

		// What could not be written is written later.
		use("hub_a")
		used := time.Now().Truncate(time.Minute)
		m.change(func() { m.fail = errors.New("disk full") })
		time.Sleep(time.Minute)
		synctest.Wait()
		m.change(func() { m.fail = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		if !m.usedAt["ta"].Equal(used) {
			t.Errorf("after a failure: %v, want %v", m.usedAt["ta"], used)
		}

		// The end writes what is left; a session moves its own end with it.
		r := request("", "192.0.2.1")
		r.Header.Del("Authorization")
		r.Header.Set("Cookie", CookieName+"=cookie")
		if _, err := a.Actor(r); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if want := time.Now().Truncate(time.Minute).Add(SessionKeep); !m.usedAt["s1"].Equal(want) {
			t.Errorf("the session ends at %v, want %v", m.usedAt["s1"], want)
		}
	})
}
