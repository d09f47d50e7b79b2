package server

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
)

// RequestID returns the id of the request whose context this is: the one that
// came in X-Request-Id, or one made here. It is in every answer's X-Request-Id
// and beside every failure in the log. Empty outside a request.
func RequestID(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.requestID
	}
	return ""
}

// TraceID returns the id that ties together everything the request causes: the
// trace-id of its traceparent (W3C Trace Context §3.2), or one made here, 32
// hexadecimal digits. Empty outside a request.
func TraceID(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.traceID
	}
	return ""
}

// Lengths of ids, in hexadecimal digits.
const (
	traceIDLen   = 32
	requestIDLen = 16
)

// requestIDs takes the ids from the header where it brings acceptable ones.
// The ones made here name things and guard nothing, so they need no
// cryptographic source.
func requestIDs(h http.Header) (request, trace string) {
	if v := h["X-Request-Id"]; len(v) == 1 && validRequestID(v[0]) {
		request = v[0]
	}
	if v := h["Traceparent"]; len(v) == 1 {
		trace = traceOf(v[0])
	}
	if request != "" && trace != "" {
		return request, trace
	}
	made := randomHex()
	if request == "" {
		request = made[traceIDLen:]
	}
	if trace == "" {
		trace = made[:traceIDLen]
	}
	return request, trace
}

// randomHex returns enough digits for a trace id, which must not be zero, and
// a request id.
func randomHex() string {
	var raw [(traceIDLen + requestIDLen) / 2]byte
	binary.BigEndian.PutUint64(raw[0:], rand.Uint64()|1)
	binary.BigEndian.PutUint64(raw[8:], rand.Uint64())
	binary.BigEndian.PutUint64(raw[16:], rand.Uint64())
	var text [2 * len(raw)]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

// validRequestID accepts 1 to 128 letters, digits and "._:-": enough for every
// proxy's ids, and nothing that could forge a log line or a header.
func validRequestID(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == ':', c == '-':
		default:
			return false
		}
	}
	return true
}

// traceOf returns the trace-id of a traceparent, "" for a malformed one:
// version "-" trace-id "-" parent-id "-" flags, lower-case hexadecimal, no
// version ff, no id of zeros; later versions may append fields (W3C Trace
// Context §3.2.2, §4.3).
func traceOf(s string) string {
	const length = 2 + 1 + traceIDLen + 1 + 16 + 1 + 2
	if len(s) < length || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return ""
	}
	version, trace, parent, flags := s[:2], s[3:35], s[36:52], s[53:55]
	if !isLowerHex(version+trace+parent+flags) || version == "ff" {
		return ""
	}
	if strings.Trim(trace, "0") == "" || strings.Trim(parent, "0") == "" {
		return ""
	}
	if len(s) > length && (version == "00" || s[length] != '-') {
		return ""
	}
	return trace
}

func isLowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
