package dialect

import (
	"math/big"
	"strings"

	"github.com/nself-chat/hub"
)

// mostDigits is the length of 2^128-1 in decimal.
const mostDigits = 39

// Decimal writes an id of the hub as products do that count their messages: its 128
// bits as a whole number. What is no id is "0", which names nothing.
func Decimal(id string) string {
	if !hub.ValidID(id) {
		return "0"
	}
	n, _ := new(big.Int).SetString(strings.ReplaceAll(id, "-", ""), 16)
	return n.String()
}

// FromDecimal reads what [Decimal] wrote. Ids of other products, which are
// shorter, are told by the version and the variant that every UUID has (RFC 9562
// §4): ok is false for them, and for everything that Decimal would write otherwise.
func FromDecimal(s string) (id string, ok bool) {
	if len(s) > mostDigits || strings.Trim(s, "0123456789") != "" || strings.HasPrefix(s, "0") {
		return "", false
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || n.BitLen() > 128 {
		return "", false
	}
	const digits = "0123456789abcdef"
	var out strings.Builder
	for i, b := range n.FillBytes(make([]byte, 16)) {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out.WriteByte('-')
		}
		out.WriteByte(digits[b>>4])
		out.WriteByte(digits[b&15])
	}
	id = out.String()
	return id, isVersioned(id)
}

// isVersioned reports whether a UUID has a version, and the variant of RFC 9562.
func isVersioned(id string) bool {
	return id[14] >= '1' && id[14] <= '8' && strings.IndexByte("89ab", id[19]) >= 0
}

// Told returns the id of a message which an answer told in decimal, and anything
// else as it is.
func Told(s string) string {
	if id, ok := FromDecimal(s); ok {
		return id
	}
	return s
}
