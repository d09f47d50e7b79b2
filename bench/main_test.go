package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// TestMain lets the test binary also be the harness's children and the imitation of a hub.
func TestMain(m *testing.M) {
	args := os.Args[1:]
	if _, ok := childRole(args); ok {
		os.Exit(run(context.Background(), args, os.Stdin, os.Stdout, os.Stderr))
	}
	if len(args) == 1 && args[0] == "serve" {
		if err := serveImitation(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// outcome is what a call of the harness came to.
type outcome struct {
	code   int
	stdout string
	stderr string
	report report
}

// harness calls the harness with an imitation that has the given fault, in a size that takes moments.
func harness(t *testing.T, fault string, args ...string) outcome {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.json")
	var stdout, stderr bytes.Buffer
	args = append([]string{
		"-binary", self, "-json", file, "-runs", "1", "-floor-runs", "1", "-senders", "4", "-scale", "0.005",
		"-hub-env", faultVariable + "=" + fault,
	}, args...)
	o := outcome{code: run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)}
	o.stdout, o.stderr = stdout.String(), stderr.String()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("no report: %v\n%s", err, o.stderr)
	}
	if err := json.Unmarshal(b, &o.report); err != nil {
		t.Fatal(err)
	}
	return o
}

// only is the report's single scenario.
func (o outcome) only(t *testing.T) scenarioReport {
	t.Helper()
	if len(o.report.Scenarios) != 1 {
		t.Fatalf("report has %d scenarios, want 1", len(o.report.Scenarios))
	}
	return o.report.Scenarios[0]
}

func TestFaithfulHubPassesEveryScenario(t *testing.T) {
	o := harness(t, "", "-scenario", "all,soak,lanes", "-soak-deliveries", "3000", "-hang", "1s")
	if o.code != exitOK {
		t.Fatalf("exit code %d\n%s\n%s", o.code, o.stdout, o.stderr)
	}
	want := slices.DeleteFunc(scenarios(), func(s scenario) bool { return s.postgresOnly })
	if len(o.report.Scenarios) != len(want) {
		t.Errorf("%d scenarios ran, want %d", len(o.report.Scenarios), len(want))
	}
	growth := map[metric]bool{metricMemoryGrowth: true, metricDataGrowth: true} // a short soak has none
	for _, s := range o.report.Scenarios {
		for _, target := range s.Targets {
			if target.Missing && !growth[target.Metric] {
				t.Errorf("%s: %s was not measured", s.Name, target.Metric)
			}
		}
		if !strings.Contains(o.stdout, s.Name) {
			t.Errorf("the table lacks %s", s.Name)
		}
	}
	one := o.report.Scenarios[0].Median
	for _, m := range []metric{metricDeliveries, metricFloor, metricRatio, metricPeak, metricAnswerP99, metricBody} {
		if one[m] <= 0 {
			t.Errorf("one: %s = %v, want it positive", m, one[m])
		}
	}
	if got, want := one[metricRatio], one[metricDeliveries]/one[metricFloor]; got != want {
		t.Errorf("ratio %v, want %v", got, want)
	}
}

func TestFaultsAreFound(t *testing.T) {
	// Scale 0.005 makes 100 events for "one", 10 for "fanout", 100 posts for "incoming".
	for _, tc := range []struct {
		scenario, fault string
		want            audit
	}{
		{"one", faultDrop, audit{Lost: 1}},
		{"fanout", faultDrop, audit{Lost: 10}},
		{"one", faultDouble, audit{Doubled: 1, SameID: 1}},
		{"fanout", faultDouble, audit{Doubled: 10, SameID: 10}},
		{"one", faultTwin, audit{Doubled: 1}},
		{"one", faultSwap, audit{Lost: 1, Doubled: 1, SameID: 1}},
		{"one", faultRefuse, audit{Refused: 1}},
		{"one", faultPhantom, audit{Refused: 1, Phantom: 1, Mismatch: 1}},
		{"one", faultBooks, audit{Mismatch: 1}},
		{"latency", faultDrop, audit{Lost: 1}},
		{"hang1", faultDrop, audit{Lost: 10 + 9}}, // ten endpoints without hanging, nine with
		// Fifty endpoints in five groups, of which event 7 concerns one: only when all are well, for five events warm up.
		// There one of the ten is dead later on, and in group 0, not in this one, another hangs.
		{"lanes", faultDrop, audit{Lost: 10 + 9}},
		{"incoming", faultDrop, audit{Lost: 1}},
		{"incoming", faultDouble, audit{Doubled: 1}},
	} {
		t.Run(tc.scenario+"/"+tc.fault, func(t *testing.T) {
			t.Parallel()
			o := harness(t, tc.fault, "-scenario", tc.scenario, "-hang", "1s")
			s := o.only(t)
			if s.Runs[0].Error != "" {
				t.Fatalf("run failed: %s", s.Runs[0].Error)
			}
			if diff := cmp.Diff(tc.want, s.Faults); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if o.code != exitFailed {
				t.Errorf("exit code %d, want %d", o.code, exitFailed)
			}
		})
	}
}

func TestRunsThatCannotBeTrustedFail(t *testing.T) {
	for _, tc := range []struct{ fault, says string }{
		{faultUnsigned, headerSignature + " is absent or wrong"},
		{faultCrash, "hub ended by itself"},
		{faultNoStart, "ended before it was ready"},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			t.Parallel()
			o := harness(t, tc.fault, "-scenario", "one")
			// Who asked the hub at the moment of its end may be heard first.
			got := o.only(t).Runs[0].Error
			asked := tc.fault == faultCrash && strings.Contains(got, "/api/queue/stats")
			if !strings.Contains(got, tc.says) && !asked {
				t.Errorf("error %q, want it to say %q", got, tc.says)
			}
			if o.code != exitFailed {
				t.Errorf("exit code %d, want %d", o.code, exitFailed)
			}
			if tc.fault == faultNoStart && !strings.Contains(o.stdout, "with token hub_…") {
				t.Errorf("the token is not masked:\n%s", o.stdout)
			}
		})
	}
}

func TestSharedPoolMissesTheHangTarget(t *testing.T) {
	args := []string{"-scenario", "hang1", "-hang", "400ms", "-scale", "0.002"}
	o := harness(t, faultShared, args...)
	if s := o.only(t); s.Targets[0].OK || !s.Faults.clean() || s.Median[metricSlowdown] < 1.2 {
		t.Errorf("slowdown %v with one pool for all, faults %s", s.Median[metricSlowdown], s.Faults)
	}
	if o.code != exitOK {
		t.Errorf("exit code %d without -check, want %d", o.code, exitOK)
	}
	if o := harness(t, faultShared, append(args, "-check")...); o.code != exitFailed {
		t.Errorf("exit code %d with -check, want %d", o.code, exitFailed)
	}
}

func TestRunsAreCountedAndProfilesStored(t *testing.T) {
	dir := t.TempDir()
	o := harness(t, "", "-scenario", "fanout", "-runs", "2", "-cpuprofile", filepath.Join(dir, "cpu"), "-profile-time", "1s")
	if o.code != exitOK || len(o.only(t).Runs) != 2 {
		t.Fatalf("exit code %d, %d runs, want 2\n%s", o.code, len(o.only(t).Runs), o.stdout)
	}
	files, err := filepath.Glob(filepath.Join(dir, "cpu-fanout-*.pprof"))
	if err != nil || len(files) != 2 {
		t.Errorf("profiles %q, want two; %s", files, o.stdout)
	}
}

func TestUsage(t *testing.T) {
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-scenario", "list"}, exitOK, "hang8"},
		{[]string{"-scenario", "one,nothing"}, exitUsage, `no scenario "nothing"`},
		{[]string{"-runs", "0"}, exitUsage, "must be positive"},
		{[]string{"extra"}, exitUsage, `unexpected argument "extra"`},
		{[]string{"-hub-env", "=x"}, exitUsage, "want KEY=VALUE"},
		{[]string{"-database", "redis"}, exitUsage, "want sqlite or postgres"},
		{[]string{"-scenario", "one,two"}, exitUsage, `"two" needs -database postgres`},
		{[]string{"-h"}, exitOK, "-soak-deliveries"},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), tc.args, strings.NewReader(""), &out, &out); code != tc.code {
			t.Errorf("%q: exit code %d, want %d", tc.args, code, tc.code)
		}
		if !strings.Contains(out.String(), tc.says) {
			t.Errorf("%q: output lacks %q:\n%s", tc.args, tc.says, out.String())
		}
	}
}
