package dialect_test

import (
	"strings"
	"testing"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
)

func TestDecimal(t *testing.T) {
	for id, want := range map[string]string{
		"0190b3c8-7c4e-7a12-8000-000000000001": "2080565178836501455038008856301010945",
		"ffffffff-ffff-8fff-bfff-ffffffffffff": "340282366920937934553716840013076889599",
		"":                                     "0",
		"x":                                    "0",
	} {
		if got := dialect.Decimal(id); got != want {
			t.Errorf("Decimal(%q) = %s, want %s", id, got, want)
		}
	}
}

func TestFromDecimal(t *testing.T) {
	for name, s := range map[string]string{
		"nothing": "", "zero": "0", "of another product": "1012224565567125544", "a time of Slack's": "1503435956.000247",
		"padded": "02080565178836501455038008856301010945", "signed": "+2080565178836501455038008856301010945",
		"without a version": "2080565178835972549991927456037076993", "beyond 128 bits": "340282366920938463463374607431768211456",
		"a word": "deploys", "many digits": strings.Repeat("9", 1000), "other digits": "٢٠٨",
	} {
		if id, ok := dialect.FromDecimal(s); ok {
			t.Errorf("%s: %s is taken for %s", name, s, id)
		}
		if got := dialect.Told(s); got != s {
			t.Errorf("%s: told as %s, want %s", name, got, s)
		}
	}
	const id = "0190b3c8-7c4e-7a12-8000-000000000001"
	if got := dialect.Told(dialect.Decimal(id)); got != id {
		t.Errorf("%s came back as %s", id, got)
	}
}

func TestDecimalOfNewIDs(t *testing.T) {
	var ids hub.IDs
	for range 1000 {
		id := ids.New()
		if got, ok := dialect.FromDecimal(dialect.Decimal(id)); !ok || got != id {
			t.Fatalf("%s came back as %s", id, got)
		}
	}
}

func FuzzFromDecimal(f *testing.F) {
	f.Add("2080565178836501455038008856301010945")
	f.Add("340282366920938463463374607431768211455")
	f.Add("1012224565567125544")
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := dialect.FromDecimal(s)
		if !ok {
			return
		}
		if !hub.ValidID(id) {
			t.Fatalf("%q is no id", id)
		}
		if got := dialect.Decimal(id); got != s {
			t.Fatalf("%s is written as %s", s, got)
		}
	})
}
