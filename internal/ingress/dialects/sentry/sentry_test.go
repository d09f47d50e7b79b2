package sentry

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

func request(t *testing.T, resource, body string) *dialect.Request {
	t.Helper()
	h := http.Header{"Content-Type": {"application/json"}}
	if resource != "" {
		h.Set("Sentry-Hook-Resource", resource)
	}
	r, err := dialect.Read(h, nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// hooks are the documented shapes, with what must be in the message, and what must not.
var hooks = map[string]struct {
	resource, body, key string
	want, not           []string
}{
	"event alert": {
		resource: "event_alert", key: "issue:sentry-1117",
		body: `{"action":"triggered","actor":{"name":"Sentry"},"installation":{"uuid":"u"},"data":{"triggered_rule":"Very important",
			"event":{"title":"ReferenceError: heck is not defined","level":"error","culprit":"?(<anonymous>)","datetime":"2019-08-19T21:06:17.677000Z",
			"issue_id":"1117","web_url":"https://sentry.example/e/1","url":"https://sentry.example/api/0/e/1","platform":"javascript","message":"",
			"release":null,"request":{"url":"https://null.example/runner","method":null},"user":{"ip_address":"162.218.85.90"},
			"contexts":{"browser":{"name":"Chrome","version":"75.0"}},"tags":[["browser","Chrome 75.0"],["handled","no"],{"key":"release","value":"v9"}]}}}`,
		want: []string{
			"[ERROR: ReferenceError: heck is not defined](https://sentry.example/e/1)", "`?(<anonymous>)`", "Very important", "Chrome 75.0", "handled no",
			"v9", "https://null.example/runner", "2019-08-19 21:06", "#e03e2f",
		},
		not: []string{"162.218", "/api/0/"},
	},
	"error": {
		resource: "error",
		body: `{"action":"created","data":{"error":{"level":"fatal","metadata":{"type":"TypeError","value":"x is null"},"issue_id":"5",
			"environment":"staging","release":{"version":"1.2"}}},"installation":{"uuid":"u"}}`,
		want: []string{"FATAL: TypeError: x is null", "staging", "1.2", "#d20f2a"},
	},
	"new issue": {
		resource: "issue", key: "issue:sentry-77",
		body: `{"action":"created","actor":{"type":"application","name":"Sentry"},"data":{"issue":{"id":"77","shortId":"PY-1","title":"Boom","culprit":"views.index",
			"web_url":"https://sentry.example/issues/77/","level":"warning","priority":"high","project":{"name":"shop"},"count":"3","userCount":2,
			"firstSeen":"2025-11-10T20:56:00.679000+00:00","lastSeen":"2025-11-11T20:56:00Z","issueCategory":"outage"}}}`,
		want: []string{
			"[NEW ISSUE: Boom](https://sentry.example/issues/77/)", "views.index", "warning", "high", "shop · PY-1", "**Events**: 3", "**Users**: 2",
			"2025-11-10 20:56:00", "Outage", "#f18500",
		},
		not: []string{"**By**"},
	},
	"resolved issue": {
		resource: "issue", key: "issue:sentry-77",
		body: `{"action":"resolved","actor":{"name":"Ada"},"data":{"issue":{"id":77,"title":"Boom","statusDetails":{"inNextRelease":true},
			"assignedTo":{"name":"Team A"},"userCount":0}}}`,
		want: []string{"RESOLVED: Boom", "Ada", "the next release", "Team A", string(dialect.Green)}, not: []string{"Users"},
	},
	"regressed issue":  {resource: "issue", body: `{"action":"unresolved","data":{"issue":{"title":"B","substatus":"regressed","level":"info"}}}`, want: []string{"REGRESSED: B", "#2788ce"}},
	"reopened issue":   {resource: "issue", body: `{"action":"unresolved","data":{"issue":{"title":"B","statusDetails":{"inRelease":"2.0"}}}}`, want: []string{"REOPENED: B", "release 2.0"}},
	"archived issue":   {resource: "issue", body: `{"action":"archived","data":{"issue":{"title":"B","assignedTo":"me"}}}`, want: []string{"ARCHIVED: B", "me", string(dialect.Grey)}},
	"assigned issue":   {resource: "issue", body: `{"action":"assigned","data":{"issue":{"shortId":"S-1","level":"debug"}}}`, want: []string{"ASSIGNED: S-1"}},
	"activity alert":   {resource: "activity_alert", body: `{"action":"triggered","data":{"issue":{"title":"B","statusDetails":{"inCommit":{"commit":"0123456789"}}}}}`, want: []string{"TRIGGERED: B", "commit 0123456"}, not: []string{"01234567"}},
	"critical metric":  {resource: "metric_alert", body: `{"action":"critical","data":{"description_title":"Critical: Errors","metric_alert":{"id":4}}}`, key: "alert:sentry-4", want: []string{"CRITICAL: Errors", string(dialect.Red)}},
	"metric by itself": {resource: "metric_alert", body: `{"action":"warning","data":{"metric_alert":{"title":"Marmot"}}}`, want: []string{"WARNING: Marmot", string(dialect.Orange)}},
	"resolved metric": {
		resource: "metric_alert", key: "alert:sentry-4",
		body: `{"action":"resolved","data":{"description_text":"1000 events\\nFilter: level:error","description_title":"Resolved: Too many errors",
			"web_url":"https://sentry.example/alerts/1/","metric_alert":{"id":"4","projects":["bar"],"date_started":"2020-09-13T12:26:40Z",
			"date_closed":"2020-09-13T13:26:40Z","alert_rule":{"name":"Too many errors","aggregate":"count()","query":"level:error","environment":"prod"}}}}`,
		want: []string{
			"[RESOLVED: Too many errors](https://sentry.example/alerts/1/)", "1000 events\n> Filter: level:error", "prod", "count() level:error", "1 h",
			"2020-09-13 13:26:40", "Sentry · bar", string(dialect.Green),
		},
		not: []string{"**Rule**"},
	},
	"comment": {
		resource: "comment", body: `{"action":"created","data":{"comment":"adding *a* comment","project_slug":"web","issue_id":100,"timestamp":"2022-03-02T21:51:44Z"},
			"installation":{"uuid":"u"},"actor":{"type":"user","name":"colleen"}}`,
		want: []string{"colleen commented on an issue of web", `adding \*a\* comment`, "2022-03-02 21:51"},
	},
	"edited comment":  {resource: "comment", body: `{"action":"updated","data":{"comment":"x"}}`, want: []string{"Somebody edited a comment on an issue", "x"}},
	"deleted comment": {resource: "comment", body: `{"action":"deleted","data":{}}`, want: []string{"Somebody deleted a comment"}},
	"installation": {
		resource: "installation", body: `{"action":"created","actor":{"name":"Meredith"},"data":{"installation":{"status":"pending","organization":{"slug":"org"},
			"app":{"slug":"galore"},"code":"f3c71b49"}},"installation":{"uuid":"u"}}`,
		want: []string{"Meredith installed galore", "org", "pending"}, not: []string{"f3c71b49"},
	},
	"uninstalled": {resource: "installation", body: `{"action":"deleted","data":{"installation":{}}}`, want: []string{"Somebody uninstalled an integration"}},
	"something new": {
		resource: "seer", body: `{"action":"root_cause_completed","actor":{"name":"Sentry"},"data":{"run_id":12,"summary":"It broke","web_url":"https://sentry.example/seer"}}`,
		want: []string{"[Seer Root cause completed](https://sentry.example/seer)", "It broke"}, not: []string{"12"},
	},
	"plugin": {
		body: `{"id":"9","project_slug":"p","level":"info","message":"M\nmore","event":{"tags":[["release","r1"]]},"triggering_rules":["A","B"],"url":"https://sentry.example/9"}`,
		key:  "issue:sentry-9", want: []string{"[INFO: M](https://sentry.example/9)", "more", "r1", "A, B", "Sentry · p", "#2788ce"},
	},
}

func TestHooks(t *testing.T) {
	for name, test := range hooks {
		t.Run(name, func(t *testing.T) {
			r := request(t, test.resource, test.body)
			if Dialect.Detect(r) == "" {
				t.Error("not known")
			}
			p, err := Dialect.Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			text := dialecttest.Show(&p)
			if p.Key != test.key {
				t.Errorf("key %q, want %q", p.Key, test.key)
			}
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing in\n%s", want, text)
				}
			}
			for _, not := range test.not {
				if strings.Contains(text, not) {
					t.Errorf("%q is in\n%s", not, text)
				}
			}
		})
	}
}

// A proxy may drop the header; then the members tell.
func TestWithoutHeader(t *testing.T) {
	for body, want := range map[string]string{
		`{"action":"resolved","installation":{"uuid":"u"},"data":{"issue":{"title":"B"}}}`:        "RESOLVED: B",
		`{"action":"triggered","installation":{"uuid":"u"},"data":{"event":{"title":"B"}}}`:       "B",
		`{"action":"critical","installation":{"uuid":"u"},"data":{"metric_alert":{"title":"B"}}}`: "CRITICAL: B",
		`{"action":"created","installation":{"uuid":"u"},"data":{"comment":"B"}}`:                 "commented",
		`{"action":"created","installation":{"uuid":"u"},"data":{"new":"B"}}`:                     "**New**: B",
	} {
		r := request(t, "", body)
		if Dialect.Detect(r) == "" {
			t.Errorf("not known: %s", body)
		}
		p, err := Dialect.Parse(r)
		if text := dialecttest.Show(&p); err != nil || !strings.Contains(text, want) {
			t.Errorf("%s makes %v\n%s", body, err, text)
		}
	}
}

func TestNotSentry(t *testing.T) {
	for _, body := range []string{
		`{"action":"opened","installation":{"id":1},"issue":{}}`, `{"project_name":"x","event":"push"}`, `{"data":{"issue":{}}}`, `"x"`,
	} {
		if why := Dialect.Detect(request(t, "", body)); why != "" {
			t.Errorf("%s is known by %s", body, why)
		}
	}
	for _, body := range []string{`{}`, `{"data":{"event":[]}}`, `{"event":{}}`} {
		if p, err := Dialect.Parse(request(t, "event_alert", body)); err == nil {
			t.Errorf("%s makes %s", body, dialecttest.Show(&p))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, hook := range hooks {
		f.Add(hook.resource, []byte(hook.body))
	}
	f.Fuzz(func(t *testing.T, resource string, body []byte) {
		dialecttest.Exercise(t, Dialect, http.Header{"Sentry-Hook-Resource": {resource}}, nil, body)
	})
}
