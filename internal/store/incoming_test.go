package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

// incomingStore opens a store whose clock the test moves, with the channels
// "open" and "archived".
func incomingStore(t *testing.T) (*Store, *time.Time) {
	t.Helper()
	now := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	s := openTest(t, Options{Now: func() time.Time { return now }})
	err := s.write(t.Context(), func(t *tx) error {
		_, err := t.exec(`INSERT INTO nchat_channels (id, name, slug, is_archived, created_at, updated_at)
			VALUES ('open', 'open', 'open', 0, $1, $1), ('other', 'other', 'other', 0, $1, $1), ('archived', 'archived', 'archived', 1, $1, $1)`,
			at(t.now))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, &now
}

func hash(c string) string { return strings.Repeat(c, 64) }

func newIncoming(id hub.IncomingID, now time.Time) *hub.IncomingWebhook {
	return &hub.IncomingWebhook{
		ID: id, Name: "Builds", ChannelID: "open", UserID: "u1", Username: "CI", AvatarURL: "https://example.com/a.png", Enabled: true,
		TokenHash: hash("a"), SealedHMAC: "s1:k:box", AllowIPs: []string{"192.0.2.0/24"}, ExpiresAt: now.Add(time.Hour),
		RateLimit: 5, AllowMentions: true, CreatedBy: "u2", CreatedAt: now, UpdatedAt: now,
	}
}

func TestIncomingWebhookRoundTrip(t *testing.T) {
	s, now := incomingStore(t)
	full := newIncoming("w1", *now)
	full.PreviousHash, full.PreviousUntil = hash("0"), now.Add(time.Minute)
	bare := &hub.IncomingWebhook{ID: "w2", Name: "n", ChannelID: "open", UserID: "u1", TokenHash: hash("b"), CreatedAt: *now, UpdatedAt: *now}
	for _, w := range []*hub.IncomingWebhook{full, bare} {
		if err := s.CreateIncomingWebhook(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	bare.AllowIPs = []string{}
	got, err := s.IncomingWebhooks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]hub.IncomingWebhook{*full, *bare}, got); diff != "" {
		t.Errorf("webhooks (-want +got):\n%s", diff)
	}
}

func TestFindIncomingOnlyInForce(t *testing.T) {
	s, now := incomingStore(t)
	begin := *now
	w := newIncoming("w1", begin)
	w.PreviousHash, w.PreviousUntil = hash("0"), begin.Add(time.Minute)
	if err := s.CreateIncomingWebhook(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	found := func(c string) bool {
		t.Helper()
		got, err := s.FindIncoming(t.Context(), hash(c))
		if hub.CodeOf(err) == hub.NotFound {
			return false
		}
		if err != nil || got.ID != "w1" {
			t.Fatalf("found %q, error %v", got.ID, err)
		}
		return true
	}
	update := func(change func(*hub.IncomingWebhook)) {
		t.Helper()
		_, err := s.UpdateIncomingWebhook(t.Context(), "w1", func(w *hub.IncomingWebhook) error { change(w); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	steps := []struct {
		name             string
		do               func()
		present, earlier bool
	}{
		{"new", func() {}, true, true},
		{"overlap ending", func() { *now = begin.Add(time.Minute - time.Microsecond) }, true, true},
		{"overlap over", func() { *now = begin.Add(time.Minute) }, true, false},
		{"disabled", func() { update(func(w *hub.IncomingWebhook) { w.Enabled = false }) }, false, false},
		{"enabled", func() { update(func(w *hub.IncomingWebhook) { w.Enabled = true }) }, true, false},
		{"expired", func() { *now = begin.Add(time.Hour) }, false, false},
		{"extended", func() { update(func(w *hub.IncomingWebhook) { w.ExpiresAt = time.Time{} }) }, true, false},
		{"deleted", func() {
			if err := s.DeleteIncomingWebhook(t.Context(), "w1"); err != nil {
				t.Fatal(err)
			}
		}, false, false},
	}
	for _, step := range steps {
		step.do()
		if found("a") != step.present || found("0") != step.earlier {
			t.Errorf("%s: present token found %v, earlier one %v; want %v, %v", step.name, found("a"), found("0"), step.present, step.earlier)
		}
		if found("f") {
			t.Errorf("%s: an unknown token was found", step.name)
		}
		if w, err := s.IncomingByHash(t.Context(), hash("0")); err != nil || w.ID != "w1" {
			t.Errorf("%s: IncomingByHash: %q, %v", step.name, w.ID, err)
		}
	}
	if _, err := s.IncomingWebhook(t.Context(), "w1"); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("a deleted webhook: %v", err)
	}
	if err := s.DeleteIncomingWebhook(t.Context(), "w1"); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("deleting it again: %v", err)
	}
}

func TestIncomingNeedsAnOpenChannel(t *testing.T) {
	s, now := incomingStore(t)
	for channel, want := range map[hub.ChannelID]hub.Code{"archived": hub.Conflict, "nowhere": hub.NotFound} {
		w := newIncoming("w1", *now)
		w.ChannelID = channel
		if err := s.CreateIncomingWebhook(t.Context(), w); hub.CodeOf(err) != want {
			t.Errorf("created in %s: %v, want %s", channel, err, want)
		}
	}
	if err := s.CreateIncomingWebhook(t.Context(), newIncoming("w1", *now)); err != nil {
		t.Fatal(err)
	}
	for channel, want := range map[hub.ChannelID]hub.Code{"archived": hub.Conflict, "nowhere": hub.NotFound, "other": ""} {
		_, err := s.UpdateIncomingWebhook(t.Context(), "w1", func(w *hub.IncomingWebhook) error { w.ChannelID = channel; return nil })
		if hub.CodeOf(err) != want {
			t.Errorf("moved to %s: %v, want %q", channel, err, want)
		}
	}
	w, err := s.IncomingWebhook(t.Context(), "w1")
	if err != nil || w.ChannelID != "other" {
		t.Errorf("the webhook is in %q, error %v", w.ChannelID, err)
	}
}

func TestUpdateIncomingWebhook(t *testing.T) {
	s, now := incomingStore(t)
	w := newIncoming("w1", *now)
	if err := s.CreateIncomingWebhook(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("no")
	if _, err := s.UpdateIncomingWebhook(t.Context(), "w1", func(w *hub.IncomingWebhook) error { w.Name = "x"; return refused }); !errors.Is(err, refused) {
		t.Errorf("error %v, want the change's own", err)
	}
	*now = now.Add(time.Second)
	want := hub.IncomingWebhook{
		ID: "w1", Name: "B", ChannelID: "other", UserID: "u3", TokenHash: hash("b"), PreviousHash: hash("a"), PreviousUntil: now.Add(time.Hour),
		AllowIPs: []string{"192.0.2.1"}, RateLimit: -1, CreatedBy: "u2", CreatedAt: w.CreatedAt, UpdatedAt: *now,
	}
	got, err := s.UpdateIncomingWebhook(t.Context(), "w1", func(w *hub.IncomingWebhook) error {
		created, by := w.CreatedAt, w.CreatedBy
		*w = want
		w.CreatedAt, w.CreatedBy, w.UpdatedAt = created, by, time.Time{}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	read, err := s.IncomingWebhook(t.Context(), "w1")
	if err != nil {
		t.Fatal(err)
	}
	for name, have := range map[string]hub.IncomingWebhook{"returned": got, "stored": read} {
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLogCallsCountsUses(t *testing.T) {
	s, now := incomingStore(t)
	if err := s.CreateIncomingWebhook(t.Context(), newIncoming("w1", *now)); err != nil {
		t.Fatal(err)
	}
	later := now.Add(time.Minute)
	for _, use := range []hub.IncomingWebhook{
		{ID: "w1", CallCount: 3, RefusedCount: 2}, // never carried out: last_used_at stays empty
		{ID: "w1", CallCount: 2, LastUsedAt: later},
		{ID: "w1", CallCount: 1, RefusedCount: 1, LastUsedAt: *now}, // late news does not set it back
		{ID: "gone", CallCount: 1},
	} {
		if err := s.LogCalls(t.Context(), nil, []hub.IncomingWebhook{use}); err != nil {
			t.Fatal(err)
		}
	}
	w, err := s.IncomingWebhook(t.Context(), "w1")
	if err != nil {
		t.Fatal(err)
	}
	if w.CallCount != 6 || w.RefusedCount != 3 || !w.LastUsedAt.Equal(later) || !w.UpdatedAt.Equal(*now) {
		t.Errorf("%d calls, %d refused, last used %v, updated %v", w.CallCount, w.RefusedCount, w.LastUsedAt, w.UpdatedAt)
	}
}

func TestFindIncomingUsesItsIndexes(t *testing.T) {
	s, _ := incomingStore(t)
	plan := explain(t, s, `SELECT id FROM nchat_incoming_webhooks WHERE (token_hash = 'a' OR (previous_hash = 'a' AND previous_until > 'b'))
		AND enabled = 1 AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > 'b')`)
	if strings.Count(plan, "SEARCH") != 2 || strings.Contains(plan, "SCAN") {
		t.Errorf("planned as %s", plan)
	}
}
