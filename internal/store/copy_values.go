package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/nself-chat/hub"
)

// kind is what a column holds, whatever a database calls it. A value on its way
// is nil for NULL, or of the type that stands beside its kind.
type kind byte

const (
	kindText  kind = iota // string
	kindID                // string: a canonical UUID
	kindIDs               // []string
	kindTime              // time.Time: UTC, microseconds
	kindJSON              // string
	kindBool              // bool
	kindInt32             // int64
	kindInt64             // int64
	kindBytes             // []byte
)

// kinds are named by the types of Postgres: SQLite has fewer.
var kinds = map[string]kind{
	"text": kindText, "uuid": kindID, "uuid[]": kindIDs, "timestamptz": kindTime, "jsonb": kindJSON,
	"boolean": kindBool, "integer": kindInt32, "bigint": kindInt64, "bytea": kindBytes,
}

// cell takes one column of a row from either database.
type cell struct {
	kind  kind
	value any
	fixed *int64 // counts what Postgres would not have kept as it was
	err   error  // of the last scan
}

// Scan implements sql.Scanner.
func (c *cell) Scan(src any) error {
	c.value, c.err = nil, nil
	if src != nil {
		c.value, c.err = c.read(src)
	}
	return c.err
}

func (c *cell) read(src any) (any, error) {
	switch c.kind {
	case kindBool:
		return readBool(src)
	case kindInt32, kindInt64:
		n, ok := src.(int64)
		if !ok || c.kind == kindInt32 && (n < math.MinInt32 || n > math.MaxInt32) {
			return nil, errors.New("is no number that fits")
		}
		return n, nil
	case kindBytes:
		switch v := src.(type) {
		case []byte:
			return append([]byte{}, v...), nil // an empty one is not NULL
		case string:
			return []byte(v), nil
		}
	case kindTime:
		var t Time
		if err := t.Scan(src); err != nil {
			return nil, errors.New("is no time")
		}
		return t.UTC().Truncate(time.Microsecond), nil
	default:
		switch v := src.(type) {
		case []byte:
			return c.readText(string(v))
		case string:
			return c.readText(v)
		}
	}
	return nil, fmt.Errorf("holds a %T", src)
}

func readBool(src any) (any, error) {
	switch v := src.(type) {
	case bool:
		return v, nil
	case int64:
		if v == 0 || v == 1 {
			return v == 1, nil
		}
	}
	return nil, errors.New("is neither true nor false")
}

func (c *cell) readText(text string) (any, error) {
	switch c.kind {
	case kindID:
		if !hub.ValidID(text) {
			return nil, errors.New("is no id")
		}
		return text, nil
	case kindIDs:
		return readIDs(text)
	case kindJSON:
		return c.readJSON(text)
	}
	good := storableText(text)
	c.count(good != text)
	return good, nil
}

func (c *cell) count(changed bool) {
	if changed && c.fixed != nil {
		*c.fixed++
	}
}

// readIDs reads an array of Postgres, or the JSON that SQLite has instead.
func readIDs(text string) (any, error) {
	ids := []string{}
	if list, ok := strings.CutPrefix(text, "{"); ok {
		if list = strings.TrimSuffix(list, "}"); list != "" {
			ids = strings.Split(list, ",")
		}
	} else if err := json.Unmarshal([]byte(text), &ids); err != nil || ids == nil {
		return nil, errors.New("is no list of ids")
	}
	if slices.ContainsFunc(ids, func(id string) bool { return !hub.ValidID(id) }) {
		return nil, errors.New("is no list of ids")
	}
	return ids, nil
}

// readJSON makes JSON fit for jsonb, which takes no NUL and no half of a
// surrogate pair ("JSON Types" of Postgres' manual).
func (c *cell) readJSON(text string) (any, error) {
	good := storableText(text)
	if !json.Valid([]byte(good)) {
		return nil, errors.New("is no JSON")
	}
	good = storableJSON(good)
	if strings.Contains(good, `\ud`) || strings.Contains(good, `\uD`) {
		value, err := decodeJSON(good)
		if err != nil {
			return nil, err
		}
		whole, err := json.Marshal(value) // halves become U+FFFD
		if err != nil {
			return nil, fmt.Errorf("store: encode a column: %w", err)
		}
		c.count(good != text || strings.Count(string(whole), replacement) != strings.Count(good, replacement))
		return string(whole), nil
	}
	c.count(good != text)
	return good, nil
}

func decodeJSON(text string) (value any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("store: decode a column: %w", err)
	}
	return value, nil
}

// forPostgres returns a value as pgx sends it for a column of that kind.
func (k kind) forPostgres(value any) (any, error) {
	switch {
	case value == nil:
		return nil, nil
	case k == kindID:
		var id pgtype.UUID
		err := id.Scan(value.(string))
		return id, err
	case k == kindIDs:
		ids := make([]pgtype.UUID, len(value.([]string)))
		for i, text := range value.([]string) {
			if err := ids[i].Scan(text); err != nil {
				return nil, err
			}
		}
		return ids, nil
	}
	return value, nil
}

// forSQLite returns a value as it stands in a column.
func forSQLite(value any) (any, error) {
	switch v := value.(type) {
	case time.Time:
		return at(v).text(), nil
	case []string:
		return encodeColumn(v)
	}
	return value, nil
}

func keyText(value any) string {
	if n, ok := value.(int64); ok {
		return strconv.FormatInt(n, 10)
	}
	text, _ := value.(string)
	return text
}

func keyValue(k kind, text string) (any, error) {
	if k != kindInt32 && k != kindInt64 {
		return text, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, errors.New("store: the state of the copy names a key that is no number")
	}
	return n, nil
}

// sizeOf is about the memory that a row takes, in bytes.
func sizeOf(row []any) int {
	n := 16 * len(row)
	for _, value := range row {
		switch v := value.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		case []string:
			n += 40 * len(v)
		}
	}
	return n
}
