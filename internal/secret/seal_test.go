package secret

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// key returns a valid entry whose key bytes are all b.
func key(id string, b byte) string {
	return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune(b)), keyBytes)))
}

func mustParse(t interface{ Fatal(...any) }, list string) *Keys {
	keys, err := ParseKeys(list)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestSealRoundTrip(t *testing.T) {
	keys := mustParse(t, key("new", 'n')+","+key("old", 'o'))
	old := mustParse(t, key("old", 'o'))
	rapid.Check(t, func(t *rapid.T) {
		plain := New(rapid.String().Draw(t, "plain"))
		aad := rapid.String().Draw(t, "aad")
		for _, sealer := range []*Keys{keys, old} {
			sealed := sealer.Seal(plain, aad)
			got, err := keys.Open(sealed, aad)
			if err != nil || !got.Equal(plain) {
				t.Fatalf("opened %q, %v", got.Reveal(), err)
			}
			if again := sealer.Seal(plain, aad); again == sealed {
				t.Fatal("sealing twice gave the same text: the nonce repeats")
			}
			if keys.Stale(sealed) != (sealer == old) {
				t.Fatalf("Stale = %t", keys.Stale(sealed))
			}
			if len(plain.Reveal()) > 4 && strings.Contains(sealed, plain.Reveal()) {
				t.Fatal("the sealed value shows the plaintext")
			}
			other := rapid.String().Draw(t, "other aad")
			if _, err := keys.Open(sealed, other); (err == nil) != (other == aad) {
				t.Fatalf("aad %q opened as %q: %v", aad, other, err)
			}
		}
	})
}

func TestAlterationIsNoticed(t *testing.T) {
	keys := mustParse(t, key("k1", 'a')+","+key("k2", 'b'))
	sealed := keys.Seal(New(value), "table/1")
	rapid.Check(t, func(t *rapid.T) {
		altered := []byte(sealed)
		i := rapid.IntRange(0, len(altered)-1).Draw(t, "position")
		altered[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "mask"))
		got, err := keys.Open(string(altered), "table/1")
		if err == nil || !got.IsZero() {
			t.Fatalf("altered at %d and still opened", i)
		}
	})
	// The key id is authenticated: a value cannot be passed off as sealed by another key of the same bytes.
	twins := mustParse(t, key("a", 'x')+","+key("b", 'x'))
	if _, err := twins.Open(strings.Replace(twins.Seal(New("v"), ""), "s1:a:", "s1:b:", 1), ""); !errors.Is(err, ErrAuthentication) {
		t.Errorf("another key id: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	keys := mustParse(t, key("now", 'n'))
	foreign := mustParse(t, key("k2020", 'z')).Seal(New(value), "row")
	impostor := mustParse(t, key("now", 'y')).Seal(New(value), "row")
	for _, c := range []struct {
		name, sealed string
		want         error
		says         []string
	}{
		{"missing key", foreign, ErrUnknownKey, []string{`"k2020"`, `"now"`, "HUB_SECRET_KEYS", "keys file"}},
		{"other key of that id", impostor, ErrAuthentication, []string{`"now"`, "backup"}},
		{"other row", keys.Seal(New(value), "row2"), ErrAuthentication, []string{"another row"}},
		{"empty", "", ErrMalformed, nil},
		{"plain text", "hunter2", ErrMalformed, nil},
		{"later version", "s2:now:AAAA", ErrMalformed, []string{"s1"}},
		{"no content", "s1:now", ErrMalformed, nil},
		{"bad id", "s1:a b:AAAA", ErrMalformed, nil},
		{"no base64", "s1:now:$$$", ErrMalformed, nil},
		{"padding", "s1:now:AA==", ErrMalformed, nil},
		{"new line", "s1:now:AA\nAA", ErrMalformed, nil},
		{"too short", "s1:now:AAAA", ErrAuthentication, nil},
		{"nothing sealed", "s1:now:", ErrAuthentication, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := keys.Open(c.sealed, "row")
			if !errors.Is(err, c.want) || !got.IsZero() {
				t.Fatalf("got %q, %v", got.Reveal(), err)
			}
			for _, word := range c.says {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %s", err, word)
				}
			}
			if keys.Stale(c.sealed) != errors.Is(c.want, ErrUnknownKey) {
				t.Errorf("Stale = %t", keys.Stale(c.sealed))
			}
		})
	}
}

func TestParseKeys(t *testing.T) {
	raw := strings.Repeat("\xfb\xff", 16) // both alphabets differ here
	std := base64.StdEncoding.EncodeToString([]byte(raw))
	for name, list := range map[string]string{
		"one":            "a:" + std,
		"unpadded":       "a:" + strings.TrimRight(std, "="),
		"url alphabet":   "a:" + base64.URLEncoding.EncodeToString([]byte(raw)),
		"space around":   "  a:" + std + " ",
		"trailing comma": "a:" + std + ",",
	} {
		keys, err := ParseKeys(list)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := mustParse(t, "a:"+std)
		if _, err := want.Open(keys.Seal(New("v"), ""), ""); err != nil {
			t.Errorf("%s is read as another key: %v", name, err)
		}
	}
	keys := mustParse(t, key("b", 1)+", "+key("a", 2)+"\n"+key("c", 3))
	if diff := cmp.Diff([]string{"b", "a", "c"}, keys.IDs()); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestParseKeysRefuses(t *testing.T) {
	const material = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I" // 32 bytes
	for name, list := range map[string]string{
		"nothing":       " , ",
		"no id":         material,
		"empty id":      ":" + material,
		"swapped":       material + "=:k1",
		"bad id":        "k 1:" + material,
		"long id":       strings.Repeat("k", 33) + ":" + material,
		"not base64":    "k1:" + material[:40] + "!!!",
		"16 bytes":      "k1:" + material[:22],
		"33 bytes":      "k1:" + material + "A",
		"same id twice": "k1:" + material + ",k1:" + material,
		"second is bad": key("k1", 1) + "," + material,
	} {
		_, err := ParseKeys(list)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for i := 0; i+8 <= len(material); i++ {
			if strings.Contains(err.Error(), material[i:i+8]) {
				t.Errorf("%s: the error shows key material: %v", name, err)
				break
			}
		}
	}
}

func TestKeysPrintNoKey(t *testing.T) {
	keys := mustParse(t, key("k1", 'a'))
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		out := fmt.Sprintf(format, keys) + fmt.Sprintf(format, struct{ k *Keys }{keys})
		if strings.Contains(out, "aaaa") || strings.Contains(out, "97 97") || strings.Contains(out, "0x61, 0x61") {
			t.Errorf("%s shows the key: %s", format, out)
		}
	}
}

func FuzzParseEnvelope(f *testing.F) {
	keys := mustParse(f, key("k1", 'a'))
	f.Add(keys.Seal(New(value), "row"))
	f.Add("s1::")
	f.Add("s1:k1:AA==")
	f.Add("s1:k1:AB")
	f.Add("s2:k1:AAAA")
	f.Add("s1:k1:AA\nAA")
	f.Fuzz(func(t *testing.T, text string) {
		env, err := parseEnvelope(text)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("error of another kind: %v", err)
			}
			return
		}
		if env.String() != text {
			t.Errorf("%q is a second spelling of %q", text, env)
		}
		if _, err := keys.Open(text, "fuzz"); err == nil {
			t.Errorf("%q opened", text)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add(key("k1", 'a'))
	f.Add("a:b,c:d")
	f.Add(":::,,,")
	f.Fuzz(func(t *testing.T, list string) {
		keys, err := ParseKeys(list)
		if err != nil {
			return
		}
		if got, err := keys.Open(keys.Seal(New("v"), "a"), "a"); err != nil || got.Reveal() != "v" {
			t.Errorf("accepted keys do not work: %v", err)
		}
	})
}
