package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Failures of [Keys.Open], to be told apart with errors.Is.
var (
	// ErrMalformed: the text is not an envelope of this package.
	ErrMalformed = errors.New("secret: not a sealed value")
	// ErrUnknownKey: it was sealed with a key that is not in the list. The error names the key.
	ErrUnknownKey = errors.New("secret: sealed with a key that this hub does not have")
	// ErrAuthentication: the key is there but the value was altered, moved to another row, or sealed with another
	// key of the same id.
	ErrAuthentication = errors.New("secret: the sealed value does not authenticate")
)

const (
	envelopeVersion = "s1"
	keyBytes        = 32 // AES-256
	maxKeyIDLength  = 32
)

// envelopeEncoding is strict so that a sealed value has exactly one spelling.
var envelopeEncoding = base64.RawURLEncoding.Strict()

// Keys seals secrets for the database and opens them again. The first key of a list seals, all of them open, so a key
// is rotated by putting a new one in front and dropping the old one when nothing is sealed with it any more. Keys is
// immutable and safe for concurrent use; make it with [ParseKeys], [Load] or [LoadOrCreate].
//
// A sealed value is text: "s1:<key id>:<base64url of nonce, ciphertext and tag>", AES-256-GCM (NIST SP 800-38D) with
// a random 96-bit nonce. Version, key id and the caller's additional data are authenticated with it. One key must
// seal fewer than 2^32 values (ibid. §8.3).
type Keys struct {
	ids   []string // in the order given; the first seals
	aeads map[string]cipher.AEAD
}

// ParseKeys reads a list of keys "id:base64,id2:base64", also separated by spaces or new lines. An id is 1 to 32 of
// A-Z a-z 0-9 _ and -; a key is the base64 (either alphabet, padding optional) of 32 bytes. Errors name the place in
// the list, never its content.
func ParseKeys(list string) (*Keys, error) {
	keys, err := parseKeys(list)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	return keys, nil
}

func parseKeys(list string) (*Keys, error) {
	entries := strings.FieldsFunc(list, func(r rune) bool {
		return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r'
	})
	if len(entries) == 0 {
		return nil, errors.New("no key given: want id:base64 of 32 bytes")
	}
	keys := &Keys{aeads: make(map[string]cipher.AEAD, len(entries))}
	for i, entry := range entries {
		if err := keys.add(entry); err != nil {
			return nil, fmt.Errorf("key %d of %d: %w", i+1, len(entries), err)
		}
	}
	return keys, nil
}

func (k *Keys) add(entry string) error {
	id, encoded, found := strings.Cut(entry, ":")
	if !found {
		return errors.New("there is no colon: want id:base64")
	}
	if !validKeyID(id) {
		return fmt.Errorf("the id before the colon must be 1 to %d of A-Z a-z 0-9 _ -", maxKeyIDLength)
	}
	if _, taken := k.aeads[id]; taken {
		return errors.New("its id stands for another key already")
	}
	raw, err := decodeKey(encoded)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return fmt.Errorf("make cipher mode: %w", err)
	}
	k.ids = append(k.ids, id)
	k.aeads[id] = aead
	return nil
}

// decodeKey does not wrap the decoder's error: that one quotes a position, and the caller's key is all around it.
func decodeKey(encoded string) ([]byte, error) {
	text := strings.TrimRight(encoded, "=")
	text = strings.NewReplacer("+", "-", "/", "_").Replace(text)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("what follows the colon is not base64")
	}
	if len(raw) != keyBytes {
		return nil, fmt.Errorf("the key is %d bytes long, want %d (make one with: openssl rand -base64 %d)",
			len(raw), keyBytes, keyBytes)
	}
	return raw, nil
}

func validKeyID(id string) bool {
	if id == "" || len(id) > maxKeyIDLength {
		return false
	}
	for _, c := range []byte(id) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		digit := c >= '0' && c <= '9'
		if !letter && !digit && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// IDs returns the ids of the keys, the sealing one first. Ids are not secret.
func (k *Keys) IDs() []string { return append([]string(nil), k.ids...) }

// Seal encrypts plaintext with the first key. aad says where the value belongs, by table, column and row id; it is not
// stored, and [Keys.Open] needs the same, so that a sealed value copied to another row does not open there.
func (k *Keys) Seal(plaintext String, aad string) string {
	id := k.ids[0]
	box := k.aeads[id].Seal(nil, nil, []byte(plaintext.Reveal()), additionalData(id, aad))
	return envelope{keyID: id, box: box}.String()
}

// Open decrypts what [Keys.Seal] returned for the same aad. Its errors are [ErrMalformed], [ErrUnknownKey] and
// [ErrAuthentication], with what an operator can do about it.
func (k *Keys) Open(sealed, aad string) (String, error) {
	env, err := parseEnvelope(sealed)
	if err != nil {
		return String{}, err
	}
	aead, known := k.aeads[env.keyID]
	if !known {
		return String{}, fmt.Errorf("%w: key %q is needed and the hub has %s; put it back into HUB_SECRET_KEYS or the "+
			"keys file (any place but the first), or enter the credential anew",
			ErrUnknownKey, env.keyID, quoteAll(k.ids))
	}
	plain, err := aead.Open(nil, nil, env.box, additionalData(env.keyID, aad))
	if err != nil {
		return String{}, fmt.Errorf("%w: key %q is known, so the value was altered, belongs to another row, or was "+
			"sealed with a different key of that id; restore it from a backup or enter the credential anew",
			ErrAuthentication, env.keyID)
	}
	return New(string(plain)), nil
}

// Stale reports whether sealed was not sealed with the first key: it should be opened and sealed again before the old
// key is dropped. Text that is not a sealed value is not stale.
func (k *Keys) Stale(sealed string) bool {
	env, err := parseEnvelope(sealed)
	return err == nil && env.keyID != k.ids[0]
}

// String names the keys and shows none.
func (k *Keys) String() string { return "secret.Keys(" + strings.Join(k.ids, ", ") + ")" }

// GoString names the keys and shows none.
func (k *Keys) GoString() string { return k.String() }

// additionalData is unambiguous: neither the version nor a key id can hold a colon.
func additionalData(keyID, aad string) []byte {
	return []byte(envelopeVersion + ":" + keyID + ":" + aad)
}

func quoteAll(ids []string) string {
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = fmt.Sprintf("%q", id)
	}
	return strings.Join(quoted, ", ")
}

// envelope is a sealed value taken apart.
type envelope struct {
	keyID string
	box   []byte // nonce, ciphertext, tag
}

func (e envelope) String() string {
	return envelopeVersion + ":" + e.keyID + ":" + envelopeEncoding.EncodeToString(e.box)
}

// parseEnvelope checks the form of sealed only; whether it is authentic is for the key to say.
func parseEnvelope(sealed string) (envelope, error) {
	version, rest, found := strings.Cut(sealed, ":")
	if !found {
		return envelope{}, fmt.Errorf("%w: it has no version", ErrMalformed)
	}
	if version != envelopeVersion {
		return envelope{}, fmt.Errorf("%w: this release reads version %s only", ErrMalformed, envelopeVersion)
	}
	id, encoded, found := strings.Cut(rest, ":")
	if !found || !validKeyID(id) {
		return envelope{}, fmt.Errorf("%w: it names no key", ErrMalformed)
	}
	// The decoder skips new lines, which would give one value two spellings.
	if strings.ContainsAny(encoded, "\r\n") {
		return envelope{}, fmt.Errorf("%w: its content is not base64", ErrMalformed)
	}
	box, err := envelopeEncoding.DecodeString(encoded)
	if err != nil {
		return envelope{}, fmt.Errorf("%w: its content is not base64", ErrMalformed)
	}
	return envelope{keyID: id, box: box}, nil
}
