package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// needServer skips the test where there is no Postgres; under CI nothing is skipped.
func needServer(t *testing.T) *server {
	t.Helper()
	if os.Getenv(serverVariable) == "" {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not set, and under CI nothing is skipped: run the tests with \"make test\"", serverVariable)
		}
		t.Skipf("%s is not set: \"make test\" starts a Postgres and sets it", serverVariable)
	}
	s, err := findServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPostgresIsAsked(t *testing.T) {
	for _, tc := range []struct{ url, says string }{
		{"", `"make bench" starts one`},
		{"sesame", "is not a URL"},
	} {
		t.Setenv(serverVariable, tc.url)
		var out bytes.Buffer
		code := run(t.Context(), []string{"-database", "postgres", "-scenario", "one"}, strings.NewReader(""), &out, &out)
		if code != exitFailed || !strings.Contains(out.String(), tc.says) || strings.Contains(out.String(), "sesame") {
			t.Errorf("%q: exit code %d, output %q; want it to say %q", tc.url, code, out.String(), tc.says)
		}
	}
}

// CPU time that a connection costs is counted while it is open and when it has ended.
func TestServerCPUIsCounted(t *testing.T) {
	s := needServer(t)
	ctx := t.Context()
	conn, err := s.connect(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	before, err := processFamily(s.postmaster)
	if err != nil {
		t.Fatal(err)
	}
	const work = 20 * tick
	var pid int
	spent := func() (is bool) {
		if _, err := conn.Exec(ctx, "SELECT sum(i) FROM generate_series(1, 300000) i"); err != nil {
			t.Fatal(err)
		}
		cpu, err := processCPU(pid)
		if err != nil {
			t.Fatal(err)
		}
		return cpu >= work
	}
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	for !spent() {
	}
	open, err := processFamily(s.postmaster)
	if err != nil || open.cpu-before.cpu < work-2*tick {
		t.Errorf("%v, %v while the connection is open, want %v at least", open.cpu-before.cpu, err, work)
	}
	if memory, err := open.memory(); err != nil || memory < 1<<20 {
		t.Errorf("memory %d, %v", memory, err)
	}
	if err := conn.Close(ctx); err != nil {
		t.Fatal(err)
	}
	for { // its process is gone, and waited for
		if _, err := readStat(pid); hasEnded(err) {
			break
		}
	}
	ended, err := processFamily(s.postmaster)
	if err != nil || ended.cpu < open.cpu {
		t.Errorf("%v after the connection ended, %v; before that %v", ended.cpu, err, open.cpu)
	}
}

// The real hub, so that what the harness takes for granted is so: its tables, its members, its counts.
func TestHubOnPostgres(t *testing.T) {
	s := needServer(t)
	if testing.Short() {
		t.Skip("builds the hub")
	}
	binary, err := buildHub(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("scenarios", func(t *testing.T) {
		o := harness(t, "", "-database", "postgres", "-binary", binary, "-history", "500", "-hang", "1s",
			"-scenario", "one,latency,two,two1,two-shared,lanes,history")
		if o.code != exitOK {
			t.Fatalf("exit code %d\n%s\n%s", o.code, o.stdout, o.stderr)
		}
		if !strings.HasPrefix(o.report.Database, "Postgres 1") || !strings.Contains(o.stdout, "db CPU") {
			t.Errorf("database %q, output:\n%s", o.report.Database, o.stdout)
		}
		for _, s := range o.report.Scenarios {
			for _, target := range s.Targets {
				if target.Missing {
					t.Errorf("%s: %s was not measured", s.Name, target.Metric)
				}
			}
			if s.Median[metricDatabaseMemory] <= 0 || s.Median[metricDatabaseCPU] > s.Median[metricCPU] {
				t.Errorf("%s: database with %v MB, %v of %v CPU seconds", s.Name, s.Median[metricDatabaseMemory],
					s.Median[metricDatabaseCPU], s.Median[metricCPU])
			}
		}
	})
	t.Run("history is what a hub leaves", func(t *testing.T) { testHistory(t, s, binary) })
}

// testHistory lets the hub itself judge the rows.
func testHistory(t *testing.T, s *server, binary string) {
	ctx := t.Context()
	tr := &trial{opt: options{senders: 1}, server: s, binary: binary, dir: t.TempDir(), figures: figures{}}
	err := withSink(ctx, func(sink *sinkProcess) (err error) {
		p := plan{endpoints: 1}
		st, err := tr.newStage(ctx, sink, "hub", p)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, st.close(ctx)) }()
		if err := st.subscribe(ctx, p); err != nil {
			return err
		}
		if err := st.rewrite(ctx, 1000); err != nil {
			return err
		}
		verify := exec.CommandContext(ctx, binary, "verify")
		verify.Env = append(append(inheritedEnv(), st.db.env()...), "HUB_DATA_DIR="+t.TempDir())
		if report, err := verify.CombinedOutput(); err != nil {
			t.Errorf("hub verify: %v\n%s", err, report)
		}
		stats, err := st.clients[0].queueStats(ctx)
		if want := (queueStats{Total: 1000, Completed: 980, Failed: 20}); stats != want {
			t.Errorf("the hub counts %+v, want %+v", stats, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
