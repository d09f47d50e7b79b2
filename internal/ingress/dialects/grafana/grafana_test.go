package grafana

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
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
	r := request(t, body)
	if Dialect.Detect(r) == "" {
		t.Errorf("not known: %s", body)
	}
	p, err := Dialect.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	return p, dialecttest.Show(&p)
}

// two is a notification of unified alerting, as the documentation describes it.
const two = `{"receiver":"ops","status":"firing","orgId":1,"groupKey":"{}/{}:{alertname=\"Memory\"}","version":"1","truncatedAlerts":0,
	"externalURL":"https://grafana.example/","commonLabels":{"alertname":"Memory","team":"blue"},"commonAnnotations":{},"groupLabels":{},
	"title":"[FIRING:2] Memory (blue)","state":"alerting","message":"**Firing**\n\nValue: B=1",
	"alerts":[
	{"status":"firing","labels":{"alertname":"Memory","team":"blue","zone":"us-1"},
		"annotations":{"summary":"Much memory","description":"Over the limit","runbook_url":"https://runbooks.example/1","__dashboardUid__":"abc"},
		"startsAt":"2021-10-12T09:51:03.157076+02:00","endsAt":"0001-01-01T00:00:00Z","generatorURL":"https://grafana.example/alerting/1/edit",
		"fingerprint":"c6ea","silenceURL":"https://grafana.example/silence/1","dashboardURL":"https://grafana.example/d/1",
		"panelURL":"https://grafana.example/d/1?viewPanel=1","values":{"B":44.23943737541908,"C":1},"valueString":"[ var='B' ]",
		"imageURL":"https://grafana.example/1.png"},
	{"status":"resolved","labels":{"alertname":"Memory","team":"blue","zone":"eu-1"},"annotations":{"summary":"Much memory"},
		"startsAt":"2021-10-12T09:56:03Z","endsAt":"2021-10-12T10:16:03Z","generatorURL":"https://grafana.example/alerting/1/edit","values":null}]}`

func TestUnified(t *testing.T) {
	p, text := show(t, two)
	if p.Key != `alert:{}/{}:{alertname="Memory"}` {
		t.Errorf("key %q", p.Key)
	}
	for _, want := range []string{
		"[FIRING: Memory (1 firing, 1 resolved)](https://grafana.example/alerting/1/edit)", "**Team**: blue", "**us-1**: Much memory", "Over the limit",
		"B = 44.239, C = 1", "[Runbook](https://runbooks.example/1)", "[Dashboard](https://grafana.example/d/1)", "[Panel](https://grafana.example/d/1?viewPanel=1)",
		"[Silence](https://grafana.example/silence/1)", "https://grafana.example/1.png", "since 2021-10-12 07:51:03 UTC",
		"**eu-1**: Much memory", "lasted 20 min from 2021-10-12 09:56:03 UTC", "Grafana · ops", string(dialect.Red),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	for _, noise := range []string{"FIRING:2", "Value: B", "c6ea", "abc", "var='B'"} {
		if strings.Contains(text, noise) {
			t.Errorf("%q is in\n%s", noise, text)
		}
	}
}

func TestOwnTitleAndMessage(t *testing.T) {
	_, text := show(t, `{"receiver":"ops","orgId":"1","status":"resolved","externalURL":"https://grafana.example/","title":"Memory is low","message":"See *here*",
		"alerts":[{"labels":{"alertname":"A"},"generatorURL":"?"}]}`)
	if !strings.Contains(text, "[RESOLVED: Memory is low](https://grafana.example/)") || !strings.Contains(text, "See *here*") {
		t.Errorf("got\n%s", text)
	}
}

func TestLegacyStates(t *testing.T) {
	for state, want := range map[string]string{
		"alerting": "FIRING: R\n" + string(dialect.Red), "ok": "RESOLVED: R\n" + string(dialect.Green), "no_data": "NO DATA: R\n" + string(dialect.Orange),
		"pending": "PENDING: R\n" + string(dialect.Yellow), "paused": "PAUSED: R\n" + string(dialect.Grey), "new_one": "NEW ONE: R\n" + string(dialect.Blue),
	} {
		p, text := show(t, `{"ruleName":"R","ruleId":"9","state":"`+state+`","title":[],"imageUrl":"https://a.example/i.png","evalMatches":[null,{"metric":"m"}]}`)
		name, color, _ := strings.Cut(want, "\n")
		if !strings.Contains(text, name) || !strings.Contains(text, color) || !strings.Contains(text, "i.png") || p.Key != "rule:9" {
			t.Errorf("%s: %s\n%s", state, p.Key, text)
		}
	}
}

func TestPausedRule(t *testing.T) {
	p, text := show(t, `{"title":"T","ruleGroup":"g","noDataState":"NoData","isPaused":"true","for":"5m"}`)
	if !strings.Contains(text, "Paused alert rule: T") || !strings.Contains(text, "5m") || p.Key != "" {
		t.Errorf("got\n%s", text)
	}
}

func TestNotGrafana(t *testing.T) {
	for _, body := range []string{
		`{"alerts":[],"groupKey":"k","status":"firing","receiver":"r"}`, `{"state":"ok","ruleName":"x"}`, `{"orgId":1,"receiver":"x"}`, `{"text":"x"}`, `"x"`,
	} {
		if why := Dialect.Detect(request(t, body)); why != "" {
			t.Errorf("%s is known by %s", body, why)
		}
	}
	if p, err := Dialect.Parse(request(t, `{}`)); err == nil {
		t.Errorf("nothing makes %s", dialecttest.Show(&p))
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(two))
	f.Add([]byte(`{"ruleName":"R","ruleId":"9","state":"ok","evalMatches":[{"metric":"m","value":1e400,"tags":{"a":[]}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		dialecttest.Exercise(t, Dialect, http.Header{}, nil, body)
	})
}
