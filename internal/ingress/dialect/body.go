package dialect

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/nself-chat/hub"
)

// Kind is the form in which a body arrived.
type Kind string

// The kinds of body.
const (
	KindJSON    Kind = "json"
	KindPayload Kind = "payload" // JSON in the field "payload" of a form
	KindForm    Kind = "form"
	KindText    Kind = "text"
)

// maxParts bounds the fields of a form.
const maxParts = 1000

// Request is a call as its sender meant it, decoded once. It aliases the body
// it was read from.
type Request struct {
	Header http.Header
	// Query holds the parameters of the URL.
	Query url.Values
	// Method is what follows a forced dialect in the URL, as chat.postMessage.
	Method string
	Kind   Kind
	// JSON is the body, or what stands for it in a form; absent in other forms and
	// in plain text.
	JSON Value
	// Fields are the members of the JSON object, or the fields of the form.
	Fields Object
	// Text is the message itself, when the body is nothing else.
	Text string
	// Uploads are the files in a multipart body.
	Uploads []Upload
	// Repaired: the JSON was broken, and read as it was meant.
	Repaired bool
	// LeftOut is how many elements of arrays and members of objects were too many to
	// be looked at. What was inside of them is not counted.
	LeftOut int
}

// Waits reports whether the sender asks for an answer that names the message, with
// the parameter wait ("Execute Webhook" of Discord's documentation).
func (r *Request) Waits() bool {
	wait, err := strconv.ParseBool(r.Query.Get("wait"))
	return err == nil && wait
}

// Read decodes a body. Its label is a hint only, because many senders have it
// wrong: what begins with '{' is JSON, what begins with "payload=" a form with
// JSON in it, what begins with a multipart delimiter is multipart; otherwise
// the label counts, and what is nothing else is the message itself.
//
// The error is a *Failure; the request is returned with it and knows the kind
// of body, so that the refusal can be worded in the sender's dialect.
func Read(h http.Header, query url.Values, body []byte) (*Request, error) {
	r := &Request{Header: h, Query: query, Kind: KindText}
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	if len(trimmed) == 0 {
		return r, &Failure{Verdict: NoText, Detail: "The body is empty: " + whatWorks}
	}
	label := h.Get("Content-Type")
	if boundary := MultipartBoundary(label, trimmed); boundary != "" {
		return r, r.readMultipart(trimmed, boundary)
	}
	switch {
	case trimmed[0] == '{' || IsJSON(label):
		return r, r.readJSON(trimmed)
	case bytes.HasPrefix(trimmed, []byte("payload=")) || IsForm(label):
		return r, r.readForm(trimmed)
	}
	return r, r.readText(trimmed)
}

// hasMediaType compares the media type of a label, parameters aside.
func hasMediaType(label, want string) bool {
	name, _, _ := strings.Cut(label, ";")
	return strings.EqualFold(strings.TrimSpace(name), want)
}

// IsJSON reports whether a media type is JSON, or a format on top of it.
func IsJSON(label string) bool {
	if hasMediaType(label, "application/json") {
		return true
	}
	name, _, _ := strings.Cut(label, ";")
	return strings.HasSuffix(strings.ToLower(strings.TrimSpace(name)), "+json") // RFC 6839 §3.1
}

// IsForm reports whether a media type is that of a form (WHATWG URL §5).
func IsForm(label string) bool { return hasMediaType(label, "application/x-www-form-urlencoded") }

func (r *Request) readText(b []byte) error {
	text, ok := toUTF8(b)
	if !ok {
		return badBody("The text is not valid UTF-8.")
	}
	r.Text = cutText(string(text))
	return nil
}

func (r *Request) readJSON(b []byte) error {
	r.Kind = KindJSON
	v, repaired, err := parseJSON(b)
	if err != nil {
		return err
	}
	r.Repaired = repaired
	return r.take(v)
}

// take accepts a value: an object has fields, and a string is the message itself.
func (r *Request) take(v Value) error {
	v, r.LeftOut = shorten(v)
	r.JSON = v
	switch {
	case v.IsObject():
		r.Fields = v.Object()
	case v[0] == '"':
		r.Text, _ = v.Text()
		r.JSON = nil
	}
	return nil
}

// readForm reads application/x-www-form-urlencoded (WHATWG URL §5). curl
// labels everything so: without a field that we know, it is the message itself.
func (r *Request) readForm(b []byte) error {
	if bytes.Count(b, []byte{'&'}) > maxParts {
		return r.readText(b)
	}
	form, _ := url.ParseQuery(string(b)) // what cannot be parsed is left out
	if form.Has("payload") {
		r.Kind = KindPayload
		return r.readPayload(form.Get("payload"))
	}
	if !isForm(b, form) {
		return r.readText(b)
	}
	r.Kind = KindForm
	fields := make(map[string]string, len(form))
	for name := range form {
		fields[name] = form.Get(name)
	}
	return r.takeForm(fields)
}

// isForm tells a form from a text that was labelled as one: the names of its
// fields are words, and each has a value.
func isForm(b []byte, form url.Values) bool {
	for pair := range bytes.SplitSeq(b, []byte{'&'}) {
		name, _, found := bytes.Cut(pair, []byte{'='})
		if !found || len(name) == 0 || len(name) > 64 || bytes.ContainsAny(name, " \t\r\n") {
			return false
		}
	}
	return len(form) > 0
}

func (r *Request) readPayload(text string) error {
	v, repaired, err := parseJSON([]byte(text))
	if err != nil {
		return err
	}
	r.Repaired = repaired
	return r.take(v)
}

func (r *Request) takeForm(fields map[string]string) error {
	budget := textBudget
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		readable, ok := toUTF8([]byte(name))
		text, valid := toUTF8([]byte(fields[name]))
		if !ok || !valid {
			return badBody("A field of the form is not valid UTF-8.")
		}
		value, err := json.Marshal(string(text))
		if err != nil {
			return badBody("A field of the form cannot be read.")
		}
		value = cutString(value, min(longestText, max(budget, shortestText)))
		budget -= len(value)
		r.Fields = append(r.Fields, member{string(readable), value})
	}
	return nil
}

// Boundary returns the boundary that a label names, when it calls a body multipart;
// "" when it does not.
func Boundary(label string) string {
	if len(label) > 10 && strings.EqualFold(label[:10], "multipart/") {
		if _, params, err := mime.ParseMediaType(label); err == nil {
			return params["boundary"]
		}
	}
	return ""
}

// MultipartBoundary returns the boundary of a multipart body, by its label or
// by its first line (RFC 2046 §5.1.1); "" when it is none.
func MultipartBoundary(label string, b []byte) string {
	if boundary := Boundary(label); boundary != "" {
		return boundary
	}
	line, rest, found := bytes.Cut(b, []byte("\r\n"))
	if found && len(line) <= 72 && bytes.HasPrefix(line, []byte("--")) && len(rest) > 20 &&
		strings.EqualFold(string(rest[:20]), "Content-Disposition:") {
		return string(line[2:])
	}
	return ""
}

// readMultipart reads multipart/form-data (RFC 7578): a JSON field
// "payload_json" or "payload", or plain fields.
func (r *Request) readMultipart(b []byte, boundary string) error {
	r.Kind = KindForm
	fields := make(map[string]string)
	reader := multipart.NewReader(bytes.NewReader(b), boundary)
	for range maxParts {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return r.takeMultipart(fields)
		}
		if err != nil {
			return badBody("The multipart body is broken.")
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return badBody("The multipart body is broken.")
		}
		if name := part.FileName(); name != "" {
			r.Uploads = append(r.Uploads, Upload{Field: part.FormName(), Filename: name, Content: value})
			continue
		}
		fields[part.FormName()] = string(value)
	}
	return badBody("The multipart body has too many parts.")
}

func (r *Request) takeMultipart(fields map[string]string) error {
	if text, ok := fields["payload_json"]; ok {
		r.Kind = KindJSON
		return r.readPayload(text)
	}
	if text, ok := fields["payload"]; ok {
		r.Kind = KindPayload
		return r.readPayload(text)
	}
	return r.takeForm(fields)
}

// Finish refuses a post with wrong fields, or with nothing in it.
func (r *Request) Finish(p *Post, errs hub.FieldErrors) error {
	if len(errs) > 0 {
		return &Failure{Verdict: BadBody, Detail: "The body has fields of the wrong kind.", Fields: errs}
	}
	if p.Empty() {
		return Nothing()
	}
	return nil
}
