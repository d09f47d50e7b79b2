package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// readmeBlock returns the shell commands below a heading of README.md.
func readmeBlock(t *testing.T, heading string) string {
	t.Helper()
	b, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(b), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, block, _ := strings.Cut(section, "```sh\n")
	block, _, found := strings.Cut(block, "```")
	if !found {
		t.Fatalf("README.md has no commands below %q", heading)
	}
	return block
}

// replaced puts values of this test in the places of those that a block of
// README.md has, each of which must be there.
func replaced(t *testing.T, block string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(block, pairs[i]) {
			t.Fatalf("README.md does not say %q here:\n%s", pairs[i], block)
		}
		block = strings.ReplaceAll(block, pairs[i], pairs[i+1])
	}
	return block
}

// shell runs commands until the first that fails and returns what they print.
func shell(t *testing.T, commands string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", commands).Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, commands, out)
	}
	return string(out)
}

// TestReadme carries out the quick start of README.md as it stands there, but for
// the addresses and what is shown once.
func TestReadme(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("no %s, and under CI nothing is skipped", tool)
			}
			t.Skipf("no %s: the commands of README.md are not tried", tool)
		}
	}
	p := startHub(t)
	hub := strings.TrimPrefix(p.url, "http://")
	post := replaced(t, readmeBlock(t, "Post into a channel"), "HUB_TOKEN=hub_…", "HUB_TOKEN="+adminToken, "localhost:8000", hub)
	setUp, call, found := strings.Cut(post, "curl -X POST")
	if !found {
		t.Fatalf("README.md does not post:\n%s", post)
	}
	var made hook
	if out := shell(t, setUp); json.Unmarshal([]byte(out), &made) != nil || made.Token == "" {
		t.Fatalf("no webhook was made: %s", out)
	}

	const listen = "go run ./cmd/hub listen"
	receiver := freeAddr(t)
	receive := replaced(t, readmeBlock(t, "Receive what happens"), listen, p.binary+" listen --addr "+receiver,
		"127.0.0.1:9000", receiver, "localhost:8000", hub)
	printed := p.background("export HUB_TOKEN=" + adminToken + "\n" + receive + "\nwait")
	eventually(t, "the webhook of README.md", func() bool {
		hooks := all(p, p.api().OutgoingWebhooks(t.Context()))
		return len(hooks) == 1 && hooks[0].Name == "my service"
	})

	shell(t, replaced(t, "curl -X POST"+call, "<TOKEN>", made.Token))
	m := p.newest(p.general())[0]
	if m.Content != "Hello from external service!" || m.Author.Username != "External Bot" || m.Author.AvatarURL != "https://example.com/icon.png" {
		t.Errorf("posted: %+v", m)
	}
	arrived := regexp.MustCompile(`(?s)message\.created.*` + regexp.QuoteMeta(m.Content))
	eventually(t, "the message at hub listen, verified", func() bool {
		return arrived.MatchString(printed.String()) && strings.Contains(printed.String(), "signature ok")
	})
}

// background runs commands until the test ends, and collects what they print.
func (p *process) background(commands string) *syncBuffer {
	p.t.Helper()
	out := &syncBuffer{}
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", commands)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the shell and what it began
		_ = cmd.Wait()
	})
	return out
}
