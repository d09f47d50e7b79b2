package ingress

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/secret"
	"github.com/nself-chat/hub/internal/server"
)

// watched is a body that counts what was read of it, and acts before that.
type watched struct {
	io.Reader
	before func()
	read   int
}

func (b *watched) Read(p []byte) (int, error) {
	b.before()
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

// TestDecidedBeforeTheBody: what is wrong with a call apart from its body is
// found before a byte of it is read. The reading of the body takes all reasons
// to refuse it away: who decides later lets it pass.
func TestDecidedBeforeTheBody(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Options, *hub.IncomingWebhook)
		path   string
		header []string
		want   string
	}{
		"unknown token": {limited(-1), "nobody", nil, "404 unknown_token"},
		"disabled":      {func(_ *Options, h *hub.IncomingWebhook) { h.Enabled = false }, token, nil, "404 unknown_token"},
		"expired":       {func(_ *Options, h *hub.IncomingWebhook) { h.ExpiresAt = noon }, token, nil, "404 unknown_token"},
		"wrong address": {func(_ *Options, h *hub.IncomingWebhook) { h.AllowIPs = []string{"203.0.113.1"} }, token, nil, "403 address_refused"},
		"loop":          {limited(-1), token, []string{"X-Hub-Hop", "6"}, "508 loop_detected"},
		"too often":     {limited(1), token, nil, "429 rate_limited"},
		"unsigned":      {func(_ *Options, h *hub.IncomingWebhook) { signed(h, "k") }, token, nil, "401 bad_signature"},
		"signed long ago": {
			func(_ *Options, h *hub.IncomingWebhook) { signed(h, "k") }, token, signedHeader("m", "", "k", noon.Add(-time.Hour)),
			"401 bad_signature",
		},
		"no signature at all": {
			func(_ *Options, h *hub.IncomingWebhook) { signed(h, "k") }, token,
			[]string{"X-Webhook-Signature", "sha256=0"},
			"401 bad_signature",
		},
	} {
		for _, announced := range []int64{maxSniffed + 1, -1} {
			t.Run(fmt.Sprint(name, " ", announced), func(t *testing.T) {
				w := newWorld(t, test.change)
				w.in.limits.take(limitKey{"hook", clientOf(netip.MustParseAddr("192.0.2.1"))}, 1, noon)
				body := &watched{Reader: strings.NewReader(`{"text":"x"}` + strings.Repeat(" ", maxSniffed-11)), before: func() {
					w.store.hooks = []hub.IncomingWebhook{{ID: "hook", Enabled: true, TokenHash: secret.Hash(test.path), RateLimit: -1}}
					w.in.Invalidate()
				}}
				r := httptest.NewRequest("POST", "/api/webhooks/incoming/"+test.path, body)
				r.ContentLength = announced
				for i := 0; i < len(test.header); i += 2 {
					r.Header.Set(test.header[i], test.header[i+1])
				}
				rec := w.serve(r)
				calls := w.journal()
				if len(calls) != 1 || calls[0].BodySize != maxSniffed+1 {
					t.Fatalf("logged %+v", calls)
				}
				if got := fmt.Sprint(rec.Code, " ", calls[0].Verdict); got != test.want || len(w.chat.posts) != 0 {
					t.Errorf("answered %s, want %s", got, test.want)
				}
				most := 0 // of an announced length that is not looked at for the dialect
				if announced < 0 {
					most = maxSniffed + 1
				}
				if body.read > most {
					t.Errorf("%d bytes were read, want at most %d", body.read, most)
				}
				if u := w.in.journal.uses[calls[0].IncomingID]; u == nil || u.calls != 1 || u.refused != 1 {
					t.Errorf("counted %+v", u)
				}
				w.roomIsEmpty()
			})
		}
	}
}

// roomIsEmpty checks that all room was given back.
func (w *world) roomIsEmpty() {
	w.t.Helper()
	if r := w.in.room; r.used != 0 || len(r.by) != 0 {
		w.t.Errorf("%d bytes of room are still held by %v", r.used, r.by)
	}
}

// TestNoRoom: when bodies take all the memory there is for them, the next call
// waits a moment, and is refused, logged and counted when there is none yet.
func TestNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 100 << 10
		w := newWorld(t)
		hold := make(chan struct{})
		w.chat.onPost = func() { <-hold }
		w.in.room = newRoom(3*size, 3*size)
		body := `{"content":"x"}` + strings.Repeat(" ", size-15)
		codes := make(chan int)
		post := func() { codes <- w.do("POST", token, body).Code }
		for range 2 {
			go post()
			synctest.Wait() // its body is read
		}
		begin := time.Now()
		rec := w.do("POST", token, body)
		if took := time.Since(begin); rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") != "2" || took != roomWait {
			t.Errorf("answered %d after %s, Retry-After %q", rec.Code, took, rec.Header().Get("Retry-After"))
		}
		if got := w.verdicts(); got != "unavailable" {
			t.Errorf("logged as %s", got)
		}
		if !strings.Contains(w.log.String(), "incoming calls are refused") {
			t.Errorf("the operator is not told: %s", w.log.String())
		}
		go post() // waits
		synctest.Wait()
		hold <- struct{}{} // one of the first two goes on
		close(hold)
		for range 3 {
			if code := <-codes; code != 200 {
				t.Errorf("answered %d although there was room again", code)
			}
		}
		w.in.journal.flush(t.Context())
		if u := w.uses(); u.CallCount != 4 || u.RefusedCount != 1 {
			t.Errorf("counted %+v", u)
		}
		w.roomIsEmpty()
	})
}

// TestSlowSendersLeaveRoom: what is only announced takes no room, and what is
// sent to one webhook, or to none, no more than a share.
func TestSlowSendersLeaveRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, limited(-1))
		w.store.hooks = append(w.store.hooks, hub.IncomingWebhook{
			ID: "other", ChannelID: "channel", Enabled: true, TokenHash: secret.Hash("other"), RateLimit: -1,
		})
		const senders = 40
		w.in.room = newRoom(3<<20, 1<<20)
		ended := make(chan int)
		var bodies []*io.PipeWriter
		send := func(path string, announced int64) *io.PipeWriter {
			read, write := io.Pipe()
			bodies = append(bodies, write)
			r := httptest.NewRequest("POST", "/api/webhooks/incoming/"+path, read)
			r.ContentLength = announced
			go func() { ended <- w.serve(r).Code }()
			return write
		}
		for range 10 {
			send(token, maxBody)
		}
		synctest.Wait()
		if used := w.in.room.used; used > 10*maxRecycled {
			t.Errorf("10 announced bodies take %d bytes", used)
		}
		for _, path := range []string{token, "nobody"} {
			for range senders {
				body := send(path, -1)
				go func() { _, _ = body.Write(make([]byte, 60<<10)) }()
			}
		}
		synctest.Wait()
		time.Sleep(roomWait) // of the bubble's clock
		synctest.Wait()
		for _, who := range []hub.IncomingID{"hook", ""} {
			if held := w.in.room.by[who]; held == 0 || held > 1<<20 {
				t.Errorf("%q holds %d bytes", who, held)
			}
		}
		if rec := w.do("POST", "other", `{"content":"`+strings.Repeat("a", 300<<10)+`"}`); rec.Code != 200 {
			t.Errorf("another webhook answered %d %s", rec.Code, rec.Body)
		}
		go func() {
			for _, b := range bodies {
				_ = b.CloseWithError(errors.New("gone"))
			}
		}()
		for range bodies {
			if code := <-ended; code == 200 {
				t.Error("half a body was posted")
			}
		}
		w.roomIsEmpty()
	})
}

// TestRoomIsGivenBack whatever becomes of a call.
func TestRoomIsGivenBack(t *testing.T) {
	big := strings.Repeat("a", 200<<10)
	w := newWorld(t, limited(-1))
	id := w.posted()
	for name, call := range map[string]func() int{
		"posted":  func() int { return w.do("POST", token, big).Code },
		"edited":  func() int { return w.do("PATCH", token+"/messages/"+string(id), big).Code },
		"deleted": func() int { return w.do("DELETE", token+"/messages/"+string(id), big).Code },
		"bad":     func() int { return w.do("POST", token, `{"`+big).Code },
		"unknown": func() int { return w.do("POST", "nobody", big).Code },
		"too large": func() int {
			return w.serve(httptest.NewRequest("POST", "/api/webhooks/incoming/"+token, &endless{})).Code
		},
		"cut off": func() int {
			return w.serve(httptest.NewRequest("POST", "/api/webhooks/incoming/"+token, io.MultiReader(strings.NewReader(big), failing{}))).Code
		},
		"panic": func() (code int) {
			w.chat.onPost = func() { panic("in the chat") }
			defer func() { _, w.chat.onPost = recover(), nil }()
			return w.do("POST", token, big).Code
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Logf("answered %d", call())
			w.roomIsEmpty()
		})
	}
}

// TestSlowBodyMeetsTheServersDeadline: a body that stops arriving is given up
// when the server says so, and its room is free again.
func TestSlowBodyMeetsTheServersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		srv, err := server.New(server.Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		w.in.Mount(srv.Mux())
		client, conn := net.Pipe()
		listener := &oneConn{conn: conn, closed: make(chan struct{})}
		hs := &http.Server{Handler: srv, ReadHeaderTimeout: time.Second}
		served := make(chan error, 1)
		go func() { served <- hs.Serve(listener) }()
		begin := time.Now()
		_, err = io.WriteString(client, "POST /api/webhooks/incoming/"+token+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"text\":")
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if took := time.Since(begin); resp.StatusCode != 400 || took < 10*time.Second || took > time.Minute {
			t.Errorf("answered %d %s after %s", resp.StatusCode, answer, took)
		}
		_ = client.Close()
		_ = hs.Close()
		<-served
		w.roomIsEmpty()
		if got := w.verdicts(); got != "bad_body" {
			t.Errorf("logged as %s", got)
		}
	})
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn   net.Conn
	given  bool
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if !l.given {
		l.given = true
		return l.conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error   { close(l.closed); return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }
