package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// untried counts, for each page, the blocks of commands that are not carried out
// here. What is new must either run, or be counted.
var untried = map[string]int{
	"README.md":                     2,
	"docs/adding-a-dialect.md":      2,
	"docs/architecture.md":          1,
	"docs/incoming.md":              4,
	"docs/migrating-from-bullmq.md": 1,
	"docs/operations.md":            3,
	"docs/quickstart.md":            1,
}

// others are pages whose commands are not tried, and why.
var others = map[string]string{
	"docs/cli.md":         "is made by the command line",
	"docs/performance.md": "measures for minutes",
	"docs/scaling.md":     "is about several machines",
	"deploy/README.md":    "installs services and containers",
}

// TestPages carries out the commands of every page, in their order, in one bash,
// beside a hub of their own, but for the addresses as they stand there; and holds
// what they print against what the page shows.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "jq", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("no %s, and under CI nothing is skipped", tool)
			}
			t.Skipf("no %s: the commands of the pages are not tried", tool)
		}
	}
	for _, page := range pages(t) {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			if why := others[page]; why != "" {
				t.Skip("not tried: this page " + why)
			}
			follow(t, page)
		})
	}
}

// follow carries out one page.
func follow(t *testing.T, page string) {
	t.Helper()
	var tried []*fence
	left, starts := 0, false
	for _, f := range fences(t, page) {
		switch {
		case f.info != "sh":
			if f.notRun != "" {
				t.Errorf("%s: only commands can be run or not", f)
			}
		case f.notRun != "":
			left++
			t.Logf("%s: %d lines are not tried: %s", f, strings.Count(f.text, "\n"), f.notRun)
		default:
			tried = append(tried, f)
			starts = starts || f.terminal != "" && strings.Contains(f.text, "hub serve")
		}
	}
	if left != untried[page] {
		t.Errorf("%s: %d blocks of commands are not tried, and %d are counted", page, left, untried[page])
	}
	if len(tried) == 0 {
		return
	}
	r := newReader(t, starts)
	for _, f := range tried {
		if r.do(f); t.Failed() {
			return
		}
	}
}

// reader is somebody who follows a page: a folder with the program in it, a shell,
// and other terminals.
type reader struct {
	t         *testing.T
	dir       string
	addresses *strings.Replacer // from those on the pages to those that are free here
	env       []string
	p         *process // nil when the page starts the hub
	shell     *exec.Cmd
	input     *os.File
	ended     chan struct{} // the shell has
	done      chan string   // what the shell says after each block
	block     int
	terminals map[string]*syncBuffer
	// beside is set once a block has left something running that may print at any time.
	beside bool
}

// newReader makes one, with a hub beside it unless the page starts its own.
func newReader(t *testing.T, starts bool) *reader {
	t.Helper()
	r := &reader{t: t, dir: t.TempDir(), terminals: map[string]*syncBuffer{}}
	p := newProcess(t)
	p.dir = filepath.Join(r.dir, "data")
	if err := os.Symlink(p.binary, filepath.Join(r.dir, "hub")); err != nil {
		t.Fatal(err)
	}
	addr := unusedAddr(t)
	if !starts {
		if err := os.Mkdir(p.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		p.addr, r.p = addr, p
		p.start()
	}
	listener := unusedAddr(t)
	r.addresses = strings.NewReplacer("127.0.0.1:8000", addr, "localhost:8000", addr, "127.0.0.1:9000", listener,
		"hub listen", "hub listen --addr "+listener)
	r.env = append(os.Environ(), "PATH="+r.dir+":"+os.Getenv("PATH"), "HOME="+r.dir, "HUB_ADDR="+addr, "HUB_LOG_FORMAT=text",
		"LC_ALL=C.UTF-8")
	if !starts {
		r.env = append(r.env, "HUB_TOKEN="+adminToken)
	}
	r.open()
	return r
}

// unusedAddr returns an address for a program that may take its time to listen
// there: its port is below those that systems give to clients, as which it would be
// somebody else's by then.
func unusedAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(8000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("there is no free port")
	return ""
}

// open starts the shell that is there for the whole page. It ends at the first
// command that fails.
func (r *reader) open() {
	r.t.Helper()
	said, says, err := os.Pipe()
	if err != nil {
		r.t.Fatal(err)
	}
	from, input, err := os.Pipe()
	if err != nil {
		r.t.Fatal(err)
	}
	r.shell = exec.Command("bash", "-euo", "pipefail")
	r.shell.Dir, r.shell.Env, r.shell.Stdin, r.shell.ExtraFiles = r.dir, r.env, from, []*os.File{says}
	r.start(r.shell)
	says.Close()
	from.Close()
	r.input, r.ended, r.done = input, make(chan struct{}), make(chan string)
	go func() {
		_ = r.shell.Wait()
		close(r.ended)
	}()
	go lines(said, func(line string) bool { r.done <- line; return true })
	r.t.Cleanup(func() {
		input.Close()
		_ = syscall.Kill(-r.shell.Process.Pid, syscall.SIGKILL)
		<-r.ended
		said.Close()
	})
}

// start runs a command in a process group of its own, so that what it began ends
// with it.
func (r *reader) start(cmd *exec.Cmd) {
	r.t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
}

// do carries out one block and looks at what it prints.
func (r *reader) do(f *fence) {
	r.t.Helper()
	text := r.addresses.Replace(f.text)
	if f.terminal != "" {
		r.elsewhere(f, text)
		return
	}
	r.beside = r.beside || regexp.MustCompile(`[^&]&\s*(#.*)?\n`).MatchString(text)
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		out := r.give(f, text)
		if r.t.Failed() || f.shown == nil || r.isShown(f.shown, out) {
			return
		}
		again := false
		if f.soon {
			select {
			case <-tick.C:
				again = true
			case <-deadline:
			}
		}
		if !again {
			r.t.Errorf("%s: the page shows\n%s\nand printed is\n%s", f, f.shown.text, out)
			return
		}
	}
}

// give gives the block's commands to the shell and returns what they print.
func (r *reader) give(f *fence, text string) string {
	r.t.Helper()
	r.block++
	file := filepath.Join(r.dir, fmt.Sprintf(".block%d", r.block))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	fmt.Fprintf(r.input, "source %s </dev/null >%[1]s.out 2>%[1]s.err\necho done >&3\n", file)
	printed := func(suffix string) string {
		b, err := os.ReadFile(file + suffix)
		if err != nil {
			r.t.Fatal(err)
		}
		return string(b)
	}
	select {
	case <-r.done:
		return printed(".out")
	case <-r.ended:
		r.t.Errorf("%s: a command failed:\n%s\n%s%s", f, text, printed(".out"), printed(".err"))
	case <-time.After(2 * patience):
		r.t.Errorf("%s: does not end:\n%s\n%s%s", f, text, printed(".out"), printed(".err"))
	}
	return ""
}

// elsewhere carries out a block in another terminal, where it stays, and waits
// for what the page shows of it.
func (r *reader) elsewhere(f *fence, text string) {
	r.t.Helper()
	out := r.terminals[f.terminal]
	if out != nil {
		r.t.Errorf("%s: something runs in terminal %s already", f, f.terminal)
		return
	}
	out = &syncBuffer{}
	r.terminals[f.terminal] = out
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", text)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = r.dir, r.env, out, out
	r.start(cmd)
	r.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	if f.shown == nil {
		r.t.Errorf("%s: the page does not show when the terminal is ready", f)
		return
	}
	r.appears(f.shown)
}

// appears waits until a terminal shows what the page says.
func (r *reader) appears(shown *fence) {
	r.t.Helper()
	out := r.terminals[shown.terminal]
	if out == nil {
		r.t.Errorf("%s: there is no terminal %s", shown, shown.terminal)
		return
	}
	want := likeness(r.addresses.Replace(shown.text), false)
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !want.Match(bare(out.String())) {
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Errorf("%s: the page shows\n%s\nand the terminal\n%s", shown, shown.text, out)
			return
		}
	}
}

// isShown reports whether the page shows what was printed.
func (r *reader) isShown(shown *fence, printed string) bool {
	return likeness(r.addresses.Replace(shown.text), !r.beside).Match(bare(printed))
}

// varying is what differs each time: ids, tokens, times, durations and ports.
var varying = regexp.MustCompile(strings.Join([]string{
	`[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}`,
	`\d{4}-\d\d-\d\d[T ]?\d\d:\d\d:\d\d(?:\.\d+)?Z?`,
	`\d\d:\d\d:\d\d(?:\.\d+)?`,
	`(?:hub_|whsec_)[A-Za-z0-9+/=]{16,}`,
	`"duration":[0-9.]+`,
}, "|"))

// likeness makes of what a page shows an expression for what may be printed: blanks
// do not count, since a page breaks lines, "…" stands for anything, and what differs
// each time may.
func likeness(shown string, whole bool) *regexp.Regexp {
	text := string(bare(shown))
	var pattern strings.Builder
	if whole {
		pattern.WriteString("^")
	}
	rest := text
	for {
		at := varying.FindStringIndex(rest)
		fixed := rest
		if at != nil {
			fixed = rest[:at[0]]
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(fixed), "…", "(?s:.*?)"))
		if at == nil {
			break
		}
		pattern.WriteString("(?:" + varying.String() + ")")
		rest = rest[at[1]:]
	}
	if whole {
		pattern.WriteString("$")
	}
	return regexp.MustCompile(pattern.String())
}

// bare returns a text without blanks.
func bare(s string) []byte {
	return bytes.Join(bytes.Fields([]byte(s)), nil)
}
