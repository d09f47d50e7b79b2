package gitlab

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

func read(t *testing.T, event, body string) *dialect.Request {
	t.Helper()
	h := http.Header{}
	if event != "" {
		h.Set("X-Gitlab-Event", event)
	}
	r, err := dialect.Read(h, nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDetect(t *testing.T) {
	for name, test := range map[string]struct{ event, body, want string }{
		"the header":           {"Push Hook", `{"object_kind":"push"}`, "the header X-Gitlab-Event"},
		"no header":            {"", `{"object_kind":"issue","object_attributes":{}}`, "the field object_kind"},
		"another's kind":       {"", `{"object_kind":"plan"}`, ""},
		"Slack's form":         {"", `payload={"object_kind":"issue","object_attributes":{}}`, ""},
		"text":                 {"", `hello`, ""},
		"an array":             {"", `{"x":[1]}`, ""},
		"a name without kind":  {"", `{"event_name":"project_create","project_id":1}`, ""},
		"the header with text": {"Push Hook", "hello", "the header X-Gitlab-Event"},
	} {
		if got := detect(read(t, test.event, test.body)); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

const project = `"user":{"name":"Jo"},"project":{"path_with_namespace":"a/b","web_url":"https://gl.test/a/b"}`

func TestSays(t *testing.T) {
	for name, test := range map[string]struct{ body, want, key string }{
		"branch deleted": {
			`{"object_kind":"push","ref":"refs/heads/old","before":"1a","after":"0000",` + project + `}`,
			`**Jo** deleted branch **old** in [a/b](https://gl.test/a/b)`, "",
		},
		"branch with commits": {
			`{"object_kind":"push","ref":"refs/heads/feature/x y","before":"0000","after":"1a","total_commits_count":12,` +
				`"commits":[{"id":"1a2b3c4d5e","message":"One\nTwo","url":"https://gl.test/c"}],` + project + `}`,
			"**Jo** created branch [feature/x y](https://gl.test/a/b/-/commits/feature/x%20y) with 12 commits in [a/b](https://gl.test/a/b)\n\n" +
				"> - [`1a2b3c4`](https://gl.test/c) One\n>\n> and 11 more", "",
		},
		"forced push": {
			`{"object_kind":"push","ref":"refs/heads/main","before":"1a","after":"2b","commits":[],` + project + `}`,
			`**Jo** pushed [changes](https://gl.test/a/b/-/compare/1a...2b) to [main](https://gl.test/a/b/-/commits/main) in [a/b](https://gl.test/a/b)`, "",
		},
		"annotated tag": {
			`{"object_kind":"tag_push","ref":"refs/tags/v1","before":"00","after":"2b","message":"The *first*",` + project + `}`,
			"**Jo** created tag [v1](https://gl.test/a/b/-/tags/v1) in [a/b](https://gl.test/a/b)\n\n> The \\*first\\*", "",
		},
		"merge request merged": {
			`{"object_kind":"merge_request","object_attributes":{"iid":7,"title":"T","url":"https://gl.test/mr","state":"merged","action":"merge"},` + project + `}`,
			`**Jo** merged merge request [!7 T](https://gl.test/mr) in [a/b](https://gl.test/a/b)`, "",
		},
		"merge request changed": {
			`{"object_kind":"merge_request","object_attributes":{"iid":"7","title":"T","state":"opened","action":"update"},"changes":{` +
				`"title":{"previous":"S","current":"T"},"updated_at":{"previous":"a","current":"b"},"description":{"previous":"x","current":"y"},` +
				`"labels":{"previous":[{"title":"bug"}],"current":[]}},` + project + `}`,
			"**Jo** updated merge request [!7 T](https://gl.test/a/b/-/merge_requests/7) in [a/b](https://gl.test/a/b)\n\n" +
				"> **Changed title**: S → T\n> **Description**: edited\n> **No labels any more**: bug", "",
		},
		"draft": {
			`{"object_kind":"merge_request","object_attributes":{"iid":7,"title":"T","draft":true,"action":"update"},"changes":{"draft":{"current":true}},` + project + `}`,
			`**Jo** made a draft of merge request [!7 T](https://gl.test/a/b/-/merge_requests/7) in [a/b](https://gl.test/a/b)`, "",
		},
		"issue closed": {
			`{"object_kind":"work_item","object_attributes":{"iid":3,"title":"T","type":"Incident","confidential":true,"severity":"high","action":"close"},` + project + `}`,
			"**Jo** closed confidential incident [#3 T](https://gl.test/a/b/-/issues/3) in [a/b](https://gl.test/a/b)\n\n> **Severity**: high", "",
		},
		"pipeline failed": {
			`{"object_kind":"pipeline","object_attributes":{"id":31,"ref":"main","status":"failed","duration":185,"stages":["build","test"]},` +
				`"builds":[{"id":5,"stage":"test","name":"unit","status":"failed","failure_reason":"script_failure","duration":12.5},` +
				`{"stage":"build","name":"all","status":"success","duration":60}],` + project + `}`,
			"Pipeline [#31](https://gl.test/a/b/-/pipelines/31) **failed after 3 min 5 s** on [main](https://gl.test/a/b/-/commits/main) in [a/b](https://gl.test/a/b)\n\n" +
				"> **Failed**:\n>\n> - test: [unit](https://gl.test/a/b/-/jobs/5) (script failure)\n>\n" +
				"> **Jobs**:\n>\n> build: all passed in 1 min\n> test: unit failed\n>\n> **Started by**: Jo", "pipeline:31",
		},
		"job running": {
			`{"object_kind":"build","ref":"main","build_id":9,"build_name":"lint","build_stage":"test","build_status":"running","pipeline_id":4,` + project + `}`,
			"Job [lint](https://gl.test/a/b/-/jobs/9) **is running** on [main](https://gl.test/a/b/-/commits/main) in [a/b](https://gl.test/a/b)\n\n" +
				"> **Stage**: test\n> **Pipeline**: [#4](https://gl.test/a/b/-/pipelines/4)\n> **Started by**: Jo", "job:9",
		},
		"job failed": {
			`{"object_kind":"build","build_id":9,"build_name":"lint","build_status":"failed","build_duration":2.7,"build_failure_reason":"script_failure","project_name":"a / b"}`,
			"Job lint **failed after 2 s** in a / b\n\n> **Reason**: script failure", "job:9",
		},
		"deployment failed": {
			`{"object_kind":"deployment","deployment_id":5,"status":"failed","environment":"production","environment_external_url":"https://prod.test",` + project + `}`,
			"Deployment to [production](https://prod.test) **failed** in [a/b](https://gl.test/a/b)\n\n> **Deployed by**: Jo", "deployment:5",
		},
		"feature flag": {
			`{"object_kind":"feature_flag","object_attributes":{"name":"new-cart","active":true,"description":"The new cart"},` + project + `}`,
			"**Jo** turned **on** the feature flag [new-cart](https://gl.test/a/b/-/feature_flags) in [a/b](https://gl.test/a/b)\n\n> The new cart", "",
		},
		"emoji": {
			`{"object_kind":"emoji","event_type":"award","object_attributes":{"name":"thumbsup","action":"award","awarded_on_url":"https://gl.test/i"},` +
				`"issue":{"iid":4,"title":"T"},` + project + `}`,
			`**Jo** reacted with 👍 to issue [#4 T](https://gl.test/i) in [a/b](https://gl.test/a/b)`, "",
		},
		"emoji on a comment taken back": {
			`{"object_kind":"emoji","object_attributes":{"name":"party_gitlab","action":"revoke"},"note":{},"merge_request":{"iid":4,"title":"T"},` + project + `}`,
			`**Jo** took back :party_gitlab: from a comment on merge request !4 T in [a/b](https://gl.test/a/b)`, "",
		},
		"token": {
			`{"object_kind":"access_token","event_name":"expiring_access_token","group":{"full_path":"birds"},` +
				`"object_attributes":{"name":"deploy","expires_at":"2024-01-26"}}`,
			`Access token **deploy** expires on **2024-01-26** in group **birds**`, "",
		},
		"milestone": {
			`{"object_kind":"milestone","action":"close","object_attributes":{"iid":10,"title":"v1","due_date":"2025-06-30"},` + project + `}`,
			"Milestone [v1](https://gl.test/a/b/-/milestones/10) was closed in [a/b](https://gl.test/a/b)\n\n> **Due**: 2025-06-30", "",
		},
		"vulnerability": {
			`{"object_kind":"vulnerability","object_attributes":{"url":"https://gl.test/v","title":"DoS","state":"confirmed","severity":"high",` +
				`"location":{"file":"Gemfile.lock","dependency":{"package":{"name":"rexml"},"version":"3.3.1"}},"identifiers":[{"name":"CVE-1","url":"https://cve.test"}]}}`,
			"Vulnerability [DoS](https://gl.test/v) is **confirmed**\n\n> **Severity**: high\n> **File**: `Gemfile.lock`\n> **Package**: rexml 3.3.1\n" +
				"> **Known as**: [CVE-1](https://cve.test)", "",
		},
		"member added": {
			`{"event_name":"user_add_to_group","user_name":"Jo","user_username":"jo","group_name":"Birds","group_access":"Owner"}`,
			`**Jo (jo)** joined group **Birds** as Owner`, "",
		},
		"subgroup": {
			`{"event_name":"subgroup_create","name":"Owls","full_path":"birds/owls","parent_full_path":"birds"}`,
			`Subgroup **birds/owls** (Owls) was created in **birds**`, "",
		},
		"repository update": {
			`{"event_name":"repository_update","user_name":"Jo","refs":["refs/heads/main","refs/tags/v1"],"project":{"path_with_namespace":"a/b"}}`,
			`**Jo** updated the repository in a/b: main, v1`, "",
		},
		"unknown": {
			`{"object_kind":"new_thing","object_attributes":{"title":"T","url":"https://gl.test/t","action":"create","state":"open"},` + project + `}`,
			"New thing (create): [T](https://gl.test/t) by **Jo** in [a/b](https://gl.test/a/b)\n\n> **State**: open", "",
		},
		"odd types": {
			`{"object_kind":"merge_request","object_attributes":{"iid":{},"title":5,"labels":{},"last_commit":"x"},"labels":"x","user":"Jo"}`,
			"**Somebody** updated merge request 5", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parse(read(t, "X", test.body))
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
	for _, body := range []string{`{}`, `{"object_kind":null}`, `[]`, `hello`} {
		r, err := dialect.Read(http.Header{"X-Gitlab-Event": {"X"}}, nil, []byte(body))
		if err != nil {
			continue
		}
		if p, err := parse(r); err == nil {
			t.Errorf("%s became %v", body, p.Doc)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, kind := range []string{
		"push", "merge_request", "issue", "note", "pipeline", "build", "deployment", "release", "wiki_page", "milestone", "emoji",
		"access_token", "vulnerability", "user_add_to_team", "project_rename", "key_create",
	} {
		f.Add([]byte(`{"object_kind":"` + kind + `","object_attributes":{"id":1,"action":"update","note":"*x*"},` + project + `}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		dialecttest.Exercise(t, Dialect, http.Header{}, nil, body)
	})
}
