package e2e

import (
	"bytes"
	"encoding/base64"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nself-chat/hub/webhook"
)

// receiverFolder has the receivers that docs/outgoing.md shows, one a language.
const receiverFolder = "../docs/verify"

// languages is how each receiver is started. An argument PORT stands for the port.
var languages = []struct {
	name, file string
	need       string // what .ci/provide calls it; "": go, which there is
	command    []string
}{
	{"Go", "receiver.go", "", nil},
	{"Node", "receiver.js", "npm", []string{"node", "receiver.js"}},
	{"Python", "receiver.py", "python", []string{"python3", "receiver.py"}},
	{"Ruby", "receiver.rb", "ruby", []string{"ruby", "receiver.rb"}},
	{"PHP", "receiver.php", "php", []string{"php", "-S", "127.0.0.1:PORT", "receiver.php"}},
	{"Java", "Receiver.java", "java", []string{"java", "Receiver.java"}},
}

// The secrets of receivers before a rotation, and one that is nobody's.
var (
	receiverSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("thirty-two bytes make a good key"))
	strangeSecret  = "whsec_" + base64.StdEncoding.EncodeToString([]byte("thirty-two bytes of someone else"))
)

// TestReceivers lets the receivers of the pages take deliveries of a hub: good ones,
// such as were spoilt, and such as come while a secret is replaced.
func TestReceivers(t *testing.T) {
	t.Parallel()
	for _, l := range languages {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			command := l.command
			if command == nil {
				command = []string{filepath.Join(t.TempDir(), "receiver")}
				if out, err := exec.Command("go", "build", "-o", command[0], filepath.Join(receiverFolder, l.file)).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			} else if _, err := exec.LookPath(command[0]); err != nil {
				if os.Getenv("CI") != "" {
					t.Fatalf("no %s, and under CI nothing is skipped", command[0])
				}
				t.Skipf("no %s: %s of docs/verify is not tried; .ci/provide %s installs it", command[0], l.file, l.need)
			}
			verifyDeliveries(t, command)
		})
	}
}

// verifyDeliveries is the test of one receiver.
func verifyDeliveries(t *testing.T, command []string) {
	t.Helper()
	p, copies := startHub(t), newSink(t)
	receiver := runReceiver(t, command, receiverSecret)
	const standard, nchat = "/hook", "/nchat"
	made := map[string]hook{}
	for _, path := range []string{standard, nchat} {
		made[path] = p.outgoing(map[string]any{
			"name": path, "url": receiver + path, "events": []string{"check." + path[1:]}, "secret": receiverSecret, "maxRetries": 0,
		})
	}
	p.webhookTo(copies, "/", []string{"check.copy"}, map[string]any{"secret": receiverSecret})
	data := map[string]any{"text": "Grüße, 世界 😀 <b>&amp;</b>"}
	outcome := func(path, what string, want int) {
		t.Helper()
		id, _ := p.publish("check."+path[1:], data)
		var last delivery
		eventually(t, what, func() bool {
			for _, d := range p.deliveries(made[path].ID, "") {
				if d.EventID == id {
					last = d
				}
			}
			return last.Status == "success" || last.Status == "failed"
		})
		if last.LastStatus != want {
			t.Errorf("%s, %s: the receiver answers %d, want %d", path, what, last.LastStatus, want)
		}
	}
	for path := range made {
		outcome(path, "a good delivery", http.StatusNoContent)
	}

	p.publish("check.copy", data)
	good := copies.await("/", 1)[0]
	spoilt(t, receiver, standard, good)
	spoilt(t, receiver, nchat, good)

	stranger := runReceiver(t, command, strangeSecret)
	move := func(to string) {
		for path, h := range made {
			p.change(h, map[string]any{"url": to + path})
		}
	}
	move(stranger)
	for path := range made {
		outcome(path, "a receiver with another secret", http.StatusUnauthorized)
	}

	// While a secret is replaced, who has the old one, the new one or both accepts.
	var fresh []string
	for _, h := range made {
		fresh = append(fresh, p.rotateSecret(h, time.Hour).Secret)
	}
	next := strings.Join(fresh, " ")
	for what, to := range map[string]string{
		"the old secret": receiver, "the new secret": runReceiver(t, command, next), "both": runReceiver(t, command, receiverSecret+" "+next),
	} {
		move(to)
		for path := range made {
			outcome(path, "in a rotation, "+what, http.StatusNoContent)
		}
	}
	for _, h := range made {
		p.rotateSecret(h, 0)
	}
	move(receiver)
	for path := range made {
		outcome(path, "the old secret after a rotation", http.StatusUnauthorized)
	}
}

// spoilt sends a delivery again as it came, and with what must be refused.
func spoilt(t *testing.T, receiver, path string, good arrival) {
	t.Helper()
	signed := func(at time.Time) func(http.Header) {
		return func(h http.Header) {
			signature, err := webhook.SignStandard(receiverSecret, h.Get(webhook.HeaderID), at, good.Body)
			if err != nil {
				t.Fatal(err)
			}
			h.Set(webhook.HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
			h.Set(webhook.HeaderSignature, signature)
		}
	}
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	type attempt struct {
		what   string
		path   string // "": both
		change func(http.Header)
		body   []byte
		want   int
	}
	now := time.Now()
	signature := good.Header.Get(webhook.HeaderBodySignature)
	entry := good.Header.Get(webhook.HeaderSignature)
	for _, a := range []attempt{
		{"as it came", "", nil, good.Body, http.StatusNoContent},
		{"a changed body", "", nil, bytes.Replace(good.Body, []byte("check"), []byte("chess"), 1), http.StatusUnauthorized},
		{"a longer body", "", nil, append(bytes.Clone(good.Body), ' '), http.StatusUnauthorized},
		{"no signatures", "", func(h http.Header) {
			h.Del(webhook.HeaderSignature)
			h.Del(webhook.HeaderBodySignature)
		}, good.Body, http.StatusUnauthorized},
		{"another id", "/hook", set(webhook.HeaderID, "another"), good.Body, http.StatusUnauthorized},
		{"another time", "/hook", set(webhook.HeaderTimestamp, strconv.FormatInt(now.Unix()-60, 10)), good.Body, http.StatusUnauthorized},
		{"no time", "/hook", set(webhook.HeaderTimestamp, ""), good.Body, http.StatusUnauthorized},
		{"a time that is none", "/hook", set(webhook.HeaderTimestamp, "soon"), good.Body, http.StatusUnauthorized},
		{"an old time", "/hook", signed(now.Add(-6 * time.Minute)), good.Body, http.StatusUnauthorized},
		{"a time to come", "/hook", signed(now.Add(6 * time.Minute)), good.Body, http.StatusUnauthorized},
		{"four minutes ago", "/hook", signed(now.Add(-4 * time.Minute)), good.Body, http.StatusNoContent},
		{"another version", "/hook", set(webhook.HeaderSignature, "v2"+entry[2:]), good.Body, http.StatusUnauthorized},
		{"the name alone", "/nchat", set(webhook.HeaderBodySignature, "sha256="), good.Body, http.StatusUnauthorized},
		{"a signature of bytes", "/nchat", set(webhook.HeaderBodySignature, "sha256=\xff\xfe"), good.Body, http.StatusUnauthorized},
		{"half a signature", "/nchat", set(webhook.HeaderBodySignature, signature[:20]), good.Body, http.StatusUnauthorized},
	} {
		if a.path != "" && a.path != path {
			continue
		}
		request, err := http.NewRequest(http.MethodPost, receiver+path, bytes.NewReader(a.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = good.Header.Clone()
		request.Header.Del("Content-Length")
		if a.change != nil {
			a.change(request.Header)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Errorf("%s, %s: %v", path, a.what, err)
			continue
		}
		response.Body.Close()
		if response.StatusCode != a.want {
			t.Errorf("%s, %s: answered %d, want %d", path, a.what, response.StatusCode, a.want)
		}
	}
}

// runReceiver starts a receiver with these secrets, until the test ends, and returns
// its address.
func runReceiver(t *testing.T, command []string, secrets string) string {
	t.Helper()
	addr := unusedAddr(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	args := make([]string, len(command))
	for i, arg := range command {
		args[i] = strings.ReplaceAll(arg, "PORT", port)
	}
	cmd := exec.Command(args[0], args[1:]...)
	out := &syncBuffer{}
	cmd.Dir, cmd.Stdout, cmd.Stderr = receiverFolder, out, out
	cmd.Env = append(os.Environ(), "HOOK_SECRET="+secrets, "PORT="+port)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
		if t.Failed() {
			t.Logf("%s printed\n%s", args[0], out)
		}
	})
	eventually(t, "the receiver", func() bool {
		select {
		case <-ended:
			t.Fatalf("%s ended:\n%s", args[0], out)
		default:
		}
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return "http://" + addr
}
