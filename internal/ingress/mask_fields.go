package ingress

import (
	"bufio"
	"bytes"
	"encoding/json"
	"mime"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/secret"
)

// secretWords are what the name of a field has in it whose value is a secret, in
// lower case and without what stands between words.
var secretWords = []string{
	"password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "authorization", "credential",
}

// plainNames have such words in them and name no secret.
var plainNames = []string{"personal_access_token_request"} // GitHub: who asks for what

var wordGaps = strings.NewReplacer("_", "", "-", "", ".", "", " ", "")

// isSecretName reports whether a field of that name holds a secret.
func isSecretName(name string) bool {
	if slices.Contains(plainNames, name) {
		return false
	}
	name = wordGaps.Replace(strings.ToLower(name))
	return name == "auth" || slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}

// mayNameSecret is a cheap test: it is false only for texts in which no name is
// one of a secret. Escapes may hide one.
func mayNameSecret(lower []byte) bool {
	return mayHoldSecretWord(lower) || bytes.ContainsAny(lower, `\%`) || bytes.Count(lower, []byte("auth")) > bytes.Count(lower, []byte("author"))
}

var mayHoldSecretWord = containsAny("pass", "secret", "token", "key", "authorization", "credential")

// maskFields masks what a body itself names as secret, in the form in which package
// dialect reads it: everything but true, false, null and counts beneath such a name in JSON,
// also in JSON in a string; fields of a form; parts of a multipart body. What is read
// as it was meant is kept so when there is something to mask. body may be cut off, and
// is not changed.
func maskFields(label string, body []byte) []byte {
	if !mayNameSecret(bytes.ToLower(body)) {
		return body
	}
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	if len(trimmed) == 0 {
		return body
	}
	if boundary := dialect.MultipartBoundary(label, trimmed); boundary != "" {
		return maskParts(body, boundary)
	}
	switch {
	case looksLikeJSON(trimmed), dialect.IsJSON(label):
		return maskJSON(body, 0)
	case bytes.HasPrefix(trimmed, []byte("payload=")), dialect.IsForm(label):
		return maskForm(body)
	}
	return body
}

func looksLikeJSON(trimmed []byte) bool {
	return len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[' || trimmed[0] == '"')
}

// maxNested is how often JSON is looked for in a string in JSON.
const maxNested = 4

// maskJSON masks JSON, or what is read as it. nested is in how many strings it is.
func maskJSON(b []byte, nested int) []byte {
	valid := b
	if !json.Valid(b) {
		fixed, ok := dialect.Repair(wholeRunes(b))
		if !ok {
			return b
		}
		valid = fixed
	}
	m := jsonMasker{in: valid, nested: nested}
	m.value(false, 0)
	if !m.changed {
		return b
	}
	return append(m.out, valid[m.done:]...)
}

// jsonMasker copies valid JSON and masks what is beneath the names of secrets.
type jsonMasker struct {
	in      []byte
	i       int // of the next byte of in
	out     []byte
	done    int // bytes of in that are in out, or masked
	nested  int
	counts  bool // the last name was that of a count
	changed bool
}

// value passes over a value. hidden: it is to be masked.
func (m *jsonMasker) value(hidden bool, depth int) {
	m.space()
	if m.i == len(m.in) || depth > 10_000 { // as deep as encoding/json goes
		return
	}
	switch c := m.in[m.i]; c {
	case '{', '[':
		m.i++
		for m.space(); m.i < len(m.in) && m.in[m.i] != c+2; m.space() { // ']' and '}' are two behind '[' and '{'
			if m.in[m.i] == ',' {
				m.i++
				continue
			}
			below := hidden
			if c == '{' {
				below = m.name() || hidden
			}
			m.value(below, depth+1)
		}
		m.i++
	case '"':
		begin := m.i
		m.i = dialect.EndOfString(m.in, m.i)
		m.text(begin, hidden)
	default:
		begin := m.i
		for m.i < len(m.in) && bytes.IndexByte([]byte(",]} \t\r\n"), m.in[m.i]) < 0 {
			m.i++
		}
		if hidden && !m.counts && c != 't' && c != 'f' && c != 'n' {
			m.replace(begin, []byte(`"`+secret.Mask+`"`))
		}
	}
}

// name passes over the name of a member and the colon, and reports whether it is that
// of a secret.
func (m *jsonMasker) name() bool {
	begin := m.i
	m.i = dialect.EndOfString(m.in, m.i)
	name := string(m.in[begin+1 : m.i-1])
	if strings.Contains(name, `\`) {
		_ = json.Unmarshal(m.in[begin:m.i], &name) // valid
	}
	m.space()
	m.i++
	m.counts = isCount(name)
	return isSecretName(name)
}

// isCount reports whether a number under that name, such as total_tokens, says how many
// there are.
func isCount(name string) bool {
	name = wordGaps.Replace(strings.ToLower(name))
	return name != "tokens" && slices.ContainsFunc([]string{"tokens", "count", "used", "limit"}, func(end string) bool { return strings.HasSuffix(name, end) })
}

// text masks the string from begin to i, or what is in it.
func (m *jsonMasker) text(begin int, hidden bool) {
	if hidden {
		m.replace(begin, []byte(`"`+secret.Mask+`"`))
		return
	}
	inside := bytes.TrimSpace(m.in[begin+1 : m.i-1])
	if m.nested == maxNested || len(inside) == 0 || bytes.IndexByte([]byte(`{[\`), inside[0]) < 0 {
		return
	}
	var text string
	if json.Unmarshal(m.in[begin:m.i], &text) != nil || !looksLikeJSON([]byte(strings.TrimSpace(text))) {
		return
	}
	if masked := maskJSON([]byte(text), m.nested+1); string(masked) != text {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if e.Encode(string(masked)) == nil { // strings always encode
			m.replace(begin, bytes.TrimSuffix(b.Bytes(), []byte("\n")))
		}
	}
}

// replace puts with in the place of what is from begin to i.
func (m *jsonMasker) replace(begin int, with []byte) {
	m.out = append(append(m.out, m.in[m.done:begin]...), with...)
	m.done, m.changed = m.i, true
}

func (m *jsonMasker) space() {
	for m.i < len(m.in) && bytes.IndexByte([]byte(" \t\r\n"), m.in[m.i]) >= 0 {
		m.i++
	}
}

// maxFieldName is how long the name of a field of a form is at most, in bytes; what
// is longer, or has spaces in it, is text that was only called a form.
const maxFieldName = 64

// maskForm masks application/x-www-form-urlencoded.
func maskForm(b []byte) []byte {
	pairs := bytes.Split(b, []byte{'&'})
	for i, pair := range pairs {
		name, value, found := bytes.Cut(pair, []byte{'='})
		if !found || len(name) > maxFieldName || bytes.ContainsAny(name, " \t\r\n") || len(value) == 0 {
			continue
		}
		pairs[i] = slices.Concat(name, []byte{'='}, maskFormValue(name, value))
	}
	return bytes.Join(pairs, []byte{'&'})
}

func maskFormValue(name, value []byte) []byte {
	if plain, err := url.QueryUnescape(string(name)); err == nil && isSecretName(plain) {
		return []byte(secret.Mask)
	}
	whole := value
	if at := bytes.LastIndexByte(value, '%'); at >= max(0, len(value)-2) {
		whole = value[:at] // the body may have been cut off there
	}
	text, err := url.QueryUnescape(string(whole))
	if err != nil || !looksLikeJSON([]byte(strings.TrimSpace(text))) {
		return value
	}
	if masked := maskJSON([]byte(text), 1); string(masked) != text {
		return []byte(strings.ReplaceAll(url.QueryEscape(string(masked)), "%2A", "*")) // the mask's characters need no escape
	}
	return value
}

// maskParts masks a multipart body (RFC 2046 §5.1) by the names of its parts.
func maskParts(b []byte, boundary string) []byte {
	delimiter := []byte("--" + boundary)
	first := bytes.Index(b, delimiter)
	if first < 0 {
		return b
	}
	lineEnd := []byte("\n")
	if bytes.HasPrefix(b[first+len(delimiter):], []byte("\r\n")) {
		lineEnd = []byte("\r\n")
	}
	delimiter = slices.Concat(lineEnd, delimiter)
	out := slices.Clone(b[:first])
	for rest := b[first:]; len(rest) > 0; {
		end := nextDelimiter(rest, delimiter)
		out = append(out, maskPart(rest[:end], lineEnd)...)
		rest = rest[end:]
	}
	return out
}

// nextDelimiter returns where in b the next one begins behind the first byte, or len(b).
func nextDelimiter(b, delimiter []byte) int {
	for i := 1; ; {
		n := bytes.Index(b[min(i, len(b)):], delimiter)
		if n < 0 {
			return len(b)
		}
		i += n
		after := b[i+len(delimiter):]
		if len(after) == 0 || bytes.IndexByte([]byte("\r\n \t"), after[0]) >= 0 || bytes.HasPrefix(after, []byte("--")) {
			return i
		}
		i++
	}
}

// maskPart masks a part that begins with its delimiter.
func maskPart(b, lineEnd []byte) []byte {
	end := bytes.Index(b, slices.Concat(lineEnd, lineEnd))
	if end < 0 {
		return b
	}
	end += 2 * len(lineEnd)
	head, content := b[:end:end], b[end:]
	_, fields, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte("\n"))
	header, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(fields))).ReadMIMEHeader()
	if err != nil {
		return b
	}
	_, parameters, _ := mime.ParseMediaType(header.Get("Content-Disposition"))
	switch {
	case isSecretName(parameters["name"]):
		return append(head, secret.Mask...)
	case looksLikeJSON(bytes.TrimSpace(content)):
		return append(head, maskJSON(content, 0)...)
	}
	return b
}
