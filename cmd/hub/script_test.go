package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/tools/txtar"

	"github.com/nself-chat/hub/client"
)

const scripts = "testdata/script"

// TestScripts runs the command line as people do, each script with a hub of its own.
func TestScripts(t *testing.T) {
	dir, files := scripts, []string(nil)
	if testing.Short() { // those in which something goes on beside the commands
		dir = ""
		for _, name := range []string{"deliveries", "event", "queue", "server", "usage"} {
			files = append(files, filepath.Join(scripts, name+".txtar"))
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: dir, Files: files,
		RequireExplicitExec: false,
		RequireUniqueNames:  true,
		Setup:               setUpScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"capture":   capture,
			"post":      postTo,
			"follow":    follow,
			"await":     await,
			"interrupt": interrupt,
			"oneline":   oneLineOnly,
			"until":     until,
		},
	})
}

// setUpScript starts a hub and a receiver for a script. The hub is named by
// HUB_URL, and its data are in $DATA.
func setUpScript(env *testscript.Env) error {
	data := filepath.Join(env.WorkDir, "hub")
	h, err := startHub(data)
	if err != nil {
		return err
	}
	env.Defer(h.kill)
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		status, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		w.WriteHeader(max(status, http.StatusOK))
		fmt.Fprintln(w, "taken")
	}))
	env.Defer(sink.Close)
	env.Values[following{}] = map[string]*follower{}
	env.Vars = append(env.Vars,
		"HOME="+env.WorkDir, "XDG_CONFIG_HOME="+filepath.Join(env.WorkDir, "config"), "TZ=UTC", "NO_COLOR=1",
		"HUB_URL="+h.url, "HUB_TOKEN="+processToken, "URL="+h.url, "TOKEN="+processToken, "DATA="+data, "ADDR="+strings.TrimPrefix(h.url, "http://"),
		"SINK="+sink.URL,
		"HUB_LOG_FORMAT=text")
	return nil
}

// scriptHub is the hub of a script.
type scriptHub struct {
	url string
	cmd *exec.Cmd
}

func (h *scriptHub) kill() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
}

var readyLine = regexp.MustCompile(`hub is ready at (http://\S+)`)

// startHub starts a hub at a port that it chooses and waits until it is ready.
func startHub(data string) (*scriptHub, error) {
	cmd := exec.Command(os.Args[0], "serve")
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "HUB_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(cmd.Env, asHub+"=1", "HUB_DATA_DIR="+data, "HUB_ADDR=127.0.0.1:0", "HUB_ADMIN_TOKEN="+processToken,
		"HUB_LOG_FORMAT=text")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	h := &scriptHub{cmd: cmd}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			h.url = m[1]
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return h, nil
		}
	}
	h.kill()
	return nil, fmt.Errorf("the hub ended before it was ready\n%s", log.String())
}

// exits runs a command and wants an exit code: exits CODE command…
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s\n%s", code, args[0], ts.ReadFile("stderr"))
	}
}

// until runs a command until what it prints matches: until REGEXP command…
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP command...")
	}
	wanted := regexp.MustCompile("(?m)" + args[0])
	for deadline := time.Now().Add(30 * time.Second); ; {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if wanted.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("after half a minute there is no %q", args[0])
		}
	}
}

// capture puts what was printed into a variable: capture NAME [REGEXP], of which the first group
// is kept.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: capture NAME [REGEXP]")
	}
	text := strings.TrimSpace(ts.ReadFile("stdout"))
	if len(args) == 2 {
		m := regexp.MustCompile(args[1]).FindStringSubmatch(text)
		if m == nil {
			ts.Fatalf("%q is not in\n%s", args[1], text)
		}
		text = m[1]
	}
	ts.Setenv(args[0], text)
}

// postTo posts a body as JSON: post URL BODY.
func postTo(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: post URL BODY")
	}
	res, err := http.Post(args[0], "application/json", strings.NewReader(args[1]))
	ts.Check(err)
	defer res.Body.Close()
	if (res.StatusCode > 299) != neg {
		ts.Fatalf("answered %s", res.Status)
	}
}

// oneLineOnly wants what was printed to be a single line.
func oneLineOnly(ts *testscript.TestScript, neg bool, _ []string) {
	if n := strings.Count(ts.ReadFile("stdout"), "\n"); (n == 1) == neg {
		ts.Fatalf("%d lines", n)
	}
}

// following is where a script keeps the commands that run beside it.
type following struct{}

// follower is a command that runs beside a script.
type follower struct {
	cmd  *exec.Cmd
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
	done chan error
}

// Write implements io.Writer for what the command prints.
func (f *follower) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case f.more <- struct{}{}:
	default:
	}
	return f.text.Write(p)
}

// wait waits until what the command printed matches.
func (f *follower) wait(ts *testscript.TestScript, pattern string) {
	wanted := regexp.MustCompile("(?m)" + pattern)
	deadline := time.After(30 * time.Second)
	for {
		f.mu.Lock()
		found, text := wanted.Match(f.text.Bytes()), f.text.String()
		f.mu.Unlock()
		if found {
			return
		}
		select {
		case <-f.more:
		case err := <-f.done:
			ts.Fatalf("it ended (%v) before it printed %q:\n%s", err, pattern, text)
		case <-deadline:
			ts.Fatalf("after half a minute there is no %q in\n%s", pattern, text)
		}
	}
}

// follow starts a command beside the script: follow NAME command…
func follow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: follow NAME command...")
	}
	f := &follower{more: make(chan struct{}, 1), done: make(chan error, 1)}
	path, err := exec.LookPath(args[1])
	if err != nil { // the script's own PATH
		path = filepath.Join(strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator))[0], args[1])
	}
	f.cmd = exec.Command(path, args[2:]...)
	f.cmd.Dir, f.cmd.Env = ts.MkAbs("."), scriptEnv(ts)
	f.cmd.Stdout, f.cmd.Stderr = f, f
	ts.Check(f.cmd.Start())
	go func() { f.done <- f.cmd.Wait() }()
	ts.Value(following{}).(map[string]*follower)[args[0]] = f
	ts.Defer(func() { _ = f.cmd.Process.Kill() })
}

// scriptEnv is what a script has set.
func scriptEnv(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{
		"PATH", "HOME", "XDG_CONFIG_HOME", "TZ", "NO_COLOR", "HUB_URL", "HUB_TOKEN",
		"HUB_DATA_DIR", "TESTSCRIPT_COMMAND", "TMPDIR",
	} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// await waits for what a command beside the script prints: await NAME REGEXP.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await NAME REGEXP")
	}
	ts.Value(following{}).(map[string]*follower)[args[0]].wait(ts, args[1])
}

// interrupt ends a command beside the script as Ctrl-C does, and wants its exit code: interrupt
// NAME CODE.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: interrupt NAME CODE")
	}
	f := ts.Value(following{}).(map[string]*follower)[args[0]]
	ts.Check(f.cmd.Process.Signal(os.Interrupt))
	<-f.done
	if code := f.cmd.ProcessState.ExitCode(); fmt.Sprint(code) != args[1] {
		ts.Fatalf("exit code %d, want %s\n%s", code, args[1], f.text.String())
	}
}

// TestEveryCommandIsDescribedAndRun: each command has a text, an example, and a line in a script
// that runs it.
func TestEveryCommandIsDescribedAndRun(t *testing.T) {
	run := commandsInScripts(t)
	for _, c := range described(newProgram().root) {
		if c.Short == "" || c.Long == "" || c.Example == "" {
			t.Errorf("%s: needs a Short, a Long and an Example text", c.CommandPath())
		}
		if strings.HasSuffix(c.Short, ".") || !strings.Contains(c.Example, c.CommandPath()) && !aliased(c) {
			t.Errorf("%s: the Short text has no full stop at its end, and an example shows the command", c.CommandPath())
		}
		if !run[c.CommandPath()] {
			t.Errorf("%s: no script in %s runs it", c.CommandPath(), scripts)
		}
	}
	var groups func(c *cobra.Command)
	groups = func(c *cobra.Command) {
		if c.Name() == "help" || c.Hidden || c.IsAdditionalHelpTopicCommand() {
			return
		}
		if c.Short == "" || c.Long == "" || c.Example == "" {
			t.Errorf("%s: needs a Short, a Long and an Example text", c.CommandPath())
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s: --%s has no text", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			groups(sub)
		}
	}
	groups(newProgram().root)
	if len(run) < 60 {
		t.Errorf("the scripts run %d commands: are they read as they should be?", len(run))
	}
}

// TestEveryFieldHasAFlag: what the API takes can be given on the command line.
func TestEveryFieldHasAFlag(t *testing.T) {
	root := newProgram().root
	for _, test := range []struct {
		command   string
		body      any
		arguments []string // given as arguments, or by flags of other names
	}{
		{"webhook incoming create", client.IncomingWebhookFields{}, []string{"name"}},
		{"webhook incoming edit", client.IncomingWebhookFields{}, nil},
		{"webhook outgoing create", client.OutgoingWebhookFields{}, []string{"name", "url"}},
		{"webhook outgoing edit", client.OutgoingWebhookFields{}, []string{"secret"}}, // rotate-secret changes it
		{"webhook incoming replay", client.ReadingFields{}, nil},
		{"webhook outgoing replay", client.Replay{}, nil},
		{"inbox replay", client.ReadingFields{}, nil},
		{"channel create", client.NewChannel{}, []string{"name", "type"}},
		{"channel edit", client.ChannelChange{}, []string{"isArchived"}}, // archive and unarchive
		{"user create", client.NewUser{}, []string{"kind", "username"}},
		{"user edit", client.UserChange{}, nil},
		{"token create", client.NewToken{}, []string{"name"}},
		{"message post", client.NewMessage{}, []string{"content", "threadId"}},
		{"message edit", client.MessageChange{}, []string{"content"}},
	} {
		cmd, _, err := root.Find(strings.Fields(test.command))
		if err != nil {
			t.Fatal(err)
		}
		fields := reflect.TypeOf(test.body)
		for i := range fields.NumField() {
			name, _, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ",")
			if name == "-" || slices.Contains(test.arguments, name) {
				continue
			}
			if flag := flagNamed(cmd, name); !strings.HasPrefix(flag, "--") {
				t.Errorf("hub %s has no flag for %s", test.command, name)
			}
		}
	}
}

// aliased: the examples of a shell's completion may name it in other ways.
func aliased(c *cobra.Command) bool { return c.Parent().Name() == "completion" }

// commandsInScripts are the paths of the commands that scripts run.
func commandsInScripts(t *testing.T) map[string]bool {
	t.Helper()
	root := newProgram().root
	files, err := filepath.Glob(filepath.Join(scripts, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	run := map[string]bool{}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(archive.Comment)) {
			_, args, ok := strings.Cut(" "+strings.TrimSpace(line), " hub ")
			if !ok || strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			if c, _, err := root.Find(strings.Fields(args)); err == nil {
				run[c.CommandPath()] = true
			}
		}
	}
	return run
}
