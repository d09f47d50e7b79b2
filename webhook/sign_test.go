package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// vector is a published signature.
type vector struct {
	Scheme, Source, Note        string
	Secret, ID, Timestamp, Body string
	Header, Signature           string
	Valid                       bool
}

func vectors(t *testing.T) []vector {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "contracts", "webhook-signing", "vectors.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && os.Getenv("CI") == "" {
		t.Skipf("published signature vectors are not here (%s)", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func unix(t *testing.T, s string) time.Time {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Unix(n, 0)
}

// Published signatures come out the same and verify; published forgeries do not.
func TestVectors(t *testing.T) {
	seen := make(map[string]int)
	for _, v := range vectors(t) {
		seen[v.Scheme]++
		body := []byte(v.Body)
		switch v.Scheme {
		case "standard-webhooks":
			checkStandardVector(t, v)
		case "github", "jira":
			if got := SignGitHub(v.Secret, body); (got == v.Signature) != v.Valid {
				t.Errorf("%s %s: signed %s, published %s (valid %v)", v.Scheme, v.Note, got, v.Signature, v.Valid)
			}
			header := http.Header{HeaderBodySignature: {v.Signature}}
			if err := VerifyBody(v.Secret, header, body); (err == nil) != v.Valid {
				t.Errorf("%s %s: %v, want valid %v", v.Scheme, v.Note, err, v.Valid)
			}
		case "slack":
			if got := SignSlack(v.Secret, unix(t, v.Timestamp), body); (got == v.Signature) != v.Valid {
				t.Errorf("slack %s: signed %s, published %s (valid %v)", v.Note, got, v.Signature, v.Valid)
			}
		default:
			t.Errorf("a vector of unknown scheme %q", v.Scheme)
		}
	}
	for _, scheme := range []string{"standard-webhooks", "github", "slack"} {
		if seen[scheme] == 0 {
			t.Errorf("no vector of %s", scheme)
		}
	}
}

func checkStandardVector(t *testing.T, v vector) {
	t.Helper()
	if v.Signature == "" { // a secret to be refused
		if _, err := NewSigner(v.Secret); !errors.Is(err, ErrSecret) {
			t.Errorf("%s: %v", v.Note, err)
		}
		return
	}
	at := unix(t, v.Timestamp)
	header := http.Header{HeaderID: {v.ID}, HeaderTimestamp: {v.Timestamp}, HeaderSignature: {v.Signature}}
	err := Verify(v.Secret, header, []byte(v.Body), Clock(func() time.Time { return at }))
	if v.Valid && err != nil || !v.Valid && !errors.Is(err, ErrSignature) {
		t.Errorf("%q: %v, want valid %v", v.Signature, err, v.Valid)
	}
	got, err := SignStandard(v.Secret, v.ID, at, []byte(v.Body))
	if err != nil || v.Valid && !strings.Contains(v.Signature, got) {
		t.Errorf("signed %s (%v), published %s", got, err, v.Signature)
	}
}

func TestSecretRule(t *testing.T) {
	key := []byte("0123456789abcdef01234567")
	body := []byte(`{"a":1}`)
	at := time.Unix(1_700_000_000, 0)
	want := func(key []byte) string {
		h := hmac.New(sha256.New, key)
		fmt.Fprintf(h, "id.1700000000.%s", body)
		return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	wantBody := func(secret string) string {
		h := hmac.New(sha256.New, []byte(secret))
		_, _ = h.Write(body)
		return "sha256=" + hex.EncodeToString(h.Sum(nil))
	}
	for secret, key := range map[string][]byte{
		"whsec_" + base64.StdEncoding.EncodeToString(key):         key,
		"whsec_" + base64.StdEncoding.EncodeToString(key[:23]):    key[:23], // padded
		"whsec_" + base64.RawStdEncoding.EncodeToString(key[:23]): key[:23], // not padded
		"your-secret-key": []byte("your-secret-key"),
		"ключ 🔑":          []byte("ключ 🔑"),
		"WHSEC_AAAA":      []byte("WHSEC_AAAA"),
	} {
		got, err := SignStandard(secret, "id", at, body)
		if err != nil || got != want(key) {
			t.Errorf("%q: %s, %v; want %s", secret, got, err, want(key))
		}
		if got := SignBody(secret, body); got != wantBody(secret) {
			t.Errorf("%q: %s, want %s", secret, got, wantBody(secret))
		}
	}
	for _, secret := range []string{"", "whsec_", "whsec_====", "whsec_not base64!", "whsec_A", "whsec_-_-_"} {
		if _, err := SignStandard(secret, "id", at, body); !errors.Is(err, ErrSecret) {
			t.Errorf("%q: %v, want ErrSecret", secret, err)
		}
	}
	for _, id := range []string{"", "a.b", "."} {
		if _, err := SignStandard("secret", id, at, body); !errors.Is(err, ErrID) {
			t.Errorf("id %q: %v, want ErrID", id, err)
		}
	}
}

// A Signer says the same as the plain functions, from many goroutines at once
// and after whatever it appends to.
func TestSigner(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	s, err := NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 200 {
				id, body := fmt.Sprint("id-", worker, "-", i), bytes.Repeat([]byte{byte(i)}, i*worker)
				at := time.Unix(int64(i)*1e6, 0)
				standard, err := SignStandard(secret, id, at, body)
				if err != nil {
					t.Error(err)
					return
				}
				for want, got := range map[string][]byte{
					"x" + standard:                    s.AppendStandard([]byte("x"), id, at.Unix(), body),
					"x" + SignBody(secret, body):      s.AppendBody([]byte("x"), body),
					"x" + SignSlack(secret, at, body): s.AppendSlack([]byte("x"), at.Unix(), body),
				} {
					if string(got) != want {
						t.Errorf("%s, want %s", got, want)
					}
				}
			}
		})
	}
	group.Wait()
}

func TestSignerHidesItsSecret(t *testing.T) {
	const secret = "S3CR3T-S3CR3T"
	s, err := NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	s.AppendStandard(nil, "id", 1, nil)
	v, err := NewVerifier(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []any{s, *v, v} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			text := fmt.Sprintf(verb, shown)
			if strings.Contains(text, secret) || strings.Contains(text, hex.EncodeToString([]byte(secret))) {
				t.Errorf("%s shows the secret: %s", verb, text)
			}
		}
	}
}

func TestSignerMakesNoGarbage(t *testing.T) {
	s, err := NewSigner("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	body, dst := make([]byte, 400), make([]byte, 0, 256)
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool drop what it is given")
	}
	n := testing.AllocsPerRun(1000, func() {
		dst = s.AppendStandard(dst[:0], "0199d2f0-7d5e-7c4b-9d5e-7c4b9d5e7c4b", 1_700_000_000, body)
		dst = s.AppendBody(dst[:0], body)
		dst = s.AppendSlack(dst[:0], 1_700_000_000, body)
	})
	if n > 0 {
		t.Errorf("three signatures made %v allocations", n)
	}
}

func BenchmarkSigner(b *testing.B) {
	s, err := NewSigner("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		b.Fatal(err)
	}
	body, dst := make([]byte, 400), make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = s.AppendStandard(dst[:0], "0199d2f0-7d5e-7c4b-9d5e-7c4b9d5e7c4b", 1_700_000_000, body)
		dst = s.AppendBody(dst[:0], body)
	}
}

func BenchmarkSignStandard(b *testing.B) {
	body, at := make([]byte, 400), time.Unix(1_700_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := SignStandard("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "0199d2f0-7d5e-7c4b-9d5e-7c4b9d5e7c4b", at, body); err != nil {
			b.Fatal(err)
		}
	}
}

// secrets are usable secrets of both forms.
func secrets() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringN(1, 40, -1).Filter(func(s string) bool { return !strings.HasPrefix(s, secretPrefix) }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 24, 64), func(key []byte) string {
			return secretPrefix + base64.StdEncoding.EncodeToString(key)
		}),
	)
}
