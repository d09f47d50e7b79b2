package gitea

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/markup"
)

func TestFixtures(t *testing.T) {
	cases := dialecttest.Cases(t, "testdata/fields.txt")
	split := slices.IndexFunc(cases, func(c dialecttest.Case) bool { return strings.HasPrefix(c.Name, "senders/gogs/") })
	dialecttest.Run(t, Dialect, cases[:split])
	dialecttest.Run(t, Gogs, cases[split:])
	dialecttest.Mutate(t, Dialect, cases)
}

func read(t *testing.T, body string, header ...string) *dialect.Request {
	t.Helper()
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	r, err := dialect.Read(h, nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDetect(t *testing.T) {
	forgejo := read(t, `{}`, "X-Forgejo-Event", "push", "X-Gitea-Event", "push", "X-Gogs-Event", "push", "X-GitHub-Event", "push")
	for _, d := range []*dialect.Dialect{Forgejo, Dialect, Gogs} {
		if d.Detect(forgejo) == "" {
			t.Errorf("%s does not know its header", d.Name)
		}
		if why := d.Detect(read(t, `{"ref":"refs/heads/main"}`, "X-GitHub-Event", "push")); why != "" {
			t.Errorf("%s takes what is GitHub's: %s", d.Name, why)
		}
		if why := d.Detect(read(t, "hello")); why != "" {
			t.Errorf("%s takes a text: %s", d.Name, why)
		}
	}
	if why := Forgejo.Detect(read(t, `{}`, "X-Gitea-Event", "push")); why != "" {
		t.Errorf("Forgejo takes what is Gitea's: %s", why)
	}
}

const repository = `"sender":{"login":"jo","html_url":"https://gt.test/jo"},"repository":{"full_name":"a/b","html_url":"https://gt.test/a/b"}`

func TestSays(t *testing.T) {
	for name, test := range map[string]struct{ event, body, want, key string }{
		"push": {
			"push", `{"ref":"refs/heads/main","before":"1a","after":"2b","compare_url":"https://gt.test/cmp","total_commits":12,"commits":[` +
				`{"id":"1a2b3c4d5e","message":"One\n\nmore","url":"https://gt.test/c","author":{"name":"Ann"},"timestamp":"2024-01-02T03:04:05Z"}],` + repository + `}`,
			"**[jo](https://gt.test/jo)** pushed [12 commits](https://gt.test/cmp) to [main](https://gt.test/a/b/src/branch/main) in [a/b](https://gt.test/a/b)\n\n" +
				"> - [`1a2b3c4`](https://gt.test/c) One — Ann\n>\n> and 11 more\n>\n> 2024-01-02 03:04 UTC", "",
		},
		"Gogs' push has a pusher": {
			"push", `{"ref":"refs/heads/x","before":"0000","after":"2b","commits":[{"id":"1","message":"m"}],"pusher":{"username":"ann"},"repository":{"full_name":"a/b"}}`,
			"**ann** pushed 1 commit to the new branch x in a/b\n\n> - `1` m", "",
		},
		"branch deleted by a push": {
			"push", `{"ref":"refs/heads/x","before":"2b","after":"0000000",` + repository + `}`,
			"**[jo](https://gt.test/jo)** deleted branch **x** in [a/b](https://gt.test/a/b)", "",
		},
		"tag": {
			"push", `{"ref":"refs/tags/v1","before":"0000","after":"2b",` + repository + `}`,
			"**[jo](https://gt.test/jo)** created tag [v1](https://gt.test/a/b/src/tag/v1) in [a/b](https://gt.test/a/b)", "",
		},
		"forced push": {
			"push", `{"ref":"refs/heads/main","before":"1a","after":"2b","commits":null,` + repository + `}`,
			"**[jo](https://gt.test/jo)** pushed changes to [main](https://gt.test/a/b/src/branch/main) in [a/b](https://gt.test/a/b)", "",
		},
		"merged": {
			"pull_request", `{"action":"closed","pull_request":{"number":3,"title":"T","state":"closed","merged":true,"base":{"ref":"main"},"head":{"ref":"x"},` +
				`"user":{"login":"ann"},"merged_by":{"login":"jo"},"additions":10,"deletions":2,"changed_files":3},` + repository + `}`,
			"**[jo](https://gt.test/jo)** merged pull request #3 T in [a/b](https://gt.test/a/b)\n\n" +
				"> **Branches**: `x` → `main`\n> **Opened by**: ann\n> **Merged by**: jo\n> **Changes**: +10 −2 in 3 files", "",
		},
		"review asked": {
			"pull_request_review_request", `{"action":"review_requested","requested_reviewer":{"login":"ann"},"pull_request":{"number":3,"title":"T","mergeable":false,"state":"open"},` + repository + `}`,
			"**[jo](https://gt.test/jo)** asked for a review of pull request #3 T in [a/b](https://gt.test/a/b)\n\n> **Reviewers**: ann\n> **Merging**: has conflicts", "",
		},
		"approved": {
			"pull_request_approved", `{"action":"reviewed","review":{"type":"pull_request_review_approved","content":"*nice*"},"pull_request":{"number":3,"title":"T"},` + repository + `}`,
			"**[jo](https://gt.test/jo)** approved pull request #3 T in [a/b](https://gt.test/a/b)\n\n> *nice*", "",
		},
		"rejected": {
			"pull_request_rejected", `{"action":"reviewed","review":{"type":"pull_request_review_rejected"},"pull_request":{"number":3,"title":"T"},` + repository + `}`,
			"**[jo](https://gt.test/jo)** asked for changes in pull request #3 T in [a/b](https://gt.test/a/b)", "",
		},
		"comment deleted": {
			"issue_comment", `{"action":"deleted","issue":{"number":3,"title":"T"},"comment":{"body":"old","html_url":"https://gt.test/c"},` + repository + `}`,
			"**[jo](https://gt.test/jo)** deleted a comment on issue #3 T in [a/b](https://gt.test/a/b)\n\n> old", "",
		},
		"wiki": {
			"wiki", `{"action":"edited","page":"Home","comment":"typo",` + repository + `}`,
			"**[jo](https://gt.test/jo)** edited wiki page [Home](https://gt.test/a/b/wiki/Home) in [a/b](https://gt.test/a/b)\n\n> typo", "",
		},
		"package": {
			"package", `{"action":"created","package":{"name":"lib","version":"1.2","type":"npm","html_url":"https://gt.test/p","owner":{"login":"a"}},"sender":{"login":"jo"}}`,
			"**jo** published npm package [lib 1.2](https://gt.test/p)\n\n> **Owner**: a", "",
		},
		"run failed": {
			"workflow_run", `{"action":"completed","workflow":{"name":"CI"},"workflow_run":{"id":77,"run_number":5,"html_url":"https://gt.test/r","status":"completed",` +
				`"conclusion":"failure","head_branch":"main","head_sha":"1a2b3c4d5e","event":"push","display_title":"Fix it","run_attempt":2,` +
				`"started_at":"2024-01-02T03:00:00Z","completed_at":"2024-01-02T03:04:05Z"},` + repository + `}`,
			"Workflow [CI #5](https://gt.test/r) **failed after 4 min 5 s** on [main](https://gt.test/a/b/src/branch/main) in [a/b](https://gt.test/a/b)\n\n" +
				"> **For**: Fix it\n> **Commit**: [`1a2b3c4`](https://gt.test/a/b/commit/1a2b3c4d5e)\n> **Event**: push\n> **Attempt**: 2\n> **Started by**: jo\n>\n" +
				"> 2024-01-02 03:04 UTC", "run:77",
		},
		"job": {
			"workflow_job", `{"action":"in_progress","workflow_job":{"id":8,"name":"test","status":"in_progress","runner_name":"r1"},` + repository + `}`,
			"Job test **is running** in [a/b](https://gt.test/a/b)\n\n> **Runner**: r1\n> **Started by**: jo", "job:8",
		},
		"status": {
			"status", `{"sha":"1a2b3c4d5e","state":"pending","context":"ci/drone","target_url":"https://ci.test/1","description":"Queued",` + repository + `}`,
			"[ci/drone](https://ci.test/1) **is waiting** for [`1a2b3c4`](https://gt.test/a/b/commit/1a2b3c4d5e) in [a/b](https://gt.test/a/b)\n\n> Queued",
			"build:ci/drone#1a2b3c4d5e",
		},
		"deleted without a header": {
			"", `{"ref":"x","ref_type":"branch",` + repository + `}`,
			"**[jo](https://gt.test/jo)** deleted branch **x** in [a/b](https://gt.test/a/b)", "",
		},
		"unknown": {
			"star_party", `{"action":"was_started",` + repository + `}`,
			"**[jo](https://gt.test/jo)**: star party was started in [a/b](https://gt.test/a/b)", "",
		},
		"odd types": {
			"issues", `{"action":5,"issue":{"number":{},"title":[],"labels":"x","user":7},"repository":"a/b"}`,
			"**Somebody** 5 issue", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parse(read(t, test.body, "X-Gitea-Event", test.event))
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
	for _, body := range []string{`{}`, `{"sender":null}`, `hello`} {
		if p, err := parse(read(t, body, "X-Gitea-Event", "push")); err == nil {
			t.Errorf("%s became %v", body, p.Doc)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, member := range []string{
		`"ref":"refs/heads/x","commits":[{}]`, `"ref":"x","ref_type":"tag"`, `"issue":{"number":1}`, `"pull_request":{},"review":{}`, `"comment":{"body":"*x*"}`,
		`"release":{"assets":[{}]}`, `"forkee":{}`, `"package":{}`, `"page":"x"`, `"workflow_run":{"id":1}`, `"workflow_job":{"steps":[{}]}`, `"state":"x","context":"y"`,
	} {
		f.Add([]byte(`{` + member + `,"action":"opened",` + repository + `}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		dialecttest.Exercise(t, Dialect, http.Header{}, nil, body)
	})
}
