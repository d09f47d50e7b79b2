package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// wirePool posts over HTTP/1.1 connections of its own, one request at a time on each, without the goroutines of
// net/http's client: the driver shares the machine with what it measures, and should cost it little. It is safe for
// concurrent use.
type wirePool struct {
	addr  string
	token string
	idle  chan *wire
}

// wireTimeout bounds one exchange.
const wireTimeout = 15 * time.Second

// wire is one connection.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
	out  []byte
}

// newWirePool returns a pool for the hub at base, "http://host:port", that keeps up to conns connections open. The caller
// must close it.
func newWirePool(base, token string, conns int) *wirePool {
	return &wirePool{addr: strings.TrimPrefix(base, "http://"), token: token, idle: make(chan *wire, conns)}
}

func (p *wirePool) close() {
	for {
		select {
		case w := <-p.idle:
			_ = w.conn.Close()
		default:
			return
		}
	}
}

// post sends one JSON body and returns the answer. An error means that there was no whole answer; the connection is
// then given up.
func (p *wirePool) post(ctx context.Context, path string, body []byte) (status int, answer []byte, err error) {
	w, err := p.take(ctx)
	if err != nil {
		return 0, nil, err
	}
	status, answer, keep, err := w.exchange(p.addr, p.token, path, body)
	if err != nil || !keep {
		_ = w.conn.Close()
		return status, answer, err
	}
	select {
	case p.idle <- w:
	default:
		_ = w.conn.Close()
	}
	return status, answer, nil
}

func (p *wirePool) take(ctx context.Context) (*wire, error) {
	select {
	case w := <-p.idle:
		return w, nil
	default:
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, r: bufio.NewReader(conn)}, nil
}

func (w *wire) exchange(host, token, path string, body []byte) (status int, answer []byte, keep bool, err error) {
	if err := w.conn.SetDeadline(time.Now().Add(wireTimeout)); err != nil {
		return 0, nil, false, err
	}
	b := append(w.out[:0], "POST "...)
	b = append(b, path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\nAuthorization: Bearer "...)
	b = append(b, token...)
	b = append(b, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	b = append(b, body...)
	w.out = b
	if _, err := w.conn.Write(b); err != nil {
		return 0, nil, false, err
	}
	res, err := http.ReadResponse(w.r, nil)
	if err != nil {
		return 0, nil, false, err
	}
	defer res.Body.Close()
	var buf bytes.Buffer
	if _, err := io.Copy(&buf, io.LimitReader(res.Body, maxAnswer)); err != nil {
		return 0, nil, false, err
	}
	return res.StatusCode, buf.Bytes(), !res.Close, nil
}
