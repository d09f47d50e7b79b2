package main

import (
	"strings"
	"testing"
	"time"
)

func TestQuantilesAndMedian(t *testing.T) {
	var sorted []float64
	for i := range 200 {
		sorted = append(sorted, float64(i+1))
	}
	same := func(v float64) float64 { return v }
	if got := sortedQuantiles(sorted, same); got != (quantiles{N: 200, P50: 100, P99: 198, Max: 200}) {
		t.Errorf("%+v", got)
	}
	if got := sortedQuantiles(nil, same); got != (quantiles{}) {
		t.Errorf("of nothing: %+v", got)
	}
	if got := sortedQuantiles([]float64{5}, same); got != (quantiles{N: 1, P50: 5, P99: 5, Max: 5}) {
		t.Errorf("of one: %+v", got)
	}
	for _, tc := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(tc.values); got != tc.want {
			t.Errorf("median(%v) = %v, want %v", tc.values, got, tc.want)
		}
	}
}

func TestReportJudges(t *testing.T) {
	targets := []target{
		{metric: metricRatio, least: 0.30, aim: 0.40, gates: true},
		{metric: metricP99, most: 10},
	}
	run := func(ratio, p99 float64) runReport {
		return runReport{Figures: figures{metricRatio: ratio, metricP99: p99}}
	}
	for _, tc := range []struct {
		name      string
		runs      []runReport
		ok, check bool
		says      string
	}{
		{"met", []runReport{run(0.41, 9)}, true, true, "ok"},
		{"short of the aim", []runReport{run(0.30, 10)}, true, true, "short of the aim"},
		{"median counts", []runReport{run(0.10, 9), run(0.35, 9), run(0.50, 9)}, true, true, "0.350"},
		{"gating target missed", []runReport{run(0.29, 9)}, true, false, "MISS"},
		{"other target missed", []runReport{run(0.41, 11)}, true, true, "does not gate"},
		{"not measured", []runReport{{Figures: figures{metricP99: 1}}}, true, false, "not measured"},
		{"lost in one run", []runReport{run(0.41, 9), {Faults: audit{Lost: 1}}}, false, false, "lost 1"},
		{"doubled", []runReport{{Faults: audit{Doubled: 1}}}, false, false, "doubled 1"},
		{"failed run", []runReport{run(0.41, 9), {Error: "no hub"}}, false, false, "FAILED: no hub"},
		{"nothing compared", []runReport{{Error: "no hub"}}, false, false, "not known"},
	} {
		r := newReport(options{scale: 1}, time.Unix(0, 0))
		r.add("x", "about x", targets, tc.runs)
		if r.ok(false) != tc.ok || r.ok(true) != tc.check {
			t.Errorf("%s: ok %v, with -check %v; want %v, %v", tc.name, r.ok(false), r.ok(true), tc.ok, tc.check)
		}
		var out strings.Builder
		r.print(&out)
		if !strings.Contains(out.String(), tc.says) {
			t.Errorf("%s: report lacks %q:\n%s", tc.name, tc.says, out.String())
		}
	}
}

func TestGrowthLooksAtTheWarmHalf(t *testing.T) {
	tr := &trial{figures: figures{}}
	for i, mb := range []float64{10, 20, 50, 60, 70, 65, 66, 90} {
		tr.series = append(tr.series, point{ResidentMB: mb, DataMB: 5, Deliveries: i})
	}
	tr.recordGrowth()
	if got := tr.figures[metricMemoryGrowth]; got != 1.5 {
		t.Errorf("memory grew %v-fold, want 1.5", got)
	}
	if got := tr.figures[metricDataGrowth]; got != 1 {
		t.Errorf("data grew %v-fold, want 1", got)
	}
}
