package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	api "github.com/nself-chat/hub/client"
)

// listener is a running hub listen.
type listener struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
	out *syncBuffer // deliveries
	err *syncBuffer // all else
}

// listeningOn finds where a listener listens.
var listeningOn = regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)

// listen runs hub listen until the test ends. secret is for the environment.
func listen(t *testing.T, secret string, args ...string) *listener {
	t.Helper()
	binary, err := binaries.plain()
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{t: t, out: &syncBuffer{}, err: &syncBuffer{}}
	l.cmd = exec.Command(binary, append([]string{"listen", "--addr", "127.0.0.1:0"}, args...)...)
	l.cmd.Env = append(os.Environ(), "HUB_LISTEN_SECRET="+secret)
	l.cmd.Stdout, l.cmd.Stderr = l.out, l.err
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = l.cmd.Process.Kill()
		_ = l.cmd.Wait()
	})
	eventually(t, "hub listen", func() bool {
		l.url = listeningOn.FindString(l.err.String())
		return l.url != ""
	})
	return l
}

// stop ends it as Ctrl-C does and returns its last words.
func (l *listener) stop() string {
	l.t.Helper()
	_ = l.cmd.Process.Signal(os.Interrupt)
	if err := l.cmd.Wait(); err != nil {
		l.t.Errorf("hub listen ends with %v\n%s", err, l.err)
	}
	return l.err.String()
}

// TestListen uses hub listen as the receiver of a real webhook.
func TestListen(t *testing.T) {
	t.Parallel()
	p := startHub(t)
	const secret = "whsec_dHdlbnR5LWZvdXIgYnl0ZXMgb2Yga2V5"
	right, wrong, blind := listen(t, secret), listen(t, "whsec_YW5vdGhlciBzZWNyZXQgb2Ygc29tZSBsZW5ndGg="), listen(t, "")
	machine := listen(t, "", "--json", "--secret", secret)
	hooks := make(map[*listener]hook)
	for _, l := range []*listener{right, wrong, blind, machine} {
		hooks[l] = p.outgoing(map[string]any{
			"name": "listen", "url": l.url + "any/path", "secret": secret, "events": []string{"listened"}, "maxRetries": 0,
		})
	}
	p.publish("listened", map[string]any{"text": "to be read \u001b[31m"})
	for l, status := range map[*listener]string{right: "success", blind: "success", machine: "success", wrong: "failed"} {
		p.awaitStatuses(hooks[l].ID, status, 1)
	}
	id := p.deliveries(hooks[right].ID, "")[0].ID
	for _, part := range []string{"listened", id, "attempt 1", "signature ok", "answered 200", `"text": "to be read`} {
		if !strings.Contains(right.out.String(), part) {
			t.Errorf("%q is missing in\n%s", part, right.out)
		}
	}
	if strings.Contains(right.out.String(), "\x1b") {
		t.Errorf("what came over the network controls the terminal: %q", right.out)
	}
	if said := wrong.out.String(); !strings.Contains(said, "signature BAD") || !strings.Contains(said, "answered 401") {
		t.Errorf("with a wrong secret it prints\n%s", said)
	}
	if d := p.deliveries(hooks[wrong].ID, ""); d[0].LastStatus != http.StatusUnauthorized {
		t.Errorf("the hub was answered %d", d[0].LastStatus)
	}
	if said := blind.out.String(); !strings.Contains(said, "not checked") {
		t.Errorf("without a secret it prints\n%s", said)
	}
	var arrived struct {
		Event, ID, Attempt, Verdict string
		Body                        struct{ Data struct{ Text string } }
	}
	if err := json.Unmarshal([]byte(machine.out.String()), &arrived); err != nil || arrived.Event != "listened" || arrived.Verdict != "verified" ||
		arrived.Attempt != "1" || arrived.Body.Data.Text == "" {
		t.Errorf("as JSON: %v %s", err, machine.out)
	}

	_, err := p.api().RetryDelivery(t.Context(), id)
	p.ok(err)
	eventually(t, "the repetition", func() bool { return strings.Contains(right.out.String(), "duplicate (seen 2 times)") })
	if said := right.stop(); !strings.Contains(said, "Received: 2; bad signature: 0; again after a 2xx: 1") {
		t.Errorf("at the end it says\n%s", said)
	}
	for _, text := range []string{right.err.String(), right.out.String(), machine.err.String()} {
		if strings.Contains(text, secret) {
			t.Errorf("the secret is printed:\n%s", text)
		}
	}
}

// TestListenFails answers some deliveries 500, so that retries can be watched.
func TestListenFails(t *testing.T) {
	t.Parallel()
	p := startHub(t)
	l := listen(t, "", "--fail-rate", "1")
	w := p.outgoing(map[string]any{"name": "l", "url": l.url, "events": []string{"x"}, "retryDelay": 100, "maxRetries": 2})
	p.publish("x", 1)
	p.awaitStatuses(w.ID, "failed", 1)
	for _, part := range []string{"attempt 1", "attempt 2", "attempt 3", "answered 500"} {
		if !strings.Contains(l.out.String(), part) {
			t.Errorf("%q is missing in\n%s", part, l.out)
		}
	}
}

// TestTokenCommands make, list and revoke tokens beside a running hub.
func TestTokenCommands(t *testing.T) { onBoth(t, testTokenCommands) }

func testTokenCommands(t *testing.T, on database) {
	p := on.startHub(t)
	run := func(args ...string) string {
		t.Helper()
		out, err := p.command(args...).Output()
		if err != nil {
			t.Fatalf("hub %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	token := strings.TrimSpace(run("token", "create", "made by hand", "--scope", "read"))
	if !apiToken.MatchString(token) || strings.ContainsAny(token, " \n") {
		t.Fatalf("hub token create prints %q, want the token and nothing else", token)
	}
	reader := *p
	reader.token = token
	if _, err := api.Collect(reader.api().Channels(t.Context())); err != nil {
		t.Errorf("the token reads: %v", err)
	}
	if _, err := reader.api().CreateToken(t.Context(), api.NewToken{Name: "x", Scope: "admin"}); statusOf(err) != http.StatusForbidden {
		t.Errorf("a read token makes tokens: %v", err)
	}
	list := run("token", "list")
	if strings.Contains(list, token) || !strings.Contains(list, "made by hand") {
		t.Errorf("hub token list prints\n%s", list)
	}
	for line := range strings.Lines(list) {
		if strings.Contains(line, "made by hand") {
			run("token", "revoke", strings.Fields(line)[0], "--yes")
		}
	}
	if list := run("token", "list"); strings.Contains(list, "made by hand") {
		t.Errorf("the revoked token is listed:\n%s", list)
	}
	p.stop()
	p.start()
	reader = *p
	reader.token = token
	if _, err := api.Collect(reader.api().Channels(t.Context())); statusOf(err) != http.StatusUnauthorized {
		t.Errorf("the revoked token reads: %v", err)
	}
	// Also without a running hub.
	p.stop()
	token = strings.TrimSpace(run("token", "create", "beforehand"))
	p.start()
	reader = *p
	reader.token = token
	if _, err := api.Collect(reader.api().Tokens(t.Context())); err != nil {
		t.Errorf("a token that was made before the start: %v", err)
	}
}

// TestLoginOfAnother: a link for a user signs that user in.
func TestLoginOfAnother(t *testing.T) {
	t.Parallel()
	p := startHub(t)
	_, err := p.api().CreateUser(t.Context(), api.NewUser{Username: "grace"})
	p.ok(err)
	out, err := p.command("login", "--user", "grace").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cookie := p.spend(loginLink.FindString(string(out)))
	if cookie == nil {
		t.Fatal("the link does not work")
	}
	home := p.page("/", cookie)
	if home.Status == http.StatusSeeOther {
		home = p.page(home.Header.Get("Location"), cookie)
	}
	if text := string(home.Body); !strings.Contains(text, "grace") || strings.Contains(text, "notices") {
		t.Errorf("a member's page: %d, names notices: %v", home.Status, strings.Contains(text, "notices"))
	}
	if out, err := p.command("login", "--user", "nobody").CombinedOutput(); err == nil || !strings.Contains(string(out), "no such user") {
		t.Errorf("hub login for nobody: %v\n%s", err, out)
	}
}

// TestOperatorsCommands: what an operator looks at works beside a running hub,
// and what makes no sense is refused in words.
func TestOperatorsCommands(t *testing.T) {
	t.Parallel()
	p := startHub(t)
	var report struct {
		Events, Expected, Deliveries, Found int64
		Problems                            []string
	}
	out, err := p.command("verify", "--json").Output()
	if err != nil || json.Unmarshal(out, &report) != nil || report.Problems == nil || report.Found != 0 {
		t.Errorf("hub verify --json: %v\n%s", err, out)
	}
	if out, err := p.command("doctor").CombinedOutput(); err != nil || !strings.Contains(string(out), "database") {
		t.Errorf("hub doctor: %v\n%s", err, out)
	}
	cmd := p.command("config")
	cmd.Env = append(cmd.Env, "HUB_ADMIN_TOKEN="+adminToken)
	out, err = cmd.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte(adminToken)) || !bytes.Contains(out, []byte(strings.TrimPrefix(p.url, "http://"))) {
		t.Errorf("hub config: %v\n%s", err, out)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"serve"}, "another hub is running"},
		{[]string{"serve", "--log", "loud"}, "log"},
		{[]string{"nonsense"}, "unknown command"},
		{[]string{"token", "create"}, "arg"},
		{[]string{"token", "create", "x", "--scope", "all"}, "scope"},
		{[]string{"listen", "--status", "99"}, "--status"},
		{[]string{"verify", "--data-dir", t.TempDir()}, "no hub's database"},
	} {
		out, err := p.command(c.args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) || strings.Count(string(out), "\n") > 12 {
			t.Errorf("hub %v: %v, want words with %q\n%s", c.args, err, c.want, out)
		}
	}
	p.stop()
	p.verify()
}

// TestStopsWhileSending: an operator's stop waits for nobody for long, loses
// nothing, and the next start goes on.
func TestStopsWhileSending(t *testing.T) { onBoth(t, testStopsWhileSending) }

func testStopsWhileSending(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	hang := make(chan struct{})
	receiver.script("/hang", func(n int, w http.ResponseWriter) {
		if n <= 3 {
			<-hang
		}
		w.WriteHeader(http.StatusNoContent)
	})
	t.Cleanup(func() { close(hang) })
	w := p.webhookTo(receiver, "/hang", []string{"x"}, nil)
	for n := range 3 {
		p.publish("x", n)
	}
	receiver.await("/hang", 3)
	p.stop()
	p.verify()
	p.start()
	got := receiver.await("/hang", 6)
	p.awaitStatuses(w.ID, "success", 3)
	ids := make(map[string][]string)
	for _, a := range got {
		id := a.Header.Get("Webhook-Id")
		ids[id] = append(ids[id], a.Header.Get("X-Webhook-Attempt"))
	}
	for id, attempts := range ids {
		if strings.Join(attempts, " ") != "1 2" {
			t.Errorf("delivery %s came as attempts %v", id, attempts)
		}
	}
	p.stop()
	p.verify()
}

// TestDemo: hub serve --demo has something to show.
func TestDemo(t *testing.T) { onBoth(t, testDemo) }

func testDemo(t *testing.T, on database) {
	p := on.newProcess(t)
	p.args = []string{"--demo"}
	p.start()
	eventually(t, "the demo's first words", func() bool { return strings.Contains(p.out.String(), "/api/webhooks/incoming/") })
	address := regexp.MustCompile(`/api/webhooks/incoming/(\S+)`).FindStringSubmatch(p.out.String())
	if a := p.curl(address[1], `{"text":"deploy started"}`); a.Status != http.StatusOK {
		t.Errorf("the demo's curl: %d %s", a.Status, a.Body)
	}
	stats := p.drained(patience)
	if stats.Completed < 5 || stats.Failed != 0 {
		t.Errorf("the demo's deliveries: %+v", stats)
	}
	hooks := all(p, p.api().OutgoingWebhooks(t.Context()))
	p.stop()
	p.start() // at another address
	again := all(p, p.api().OutgoingWebhooks(t.Context()))
	if len(again) != len(hooks) || len(hooks) < 3 {
		t.Errorf("the demo has %d webhooks, then %d", len(hooks), len(again))
	}
	before := p.drained(patience).Completed
	p.publish("order.created", map[string]any{"total": 1})
	if after := p.drained(patience); after.Completed <= before || after.Failed != 0 {
		t.Errorf("after the restart: %d, then %+v", before, after)
	}
	p.stop()
	p.verify()
}

// TestRunsAsPlainProcess: SIGINT stops the hub like SIGTERM, and its folder is
// private.
func TestRunsAsPlainProcess(t *testing.T) {
	t.Parallel()
	p := startHub(t)
	for _, name := range []string{databaseName, "keys"} {
		if info, err := os.Stat(p.dir + "/" + name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %v", name, strconv.FormatUint(uint64(info.Mode().Perm()), 8))
		}
	}
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	<-p.exited
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
}
