package teams_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/ingress/dialects/teams"
	"github.com/nself-chat/hub/internal/markup"
)

func TestFixtures(t *testing.T) {
	cases := dialecttest.Cases(t, "testdata/fields.txt")
	dialecttest.Run(t, teams.Dialect, cases)
	dialecttest.Mutate(t, teams.Dialect, cases)
}

func read(t *testing.T, body string) *dialect.Request {
	t.Helper()
	r, err := dialect.Read(http.Header{}, url.Values{}, []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

func TestDetect(t *testing.T) {
	for body, want := range map[string]string{
		`{"@type":"MessageCard","text":"a"}`:                                                         "a MessageCard",
		`{"@context":"https://schema.org/extensions","text":"a"}`:                                    "a MessageCard",
		`{"type":"AdaptiveCard","body":[]}`:                                                          "an Adaptive Card",
		`{"attachments":[{"content":{"type":"AdaptiveCard"}}]}`:                                      "attachments with cards of Microsoft's",
		`{"attachments":[{"contentType":"application/vnd.microsoft.card.hero","content":{}}]}`:       "attachments with cards of Microsoft's",
		`{"type":"message","text":"a"}`:                                                              "",
		`{"text":"a"}`:                                                                               "",
		`{"attachments":[{"url":"https://a.example/f","contentType":"application/pdf"}],"text":"a"}`: "",
		`just text`: "",
	} {
		if got := teams.Dialect.Detect(read(t, body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"a MessageCard with everything": {
			`{"@type":"MessageCard","themeColor":"0076D7","title":"Build [42](https://ci.example/42)","summary":"s","text":"Line<br>two\r\rthree **b**",
			"sections":[{"title":"S","activityTitle":"Ann","activitySubtitle":"*today*","activityText":"did","activityImage":"https://a.example/ann.png",
			"facts":[{"name":"Branch:","value":"[main](https://git.example/main)"},{"name":"Log","value":"a\n\nb"}],"text":"more",
			"heroImage":{"image":"https://a.example/h.png","title":"hero"},"images":[{"image":"https://a.example/1.png"},{"image":"x"}],
			"potentialAction":[{"@type":"ViewAction","name":"View","target":["https://a.example/v"]}]}],
			"potentialAction":[{"@type":"OpenUri","name":"Open","targets":[{"os":"iOS","uri":"https://a.example/ios"},{"os":"default","uri":"https://a.example/o"}]},
			{"@type":"HttpPOST","name":"Retry","target":"https://a.example/retry"}]}`,
			`> **[Build 42](https://ci.example/42)**
>
> Line
> two
>
> three **b**
>
> **S**
>
> **Ann**
>
> *today*
>
> did
>
> more
>
> **Branch**: [main](https://git.example/main)
>
> **Log**:
>
> a
>
> b
>
> ![hero](https://a.example/h.png)
>
> ![](https://a.example/1.png)
>
> [View](https://a.example/v)
>
> [Open](https://a.example/o) · [Retry]
>
> ![](https://a.example/ann.png)`,
		},
		"a title in a section": {`{"@type":"MessageCard","summary":"s","sections":[{"activityTitle":"Ann pushed","text":"x"}]}`, "> **Ann pushed**\n>\n> x"},
		"only a summary":       {`{"@type":"MessageCard","summary":"s"}`, "> **s**"},
		"an Adaptive Card with everything": {
			`{"type":"AdaptiveCard","body":[
			{"type":"Image","url":"https://a.example/logo.png","size":"Small","altText":"logo"},
			{"type":"TextBlock","text":"Deploy [7](https://ci.example/7)","size":"Large"},
			{"type":"TextBlock","text":"by <at>Ann</at> on {{DATE(2026-03-04T05:06:07Z, SHORT)}} at {{TIME(soon)}}","isSubtle":true},
			{"type":"Container","style":"warning","items":[{"type":"TextBlock","text":"Steps","weight":"Bolder"},
				{"type":"RichTextBlock","inlines":["a ",{"type":"TextRun","text":"b","weight":"Bolder"},{"type":"TextRun","text":" c","italic":true},
				{"type":"TextRun","text":" d","selectAction":{"type":"Action.OpenUrl","url":"https://a.example/d"}}]}],
				"selectAction":{"type":"Action.OpenUrl","title":"More","url":"https://a.example/more"}},
			{"type":"ColumnSet","columns":[{"type":"Column","items":[{"type":"TextBlock","text":"left"}]},{"type":"Column","items":[{"type":"TextBlock","text":"right"}]}]},
			{"type":"FactSet","facts":[{"title":"Took:","value":"3 min"}]},
			{"type":"ImageSet","images":[{"type":"Image","url":"https://a.example/1.png"}]},
			{"type":"Table","rows":[{"cells":[{"items":[{"type":"TextBlock","text":"h"}]}]},{"cells":[{"items":[{"type":"TextBlock","text":"c"}]}]}]},
			{"type":"CodeBlock","codeSnippet":"x := 1","language":"Go"},
			{"type":"Media","sources":[{"url":"https://a.example/v.mp4"}],"altText":"film"},
			{"type":"Input.Text","label":"Your reason"},
			{"type":"Unheard","text":"of","fallback":{"type":"TextBlock","text":"instead"}}],
			"actions":[{"type":"Action.OpenUrl","title":"Open","url":"https://a.example/o"},{"type":"Action.Submit","title":"Approve"},
			{"type":"Action.ShowCard","title":"Details","card":{"type":"AdaptiveCard","body":[{"type":"TextBlock","text":"hidden","weight":"bolder"}]}}]}`,
			`> **[Deploy 7](https://ci.example/7)**
>
> by @Ann on 4 March 2026 at {{TIME(soon)}}
>
> **Steps**
>
> a **b** *c* [d](https://a.example/d)
>
> [More](https://a.example/more)
>
> left
>
> right
>
> **Took**: 3 min
>
> ![](https://a.example/1.png)
>
> | h |
> | --- |
> | c |
>
> ` + "```go\n> x := 1\n> ```" + `
>
> [film](https://a.example/v.mp4)
>
> Your reason
>
> of
>
> instead
>
> [Open](https://a.example/o) · [Approve]
>
> **Details**
>
> **hidden**
>
> ![logo](https://a.example/logo.png)`,
		},
		"a text is no title":     {`{"type":"AdaptiveCard","body":[{"type":"TextBlock","text":"a"},{"type":"TextBlock","text":"b","weight":"Bolder"}]}`, "> a\n>\n> **b**"},
		"a fallback text":        {`{"type":"AdaptiveCard","fallbackText":"f","body":[]}`, "> f"},
		"a summary of something": {`{"type":"message","summary":"s","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{}}]}`, "s"},
		"a hero card": {
			`{"type":"message","text":"hi","attachments":[{"contentType":"application/vnd.microsoft.card.hero","content":{"title":"T","subtitle":"S","text":"x",
			"images":[{"url":"https://a.example/i"}],"buttons":[{"type":"openUrl","title":"Go","value":"https://a.example/g"},{"type":"imBack","title":"Say","value":"x"}]}}]}`,
			"hi\n\n> **T**\n>\n> S\n>\n> x\n>\n> ![](https://a.example/i)\n>\n> [Go](https://a.example/g) · [Say]",
		},
		"an old card in a message": {
			`{"attachments":[{"contentType":"application/vnd.microsoft.teams.card.o365connector","content":{"sections":[{"activityTitle":"A"}]}}]}`, "> **A**",
		},
		"forced": {`{"text":"a **b**"}`, "a **b**"},
		"plain":  {"a **b**", "a **b**"},
		"wrong types": {
			`{"type":"AdaptiveCard","body":[1,[],{"type":7,"items":{"type":"TextBlock","text":12}},{"type":"FactSet","facts":{}},{"type":"Table","rows":[1]}],"actions":{}}`,
			"> 12",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := teams.Dialect.Parse(read(t, test.body))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := markup.PrintMarkdown(markup.Normal(p.Doc))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLosses(t *testing.T) {
	p, err := teams.Dialect.Parse(read(t, `{"type":"AdaptiveCard","body":[{"type":"Input.Date","label":"When"}],"actions":[{"type":"Action.Submit","title":"Go"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := markup.Degradations{{Kind: "input", Done: markup.AsText, Count: 1}, {Kind: "button", Done: markup.AsText, Count: 1}}
	if diff := cmp.Diff(want, p.Losses); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAnswers(t *testing.T) {
	_, err := teams.Dialect.Parse(read(t, `{"@type":"MessageCard"}`))
	failed, ok := errors.AsType[*dialect.Failure](err)
	if !ok || failed.Verdict != dialect.NoText {
		t.Fatalf("nothing to show: %v", err)
	}
	a := teams.Dialect.Failed(&dialect.Failure{Verdict: dialect.NoText, Detail: "Nothing."})
	if a.Status != 400 || string(a.Body) != "Nothing." {
		t.Errorf("refused with %d %s", a.Status, a.Body)
	}
	a = teams.Dialect.Succeeded(read(t, `{"text":"a"}`), dialect.Posted{})
	if a.Status != 200 || a.ContentType != "text/plain" || string(a.Body) != "1" {
		t.Errorf("answers %d %s %s", a.Status, a.ContentType, a.Body)
	}
}

// Cards within each other, and long lines of marks that open nothing.
func TestDeepAndLong(t *testing.T) {
	deep := strings.Repeat(`{"type":"Container","items":{"type":"Container","body":`, 15) + `{"type":"TextBlock","text":"x"}` + strings.Repeat(`}}`, 15)
	for name, body := range map[string]string{
		"deep": `{"type":"AdaptiveCard","body":[` + deep + `]}`,
		"long": `{"@type":"MessageCard","text":"` + strings.Repeat("<at>{{DATE(", 200_000) + `"}`,
	} {
		if _, err := teams.Dialect.Parse(read(t, body)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"@type":"MessageCard","title":"t","text":"a","sections":[{"facts":[{"name":"n","value":"v"}]}],"potentialAction":[{"name":"n","targets":[{"uri":"https://a.example"}]}]}`,
		`{"type":"message","summary":"s","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","body":[` +
			`{"type":"TextBlock","text":"{{DATE(2026-03-04T05:06:07Z)}}"},{"type":"Table","rows":[{"cells":[{"items":[]}]}]}]}}]}`,
		"plain **text**",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := dialect.Read(http.Header{}, url.Values{}, body)
		teams.Dialect.Detect(r)
		if err != nil {
			return
		}
		p, err := teams.Dialect.Parse(r)
		if err != nil {
			return
		}
		if text, _ := markup.PrintMarkdown(markup.Normal(p.Doc)); strings.TrimSpace(text) == "" && len(p.Uploads) == 0 {
			t.Fatalf("an empty post of %q", body)
		}
	})
}
