package jenkins

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/markup"
)

const finished = `{
	"name": "main", "display_name": "main", "url": "job/owls/job/nest/job/main/",
	"build": {
		"full_url": "https://ci.test/job/owls/job/nest/job/main/18/", "number": 18, "queue_id": 4, "timestamp": 1700000000000, "duration": 185000,
		"phase": "FINALIZED", "status": "FAILURE", "url": "job/owls/job/nest/job/main/18/", "notes": "Nightly",
		"scm": {"url": "https://jo:secret@github.com/owls/nest.git", "branch": "origin/main", "commit": "1a2b3c4d5e", "changes": ["a.go", "b.go"], "culprits": ["ann"]},
		"test_summary": {"total": 12, "failed": 1, "passed": 10, "skipped": 1, "failed_tests": ["nest.TestEgg"]},
		"parameters": {"TARGET": "staging"}, "log": "line 1\nerror: egg\n",
		"artifacts": {"nest.jar": {"archive": "https://ci.test/a/nest.jar"}, "nest.hpi": {"s3": "https://s3.test/nest.hpi"}}
	}
}`

const started = `{"name":"nest","url":"job/nest/","build":{"full_url":"https://ci.test/job/nest/7/","number":"7","phase":"STARTED","status":"SUCCESS",` +
	`"url":"job/nest/7/","scm":{"url":"git@code.test:owls/nest.git","commit":"1a2b3c4d5e"},"log":"","artifacts":{}}}`

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
		finished:       true,
		started:        true,
		`{"name":"x"}`: false,
		`{"build":{"number":1,"phase":"STARTED","url":"x"}}`: false,
		`{"name":"x","build":{"number":1,"url":"x"}}`:        false,
		`{"name":"x","build":"y"}`:                           false,
		`hello`:                                              false,
	} {
		if got := detect(read(t, body)); (got != "") != want {
			t.Errorf("%s: got %q", body, got)
		}
	}
}

func TestSays(t *testing.T) {
	for name, test := range map[string]struct {
		body, want, key string
		color           markup.Color
	}{
		"failed": {
			finished,
			"owls/nest/main [#18](https://ci.test/job/owls/job/nest/job/main/18/) **failed after 3 min 5 s** on `main`\n\n" +
				"> Nightly\n>\n> **Commit**: [`1a2b3c4`](https://github.com/owls/nest/commit/1a2b3c4d5e)\n" +
				"> **Repository**: [github.com/owls/nest](https://github.com/owls/nest)\n> **Changed by**: ann\n> **Changed files**: a.go, b.go\n" +
				"> **Tests**: 10 passed, 1 failed, 1 skipped\n> **Failed tests**: nest.TestEgg\n" +
				"> **Artifacts**: [nest.hpi](https://s3.test/nest.hpi), [nest.jar](https://ci.test/a/nest.jar)\n> **TARGET**: staging\n>\n" +
				"> ```\n> line 1\n> error: egg\n> ```\n>\n> 2023-11-14 22:13 UTC",
			"build:owls/nest/main#18", dialect.Red,
		},
		"running": {
			started,
			"nest [#7](https://ci.test/job/nest/7/) **is running**\n\n> **Commit**: `1a2b3c4`\n> **Repository**: [code.test/owls/nest](https://code.test/owls/nest)",
			"build:nest#7", dialect.Blue,
		},
		"waiting": {`{"name":"n","build":{"number":1,"phase":"QUEUED","notes":"x"}}`, "n #1 **is waiting**\n\n> x", "build:n#1", dialect.Yellow},
		"unstable": {
			`{"name":"n","build":{"number":1,"phase":"COMPLETED","status":"UNSTABLE","notes":"x"}}`, "n #1 **is unstable**\n\n> x", "build:n#1", dialect.Orange,
		},
		"passed": {
			`{"name":"n","build":{"number":1,"phase":"COMPLETED","status":"SUCCESS","duration":900,"notes":"x"}}`,
			"n #1 **passed after 900 ms**\n\n> x", "build:n#1", dialect.Green,
		},
		"aborted": {`{"name":"n","build":{"number":1,"phase":"FINALIZED","status":"ABORTED","notes":"x"}}`, "n #1 **was aborted**\n\n> x", "build:n#1", dialect.Grey},
		"not built": {
			`{"name":"n","build":{"number":1,"phase":"FINALIZED","status":"NOT_BUILT","notes":"x"}}`, "n #1 **was not built**\n\n> x", "build:n#1", dialect.Grey,
		},
		"odd types": {
			`{"name":[],"display_name":7,"url":{},"build":{"number":2,"phase":3,"status":4,"scm":"x","log":["a","b"],"artifacts":[],"parameters":{"a":{}}}}`,
			"7 #2 **is 4**\n\n> ```\n> a\n> b\n> ```", "build:7#2", dialect.Grey,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parse(read(t, test.body))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := markup.PrintMarkdown(markup.Normal(p.Doc)); strings.TrimSpace(got) != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if p.Key != test.key {
				t.Errorf("the key is %q, want %q", p.Key, test.key)
			}
			if card, ok := p.Doc.Blocks[1].(markup.Card); !ok || card.Color != test.color {
				t.Errorf("the card is %v, want the colour %s", p.Doc.Blocks[1], test.color)
			}
		})
	}
	for _, body := range []string{`{}`, `hello`, `{"build":{}}`} {
		if p, err := parse(read(t, body)); err == nil {
			t.Errorf("%s became %v", body, p.Doc)
		}
	}
}

func TestSecretsStayOut(t *testing.T) {
	p, err := parse(read(t, finished))
	if err != nil {
		t.Fatal(err)
	}
	if seen := dialecttest.Seen(&p); strings.Contains(seen, "secret") {
		t.Errorf("a password is shown:\n%s", seen)
	}
	if got := markup.PlainInline(dialect.Line(repository("ssh://jo:secret@code.test/owls"))); strings.Contains(got, "secret") {
		t.Errorf("a password is shown: %s", got)
	}
}

func TestMutations(t *testing.T) {
	dialecttest.Mutate(t, Dialect, []dialecttest.Case{
		{Name: "finished", Header: http.Header{}, Body: []byte(finished)}, {Name: "started", Header: http.Header{}, Body: []byte(started)},
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(finished))
	f.Add([]byte(started))
	f.Fuzz(func(t *testing.T, body []byte) {
		dialecttest.Exercise(t, Dialect, http.Header{}, nil, body)
	})
}
