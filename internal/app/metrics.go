package app

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/delivery"
	"github.com/nself-chat/hub/internal/egress"
	"github.com/nself-chat/hub/internal/server"
	"github.com/nself-chat/hub/internal/store"
)

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

// isLocal reports whether a program on this machine asks for itself.
func isLocal(r *http.Request) bool {
	if server.IsForwarded(r) {
		return false
	}
	ip, err := netip.ParseAddr(server.ClientIP(r))
	return err == nil && ip.Unmap().IsLoopback()
}

// namespace begins the names of the hub's own metrics.
const namespace = "hub"

// Upper bounds of the histograms' buckets, in seconds, but for groupBuckets:
// writes.
var (
	databaseBuckets = []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	attemptBuckets  = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}
	latencyBuckets  = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}
	groupBuckets    = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}
)

// metrics are what the parts of the hub count and measure as they work. What is
// looked up at each scrape is in collector. No label holds what others choose,
// ids included, so the number of series is fixed.
type metrics struct {
	registry *prometheus.Registry

	attempts, published, calls, notices *prometheus.CounterVec
	latency, attempt                    prometheus.Histogram
	turn, commit, group, read           prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	counters := func(name, help, label string, values ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, []string{label})
		m.registry.MustRegister(v)
		for _, value := range values {
			v.WithLabelValues(value) // counted from 0: rate() sees the first one
		}
		return v
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
		m.registry.MustRegister(h)
		return h
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.attempts = counters("delivery_attempts_total", "Attempts to deliver, by how they ended.", "result", attemptClasses...)
	m.published = counters("events_published_total", "Events committed, by type; those that others named count as custom.", "type",
		append(hub.EventTypes(), customEvent)...)
	m.calls = counters("incoming_calls_total", "Calls of incoming webhooks, by verdict.", "verdict", "accepted")
	m.notices = counters("notices_total", "Notices posted about outgoing webhooks.", "notice", string(hub.NoticeDeadLetter),
		string(hub.NoticeBreaker), string(hub.NoticeGone), string(hub.NoticeFailing))
	m.latency = histogram("delivery_latency_seconds",
		"From an event to the success of its delivery; those sent again by hand, or after a lost outcome, are left out.", latencyBuckets)
	m.attempt = histogram("delivery_attempt_duration_seconds", "From the beginning of an attempt to its answer or failure.", attemptBuckets)
	m.turn = histogram("database_turn_seconds", "Wait of a group of writes until it may begin: on Postgres, for the other hubs.", databaseBuckets)
	m.commit = histogram("database_commit_seconds", "From the beginning of a group of writes to its commit, the wait for its turn included.",
		databaseBuckets)
	m.group = histogram("database_group_writes", "Writes that shared a commit.", groupBuckets)
	m.read = histogram("database_read_seconds", "From a query to its last row.", databaseBuckets)
	return m
}

// meters are the store's part.
func (m *metrics) meters() store.Meters {
	return store.Meters{Turn: m.turn, Commit: m.commit, Group: m.group, Read: m.read}
}

// metrics hears the engine.
var _ delivery.Observer = (*metrics)(nil)

// customEvent stands for the event types that others name.
const customEvent = "custom"

// Published implements delivery.Observer.
func (m *metrics) Published(eventType string) {
	if !slices.Contains(hub.EventTypes(), eventType) {
		eventType = customEvent
	}
	m.published.WithLabelValues(eventType).Inc()
}

// Attempted implements delivery.Observer.
func (m *metrics) Attempted(result string, took time.Duration) {
	m.attempts.WithLabelValues(attemptClass(result)).Inc()
	m.attempt.Observe(took.Seconds())
}

// Delivered implements delivery.Observer.
func (m *metrics) Delivered(after time.Duration) { m.latency.Observe(after.Seconds()) }

// otherResult stands for results that attemptClasses does not know.
const otherResult = "other"

// attemptClasses are the values of the label result.
var attemptClasses = []string{
	"success", "http_3xx", "http_4xx", "http_5xx", string(egress.KindInvalid), string(egress.KindRefused), string(egress.KindDNS),
	string(egress.KindConnect), string(egress.KindTLS), string(egress.KindTimeout), string(egress.KindReset), string(egress.KindProtocol),
	string(egress.KindHeaderTooLarge), string(egress.KindLocal), hub.ResultUnknown, "unusable", otherResult,
}

// attemptClass makes of an attempt's result one of few.
func attemptClass(result string) string {
	if code, ok := strings.CutPrefix(result, "http_"); ok && len(code) == 3 {
		result = "http_" + code[:1] + "xx"
	}
	if !slices.Contains(attemptClasses, result) {
		return otherResult
	}
	return result
}

// metricsHandler is the handler of /metrics.
func (a *App) metricsHandler() http.Handler {
	a.metrics.registry.MustRegister(&collector{app: a})
	return promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}
