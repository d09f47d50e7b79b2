package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

// addUsers adds the users "ann" (owner, active) and "bob" (member, suspended).
func addUsers(t *testing.T, s *Store) {
	t.Helper()
	for _, u := range []hub.User{
		{ID: ann, Username: "ann", Role: hub.RoleOwner, Status: "active"},
		{ID: bob, Username: "bob", Role: hub.RoleMember, Status: "suspended"},
	} {
		u.Kind, u.DisplayName, u.Email, u.CreatedAt, u.UpdatedAt = hub.UserHuman, "The "+u.Username, u.Username+"@example.org", s.Now(), s.Now()
		if err := s.CreateUser(t.Context(), &u); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTokens(t *testing.T) { onBoth(t, testTokens) }

func testTokens(t *testing.T, s *Store, _ *time.Time) {
	addUsers(t, s)
	ctx := t.Context()
	want := hub.APIToken{
		ID: id1, Name: "ci", UserID: ann, Scope: hub.ScopeWrite, Channels: []hub.ChannelID{id1, id2},
		Hash: "abc", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
	plain := hub.APIToken{ID: id2, Name: "all", UserID: ann, Scope: hub.ScopeAdmin, Channels: []hub.ChannelID{}, Hash: "def", CreatedAt: noon}
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
		ID: ann, Kind: hub.UserHuman, Username: "ann", DisplayName: "The ann", Email: "ann@example.org", Role: hub.RoleOwner,
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
		if err := s.TouchTokens(ctx, map[hub.TokenID]time.Time{id1: when, id5: when}); err != nil {
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

	if err := s.DeleteToken(ctx, id1); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteToken(ctx, id1); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("deleted twice: %v", err)
	}
	if _, err := s.Token(ctx, id1); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("a deleted token: %v", err)
	}
	if k, err := s.Token(ctx, id2); err != nil || k.Name != "all" {
		t.Errorf("the other token: %v, %v", k, err)
	}
}

func TestCreateTokenRefuses(t *testing.T) { onBoth(t, testCreateTokenRefuses) }

func testCreateTokenRefuses(t *testing.T, s *Store, _ *time.Time) {
	addUsers(t, s)
	first := hub.APIToken{ID: id1, UserID: ann, Scope: hub.ScopeRead, Hash: "abc", CreatedAt: noon}
	if err := s.CreateToken(t.Context(), nil, first); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		token hub.APIToken
		want  hub.Code
	}{
		"unknown user":   {hub.APIToken{ID: id2, UserID: nobody, Scope: hub.ScopeRead, Hash: "x", CreatedAt: noon}, hub.NotFound},
		"suspended user": {hub.APIToken{ID: id3, UserID: bob, Scope: hub.ScopeRead, Hash: "y", CreatedAt: noon}, hub.NotFound},
		"same hash":      {hub.APIToken{ID: id4, UserID: ann, Scope: hub.ScopeRead, Hash: "abc", CreatedAt: noon}, hub.Conflict},
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
