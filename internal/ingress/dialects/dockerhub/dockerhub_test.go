package dockerhub

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/markup"
)

const push = `{
	"callback_url": "https://registry.hub.docker.com/u/owls/nest/hook/1a2b/",
	"push_data": {"pushed_at": 1.417566161e+09, "pusher": "jo", "tag": "v2", "images": []},
	"repository": {"repo_name": "owls/nest", "repo_url": "https://hub.docker.com/r/owls/nest", "name": "nest", "namespace": "owls",
		"description": "A *nest*", "full_description": "Long", "is_private": true, "star_count": 3, "status": "Active"}
}`

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
		push:                                  true,
		`{"push_data":{},"repository":{}}`:    false,
		`{"callback_url":"x","push_data":{}}`: false,
		`{"callback_url":"x","push_data":1,"repository":{}}`: false,
		`hello`: false,
	} {
		if got := detect(read(t, body)); (got != "") != want {
			t.Errorf("%s: got %q", body, got)
		}
	}
}

func TestSays(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"a push": {
			push,
			"**jo** pushed [owls/nest:v2](https://hub.docker.com/r/owls/nest)\n\n" +
				"> A \\*nest\\*\n>\n> **Get it**: `docker pull owls/nest:v2`\n> **Visibility**: private\n>\n> 2014-12-03 00:22 UTC",
		},
		"little is known": {
			`{"repository":{"name":"nest","owner":"owls"}}`,
			"**Somebody** pushed [owls/nest](https://hub.docker.com/r/owls/nest)\n\n> **Get it**: `docker pull owls/nest`",
		},
		"odd types": {
			`{"push_data":[],"repository":{"repo_name":5,"repo_url":"javascript:x","description":{}}}`,
			"**Somebody** pushed [5](https://hub.docker.com/r/5)\n\n> **Get it**: `docker pull 5`",
		},
	} {
		p, err := parse(read(t, test.body))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, _ := markup.PrintMarkdown(markup.Normal(p.Doc)); strings.TrimSpace(got) != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.want)
		}
	}
	for _, body := range []string{`{}`, `hello`, `{"repository":{}}`} {
		if p, err := parse(read(t, body)); err == nil {
			t.Errorf("%s became %v", body, p.Doc)
		}
	}
}

func TestMutations(t *testing.T) {
	dialecttest.Mutate(t, Dialect, []dialecttest.Case{{Name: "push", Header: http.Header{}, Body: []byte(push)}})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(push))
	f.Fuzz(func(t *testing.T, body []byte) {
		dialecttest.Exercise(t, Dialect, http.Header{}, nil, body)
	})
}
