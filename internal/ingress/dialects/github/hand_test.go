package github_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/ingress/dialects/github"
)

// request reads a delivery; kind "" is one without the header.
func request(t *testing.T, kind, body string) *dialect.Request {
	t.Helper()
	h := http.Header{}
	if kind != "" {
		h.Set("X-GitHub-Event", kind)
	}
	r, err := dialect.Read(h, nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func shown(t *testing.T, kind, body string) string {
	t.Helper()
	p, err := github.Dialect.Parse(request(t, kind, body))
	if err != nil {
		t.Fatal(err)
	}
	return dialecttest.Show(&p)
}

func TestDetect(t *testing.T) {
	for name, test := range map[string]struct {
		header http.Header
		known  bool
	}{
		"GitHub":               {http.Header{"X-Github-Event": {"push"}}, true},
		"nothing":              {http.Header{}, false},
		"Gitea":                {http.Header{"X-Github-Event": {"push"}, "X-Gitea-Event": {"push"}, "X-Gogs-Event": {"push"}}, false},
		"Forgejo":              {http.Header{"X-Github-Event": {"push"}, "X-Forgejo-Event": {"push"}}, false},
		"Gogs":                 {http.Header{"X-Github-Event": {"push"}, "X-Gogs-Event": {"push"}}, false},
		"a body is not enough": {http.Header{"Content-Type": {"application/json"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := github.Dialect.Detect(&dialect.Request{Header: test.header}); (got != "") != test.known {
				t.Errorf("Detect says %q", got)
			}
		})
	}
}

// The form that GitHub's settings call application/x-www-form-urlencoded.
func TestForm(t *testing.T) {
	body := "payload=" + url.QueryEscape(`{"zen":"Design for failure.","hook":{"events":["push"]},"repository":{"full_name":"o/r"}}`)
	r, err := dialect.Read(http.Header{"X-Github-Event": {"ping"}, "Content-Type": {"application/x-www-form-urlencoded"}}, nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if github.Dialect.Detect(r) == "" {
		t.Error("the form is not known")
	}
	p, err := github.Dialect.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := dialecttest.Show(&p); !strings.Contains(got, "Design for failure.") || !strings.Contains(got, "o/r") {
		t.Errorf("the message is\n%s", got)
	}
}

// Without the header the message is the same: the members tell the kind.
func TestGuess(t *testing.T) {
	for _, c := range dialecttest.Cases(t, "testdata/fields.txt") {
		t.Run(c.Name, func(t *testing.T) {
			want := shown(t, c.Header.Get("X-GitHub-Event"), string(c.Body))
			if got := shown(t, "", string(c.Body)); got != want {
				t.Errorf("without the header the message is\n%s\nand with it\n%s", got, want)
			}
		})
	}
}

const (
	by   = `"sender":{"login":"octocat","html_url":"https://github.com/octocat"}`
	home = `"repository":{"full_name":"o/r","html_url":"https://github.com/o/r"}`
	pull = `"number":7,"title":"Faster","html_url":"https://github.com/o/r/pull/7"`
)

func TestStates(t *testing.T) {
	for name, test := range map[string]struct {
		kind, body string
		want       []string
	}{
		"merged": {
			"pull_request", `{"action":"closed","pull_request":{` + pull + `,"state":"closed","merged":true,"draft":false,"body":"secret plan",
				"head":{"ref":"fix","label":"fan:fix","repo":{"full_name":"fan/r","html_url":"https://github.com/fan/r"}},
				"base":{"ref":"main","repo":{"full_name":"o/r"}},"user":{"login":"fan"}},` + by + `,` + home + `}`,
			[]string{"merged pull request [#7: Faster]", "#8250df", "[`fan:fix`](https://github.com/fan/r/tree/fix) → `main`", "**Author**: fan"},
		},
		"draft": {
			"pull_request", `{"action":"opened","pull_request":{` + pull + `,"state":"open","draft":true},` + by + `}`,
			[]string{"opened draft pull request"},
		},
		"team asked": {
			"pull_request", `{"action":"review_requested","pull_request":{` + pull + `},"requested_team":{"name":"core"},` + by + `}`,
			[]string{"asked core to review pull request"},
		},
		"retargeted": {
			"pull_request", `{"action":"edited","pull_request":{` + pull + `,"base":{"ref":"main"}},"changes":{"base":{"ref":{"from":"v1"}}},` + by + `}`,
			[]string{"moved pull request", "from `v1` to `main`"},
		},
		"dequeued": {
			"pull_request", `{"action":"dequeued","reason":"CI_FAILURE","pull_request":{` + pull + `},` + by + `}`,
			[]string{"from the merge queue because: CI FAILURE"},
		},
		"not planned": {
			"issues", `{"action":"closed","issue":{"number":3,"title":"Old","state":"closed","state_reason":"not_planned","labels":[{"name":"x"}]},` + by + `}`,
			[]string{"closed issue #3: Old as not planned", "#868686"},
		},
		"transferred": {
			"issues", `{"action":"transferred","issue":{"number":3,"title":"Old"},"changes":{"new_issue":{"number":9,"title":"Old","html_url":"https://github.com/o/s/issues/9"},
				"new_repository":{"full_name":"o/s"}},` + by + `,` + home + `}`,
			[]string{"transferred issue #3: Old to [#9: Old](https://github.com/o/s/issues/9) in o/s"},
		},
		"approved": {
			"pull_request_review", `{"action":"submitted","review":{"state":"APPROVED","body":"**Nice**","html_url":"https://github.com/o/r/pull/7#r1"},"pull_request":{` + pull + `},` + by + `}`,
			[]string{"[approved](https://github.com/o/r/pull/7#r1) pull request", "**Nice**", "#2da44e"},
		},
		"changes requested": {
			"pull_request_review", `{"action":"submitted","review":{"state":"changes_requested","body":"No"},"pull_request":{` + pull + `},` + by + `}`,
			[]string{"requested changes in pull request", "#d1242f"},
		},
		"another's review": {
			"pull_request_review", `{"action":"dismissed","review":{"state":"dismissed","user":{"login":"ann"}},"pull_request":{` + pull + `},` + by + `}`,
			[]string{"dismissed ann’s review of pull request"},
		},
		"lines": {
			"pull_request_review_comment", `{"action":"created","comment":{"path":"a.go","line":9,"start_line":7,"body":"b","in_reply_to_id":1},"pull_request":{` + pull + `},` + by + `}`,
			[]string{"replied on pull request", "at `a.go` lines 7 to 9"},
		},
		"forced": {
			"push", `{"ref":"refs/heads/main","forced":true,"before":"aaaaaaaaaa","after":"bbbbbbbbbb","compare":"https://github.com/o/r/compare/a...b","commits":[],` + by + `,` + home + `}`,
			[]string{"[moved](https://github.com/o/r/compare/a...b) branch [`main`]", "by force from [`aaaaaaa`]"},
		},
		"force-pushed": {
			"push", `{"ref":"refs/heads/main","forced":true,"commits":[{"id":"c1","message":"One\n\nmore"}],` + by + `}`,
			[]string{"force-pushed 1 commit to `main`", "`c1` One", "#e8912d"},
		},
		"new branch": {
			"push", `{"ref":"refs/heads/new","created":true,"base_ref":"refs/heads/main","after":"bbbbbbbbbb","commits":[],` + by + `}`,
			[]string{"created branch `new` from main at `bbbbbbb`"},
		},
		"deploy key": {
			"push", `{"ref":"refs/heads/main","pusher":{"name":"robot"},"commits":[]}`,
			[]string{"robot pushed 0 commits to `main`"},
		},
		"failed step": {
			"workflow_job", `{"action":"completed","workflow_job":{"id":5,"name":"build","conclusion":"failure","run_attempt":2,
				"steps":[{"name":"lint","conclusion":"success"},{"name":"test","conclusion":"failure"}],"started_at":"2024-01-01T00:00:00Z","completed_at":"2024-01-01T01:02:03Z"},` + home + `}`,
			[]string{"key: job:5", "**failed** after 1 h 2 min", "**Failed**: test", "**Attempt**: 2"},
		},
		"from a fork": {
			"workflow_run", `{"action":"completed","workflow_run":{"id":6,"path":".github/workflows/ci.yml","run_number":4,"conclusion":"timed_out",
				"head_repository":{"full_name":"fan/r","html_url":"https://github.com/fan/r"}},` + home + `}`,
			[]string{"key: run:6", "Workflow ci.yml #4 **timed out**", "[fan/r](https://github.com/fan/r)"},
		},
		"deployment failed": {
			"deployment_status", `{"deployment":{"id":8,"ref":"v2","environment":"production","created_at":"2024-01-01T00:00:00Z"},
				"deployment_status":{"state":"failure","description":"No disk","created_at":"2024-01-01T00:03:00Z","environment_url":"https://p.example"},` + home + `}`,
			[]string{"key: deployment:8", "to production **failed** after 3 min", "No disk", "https://p.example", "#d1242f"},
		},
		"approved deployment": {
			"deployment_review", `{"action":"approved","environment":"production","comment":"Go!","workflow_run":{"name":"CD","run_number":3},` + by + `}`,
			[]string{"approved the deployment by workflow CD #3 to **production**", "Go!", "#2da44e"},
		},
		"release with files": {
			"release", `{"action":"published","release":{"name":"Two","tag_name":"v2","body":"# Notes\n- a","assets":[{"name":"a.zip","size":2500000,"browser_download_url":"https://github.com/a.zip"}],
				"author":{"login":"ann"}},` + by + `,` + home + `}`,
			[]string{"published release Two", "# Notes", "[a.zip](https://github.com/a.zip) (2.5 MB)", "`v2`", "**Author**: ann"},
		},
		"secret": {
			"secret_scanning_alert", `{"action":"created","alert":{"number":2,"secret_type_display_name":"Some Token","html_url":"https://github.com/o/r/security/2","validity":"active"},` + home + `}`,
			[]string{"key: alert:secret-scanning:o/r#2", "**was opened**", "Some Token", "active", "#d1242f"},
		},
		"ruleset": {
			"repository_ruleset", `{"action":"created","repository_ruleset":{"name":"main only","enforcement":"active","target":"branch","_links":{"html":{"href":"https://github.com/o/r/rules/1"}}},` + by + `}`,
			[]string{"created the ruleset [main only](https://github.com/o/r/rules/1)", "active"},
		},
		"inputs": {
			"workflow_dispatch", `{"workflow":".github/workflows/d.yml","ref":"refs/heads/main","inputs":{"target":"blue","dry":true},` + by + `}`,
			[]string{"started workflow d.yml on `main`", "**target**: blue", "**dry**: true"},
		},
		"project field": {
			"projects_v2_item", `{"action":"edited","projects_v2_item":{"content_type":"PullRequest"},"changes":{"field_value":{"field_name":"Status","from":{"name":"Todo"},"to":{"name":"Done"}}},` + by + `}`,
			[]string{"edited a pull request in a project", "**Status**: Todo → Done"},
		},
		"answered": {
			"discussion", `{"action":"answered","discussion":{"number":1,"title":"How?"},"answer":{"body":"So.","html_url":"https://github.com/o/r/d/1#2","user":{"login":"ann"}},` + by + `}`,
			[]string{"marked [an answer](https://github.com/o/r/d/1#2) to discussion #1: How?", "So.", "**Answer by**: ann"},
		},
		"several pages": {
			"gollum", `{"pages":[{"title":"A","action":"created"},{"title":"B","action":"edited"}],` + by + `}`,
			[]string{"changed 2 wiki pages", "A (created), B (edited)"},
		},
		"protection rule": {
			"deployment_protection_rule", `{"action":"requested","environment":"live","event":"push","deployment":{"ref":"main","sha":"abcdefabcdef"}}`,
			[]string{"Deployment of `main` to **live** waits for a protection rule", "**Trigger**: push", "`abcdefa`"},
		},
		"project": {
			"projects_v2", `{"action":"closed","projects_v2":{"title":"Moon","short_description":"Up"},` + by + `,"organization":{"login":"o"}}`,
			[]string{"closed the project **Moon** in [o](https://github.com/o)", "Up"},
		},
		"protections off": {
			"branch_protection_configuration", `{"action":"disabled",` + by + `,` + home + `}`, []string{"disabled all branch protections in [o/r]"},
		},
		"own advisory": {
			"repository_advisory", `{"action":"reported","repository_advisory":{"ghsa_id":"GHSA-1","summary":"Bad","severity":"critical",
				"vulnerabilities":[{"package":{"name":"p","ecosystem":"go"},"vulnerable_version_range":"< 2","patched_versions":"2"}]},` + home + `}`,
			[]string{"**was reported** in [o/r]", "Bad", "**p (go)**: < 2, fixed in 2", "#d1242f"},
		},
		"invited": {
			"organization", `{"action":"member_invited","invitation":{"role":"direct_member","email":"a@example.com"},"user":{"login":"ann"},` + by + `,"organization":{"login":"o"}}`,
			[]string{"invited ann to [o](https://github.com/o) as **direct member**"},
		},
		"left": {
			"organization", `{"action":"member_removed","membership":{"user":{"login":"ann"}},` + by + `,"organization":{"login":"o"}}`,
			[]string{"removed ann from [o](https://github.com/o)"},
		},
		"sponsor": {
			"sponsorship", `{"action":"created","sponsorship":{"sponsor":{"login":"ann"},"sponsorable":{"login":"bob"},"tier":{"name":"$5 a month"}}}`,
			[]string{"ann now sponsors bob with **$5 a month**"},
		},
		"merge queue": {
			"merge_group", `{"action":"destroyed","reason":"merged","merge_group":{"base_ref":"refs/heads/main","head_ref":"refs/heads/gh-readonly-queue/main/pr-9-abc"},` + home + `}`,
			[]string{"is done with [#9](https://github.com/o/r/pull/9) because: merged"},
		},
		"pattern": {
			"branch_protection_rule", `{"action":"deleted","rule":{"name":"release/*"},` + by + `}`, []string{"deleted the protection of `release/*`"},
		},
		"new repository": {
			"create", `{"ref_type":"repository",` + by + `,` + home + `}`, []string{"created repository [o/r]"},
		},
		"unknown kind": {
			"sub_issues", `{"action":"sub_issue_added","sub_issue":{"number":4,"title":"Part","html_url":"https://github.com/o/r/issues/4","state":"open"},` + by + `,` + home + `}`,
			[]string{"**Sub issues** sub issue added by [octocat]", "[#4: Part](https://github.com/o/r/issues/4)", "**State**: open"},
		},
		"unknown state": {
			"check_run", `{"check_run":{"name":"c","status":"half_done"}}`,
			[]string{"Check c **is half done**"},
		},
		"unknown action": {
			"issues", `{"action":"field_added","issue":{"number":1,"title":"T"},` + by + `}`,
			[]string{"[octocat](https://github.com/octocat) field added issue #1: T"},
		},
		"wrong types": {
			"pull_request", `{"action":["x"],"pull_request":{"number":"7","title":42,"labels":"bug","head":null,"user":[],"body":{}},"sender":"me","repository":7}`,
			[]string{"Somebody", "pull request #7: 42"},
		},
		"nothing but a header": {
			"push", `{"x":1}`, []string{"Somebody pushed 0 commits"},
		},
		"no header, nothing known": {
			"", `{"text":"hello"}`, []string{"**Event**", "**Text**: hello"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := shown(t, test.kind, test.body)
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is missing in\n%s", want, got)
				}
			}
		})
	}
}

func TestLabelsOfTheLineAreNotRepeated(t *testing.T) {
	got := shown(t, "issues", `{"action":"labeled","issue":{"number":1,"title":"T","labels":[{"name":"bug"}]},"label":{"name":"bug"},`+by+`}`)
	if strings.Count(got, "bug") != 1 {
		t.Errorf("the label is told twice:\n%s", got)
	}
}

func TestDeletedCommentIsNotRepeated(t *testing.T) {
	got := shown(t, "issue_comment", `{"action":"deleted","comment":{"body":"my password"},"issue":{"number":1,"title":"T"},`+by+`}`)
	if strings.Contains(got, "password") {
		t.Errorf("the text is still there:\n%s", got)
	}
}

func TestWebhookAddressIsNotShown(t *testing.T) {
	got := shown(t, "ping", `{"zen":"z","hook":{"events":["push"],"config":{"url":"https://hub.example/secret"}},`+home+`}`)
	if strings.Contains(got, "secret") {
		t.Errorf("the address of the webhook is told:\n%s", got)
	}
}

func TestManyCommits(t *testing.T) {
	var commits []string
	for i := range 15 {
		commits = append(commits, `{"id":"`+strings.Repeat(strconv.Itoa(i%10), 40)+`","message":"commit `+strconv.Itoa(i)+`"}`)
	}
	got := shown(t, "push", `{"ref":"refs/heads/main","compare":"https://github.com/o/r/compare/a...b","commits":[`+strings.Join(commits, ",")+`],`+by+`}`)
	for _, want := range []string{"[15 commits](https://github.com/o/r/compare/a...b)", "commit 9", "[and 5 more](https://github.com/o/r/compare/a...b)"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "commit 10") {
		t.Errorf("more than ten commits are listed:\n%s", got)
	}
}

func TestLongTextIsClipped(t *testing.T) {
	body, err := json.Marshal(strings.Repeat("All work and no play. ", 1000))
	if err != nil {
		t.Fatal(err)
	}
	got := shown(t, "issues", `{"action":"opened","issue":{"number":1,"title":"T","html_url":"https://github.com/o/r/issues/1","body":`+string(body)+`},`+by+`}`)
	if len(got) > 2000 || !strings.Contains(got, "… [read the rest](https://github.com/o/r/issues/1)") {
		t.Errorf("the message of %d bytes ends in %q", len(got), got[max(0, len(got)-200):])
	}
}

func TestNothing(t *testing.T) {
	if _, err := github.Dialect.Parse(request(t, "push", `{}`)); err == nil {
		t.Error("an empty object was taken")
	}
	if _, err := github.Dialect.Parse(&dialect.Request{Header: http.Header{"X-Github-Event": {"push"}}}); err == nil {
		t.Error("no body was taken")
	}
}

func TestMutations(t *testing.T) {
	all := dialecttest.Cases(t, "testdata/fields.txt")
	if !testing.Short() {
		dialecttest.Mutate(t, github.Dialect, all)
		return
	}
	seen := map[string]bool{}
	var oneOfEachKind []dialecttest.Case
	for _, c := range all {
		if kind := c.Header.Get("X-GitHub-Event"); !seen[kind] {
			seen[kind] = true
			oneOfEachKind = append(oneOfEachKind, c)
		}
	}
	dialecttest.Mutate(t, github.Dialect, oneOfEachKind)
}
