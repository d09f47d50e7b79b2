package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

// The channels of addChannels.
const (
	openChannel     = id1
	otherChannel    = id2
	archivedChannel = id3
)

func addChannels(t *testing.T, s *Store) {
	t.Helper()
	err := s.write(t.Context(), func(t *tx) error {
		for id, name := range map[string]string{openChannel: "open", otherChannel: "other", archivedChannel: "archived"} {
			err := t.later(`INSERT INTO nchat_channels (id, name, slug, is_archived, created_at, updated_at) VALUES ($1, $2, $2, $3, $4, $4)`,
				id, name, name == "archived", at(t.now))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func hash(c string) string { return strings.Repeat(c, 64) }

func newIncoming(id hub.IncomingID, now time.Time) *hub.IncomingWebhook {
	return &hub.IncomingWebhook{
		ID: id, Name: "Builds", ChannelID: openChannel, UserID: ann, Username: "CI", AvatarURL: "https://example.com/a.png", Enabled: true,
		TokenHash: hash("a"), SealedHMAC: "s1:k:box", AllowIPs: []string{"192.0.2.0/24"}, ExpiresAt: now.Add(time.Hour),
		RateLimit: 5, AllowMentions: true, CreatedBy: bob, CreatedAt: now, UpdatedAt: now,
	}
}

func TestIncomingWebhookRoundTrip(t *testing.T) { onBoth(t, testIncomingWebhookRoundTrip) }

func testIncomingWebhookRoundTrip(t *testing.T, s *Store, now *time.Time) {
	addChannels(t, s)
	full := newIncoming(id1, *now)
	full.PreviousHash, full.PreviousUntil = hash("0"), now.Add(time.Minute)
	bare := &hub.IncomingWebhook{ID: id2, Name: "n", ChannelID: openChannel, UserID: ann, TokenHash: hash("b"), CreatedAt: *now, UpdatedAt: *now}
	for _, w := range []*hub.IncomingWebhook{full, bare} {
		if err := s.CreateIncomingWebhook(t.Context(), w, nil); err != nil {
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

func TestFindIncomingOnlyInForce(t *testing.T) { onBoth(t, testFindIncomingOnlyInForce) }

func testFindIncomingOnlyInForce(t *testing.T, s *Store, now *time.Time) {
	addChannels(t, s)
	begin := *now
	w := newIncoming(id1, begin)
	w.PreviousHash, w.PreviousUntil = hash("0"), begin.Add(time.Minute)
	if err := s.CreateIncomingWebhook(t.Context(), w, nil); err != nil {
		t.Fatal(err)
	}
	found := func(c string) bool {
		t.Helper()
		got, err := s.FindIncoming(t.Context(), hash(c))
		if hub.CodeOf(err) == hub.NotFound {
			return false
		}
		if err != nil || got.ID != id1 {
			t.Fatalf("found %q, error %v", got.ID, err)
		}
		return true
	}
	update := func(change func(*hub.IncomingWebhook)) {
		t.Helper()
		_, err := s.UpdateIncomingWebhook(t.Context(), id1, func(w *hub.IncomingWebhook) error { change(w); return nil })
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
			if err := s.DeleteIncomingWebhook(t.Context(), id1, nil); err != nil {
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
		if w, err := s.IncomingByHash(t.Context(), hash("0")); err != nil || w.ID != id1 {
			t.Errorf("%s: IncomingByHash: %q, %v", step.name, w.ID, err)
		}
	}
	if _, err := s.IncomingWebhook(t.Context(), id1); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("a deleted webhook: %v", err)
	}
	if err := s.DeleteIncomingWebhook(t.Context(), id1, nil); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("deleting it again: %v", err)
	}
}

func TestIncomingNeedsAnOpenChannel(t *testing.T) { onBoth(t, testIncomingNeedsAnOpenChannel) }

func testIncomingNeedsAnOpenChannel(t *testing.T, s *Store, now *time.Time) {
	addChannels(t, s)
	for channel, want := range map[hub.ChannelID]hub.Code{archivedChannel: hub.Conflict, nobody: hub.NotFound} {
		w := newIncoming(id1, *now)
		w.ChannelID = channel
		if err := s.CreateIncomingWebhook(t.Context(), w, nil); hub.CodeOf(err) != want {
			t.Errorf("created in %s: %v, want %s", channel, err, want)
		}
	}
	if err := s.CreateIncomingWebhook(t.Context(), newIncoming(id1, *now), nil); err != nil {
		t.Fatal(err)
	}
	for channel, want := range map[hub.ChannelID]hub.Code{archivedChannel: hub.Conflict, nobody: hub.NotFound, otherChannel: ""} {
		_, err := s.UpdateIncomingWebhook(t.Context(), id1, func(w *hub.IncomingWebhook) error { w.ChannelID = channel; return nil })
		if hub.CodeOf(err) != want {
			t.Errorf("moved to %s: %v, want %q", channel, err, want)
		}
	}
	w, err := s.IncomingWebhook(t.Context(), id1)
	if err != nil || w.ChannelID != otherChannel {
		t.Errorf("the webhook is in %q, error %v", w.ChannelID, err)
	}
}

// A webhook and its user are made together or not at all.
func TestIncomingWebhookWithItsUser(t *testing.T) { onBoth(t, testIncomingWebhookWithItsUser) }

func testIncomingWebhookWithItsUser(t *testing.T, s *Store, now *time.Time) {
	addChannels(t, s)
	user := &hub.User{
		ID: ann, Kind: hub.UserWebhook, Username: "ci", DisplayName: "CI", Email: "ann@users.invalid", Role: hub.RoleMember,
		Status: "active", CreatedAt: *now, UpdatedAt: *now,
	}
	event := func(id hub.EventID) hub.Routing {
		return hub.Routing{Event: &hub.Event{
			ID: id, Type: hub.EventUserCreated, Time: *now, Data: []byte("{}"), Origin: hub.Origin{Kind: hub.OriginHub},
		}}
	}
	for name, spoil := range map[string]func(w *hub.IncomingWebhook){
		"no such channel": func(w *hub.IncomingWebhook) { w.ChannelID = nobody },
		"token is taken":  func(w *hub.IncomingWebhook) { w.TokenHash = hash("0") },
	} {
		taken := newIncoming(id4, *now)
		taken.TokenHash = hash("0")
		_ = s.CreateIncomingWebhook(t.Context(), taken, nil) // the second time it is there
		bad := newIncoming(id1, *now)
		spoil(bad)
		if err := s.CreateIncomingWebhook(t.Context(), bad, user, event(id5)); err == nil {
			t.Fatalf("%s: made", name)
		}
		if _, err := s.User(t.Context(), user.ID); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("%s: the user is left over: %v", name, err)
		}
	}
	if err := s.CreateIncomingWebhook(t.Context(), newIncoming(id1, *now), user, event(id5)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.User(t.Context(), user.ID); err != nil {
		t.Error(err)
	}
	if _, err := s.Event(t.Context(), id5); err != nil {
		t.Error(err)
	}
	second := newIncoming(id2, *now)
	second.TokenHash = hash("b")
	twin := *user
	twin.ID, twin.Email = bob, "bob@users.invalid"
	if err := s.CreateIncomingWebhook(t.Context(), second, &twin, event(id4)); hub.CodeOf(err) != hub.Conflict {
		t.Errorf("with a name that is taken: %v", err)
	}
	if _, err := s.IncomingWebhook(t.Context(), id2); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("the webhook is left over: %v", err)
	}
}

func TestUpdateIncomingWebhook(t *testing.T) { onBoth(t, testUpdateIncomingWebhook) }

func testUpdateIncomingWebhook(t *testing.T, s *Store, now *time.Time) {
	addChannels(t, s)
	w := newIncoming(id1, *now)
	if err := s.CreateIncomingWebhook(t.Context(), w, nil); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("no")
	if _, err := s.UpdateIncomingWebhook(t.Context(), id1, func(w *hub.IncomingWebhook) error { w.Name = "x"; return refused }); !errors.Is(err, refused) {
		t.Errorf("error %v, want the change's own", err)
	}
	*now = now.Add(time.Second)
	want := hub.IncomingWebhook{
		ID: id1, Name: "B", ChannelID: otherChannel, UserID: nobody, TokenHash: hash("b"), PreviousHash: hash("a"), PreviousUntil: now.Add(time.Hour),
		AllowIPs: []string{"192.0.2.1"}, RateLimit: -1, CreatedBy: bob, CreatedAt: w.CreatedAt, UpdatedAt: *now,
	}
	got, err := s.UpdateIncomingWebhook(t.Context(), id1, func(w *hub.IncomingWebhook) error {
		created, by := w.CreatedAt, w.CreatedBy
		*w = want
		w.CreatedAt, w.CreatedBy, w.UpdatedAt = created, by, time.Time{}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	read, err := s.IncomingWebhook(t.Context(), id1)
	if err != nil {
		t.Fatal(err)
	}
	for name, have := range map[string]hub.IncomingWebhook{"returned": got, "stored": read} {
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLogCallsCountsUses(t *testing.T) { onBoth(t, testLogCallsCountsUses) }

func testLogCallsCountsUses(t *testing.T, s *Store, now *time.Time) {
	addChannels(t, s)
	if err := s.CreateIncomingWebhook(t.Context(), newIncoming(id1, *now), nil); err != nil {
		t.Fatal(err)
	}
	later := now.Add(time.Minute)
	for _, use := range []hub.IncomingWebhook{
		{ID: id1, CallCount: 3, RefusedCount: 2}, // never carried out: last_used_at stays empty
		{ID: id1, CallCount: 2, LastUsedAt: later},
		{ID: id1, CallCount: 1, RefusedCount: 1, LastUsedAt: *now}, // late news does not set it back
		{ID: nobody, CallCount: 1},
	} {
		if err := s.LogCalls(t.Context(), nil, []hub.IncomingWebhook{use}); err != nil {
			t.Fatal(err)
		}
	}
	w, err := s.IncomingWebhook(t.Context(), id1)
	if err != nil {
		t.Fatal(err)
	}
	if w.CallCount != 6 || w.RefusedCount != 3 || !w.LastUsedAt.Equal(later) || !w.UpdatedAt.Equal(*now) {
		t.Errorf("%d calls, %d refused, last used %v, updated %v", w.CallCount, w.RefusedCount, w.LastUsedAt, w.UpdatedAt)
	}
}

func TestFindIncomingUsesItsIndexes(t *testing.T) {
	s := openTest(t, Options{})
	plan := explain(t, s, `SELECT id FROM nchat_incoming_webhooks WHERE (token_hash = 'a' OR (previous_hash = 'a' AND previous_until > 'b'))
		AND enabled AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > 'b')`)
	if strings.Count(plan, "SEARCH") != 2 || strings.Contains(plan, "SCAN") {
		t.Errorf("planned as %s", plan)
	}
}
