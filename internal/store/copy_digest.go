package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// digest stands for the content of a table: the number of its rows and the sum
// of their SHA-256, so that the order in which they are read does not matter.
// Values that mean the same are the same: JSON is compared by content.
type digest struct {
	rows int64
	sum  [4]uint64
	buf  []byte
}

// String returns the sum in hexadecimal.
func (d *digest) String() string {
	var b [32]byte
	for i, part := range d.sum {
		binary.BigEndian.PutUint64(b[8*i:], part)
	}
	return hex.EncodeToString(b[:])
}

func (d *digest) add(columns []copiedColumn, row []any) {
	d.buf = d.buf[:0]
	for i, value := range row {
		d.buf = appendValue(d.buf, columns[i].kind, value)
	}
	sum := sha256.Sum256(d.buf)
	for i := range d.sum {
		d.sum[i] += binary.BigEndian.Uint64(sum[8*i:])
	}
	d.rows++
}

// appendValue appends a value so that no two rows of different values look alike.
func appendValue(b []byte, k kind, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, 0)
	case bool:
		if v {
			return append(b, 1, 1)
		}
		return append(b, 1, 0)
	case int64:
		return binary.BigEndian.AppendUint64(append(b, 2), uint64(v)) //nolint:gosec // the same 64 bits
	case time.Time:
		return binary.BigEndian.AppendUint64(append(b, 3), uint64(v.UnixMicro())) //nolint:gosec // the same 64 bits
	case []byte:
		return append(binary.AppendUvarint(append(b, 4), uint64(len(v))), v...)
	case []string:
		b = binary.AppendUvarint(append(b, 5), uint64(len(v)))
		for _, s := range v {
			b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		}
		return b
	}
	text, _ := value.(string)
	if k == kindJSON {
		text = canonicalJSON(text)
	}
	return append(binary.AppendUvarint(append(b, 6), uint64(len(text))), text...)
}

// canonicalJSON writes JSON the same way whoever wrote it: jsonb orders keys,
// drops repeated ones and rewrites numbers. What is no JSON stays as it is.
func canonicalJSON(text string) string {
	value, err := decodeJSON(text)
	if err != nil {
		return text
	}
	return string(appendCanonical(nil, value))
}

func appendCanonical(b []byte, value any) []byte {
	switch v := value.(type) {
	case map[string]any:
		b = append(b, '{')
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b = append(strconv.AppendQuote(b, key), ':')
			b = append(appendCanonical(b, v[key]), ',')
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for _, item := range v {
			b = append(appendCanonical(b, item), ',')
		}
		return append(b, ']')
	case json.Number:
		return append(b, canonicalNumber(string(v))...)
	case string:
		return strconv.AppendQuote(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	}
	return append(b, "null"...)
}

// canonicalNumber writes a number of JSON (RFC 8259 §6) as a whole number, that
// does not end in 0, and a power of ten.
func canonicalNumber(text string) string {
	mantissa, exponent := text, 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa = text[:i]
		var err error
		if exponent, err = strconv.Atoi(text[i+1:]); err != nil {
			return text
		}
	}
	digits, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	exponent -= len(fraction)
	digits = strings.TrimLeft(whole+fraction, "0")
	short := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(short)
	switch {
	case short == "":
		return "0"
	case negative:
		short = "-" + short
	}
	return short + "e" + strconv.Itoa(exponent)
}

// digest reads a table from end to end. seen is called now and then with the
// number of rows read so far; may be nil.
func (l *layout) digest(ctx context.Context, q querier, fixed *int64, seen func(rows int64)) (*digest, error) {
	if seen == nil {
		seen = func(int64) {}
	}
	const often = 1000
	d := &digest{}
	seen(0)
	err := l.rows(ctx, q, nil, false, fixed, func(row []any) error {
		d.add(l.columns, row)
		if d.rows%often == 0 {
			seen(d.rows)
		}
		return nil
	})
	seen(d.rows)
	return d, err
}
