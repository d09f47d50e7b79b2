package app

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub/internal/postgrestest"
)

// newTestApp returns a hub with a data folder of its own.
func newTestApp(t *testing.T, env map[string]string) *App {
	t.Helper()
	return newTestAppOf(t, env, Options{Log: slog.New(slog.DiscardHandler), Version: "v1"})
}

func newTestAppOf(t *testing.T, env map[string]string, o Options) *App {
	t.Helper()
	settings := map[string]string{"HUB_DATA_DIR": t.TempDir(), "HUB_ADDR": "127.0.0.1:0"}
	maps.Copy(settings, env)
	c, err := LoadConfig(nil, environment(settings))
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func closeApp(t *testing.T, a *App) {
	t.Helper()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// exposition is what a scrape finds: the names of all series, and the value of
// each by its name and label ("hub_lanes open").
type exposition struct {
	names  map[string]bool
	labels map[string]map[string]bool // name → label → is there
	values map[string]float64
}

func scrape(t *testing.T, a *App) exposition {
	t.Helper()
	families, err := a.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	x := exposition{names: map[string]bool{}, labels: map[string]map[string]bool{}, values: map[string]float64{}}
	for _, f := range families {
		name := f.GetName()
		x.names[name] = true
		if kind := f.GetType().String(); kind == "HISTOGRAM" || kind == "SUMMARY" {
			x.names[name+"_bucket"], x.names[name+"_sum"], x.names[name+"_count"] = true, true, true
		}
		x.labels[name] = map[string]bool{}
		for _, m := range f.GetMetric() {
			key := name
			for _, l := range m.GetLabel() {
				key += " " + l.GetValue()
				x.labels[name][l.GetName()] = true
			}
			x.values[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return x
}

// await looks at the metrics of a running hub until is says so; nothing signals that
// they change.
func await(t *testing.T, a *App, what string, is func(exposition) bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(scrape(t, a)); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// What is counted is what happened: a hub with the demo's webhooks posts,
// delivers, and refuses a call.
func TestMetricsCount(t *testing.T) {
	a := newTestApp(t, nil)
	incoming, err := a.SeedDemo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- a.Run(ctx, func() { close(ready) }) }()
	<-ready
	for url, status := range map[string]int{incoming: http.StatusOK, incoming + "x": http.StatusNotFound} {
		resp, err := http.Post(url, "application/json", strings.NewReader(`{"text":"hello"}`)) //nolint:noctx // of this test
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("status %d, want %d", resp.StatusCode, status)
		}
	}
	// Each message goes to two of the demo's webhooks, one of them to a third; and
	// there are events of channels besides.
	await(t, a, "the demo's deliveries succeed", func(x exposition) bool { return x.values["hub_deliveries success"] >= 9 })
	x := scrape(t, a)
	for key, want := range map[string]float64{
		"hub_delivery_oldest_seconds failed": 0, "hub_delivery_oldest_seconds held": 0,
		"hub_ready": 1, "hub_lanes open": 4, "hub_build_info sqlite v1": 1, "hub_deliveries failed": 0,
		"hub_incoming_calls_total accepted": 1, "hub_incoming_calls_total unknown_token": 1,
		"hub_events_published_total message.created": 4,
	} {
		if got := x.values[key]; got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	for _, key := range []string{
		"hub_delivery_attempts_total success", "hub_delivery_latency_seconds", "hub_delivery_attempt_duration_seconds",
		"hub_deliveries_succeeded_total",
	} {
		if got := x.values[key]; got < 9 {
			t.Errorf("%s is %v, want as many as deliveries succeeded", key, got)
		}
	}
	for _, key := range []string{
		"hub_database_commit_seconds", "hub_database_turn_seconds", "hub_database_group_writes", "hub_database_read_seconds",
		"hub_database_bytes", "hub_database_connections_max", "hub_disk_free_bytes", "hub_disk_reserve_bytes",
	} {
		if x.values[key] <= 0 {
			t.Errorf("%s is %v", key, x.values[key])
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Hubs on one database are members, and one leads.
func TestMetricsOfMembers(t *testing.T) {
	env := map[string]string{
		"HUB_DATABASE_URL": postgrestest.URL(t), "HUB_SECRET_KEYS": "k:" + keyText, "HUB_ADMIN_TOKEN": "an-admin-token-of-this-test",
	}
	first := newTestApp(t, env)
	defer closeApp(t, first)
	second := newTestApp(t, env)
	defer closeApp(t, second)
	x := scrape(t, second)
	for key, want := range map[string]float64{
		"hub_cluster_members": 2, "hub_cluster_leads": 0, "hub_build_info postgres v1": 1, "hub_database_reconnects_total": 0,
		"hub_database_weeks_ahead": 3,
	} {
		if got := x.values[key]; got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	if x.values["hub_database_connections_max"] < 4 || x.values["hub_database_commit_seconds"] == 0 || x.values["hub_database_bytes"] == 0 {
		t.Errorf("figures of the database: %v", x.values)
	}
	if got := scrape(t, first).values["hub_cluster_leads"]; got != 1 {
		t.Errorf("the eldest's hub_cluster_leads is %v", got)
	}
}

// A database that does not answer takes its figures away, and nothing else.
func TestMetricsWithoutDatabase(t *testing.T) {
	a := newTestApp(t, nil)
	closeApp(t, a)
	x := scrape(t, a)
	if x.values["hub_ready"] != 0 || x.names["hub_deliveries_due"] || !x.names["hub_lanes"] || !x.names["go_goroutines"] {
		t.Errorf("ready %v, %v", x.values["hub_ready"], x.names)
	}
}

func TestAttemptClass(t *testing.T) {
	for result, want := range map[string]string{
		"success": "success", "http_301": "http_3xx", "http_404": "http_4xx", "http_503": "http_5xx", "http_999": "other",
		"timeout": "timeout", "unknown": "unknown", "internal": "other", "": "other", "http_": "other",
	} {
		if got := attemptClass(result); got != want {
			t.Errorf("%q counts as %s, want %s", result, got, want)
		}
	}
}

// The files for those who watch the hub name only metrics that there are, and
// leave none of the hub's out.
func TestMetricsInDeploy(t *testing.T) {
	a := newTestApp(t, nil)
	defer closeApp(t, a)
	x := scrape(t, a)
	name := regexp.MustCompile(`\b(?:hub|go|process)_[a-z0-9_]+\b`)
	selector := regexp.MustCompile(`\b(hub_[a-z_]+)\{([^}]*)\}`)
	matcher := regexp.MustCompile(`(\w+)(=|!=|=~|!~)"([^"]*)"`)
	const alerts, dashboard, page = "../../deploy/prometheus/alerts.yml", "../../deploy/grafana/hub.json", "../../docs/operations.md"
	named := map[string]map[string]bool{}
	for _, file := range []string{alerts, dashboard, page} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(content), `\"`, `"`)
		named[file] = map[string]bool{}
		for _, n := range name.FindAllString(text, -1) {
			named[file][n] = true
			if !x.names[n] {
				t.Errorf("%s names %s, which is not exposed", file, n)
			}
		}
		for _, s := range selector.FindAllStringSubmatch(text, -1) {
			family := strings.TrimSuffix(s[1], "_bucket")
			for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
				label, equal, value := m[1], m[2], m[3]
				if label == "job" || label == "instance" {
					continue // the scrape's
				}
				if !x.labels[family][label] {
					t.Errorf("%s: %s has no label %s", file, family, label)
				}
				if _, there := x.values[family+" "+value]; equal == "=" && !there {
					t.Errorf("%s: no %s with %s %q", file, family, label, value)
				}
			}
		}
	}
	for n := range x.labels {
		used := named[dashboard][n] || named[dashboard][n+"_bucket"]
		if strings.HasPrefix(n, "hub_") && (!used || !named[page][n]) {
			t.Errorf("%s is not in %s or not in %s", n, dashboard, page)
		}
	}
	if len(named[alerts]) < 10 {
		t.Errorf("the alerts name only %v", slices.Sorted(maps.Keys(named[alerts])))
	}
}
