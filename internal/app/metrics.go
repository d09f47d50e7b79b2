package app

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/nself-chat/hub/internal/server"
)

// statsTimeout bounds the look at the database that a scrape takes.
const statsTimeout = 5 * time.Second

// guardMetrics shows the figures to programs on this machine, and to others
// when may has nothing against it.
func guardMetrics(h http.Handler, may func(*http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r) {
			if err := may(r); err != nil {
				server.WriteProblem(w, r, err)
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

// mayReadMetrics refuses requests without the credentials of somebody who may
// read the queue's figures.
func (a *App) mayReadMetrics(r *http.Request) error {
	actor, err := a.auth.Actor(r)
	if err != nil {
		return err
	}
	return a.control.MayReadQueue(actor)
}

// forwarding are the headers by which a proxy says that it asks for another,
// who may be anywhere.
var forwarding = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"}

// isLocal reports whether a program on this machine asks for itself.
func isLocal(r *http.Request) bool {
	for _, name := range forwarding {
		if len(r.Header[name]) > 0 {
			return false
		}
	}
	ip, err := netip.ParseAddr(server.ClientIP(r))
	return err == nil && ip.Unmap().IsLoopback()
}

// metrics is the handler of /metrics.
func (a *App) metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	c := a.engine.Counters()
	counter := func(name, help string, value func() int64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "hub", Name: name, Help: help},
			func() float64 { return float64(value()) }))
	}
	counter("delivery_attempts_total", "Attempts made since the start.", c.Sent.Load)
	counter("deliveries_succeeded_total", "Deliveries that succeeded since the start.", c.Succeeded.Load)
	counter("deliveries_failed_total", "Deliveries that failed for good since the start.", c.Failed.Load)
	counter("deliveries_retried_total", "Attempts that are followed by another, since the start.", c.Retried.Load)
	counter("deliveries_claimed_total", "Deliveries claimed from the database since the start; the others went out from memory.", c.Claimed.Load)
	counter("delivery_leases_repaired_total", "Leases that nobody remembered; anything but 0 is a defect.", c.Repaired.Load)
	r.MustRegister(&queueCollector{app: a})
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

var (
	queueDesc     = prometheus.NewDesc("hub_deliveries", "Deliveries by state.", []string{"state"}, nil)
	oldestDueDesc = prometheus.NewDesc("hub_delivery_oldest_due_seconds", "Age of the delivery that has been due the longest.", nil, nil)
	sizeDesc      = prometheus.NewDesc("hub_database_bytes", "Bytes in use in the database.", nil, nil)
)

// queueCollector reads the queue's figures at every scrape.
type queueCollector struct{ app *App }

// Describe implements prometheus.Collector.
func (q *queueCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- queueDesc
	ch <- oldestDueDesc
	ch <- sizeDesc
}

// Collect implements prometheus.Collector.
func (q *queueCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), statsTimeout)
	defer cancel()
	s, err := q.app.engine.Stats(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(queueDesc, err)
		return
	}
	for state, n := range map[string]int64{
		"pending": s.Pending, "active": s.Active, "completed": s.Completed, "failed": s.Failed, "delayed": s.Delayed,
	} {
		ch <- prometheus.MustNewConstMetric(queueDesc, prometheus.GaugeValue, float64(n), state)
	}
	ch <- prometheus.MustNewConstMetric(oldestDueDesc, prometheus.GaugeValue, s.OldestDue.Seconds())
	if size, err := q.app.store.Size(ctx); err == nil {
		ch <- prometheus.MustNewConstMetric(sizeDesc, prometheus.GaugeValue, float64(size))
	}
}
