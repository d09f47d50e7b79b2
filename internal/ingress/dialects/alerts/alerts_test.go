package alerts

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/markup"
)

// expectations is the file of each dialect.
var expectations = map[*dialect.Dialect]string{
	PagerDuty: "testdata/pagerduty.txt", Pingdom: "testdata/pingdom.txt", SNS: "testdata/sns.txt", Graylog: "testdata/graylog.txt",
	GoogleCloud: "testdata/googlecloud.txt", VRealize: "testdata/vrealize.txt", ThousandEyes: "testdata/thousandeyes.txt",
	Axiom: "testdata/axiom.txt", Dash0: "testdata/dash0.txt", NetBox: "testdata/netbox.txt",
}

func TestFixtures(t *testing.T) {
	for _, d := range All {
		t.Run(d.Name, func(t *testing.T) {
			cases := dialecttest.Cases(t, expectations[d])
			dialecttest.Run(t, d, cases)
			dialecttest.Mutate(t, d, cases)
		})
	}
}

// Each recorded request is known to one dialect only, and each document to its own.
func TestNoneIsKnownToTwo(t *testing.T) {
	for _, d := range All {
		cases := dialecttest.Cases(t, expectations[d])
		for i := range cases {
			onlyKnownTo(t, d, cases[i].Read(t))
		}
	}
	for _, test := range documented {
		onlyKnownTo(t, test.dialect, request(t, test.header, test.body))
	}
}

func onlyKnownTo(t *testing.T, want *dialect.Dialect, r *dialect.Request) {
	t.Helper()
	for _, d := range All {
		if why := d.Detect(r); (why != "") != (d == want) {
			t.Errorf("a request of %s: %s knows it by %q", want.Name, d.Name, why)
		}
	}
}

func request(t *testing.T, header, body string) *dialect.Request {
	t.Helper()
	h := http.Header{"Content-Type": {"application/json"}}
	if name, value, ok := strings.Cut(header, ": "); ok {
		h.Set(name, value)
	}
	r, err := dialect.Read(h, nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// documented are requests that are in no fixture: what must be in the message, and
// what must not.
var documented = []struct {
	name      string
	dialect   *dialect.Dialect
	header    string
	body, key string
	want, not []string
}{
	{
		name: "PagerDuty 3", dialect: PagerDuty, key: "incident:PGR0VU2",
		body: `{"event":{"id":"5a","event_type":"incident.priority_updated","resource_type":"incident","occurred_at":"2020-10-02T18:45:22.169Z",
			"agent":{"html_url":"https://acme.example/u/1","summary":"Tenex Engineer"},"data":{"id":"PGR0VU2","type":"incident",
			"html_url":"https://acme.example/i/2","number":2,"status":"triggered","title":"A little bump","created_at":"2020-04-09T15:16:27Z",
			"service":{"html_url":"https://acme.example/s/1","summary":"API Service"},"assignees":[{"summary":"Ann"},{"summary":"Bo"}],
			"escalation_policy":{"summary":"Default"},"teams":[{"summary":"Engineering"}],"priority":{"summary":"P1"},"urgency":"low",
			"conference_bridge":{"conference_number":"+1 1234","conference_url":"https://call.example/"},"resolve_reason":null}}}`,
		want: []string{
			"[PRIORITY UPDATED: #2 A little bump](https://acme.example/i/2)", "[API Service](https://acme.example/s/1)", "Ann, Bo", "Default", "Engineering",
			"P1", "low", "2020-04-09 15:16:27", "+1 1234", "[Join the conference](https://call.example/)", "[Tenex Engineer](https://acme.example/u/1)", string(dialect.Orange),
		},
	},
	{
		name: "PagerDuty 3, resolved", dialect: PagerDuty, key: "incident:P1",
		body: `{"event":{"event_type":"incident.resolved","resource_type":"incident","data":{"id":"P1","type":"incident","title":"T"}}}`,
		want: []string{"RESOLVED: T", string(dialect.Green)},
	},
	{
		name: "PagerDuty 3, a note", dialect: PagerDuty,
		body: `{"event":{"event_type":"incident.annotated","resource_type":"incident","data":{"type":"incident_note","content":"I am on it",
			"incident":{"id":"P1","summary":"A bump","html_url":"https://acme.example/i/2"}}}}`,
		want: []string{"[Annotated: A bump](https://acme.example/i/2)", "I am on it"},
	},
	{
		name: "PagerDuty 3, a responder", dialect: PagerDuty,
		body: `{"event":{"event_type":"incident.responder.added","resource_type":"incident","data":{"type":"incident_responder","state":"pending",
			"message":"Please help","user":{"summary":"Maeve"},"incident":{"summary":"A bump"}}}}`,
		want: []string{"Responder added: A bump", "Please help", "Maeve", "pending"},
	},
	{
		name: "PagerDuty 2, two incidents", dialect: PagerDuty,
		body: `{"messages":[{"event":"incident.trigger","incident":{"id":"A","title":"First","incident_number":33,"urgency":"high",
			"assignments":[{"assignee":{"summary":"Laura"}}]}},{"event":"incident.acknowledge","incident":{"id":"B","title":"Second"}}]}`,
		want: []string{"TRIGGERED: #33 First", "Laura", string(dialect.Red), "ACKNOWLEDGED: Second", string(dialect.Yellow)},
	},
	{
		name: "Pingdom up", dialect: Pingdom, key: "check:1",
		body: `{"check_id":1,"check_name":"Shop","current_state":"UP","check_params":{"hostname":"shop.example"},"tags":["a","b"],"custom_message":"Call Jo"}`,
		want: []string{"UP: Shop", "shop.example", "a, b", "Call Jo", string(dialect.Green)},
	},
	{
		name: "Pingdom transaction", dialect: Pingdom, key: "check:1",
		body: `{"check_id":1,"check_name":"Shop","current_state":"FAILING","description":"Step 2 failed"}`,
		want: []string{"FAILING: Shop", "Step 2 failed", string(dialect.Red)},
	},
	{
		name: "SNS, plain text", dialect: SNS, header: "X-Amz-Sns-Message-Type: Notification",
		body: `{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:eu-west-1:1:orders","Subject":"Stock","Message":"Two *left*","UnsubscribeURL":"https://sns.amazonaws.com/u"}`,
		want: []string{"Stock", `Two \*left\*`, "Amazon SNS · orders"}, not: []string{"https://"},
	},
	{
		name: "SNS, an event", dialect: SNS,
		body: `{"Type":"Notification","MessageId":"1","TopicArn":"t","Message":"{\"version\":\"0\",\"detail-type\":\"EC2 Instance State-change\",\"region\":\"eu\",\"detail\":{\"state\":\"stopped\"}}"}`,
		want: []string{"EC2 Instance State-change", "eu", "stopped"},
	},
	{
		name: "SNS, an end", dialect: SNS,
		body: `{"Type":"UnsubscribeConfirmation","MessageId":"1","TopicArn":"a:orders","SubscribeURL":"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"}`,
		want: []string{"The subscription to orders has ended", "[Subscribe again](https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription)"},
	},
	{
		name: "SNS, a link that is not Amazon's", dialect: SNS,
		body: `{"Type":"SubscriptionConfirmation","MessageId":"1","TopicArn":"a:orders","SubscribeURL":"https://evil.example/.amazonaws.com"}`,
		want: []string{"Confirm the subscription to orders"}, not: []string{"evil"},
	},
	{
		name: "CloudWatch, bare", dialect: SNS, key: "alert:arn:1",
		body: `{"AlarmName":"A","AlarmArn":"arn:1","NewStateValue":"OK","Trigger":{"MetricName":"M","ComparisonOperator":"LessThanThreshold","Threshold":2,"Unit":"Percent","Period":60,"EvaluationPeriods":3}}`,
		want: []string{"OK: A", "M < 2 Percent for 3 periods of 1 min", string(dialect.Green)},
	},
	{
		name: "Graylog, an event definition", dialect: Graylog,
		body: `{"event_definition_id":"x","event_definition_type":"aggregation-v1","event_definition_title":"Failed logins","event_definition_description":"Many",
			"event":{"message":"Failed logins: 12","priority":2,"alert":true,"timestamp":"2024-10-24T10:22:04Z","group_by_fields":{"user":"root"},"fields":{"count":"12"}},
			"backlog":[{"message":"bad password","source":"db","timestamp":"2024-10-24T10:22:00Z"}]}`,
		want: []string{"ALERT: Failed logins", "Many", "Failed logins: 12", "normal", "root", "**Count**: 12", "**db**", "bad password", string(dialect.Orange)},
	},
	{
		name: "Google, a string for documentation", dialect: GoogleCloud, key: "incident:1",
		body: `{"version":"1.2","incident":{"incident_id":"1","state":"closed","policy_name":"P","documentation":"See *here*","severity":"Critical",
			"condition":{"displayName":"C","conditionThreshold":{"comparison":"COMPARISON_LT","thresholdValue":0.5}}}}`,
		want: []string{"CLOSED: C", "See *here*", "Critical", "threshold < 0.5", "**Policy**: P", string(dialect.Green)},
	},
	{
		name: "vRealize, over", dialect: VRealize, key: "alert:a",
		body: `{"alertId":"a","criticality":"ALERT_CRITICALITY_LEVEL_CRITICAL","resourceKind":"VM","status":"CANCELED","alertName":"No memory","resourceName":"vm1","startDate":1369757346267,"cancelDate":1369757946267}`,
		want: []string{"CANCELED: No memory", "vm1", "Critical", "**Lasted**: 10 min", string(dialect.Green)},
	},
	{
		name: "ThousandEyes, a test", dialect: ThousandEyes,
		body: `{"eventId":"e","eventType":"ALERT_NOTIFICATION_TEST","alert":{"ruleName":"R"}}`, want: []string{"TEST: R", string(dialect.Blue)},
	},
	{
		name: "Axiom, a threshold", dialect: Axiom, key: "monitor:m",
		body: `{"action":"Closed","event":{"monitorID":"m","title":"Errors","queryStartTime":"","value":12.3456789012,"queryEndTime":"2025-02-15 14:59:03 +0000 UTC"}}`,
		want: []string{"RESOLVED: Errors", "12.346", string(dialect.Green)},
	},
	{
		name: "Dash0, ongoing", dialect: Dash0, key: "alert:1",
		body: `{"type":"alert.ongoing","data":{"issue":{"id":"1","issueIdentifier":"2","status":"degraded","summary":"Slow"}}}`, want: []string{"DEGRADED: Slow", string(dialect.Orange)},
	},
	{
		name: "Dash0, closed", dialect: Dash0, key: "alert:1",
		body: `{"type":"alert.closed","data":{"issue":{"id":"1","issueIdentifier":"2","status":"failed","summary":"Slow"}}}`, want: []string{"CLOSED: Slow", string(dialect.Grey)},
	},
	{
		name: "NetBox", dialect: NetBox,
		body: `{"event":"updated","timestamp":"2025-02-02T11:10:24Z","model":"dcim.site","username":"jo","request_id":"r","data":{"display":"Oslo","display_url":"https://netbox.example/1","url":"https://netbox.example/api/1"},
			"snapshots":{"prechange":{"status":"planned","tags":["a"],"last_updated":"1"},"postchange":{"status":"active","tags":[],"last_updated":"2"}}}`,
		want: []string{"[UPDATED: site Oslo](https://netbox.example/1)", "jo", "planned → active", "a → nothing"}, not: []string{"Last updated"},
	},
}

func TestDocumented(t *testing.T) {
	for _, test := range documented {
		t.Run(test.name, func(t *testing.T) {
			p, err := test.dialect.Parse(request(t, test.header, test.body))
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

// Some fixtures hold JSON in a string.
func TestInnerJSON(t *testing.T) {
	for name, test := range map[string]struct {
		dialect  *dialect.Dialect
		inside   string
		pointers string
	}{
		"senders/alerta/cloudwatch_notification.json": {
			SNS, "/Message", "/AlarmName /AlarmDescription /NewStateValue /NewStateReason /Region /AWSAccountId /Trigger/MetricName /Trigger/Namespace " +
				"/Trigger/Statistic /Trigger/Threshold /Trigger/Dimensions/0/name /Trigger/Dimensions/0/value /Trigger/Dimensions/1/name /Trigger/Dimensions/1/value",
		},
		"senders/alerta/stackdriver_open.json": {GoogleCloud, "/incident/documentation/content", "/summary /resource_name"},
	} {
		body, err := os.ReadFile(dialecttest.Folder(t) + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		r := request(t, "", string(body))
		p, err := test.dialect.Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		inner, err := dialect.ParseJSON([]byte(r.JSON.Pointer(test.inside).Str()))
		if err != nil {
			t.Fatal(err)
		}
		for pointer := range strings.FieldsSeq(test.pointers) {
			if want := inner.Pointer(pointer).Str(); want == "" || !strings.Contains(dialecttest.Seen(&p), want) {
				t.Errorf("%s: %s is missing: %q", name, pointer, want)
			}
		}
	}
}

// What has nothing to show is refused, and strange requests are known to none.
func TestNothing(t *testing.T) {
	for _, d := range All {
		for _, body := range []string{`{}`, `{"event":{}}`, `{"messages":[]}`, `{"incident":{}}`, `"text"`} {
			r := request(t, "", body)
			if why := d.Detect(r); why != "" {
				t.Errorf("%s knows %s by %s", d.Name, body, why)
			}
			if p, err := d.Parse(r); err == nil && body != `"text"` {
				t.Errorf("%s: %s makes %s", d.Name, body, dialecttest.Show(&p))
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, test := range documented {
		f.Add([]byte(test.body))
	}
	if b, err := os.ReadFile(dialecttest.Fixtures + "/senders/alerta/pagerduty_alert.json"); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(_ *testing.T, body []byte) {
		r, err := dialect.Read(http.Header{}, nil, body)
		if err != nil {
			return
		}
		for _, d := range All {
			d.Detect(r)
			if p, err := d.Parse(r); err == nil {
				_, _ = markup.PrintMarkdown(markup.Normal(p.Doc))
			}
		}
	})
}
