package markup

import (
	"bytes"
	"encoding/json"

	"github.com/nself-chat/hub"
)

// Equal reports whether two documents are the same once both are normal.
func Equal(a, b Document) bool {
	x, errX := json.Marshal(Normal(a))
	y, errY := json.Marshal(Normal(b))
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// Check returns a [hub.TooLarge] error for a document with more than
// [MaxNodes] nodes.
func Check(d Document) error {
	n := 0
	Walk(d, func(Node) bool { n++; return n <= MaxNodes })
	if n > MaxNodes {
		return hub.Errorf(hub.TooLarge, "The text has more than %d parts.", MaxNodes)
	}
	return nil
}
