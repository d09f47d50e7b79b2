package github_test

import (
	"net/http"
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialects/github"
	"github.com/nself-chat/hub/internal/markup"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []struct{ kind, body string }{
		{"push", `{"ref":"refs/heads/a","before":"0","after":"1","commits":[{"id":"1","message":"m","author":{"name":"n"}}],"compare":"https://a.example"}`},
		{"pull_request", `{"action":"closed","pull_request":{"number":1,"title":"t","merged":true,"body":"<b>x</b><!-- y -->","head":{"ref":"a"},"base":{"ref":"b"}}}`},
		{"issues", `{"action":"labeled","issue":{"number":"1","labels":[{"name":":bug:"}]},"label":{"name":":bug:"},"sender":{"login":"o"}}`},
		{"workflow_run", `{"workflow_run":{"id":1,"run_started_at":"2020-01-01T00:00:00Z","updated_at":"2020-01-02T00:00:00Z","conclusion":"failure"}}`},
		{"dependabot_alert", `{"action":"created","alert":{"number":1,"security_vulnerability":{"severity":"high"}},"repository":{"full_name":"a/b"}}`},
		{"", `{"zen":"z","hook":{"events":["*"]}}`},
		{"new_kind", `{"action":"x","thing":{"title":"t"},"n":1,"l":[1]}`},
	} {
		f.Add(seed.kind, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		r, err := dialect.Read(http.Header{"X-Github-Event": {kind}}, nil, body)
		if err != nil {
			return
		}
		github.Dialect.Detect(r)
		p, err := github.Dialect.Parse(r)
		if err != nil {
			return
		}
		if p.Empty() {
			t.Fatal("an empty message was taken")
		}
		_, _ = markup.PrintMarkdown(markup.Normal(p.Doc))
	})
}
