package dialect_test

import (
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

func TestNameWithEmoji(t *testing.T) {
	for _, test := range []struct{ emoji, name, want string }{
		{":bear:", "CI", "🐻 CI"},
		{" bear ", "CI", "🐻 CI"},
		{"🐻", "CI", "🐻 CI"},
		{":company_logo:", "CI", "CI"},
		{"https://a.example/x.png", "CI", "CI"},
		{":bear:", "", ""},
		{"", "CI", "CI"},
	} {
		if got := dialect.NameWithEmoji(test.emoji, test.name); got != test.want {
			t.Errorf("%q of %q: %q, want %q", test.emoji, test.name, got, test.want)
		}
	}
}
