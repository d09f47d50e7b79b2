package uptimekuma

import (
	"net/http"
	"net/url"
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

func request(t *testing.T, label, body string) *dialect.Request {
	t.Helper()
	r, err := dialect.Read(http.Header{"Content-Type": {label}}, nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const down = `{"heartbeat":{"monitorID":4,"status":0,"time":"2026-03-04 05:06:07","msg":"timeout","retries":2},
	"monitor":{"id":4,"name":"DB","url":"https://","hostname":"db.example","port":5432,"tags":[{"name":"core","value":""}]},"msg":"[DB] [Down] timeout"}`

func TestForms(t *testing.T) {
	multipart := "--X\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n" + down + "\r\n--X--\r\n"
	for label, body := range map[string]string{
		"application/json":                  down,
		"application/x-www-form-urlencoded": "data=" + url.QueryEscape(down),
		"multipart/form-data; boundary=X":   multipart,
	} {
		r := request(t, label, body)
		if Dialect.Detect(r) == "" {
			t.Errorf("%s: not known", label)
		}
		p, err := Dialect.Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		const want = "DOWN: DB\ntimeout\nTarget: db.example:5432\nTags: core\nRetries: 2\nUptime Kuma · 2026-03-04 05:06 UTC"
		if got := markup.Plain(p.Doc); got != want || p.Key != "monitor:4 DB" {
			t.Errorf("%s: %s\n%s", label, p.Key, got)
		}
	}
}

func TestStates(t *testing.T) {
	for status, want := range map[string]string{
		`0`: "DOWN " + string(dialect.Red), `"1"`: "UP " + string(dialect.Green), `2`: "PENDING " + string(dialect.Yellow),
		`3`: "MAINTENANCE " + string(dialect.Blue), `null`: " " + string(dialect.Grey),
	} {
		r := request(t, "application/json", `{"heartbeat":{"status":`+status+`,"monitorID":"7"},"monitor":null,"msg":"M"}`)
		p, err := Dialect.Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		text := dialecttest.Show(&p)
		state, color, _ := strings.Cut(want, " ")
		if !strings.Contains(text, state) || !strings.Contains(text, color) || !strings.Contains(text, "M") || p.Key != "monitor:7" {
			t.Errorf("%s: got\n%s", status, text)
		}
	}
}

func TestNotUptimeKuma(t *testing.T) {
	for _, body := range []string{`{"msg":"x"}`, `{"heartbeat":null,"msg":"x"}`, `{"monitor":{},"msg":"x","text":"y"}`, `"x"`} {
		if why := Dialect.Detect(request(t, "application/json", body)); why != "" {
			t.Errorf("%s is known by %s", body, why)
		}
	}
	if Dialect.Detect(request(t, "application/x-www-form-urlencoded", "data=%7B")) != "" {
		t.Error("a broken form is known")
	}
	for _, body := range []string{`{}`, `{"heartbeat":{},"monitor":{},"msg":""}`, `{"heartbeat":null,"monitor":null,"msg":null}`} {
		if p, err := Dialect.Parse(request(t, "application/json", body)); err == nil {
			t.Errorf("%s makes %s", body, dialecttest.Show(&p))
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("application/json", []byte(down))
	f.Add("application/x-www-form-urlencoded", []byte("data="+url.QueryEscape(down)))
	f.Fuzz(func(t *testing.T, label string, body []byte) {
		dialecttest.Exercise(t, Dialect, http.Header{"Content-Type": {label}}, nil, body)
	})
}
