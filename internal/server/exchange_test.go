package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
)

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	s := newServer(t, Options{})
	s.Mux().HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {})
	for _, path := range []string{"/page", "/api/nothing", "/nothing"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		want := map[string]string{
			"Content-Security-Policy":    ContentSecurityPolicy,
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
			"Cache-Control":              "no-store",
		}
		for name, value := range want {
			if got := w.Header().Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", path, name, got, value)
			}
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s: CORS is on: %q", path, got)
		}
	}
}

// A handler that changes a header changes its own answer only.
func TestHeadersAreNotShared(t *testing.T) {
	s := newServer(t, Options{})
	s.Mux().HandleFunc("GET /cached", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Add("Referrer-Policy", "origin")
	})
	s.Mux().HandleFunc("GET /plain", func(w http.ResponseWriter, r *http.Request) {})
	get := func(path string) http.Header {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Header()
	}
	if got := get("/cached"); got.Get("Cache-Control") != "max-age=60" || len(got["Referrer-Policy"]) != 2 {
		t.Errorf("the handler's headers: %v", got)
	}
	if got := get("/plain"); got.Get("Cache-Control") != "no-store" || len(got["Referrer-Policy"]) != 1 {
		t.Errorf("the next answer's headers: %v", got)
	}
}

func TestPanicIsAnInternalProblem(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	s.Mux().HandleFunc("GET /api/webhooks/incoming/{token}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		panic("boom")
	})
	r := httptest.NewRequest(http.MethodGet, "/api/webhooks/incoming/sesame", nil)
	r.Header.Set("X-Request-Id", "req-7")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if w.Code != 500 || p.Code != hub.Internal || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("answer %d %v %s", w.Code, w.Header(), w.Body)
	}
	if strings.Contains(w.Body.String(), "boom") || !strings.Contains(p.Detail, "req-7") {
		t.Errorf("body %s", w.Body)
	}
	if got := log.String(); !strings.Contains(got, "boom") || !strings.Contains(got, "req-7") || strings.Contains(got, "sesame") {
		t.Errorf("log %s", got)
	}
}

// An answer that had begun is cut off, so that nobody takes it for whole.
func TestPanicAfterTheAnswerBegan(t *testing.T) {
	s := newServer(t, Options{})
	s.Mux().HandleFunc("GET /half", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		panic("late")
	})
	ts := httptest.NewServer(s)
	defer ts.Close()
	resp, err := ts.Client().Get(ts.URL + "/half")
	if err == nil {
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
	}
	if err == nil {
		t.Error("the client took half an answer for a whole one")
	}
	ts.Client().CloseIdleConnections()
}

func TestAccessLog(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, Options{Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	s.Mux().HandleFunc("POST /api/webhooks/incoming/{token}", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "ok")
	})
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/api/webhooks/incoming/sesame?code=open", nil))
	var line struct {
		Msg, Method, Path, IP, RequestID, Trace string
		Status, Bytes                           int
	}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line.Method != "POST" || line.Path != "/api/webhooks/incoming/***" || line.Status != 202 || line.Bytes != 2 ||
		line.IP != "192.0.2.1" || len(line.RequestID) != requestIDLen || len(line.Trace) != traceIDLen {
		t.Errorf("logged %s", log.String())
	}
	if strings.Contains(log.String(), "sesame") || strings.Contains(log.String(), "open") {
		t.Errorf("the log has a secret: %s", log.String())
	}
}

func TestMaskPath(t *testing.T) {
	const token = "aw462u7kabcdefghijklmnopqr"
	tests := map[string]string{
		"/api/webhooks/incoming/sesame":                      "/api/webhooks/incoming/***",
		"/api/v10/webhooks/incoming/sesame/slack":            "/api/v10/webhooks/incoming/***/slack",
		"/api/Webhooks/INCOMING/sesame/messages/17":          "/api/Webhooks/INCOMING/***/messages/17",
		"//api//webhooks/incoming//sesame/slack":             "//api//webhooks/incoming//***/slack",
		"/api/webhooks/incoming/":                            "/api/webhooks/incoming/",
		"/api/webhooks/incoming":                             "/api/webhooks/incoming",
		"/api/incoming/webhooks/17":                          "/api/incoming/webhooks/17",
		"/hooks/" + token:                                    "/hooks/***",
		"//hooks//any/" + token + "/x":                       "//hooks//any/***/x",
		"/services/T1/B1/" + token:                           "/services/T1/B1/***",
		"/api/webhooks/" + token:                             "/api/webhooks/***",
		"/api/messages/019adf1c-7d5c-7b3e-8a4e-5f6a7b8c9d0e": "/api/messages/019adf1c-7d5c-7b3e-8a4e-5f6a7b8c9d0e",
		"/": "/",
		"*": "*",
		"":  "",
	}
	for path, want := range tests {
		if got := maskPath(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

// conn is a ResponseWriter that takes deadlines and remembers them.
type conn struct {
	httptest.ResponseRecorder
	read, write []time.Time
}

func (c *conn) SetReadDeadline(t time.Time) error  { c.read = append(c.read, t); return nil }
func (c *conn) SetWriteDeadline(t time.Time) error { c.write = append(c.write, t); return nil }

func newConn() *conn { return &conn{ResponseRecorder: *httptest.NewRecorder()} }

func TestBodyDeadline(t *testing.T) {
	s := newServer(t, Options{})
	s.Mux().HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	s.Mux().HandleFunc("/ignore", func(w http.ResponseWriter, r *http.Request) {})
	tests := map[string]struct {
		path   string
		length int64 // -1: not known
		want   time.Duration
	}{
		"no body":        {"/read", 0, 0},
		"small":          {"/read", 10, bodyGrace},
		"large":          {"/read", 10 * bodyRate, bodyGrace + 10*time.Second},
		"unknown length": {"/read", -1, chunkedBodyTimeout},
		"not read":       {"/ignore", 10, bodyGrace},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var body io.Reader = http.NoBody
			if test.length != 0 {
				body = io.LimitReader(zeros{}, max(test.length, 10))
			}
			r := httptest.NewRequest(http.MethodPost, test.path, body)
			r.ContentLength = test.length
			c, before := newConn(), time.Now()
			s.ServeHTTP(c, r)
			if test.want == 0 {
				if len(c.read) != 0 {
					t.Errorf("deadlines %v", c.read)
				}
				return
			}
			if len(c.read) == 0 || c.read[0].Before(before.Add(test.want)) || c.read[0].After(time.Now().Add(test.want)) {
				t.Fatalf("deadlines %v, want the first %s after %s", c.read, test.want, before)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A deadline is in force for whatever is written: a body, a flush, or nothing
// but the header, which net/http writes after the handler.
func TestWriteDeadline(t *testing.T) {
	s := newServer(t, Options{})
	handlers := map[string]http.HandlerFunc{
		"nothing": func(w http.ResponseWriter, r *http.Request) {},
		"header":  func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"body":    func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "x") },
		"flush":   func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() },
	}
	for name, h := range handlers {
		s.Mux().HandleFunc("/"+name, h)
		c, before := newConn(), time.Now()
		s.ServeHTTP(c, httptest.NewRequest(http.MethodGet, "/"+name, nil))
		if len(c.write) != 1 || c.write[0].Before(before.Add(writeTimeout)) {
			t.Errorf("%s: deadlines %v", name, c.write)
		}
	}
}

// The deadline moves with the stream: it would end it otherwise.
func TestWriteDeadlineMoves(t *testing.T) {
	s := newServer(t, Options{})
	c := newConn()
	x := s.begin(c, httptest.NewRequest(http.MethodGet, "/", nil))
	_, _ = x.Write([]byte("a"))
	_, _ = x.Write([]byte("b"))
	if len(c.write) != 1 {
		t.Fatalf("%d deadlines for two quick writes, want 1", len(c.write))
	}
	x.writeBy = x.writeBy.Add(-2 * deadlineSlack) // as it is two seconds later
	if err := x.FlushError(); err != nil {
		t.Fatal(err)
	}
	if len(c.write) != 2 || !c.write[1].After(c.write[0]) {
		t.Errorf("deadlines %v", c.write)
	}
}

func TestLateBodyIsTheCallersFault(t *testing.T) {
	b := &timedBody{ReadCloser: io.NopCloser(errReader{fmt.Errorf("read: %w", os.ErrDeadlineExceeded)})}
	_, err := b.Read(make([]byte, 1))
	if hub.CodeOf(err) != hub.Invalid || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// The deadline of the body must not end a request that takes longer than it:
// net/http reads on by itself after the end of the body, and lifts the deadline.
func TestContextOutlivesTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		s.Mux().HandleFunc("POST /slow", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(2 * bodyGrace) // of the bubble's clock
			if err := r.Context().Err(); err != nil {
				t.Errorf("the context ended with the body: %v", err)
			}
		})
		client, srv := net.Pipe()
		ln := &oneConn{conn: srv, closed: make(chan struct{})}
		hs := &http.Server{Handler: s, ReadHeaderTimeout: time.Second}
		served := make(chan error, 1)
		go func() { served <- hs.Serve(ln) }()
		go func() { _, _ = io.WriteString(client, "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi") }()
		resp, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		_ = client.Close()
		_ = hs.Close()
		<-served
	})
}

// A body that never arrives ends the request, also when its handler does not
// look at it.
func TestMissingBodyEndsTheConnection(t *testing.T) {
	for _, path := range []string{"/read", "/ignore"} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, Options{})
			s.Mux().HandleFunc("POST /read", func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err != nil {
					WriteProblem(w, r, err)
				}
			})
			s.Mux().HandleFunc("POST /ignore", func(w http.ResponseWriter, r *http.Request) {})
			client, srv := net.Pipe()
			ln := &oneConn{conn: srv, closed: make(chan struct{})}
			hs := &http.Server{Handler: s, ReadHeaderTimeout: time.Second}
			served := make(chan error, 1)
			go func() { served <- hs.Serve(ln) }()
			began := time.Now()
			go func() {
				_, _ = io.WriteString(client, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
			}()
			answer, _ := io.ReadAll(client)
			if took := time.Since(began); took > bodyGrace+time.Second {
				t.Errorf("%s: the connection was held for %s", path, took)
			}
			if path == "/read" && !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
				t.Errorf("%s: answered %q", path, answer)
			}
			_ = client.Close()
			_ = hs.Close()
			<-served
		})
	}
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

func TestMultipartFilesAreRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s := newServer(t, Options{})
	s.Mux().HandleFunc("POST /upload", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil {
			t.Error(err)
		}
		if files, _ := os.ReadDir(os.TempDir()); len(files) == 0 {
			t.Error("the upload was not put into a file: this test proves nothing")
		}
	})
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "big")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(make([]byte, 11<<20))
	_ = form.Close()
	r := httptest.NewRequest(http.MethodPost, "/upload", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	s.ServeHTTP(httptest.NewRecorder(), r)
	if files, _ := os.ReadDir(os.TempDir()); len(files) != 0 {
		t.Errorf("%d files are left behind", len(files))
	}
}

func TestFlushReachesTheClient(t *testing.T) {
	s := newServer(t, Options{})
	release := make(chan struct{})
	s.Mux().HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-release
	})
	ts := httptest.NewServer(s)
	defer ts.Close()
	resp, err := ts.Client().Get(ts.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "first\n" {
		t.Errorf("got %q, %v", line, err)
	}
	close(release)
}

// noopConn costs nothing, so that the benchmark measures the middleware.
type noopConn struct{ header http.Header }

func (c *noopConn) Header() http.Header              { return c.header }
func (*noopConn) Write(p []byte) (int, error)        { return len(p), nil }
func (*noopConn) WriteHeader(int)                    {}
func (*noopConn) SetReadDeadline(t time.Time) error  { return nil }
func (*noopConn) SetWriteDeadline(t time.Time) error { return nil }

// BenchmarkMiddleware is what the hot path pays before and after its handler,
// the routing included.
func BenchmarkMiddleware(b *testing.B) {
	s := newServer(b, Options{BaseURL: "https://hub.example.org"})
	ok := []byte("ok")
	s.Mux().HandleFunc("POST /api/webhooks/incoming/{token}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(ok)
	})
	r := httptest.NewRequest(http.MethodPost, "/api/webhooks/incoming/sesame", strings.NewReader("{}"))
	r.RemoteAddr = "192.0.2.7:4711"
	b.ReportAllocs()
	for b.Loop() {
		s.ServeHTTP(&noopConn{header: http.Header{}}, r)
	}
}
