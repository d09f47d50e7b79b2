package app

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/cluster"
	"github.com/nself-chat/hub/internal/delivery"
	"github.com/nself-chat/hub/internal/store"
)

// statsTimeout bounds the look at the database that a scrape takes.
const statsTimeout = 5 * time.Second

// figures are what one scrape looks up.
type figures struct {
	queue   *queueFigures // nil: the database does not answer
	ready   bool
	lanes   delivery.LaneFigures
	engine  *delivery.Counters
	store   store.Figures
	members int
	leads   bool
	signals *cluster.Counters
	free    int64 // bytes on the fullest of the hub's disks; -1: not known
	reserve int64
}

// queueFigures are of the whole database, the same from every hub.
type queueFigures struct {
	total     map[hub.DeliveryStatus]int64
	due       int64
	oldestDue time.Duration
	size      int64 // bytes
	weeks     int   // that the tables have room for
	oldest    map[hub.DeliveryStatus]time.Duration
}

// metric is a gauge or counter that is made of the figures.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*figures) float64
	label string // the value of its only label; "": it has none
}

func gauge(name, help string, value func(*figures) float64) metric {
	return metric{desc: describe(name, help), kind: prometheus.GaugeValue, value: value}
}

func counter(name, help string, value func(*figures) int64) metric {
	return metric{desc: describe(name, help), kind: prometheus.CounterValue, value: func(f *figures) float64 { return float64(value(f)) }}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var (
	deliveriesDesc  = describe("deliveries", "Deliveries by state, of the whole database.", "state")
	oldestDesc      = describe("delivery_oldest_seconds", "Age of the oldest delivery in a state, of the whole database; 0: there is none.", "state")
	lanesDesc       = describe("lanes", "Outgoing webhooks that this hub serves: open, breaker_open, or held (paused, disabled).", "state")
	connectionsDesc = describe("database_connections", "Connections that read, by use.", "state")
	buildDesc       = describe("build_info", "1, with the version and the kind of database.", "version", "database")
)

// agedStates are those in which a delivery should not grow old unseen.
var agedStates = []hub.DeliveryStatus{hub.DeliveryRetrying, hub.DeliveryActive, hub.DeliveryHeld, hub.DeliveryFailed}

// queueMetrics are absent while the database does not answer.
var queueMetrics = []metric{
	gauge("deliveries_due", "Deliveries that are due, of the whole database.", func(f *figures) float64 { return float64(f.queue.due) }),
	gauge("delivery_oldest_due_seconds", "Age of the delivery that has been due the longest.",
		func(f *figures) float64 { return f.queue.oldestDue.Seconds() }),
	gauge("database_bytes", "Bytes in use in the database.", func(f *figures) float64 { return float64(f.queue.size) }),
	gauge("database_weeks_ahead", "For how many weeks after this one the tables have room.",
		func(f *figures) float64 { return float64(f.queue.weeks) }),
}

var processMetrics = []metric{
	gauge("ready", "1 while GET /readyz answers 200.", func(f *figures) float64 { return truth(f.ready) }),

	counter("deliveries_succeeded_total", "Deliveries that succeeded.", func(f *figures) int64 { return f.engine.Succeeded.Load() }),
	counter("deliveries_failed_total", "Deliveries that failed for good: dead letters.", func(f *figures) int64 { return f.engine.Failed.Load() }),
	counter("deliveries_retried_total", "Attempts that are followed by another.", func(f *figures) int64 { return f.engine.Retried.Load() }),
	counter("deliveries_claimed_total", "Deliveries claimed from the database; the others went out from memory.",
		func(f *figures) int64 { return f.engine.Claimed.Load() }),
	counter("deliveries_handed_total", "Deliveries that other hubs handed over to this one.",
		func(f *figures) int64 { return f.engine.Handed.Load() }),
	counter("delivery_outcomes_stale_total", "Outcomes that came when another hub had taken the delivery over.",
		func(f *figures) int64 { return f.engine.Stale.Load() }),
	counter("delivery_leases_repaired_total", "Leases that nobody remembered; anything but 0 is a defect.",
		func(f *figures) int64 { return f.engine.Repaired.Load() }),
	gauge("deliveries_ready", "Deliveries in this hub's memory that wait for a slot.", func(f *figures) float64 { return float64(f.lanes.Ready) }),
	gauge("deliveries_sending", "Attempts on their way.", func(f *figures) float64 { return float64(f.lanes.Sending) }),
	gauge("deliveries_unrecorded", "Attempts that wait for the commit of their outcome.",
		func(f *figures) float64 { return float64(f.lanes.Unrecorded) }),

	gauge("database_write_queue", "Writes that wait for a group to take them.", func(f *figures) float64 { return float64(f.store.Queued) }),
	gauge("database_connections_max", "Connections that may read at once.", func(f *figures) float64 { return float64(f.store.MaxConns) }),
	gauge("database_clock_ahead_seconds", "By how much the database's clock is ahead of this machine's; it is corrected.",
		func(f *figures) float64 { return f.store.ClockAhead.Seconds() }),
	counter("database_transactions_failed_total", "Write transactions that the database refused or lost as a whole.",
		func(f *figures) int64 { return f.store.Failed }),
	counter("database_reconnects_total", "Connections for writing that were made anew.", func(f *figures) int64 { return f.store.Reconnects }),

	gauge("cluster_members", "Hubs that work on the database, as this one knows them.", func(f *figures) float64 { return float64(f.members) }),
	gauge("cluster_leads", "1 on the hub that does what one alone should do.", func(f *figures) float64 { return truth(f.leads) }),
	counter("cluster_signals_sent_total", "Signals to other hubs.", func(f *figures) int64 { return f.signals.Sent.Load() }),
	counter("cluster_signals_heard_total", "Signals of other hubs.", func(f *figures) int64 { return f.signals.Heard.Load() }),
	counter("cluster_fenced_total", "Times that the other hubs went on without this one, which joined anew.",
		func(f *figures) int64 { return f.signals.Fenced.Load() }),

	gauge("disk_reserve_bytes", "Free space below which nothing new is taken in; 0: off.", func(f *figures) float64 { return float64(f.reserve) }),

	state(lanesDesc, "open", func(f *figures) int { return f.lanes.Open }),
	state(lanesDesc, "breaker_open", func(f *figures) int { return f.lanes.BreakerOpen }),
	state(lanesDesc, "held", func(f *figures) int { return f.lanes.Held }),
	state(connectionsDesc, "in_use", func(f *figures) int { return f.store.InUse }),
	state(connectionsDesc, "idle", func(f *figures) int { return f.store.Idle }),
}

func state(desc *prometheus.Desc, label string, value func(*figures) int) metric {
	return metric{desc: desc, kind: prometheus.GaugeValue, label: label, value: func(f *figures) float64 { return float64(value(f)) }}
}

var freeDesc = describe("disk_free_bytes", "Free space on the disk of the data, the database or the uploaded files, whichever has least.")

// collector looks up, at every scrape, what is not counted as it happens.
type collector struct{ app *App }

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{deliveriesDesc, oldestDesc, lanesDesc, connectionsDesc, buildDesc, freeDesc} {
		ch <- d
	}
	for _, list := range [][]metric{queueMetrics, processMetrics} {
		for _, m := range list {
			if m.label == "" {
				ch <- m.desc
			}
		}
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	f := c.app.figures()
	send := func(list []metric) {
		for _, m := range list {
			var labels []string
			if m.label != "" {
				labels = []string{m.label}
			}
			ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(f), labels...)
		}
	}
	send(processMetrics)
	if f.queue != nil {
		send(queueMetrics)
		for _, status := range agedStates {
			ch <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, f.queue.oldest[status].Seconds(), string(status))
		}
		for _, status := range hub.DeliveryStatuses() {
			ch <- prometheus.MustNewConstMetric(deliveriesDesc, prometheus.GaugeValue, float64(f.queue.total[status]), string(status))
		}
	}
	if f.free >= 0 {
		ch <- prometheus.MustNewConstMetric(freeDesc, prometheus.GaugeValue, float64(f.free))
	}
	kind := "sqlite"
	if c.app.config.Database.Postgres {
		kind = "postgres"
	}
	ch <- prometheus.MustNewConstMetric(buildDesc, prometheus.GaugeValue, 1, c.app.version, kind)
}

// figures looks everything up. The two looks at the database are taken at once:
// one that hangs takes statsTimeout.
func (a *App) figures() *figures {
	ctx, cancel := context.WithTimeout(context.Background(), statsTimeout)
	defer cancel()
	f := &figures{
		lanes: a.engine.Lanes(), engine: a.engine.Counters(), store: a.store.Figures(), members: 1, leads: a.leads(),
		signals: &cluster.Counters{}, free: -1, reserve: a.config.DiskReserve,
	}
	if a.cluster != nil {
		f.members, f.signals = len(a.cluster.Members()), a.cluster.Counters()
	}
	if _, free, err := leastFree(a.config.DiskFolders(), freeBytes); err == nil {
		f.free = free
	}
	var both sync.WaitGroup
	both.Go(func() { f.ready = a.server.Ready(ctx) })
	both.Go(func() { f.queue = a.queueFigures(ctx) })
	both.Wait()
	return f
}

func (a *App) queueFigures(ctx context.Context) *queueFigures {
	total, err := a.store.DeliveryTotals(ctx)
	if err != nil {
		return nil
	}
	now := a.now()
	due, oldest, err := a.store.DueCounts(ctx, now)
	if err != nil {
		return nil
	}
	made, err := a.store.OldestIn(ctx)
	if err != nil {
		return nil
	}
	q := &queueFigures{total: total, due: due, oldest: make(map[hub.DeliveryStatus]time.Duration)}
	for status, at := range made {
		q.oldest[status] = now.Sub(at)
	}
	if !oldest.IsZero() {
		q.oldestDue = now.Sub(oldest)
	}
	if q.size, err = a.store.Size(ctx); err != nil {
		return nil
	}
	if q.weeks, err = a.store.WeeksAhead(ctx); err != nil {
		return nil
	}
	return q
}
