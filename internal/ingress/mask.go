package ingress

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nself-chat/hub/internal/secret"
)

const (
	// maxLogged is how much of a body the log keeps.
	maxLogged = 64 << 10
	// maskMargin is read beyond maxLogged, so that a credential which the cut
	// goes through is seen as one.
	maskMargin = 512
)

// secretName is a field's name that says its value is a secret.
const secretName = `[a-z0-9_.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|` +
	`authorization|credential)[a-z0-9_.-]*`

// secretPatterns find in plain text what package secret does not: the credentials of
// others. What has fields is looked at before, by their names (maskFields).
// What the first group matches stays. Each has a cheap test of whether it can
// match at all; most bodies pass none of them.
var secretPatterns = []struct {
	may  func(lower []byte) bool
	expr *regexp.Regexp
	with string
}{
	{ // AWS access key ids (IAM reference, "Unique identifiers")
		containsAny("akia", "asia"),
		regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`), "${1}" + secret.Mask,
	},
	{ // tokens of GitHub, GitLab and Slack
		containsAny("gh", "glpat-", "xox"),
		regexp.MustCompile(`\b(gh[pousr]_|github_pat_|glpat-|xox[a-z]-)[A-Za-z0-9_-]{16,}`), "${1}" + secret.Mask,
	},
	{ // PEM private keys (RFC 7468)
		containsAny("private key-----"),
		regexp.MustCompile(`(-----BEGIN [A-Z ]*PRIVATE KEY-----)(?s:.*?)(?:-----END|\z)`), "${1}" + secret.Mask + "-----END",
	},
	{ // "password": "…" in JSON
		mayHoldSecretField,
		regexp.MustCompile(`(?i)("` + secretName + `"\s*:\s*")(?:[^"\\]|\\.)*`), "${1}" + secret.Mask,
	},
	{ // the same in JSON inside a JSON string
		mayHoldSecretField,
		regexp.MustCompile(`(?i)(\\+"` + secretName + `\\+"\s*:\s*\\+")(?:[^"\\]|\\{2,}[^"])*`), "${1}" + secret.Mask,
	},
	{ // password=… in a form
		mayHoldSecretField,
		regexp.MustCompile(`(?i)((?:^|[?&\s])` + secretName + `=)[^&\s"'\\]+`), "${1}" + secret.Mask,
	},
	{ // a parameter of a URL
		containsAny("auth="),
		regexp.MustCompile(`(?i)([?&]auth=)[^&#\s"'\\]+`), "${1}" + secret.Mask,
	},
	{ // the same JSON, percent-encoded in a form
		mayHoldSecretField,
		regexp.MustCompile(`(?i)(%22` + secretName + `%22(?:%20|\+)*(?:%3A|:)(?:%20|\+)*%22)(?s:.*?)%22`), "${1}" + secret.Mask + "%22",
	},
}

var mayHoldSecretField = containsAny("passw", "passphrase", "secret", "token", "key", "authorization", "credential")

func containsAny(words ...string) func([]byte) bool {
	return func(lower []byte) bool {
		for _, w := range words {
			if bytes.Contains(lower, []byte(w)) {
				return true
			}
		}
		return false
	}
}

// masker makes bodies fit for the log. It is safe for concurrent use.
type masker struct{ redactor *secret.Redactor }

func newMasker() *masker { return &masker{secret.NewRedactor()} }

// mask returns a copy of body without what its fields or its looks say to be a
// credential, cut to maxLogged. label is its Content-Type.
func (m *masker) mask(label string, body []byte) []byte {
	cut := len(body) > maxLogged
	if cut {
		body = body[:min(len(body), maxLogged+maskMargin)]
	}
	body = maskFields(label, body)
	lower := bytes.ToLower(body)
	out := []byte(m.redactor.Redact(string(body)))
	for _, p := range secretPatterns {
		if p.may(lower) {
			out = p.expr.ReplaceAll(out, []byte(p.with))
		}
	}
	if !cut && len(out) <= maxLogged {
		return out
	}
	// Masks may have moved the end of the margin, where a credential can be
	// cut, into what is kept.
	return wholeRunes(out[:max(0, min(maxLogged, len(out)-maskMargin))])
}

// wholeRunes drops a character that was cut at the end.
func wholeRunes(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}

// keptHeaders are the headers of a request that say what its body means, in which
// no secret is expected. Those that end in -Event are kept, too.
var keptHeaders = []string{
	"Content-Type", "Accept", "User-Agent", "Sentry-Hook-Resource", "X-Gitlab-Instance", "X-Ms-Teams", "X-Event-Key", "X-Amz-Sns-Message-Type",
	// ntfy's, which are parts of the message
	"Title", "X-Title", "Tags", "X-Tags", "Priority", "X-Priority", "Click", "X-Click", "Actions", "X-Actions", "Markdown", "X-Markdown",
	"Attach", "X-Attach", "Icon", "X-Icon", "Filename", "X-Filename", "Ti", "Ta", "Prio",
}

// headers returns what the log keeps of a request's headers.
func (m *masker) headers(h http.Header) map[string]string {
	var kept map[string]string
	for name, values := range h {
		if len(values) > 0 && len(values[0]) <= 512 && (slices.Contains(keptHeaders, name) || strings.HasSuffix(name, "-Event")) {
			if kept == nil {
				kept = make(map[string]string)
			}
			kept[name] = string(m.mask("", []byte(values[0])))
		}
	}
	return kept
}

// plainParameters say where a message goes; they are no secrets, whatever they are
// called.
var plainParameters = []string{"key", "thread", "thread_id", "wait"}

// query returns what the log keeps of the parameters of a URL: each is masked by
// itself, so that it makes no difference which comes first.
func (m *masker) query(q url.Values) string {
	q.Del("token")
	var kept []string
	for _, name := range slices.Sorted(maps.Keys(q)) {
		for _, value := range q[name] {
			kept = append(kept, m.parameter(name, value))
		}
	}
	text := strings.Join(kept, "&")
	return text[:min(len(text), 2048)]
}

func (m *masker) parameter(name, value string) string {
	text := "?" + url.QueryEscape(name) + "=" + url.QueryEscape(value)
	switch {
	case slices.Contains(plainParameters, name):
	case isSecretName(name):
		return url.QueryEscape(name) + "=" + secret.Mask
	default:
		text = string(m.mask("", []byte(text)))
	}
	return text[1:]
}
