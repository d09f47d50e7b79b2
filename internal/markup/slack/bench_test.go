package slack

import (
	"encoding/json"
	"testing"

	"github.com/nself-chat/hub/internal/markup"
)

// benchMessage is what a monitoring system sends.
const benchMessage = `{"text":"[FIRING] HighErrorRate","blocks":[
{"type":"header","text":{"type":"plain_text","text":":fire: HighErrorRate on checkout"}},
{"type":"section","text":{"type":"mrkdwn","text":"*5xx rate above 5%* on <https://grafana.example.org/d/abc?a=1&amp;b=2|checkout>\n> since 10 minutes, _rising_\n• api-7f9 ~ok~\n• api-8c2 ` + "`500`" + ` <!here>"}},
{"type":"section","fields":[{"type":"mrkdwn","text":"*Severity:*\ncritical"},{"type":"mrkdwn","text":"*Cluster:*\neu-1"},{"type":"mrkdwn","text":"*Started:*\n<!date^1392734382^{date_short} {time}|Feb 18>"},{"type":"mrkdwn","text":"*Owner:*\n<@U024BE7LH>"}]},
{"type":"divider"},
{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"What to do: "},{"type":"link","url":"https://runbooks.example.org","text":"runbook","style":{"bold":true}}]},
{"type":"rich_text_list","style":"ordered","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"look at the "},{"type":"text","text":"logs","style":{"code":true}}]},{"type":"rich_text_section","elements":[{"type":"text","text":"roll back"}]}]},
{"type":"rich_text_preformatted","elements":[{"type":"text","text":"kubectl rollout undo deployment/checkout"}]}]},
{"type":"context","elements":[{"type":"image","image_url":"https://x.example/i.png","alt_text":"logo"},{"type":"mrkdwn","text":"Sent by *Alertmanager*"}]},
{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Silence"},"url":"https://alerts.example.org/silence"},{"type":"button","text":{"type":"plain_text","text":"Ack"},"value":"1"}]}]}`

// From Block Kit to the chat's own Markdown: at least 2,000 a second on a core.
func BenchmarkMessageToMarkdown(b *testing.B) {
	data := []byte(benchMessage)
	b.ReportAllocs()
	for b.Loop() {
		d, _, err := ParseMessage(data)
		if err != nil {
			b.Fatal(err)
		}
		if s, _ := markup.PrintMarkdown(d); s == "" {
			b.Fatal("nothing was printed")
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// And back, as JSON.
func BenchmarkDocumentToMessage(b *testing.B) {
	d, _, err := ParseMessage([]byte(benchMessage))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m, _ := PrintMessage(d)
		if _, err := json.Marshal(m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
