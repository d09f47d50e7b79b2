// Package dialecttest holds what every dialect of an incoming webhook is tested
// for: that it knows its own requests, that all a person would want to read is in
// the message, that nothing breaks it, and that the message looks as it did when
// somebody last read it.
package dialecttest

import (
	"bufio"
	"encoding/json"
	"flag"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

var update = flag.Bool("update", false, "write what the messages look like now into testdata/golden; then read it")

// Fixtures is the folder of the recorded payloads, seen from a package below
// internal/ingress/dialects.
const Fixtures = "../../../../../shared/fixtures"

// Folder returns the folder of the recorded payloads. It skips the test when they
// are absent, and fails it under CI.
func Folder(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(Fixtures); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the recorded payloads are missing: ", err)
		}
		t.Skip("skipped: there is no folder ", Fixtures, " with recorded payloads")
	}
	return Fixtures
}

// Case is one recorded request, and what must be in the message.
type Case struct {
	Name      string // its path below the folder
	Header    http.Header
	Query     url.Values
	Body      []byte
	Want      []string // as in the file of [Cases]
	Recording bool
}

// Cases reads a file of expectations, by convention testdata/fields.txt, in which
// each block of lines is about some files:
//
//	github/issues/*.json
//	    header X-GitHub-Event: issues
//	    /issue/title
//	    /issue/html_url
//	    /head_commit/id ~7
//
// A line that is not indented names files by a pattern (path.Match) below the
// folder of payloads; a later block that names a file again adds to it. Indented
// lines are a header of the request, "query a=b", or a JSON Pointer (RFC 6901)
// into the body, whose value must be in the message as text or as a link's
// address. Behind the pointer may stand "~7" (only the first 7 characters), "time" (the
// moment, in whatever form), "case" (in whatever case), "words" (all of its words,
// whatever is between them), or "optional" (only where it is there and not empty,
// which it must be somewhere).
// "= text" expects a text that is not in the body. Lines that begin with # are
// remarks. Every named pattern must match a file.
//
// A file that ends in .request.json is a whole recorded request
// ({method, path, headers, body}); pointers then lead into its body.
func Cases(t *testing.T, expectations string) []Case {
	t.Helper()
	folder := Folder(t)
	f, err := os.Open(expectations)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cases := map[string]*Case{}
	var present []*Case
	type expected struct {
		pointer string
		of      []*Case
	}
	var optional []expected
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == '#':
		case line[0] != ' ' && line[0] != '\t':
			present = match(t, folder, text, cases)
		default:
			for _, c := range present {
				c.expect(t, text)
			}
			if pointer, how, _ := strings.Cut(text, " "); pointer[0] == '/' && strings.Contains(how, "optional") {
				optional = append(optional, expected{pointer, present})
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for _, o := range optional {
		if !slices.ContainsFunc(o.of, func(c *Case) bool { return payload(c.Read(t)).Pointer(o.pointer).Str() != "" }) {
			t.Errorf("%s is optional, and no payload has it: that expects nothing", o.pointer)
		}
	}
	all := make([]Case, 0, len(cases))
	for _, c := range cases {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b Case) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func match(t *testing.T, folder, pattern string, cases map[string]*Case) (matched []*Case) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no such file (%v)", pattern, err)
	}
	for _, file := range files {
		name, err := filepath.Rel(folder, file)
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.ToSlash(name)
		if cases[name] == nil {
			cases[name] = load(t, name, file)
		}
		matched = append(matched, cases[name])
	}
	return matched
}

func load(t *testing.T, name, file string) *Case {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &Case{Name: name, Header: http.Header{"Content-Type": {"application/json"}}, Query: url.Values{}, Body: data}
	if !strings.HasSuffix(name, ".request.json") {
		return c
	}
	var r struct {
		Path    string
		Headers map[string]json.RawMessage
		Body    json.RawMessage
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	c.Recording, c.Header, c.Body = true, http.Header{}, r.Body
	var text string
	if json.Unmarshal(r.Body, &text) == nil {
		c.Body = []byte(text)
	}
	for k, v := range r.Headers {
		var one string
		var many []string
		if json.Unmarshal(v, &one) == nil {
			many = []string{one}
		} else if err := json.Unmarshal(v, &many); err != nil {
			t.Fatalf("%s: header %s: %v", name, k, err)
		}
		c.Header[http.CanonicalHeaderKey(k)] = many
	}
	if _, query, ok := strings.Cut(r.Path, "?"); ok {
		c.Query, _ = url.ParseQuery(query)
	}
	return c
}

func (c *Case) expect(t *testing.T, text string) {
	t.Helper()
	word, rest, _ := strings.Cut(text, " ")
	switch {
	case word == "header":
		name, value, _ := strings.Cut(rest, ":")
		c.Header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	case word == "query":
		name, value, _ := strings.Cut(rest, "=")
		c.Query.Set(name, value)
	case word == "=" || word[0] == '/':
		c.Want = append(c.Want, text)
	default:
		t.Fatalf("no such expectation: %s", text)
	}
}

// Read decodes the case's request.
func (c *Case) Read(t *testing.T) *dialect.Request {
	t.Helper()
	r, err := dialect.Read(c.Header, c.Query, c.Body)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	return r
}

// Run holds a dialect to the expectations: each request is known as its own, and
// the message has all that is wanted, none of it HTML.
func Run(t *testing.T, d *dialect.Dialect, cases []Case) {
	t.Helper()
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for i := range cases {
		c := &cases[i]
		t.Run(c.Name, func(t *testing.T) {
			r := c.Read(t)
			if d.Detect(r) == "" {
				t.Errorf("%s does not know its own", d.Name)
			}
			p, err := d.Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			if p.Empty() {
				t.Fatal("an empty message")
			}
			check(t, c, r, &p)
			golden(t, c.Name, Show(&p))
		})
	}
}

func check(t *testing.T, c *Case, r *dialect.Request, p *dialect.Post) {
	t.Helper()
	if len(c.Want) == 0 {
		t.Error("nothing is expected of the message")
	}
	seen := Seen(p)
	body := payload(r)
	for _, want := range c.Want {
		pointer, how, _ := strings.Cut(want, " ")
		if pointer == "=" {
			if !strings.Contains(squeeze(seen), squeeze(how)) {
				t.Errorf("the text %q is missing", how)
			}
			continue
		}
		value := body.Pointer(pointer)
		text := value.Str()
		if text == "" {
			if !strings.Contains(how, "optional") {
				t.Errorf("%s is not in the payload, or empty", pointer)
			}
			continue
		}
		if !has(seen, p, value, text, how) {
			t.Errorf("%s is missing in the message: %q", pointer, text)
		}
	}
}

// payload is the body as pointers lead into it.
func payload(r *dialect.Request) dialect.Value {
	if r.JSON == nil && r.Fields != nil {
		return formValue(r.Fields)
	}
	return r.JSON
}

func formValue(o dialect.Object) dialect.Value {
	fields := map[string]json.RawMessage{}
	for _, name := range o.Names() {
		fields[name] = json.RawMessage(o.Get(name))
	}
	b, _ := json.Marshal(fields) // raw messages that were found valid
	return b
}

func has(seen string, p *dialect.Post, value dialect.Value, text, how string) bool {
	for option := range strings.FieldsSeq(how) {
		switch {
		case option == "time":
			return hasTime(seen, p, dialect.Moment(value))
		case option == "case":
			seen, text = strings.ToLower(seen), strings.ToLower(text)
		case option == "words":
			for word := range strings.FieldsSeq(text) {
				if !strings.Contains(seen, word) {
					return false
				}
			}
			return true
		case strings.HasPrefix(option, "~"):
			n := 0
			for _, digit := range option[1:] {
				n = 10*n + int(digit-'0')
			}
			text = text[:min(n, len(text))]
		}
	}
	return strings.Contains(seen, text) || strings.Contains(squeeze(seen), squeeze(text))
}

func hasTime(seen string, p *dialect.Post, t time.Time) bool {
	found := false
	markup.Walk(p.Doc, func(n markup.Node) bool {
		switch n := n.(type) {
		case markup.Timestamp:
			found = found || n.Time.Truncate(time.Second).Equal(t.Truncate(time.Second))
		case markup.Card:
			found = found || n.Time.Truncate(time.Second).Equal(t.Truncate(time.Second))
		}
		return true
	})
	return found || strings.Contains(seen, t.Format("2006-01-02 15:04"))
}

// squeeze makes all white space one, and forgets characters that nobody sees.
func squeeze(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("\u200b", "", "\u00ad", "").Replace(s)), " ")
}

// Seen returns all of a post that a person can see or follow: its text, the
// addresses of its links and pictures, its author and its files.
func Seen(p *dialect.Post) string {
	var b strings.Builder
	doc := markup.Normal(p.Doc)
	for _, s := range []string{p.Username, p.AvatarURL, p.Markdown, markup.Plain(markup.ParseMarkdown(p.Markdown)), markup.Plain(doc)} {
		b.WriteString(s + "\n")
	}
	markup.Walk(doc, func(n markup.Node) bool {
		switch n := n.(type) {
		case markup.Link:
			b.WriteString(n.URL + "\n")
		case markup.Image:
			b.WriteString(n.URL + "\n" + n.Alt + "\n")
		case markup.Card:
			b.WriteString(n.URL + "\n" + n.Author.Name + "\n" + n.Author.URL + "\n" + n.Author.IconURL + "\n" + n.Thumbnail.URL + "\n" +
				n.FooterIconURL + "\n" + string(n.Color) + "\n")
		case markup.Mention:
			b.WriteString(n.Name + "\n" + n.ID + "\n")
		case markup.Emoji:
			b.WriteString(":" + n.Name + ":\n")
		}
		return true
	})
	for i := range p.Files {
		b.WriteString(p.Files[i].URL + "\n" + p.Files[i].Filename + "\n")
	}
	for i := range p.Uploads {
		b.WriteString(p.Uploads[i].Filename + "\n")
	}
	return b.String()
}

// Show writes a post for a person to read.
func Show(p *dialect.Post) string {
	var b strings.Builder
	for _, line := range [][2]string{
		{"author", p.Username}, {"picture", p.AvatarURL}, {"thread", p.Thread}, {"key", p.Key},
	} {
		if line[1] != "" {
			b.WriteString(line[0] + ": " + line[1] + "\n")
		}
	}
	if p.Markdown != "" {
		b.WriteString("\n" + p.Markdown + "\n")
	}
	text, _ := markup.PrintMarkdown(markup.Normal(p.Doc))
	if text != "" {
		b.WriteString("\n" + text + "\n")
	}
	markup.Walk(p.Doc, func(n markup.Node) bool {
		if c, ok := n.(markup.Card); ok && c.Color != "" {
			b.WriteString("\ncolour: " + string(c.Color) + "\n")
		}
		return true
	})
	for i := range p.Files {
		b.WriteString("\nfile: " + p.Files[i].Filename + " " + p.Files[i].URL + "\n")
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "golden", strings.ReplaceAll(strings.TrimSuffix(name, ".json"), "/", ".")+".md")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test -update writes it, then read it", err)
	}
	if string(want) != got {
		t.Errorf("the message is another than %s says; go test -update, then read what changed. Now it is:\n%s", file, got)
	}
}
