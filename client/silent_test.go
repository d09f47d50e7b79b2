package client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a network in memory, so that time can be virtual.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	gone  chan struct{}
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.gone:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.gone) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestEventsOfASilentHub: a connection that brings nothing, not even
// heartbeats, is made again; one that brings heartbeats is not, nor one whose
// reader takes his time.
func TestEventsOfASilentHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flush := func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
		handlers := []http.HandlerFunc{
			func(w http.ResponseWriter, r *http.Request) {
				sse(sseEvent(1))(w, r)
				flush(w)
				<-r.Context().Done()
			},
			func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, // not even headers
			func(w http.ResponseWriter, r *http.Request) {
				sse()(w, r)
				for range 100 {
					_, _ = io.WriteString(w, ": still here\n\n")
					flush(w)
					time.Sleep(15 * time.Second)
				}
				_, _ = io.WriteString(w, sseEvent(2))
				flush(w)
				<-r.Context().Done()
			},
		}
		network := &pipes{conns: make(chan net.Conn), gone: make(chan struct{})}
		var places []string
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			places = append(places, r.Header.Get("Last-Event-ID"))
			handlers[len(places)-1](w, r)
		})}
		served := make(chan error)
		go func() { served <- server.Serve(network) }()
		transport := &http.Transport{DialContext: network.dial}
		c, err := New("http://hub.example", "t", WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			t.Fatal(err)
		}

		var got []int64
		var breaks []error
		began := time.Now()
		for e, err := range c.Events(t.Context(), 0, WithBreaks(func(err error) { breaks = append(breaks, err) })) {
			if err != nil {
				t.Error(err)
			}
			if got = append(got, e.Seq); e.Seq == 2 {
				break
			}
			time.Sleep(time.Hour)
		}
		if !slices.Equal(got, []int64{1, 2}) || !slices.Equal(places, []string{"0", "1", "1"}) {
			t.Errorf("%v, from %v", got, places)
		}
		if took := time.Since(began) - time.Hour - 1500*time.Second; took < 90*time.Second || took > 100*time.Second {
			t.Errorf("two silences took %v", took)
		}
		if len(breaks) != 2 || !errors.Is(breaks[0], ErrSilent) || !errors.Is(breaks[1], ErrSilent) {
			t.Errorf("broke with %v", breaks)
		}
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-served
	})
}
