package console

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestRender(t *testing.T) {
	tests := map[string]struct{ source, want string }{
		"plain":               {"hello", "<p>hello</p>\n"},
		"line break":          {"one\ntwo", "<p>one<br>\ntwo</p>\n"},
		"marks":               {"**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <del>c</del> <code>d</code></p>\n"},
		"HTML block":          {"<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"},
		"HTML inline":         {"a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>\n"},
		"HTML comment":        {"<!-- secret -->", "<p>&lt;!-- secret --&gt;</p>\n"},
		"link":                {"[x](https://example.org/a?b=1&c=2)", `<p><a href="https://example.org/a?b=1&amp;c=2" rel="noopener nofollow" target="_blank">x</a></p>` + "\n"},
		"link with title":     {`[x](https://example.org "a \"b\"")`, `<p><a href="https://example.org" rel="noopener nofollow" target="_blank" title="a &quot;b&quot;">x</a></p>` + "\n"},
		"bare link":           {"see https://example.org/x.", `<p>see <a href="https://example.org/x" rel="noopener nofollow" target="_blank">https://example.org/x</a>.</p>` + "\n"},
		"www":                 {"www.example.org", `<p><a href="http://www.example.org" rel="noopener nofollow" target="_blank">www.example.org</a></p>` + "\n"},
		"mail":                {"ann@example.org", `<p><a href="mailto:ann@example.org" rel="noopener nofollow" target="_blank">ann@example.org</a></p>` + "\n"},
		"angle link":          {"<https://example.org>", `<p><a href="https://example.org" rel="noopener nofollow" target="_blank">https://example.org</a></p>` + "\n"},
		"javascript":          {"[x](javascript:alert(1))", "<p>x</p>\n"},
		"JavaScript, escaped": {"[x](JaVa&#x0A;Script:alert(1))", "<p>x</p>\n"},
		"angle javascript":    {"<javascript:alert(1)>", "<p>javascript:alert(1)</p>\n"},
		"data":                {"[x](data:text/html;base64,PHA+)", "<p>x</p>\n"},
		"file":                {"[x](file:///etc/passwd)", "<p>x</p>\n"},
		"into the hub":        {"[x](/logout) [y](//evil.example/) [z](?q)", "<p>x y z</p>\n"},
		"image":               {"![a *b*](https://example.org/p.png)", `<p><img loading="lazy" src="https://example.org/p.png" alt="a b"></p>` + "\n"},
		"image, escaped":      {`![a\"b &lt;](https://example.org/p.png)`, `<p><img loading="lazy" src="https://example.org/p.png" alt="a&quot;b &lt;"></p>` + "\n"},
		"image over http":     {"![a](http://example.org/p.png)", `<p><a href="http://example.org/p.png" rel="noopener nofollow" target="_blank">a</a></p>` + "\n"},
		"image as data":       {"![a](data:image/png;base64,AAAA)", "<p>a</p>\n"},
		"image breaking out":  {`![" onerror="x](https://example.org/"onload=)`, `<p><img loading="lazy" src="https://example.org/%22onload=" alt="&quot; onerror=&quot;x"></p>` + "\n"},
		"headings":            {"# a\n## b\n###### c", "<h4>a</h4>\n<h5>b</h5>\n<h6>c</h6>\n"},
		"no setext headings":  {"a\n-", "<p>a<br>\n-</p>\n"},
		"code":                {"```go\n<a>\n```", "<pre><code class=\"language-go\">&lt;a&gt;\n</code></pre>\n"},
		"code breaking out":   {"```\"><script>\nx\n```", "<pre><code class=\"language-&quot;&gt;&lt;script&gt;\">x\n</code></pre>\n"},
		"table": {"|a|b|\n|:-:|--:|\n|1|2|", "<table>\n<thead>\n<tr>\n<th align=\"center\">a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n" +
			"<tbody>\n<tr>\n<td align=\"center\">1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>\n"},
		"NUL":           {"a\x00b", "<p>a\uFFFDb</p>\n"},
		"invalid UTF-8": {"a\xffb", "<p>a\xffb</p>\n"},
		"nothing":       {"", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := render(test.source); got != test.want {
				t.Errorf("%q\n got %q\nwant %q", test.source, got, test.want)
			}
		})
	}
}

// What people write may make these elements with these attributes, and no
// others.
var allowedTags = []string{
	"a", "blockquote", "br", "code", "del", "em", "h4", "h5", "h6", "hr", "img", "li", "ol", "p", "pre", "strong",
	"table", "tbody", "td", "th", "thead", "tr", "ul",
}

var (
	tagExpr       = regexp.MustCompile(`^</?([a-z0-9]+)((?: [a-z]+="[^"<>]*")*)>`)
	attributeExpr = regexp.MustCompile(` ([a-z]+)="([^"]*)"`)
)

// unsafe returns what is wrong with the HTML of a message; "" when nothing is.
func unsafe(html string) string {
	for rest := html; ; {
		i := strings.IndexByte(rest, '<')
		if i < 0 {
			return ""
		}
		rest = rest[i:]
		m := tagExpr.FindStringSubmatch(rest)
		if m == nil {
			return "malformed tag: " + clipped(rest)
		}
		if !slices.Contains(allowedTags, m[1]) {
			return "element " + m[1]
		}
		for _, attribute := range attributeExpr.FindAllStringSubmatch(m[2], -1) {
			if why := unsafeAttribute(m[1], attribute[1], attribute[2]); why != "" {
				return why
			}
		}
		rest = rest[1:]
	}
}

func unsafeAttribute(tag, name, value string) string {
	lower := strings.ToLower(value)
	switch tag + " " + name {
	case "a href":
		for _, scheme := range []string{"http://", "https://", "mailto:"} {
			if strings.HasPrefix(lower, scheme) {
				return ""
			}
		}
		return "link to " + clipped(value)
	case "img src":
		if strings.HasPrefix(lower, "https://") {
			return ""
		}
		return "image from " + clipped(value)
	case "a rel", "a target", "a title", "img alt", "img loading", "code class", "td align", "th align", "ol start":
		return ""
	default:
		return "attribute " + name + " of " + tag
	}
}

func clipped(s string) string { return s[:min(len(s), 60)] }

func FuzzRender(f *testing.F) {
	for _, seed := range []string{
		"**a** [x](javascript:x) ![y](https://e.org/\"x) <script>", "|a|\n|-|\n|<b>|", "```\"x\n```", "<a\x00b:c>", "[a]: javascript:x\n\n[a]",
		"1) a\n\n   - b\n> c", "www.\"x.org", "a@b.c\" x", "![![a](https://b)](https://c)", "[![a](https://b)](https://c)", "\\<b> &lt;b> &#60;b>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if why := unsafe(render(source)); why != "" {
			t.Errorf("%q: %s\n%s", source, why, render(source))
		}
	})
}

// The check of the fuzz target must itself be able to fail.
func TestUnsafe(t *testing.T) {
	for _, html := range []string{
		"<script>", "<p onclick=\"x\">", `<a href="javascript:x">`, `<a href="/x">`, `<img src="http://x">`, "<p", "<p style=\"x\">", "<!-- x -->", "<P>",
	} {
		if unsafe(html) == "" {
			t.Errorf("%s passes", html)
		}
	}
	if why := unsafe(`<p>a &lt; b <a href="https://x" rel="noopener">c</a><br></p>`); why != "" {
		t.Error(why)
	}
}
