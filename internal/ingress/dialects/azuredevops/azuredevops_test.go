package azuredevops

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

func read(t *testing.T, body string) *dialect.Request {
	t.Helper()
	r, err := dialect.Read(http.Header{}, nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDetect(t *testing.T) {
	for body, want := range map[string]bool{
		`{"eventType":"git.push","publisherId":"tfs","resource":{}}`:    true,
		`{"eventType":"workitem.new","publisherId":"tfs","message":{}}`: true,
		`{"eventType":"git.push","resource":{}}`:                        false,
		`{"eventType":{},"publisherId":"tfs","resource":{}}`:            false,
		`{"publisherId":"tfs","resource":{}}`:                           false,
		`{"eventType":"git.push","publisherId":"tfs"}`:                  false,
		`hello`: false,
	} {
		if got := detect(read(t, body)); (got != "") != want {
			t.Errorf("%s: got %q", body, got)
		}
	}
}

func TestSays(t *testing.T) {
	const repository = `"repository":{"name":"R","remoteUrl":"https://org@az.test/p/_git/R"}`
	for name, test := range map[string]struct{ kind, resource, message, want, key string }{
		"branch deleted": {
			"git.push", `"pushedBy":{"displayName":"Jo"},"refUpdates":[{"name":"refs/heads/x","oldObjectId":"1a","newObjectId":"0000"}],` + repository, "",
			"**Jo** deleted branch **x** in [R](https://az.test/p/_git/R)", "",
		},
		"tag and branch": {
			"git.push", `"pushedBy":{"displayName":"Jo"},"refUpdates":[{"name":"refs/tags/v1","oldObjectId":"00","newObjectId":"1a"},` +
				`{"name":"refs/heads/x","oldObjectId":"1a","newObjectId":"2b"}],` + repository, "",
			"**Jo** created tag [v1](https://az.test/p/_git/R?version=GTv1), and pushed changes to [x](https://az.test/p/_git/R?version=GBx) in [R](https://az.test/p/_git/R)", "",
		},
		"votes": {
			"git.pullrequest.updated", `"pullRequestId":5,"title":"T","status":"active","isDraft":true,"mergeStatus":"conflicts","reviewers":[` +
				`{"displayName":"Ann","vote":10},{"displayName":"Bo","vote":-5},{"displayName":"Cy","vote":0}],"labels":[{"name":"fast"}],` + repository,
			"Ann approved the pull request",
			"Ann approved the pull request: [!5 T](https://az.test/p/_git/R/pullrequest/5) in [R](https://az.test/p/_git/R)\n\n" +
				"> **Reviewers**: Ann (approved), Bo (waits for the author), Cy\n> **Labels**: fast\n> **Draft**: yes\n> **Merging**: conflicts", "",
		},
		"comment on a pull request": {
			"ms.vss-code.git-pullrequest-comment-event", `"comment":{"content":"*ok*","author":{"displayName":"Jo"}},"pullRequest":{"pullRequestId":5,"title":"T",` + repository + `}`, "x",
			"**Jo** commented on [!5 T](https://az.test/p/_git/R/pullrequest/5) in [R](https://az.test/p/_git/R)\n\n> *ok*", "",
		},
		"checkin": {
			"tfvc.checkin", `"changesetId":18,"author":{"displayName":"Jo"},"checkedInBy":{"displayName":"Bo"},"comment":"Dropping in"`, "Jo checked in changeset [18](https://az.test/c/18)",
			"Jo checked in changeset [18](https://az.test/c/18)\n\n> Dropping in\n>\n> **Changeset**: 18\n> **By**: Jo\n> **Checked in by**: Bo", "",
		},
		"build failed": {
			"build.complete", `"id":7,"buildNumber":"2024.1","result":"failed","sourceBranch":"refs/heads/main","sourceVersion":"1a2b3c4d","definition":{"name":"CI"},"requestedFor":{"displayName":"Jo"}`,
			"Build [2024.1](https://az.test/b) failed",
			"Build [2024.1](https://az.test/b) failed\n\n> **Pipeline**: CI\n> **Branch**: `main`\n> **Commit**: `1a2b3c4`\n> **Started by**: Jo",
			"build:CI#7",
		},
		"run": {
			"ms.vss-pipelines.run-state-changed-event", `"run":{"id":11,"name":"2024.2","pipeline":{"name":"Deploy"},"state":"completed","result":"succeeded","createdDate":"2024-07-17T21:34:22Z","finishedDate":"2024-07-17T21:45:22Z"}`,
			"Run [11](https://az.test/r) succeeded.",
			"Run [11](https://az.test/r) succeeded.\n\n> **Pipeline**: Deploy\n> **Run**: 2024.2\n> **Took**: 11 min", "run:11",
		},
		"stage": {
			"ms.vss-pipelines.stage-state-changed-event", `"stage":{"id":"c2","name":"__default","displayName":"Tests","state":"running"},"run":{"id":2,"name":"2"},"pipeline":{"name":"CI"},` +
				`"repositories":[{"change":{"author":{"name":"Jo"},"message":"Add\nmore","version":"1a2b3c4d"}}]`, "Run 2 stage [Tests](https://az.test/s) started.",
			"Run 2 stage [Tests](https://az.test/s) started.\n\n> **Pipeline**: CI\n> **Run**: 2\n> **Stage**: Tests\n> **Change**: `1a2b3c4` Add — Jo", "stage:c2",
		},
		"approval": {
			"ms.vss-pipelinechecks-events.approval-pending", `"approval":{"id":"f5","status":"pending","instructions":"Look twice","steps":[{"assignedApprover":{"displayName":"Jo"},"status":"pending"}]},"stageName":"prod"`,
			"Approval pending", "Approval pending\n\n> **Stage**: prod\n> **Approvers**: Jo (pending)\n> **Instructions**: Look twice", "approval:f5",
		},
		"deployment": {
			"ms.vss-release.deployment-completed-event", `"environment":{"id":5,"name":"Dev","status":"succeeded","release":{"id":1,"name":"Release-1","_links":{"web":{"href":"https://az.test/rel"}}}},"project":{"name":"P"}`,
			"Deployment of Release-1 to Dev succeeded",
			"Deployment of Release-1 to Dev succeeded\n\n> **Release**: [Release-1](https://az.test/rel)\n> **Project**: P", "deployment:1/5",
		},
		"work item updated": {
			"workitem.updated", `"workItemId":5,"revisedBy":{"displayName":"Jo"},"fields":{"System.Rev":{"oldValue":1,"newValue":2},"System.State":{"oldValue":"New","newValue":"Approved"},` +
				`"System.AssignedTo":{"newValue":"Ann <ann@example.com>"},"Microsoft.VSTS.Common.Severity":{"oldValue":"3","newValue":"2"}},` +
				`"revision":{"fields":{"System.Title":"Bug one","System.State":"Approved","System.AssignedTo":{"displayName":"Ann"},"System.Tags":"a; b"}}`,
			"[Bug #5](https://az.test/wi/5) (Bug one) updated by Jo",
			"[Bug #5](https://az.test/wi/5) (Bug one) updated by Jo\n\n> **Changed state**: New → Approved\n> **New assigned to**: Ann\n> **Changed severity**: 3 → 2\n" +
				"> **Tags**: a, b", "",
		},
		"work item commented": {
			"workitem.commented", `"fields":{"System.Title":"Bug one","System.State":"New","System.History":"<b>See</b> this"}`, "Bug #5 commented on by Jo",
			"Bug #5 commented on by Jo\n\n> **See** this\n>\n> **Title**: Bug one\n> **State**: New", "",
		},
		"unknown":       {"ms.new-event", `"x":1`, "Something **new**", "Something **new**", ""},
		"without words": {"ms.new-event", `"x":1`, "", "Ms new event", ""},
		"odd types":     {"git.pullrequest.created", `"repository":5,"reviewers":{},"title":[]`, "Jo created it", "Jo created it", ""},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"eventType":"` + test.kind + `","publisherId":"tfs","message":{"markdown":"` + test.message + `"},"resource":{` + test.resource + `}}`
			p, err := parse(read(t, body))
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
		if p, err := parse(read(t, body)); err == nil {
			t.Errorf("%s became %v", body, p.Doc)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, kind := range []string{
		"git.push", "git.pullrequest.created", "ms.vss-code.git-pullrequest-comment-event", "tfvc.checkin", "workitem.updated", "build.complete",
		"ms.vss-pipelines.job-state-changed-event", "ms.vss-pipelinechecks-events.approval-pending", "ms.vss-release.release-created-event", "x",
	} {
		f.Add([]byte(`{"eventType":"` + kind + `","publisherId":"tfs","message":{"markdown":"[a](https://b.test)"},"resource":{"id":1,"fields":{"System.Title":"x"},` +
			`"refUpdates":[{}],"commits":[{}],"repository":{"remoteUrl":"https://b.test/x"}}}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		dialecttest.Exercise(t, Dialect, http.Header{}, nil, body)
	})
}
