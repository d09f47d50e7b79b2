package api

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/nself-chat/hub"
)

// Lists are read in pages. A cursor names the place where the next page
// begins: the kind of list, so that it is not used on another, and the key of
// the last item. Clients see it as opaque text.

// maxCursor bounds a cursor's length.
const maxCursor = 512

// encodeCursor returns the cursor of a place; "" for no place.
func encodeCursor(kind, key string) string {
	if key == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(kind + ":" + key))
}

// decodeCursor returns the key in a cursor of that kind; "" for "".
func decodeCursor(kind, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	if len(cursor) <= maxCursor {
		b, err := base64.RawURLEncoding.DecodeString(cursor)
		key, ok := strings.CutPrefix(string(b), kind+":")
		if err == nil && ok && key != "" && utf8.ValidString(key) {
			return key, nil
		}
	}
	return "", badCursor()
}

func badCursor() error {
	var errs hub.FieldErrors
	errs.Add("cursor", "must be the nextCursor of the page before, unchanged")
	return errs.Err()
}

// idCursor is decodeCursor for keys that are ids.
func idCursor[T ~string](kind, cursor string) (T, error) {
	key, err := decodeCursor(kind, cursor)
	if err == nil && key != "" && !hub.ValidID(key) {
		err = badCursor()
	}
	return T(key), err
}

// checkIDs refuses parameters of the query that are there and are no ids, which
// the databases would take each in its own way. given are names and values.
func checkIDs(given ...string) error {
	var errs hub.FieldErrors
	for i := 0; i+1 < len(given); i += 2 {
		if id := given[i+1]; id != "" && !hub.ValidID(id) {
			errs.Add(given[i], "must be an id")
		}
	}
	return errs.Err()
}

// Paging holds the query parameters of every list.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Items on a page."`
	Cursor string `query:"cursor" maxLength:"512" doc:"The nextCursor of the page before."`
}

// page is one page of a list.
type page[T any] struct {
	Items []T `json:"items"`
	// NextCursor is absent on the last page.
	NextCursor string `json:"nextCursor,omitempty" doc:"Where the next page begins; absent on the last one."`
}

// pageOf returns a page of items made of things; next is the cursor.
func pageOf[T, W any](things []T, wire func(T) W, next string) page[W] {
	out := page[W]{Items: make([]W, len(things)), NextCursor: next}
	for i := range things {
		out.Items[i] = wire(things[i])
	}
	return out
}

// nextOf is the cursor after the last of things, "" when there are no more.
func nextOf[T any](kind string, things []T, more bool, key func(T) string) string {
	if !more || len(things) == 0 {
		return ""
	}
	return encodeCursor(kind, key(things[len(things)-1]))
}
