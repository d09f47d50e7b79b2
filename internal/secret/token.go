package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// Prefixes of the credentials that the hub makes. A prefix tells a reader, a secret scanner and [Redactor] what was
// found.
const (
	APITokenPrefix      = "hub_"
	SigningSecretPrefix = "whsec_"
)

// minTokenBytes is the least entropy of a token: 128 bits, so that guessing one over the network is hopeless and a
// plain SHA-256 of it can be stored.
const minTokenBytes = 16

// tokenEncoding is lower-case base32 (RFC 4648 §6) without padding: nothing in it needs escaping in a URL, a shell or
// a YAML file, and a double click selects all of it.
var tokenEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Token returns prefix followed by bytes random bytes in lower-case base32. The randomness is crypto/rand's, which
// cannot fail. It panics when bytes is under 16: a shorter token must not be written by mistake.
func Token(prefix string, bytes int) String {
	return New(prefix + tokenEncoding.EncodeToString(randomBytes(bytes)))
}

// SigningSecret returns a new secret for signing webhooks: "whsec_" and the base64 of 32 random bytes
// (Standard Webhooks, "Signature scheme": 24 to 64 bytes).
func SigningSecret() String {
	return New(SigningSecretPrefix + base64.StdEncoding.EncodeToString(randomBytes(32)))
}

// Hash returns the SHA-256 of token in lower-case hexadecimal: the form in which tokens are stored and looked up. It
// is unsalted, which is right for random tokens only.
func Hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func randomBytes(n int) []byte {
	if n < minTokenBytes {
		panic(fmt.Sprintf("secret: a token of %d random bytes is too short, the least is %d", n, minTokenBytes))
	}
	b := make([]byte, n)
	_, _ = rand.Read(b) // never returns an error
	return b
}
