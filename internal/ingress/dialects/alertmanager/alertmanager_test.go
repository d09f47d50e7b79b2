package alertmanager

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/markup"
)

func TestFixtures(t *testing.T) {
	cases := dialecttest.Cases(t, "testdata/fields.txt")
	dialecttest.Run(t, Dialect, cases)
	dialecttest.Mutate(t, Dialect, cases)
}

func request(t *testing.T, body string) *dialect.Request {
	t.Helper()
	r, err := dialect.Read(http.Header{"Content-Type": {"application/json"}}, nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func show(t *testing.T, body string) (dialect.Post, string) {
	t.Helper()
	p, err := Dialect.Parse(request(t, body))
	if err != nil {
		t.Fatal(err)
	}
	return p, markup.Plain(p.Doc)
}

func colour(p dialect.Post) (c markup.Color) {
	markup.Walk(p.Doc, func(n markup.Node) bool {
		if card, ok := n.(markup.Card); ok {
			c = card.Color
		}
		return true
	})
	return c
}

func TestDetect(t *testing.T) {
	for body, known := range map[string]bool{
		`{"alerts":[],"groupKey":"k","status":"firing"}`:                              true,
		`{"alerts":[],"commonLabels":{},"receiver":"r"}`:                              true,
		`{"alerts":[],"groupKey":"k","status":"firing","orgId":1}`:                    false,
		`{"alerts":{},"groupKey":"k","status":"firing"}`:                              false,
		`{"alerts":[{"a":1}]}`:                                                        false,
		`{"labels":{"alertname":"A"},"annotations":{}}`:                               true,
		`{"labels":{"severity":"info"},"summary":"s"}`:                                true,
		`{"labels":{"severity":"info"},"title":"t","ruleGroup":"g","annotations":{}}`: false,
		`{"labels":["bug"],"summary":"s"}`:                                            false,
		`{"labels":{"app":"x"},"summary":"s"}`:                                        false,
		`{"text":"hi"}`:                                                               false,
		`"plain"`:                                                                     false,
	} {
		if got := Dialect.Detect(request(t, body)) != ""; got != known {
			t.Errorf("%s: known %v, want %v", body, got, known)
		}
	}
}

func TestColours(t *testing.T) {
	alert := func(status, severity string) string {
		return fmt.Sprintf(`{"status":%q,"labels":{"alertname":"A","severity":%q}}`, status, severity)
	}
	for alerts, want := range map[string]markup.Color{
		alert("firing", "critical"):                                dialect.Red,
		alert("firing", "warning"):                                 dialect.Orange,
		alert("firing", "info"):                                    dialect.Blue,
		alert("firing", ""):                                        dialect.Red,
		alert("resolved", "critical"):                              dialect.Green,
		alert("resolved", "critical") + alert("firing", "warning"): dialect.Orange,
		alert("firing", "info") + alert("firing", "critical"):      dialect.Red,
	} {
		p, _ := show(t, `{"groupKey":"k","receiver":"r","alerts":[`+strings.ReplaceAll(alerts, "}{", "},{")+`]}`)
		if got := colour(p); got != want {
			t.Errorf("%s: %s, want %s", alerts, got, want)
		}
	}
}

func many(firing, resolved int) string {
	var alerts []string
	for i := range firing + resolved {
		status := "firing"
		if i >= firing {
			status = "resolved"
		}
		alerts = append(alerts, fmt.Sprintf(
			`{"status":%q,"labels":{"alertname":"Down","instance":"web-%d"},"startsAt":"2026-01-02T03:04:05Z","endsAt":"2026-01-02T04:14:05Z"}`, status, i))
	}
	return `{"status":"firing","receiver":"ops","groupKey":"{}:{x}","commonLabels":{"alertname":"Down"},"truncatedAlerts":"2","alerts":[` +
		strings.Join(alerts, ",") + `]}`
}

func TestTenAlertsAtMost(t *testing.T) {
	p, text := show(t, many(8, 5))
	if p.Key != "alert:{}:{x}" {
		t.Errorf("key %q", p.Key)
	}
	for _, want := range []string{"FIRING: Down (8 firing, 5 resolved)", "web-9", "lasted 1 h 10 min from 2026-01-02 03:04:05 UTC", "and 5 more"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "web-10") {
		t.Error("more than ten alerts are shown")
	}
	if strings.Index(text, "Firing") > strings.Index(text, "Resolved\n") {
		t.Error("what is resolved stands first")
	}
}

func TestUnknownNames(t *testing.T) {
	_, text := show(t, `{"receiver":"r","status":"firing","alerts":[{"labels":{"alertname":"A","job":"x"}},{"labels":{"alertname":"B","job":"x"}},
		{"labels":{"alertname":"C"}},{"labels":{"alertname":"D"}}],"commonLabels":null}`)
	if !strings.Contains(text, "FIRING: A, B, C, … (4 alerts)") {
		t.Errorf("got\n%s", text)
	}
}

func TestSingle(t *testing.T) {
	p, text := show(t, `{"labels":{"alertname":"A","severity":"warning"},"annotations":{"summary":"S","message":"S","note":"N"},"status":"resolved",
		"startsAt":"2026-01-02T03:04:05Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"f00","generatorURL":"javascript:x"}`)
	const want = "RESOLVED: A\nS\nSeverity: warning\nStarted: 2026-01-02 03:04:05 UTC\nNote: N\nAlertmanager"
	if text != want || p.Key != "alert:f00" || colour(p) != dialect.Green {
		t.Errorf("%s %s:\n%s", p.Key, colour(p), text)
	}
}

func TestNothingToShow(t *testing.T) {
	for _, body := range []string{`{}`, `{"alerts":[]}`, `{"alerts":[1,{}],"groupKey":"k","status":"firing"}`} {
		if p, err := Dialect.Parse(request(t, body)); err == nil {
			t.Errorf("%s makes %s", body, dialecttest.Show(&p))
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(many(2, 1)))
	f.Add([]byte(`{"labels":{"severity":"x"},"summary":[],"annotations":{"a":"https://a.example"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		dialecttest.Exercise(t, Dialect, http.Header{}, nil, body)
	})
}
