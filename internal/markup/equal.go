package markup

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/nself-chat/hub"
)

// Equal reports whether two documents are the same once both are normal.
func Equal(a, b Document) bool {
	a, b = Normal(a), Normal(b)
	if reflect.DeepEqual(a, b) { // most often, and at a fraction of the cost
		return true
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
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
