package bitbucket

import (
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

func read(t *testing.T, key, body string) *dialect.Request {
	t.Helper()
	h := http.Header{}
	if key != "" {
		h.Set("X-Event-Key", key)
	}
	r, err := dialect.Read(h, nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDetect(t *testing.T) {
	for _, test := range []struct{ key, body, want string }{
		{"repo:push", `{}`, "the header X-Event-Key"},
		{"", `{"eventKey":"repo:modified","actor":{}}`, "the field eventKey"},
		{"", `{"eventKey":"door:opened"}`, ""},
		{"", `{"push":{"changes":[]},"actor":{}}`, ""},
		{"", `hello`, ""},
	} {
		if got := detect(read(t, test.key, test.body)); got != test.want {
			t.Errorf("%s %s: got %q, want %q", test.key, test.body, got, test.want)
		}
	}
}

const (
	inCloud  = `"actor":{"display_name":"Jo"},"repository":{"full_name":"a/b","links":{"html":{"href":"https://bb.test/a/b"}}}`
	inServer = `"actor":{"displayName":"Jo"},"repository":{"slug":"b","project":{"key":"A"},"links":{"self":[{"href":"https://bs.test/A/b/browse"}]}}`
)

func TestSays(t *testing.T) {
	for name, test := range map[string]struct{ header, body, want, key string }{
		"branch created": {
			"repo:push", `{"push":{"changes":[{"new":{"type":"branch","name":"x","target":{"hash":"1a2b3c4d","message":"Last"}},"old":null}]},` + inCloud + `}`,
			"**Jo** created branch x in [a/b](https://bb.test/a/b)\n\n> - `1a2b3c4` Last", "",
		},
		"two refs": {
			"repo:push", `{"push":{"changes":[{"old":{"type":"tag","name":"v1"},"new":null},{"forced":true,"truncated":true,"new":{"name":"main"},"old":{"name":"main"},` +
				`"commits":[{"hash":"1","message":"m","author":{"raw":"Ann <ann@example.com>"}}]}]},` + inCloud + `}`,
			"**Jo** deleted tag **v1** in [a/b](https://bb.test/a/b)\n\n**Jo** force-pushed more than 1 commit to main in [a/b](https://bb.test/a/b)\n\n> - `1` m — Ann", "",
		},
		"changes asked": {
			"pullrequest:changes_request_created", `{"pullrequest":{"id":3,"title":"T","author":{"display_name":"Ann"},"reviewers":[{"display_name":"Jo"}],` +
				`"participants":[{"user":{"display_name":"Jo"},"state":"changes_requested"}]},` + inCloud + `}`,
			"**Jo** asked for changes in pull request #3 T in [a/b](https://bb.test/a/b)\n\n> **Opened by**: Ann\n> **Reviewers**: Jo (wants changes)", "",
		},
		"comment resolved": {
			"pullrequest:comment_resolved", `{"pullrequest":{"id":3,"title":"T"},"comment":{"content":{"raw":"*x*"}},` + inCloud + `}`,
			"**Jo** resolved a comment on pull request #3 T in [a/b](https://bb.test/a/b)\n\n> *x*", "",
		},
		"comment on a commit": {
			"repo:commit_comment_created", `{"commit":{"hash":"1a2b3c4d","message":"Fix\nmore"},"comment":{"content":{"raw":"x","markup":"creole","html":"<p><b>x</b></p>"}},` + inCloud + `}`,
			"**Jo** commented on commit `1a2b3c4` Fix in [a/b](https://bb.test/a/b)\n\n> **x**", "",
		},
		"issue changed": {
			"issue:updated", `{"issue":{"id":1,"title":"T","state":"resolved"},"changes":{"status":{"old":"open","new":"resolved"},"assignee":{"new":{"display_name":"Ann"}}},` + inCloud + `}`,
			"**Jo** updated issue #1 T in [a/b](https://bb.test/a/b)\n\n> **State**: resolved\n> **Changed status**: open → resolved\n> **New assignee**: Ann", "",
		},
		"build failed": {
			"repo:commit_status_updated", `{"commit_status":{"key":"ci","name":"Tests","state":"FAILED","refname":"main","url":"https://ci.test","commit":{"hash":"1a2b3c4d"}},` + inCloud + `}`,
			"[Tests](https://ci.test) **failed** for [`1a2b3c4`](https://bb.test/a/b/commits/1a2b3c4d) in [a/b](https://bb.test/a/b)\n\n> **Branch**: main\n> **Reported by**: Jo", "build:ci#1a2b3c4d",
		},
		"fork": {
			"repo:fork", `{"fork":{"full_name":"c/b"},` + inCloud + `}`, "**Jo** forked [a/b](https://bb.test/a/b) to c/b", "",
		},
		"ping": {"diagnostics:ping", `{"test":true}`, "Bitbucket tested the connection: it works.", ""},
		"unknown to Cloud": {
			"repo:sparkled_today", `{` + inCloud + `}`, "**Jo**: repo sparkled today in [a/b](https://bb.test/a/b)", "",
		},
		"Server's push": {
			"", `{"eventKey":"repo:refs_changed","changes":[{"ref":{"displayId":"main","type":"BRANCH"},"refId":"refs/heads/main","fromHash":"1a2b3c4d","toHash":"2b3c4d5e","type":"UPDATE"}],` +
				`"commits":[{"id":"2b3c4d5e","message":"m","author":{"name":"Ann"}}],` + inServer + `}`,
			"**Jo** pushed [1 commit](https://bs.test/A/b/compare/commits?sourceBranch=2b3c4d5e&targetBranch=1a2b3c4d) to [main](https://bs.test/A/b/commits?until=refs%2Fheads%2Fmain) " +
				"([`1a2b3c4`](https://bs.test/A/b/commits/1a2b3c4d) → [`2b3c4d5`](https://bs.test/A/b/commits/2b3c4d5e)) in [A/b](https://bs.test/A/b/browse)\n\n" +
				"> - [`2b3c4d5`](https://bs.test/A/b/commits/2b3c4d5e) m — Ann", "",
		},
		"Server's new tag": {
			"", `{"eventKey":"repo:refs_changed","changes":[{"ref":{"displayId":"v1","type":"TAG"},"refId":"refs/tags/v1","fromHash":"0000","toHash":"2b3c4d5e","type":"ADD"}],` + inServer + `}`,
			"**Jo** created tag [v1](https://bs.test/A/b/commits?until=refs%2Ftags%2Fv1) at [`2b3c4d5`](https://bs.test/A/b/commits/2b3c4d5e) in [A/b](https://bs.test/A/b/browse)", "",
		},
		"Server's reply": {
			"", `{"eventKey":"pr:comment:added","pullRequest":{"id":2,"title":"T"},"comment":{"id":5,"text":"ok"},"commentParentId":4,` + inServer + `}`,
			"**Jo** replied on pull request #2 T in [A/b](https://bs.test/A/b/browse)\n\n> ok", "",
		},
		"Server's needs work": {
			"", `{"eventKey":"pr:reviewer:needs_work","pullRequest":{"id":2,"title":"T","author":{"user":{"displayName":"Ann"}},"reviewers":[{"user":{"displayName":"Jo"},"status":"NEEDS_WORK"}]},` + inServer + `}`,
			"**Jo** asked for changes in pull request #2 T in [A/b](https://bs.test/A/b/browse)\n\n> **Opened by**: Ann\n> **Reviewers**: Jo (needs work)", "",
		},
		"Server's project": {
			"", `{"eventKey":"project:modified","old":{"name":"Old"},"new":{"name":"New","description":"d"},"actor":{"displayName":"Jo"}}`,
			"**Jo** renamed project **Old** to New\n\n> **New description**: d", "",
		},
		"Server's fork": {
			"", `{"eventKey":"repo:forked","actor":{"displayName":"Jo"},"repository":{"slug":"c","origin":{"slug":"b","project":{"key":"A"}}}}`,
			"**Jo** forked A/b to c", "",
		},
		"unknown to Server": {
			"", `{"eventKey":"repo:secret_detected",` + inServer + `}`, "**Jo**: repo secret detected in [A/b](https://bs.test/A/b/browse)", "",
		},
		"odd types": {
			"pullrequest:created", `{"pullrequest":[1],"actor":"Jo","repository":7}`, "**Somebody** opened pull request", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parse(read(t, test.header, test.body))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := markup.PrintMarkdown(markup.Normal(p.Doc))
			if strings.TrimSpace(got) != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if p.Key != test.key {
				t.Errorf("the key is %q, want %q", p.Key, test.key)
			}
		})
	}
}

func TestNothing(t *testing.T) {
	for _, body := range []string{`{}`, `hello`} {
		if p, err := parse(read(t, "repo:push", body)); err == nil {
			t.Errorf("%s became %v", body, p.Doc)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, member := range []string{
		`"push":{"changes":[{"new":{"name":"x"},"commits":[{}]}]}`, `"pullrequest":{"id":1},"approval":{}`, `"comment":{"content":{"raw":"*x*"}}`,
		`"issue":{},"changes":{"a":{"old":1}}`, `"commit_status":{"links":{"commit":{"href":"x/y"}}}`, `"fork":{}`,
	} {
		f.Add([]byte(`{` + member + `,` + inCloud + `}`))
	}
	for _, member := range []string{
		`"pullRequest":{"reviewers":[{}]}`, `"comment":{"id":1,"text":"x"},"pullRequest":{}`, `"changes":[{"type":"ADD"}]`, `"old":{},"new":{}`,
	} {
		f.Add([]byte(`{"eventKey":"pr:x",` + member + `,` + inServer + `}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		dialecttest.Exercise(t, Dialect, http.Header{}, nil, body)
	})
}
