package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(asHub) != "" {
		main()
		return
	}
	testscript.Main(checked{m}, map[string]func(){"hub": main})
}

// checked looks for goroutines that are left when the tests have passed.
type checked struct{ *testing.M }

// Run implements testscript.TestingM.
func (c checked) Run() int {
	code := c.M.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

const (
	listenSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	deliveryBody = `{"id":"d1","event":"message.created","data":{"message":{"content":"Hello <b>!"}}}`
)

// signed makes a delivery as the hub's wire format says, without the help of the package under test.
func signed(t *testing.T, target, id, secret, body string, at time.Time) *http.Request {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	stamp := fmt.Sprint(at.Unix())
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type":        "application/json",
		"X-Webhook-Id":        id,
		"X-Webhook-Event":     "message.created",
		"X-Webhook-Attempt":   "1",
		"X-Webhook-Timestamp": stamp,
		"X-Webhook-Signature": "sha256=" + hex.EncodeToString(mac([]byte(secret), body)),
		"Webhook-Id":          id,
		"Webhook-Timestamp":   stamp,
		"Webhook-Signature":   "v1," + base64.StdEncoding.EncodeToString(mac(key, id+"."+stamp+"."+body)),
	} {
		request.Header.Set(name, value)
	}
	return request
}

// testReceiver serves a receiver over real HTTP; its output may be read after the requests that made it.
func testReceiver(t *testing.T, options listenOptions) (*receiver, string, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	if options.status == 0 {
		options.status = 200
	}
	r, err := newReceiver(options, newPrinter(&out, options.json))
	if err != nil {
		t.Fatal(err)
	}
	r.now = func() time.Time { return noon }
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return r, server.URL, &out
}

func send(t *testing.T, request *http.Request) int {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

func TestListenVerifies(t *testing.T) {
	previous := "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("p"), 32))
	for _, c := range []struct {
		name    string
		secrets []string
		change  func(*http.Request)
		status  int
		says    string
	}{
		{"good", []string{listenSecret}, nil, 200, "signature ok"},
		{"second of two secrets", []string{previous, listenSecret}, nil, 200, "signature ok"},
		{"no secret", nil, func(r *http.Request) { r.Header.Del("Webhook-Signature") }, 200, "signature not checked"},
		{"other secret", []string{previous}, nil, 401, "BAD: webhook-signature: webhook: bad signature"},
		{"altered body", []string{listenSecret}, func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(deliveryBody, "Hello", "Jello", 1)))
		}, 401, "signature BAD"},
		{"no signature", []string{listenSecret}, func(r *http.Request) {
			r.Header.Del("Webhook-Signature")
			r.Header.Del("X-Webhook-Signature")
		}, 401, "signature BAD"},
		{"standard signature broken", []string{listenSecret}, func(r *http.Request) {
			r.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(make([]byte, 32)))
		}, 401, "BAD: webhook-signature"},
		{"nchat signature broken", []string{listenSecret}, func(r *http.Request) {
			r.Header.Set("X-Webhook-Signature", "sha256="+strings.Repeat("0", 64))
		}, 401, "BAD: x-webhook-signature"},
		{
			"one signature only",
			[]string{listenSecret},
			func(r *http.Request) { r.Header.Del("X-Webhook-Signature") },
			401, "no header x-webhook-signature",
		},
		{"rotation", []string{listenSecret}, func(r *http.Request) {
			r.Header.Set("X-Webhook-Signature-Next", r.Header.Get("X-Webhook-Signature"))
			r.Header.Set("X-Webhook-Signature", "sha256="+strings.Repeat("0", 64))
			r.Header.Set("Webhook-Signature", "v1,AAAA "+r.Header.Get("Webhook-Signature"))
		}, 200, "signature ok"},
		{"replayed later", []string{listenSecret}, func(r *http.Request) {
			old := signed(t, r.URL.String(), "d1", listenSecret, deliveryBody, noon.Add(-time.Hour))
			r.Header = old.Header
		}, 401, "bad timestamp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, target, out := testReceiver(t, listenOptions{secrets: c.secrets})
			request := signed(t, target+"/any/path", "d1", listenSecret, deliveryBody, noon)
			if c.change != nil {
				c.change(request)
			}
			if got := send(t, request); got != c.status {
				t.Errorf("answered %d, want %d", got, c.status)
			}
			if !strings.Contains(out.String(), c.says) {
				t.Errorf("prints %s", out)
			}
			for _, secret := range append(c.secrets, listenSecret) {
				if strings.Contains(out.String()+r.summary()+r.promise(), secret) {
					t.Errorf("shows the secret: %s", out)
				}
			}
		})
	}
}

func TestListenPrints(t *testing.T) {
	_, target, out := testReceiver(t, listenOptions{secrets: []string{listenSecret}})
	send(t, signed(t, target, "d1", listenSecret, deliveryBody, noon))
	want := `12:00:00.000  message.created  d1  attempt 1  signature ok  answered 200
    {
      "message": {
        "content": "Hello <b>!"
      }
    }
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestListenPrintsJSON(t *testing.T) {
	_, target, out := testReceiver(t, listenOptions{json: true, status: 202})
	send(t, signed(t, target, "d1", listenSecret, deliveryBody, noon))
	send(t, signed(t, target, "d2", listenSecret, "plain\ttext", noon))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %s", len(lines), out)
	}
	var got, text arrival
	if err := errors.Join(json.Unmarshal([]byte(lines[0]), &got), json.Unmarshal([]byte(lines[1]), &text)); err != nil {
		t.Fatal(err)
	}
	want := arrival{
		Time: noon, Event: "message.created", ID: "d1", Attempt: "1", Verdict: verdictUnchecked, Seen: 1,
		Status: 202, Bytes: len(deliveryBody), Body: json.RawMessage(deliveryBody),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if text.Text != "plain\ttext" || text.Body != nil {
		t.Errorf("%+v", text)
	}
}

func TestListenCountsRepetitions(t *testing.T) {
	rolls := []float64{0.1, 0.9, 0.9, 0.9} // the first is below the rate: that attempt fails
	r, target, out := testReceiver(t, listenOptions{secrets: []string{listenSecret}, failRate: 0.5, json: true})
	r.roll = func() float64 { roll := rolls[0]; rolls = rolls[1:]; return roll }
	var statuses []int
	for _, id := range []string{"d1", "d1", "d1", "d2"} {
		statuses = append(statuses, send(t, signed(t, target, id, listenSecret, deliveryBody, noon)))
	}
	forged := signed(t, target, "d2", listenSecret, deliveryBody, noon)
	forged.Header.Set("Webhook-Signature", "v1,AAAA")
	statuses = append(statuses, send(t, forged))

	if diff := cmp.Diff([]int{500, 200, 200, 200, 401}, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	var seen []string
	for line := range strings.Lines(out.String()) {
		var a arrival
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		seen = append(seen, fmt.Sprintf("%s %d %t", a.ID, a.Seen, a.Duplicate))
	}
	// A retry of what was refused is no duplicate; what comes again after a 2xx is.
	if diff := cmp.Diff([]string{"d1 1 false", "d1 2 false", "d1 3 true", "d2 1 false", "d2 0 false"}, seen); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
	const want = "Received: 5; bad signature: 1; again after a 2xx: 1; not answered 2xx: 2."
	if got := r.summary(); got != want {
		t.Errorf("summary %q", got)
	}
}

func TestListenForgetsTheOldestIDs(t *testing.T) {
	r, err := newReceiver(listenOptions{}, jsonPrinter{io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxRemembered + 10 {
		r.remember(&arrival{ID: fmt.Sprint(i), Status: 200})
	}
	first, last := arrival{ID: "0"}, arrival{ID: fmt.Sprint(maxRemembered)}
	r.remember(&first)
	r.remember(&last)
	if first.Seen != 1 || last.Seen != 2 || !last.Duplicate || len(r.seen) != maxRemembered || len(r.order) != maxRemembered {
		t.Errorf("first %d, last %d, %d remembered", first.Seen, last.Seen, len(r.seen))
	}
}

func TestListenBounds(t *testing.T) {
	r, target, _ := testReceiver(t, listenOptions{})
	do := func(method string, body io.Reader) int {
		request, err := http.NewRequestWithContext(t.Context(), method, target, body)
		if err != nil {
			t.Fatal(err)
		}
		return send(t, request)
	}
	if got := do(http.MethodPost, bytes.NewReader(make([]byte, maxDelivery+1))); got != 413 {
		t.Errorf("oversize answered %d", got)
	}
	if got := do(http.MethodPost, bytes.NewReader(make([]byte, maxDelivery))); got != 200 {
		t.Errorf("the largest answered %d", got)
	}
	if got := do(http.MethodGet, nil); got != 200 {
		t.Errorf("GET answered %d", got)
	}
	if got := do(http.MethodPut, nil); got != 405 {
		t.Errorf("PUT answered %d", got)
	}
	if r.totals.received != 1 {
		t.Errorf("%d received", r.totals.received)
	}
}

// A delivery may be made by an enemy; a terminal obeys what is printed on it.
func FuzzPrintIsHarmless(f *testing.F) {
	f.Add("message.created", `{"data":"\u009b31m"}`)
	f.Add("\x1b[2J", "\x1b]0;title\x07 \x9b31m")
	f.Add("a\nb", "\xff\xfe"+strings.Repeat("é", maxShown))
	f.Fuzz(func(t *testing.T, header, body string) {
		var out bytes.Buffer
		a := arrival{Event: header, ID: header, Attempt: header, Verdict: verdictInvalid, Reason: header, Status: 401}
		if json.Valid([]byte(body)) {
			a.Body = json.RawMessage(body)
		} else {
			a.Text = body
		}
		if err := (&textPrinter{out: &out}).print(a); err != nil {
			t.Fatal(err)
		}
		for _, r := range out.String() {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Fatalf("prints %q", r)
			}
		}
		if out.Len() > 8*maxShown+10_000 {
			t.Fatalf("prints %d bytes", out.Len())
		}
	})
}

func TestPrintColours(t *testing.T) {
	var plain, coloured bytes.Buffer
	a := arrival{Time: noon, Event: "e", ID: "i", Verdict: verdictVerified, Status: 500, Seen: 2, Duplicate: true, Text: "x"}
	if err := (&textPrinter{out: &plain}).print(a); err != nil {
		t.Fatal(err)
	}
	if err := (&textPrinter{out: &coloured, colour: true}).print(a); err != nil {
		t.Fatal(err)
	}
	stripped := regexp.MustCompile("\x1b\\[[0-9]+m").ReplaceAllString(coloured.String(), "")
	if stripped != plain.String() || stripped == coloured.String() {
		t.Errorf("plain %q\ncoloured %q", plain.String(), coloured.String())
	}
	if want := "12:00:00.000  e  i  signature ok  duplicate (seen 2 times)  answered 500\n    x\n"; plain.String() != want {
		t.Errorf("%q", plain.String())
	}
}

func TestVisible(t *testing.T) {
	for _, c := range []struct {
		in   string
		most int
		want string
	}{
		{"short", 5, "short"},
		{"longer", 5, "longe … and 1 bytes more"},
		{"ééé", 3, "é … and 4 bytes more"}, // not cut inside a character
		{"a\x1b[1mb", 10, "a\uFFFD[1mb"},
		{"\xff", 3, "\uFFFD"},
	} {
		if got := visible(c.in, c.most); got != c.want {
			t.Errorf("visible(%q, %d) = %q", c.in, c.most, got)
		}
	}
}

// waitFor collects what is written until it holds a wanted text.
type waitFor struct {
	mu   sync.Mutex
	text strings.Builder
	want string
	once sync.Once
	done chan struct{}
}

func newWaitFor(want string) *waitFor { return &waitFor{want: want, done: make(chan struct{})} }

func (w *waitFor) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if strings.Contains(w.text.String(), w.want) {
		w.once.Do(func() { close(w.done) })
	}
	return len(p), nil
}

func (w *waitFor) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func TestListenCommand(t *testing.T) {
	t.Setenv(listenSecretEnv, "previous "+listenSecret)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	messages, out := newWaitFor("Stop with Ctrl-C."), newWaitFor("answered 201")
	cmd := newListenCommand()
	cmd.SetArgs([]string{"--addr", "127.0.0.1:0", "--status", "201"})
	cmd.SetOut(out)
	cmd.SetErr(messages)
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(ctx) }()

	select {
	case <-messages.done:
	case err := <-ended:
		t.Fatalf("ended: %v", err)
	}
	target := regexp.MustCompile(`http://[0-9.:]+/`).FindString(messages.String())
	if got := send(t, signed(t, target, "d1", listenSecret, deliveryBody, time.Now())); got != 201 {
		t.Errorf("answered %d", got)
	}
	<-out.done
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if text := messages.String(); !strings.Contains(text, "both signatures are verified") || !strings.Contains(text, "Received: 1; bad signature: 0;") {
		t.Errorf("messages: %s", text)
	}
	if strings.Contains(messages.String()+out.String(), listenSecret) {
		t.Error("the secret is shown")
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// When nobody reads the output any more, going on would acknowledge deliveries that nobody saw.
func TestListenEndsWhenNobodyReads(t *testing.T) {
	messages := newWaitFor("Stop with Ctrl-C.")
	ended := make(chan error, 1)
	go func() {
		ended <- listen(t.Context(), listenOptions{addr: "127.0.0.1:0", status: 200, json: true}, closedPipe{}, messages)
	}()
	<-messages.done
	target := regexp.MustCompile(`http://[0-9.:]+/`).FindString(messages.String())
	if got := send(t, signed(t, target, "d1", listenSecret, deliveryBody, noon)); got != 503 {
		t.Errorf("answered %d", got)
	}
	if err := <-ended; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("ended with %v", err)
	}
}

func TestListenRefuses(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--status", "199"}, "--status"},
		{[]string{"--status", "600"}, "--status"},
		{[]string{"--fail-rate", "1.5"}, "--fail-rate"},
		{[]string{"--fail-rate", "NaN"}, "--fail-rate"},
		{[]string{"--addr", "nonsense"}, "--addr"},
		{[]string{"--secret", "whsec_not base64"}, "listen: --secret"},
		{[]string{"--addr", server.Listener.Addr().String()}, "choose another with --addr"},
		{[]string{"extra"}, "extra"},
	} {
		cmd := newListenCommand()
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		cmd.SetArgs(c.args)
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}
