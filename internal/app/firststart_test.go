package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/secret"
)

// TestConfiguredToken: the token of the settings is valid and none that was
// there before it, also when it is one that somebody made.
func TestConfiguredToken(t *testing.T) {
	a := newTestApp(t, nil)
	defer closeApp(t, a)
	first, second, made := strings.Repeat("1", minToken), strings.Repeat("2", minToken), strings.Repeat("3", minToken)
	if err := a.addToken(t.Context(), "made", secret.New(made)); err != nil {
		t.Fatal(err)
	}
	for _, start := range []struct{ given, want string }{
		{first, first}, {second, second}, {second, second}, {made, ""}, {first, first},
	} {
		a.config.AdminToken = secret.New(start.given)
		if _, err := a.Welcome(t.Context()); err != nil {
			t.Fatal(err)
		}
		tokens, err := a.store.Tokens(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		valid := func(token string) bool {
			return slices.ContainsFunc(tokens, func(k hub.APIToken) bool { return k.Hash == secret.Hash(token) })
		}
		if !valid(made) || valid(first) != (start.want == first) || valid(second) != (start.want == second) {
			t.Errorf("set to %.1s…: first %t, second %t, made %t", start.given, valid(first), valid(second), valid(made))
		}
	}
}
