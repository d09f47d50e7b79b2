package egress

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxDrain is how much more of a body than is kept gets read, so that the
// connection can be used again.
const maxDrain = 64 << 10

// readBody reads at most limit bytes of a response's body, decodes them if
// they are gzip, again to at most limit bytes. whole reports whether that was
// all of it, ended whether the response was read to its end. How long it may take
// is bounded by the request's context or the connection's deadline.
func readBody(response *http.Response, limit int64) (body []byte, whole, ended bool) {
	body, whole = readCapped(response.Body, limit, response.ContentLength)
	ended = whole
	if !whole && response.ProtoMajor == 1 {
		_, err := io.CopyN(io.Discard, response.Body, maxDrain)
		ended = errors.Is(err, io.EOF)
	}
	if isGzip(response.Header, body) {
		body, whole = gunzip(body, whole, limit)
	}
	return body, whole, ended
}

// readCapped reads r to its end or to limit bytes. expected is the length
// announced, or negative.
func readCapped(r io.Reader, limit, expected int64) (read []byte, whole bool) {
	if expected == 0 {
		return nil, true
	}
	if expected < 0 {
		expected = 511
	}
	// One byte more than expected, to see the end without growing.
	buf := make([]byte, 0, min(expected, limit)+1)
	for {
		n, err := r.Read(buf[len(buf):min(int64(cap(buf)), limit+1)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return buf[:limit], false
		}
		if err != nil {
			return buf, err == io.EOF
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// isGzip reports whether a body is gzip as its header says. Some servers say
// so of plain text.
func isGzip(h http.Header, body []byte) bool {
	encoding := h["Content-Encoding"]
	return len(encoding) == 1 && strings.EqualFold(encoding[0], "gzip") && bytes.HasPrefix(body, []byte{0x1f, 0x8b})
}

// gunzip decodes at most limit bytes. What can be decoded of a broken or
// cut-off body is returned.
func gunzip(packed []byte, whole bool, limit int64) ([]byte, bool) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, false
	}
	plain, ended := readCapped(z, limit, -1)
	return plain, whole && ended
}
