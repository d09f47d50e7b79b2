package main

import (
	"fmt"
	"strconv"
)

// metric names a figure; it is the key in the JSON report.
type metric string

// The figures. Which of them a scenario has depends on the scenario.
const (
	metricDeliveries     metric = "deliveriesPerSecond"       // until the sink had all
	metricPosts          metric = "postsPerSecond"            // acknowledged
	metricFloor          metric = "floorPerSecond"            // median of before and after
	metricRatio          metric = "ratioToFloor"              // deliveriesPerSecond / floorPerSecond
	metricCPU            metric = "cpuSecondsPer10k"          // of hub and database, per 10,000 deliveries or posts
	metricDatabaseCPU    metric = "databaseCPUSecondsPer10k"  // of the database alone, where it has processes of its own
	metricFloorCPU       metric = "floorCPUSecondsPer10k"     // of the floor process
	metricPeak           metric = "peakMB"                    // most resident memory of the hub since its start
	metricDatabaseMemory metric = "databaseMB"                // memory of the database's processes, at the end
	metricResident       metric = "residentMB"                // resident memory of the idle hub
	metricP50            metric = "p50ms"                     // latency: event → sink; incoming: post → answer
	metricP99            metric = "p99ms"                     // the same
	metricMax            metric = "maxMs"                     // the same
	metricAnswerP50      metric = "answerP50ms"               // POST /api/events → 202
	metricAnswerP99      metric = "answerP99ms"               // the same
	metricLag            metric = "driverLagP99ms"            // how late the open loop sent
	metricSeconds        metric = "seconds"                   // first send → last arrival at a healthy endpoint
	metricFreeSeconds    metric = "secondsWithoutHanging"     // the same with no endpoint hanging
	metricSlowdown       metric = "slowdown"                  // seconds / secondsWithoutHanging
	metricSingle         metric = "singlePerSecond"           // deliveriesPerSecond of one hub instead of two
	metricPair           metric = "twoHubsToOne"              // deliveriesPerSecond / singlePerSecond
	metricEmpty          metric = "emptyPerSecond"            // deliveriesPerSecond without history
	metricHistory        metric = "withHistoryToWithout"      // deliveriesPerSecond / emptyPerSecond
	metricFill           metric = "fillSeconds"               // to put the history into the database
	metricKept           metric = "healthyKept"               // secondsWithoutFaults / seconds
	metricWellSeconds    metric = "secondsWithoutFaults"      // the same load with all endpoints healthy
	metricSetUp          metric = "setUpSeconds"              // to make the webhooks
	metricReady          metric = "readyMs"                   // start → ready, empty folder
	metricIdleCPU        metric = "idleCPUPercent"            // of one core
	metricBody           metric = "bodyBytes"                 // average body delivered by the hub
	metricFloorBody      metric = "floorBodyBytes"            // average body posted by the floor
	metricOthers         metric = "otherProcessesPercent"     // of all cores, during the load: noise
	metricRetained       metric = "retainedPercent"           // deliveries the hub still holds at the end
	metricMemoryGrowth   metric = "memoryLastToSecondQuarter" // most resident memory in those quarters of the soak
	metricDataGrowth     metric = "dataLastToSecondQuarter"   // most bytes in the data folder in those quarters
	metricData           metric = "dataMB"                    // most bytes in the data folder
)

// figures are what one run measured.
type figures map[metric]float64

// medians takes the median of every figure over the runs that have it.
func medians(runs []figures) figures {
	values := map[metric][]float64{}
	for _, run := range runs {
		for m, v := range run {
			values[m] = append(values[m], v)
		}
	}
	result := figures{}
	for m, v := range values {
		result[m] = median(v)
	}
	return result
}

// number prints a figure with about three significant digits.
func number(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
}

// target is what a figure must be: at least least, or at most most, whichever is set.
type target struct {
	metric metric
	least  float64
	most   float64
	aim    float64 // what is hoped for beyond; 0 if nothing is
	// gates: -check fails when it is missed. Absolute rates and times do not gate: they depend on the machine.
	gates bool
}

// met reports whether a figure meets the target.
func (t target) met(v float64) bool {
	if t.least > 0 {
		return v >= t.least
	}
	return v <= t.most
}

// reached reports whether the aim, if there is one, is reached too.
func (t target) reached(v float64) bool {
	return t.aim == 0 || target{least: t.aim}.met(v)
}

// String is the bound, such as "≥ 0.30 (aim 0.40)".
func (t target) String() string {
	bound := "≤ " + number(t.most)
	if t.least > 0 {
		bound = "≥ " + number(t.least)
	}
	if t.aim > 0 {
		bound += fmt.Sprintf(" (aim %s)", number(t.aim))
	}
	return bound
}
