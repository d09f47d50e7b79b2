package egress

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A request over plain http:// with a small body goes the direct way: written and
// read by the goroutine that asks for it, on connections kept in a [pool]. What is
// written and how an answer is parsed is net/http's; only its [http.Transport] is
// not there: it has a goroutine that writes and one that reads for each connection,
// so that every request wakes three. (To one endpoint on loopback that was half of
// what sending cost.)
//
// https:// stays with the Transport, which speaks HTTP/2, and so does a body so
// large that a receiver might answer before it has read it: the Transport listens
// while it writes.

// maxDirect is the size of a body up to which a request goes the direct way. With
// its headers it fits into what the kernel takes of a fresh connection without
// waiting for the receiver (Linux: 16 KiB, net.ipv4.tcp_wmem), so that writing never waits.
const maxDirect = 12 << 10

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// conn is a connection over which one request at a time goes.
type conn struct {
	net.Conn
	raw syscall.RawConn
	// address is whom it was made for, host and port; remote is whom it reached.
	address, remote string
	// reader and writer are there during a request only: of ten thousand idle
	// connections they would be most of the memory.
	reader *bufio.Reader
	writer *bufio.Writer
	left   int64     // how many bytes may still be read
	since  time.Time // when it became idle
}

var (
	readers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}
	writers = sync.Pool{New: func() any { return bufio.NewWriter(nil) }}
)

// equip lends the connection what a request needs, strip takes it back.
func (c *conn) equip() {
	c.reader, c.writer = readers.Get().(*bufio.Reader), writers.Get().(*bufio.Writer)
	c.reader.Reset(c)
	c.writer.Reset(c.Conn)
}

func (c *conn) strip() {
	c.reader.Reset(nil)
	c.writer.Reset(nil)
	readers.Put(c.reader)
	writers.Put(c.writer)
	c.reader, c.writer = nil, nil
}

// Read implements io.Reader for the reader, within the limit.
func (c *conn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.EOF
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// unusable reports whether the other side has closed an idle connection, or has
// said something without being asked.
func (c *conn) unusable() bool {
	var n int
	var err error
	// Not raw.Read, which the deadline of the last request would fail.
	failed := c.raw.Control(func(fd uintptr) {
		var one [1]byte
		n, _, err = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	if failed != nil {
		return true
	}
	return n > 0 || !errors.Is(err, syscall.EAGAIN) // 0 bytes and no error: the end
}

// goesDirect reports whether a request goes the direct way. (Names beyond ASCII
// are the Transport's to translate.)
func goesDirect(r *Request, target *url.URL) bool {
	return target.Scheme == "http" && len(r.Body) <= maxDirect && !strings.ContainsFunc(target.Host, func(r rune) bool { return r >= 0x80 })
}

// direct is exchange for requests that go the direct way.
func (c *Client) direct(caller context.Context, r *Request, target *url.URL, limit time.Duration, started time.Time) (Result, *Error) {
	header := c.header(r.Header)
	err := invalid(r.method(), header)
	if err == nil {
		err = caller.Err()
	}
	if err != nil {
		return Result{}, c.explainDirect(err, target, limit, caller, false)
	}
	on, err := c.connection(caller, target, started.Add(limit))
	if err != nil {
		return Result{}, c.explainDirect(err, target, limit, caller, false)
	}
	_ = on.SetDeadline(started.Add(limit))
	stop := context.AfterFunc(caller, func() { _ = on.SetDeadline(longAgo) })
	on.equip()
	result, again, err := c.ask(caller, on, r, target, header, started.Add(limit))
	on.strip()
	if stop() && again {
		c.idle.put(on)
	} else {
		_ = on.Close()
	}
	if err != nil {
		return Result{RemoteAddr: on.remote}, c.explainDirect(err, target, limit, caller, true)
	}
	return result, nil
}

// ask sends the request and reads the answer. again reports whether the connection
// may be used again.
func (c *Client) ask(
	caller context.Context, on *conn, r *Request, target *url.URL, header http.Header, end time.Time,
) (_ Result, again bool, _ error) {
	request := r.over(target, header)
	if len(r.Body) > 0 {
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(r.Body)), int64(len(r.Body))
	}
	written := request.Write(on.writer)
	if written == nil {
		written = on.writer.Flush()
	}
	if _, network := errors.AsType[*net.OpError](written); written != nil && !network {
		return Result{}, false, written // there is something that HTTP cannot say
	}
	// A receiver that closed while it was written to may have said why.
	response, err := c.answer(on, &request) //nolint:bodyclose // that would read an endless one to its end
	if err != nil {
		return Result{}, false, errors.Join(written, err)
	}
	if c.options.BodyTimeout > 0 {
		if soon := time.Now().Add(c.options.BodyTimeout); soon.Before(end) {
			_ = on.SetReadDeadline(soon)
		}
		if caller.Err() != nil {
			_ = on.SetReadDeadline(longAgo)
		}
	}
	body, whole, ended := readBody(response, c.options.MaxResponse)
	return Result{
		Status: response.StatusCode, Header: response.Header, Body: body, Truncated: !whole, RemoteAddr: on.remote,
	}, written == nil && ended && !response.Close && response.StatusCode != http.StatusSwitchingProtocols && on.reader.Buffered() == 0, nil
}

// answer reads the headers of the response, after those of any informational ones
// (RFC 9110 §15.2).
func (c *Client) answer(on *conn, request *http.Request) (*http.Response, error) {
	on.left = c.options.MaxHeader
	for {
		response, err := http.ReadResponse(on.reader, request)
		if err != nil && on.left <= 0 { // whatever it made of what it got
			return nil, errHeaderTooLarge
		}
		if err != nil {
			return nil, err
		}
		if response.StatusCode < 100 { // RFC 9110 §15: ReadResponse lets it through
			return nil, errNotHTTP
		}
		if code := response.StatusCode; code >= 200 || code == http.StatusSwitchingProtocols {
			on.left = 1<<63 - 1
			return response, nil
		}
	}
}

// connection returns an idle connection to the target's host, or a new one.
func (c *Client) connection(caller context.Context, target *url.URL, end time.Time) (*conn, error) {
	address := target.Host
	if target.Port() == "" {
		address = net.JoinHostPort(target.Hostname(), "80")
	}
	if kept := c.idle.take(address); kept != nil {
		return kept, nil
	}
	ctx, cancel := context.WithCancelCause(caller)
	defer cancel(nil)
	timer := time.AfterFunc(time.Until(end), func() { cancel(errTimeUp) })
	defer timer.Stop()
	dialed, err := c.dial(ctx, "tcp", address)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, err
	}
	on := &conn{Conn: dialed, remote: dialed.RemoteAddr().String(), address: address}
	if s, ok := dialed.(syscall.Conn); ok { // every connection of net is
		on.raw, err = s.SyscallConn()
	}
	if on.raw == nil {
		_ = dialed.Close()
		return nil, errors.Join(errors.New("egress: a connection that cannot be looked at"), err)
	}
	return on, nil
}

func (c *Client) explainDirect(err error, target *url.URL, limit time.Duration, caller context.Context, connected bool) *Error {
	s := stage{connected: connected, limit: limit, connect: c.options.ConnectTimeout, caller: caller}
	switch {
	case caller.Err() != nil:
		s.ended = context.Cause(caller)
	case errors.Is(err, errTimeUp), connected && errors.Is(err, os.ErrDeadlineExceeded):
		s.ended = errTimeUp
	}
	failed := explain(err, s)
	failed.Host = target.Host
	return failed
}

// invalid returns what is wrong with a method or header that HTTP does not allow
// (RFC 9110 §5.1, §5.5, §9.1), and that net/http would write nevertheless.
func invalid(method string, header http.Header) error {
	if !isToken(method) {
		return errInvalidMethod
	}
	for name, values := range header {
		if !isToken(name) || slices.ContainsFunc(values, hasControl) {
			return errInvalidHeader
		}
	}
	return nil
}

// tokenBytes are those that a token may hold (RFC 9110 §5.6.2).
var tokenBytes = func() (is [256]bool) {
	for c := byte('!'); c <= '~'; c++ {
		is[c] = strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) < 0
	}
	return is
}()

func isToken(s string) bool {
	for i := range len(s) {
		if !tokenBytes[s[i]] {
			return false
		}
	}
	return s != ""
}

func hasControl(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}
