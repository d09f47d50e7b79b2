package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is everything that one call of the harness found; it is also the JSON document of -json.
type report struct {
	Started   time.Time        `json:"started"`
	Go        string           `json:"go"`
	Platform  string           `json:"platform"`
	Cores     int              `json:"cores"`
	Database  string           `json:"database"`
	LoadAvg   string           `json:"loadAverage"` // over one minute, at the start
	Scale     float64          `json:"scale"`
	Senders   int              `json:"senders"`
	Scenarios []scenarioReport `json:"scenarios"`
}

// scenarioReport is what the runs of one scenario came to.
type scenarioReport struct {
	Name    string          `json:"name"`
	About   string          `json:"about"`
	Median  figures         `json:"median"`
	Faults  audit           `json:"faults"` // summed over the runs
	Targets []targetVerdict `json:"targets"`
	Runs    []runReport     `json:"runs"`
}

// targetVerdict is a target and whether the median meets it.
type targetVerdict struct {
	Metric  metric  `json:"metric"`
	Value   float64 `json:"value"`
	Want    string  `json:"want"`
	OK      bool    `json:"ok"`
	Aim     bool    `json:"aimReached"`
	Gates   bool    `json:"gates"`
	Missing bool    `json:"missing,omitempty"` // not measured, so not met
}

// runReport is one run.
type runReport struct {
	Figures figures  `json:"figures"`
	Faults  audit    `json:"faults"`
	Notes   []string `json:"notes,omitempty"`
	Series  []point  `json:"series,omitempty"`
	Error   string   `json:"error,omitempty"` // why the run could not be made or finished
}

func newReport(opt options, now time.Time) *report {
	r := &report{
		Started: now.UTC().Truncate(time.Second), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Cores: runtime.NumCPU(), Database: "SQLite", Scale: opt.scale, Senders: opt.senders,
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		r.LoadAvg, _, _ = strings.Cut(string(b), " ")
	}
	return r
}

// add judges the runs of a scenario and puts them into the report.
func (r *report) add(name, about string, targets []target, runs []runReport) {
	sr := scenarioReport{Name: name, About: about, Runs: runs}
	var finished []figures
	for _, run := range runs {
		sr.Faults = sr.Faults.plus(run.Faults)
		if run.Error == "" {
			finished = append(finished, run.Figures)
		}
	}
	sr.Median = medians(finished)
	for _, t := range targets {
		v, measured := sr.Median[t.metric]
		sr.Targets = append(sr.Targets, targetVerdict{
			Metric: t.metric, Value: v, Want: t.String(), Gates: t.gates, Missing: !measured,
			OK: measured && t.met(v), Aim: measured && t.reached(v),
		})
	}
	r.Scenarios = append(r.Scenarios, sr)
}

// ok reports whether the exit code may be 0: every run finished, all were faithful, and with check no gating target is
// missed.
func (r *report) ok(check bool) bool {
	for _, s := range r.Scenarios {
		if !s.Faults.clean() || !s.finished() {
			return false
		}
		for _, t := range s.Targets {
			if check && t.Gates && !t.OK {
				return false
			}
		}
	}
	return true
}

// finished reports whether every run came to its end.
func (s scenarioReport) finished() bool {
	return !slices.ContainsFunc(s.Runs, func(run runReport) bool { return run.Error != "" })
}

func (r *report) writeJSON(file string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// column is one column of the table: the first of its metrics that the scenario has is shown.
type column struct {
	title   string
	metrics []metric
}

var columns = []column{
	{"rate/s", []metric{metricDeliveries, metricPosts}},
	{"floor/s", []metric{metricFloor}},
	{"ratio", []metric{metricRatio}},
	{"slowdown", []metric{metricSlowdown}},
	{"kept", []metric{metricKept, metricHistory, metricPair}},
	{"CPU s/10k", []metric{metricCPU}},
	{"db CPU", []metric{metricDatabaseCPU}},
	{"peak MB", []metric{metricPeak}},
	{"db MB", []metric{metricDatabaseMemory}},
	{"p50 ms", []metric{metricP50}},
	{"p99 ms", []metric{metricP99}},
	{"noise %", []metric{metricOthers}},
}

// print writes the report for people.
func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "%s  %s  %s  %s  %d cores  load %s  %d senders",
		r.Started.Format(time.RFC3339), r.Go, r.Platform, r.Database, r.Cores, r.LoadAvg, r.Senders)
	if r.Scale != 1 {
		fmt.Fprintf(w, "  scale %s (targets are meant for 1)", number(r.Scale))
	}
	fmt.Fprint(w, "\n\n")
	r.printTable(w)
	fmt.Fprintln(w, "\nrate: deliveries at the sink, for incoming acknowledged posts; p50, p99: event sent to sink, for"+
		"\nincoming post to answer; kept: share of the rate without faults, history or a second hub; CPU: of hub and"+
		"\ndatabase, per 10,000, db CPU: the database's part; noise: share of the cores that other processes took."+
		"\nMedians of the runs.")
	r.printTargets(w)
	r.printFurther(w)
	r.printRemarks(w)
}

func (r *report) printTable(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer tw.Flush()
	// Only what one of the scenarios has: on the embedded database, for one, there is none apart.
	shown := slices.DeleteFunc(slices.Clone(columns), func(c column) bool {
		return !slices.ContainsFunc(r.Scenarios, func(s scenarioReport) bool { return c.cell(s.Median) != noCell })
	})
	fmt.Fprint(tw, "scenario\truns\t")
	for _, c := range shown {
		fmt.Fprint(tw, c.title, "\t")
	}
	fmt.Fprintln(tw, "lost\tdoubled\t")
	for _, s := range r.Scenarios {
		fmt.Fprintf(tw, "%s\t%d\t", s.Name, len(s.Runs))
		for _, c := range shown {
			fmt.Fprint(tw, c.cell(s.Median), "\t")
		}
		fmt.Fprintf(tw, "%d\t%d\t\n", s.Faults.Lost, s.Faults.Doubled)
	}
}

// noCell stands where a scenario lacks a figure.
const noCell = "–"

func (c column) cell(f figures) string {
	for _, m := range c.metrics {
		if v, ok := f[m]; ok {
			return number(v)
		}
	}
	return noCell
}

func (r *report) printTargets(w io.Writer) {
	fmt.Fprintln(w, "\ntargets")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer tw.Flush()
	for _, s := range r.Scenarios {
		for _, t := range s.Targets {
			fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\t%s\n", s.Name, t.Metric, t.value(), t.Want, t.verdict())
		}
		verdict, found := "ok", s.Faults.String()
		if !s.finished() && s.Faults.clean() {
			found = "not known" // the run failed, perhaps before anything was compared
		}
		if !s.finished() || !s.Faults.clean() {
			verdict = "MISS"
		}
		fmt.Fprintf(tw, "  %s\tfaithful\t%s\tclean\t%s\n", s.Name, found, verdict)
	}
}

// printFurther writes the figures that have neither a column nor a target.
func (r *report) printFurther(w io.Writer) {
	fmt.Fprintln(w, "\nfurther figures")
	for _, s := range r.Scenarios {
		shown := map[metric]bool{}
		for _, c := range columns {
			for _, m := range c.metrics {
				shown[m] = true
			}
		}
		for _, t := range s.Targets {
			shown[t.Metric] = true
		}
		var rest []string
		for _, m := range slices.Sorted(maps.Keys(s.Median)) {
			if !shown[m] {
				rest = append(rest, fmt.Sprintf("%s %s", m, number(s.Median[m])))
			}
		}
		if len(rest) > 0 {
			fmt.Fprintf(w, "  %s: %s\n", s.Name, strings.Join(rest, ", "))
		}
	}
}

func (t targetVerdict) value() string {
	if t.Missing {
		return "not measured"
	}
	return number(t.Value)
}

func (t targetVerdict) verdict() string {
	switch {
	case !t.OK && t.Gates:
		return "MISS"
	case !t.OK:
		return "miss (does not gate: depends on the machine)"
	case !t.Aim:
		return "ok, short of the aim"
	default:
		return "ok"
	}
}

// printRemarks writes other figures, errors, notes and samples, in the order of the runs.
func (r *report) printRemarks(w io.Writer) {
	for _, s := range r.Scenarios {
		for i, run := range s.Runs {
			if run.Error != "" {
				fmt.Fprintf(w, "\n%s run %d FAILED: %s\n", s.Name, i+1, run.Error)
			}
			for _, note := range run.Notes {
				fmt.Fprintf(w, "\n%s run %d: %s\n", s.Name, i+1, note)
			}
			printSeries(w, s.Name, run.Series)
		}
	}
}

// seriesRows bounds how many samples of a long run are printed; -json has them all.
const seriesRows = 12

func printSeries(w io.Writer, name string, series []point) {
	if len(series) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s over time\n", name)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer tw.Flush()
	fmt.Fprintln(tw, "s\tdeliveries\tresident MB\tdata MB\t")
	rows := min(seriesRows, len(series))
	for i := range rows {
		p := series[i*(len(series)-1)/max(rows-1, 1)]
		fmt.Fprintf(tw, "%.0f\t%d\t%s\t%s\t\n", p.Seconds, p.Deliveries, number(p.ResidentMB), number(p.DataMB))
	}
}
