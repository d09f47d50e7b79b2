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
	name         string
	about        string
	onDemand     bool // left out of "all"
	postgresOnly bool
	run          func(ctx context.Context, t *trial) error
	targets      []target
	onPostgres   []target // instead, if not nil
}

func (s scenario) targetsOn(postgres bool) []target {
	if postgres && s.onPostgres != nil {
		return s.onPostgres
	}
	return s.targets
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
			onPostgres: []target{
				{metric: metricRatio, least: 0.25, aim: 0.32, gates: true},
				{metric: metricCPU, most: 2.2, gates: true},
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
			onPostgres: []target{
				{metric: metricRatio, least: 0.42, aim: 0.50, gates: true},
				{metric: metricCPU, most: 2.2, gates: true},
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
			onPostgres: []target{
				{metric: metricP50, most: 3},
				{metric: metricP99, most: 15},
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
			name: "two", about: "8,000 events to ten endpoints each, by two hubs of one core each on one database and by one such hub",
			run: runTwo(8_000, 10, 1), postgresOnly: true, // long enough that a second start hardly counts
			targets: []target{{metric: metricPair, least: 1, gates: true}, {metric: metricPeak, most: 400, gates: true}},
		},
		{
			name: "two1", about: "20,000 events to one endpoint, which one hub serves, by two hubs of one core each and by one such hub",
			run: runTwo(20_000, 1, 1), postgresOnly: true,
			targets: []target{{metric: metricPeak, most: 400, gates: true}},
		},
		{
			name: "two-shared", about: "as two, but each hub may use all cores: what the second costs a machine that has none to spare",
			run: runTwo(8_000, 10, allCores), postgresOnly: true,
			targets: []target{{metric: metricPeak, most: 400, gates: true}},
		},
		{
			name: "lanes", about: "10,000 webhooks on as many hosts: 10,000 events to ten of them each, while 1,000 are dead and 100 hang",
			run: runLanes, onDemand: true, // makes 10,000 webhooks
			targets: []target{{metric: metricKept, least: 0.9, gates: true}, {metric: metricPeak, most: 400, gates: true}},
		},
		{
			name: "history", about: "20,000 events to one endpoint, after 5 million finished deliveries (-history) and on an empty database",
			run: runHistory, onDemand: true, postgresOnly: true, // fills a few gigabytes
			targets: []target{{metric: metricHistory, least: 0.9, gates: true}, {metric: metricPeak, most: 200, gates: true}},
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

// selectScenarios finds the scenarios of a comma-separated list; "all" stands for every one that is not on demand and for
// this database.
func selectScenarios(names string, postgres bool) ([]scenario, error) {
	wanted := strings.Split(names, ",")
	var selected []scenario
	for _, s := range scenarios() {
		possible := postgres || !s.postgresOnly
		named := slices.Contains(wanted, s.name)
		if named && !possible {
			return nil, fmt.Errorf("the scenario %q needs -database postgres", s.name)
		}
		if named || slices.Contains(wanted, "all") && !s.onDemand && possible {
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
		if s.postgresOnly {
			about += " (Postgres only)"
		}
		fmt.Fprintf(tw, "%s\t%s\n", s.name, about)
	}
	tw.Flush()
}

// trial is one run of one scenario: what it may use, and what it found.
type trial struct {
	opt    options
	server *server // nil: the embedded database
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
func withSink(ctx context.Context, f func(*sinkProcess) error) error {
	return withEndpoints(ctx, usualEndpoints, false, f)
}

// withEndpoints runs f with a sink that has so many endpoints, each on a host of its own if hosts is set.
func withEndpoints(ctx context.Context, endpoints int, hosts bool, f func(*sinkProcess) error) (err error) {
	s, err := startSink(ctx, endpoints, hosts)
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
