package store

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// array is an argument in the form in which Postgres takes one-dimensional arrays
// (array_recv in utils/adt/arrayfuncs.c): how many dimensions, whether any element
// is NULL, the type of the elements, how many there are, the lower bound; then the
// length and the bytes of each.
//
// pgx would make the same of slices, and of pointers in them for what may be NULL,
// but by reflection, and ids by way of text, which it tries last: a quarter of
// what a write cost the hub.
type array struct{ binary []byte } // a struct: where it is not known, pgx refuses it

const (
	arrayHead = 20
	isNull    = ^uint32(0) // as a length
)

// arrayOf makes an array of one value of each element: put appends it, or returns
// false for NULL.
func arrayOf[E any](elementOID uint32, all []E, put func(b []byte, e E) ([]byte, bool)) array {
	b := make([]byte, arrayHead, arrayHead+len(all)*24)
	binary.BigEndian.PutUint32(b, 1)
	binary.BigEndian.PutUint32(b[8:], elementOID)
	binary.BigEndian.PutUint32(b[12:], uint32(len(all))) //nolint:gosec // a group's rows
	binary.BigEndian.PutUint32(b[16:], 1)
	for _, e := range all {
		at := len(b)
		b = append(b, 0, 0, 0, 0)
		value, ok := put(b, e)
		if !ok {
			binary.BigEndian.PutUint32(b[4:], 1)
			binary.BigEndian.PutUint32(b[at:], isNull)
			continue
		}
		b = value
		binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4)) //nolint:gosec // pgx bounds messages to a gigabyte
	}
	return array{b}
}

// uuidArray is an array of ids. If any is none, all go as text, for Postgres to
// refuse.
func uuidArray[E any, ID ~string](all []E, id func(E) ID) any {
	return idArray(all, func(e E) string { return string(id(e)) }, false)
}

// uuidArrayOrNull is uuidArray with NULL for "".
func uuidArrayOrNull[E any, ID ~string](all []E, id func(E) ID) any {
	return idArray(all, func(e E) string { return string(id(e)) }, true)
}

func idArray[E any](all []E, id func(E) string, orNull bool) any {
	valid := true
	a := arrayOf(pgtype.UUIDOID, all, func(b []byte, e E) ([]byte, bool) {
		text := id(e)
		b, ok := appendUUID(b, text)
		valid = valid && (ok || orNull && text == "")
		return b, ok
	})
	if valid {
		return a
	}
	texts := make([]*string, len(all))
	for i, e := range all {
		if text := id(e); text != "" || !orNull {
			texts[i] = &text
		}
	}
	return texts
}

// appendUUID appends the 16 bytes of an id (RFC 9562 §4).
func appendUUID(b []byte, id string) ([]byte, bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return b, false
	}
	var digits [32]byte
	copy(digits[:], id[:8])
	copy(digits[8:], id[9:13])
	copy(digits[12:], id[14:18])
	copy(digits[16:], id[19:23])
	copy(digits[20:], id[24:])
	b, err := hex.AppendDecode(b, digits[:])
	return b, err == nil
}

func textArray[E any, S ~string](all []E, text func(E) S) array {
	return arrayOf(pgtype.TextOID, all, func(b []byte, e E) ([]byte, bool) { return appendText(b, string(text(e))), true })
}

// textArrayOrNull is an array in which "" is NULL.
func textArrayOrNull[E any, S ~string](all []E, text func(E) S) array {
	return arrayOf(pgtype.TextOID, all, func(b []byte, e E) ([]byte, bool) {
		s := string(text(e))
		return appendText(b, s), s != ""
	})
}

func appendText(b []byte, s string) []byte {
	if !isStorable(s) {
		s = storableText(s)
	}
	return append(b, s...)
}

// jsonbVersion begins a value of jsonb (jsonb_recv in utils/adt/jsonb.c).
const jsonbVersion = 1

// jsonbArray is an array of jsonb, in which "" is NULL.
func jsonbArray[E any](all []E, text func(E) string) array {
	return arrayOf(pgtype.JSONBOID, all, func(b []byte, e E) ([]byte, bool) {
		s := text(e)
		return appendText(append(b, jsonbVersion), s), s != ""
	})
}

// byteaArray is an array in which what has no bytes is NULL.
func byteaArray[E any](all []E, bytes func(E) []byte) array {
	return arrayOf(pgtype.ByteaOID, all, func(b []byte, e E) ([]byte, bool) {
		v := bytes(e)
		return append(b, v...), len(v) > 0
	})
}

func boolArray[E any](all []E, is func(E) bool) array {
	return arrayOf(pgtype.BoolOID, all, func(b []byte, e E) ([]byte, bool) {
		if is(e) {
			return append(b, 1), true
		}
		return append(b, 0), true
	})
}

func bigintArray[E any](all []E, n func(E) int64) array {
	return arrayOf(pgtype.Int8OID, all, func(b []byte, e E) ([]byte, bool) {
		return binary.BigEndian.AppendUint64(b, uint64(n(e))), true //nolint:gosec // the bits as they are
	})
}

func integerArray[E any](all []E, n func(E) int) array {
	return arrayOf(pgtype.Int4OID, all, func(b []byte, e E) ([]byte, bool) {
		return binary.BigEndian.AppendUint32(b, uint32(n(e))), true //nolint:gosec // counts, and codes of HTTP
	})
}

// integerArrayOrNull is an array in which 0 is NULL.
func integerArrayOrNull[E any](all []E, n func(E) int) array {
	return arrayOf(pgtype.Int4OID, all, func(b []byte, e E) ([]byte, bool) {
		v := n(e)
		return binary.BigEndian.AppendUint32(b, uint32(v)), v != 0 //nolint:gosec // counts, and codes of HTTP
	})
}

// postgresEpoch is 2000-01-01 UTC in microseconds since 1970, from which Postgres
// counts (timestamptz_recv in utils/adt/timestamp.c).
const postgresEpoch = 946_684_800_000_000

// timeArray is an array in which the zero time is NULL.
func timeArray[E any](all []E, when func(E) time.Time) array {
	return arrayOf(pgtype.TimestamptzOID, all, func(b []byte, e E) ([]byte, bool) {
		t := when(e)
		return binary.BigEndian.AppendUint64(b, uint64(t.UnixMicro()-postgresEpoch)), !t.IsZero() //nolint:gosec // the bits as they are
	})
}

// itself is the value of elements that are values.
func itself[V any](v V) V { return v }

// arrayCodec takes an array as it is, and leaves the rest to pgx.
type arrayCodec struct{ pgtype.Codec }

// PlanEncode implements pgtype.Codec.
func (c arrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, is := value.(array); is && format == pgtype.BinaryFormatCode {
		return encodedArray{}
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

type encodedArray struct{}

// Encode implements pgtype.EncodePlan.
func (encodedArray) Encode(value any, b []byte) ([]byte, error) {
	return append(b, value.(array).binary...), nil
}

// takeArrays lets arguments of a connection be arrays.
func takeArrays(conn *pgx.Conn) {
	types := conn.TypeMap()
	for _, oid := range []uint32{
		pgtype.UUIDArrayOID, pgtype.TextArrayOID, pgtype.JSONBArrayOID, pgtype.ByteaArrayOID, pgtype.BoolArrayOID,
		pgtype.Int8ArrayOID, pgtype.Int4ArrayOID, pgtype.TimestamptzArrayOID,
	} {
		if t, ok := types.TypeForOID(oid); ok { // they all are known
			types.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: arrayCodec{t.Codec}})
		}
	}
}
