package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// alertmanager is a running Prometheus Alertmanager.
type alertmanager struct {
	t   *testing.T
	url string
	log syncBuffer
}

// startAlertmanager runs one with a configuration until the test ends.
func startAlertmanager(t *testing.T, config string) *alertmanager {
	t.Helper()
	binary := needed(t, "HUB_TEST_ALERTMANAGER")
	dir, addr := t.TempDir(), freeAddr(t)
	file := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	am := &alertmanager{t: t, url: "http://" + addr}
	cmd := exec.Command(binary, "--config.file="+file, "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+addr, "--cluster.listen-address=", "--log.level=debug")
	cmd.Stdout, cmd.Stderr = &am.log, &am.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log("Alertmanager's log:\n", tail(am.log.String()))
		}
	})
	eventually(t, "Alertmanager", func() bool {
		resp, err := client.Get(am.url + "/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return am
}

// alert is an alert as Prometheus posts it.
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       *time.Time        `json:"endsAt,omitempty"`
	GeneratorURL string            `json:"generatorURL"`
}

func (am *alertmanager) post(alerts ...alert) {
	am.t.Helper()
	body, err := json.Marshal(alerts)
	if err != nil {
		am.t.Fatal(err)
	}
	resp, err := client.Post(am.url+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		am.t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		am.t.Fatalf("the alerts: %d %s", resp.StatusCode, text)
	}
}

// counts sums a metric over its labels, for each integration: webhook, slack …
func (am *alertmanager) counts(metric string) map[string]float64 {
	am.t.Helper()
	resp, err := client.Get(am.url + "/metrics")
	if err != nil {
		am.t.Fatal(err)
	}
	defer resp.Body.Close()
	sums := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		labels, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), metric+"{"), "} ")
		if !ok || !strings.HasPrefix(lines.Text(), metric+"{") {
			continue
		}
		_, name, _ := strings.Cut(labels, `integration="`)
		name, _, _ = strings.Cut(name, `"`)
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			am.t.Fatal(err)
		}
		sums[name] += n
	}
	return sums
}

// TestAlertmanager lets Alertmanager tell three channels of the same alerts, each by
// a receiver of another kind. By its own, one message follows the alerts.
func TestAlertmanager(t *testing.T) {
	t.Parallel()
	needed(t, "HUB_TEST_ALERTMANAGER")
	p := startHub(t)
	own, webhook := p.room("alerts")
	bySlack, slack := p.room("by-slack")
	byDiscord, discord := p.room("by-discord")
	am := startAlertmanager(t, fmt.Sprintf(`
route: {receiver: hub, group_by: [alertname], group_wait: 10ms, group_interval: 200ms, repeat_interval: 1h}
receivers:
- name: hub
  webhook_configs: [{url: %q}]
  slack_configs: [{api_url: %q, channel: "#any", send_resolved: true}]
  discord_configs: [{webhook_url: %q}]
`, webhook.URL, slack.URL+"/slack", discord.URL+"/discord"))

	began := time.Now().Add(-time.Minute).Truncate(time.Second)
	disk := func(host string, ended bool) alert {
		a := alert{
			Labels:       map[string]string{"alertname": "DiskFull", "severity": "critical", "instance": host},
			Annotations:  map[string]string{"summary": host + " has <1 % left & counting", "description": "Look at /var on *" + host + "*"},
			StartsAt:     began,
			GeneratorURL: "http://prometheus.example/graph?g0.expr=disk",
		}
		if ended {
			now := time.Now()
			a.EndsAt = &now
		}
		return a
	}

	am.post(disk("db-1", false))
	firing := p.await(own, 1, "the alert", func(m []shown) bool { return strings.Contains(m[0].text(), "db-1") })[0]
	firing.says(t, "FIRING", "DiskFull", "critical", "db-1 has", "Look at /var on")
	if firing.Revision != 1 || len(p.thread(firing.ID)) != 0 {
		t.Errorf("the first message: %+v", firing)
	}
	am.post(disk("db-2", false))
	both := p.await(own, 1, "the second alert", func(m []shown) bool { return strings.Contains(m[0].text(), "db-2") })[0]
	both.says(t, "FIRING", "db-1", "db-2")
	am.post(disk("db-1", true), disk("db-2", true))
	resolved := p.await(own, 1, "the end", func(m []shown) bool { return strings.Contains(m[0].text(), "RESOLVED") })[0]
	if resolved.ID != firing.ID || resolved.Revision < 3 || strings.Contains(resolved.text(), "FIRING") {
		t.Errorf("the last message: %+v", resolved)
	}
	if firing.Embeds[0].Color == resolved.Embeds[0].Color {
		t.Errorf("what burns and what is over have the same colour, %s", resolved.Embeds[0].Color)
	}
	history := p.thread(firing.ID)
	if len(history) != resolved.Revision-1 || history[0].text() != firing.text() {
		t.Errorf("the history of %d revisions: %+v", resolved.Revision, history)
	}

	for name, channelID := range map[string]string{"slack": bySlack, "discord": byDiscord} {
		all := p.await(channelID, 2, name, func(m []shown) bool { return strings.Contains(m[len(m)-1].text(), "RESOLVED") })
		all[0].says(t, "FIRING", "DiskFull")
		all[len(all)-1].says(t, "RESOLVED", "DiskFull")
	}
	eventually(t, "Alertmanager to have counted", func() bool {
		n := am.counts("alertmanager_notifications_total")
		return n["webhook"] >= 3 && n["slack"] >= 3 && n["discord"] >= 2
	})
	for name, n := range am.counts("alertmanager_notifications_failed_total") {
		if n != 0 {
			t.Errorf("Alertmanager counts %g failed notifications of %s", n, name)
		}
	}
	for dialect, in := range map[string]hook{"alertmanager": webhook, "slack": slack, "discord": discord} {
		for _, c := range p.callsOf(in.ID) {
			if c.Dialect != dialect || c.Verdict != "accepted" {
				t.Errorf("%s: logged as %s, %s", dialect, c.Dialect, c.Verdict)
			}
		}
	}
	p.stop()
	p.verify()
}

// await waits until a channel has at least n messages that are as they should be, and
// returns them, oldest first.
func (p *process) await(channelID string, n int, what string, holds func([]shown) bool) (all []shown) {
	p.t.Helper()
	eventually(p.t, what, func() bool {
		all = p.oldest(channelID)
		return len(all) >= n && holds(all)
	})
	return all
}
