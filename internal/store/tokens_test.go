package store

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

// noon is the time at which tests of credentials begin.
var noon = time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)

// openWithUsers opens an empty database whose clock is *now, with the users
// "ann" (owner, active) and "bob" (member, suspended).
func openWithUsers(t *testing.T, now *time.Time) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{
		Path: filepath.Join(t.TempDir(), "hub.db"), Synchronous: "NORMAL", Now: func() time.Time { return *now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	addUser(t, s, "ann", hub.RoleOwner, "active")
	addUser(t, s, "bob", hub.RoleMember, "suspended")
	return s
}

func addUser(t *testing.T, s *Store, name string, role hub.Role, status string) {
	t.Helper()
	err := s.write(t.Context(), func(t *tx) error {
		_, err := t.exec(`INSERT INTO nchat_users (id, email, display_name, username, status, metadata, created_at, updated_at)
			VALUES ($1, $2, $3, $1, $4, $5, $6, $6)`,
			name, name+"@example.org", "The "+name, status, asJSON(map[string]any{"kind": hub.UserHuman, "role": role}), at(t.now))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTokens(t *testing.T) {
	now := noon
	s := openWithUsers(t, &now)
	ctx := t.Context()
	want := hub.APIToken{
		ID: "t1", Name: "ci", UserID: "ann", Scope: hub.ScopeWrite, Channels: []hub.ChannelID{"c1", "c2"},
		Hash: "abc", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
	plain := hub.APIToken{ID: "t2", Name: "all", UserID: "ann", Scope: hub.ScopeAdmin, Channels: []hub.ChannelID{}, Hash: "def", CreatedAt: noon}
	for _, k := range []hub.APIToken{want, plain} {
		if err := s.CreateToken(ctx, nil, k); err != nil {
			t.Fatal(err)
		}
	}

	got, user, err := s.TokenByHash(ctx, "abc")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("token (-want +got):\n%s", diff)
	}
	wantUser := hub.User{
		ID: "ann", Kind: hub.UserHuman, Username: "ann", DisplayName: "The ann", Email: "ann@example.org", Role: hub.RoleOwner,
		Status: "active", CreatedAt: noon, UpdatedAt: noon,
	}
	if diff := cmp.Diff(wantUser, user); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	if _, _, err := s.TokenByHash(ctx, "nobody's"); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("unknown hash: %v", err)
	}

	later := noon.Add(5 * time.Minute)
	touch := func(when time.Time) {
		t.Helper()
		if err := s.TouchTokens(ctx, map[hub.TokenID]time.Time{"t1": when, "deleted": when}); err != nil {
			t.Fatal(err)
		}
	}
	touch(later)
	touch(noon) // an earlier time does not take it back
	want.LastUsedAt = later
	all, err := s.Tokens(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]hub.APIToken{want, plain}, all); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}

	if err := s.DeleteToken(ctx, "t1"); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteToken(ctx, "t1"); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("deleted twice: %v", err)
	}
	if _, err := s.Token(ctx, "t1"); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("a deleted token: %v", err)
	}
	if k, err := s.Token(ctx, "t2"); err != nil || k.Name != "all" {
		t.Errorf("the other token: %v, %v", k, err)
	}
}

func TestCreateTokenRefuses(t *testing.T) {
	now := noon
	s := openWithUsers(t, &now)
	first := hub.APIToken{ID: "t1", UserID: "ann", Scope: hub.ScopeRead, Hash: "abc", CreatedAt: noon}
	if err := s.CreateToken(t.Context(), nil, first); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		token hub.APIToken
		want  hub.Code
	}{
		"unknown user":   {hub.APIToken{ID: "t2", UserID: "eve", Scope: hub.ScopeRead, Hash: "x", CreatedAt: noon}, hub.NotFound},
		"suspended user": {hub.APIToken{ID: "t3", UserID: "bob", Scope: hub.ScopeRead, Hash: "y", CreatedAt: noon}, hub.NotFound},
		"same hash":      {hub.APIToken{ID: "t4", UserID: "ann", Scope: hub.ScopeRead, Hash: "abc", CreatedAt: noon}, hub.Conflict},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := s.CreateToken(context.Background(), nil, test.token); hub.CodeOf(err) != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	if all, err := s.Tokens(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%d tokens, %v", len(all), err)
	}
}
