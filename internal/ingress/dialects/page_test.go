package dialects_test

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialects"
)

// docs/incoming.md lists every sender that is understood, with what it is answered;
// it must not fall behind.
func TestPageOfSenders(t *testing.T) {
	page, err := os.ReadFile("../../../docs/incoming.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "| "), " | ")
		if len(cells) < 3 || !strings.HasPrefix(cells[1], "`$URL/") {
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(cells[1], "`$URL/"), "`")
		listed = append(listed, name)
		d := dialects.ByName(name)
		switch {
		case d == nil:
			t.Errorf("there is no dialect %q", name)
		case d.Title != cells[0]:
			t.Errorf("%s is called %q, and is %q", name, cells[0], d.Title)
		case len(cells) == 5:
			posted := dialect.Posted{Message: hub.Message{ID: thread, CreatedAt: time.Now()}, Done: "Done"}
			hears(t, name, cells[3], d.Succeeded(&dialect.Request{Header: http.Header{}, Query: url.Values{}}, posted))
			hears(t, name, cells[4], d.Failed(dialect.Nothing()))
		case d.Success != nil || d.Failure != nil:
			t.Errorf("%s has answers of its own, which the page does not tell", name)
		}
	}
	want := dialects.Names()
	slices.Sort(listed)
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Errorf("the page lists %q\nand there are %q", listed, want)
	}
}

// docs/incoming.md says of every sender with a product where its users put the URL.
func TestPageConnects(t *testing.T) {
	page, err := os.ReadFile("../../../docs/incoming.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Connect a sender\n")
	section, _, found := strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("docs/incoming.md does not say how to connect a sender")
	}
	for _, d := range dialects.All() {
		if d == dialects.Default() || dialects.IsUnknown(d) {
			continue
		}
		named := regexp.MustCompile(`(?m)^(\| (.*, )?|\*\*([^*]*, )?)` + regexp.QuoteMeta(d.Title) + `\b`)
		if !named.MatchString(section) {
			t.Errorf("the page does not say how to connect %s", d.Title)
		}
	}
}

// told is an answer as the page has it: a status and the body, or its beginning.
var told = regexp.MustCompile("^([0-9]{3})(?: `([^`]+?)(…?)`)?(?:,|$)")

func hears(t *testing.T, name, cell string, a dialect.Answer) {
	t.Helper()
	m := told.FindStringSubmatch(cell)
	if m == nil {
		t.Fatalf("%s: %q is no answer", name, cell)
	}
	body := string(a.Body)
	if m[3] != "" {
		body = body[:min(len(body), len(m[2]))]
	}
	if strconv.Itoa(a.Status) != m[1] || m[2] != "" && body != m[2] {
		t.Errorf("%s: the page says %q, and the answer is %d %s", name, cell, a.Status, a.Body)
	}
}
