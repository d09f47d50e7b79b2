package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// scenario is one kind of load and what is wanted of it.
type scenario struct {
	name     string
	about    string
	onDemand bool // left out of "all"
	run      func(ctx context.Context, t *trial) error
	targets  []target
}

// scenarios lists every scenario, in the order in which they run.
func scenarios() []scenario {
	return []scenario{
		{
			name: "one", about: "20,000 events to one endpoint", run: runOne,
			targets: []target{
				{metric: metricRatio, least: 0.30, aim: 0.40, gates: true},
				{metric: metricCPU, most: 1.6, gates: true},
				{metric: metricPeak, most: 200, gates: true},
			},
		},
		{
			name: "fanout", about: "2,000 events to ten endpoints each", run: runFanout,
			targets: []target{
				{metric: metricRatio, least: 0.45, aim: 0.55, gates: true},
				{metric: metricCPU, most: 1.6, gates: true},
				{metric: metricPeak, most: 200, gates: true},
			},
		},
		{
			name: "latency", about: "200 events a second, open loop, 20 s: event sent → at the sink", run: runLatency,
			targets: []target{
				{metric: metricP50, most: 2},
				{metric: metricP99, most: 10},
				{metric: metricPeak, most: 200, gates: true},
			},
		},
		{
			name: "hang1", about: "5,000 events, one of ten endpoints hangs: time until the others have all", run: runHang(1),
			targets: []target{{metric: metricSlowdown, most: 1.2, gates: true}, {metric: metricPeak, most: 200, gates: true}},
		},
		{
			name: "hang8", about: "the same, eight of ten hang", run: runHang(8),
			targets: []target{{metric: metricSlowdown, most: 1.2, gates: true}, {metric: metricPeak, most: 200, gates: true}},
		},
		{
			name: "incoming", about: "20,000 posts to an incoming webhook", run: runIncoming,
			targets: []target{
				{metric: metricPosts, least: 5000},
				{metric: metricP99, most: 25},
				{metric: metricPeak, most: 200, gates: true},
			},
		},
		{
			name: "idle", about: "start with an empty folder, then nothing", run: runIdle,
			targets: []target{{metric: metricResident, most: 60, gates: true}, {metric: metricReady, most: 2000}},
		},
		{
			name: "soak", about: "a million deliveries with retention on (-soak-deliveries)", run: runSoak, onDemand: true,
			targets: []target{
				{metric: metricPeak, most: 200, gates: true},
				{metric: metricMemoryGrowth, most: 1.2, gates: true},
				{metric: metricDataGrowth, most: 1.2, gates: true},
				{metric: metricRetained, most: 50, gates: true},
			},
		},
	}
}

// selectScenarios finds the scenarios of a comma-separated list; "all" stands for every one that is not on demand.
func selectScenarios(names string) ([]scenario, error) {
	wanted := strings.Split(names, ",")
	var selected []scenario
	for _, s := range scenarios() {
		if slices.Contains(wanted, s.name) || slices.Contains(wanted, "all") && !s.onDemand {
			selected = append(selected, s)
		}
	}
	for _, name := range wanted {
		known := func(s scenario) bool { return s.name == name }
		if name != "all" && !slices.ContainsFunc(selected, known) {
			return nil, fmt.Errorf("no scenario %q; -scenario list prints them", name)
		}
	}
	return selected, nil
}

func printScenarios(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range scenarios() {
		about := s.about
		if s.onDemand {
			about += " (on demand)"
		}
		fmt.Fprintf(tw, "%s\t%s\n", s.name, about)
	}
	tw.Flush()
}

// trial is one run of one scenario: what it may use, and what it found.
type trial struct {
	opt    options
	binary string
	dir    string // own, empty

	figures figures
	faults  audit
	notes   []string
	series  []point
}

// set records a figure.
func (t *trial) set(m metric, value float64) { t.figures[m] = value }

// worst records a figure unless a larger one stands.
func (t *trial) worst(m metric, value float64) { t.figures[m] = max(t.figures[m], value) }

// count adds an audit to the trial's.
func (t *trial) count(a audit) { t.faults = t.faults.plus(a) }

// noteError records what went wrong without ending the trial.
func (t *trial) noteError(err error) {
	if err != nil {
		t.notes = append(t.notes, err.Error())
	}
}

// point is one sample of a long run.
type point struct {
	Seconds    float64 `json:"seconds"`
	Deliveries int     `json:"deliveries"`
	ResidentMB float64 `json:"residentMB"`
	DataMB     float64 `json:"dataMB"`
}

// withSink runs f with a sink of its own.
func withSink(ctx context.Context, f func(*sinkProcess) error) (err error) {
	s, err := startSink(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := s.stop(); err == nil {
			err = stopErr
		}
	}()
	return f(s)
}
