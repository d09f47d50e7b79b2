package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub/internal/app"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// machine is a healthy one: a test changes what it is about.
type machine struct {
	*doctor
	dir string
	env map[string]string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d := newDoctor(func(app.Config) []Check {
		return []Check{{"database", func(context.Context) (string, error) { return "looked at", nil }}}
	})
	d.now = func() time.Time { return noon }
	d.environ = func() []string { return []string{"HOME=/", "HUB_ADDR=x", "HUB_SERVICE_HOST=10.0.0.1"} }
	d.built = noon.Add(-time.Hour)
	d.free = func(string) (uint64, error) { return 1 << 40, nil }
	return &machine{d, dir, map[string]string{"HUB_DATA_DIR": dir, "HUB_ADDR": "127.0.0.1:0"}}
}

func (m *machine) check(t *testing.T) map[string]checkResult {
	t.Helper()
	checks := m.checks(func() (app.Config, error) {
		return app.LoadConfig(nil, func(name string) (string, bool) { v, ok := m.env[name]; return v, ok })
	})
	results := map[string]checkResult{}
	for _, check := range checks {
		results[check.Name] = runCheck(t.Context(), check)
	}
	return results
}

func (m *machine) file(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, noon, noon); err != nil {
		t.Fatal(err)
	}
	return path
}

var keyLine = "k1:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))

func TestDoctorOnAHealthyMachine(t *testing.T) {
	m := newMachine(t)
	m.file(t, "hub.db", "a database", 0o600)
	m.file(t, "keys", keyLine, 0o600)
	m.env["HUB_BASE_URL"] = "https://hub.example.com"
	m.env["HUB_TRUSTED_PROXIES"] = "127.0.0.1"
	m.env["HUB_ADMIN_TOKEN"] = hiddenToken
	results := m.check(t)
	for name, result := range results {
		if result.Status != statusOK || result.Detail == "" {
			t.Errorf("%s: %s %s", name, result.Status, result.Detail)
		}
	}
	var names []string
	for _, name := range []string{
		"configuration", "environment", "data folder", "files folder", "disk space", "database", "keys", "address",
		"clock", "base URL", "reverse proxy", "admin token", "profiler",
	} {
		if _, there := results[name]; there {
			names = append(names, name)
		}
	}
	if len(names) != 13 || len(results) != 13 {
		t.Errorf("checks: %v", names)
	}
	if results["database"].Detail != "looked at" {
		t.Error("the checks of the database were not run")
	}
	entries, err := os.ReadDir(m.dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("something was left in the data folder: %v, %v", entries, err)
	}
}

// Each case breaks one thing; exactly that check must notice.
func TestDoctorFindings(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*testing.T, *machine)
		check  string
		status string
		says   string
	}{
		{
			"first start", func(t *testing.T, m *machine) { m.env["HUB_DATA_DIR"] = m.dir + "/not/yet" },
			"data folder", statusOK, "first start makes it",
		},
		{
			"malformed setting", func(_ *testing.T, m *machine) { m.env["HUB_TIMEOUT"] = "soon" },
			"configuration", statusFail, "HUB_TIMEOUT: want milliseconds",
		},
		{
			"readable secret", func(t *testing.T, m *machine) { m.file(t, "hub.yaml", "adminToken: "+hiddenToken+"\n", 0o644) },
			"configuration", statusWarn, "chmod 600",
		},
		{"misspelt variable", func(_ *testing.T, m *machine) {
			m.environ = func() []string { return []string{"HUB_RETENTION_DAY=3", "HUB_ADRR=x", "HUB_CONFIG=y"} }
		}, "environment", statusWarn, "HUB_RETENTION_DAY is not a setting; is HUB_RETENTION_DAYS meant?\nHUB_ADRR"},
		{
			"data folder is a file", func(t *testing.T, m *machine) { m.env["HUB_DATA_DIR"] = m.file(t, "file", "", 0o600) },
			"data folder", statusFail, "not a folder",
		},
		{"data folder is open", func(t *testing.T, m *machine) {
			if err := os.Chmod(m.dir, 0o755); err != nil { //nolint:gosec // the mistake under test
				t.Fatal(err)
			}
		}, "data folder", statusWarn, "chmod 700"},
		{
			"data folder cannot be made", func(t *testing.T, m *machine) { m.env["HUB_DATA_DIR"] = "/proc/hub/data" },
			"data folder", statusFail, "HUB_DATA_DIR",
		},
		{
			"disk full", func(_ *testing.T, m *machine) { m.free = func(string) (uint64, error) { return 200_000_000, nil } },
			"disk space", statusFail, "200 MB free",
		},
		{
			"disk almost full", func(_ *testing.T, m *machine) { m.free = func(string) (uint64, error) { return 400_000_000, nil } },
			"disk space", statusWarn, "make room",
		},
		{"the disk of the files is full", func(_ *testing.T, m *machine) {
			m.env["HUB_FILES"] = filepath.Dir(m.dir) + "/files"
			m.free = func(folder string) (uint64, error) {
				if folder == filepath.Dir(m.dir) {
					return 200_000_000, nil
				}
				return 1 << 40, nil
			}
		}, "disk space", statusFail, "the disk of /"},
		{"reserve is off", func(_ *testing.T, m *machine) {
			m.env["HUB_DISK_RESERVE"] = "0"
			m.free = func(string) (uint64, error) { return 0, nil }
		}, "disk space", statusWarn, "0 MB free on the disk of"},
		{"reserve is off, and there is space", func(_ *testing.T, m *machine) { m.env["HUB_DISK_RESERVE"] = "0" }, "disk space", statusOK, "0 MB kept"},
		{"data folder on a full disk", func(_ *testing.T, m *machine) {
			m.write = func(folder string) error { return &os.PathError{Op: "write", Path: folder, Err: syscall.ENOSPC} }
		}, "data folder", statusFail, "its disk is full: delete something"},
		{"data folder on a read-only disk", func(_ *testing.T, m *machine) {
			m.write = func(folder string) error { return &os.PathError{Op: "open", Path: folder, Err: syscall.EROFS} }
		}, "data folder", statusFail, "mounted read-only: mount it for writing"},
		{"data folder to be made on a full disk", func(_ *testing.T, m *machine) {
			m.env["HUB_DATA_DIR"] = m.dir + "/not/yet"
			m.write = func(string) error { return syscall.EDQUOT }
		}, "data folder", statusFail, "its disk is full"},
		{"data folder of another", func(_ *testing.T, m *machine) {
			m.write = func(string) error { return syscall.EACCES }
		}, "data folder", statusFail, "(chown)"},
		{
			"disk unknown", func(_ *testing.T, m *machine) { m.free = func(string) (uint64, error) { return 0, io.ErrNoProgress } },
			"disk space", statusFail, "cannot ask",
		},
		{"no database yet", func(*testing.T, *machine) {}, "database", statusOK, "first start makes it"},
		{
			"database lost", func(t *testing.T, m *machine) { m.file(t, "keys", keyLine, 0o600) },
			"database", statusWarn, "although the keys of an earlier one are there",
		},
		{"database empty", func(t *testing.T, m *machine) {
			m.file(t, "hub.db", "", 0o600)
			m.file(t, "keys", keyLine, 0o600)
		}, "database", statusWarn, "although the keys of an earlier one are there"},
		{
			"restore interrupted", func(t *testing.T, m *machine) { m.file(t, ".restore-1.db", "half", 0o600) },
			"database", statusFail, "repeat `hub restore`",
		},
		{
			"files folder is a file", func(t *testing.T, m *machine) { m.env["HUB_FILES"] = m.file(t, "file", "", 0o600) },
			"files folder", statusFail, "is not a folder",
		},
		{
			"files folder below a file", func(t *testing.T, m *machine) { m.env["HUB_FILES"] = m.file(t, "file", "", 0o600) + "/files" },
			"files folder", statusFail, "not a directory",
		},
		{"database is a folder", func(t *testing.T, m *machine) {
			if err := os.Mkdir(m.dir+"/hub.db", 0o700); err != nil {
				t.Fatal(err)
			}
		}, "database", statusFail, "not a file"},
		{"database is damaged", func(t *testing.T, m *machine) {
			m.file(t, "hub.db", "a database", 0o600)
			m.file(t, "keys", keyLine, 0o600)
			m.database = func(app.Config) []Check {
				return []Check{{"database", func(context.Context) (string, error) { return "", errors.New("row 7 is missing") }}}
			}
		}, "database", statusFail, "row 7"},
		{"no keys yet", func(*testing.T, *machine) {}, "keys", statusOK, "first start makes it"},
		{
			"keys in the environment", func(_ *testing.T, m *machine) { m.env["HUB_SECRET_KEYS"] = keyLine },
			"keys", statusOK, `1 in the configuration, "k1" seals`,
		},
		{"keys open to others", func(t *testing.T, m *machine) {
			m.file(t, "hub.db", "a database", 0o600)
			m.file(t, "keys", keyLine, 0o640)
		}, "keys", statusFail, "chmod 600"},
		{
			"keys lost", func(t *testing.T, m *machine) { m.file(t, "hub.db", "", 0o600) },
			"keys", statusFail, "restore the file",
		},
		{
			"clock behind the program", func(_ *testing.T, m *machine) { m.built = noon.Add(time.Hour) },
			"clock", statusFail, "before this program was made",
		},
		{"clock behind the data", func(t *testing.T, m *machine) {
			m.file(t, "hub.db", "a database", 0o600)
			path := m.file(t, "keys", keyLine, 0o600)
			if err := os.Chtimes(path, noon, noon.Add(10*time.Minute)); err != nil {
				t.Fatal(err)
			}
		}, "clock", statusWarn, "the clock went back"},
		{
			"no base URL on all interfaces", func(_ *testing.T, m *machine) { m.env["HUB_ADDR"] = ":0" },
			"base URL", statusWarn, "set HUB_BASE_URL",
		},
		{
			"base URL without TLS", func(_ *testing.T, m *machine) { m.env["HUB_BASE_URL"] = "http://hub.example.com" },
			"base URL", statusWarn, "https",
		},
		{
			"base URL is local", func(_ *testing.T, m *machine) { m.env["HUB_BASE_URL"] = "http://192.168.1.2:8000" },
			"base URL", statusWarn, "cannot deliver",
		},
		{
			"proxy not trusted", func(_ *testing.T, m *machine) { m.env["HUB_BASE_URL"] = "https://hub.example.com" },
			"reverse proxy", statusWarn, "HUB_TRUSTED_PROXIES",
		},
		{
			"everyone trusted", func(_ *testing.T, m *machine) { m.env["HUB_TRUSTED_PROXIES"] = "0.0.0.0/0" },
			"reverse proxy", statusWarn, "trusts everyone",
		},
		{
			"weak token", func(_ *testing.T, m *machine) { m.env["HUB_ADMIN_TOKEN"] = "hunter22" },
			"configuration", statusFail, "at least 24",
		},
		{
			"open profiler", func(_ *testing.T, m *machine) { m.env["HUB_PPROF_ADDR"] = ":6060" },
			"profiler", statusWarn, "other machines",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			c.change(t, m)
			results := m.check(t)
			got := results[c.check]
			if got.Status != c.status || !strings.Contains(got.Detail, c.says) {
				t.Errorf("%s: %s %q, want %s with %q", c.check, got.Status, got.Detail, c.status, c.says)
			}
			for name, result := range results {
				dependent := c.name == "data folder is a file" && (name == "database" || name == "keys" || name == "files folder") ||
					c.name == "data folder cannot be made" && name == "files folder"
				if name != c.check && result.Status != statusOK && !dependent {
					t.Errorf("%s noticed something too: %s %s", name, result.Status, result.Detail)
				}
				if strings.Contains(result.Detail, "hunter22") {
					t.Errorf("%s shows the token: %s", name, result.Detail)
				}
			}
		})
	}
}

func TestDoctorAtTheAddress(t *testing.T) {
	// serve answers with the statuses by path, at an address of its own.
	serve := func(t *testing.T, statuses map[string]int) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			status, ok := statuses[r.URL.Path]
			if !ok {
				status = http.StatusNotFound
			}
			w.WriteHeader(status)
		}))
		t.Cleanup(server.Close)
		return server.Listener.Addr().String()
	}
	// silent takes connections, and says nothing.
	silent := func(t *testing.T) string {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		return listener.Addr().String()
	}
	m := newMachine(t)
	m.env["HUB_ADDR"] = serve(t, map[string]int{"/healthz": 200, "/readyz": 200})
	if got := m.check(t)["database"]; got.Status != statusFail || !strings.Contains(got.Detail, "although a hub runs at") {
		t.Errorf("a hub whose database is not there: %s %s", got.Status, got.Detail)
	}
	for _, c := range []struct {
		name, status, says string
		addr               func(*testing.T) string
	}{
		{"hub", statusOK, "is ready", func(t *testing.T) string {
			return serve(t, map[string]int{"/healthz": 200, "/readyz": 200})
		}},
		{"hub that hangs", statusWarn, "not ready (GET /readyz answers 503)", func(t *testing.T) string {
			return serve(t, map[string]int{"/healthz": 200, "/readyz": 503})
		}},
		{"other web server", statusFail, "another program", func(t *testing.T) string { return serve(t, nil) }},
		{"no web server", statusFail, "another program", func(t *testing.T) string {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(conn, "220 mail.example.com\r\n")
					_ = conn.Close()
				}
			}()
			t.Cleanup(func() { _ = listener.Close(); <-done })
			return listener.Addr().String()
		}},
		{"free", statusOK, "is free", func(t *testing.T) string {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close() //nolint:errcheck // its port is wanted, free
			return listener.Addr().String()
		}},
		{"frozen", statusFail, "does not answer in time: if it is a hub", silent},
		{"frozen hub", statusFail, "the hub of ", func(t *testing.T) string { return silent(t) + " with a socket" }},
		{"not of this machine", statusFail, "choose another address", func(*testing.T) string { return "host.invalid:80" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t)
			addr, socket := strings.CutSuffix(c.addr(t), " with a socket")
			if socket {
				listener, err := net.Listen("unix", filepath.Join(m.dir, "hub.sock"))
				if err != nil {
					t.Fatal(err)
				}
				defer listener.Close() //nolint:errcheck // nothing was accepted
			}
			if strings.HasPrefix(c.name, "frozen") {
				m.client.Timeout = 100 * time.Millisecond
			}
			m.env["HUB_ADDR"] = addr
			m.env["HUB_BASE_URL"] = "https://hub.example.com"
			got := m.check(t)["address"]
			if got.Status != c.status || !strings.Contains(got.Detail, c.says) {
				t.Errorf("%s %q, want %s with %q", got.Status, got.Detail, c.status, c.says)
			}
		})
	}
}

func TestDoctorCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	newCommand := func(err error) (string, error) {
		cmd := newDoctorCommand(func(app.Config) []Check {
			return []Check{{"database", func(context.Context) (string, error) { return "fine", err }}}
		})
		return execute(t, cmd, map[string]string{"HUB_DATA_DIR": dir}, "--addr=127.0.0.1:0")
	}
	out, err := newCommand(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		if !strings.HasPrefix(line, "ok    ") && !strings.HasPrefix(line, "warn  ") {
			t.Errorf("line %q", line)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the doctor made the data folder")
	}

	// With a database, its checks run and decide.
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hub.db", "keys"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(keyLine), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err = newCommand(errors.New("broken: restore the backup"))
	failed := err != nil && err.Error() == "doctor: 1 of 13 checks failed"
	if !failed || !strings.Contains(out, "fail  database       broken: restore") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestRunChecks(t *testing.T) {
	result := func(detail string, err error) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return detail, err }
	}
	checks := []Check{
		{"one", result("good", nil)},
		{"three", result("", fmt.Errorf("wrapped: %w", warnf("look at\nthis")))},
		{"x", result("", errors.New("bad"))},
	}
	var text, encoded strings.Builder
	if err := runChecks(t.Context(), &text, checks, false); err == nil || err.Error() != "doctor: 1 of 3 checks failed" {
		t.Errorf("%v", err)
	}
	want := "ok    one    good\nwarn  three  wrapped: look at\n             this\nfail  x      bad\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := runChecks(t.Context(), &encoded, checks, true); err == nil {
		t.Error("no error with JSON")
	}
	var report doctorReport
	if err := json.Unmarshal([]byte(encoded.String()), &report); err != nil {
		t.Fatal(err)
	}
	wantReport := doctorReport{OK: false, Checks: []checkResult{
		{"one", statusOK, "good"}, {"three", statusWarn, "wrapped: look at\nthis"}, {"x", statusFail, "bad"},
	}}
	if diff := cmp.Diff(wantReport, report); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := runChecks(t.Context(), io.Discard, checks[:2], false); err != nil {
		t.Errorf("warnings fail: %v", err)
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"abc", "abc", 0}, {"abcd", "acbd", 2}} {
		if got := editDistance(c.a, c.b); got != c.want || editDistance(c.b, c.a) != got {
			t.Errorf("%q, %q: %d", c.a, c.b, got)
		}
	}
}

func TestFreeSpaceOfThisMachine(t *testing.T) {
	if free, err := freeSpace(t.TempDir()); err != nil || free == 0 {
		t.Errorf("%d, %v", free, err)
	}
	if _, err := freeSpace("/no/such/folder"); err == nil {
		t.Error("no error for a folder that is not there")
	}
}
