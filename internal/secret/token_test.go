package secret

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
)

func TestToken(t *testing.T) {
	form := regexp.MustCompile(`^hub_[a-z2-7]{52}$`) // 256 bits at 5 a character
	seen := map[string]bool{}
	for range 1000 {
		token := Token(APITokenPrefix, 32).Reveal()
		if !form.MatchString(token) {
			t.Fatalf("form of %q", token)
		}
		if seen[token] {
			t.Fatal("a token came twice")
		}
		seen[token] = true
	}
}

func TestTokenRefusesShort(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a token of 15 bytes was made")
		}
	}()
	Token("hub_", 15)
}

func TestSigningSecret(t *testing.T) {
	encoded, found := strings.CutPrefix(SigningSecret().Reveal(), "whsec_")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil || len(raw) != 32 {
		t.Errorf("prefix %t, %d bytes, %v", found, len(raw), err)
	}
}

// The example of FIPS 180-2, appendix B.1.
func TestHash(t *testing.T) {
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got := Hash("abc"); got != want {
		t.Errorf("got %s", got)
	}
}
