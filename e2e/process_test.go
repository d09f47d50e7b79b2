// Package e2e drives the built binary as its users do: over HTTP, on the
// command line, in a browser, and by ending it without warning.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	api "github.com/nself-chat/hub/client"
)

// binaries are built once: the plain one that users run, and one with fault
// points.
var binaries struct {
	dir          string
	plain, fault func() (string, error)
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hub-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binaries.dir = dir
	binaries.plain = sync.OnceValues(func() (string, error) { return build("hub") })
	binaries.fault = sync.OnceValues(func() (string, error) { return build("hub-fault", "-tags", "fault") })
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func build(name string, args ...string) (string, error) {
	path := filepath.Join(binaries.dir, name)
	cmd := exec.Command("go", append(append([]string{"build", "-o", path}, args...), "../cmd/hub")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return path, nil
}

// adminToken is the API token of every hub under test.
const adminToken = "hub_e2eTokenThatIsLongEnough0123456789abcdefghij"

// process is a running hub.
type process struct {
	t      *testing.T
	binary string
	dir    string // data folder
	// database is the URL of its Postgres; "": an embedded one, in dir.
	database string
	env      []string
	args     []string // of hub serve
	addr     string   // to listen on; "": another one at each start
	url      string
	cmd      *exec.Cmd
	exited   chan struct{} // closed when the process has ended
	out      *syncBuffer   // its standard output: what it tells an operator
	log      *syncBuffer
	// token is the API token of api, do, and the helpers built on them.
	token string
	// transport is for requests to the hub; nil: that of client.
	transport http.RoundTripper
}

// syncBuffer collects output of a process while others read it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// newProcess prepares a hub on a fresh data folder; start runs it.
func newProcess(t *testing.T, env ...string) *process {
	t.Helper()
	binary, err := binaries.plain()
	if err != nil {
		t.Fatal(err)
	}
	return &process{t: t, binary: binary, dir: t.TempDir(), env: env, out: &syncBuffer{}, log: &syncBuffer{}, token: adminToken}
}

// startHub runs a hub on a fresh data folder until the test ends.
func startHub(t *testing.T, env ...string) *process {
	t.Helper()
	p := newProcess(t, env...)
	p.start()
	return p
}

// start runs the hub and waits until it is ready. It may be called again after
// the process has ended. extra are environment variables for this run only.
func (p *process) start(extra ...string) {
	p.t.Helper()
	if err := p.tryStart(extra...); err != nil {
		p.t.Fatalf("%v\n%s", err, p.log)
	}
}

// tryStart returns an error when the hub ends before it is ready.
func (p *process) tryStart(extra ...string) error {
	p.t.Helper()
	p.launch(extra...)
	return p.waitReady()
}

// launch runs the hub and does not wait.
func (p *process) launch(extra ...string) {
	p.t.Helper()
	addr := p.addr
	if addr == "" {
		addr = freeAddr(p.t)
	}
	if url := "http://" + addr; url != p.url {
		p.url = url
		keepsContract(p.t, url)
	}
	p.cmd = exec.Command(p.binary, append([]string{"serve"}, p.args...)...)
	p.cmd.Dir = p.dir
	p.cmd.Env = append(append(append(os.Environ(), "HUB_DATA_DIR="+p.dir, "HUB_ADDR="+addr, "HUB_ADMIN_TOKEN="+adminToken,
		"HUB_INCOMING_RATE_LIMIT=0", "HUB_LOG_FORMAT=text"), p.env...), extra...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	exited := make(chan struct{})
	p.exited = exited
	cmd := p.cmd
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	p.t.Cleanup(p.kill)
}

func (p *process) waitReady() error {
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		resp, err := http.Get(p.url + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.exited:
			return errors.New("the hub ended before it was ready")
		case <-deadline:
			return errors.New("the hub is not ready after 30 s")
		case <-tick.C:
		}
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// kill ends the process at once (SIGKILL) and waits for its end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// stop ends the process as an operator does (SIGTERM) and waits for its end.
func (p *process) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		p.t.Errorf("the hub does not stop\n%s", p.log)
		p.kill()
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("exit code %d after SIGTERM\n%s", code, p.log)
	}
}

// command prepares a subcommand beside the hub, with its settings.
func (p *process) command(args ...string) *exec.Cmd {
	cmd := exec.Command(p.binary, args...)
	cmd.Dir = p.dir
	cmd.Env = append(append(os.Environ(), "HUB_DATA_DIR="+p.dir, "HUB_ADDR="+strings.TrimPrefix(p.url, "http://")), p.env...)
	return cmd
}

// verify fails the test unless `hub verify` finds the database clean.
func (p *process) verify() {
	p.t.Helper()
	if out, err := p.command("verify").CombinedOutput(); err != nil {
		p.t.Errorf("hub verify: %v\n%s", err, out)
	}
}

// answer is what the hub answered.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// http makes the requests to the hub.
func (p *process) http() *http.Client {
	if p.transport == nil {
		return client
	}
	return &http.Client{Transport: p.transport, Timeout: client.Timeout}
}

// do sends any request, with the token unless header brings its own
// Authorization (an empty one: none).
func (p *process) do(method, path string, header http.Header, body io.Reader) (answer, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, p.url+path, body)
	if err != nil {
		return answer{}, err
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if _, given := req.Header["Authorization"]; !given {
		req.Header.Set("Authorization", "Bearer "+p.token)
	} else if req.Header.Get("Authorization") == "" {
		req.Header.Del("Authorization")
	}
	resp, err := p.http().Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	return answer{resp.StatusCode, resp.Header, text}, nil
}

var client = &http.Client{Transport: contract, Timeout: 60 * time.Second}

func tail(s string) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}

// channelNamed returns the id of a channel.
func (p *process) channelNamed(name string) string {
	p.t.Helper()
	for _, c := range all(p, p.api().Channels(p.t.Context())) {
		if c.Name == name {
			return c.ID
		}
	}
	p.t.Fatalf("there is no channel %s", name)
	return ""
}

// general returns the id of the default channel.
func (p *process) general() string {
	p.t.Helper()
	return p.channelNamed("general")
}

// hook is a webhook that was made, incoming or outgoing.
type hook struct {
	ID, Secret, Token, URL string
}

func (p *process) outgoing(fields map[string]any) hook {
	p.t.Helper()
	w := result(p.api().CreateOutgoingWebhook(p.t.Context(), fieldsOf[api.OutgoingWebhookFields](p.t, fields))).must(p)
	return hook{ID: w.ID, Secret: w.Secret, URL: w.URL}
}

func (p *process) incoming(fields map[string]any) hook {
	p.t.Helper()
	w := result(p.api().CreateIncomingWebhook(p.t.Context(), fieldsOf[api.IncomingWebhookFields](p.t, fields))).must(p)
	return hook{ID: w.ID, Token: w.Token, URL: w.URL}
}

// drained waits until no delivery is unfinished.
func (p *process) drained(within time.Duration) api.QueueStats {
	p.t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s := result(p.api().QueueStats(p.t.Context())).must(p)
		if s.Pending+s.Active+s.Delayed == 0 {
			return s
		}
		select {
		case <-deadline:
			p.t.Fatalf("not drained after %s: %+v", within, s)
		case <-tick.C:
		}
	}
}

// lines calls fn for every line of an SSE stream or log until fn returns false.
func lines(r io.Reader, fn func(string) bool) {
	for s := bufio.NewScanner(r); s.Scan(); {
		if !fn(s.Text()) {
			return
		}
	}
}
