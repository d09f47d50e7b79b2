package slack

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
)

// What a message says.
func TestParseMessage(t *testing.T) {
	blocks := func(s string) string { return `{"text":"for notifications","blocks":[` + s + `]}` }
	rich := func(s string) string { return blocks(`{"type":"rich_text","elements":[` + s + `]}`) }
	attachment := func(s string) string { return `{"attachments":[{` + s + `}]}` }
	for _, tc := range []struct{ source, want, lost string }{
		// Texts.
		{`{"text":"*a* <@U1>"}`, "<p><b>a</b> <@>user|U1|</@></p>", "[]"},
		{`{"text":"*a* <https://x.example|b> &amp;\n> c","mrkdwn":"false"}`, "<p>*a* <a>https://x.example|b</a> &<br>> c</p>", "[]"},
		{
			`{"text":"*a* <@U1> @bob @here #dev #1 https://x.example/@x","parse":"full"}`,
			"<p>*a* <@U1> <@>user||bob</@> <@>broadcast||here</@> <@>channel||dev</@> #1 <a>https://x.example/@x|https://x.example/@x</a></p>", "[]",
		},
		{`{"text":"*a* @bob me@x.example ` + "`@c`" + `","link_names":"1"}`, "<p><b>a</b> <@>user||bob</@> <a>mailto:me@x.example|me@x.example</a> <c>@c</c></p>", "[]"},
		{`{"text":7,"blocks":null,"attachments":""}`, "<p>7</p>", "[]"},
		{`{"text":"a","blocks":[],"attachments":"[{\"text\":\"b\"}]"}`, "<p>a</p><card>||||||<p>b</p>|||</card>", "[]"},
		{`{"text":"a","blocks":[{"type":"section","text":{"type":"mrkdwn","text":" "}}]}`, "<p>a</p>", "[]"},

		// Layout blocks.
		{
			blocks(`{"type":"header","text":{"type":"plain_text","text":"*a* :tada: &lt;"}},{"type":"divider"},{"type":"header","level":3,"text":{"type":"plain_text","text":":tada:","emoji":false}}`),
			"<h1>*a* 🎉 <</h1><hr><h3>:tada:</h3>", "[]",
		},
		{
			blocks(`{"type":"section","text":{"type":"mrkdwn","text":"> a"},"accessory":{"type":"image","image_url":"https://x.example/i","alt_text":"i"}}`),
			"<q><p>a</p></q><img>https://x.example/i|i|</img>", "[]",
		},
		{
			blocks(`{"type":"section","fields":[{"type":"mrkdwn","text":"*K*\nv\n- w"},{"type":"mrkdwn","text":"*K:* *v*"},{"type":"mrkdwn","text":"*K*: v"},{"type":"mrkdwn","text":"*a* b"},{"type":"plain_text","text":"*c*"}]},
			{"type":"section","fields":[{"type":"mrkdwn","text":"*K:*"}]}`),
			"<short>K=<p>v</p><ul><li><p>w</p></li></ul></short><short>K=<p><b>v</b></p></short><short>K=<p>v</p></short><short>=<p><b>a</b> b</p></short><short>=<p>*c*</p></short><field>K=</field>", "[]",
		},
		{
			blocks(`{"type":"image","slack_file":{"url":"https://x.example/i"},"alt_text":"i","title":{"type":"plain_text","text":"t &amp;"}},{"type":"image","slack_file":{"id":"F1"},"alt_text":"j"}`),
			"<img>https://x.example/i|i|t &</img><p>j</p>", "[]",
		},
		{
			blocks(`{"type":"context","elements":[{"type":"image","image_url":"https://x.example/i","alt_text":"image"},{"type":"mrkdwn","text":"*a*\nb"},{"type":"plain_text","text":"*c*"}]}`),
			"<small><img>https://x.example/i||</img> <b>a</b><br>b *c*</small>", "[]",
		},
		{
			blocks(`{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Open"},"url":"https://x.example"},{"type":"button","text":{"type":"plain_text","text":"Yes"},"value":"1"},
			{"type":"workflow_button","text":{"type":"plain_text","text":"Run"},"workflow":{"trigger":{"url":"https://x.example/w"}}},{"type":"static_select","placeholder":{"type":"plain_text","text":"Pick"},
			"options":[{"text":{"type":"plain_text","text":"a"},"description":{"type":"plain_text","text":"d"}}],"option_groups":[{"label":{"type":"plain_text","text":"g"},"options":[{"text":{"type":"plain_text","text":"b"}}]}]},
			{"type":"overflow","options":[{"text":{"type":"plain_text","text":"more"},"url":"https://x.example/m"}]},{"type":"datepicker","initial_date":"2026-01-02"},{"type":"users_select","initial_user":"U1"}]}`),
			"<p><a>https://x.example|Open</a> · [Yes] · <a>https://x.example/w|Run</a> · Pick: a – d, g, b · <a>https://x.example/m|more</a> · 2026-01-02 · <@>user|U1|</@></p>",
			"[{button asText 1} {static_select asText 1} {overflow asText 1} {datepicker asText 1} {users_select asText 1}]",
		},
		{
			blocks(`{"type":"markdown","text":"# a\n**b**"},{"type":"file","external_id":"F1"},{"type":"file","file":{"title":"f","permalink":"https://x.example/f"}}`),
			"<h1>a</h1><p><b>b</b></p><p>📄 F1</p><p><a>https://x.example/f|f</a></p>", "[{file asText 1}]",
		},
		{
			blocks(`{"type":"input","label":{"type":"plain_text","text":"l"},"hint":{"type":"plain_text","text":"h"},"element":{"type":"plain_text_input","placeholder":{"type":"plain_text","text":"p"},"initial_value":"v"}}`),
			"<p><b>l</b></p><p>p: v</p><small>h</small>", "[{plain_text_input asText 1}]",
		},
		{
			blocks(`{"type":"video","title":{"type":"plain_text","text":"v"},"title_url":"https://x.example/t","video_url":"https://x.example/v","thumbnail_url":"https://x.example/i","alt_text":"i","author_name":"a","provider_name":"p","description":{"type":"plain_text","text":"d"}}`),
			"<card>|a|||v|https://x.example/t|<p>d</p><img>https://x.example/i|i|</img>||p|</card>", "[]",
		},
		{
			blocks(`{"type":"table","column_settings":[{"align":"right"},null],"rows":[[{"type":"raw_text","text":"*h*"},{"type":"raw_number","value":1.50}],[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"b","style":{"bold":true}}]}]}]]}`),
			"<table>[right ]/*h*,1.50,/<b>b</b>,</table>", "[]",
		},
		{
			blocks(`{"type":"data_visualization","title":"t","chart":{"type":"line","axis_config":{"x_label":"day","categories":["Mo","Tu"]},"series":[{"name":"s","data":[{"label":"Tu","value":2}]}]}},
			{"type":"data_visualization","title":"u","chart":{"type":"pie","segments":[{"label":"a","value":1e2}]}}`),
			"<p><b>t</b></p><table>[ ]/day,s,/Mo,/Tu,2,</table><p><b>u</b></p><table>[ ]/Label,Value,/a,1e2,</table>", "[]",
		},
		{
			blocks(`{"type":"container","title":{"type":"plain_text","text":"t"},"child_blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*a*"}}]},{"type":"alert","level":"error","text":{"type":"mrkdwn","text":"b"}}`),
			"<card>||||t||<p><b>a</b></p>|||</card><card>#e01e5a||||||<p>b</p>|||</card>", "[]",
		},
		{
			blocks(`{"type":"novelty","title":"t","url":"https://x.example","items":[1],"details":{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"d"}]}]},"actions":[{"type":"button","text":{"type":"plain_text","text":"b"}}]},{"type":"empty","fallback":"f"}`),
			"<p><a>https://x.example|t</a></p><p>d</p><p>[b]</p><p>f</p>", "[{novelty asText 1} {button asText 1} {empty asText 1}]",
		},

		// Rich text.
		{
			rich(`{"type":"rich_text_section","elements":[{"type":"text","text":"a *b* <c>\n\nd","style":{"bold":true,"italic":true,"strike":true,"underline":true}},{"type":"text","text":"e","style":{"code":true,"bold":true}},
			{"type":"link","url":"https://x.example","text":"f","style":{"bold":true}},{"type":"link","url":"https://x.example/g"}]}`),
			"<p><u><s><b><i>a *b* <c></i></b></s></u></p><p><b><u><s><i>d</i></s></u><c>e</c><a>https://x.example|f</a></b><a>https://x.example/g|https://x.example/g</a></p>", "[]",
		},
		{
			rich(`{"type":"rich_text_section","elements":[{"type":"user","user_id":"U1"},{"type":"usergroup","usergroup_id":"S1"},{"type":"channel","channel_id":"C1"},{"type":"broadcast","range":"everyone"},{"type":"team","team_id":"T1"},
			{"type":"emoji","name":"wave","skin_tone":3},{"type":"emoji","name":"newest","unicode":"1f600"},{"type":"emoji","name":"own"},{"type":"color","value":"#F405B3"},{"type":"date","timestamp":1,"format":"{date}","fallback":"f","url":"https://x.example"},
			{"type":"date","fallback":"g"},{"type":"canvas","text":"h","url":"https://x.example/h"},{"type":"tag","text":"i"}]}`),
			"<p><@>user|U1|</@><@>group|S1|</@><@>channel|C1|</@><@>broadcast||everyone</@>T1👋🏼😀<e>own</e><c>#F405B3</c><a>https://x.example|<t>1|dateLong|f</t></a>g<a>https://x.example/h|h</a>i</p>", "[]",
		},
		{
			rich(`{"type":"rich_text_list","style":"bullet","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a"}]}]},
			{"type":"rich_text_list","style":"ordered","indent":1,"offset":4,"elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"b"}]}]},
			{"type":"rich_text_list","style":"bullet","indent":0,"elements":[{"type":"rich_text_section","elements":[]}]},
			{"type":"rich_text_list","style":"bullet","border":1,"elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"c"}]}]},
			{"type":"rich_text_quote","elements":[{"type":"text","text":"d"}]},{"type":"rich_text_preformatted","language":"go","elements":[{"type":"text","text":"e\n"},{"type":"link","url":"https://x.example"}]}`),
			"<ul><li><p>a</p><ol=5><li><p>b</p></li></ol></li><li></li></ul><q><ul><li><p>c</p></li></ul><p>d</p></q><pre>go|e\nhttps://x.example</pre>", "[]",
		},

		// Attachments.
		{
			attachment(`"fallback":"f","color":"good","pretext":"*p*","author_name":"a &amp; b","author_link":"https://x.example/a","author_icon":"https://x.example/i","title":"*t*","title_link":"https://x.example/t","text":"*x*\n- y",
			"fields":[{"title":"k","value":"*v*","short":true},{"title":"n","value":1.5,"short":"false"}],"image_url":"https://x.example/p","thumb_url":"https://x.example/q","footer":"<https://x.example|f>","footer_icon":"https://x.example/j","ts":"1392734382.25",
			"actions":[{"type":"button","text":"b","url":"https://x.example/b"},{"type":"button","text":"c"},{"type":"select","text":"s","options":[{"text":"o"}]}]`),
			"<p><b>p</b></p><card>#2eb67d|a & b|https://x.example/a|https://x.example/i|*t*|https://x.example/t|<p><b>x</b></p><ul><li><p>y</p></li></ul><short>k=<p><b>v</b></p></short><field>n=<p>1.5</p></field>" +
				"<img>https://x.example/p||</img><p><a>https://x.example/b|b</a> · [c] · s: o</p>|https://x.example/q|<a>https://x.example|f</a>|https://x.example/j|2014-02-18</card>",
			"[{button asText 1} {select asText 1}]",
		},
		{
			attachment(`"mrkdwn_in":["pretext"],"pretext":"*p*","text":"*x* <https://x.example|y>","fields":[{"title":"k","value":"*v*"}],"color":"#abc","hide_color":true`),
			"<p><b>p</b></p><card>||||||<p>*x* <a>https://x.example|y</a></p><field>k=<p>*v*</p></field>|||</card>", "[]",
		},
		{attachment(`"fallback":"f <https://x.example|g>","color":"danger"`), "<card>#e01e5a||||||<p>f <a>https://x.example|g</a></p>|||</card>", "[]"},
		{attachment(`"fallback":"f","text":"t","blocks":[{"type":"divider"}]`), "<card>||||||<hr>|||</card>", "[]"},
		{
			attachment(`"service_name":"S","title":"t","from_url":"https://x.example","files":[{"name":"n","url_private":"https://x.example/n"}],"message_blocks":[{"message":{"blocks":[{"type":"divider"}]}}]`),
			"<card>|S|||t||<hr><p><a>https://x.example/n|n</a></p>|||</card>", "[]",
		},
		{attachment(`"url":"https://x.example/f","filename":"f.txt"`), "<card>||||||<p><a>https://x.example/f|f.txt</a></p>|||</card>", "[]"},
	} {
		d, lost, err := ParseMessage([]byte(tc.source))
		if err != nil {
			t.Errorf("%s: %v", tc.source, err)
			continue
		}
		if got := sketch(d.Blocks); got != tc.want || fmt.Sprint(lost) != tc.lost {
			t.Errorf("%s\n got %s %v\nwant %s %s", tc.source, got, lost, tc.want, tc.lost)
		}
	}
}

func TestParseMessageInvalid(t *testing.T) {
	for _, source := range []string{"", "x", `{"text":`, `["a"]`, `"a"`, "null", strings.Repeat("[", 20_000)} {
		_, _, err := ParseMessage([]byte(source))
		if hub.CodeOf(err) != hub.Invalid {
			t.Errorf("%.20q: %v", source, err)
		}
	}
}

// However deep blocks are within blocks, they are read, and nothing is lost.
func TestParseMessageDeep(t *testing.T) {
	const levels = 3000
	source := strings.Repeat(`{"type":"container","child_blocks":[`, levels) + `{"type":"section","text":{"type":"mrkdwn","text":"inside"}}` + strings.Repeat("]}", levels)
	d, _, err := ParseMessage([]byte(`{"blocks":[` + source + `]}`))
	if err != nil || !strings.Contains(sketch(d.Blocks), "inside") {
		t.Errorf("%v in %.200s", err, sketch(d.Blocks))
	}
}
