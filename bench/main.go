// Command bench is the load harness of the hub: it answers how fast, how cheaply and how faithfully a real hub
// binary delivers, and whether that meets the project's targets.
//
// It builds and starts the hub as a child process on loopback with an empty data folder, drives it over HTTP only,
// and lets it deliver to a sink. Sink, floor and driver are processes of their own, so that the hub's CPU time and
// memory are its own:
//
//	driver (this process) ──POST /api/events──▶ hub ──signed POST──▶ sink (child)
//	floor (child) ───────────────────────────────────signed POST──▶ sink (child)
//
// The floor is a bare net/http client posting the same bytes to the same sink, before and after each run. Rates
// depend on the machine and on the minute; the ratio of hub to floor hardly does, so the ratio is what is judged.
//
// Faithfulness is judged by identity, not by counting: every event carries its number, the sink keeps which numbers
// each endpoint saw, and both are compared with what the hub acknowledged.
//
// Deliberately elsewhere: crashes, kills and faults (package e2e), and micro-benchmarks (beside the code they time).
// The harness imports nothing of the hub; it knows its HTTP contract and, to put years of history into a Postgres
// (history.go), the tables that are open to operators.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // lost or doubled events, a run that could not be made, or with -check a missed target
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program: a child's role if args starts with one, the harness otherwise.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if role, ok := childRole(args); ok {
		if err := role(ctx, args[1:], stdin, stdout); err != nil {
			fmt.Fprintln(stderr, "bench "+args[0]+":", err)
			return exitFailed
		}
		return exitOK
	}
	opt, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitUsage
	}
	if opt.list {
		printScenarios(stdout)
		return exitOK
	}
	rep, err := runAll(ctx, opt, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitFailed
	}
	rep.print(stdout)
	if opt.jsonFile != "" {
		if err := rep.writeJSON(opt.jsonFile); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
			return exitFailed
		}
	}
	if !rep.ok(opt.check) {
		return exitFailed
	}
	return exitOK
}

// options are the harness's settings, one field per flag.
type options struct {
	scenarios        []scenario
	postgres         bool // the database under the hub; else the embedded one
	list             bool
	runs             int
	binary           string
	jsonFile         string
	check            bool
	cpuProfile       string
	profileFor       time.Duration
	keep             bool
	senders          int
	scale            float64
	floorRuns        int
	floorConcurrency int
	concurrency      int
	soakDeliveries   int
	history          int
	stall            time.Duration
	hang             time.Duration
	hubEnv           environment
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var opt options
	var names, database string
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&names, "scenario", "all",
		"comma-separated `names`; \"all\" is every one but those on demand, \"list\" prints them")
	fs.StringVar(&database, "database", "sqlite",
		"the hub's `database`: sqlite, embedded, or postgres, whose CPU time is counted with the hub's")
	fs.IntVar(&opt.runs, "runs", 3, "runs of each scenario; figures are medians, losses are sums")
	fs.StringVar(&opt.binary, "binary", "", "hub binary to drive; built from ./cmd/hub when empty")
	fs.StringVar(&opt.jsonFile, "json", "", "also write every figure of every run to this `file`")
	fs.BoolVar(&opt.check, "check", false, "exit 1 also when a gating target (ratio, CPU, memory) is missed")
	fs.StringVar(&opt.cpuProfile, "cpuprofile", "", "store the hub's CPU profiles as `file`-scenario-run-hub.pprof")
	fs.DurationVar(&opt.profileFor, "profile-time", 5*time.Second, "length of the CPU profile, from the start of the load")
	fs.BoolVar(&opt.keep, "keep", false, "keep data folders and hub logs, and print where")
	fs.IntVar(&opt.senders, "senders", 32, "closed-loop senders of the driver")
	fs.Float64Var(&opt.scale, "scale", 1,
		"multiplies the number of events, and the length of the latency scenario; targets are meant for 1")
	fs.IntVar(&opt.floorRuns, "floor-runs", 3, "floor measurements before, and as many after, each run")
	fs.IntVar(&opt.floorConcurrency, "floor-concurrency", 100, "concurrent posts of the floor")
	fs.IntVar(&opt.concurrency, "concurrency", 0, "concurrency of each outgoing webhook; 0 leaves the hub's default")
	fs.IntVar(&opt.soakDeliveries, "soak-deliveries", 1_000_000, "deliveries of the soak scenario")
	fs.IntVar(&opt.history, "history", 5_000_000, "finished deliveries in the database of the history scenario")
	fs.DurationVar(&opt.stall, "stall", 75*time.Second,
		"give up waiting after this long without a new delivery; the default is longer than the hub's retries take")
	fs.DurationVar(&opt.hang, "hang", 30*time.Second, "how long hanging endpoints hang")
	fs.Var(&opt.hubEnv, "hub-env", "`KEY=VALUE` for the hub's environment; may be repeated")
	if err := fs.Parse(args); err != nil {
		return opt, err
	}
	if fs.NArg() > 0 {
		return opt, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if min(opt.runs, opt.senders, opt.floorRuns, opt.floorConcurrency, opt.soakDeliveries, opt.history) < 1 || opt.scale <= 0 {
		return opt, errors.New("-runs, -senders, -floor-runs, -floor-concurrency, -scale, -soak-deliveries and -history must be positive")
	}
	if opt.postgres = database == "postgres"; !opt.postgres && database != "sqlite" {
		return opt, fmt.Errorf("no database %q: want sqlite or postgres", database)
	}
	if opt.list = names == "list"; opt.list {
		return opt, nil
	}
	var err error
	opt.scenarios, err = selectScenarios(names, opt.postgres)
	return opt, err
}

// scaled is n events scaled by -scale, at least one per sender.
func (o options) scaled(n int) int {
	return max(int(float64(n)*o.scale), o.senders)
}

// environment is a repeatable KEY=VALUE flag.
type environment []string

// String implements flag.Value.
func (e *environment) String() string { return strings.Join(*e, " ") }

// Set implements flag.Value.
func (e *environment) Set(s string) error {
	if key, _, ok := strings.Cut(s, "="); !ok || key == "" {
		return errors.New("want KEY=VALUE")
	}
	*e = append(*e, s)
	return nil
}
