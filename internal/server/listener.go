package server

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// listener says in the log when connections cannot be accepted, which nobody else would: no request arrives. Serve
// tries again by itself.
type listener struct {
	net.Listener
	srv *Server
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		l.srv.reportAccept(err)
	}
	return conn, err
}

func (s *Server) reportAccept(err error) {
	kept, due := s.unaccepted.due(time.Now(), "")
	if !due {
		return
	}
	attrs := []any{"error", err}
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		attrs = append(attrs, "do", "raise the limit of open files (ulimit -n; LimitNOFILE of a service)")
	}
	if kept > 0 {
		attrs = append(attrs, "times", kept+1)
	}
	s.o.Log.Warn("connections cannot be accepted", attrs...)
}
