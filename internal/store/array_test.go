package store

import (
	"bytes"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/nself-chat/hub"
)

// TestArraysAreThoseOfPgx: an array is, byte for byte, what pgx makes of a slice of
// the same values.
func TestArraysAreThoseOfPgx(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 7_008_009, time.UTC)
	before := time.Date(1999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	text, number := "a", 404
	for name, c := range map[string]struct {
		oid        uint32
		own, other any
	}{
		"uuid": {
			pgtype.UUIDArrayOID, uuidArray([]hub.EventID{hub.EventID(id1), hub.EventID(id2)}, itself),
			[]pgtype.UUID{uuidOf(t, string(id1)), uuidOf(t, string(id2))},
		},
		"uuid or NULL": {
			pgtype.UUIDArrayOID, uuidArrayOrNull([]hub.ChannelID{"", hub.ChannelID(id2)}, itself),
			[]pgtype.UUID{{}, uuidOf(t, string(id2))},
		},
		"text":            {pgtype.TextArrayOID, textArray([]string{"", "ä", `"{,}`}, itself), []string{"", "ä", `"{,}`}},
		"text or NULL":    {pgtype.TextArrayOID, textArrayOrNull([]string{"", "a"}, itself), []*string{nil, &text}},
		"jsonb":           {pgtype.JSONBArrayOID, jsonbArray([]string{`{"a":1}`, ""}, itself), [][]byte{[]byte(`{"a":1}`), nil}},
		"bytea":           {pgtype.ByteaArrayOID, byteaArray([][]byte{{0, 255}, nil, {}}, itself), [][]byte{{0, 255}, nil, nil}},
		"bool":            {pgtype.BoolArrayOID, boolArray([]bool{true, false}, itself), []bool{true, false}},
		"bigint":          {pgtype.Int8ArrayOID, bigintArray([]int64{0, -1, 1 << 40}, itself), []int64{0, -1, 1 << 40}},
		"integer":         {pgtype.Int4ArrayOID, integerArray([]int{0, -1, 599}, itself), []int{0, -1, 599}},
		"integer or NULL": {pgtype.Int4ArrayOID, integerArrayOrNull([]int{0, 404}, itself), []*int{nil, &number}},
		"time":            {pgtype.TimestamptzArrayOID, timeArray([]time.Time{at, {}, before}, itself), []*time.Time{&at, nil, &before}},
		"nothing":         {pgtype.TextArrayOID, textArray(nil, itself[string]), []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			own, ok := c.own.(array)
			if !ok {
				t.Fatalf("it goes as %T", c.own)
			}
			want, err := pgtype.NewMap().Encode(c.oid, pgtype.BinaryFormatCode, c.other, nil)
			if err != nil || !bytes.Equal(own.binary, want) {
				t.Errorf("%x, want %x, %v", own.binary, want, err)
			}
		})
	}
}

func uuidOf(t *testing.T, id string) (u pgtype.UUID) {
	t.Helper()
	if err := u.Scan(id); err != nil {
		t.Fatal(err)
	}
	return u
}

// TestArraysOfWhatIsNoID: an id that is none is for the database to refuse.
func TestArraysOfWhatIsNoID(t *testing.T) {
	for _, id := range []hub.WebhookID{"", "1", hub.WebhookID(id1[:35]), id1 + "0", "019c1912-0000-7000-8000-00000000000g", "019c1912 0000-7000-8000-000000000001"} {
		if a, ok := uuidArray([]hub.WebhookID{id1, id}, itself).([]*string); !ok || *a[1] != string(id) {
			t.Errorf("%q goes as %v", id, a)
		}
		if a, ok := uuidArrayOrNull([]hub.WebhookID{id1, id}, itself).([]*string); id != "" && (!ok || *a[1] != string(id)) {
			t.Errorf("%q or NULL goes as %v", id, a)
		}
	}
}

// TestArraysOfTextThatCannotBeStored: as with single texts.
func TestArraysOfTextThatCannotBeStored(t *testing.T) {
	for _, s := range []string{"a\x00b", "a\xffb"} {
		if got := textArray([]string{s}, itself); !bytes.Contains(got.binary, []byte("a\uFFFDb")) {
			t.Errorf("%q goes as %q", s, got.binary)
		}
	}
}
