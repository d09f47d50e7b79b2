package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/server"
)

const (
	// maxDepth bounds the nesting of JSON that is taken in.
	maxDepth = 64
	// maxValues bounds the values in a body that is decoded: arrays, objects, and what
	// is in them. The largest that an operation takes have some thousands; ten
	// megabytes of JSON can have millions, of which each takes memory.
	maxValues = 20_000
)

// readBody reads a request's body of at most limit bytes. What it returns is
// valid until the request is done with.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if ready, ok := r.Body.(readyBody); ok {
		return ready.all, nil
	}
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	if r.ContentLength == 0 || r.Body == nil {
		return nil, nil
	}
	h, ok := r.Context().Value(holderKey{}).(*holder)
	if !ok {
		return nil, errors.New("api: a body is read of nobody known")
	}
	b, err := h.readAll(http.MaxBytesReader(w, r.Body, limit), r.ContentLength, limit)
	if err == nil {
		return b, nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge(limit)
	}
	if _, ok := errors.AsType[*hub.Error](err); ok {
		return nil, err
	}
	return nil, hub.Wrap(hub.Invalid, err, "The request's body did not arrive in full.")
}

func tooLarge(limit int64) error {
	return hub.Errorf(hub.TooLarge, "The request's body is larger than %d bytes.", limit)
}

// withBody reads and checks the JSON body before h, so that all routes refuse
// a bad one in the same way.
func (a *API) withBody(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			h(w, r)
			return
		}
		b, err := readBody(w, r, maxBody)
		if err == nil && len(b) > 0 {
			err = checkJSON(r, b)
		}
		if err != nil {
			server.WriteProblem(w, r, err)
			return
		}
		r.Body = readyBody{bytes.NewReader(b), b}
		h(w, withKeyed(r, b))
	}
}

// checkJSON refuses what is not JSON in UTF-8 of bearable depth.
func checkJSON(r *http.Request, b []byte) error {
	if err := checkType(r); err != nil {
		return err
	}
	if err := checkText(b); err != nil {
		return err
	}
	if !json.Valid(b) {
		var v json.RawMessage
		return jsonError(json.Unmarshal(b, &v))
	}
	if field, many := manyValues(b, maxValues); many {
		var errs hub.FieldErrors
		errs.Add(orBody(field), "has too many values: a body has at most %d", maxValues)
		return errs.Err()
	}
	return nil
}

// manyValues reports whether valid JSON has more than limit values, and in which
// member of the outermost object they became too many; "" when it is none. Nothing
// is decoded but that name.
func manyValues(b []byte, limit int) (field string, many bool) {
	if bytes.Count(b, []byte{','})+bytes.Count(b, []byte{'['})+bytes.Count(b, []byte{'{'}) < limit {
		return "", false // also with those in strings
	}
	// A value begins the body, follows a comma, or is the first in brackets. An empty
	// pair of these counts as having one.
	values, depth := 1, 0
	var name []byte // of the member of the outermost object
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
			values++
		case '}', ']':
			depth--
		case ',':
			values++
		case '"':
			end := closingQuote(b, i+1)
			if next := bytes.TrimLeft(b[min(end+1, len(b)):], " \t\r\n"); depth == 1 && len(next) > 0 && next[0] == ':' {
				name = b[i : end+1]
			}
			i = end
		}
		if values > limit {
			_ = json.Unmarshal(name, &field) // a string, or nothing
			return fieldName(field), true
		}
	}
	return "", false
}

// checkType refuses bodies that say they are something else than JSON. No
// Content-Type at all counts as JSON.
func checkType(r *http.Request) error {
	text := r.Header.Get("Content-Type")
	if text == "" || text == "application/json" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(text)
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return hub.Errorf(hub.Invalid, "The body must be JSON: send Content-Type: application/json.")
	}
	return nil
}

// checkText refuses invalid UTF-8 (RFC 8259 §8.1) and deep nesting.
func checkText(b []byte) error {
	if !utf8.Valid(b) {
		return hub.Errorf(hub.Invalid, "The body is not valid UTF-8.")
	}
	if deeper(b, maxDepth) {
		return hub.Errorf(hub.Invalid, "The body is nested more than %d levels deep.", maxDepth)
	}
	return nil
}

// deeper reports whether JSON text opens more than limit arrays and objects
// inside each other. The text need not be valid.
func deeper(b []byte, limit int) bool {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			if depth++; depth > limit {
				return true
			}
		case '}', ']':
			depth--
		case '"':
			i = closingQuote(b, i+1)
		}
	}
	return false
}

// closingQuote returns the index of the quote that ends the string which
// begins at i, or len(b).
func closingQuote(b []byte, i int) int {
	for {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return len(b)
		}
		i += n
		escapes := 0
		for j := i - 1; j >= 0 && b[j] == '\\'; j-- {
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
		i++
	}
}

// jsonError says what is wrong with a body without quoting it.
func jsonError(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return hub.Errorf(hub.Invalid, "The body is not valid JSON: there is an error at byte %d.", syntax.Offset)
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		var errs hub.FieldErrors
		errs.Add(orBody(kind.Field), "has the wrong type: %s is not %s", article(kind.Value), expected(kind.Type.Kind().String()))
		return errs.Err()
	}
	if name, ok := unknownField(err); ok {
		var errs hub.FieldErrors
		errs.Add(name, "is not a field of this request")
		return errs.Err()
	}
	if errors.Is(err, errTrailing) {
		return hub.Errorf(hub.Invalid, "The body must be one JSON value; something follows it.")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return hub.Errorf(hub.Invalid, "The body is not valid JSON: it ends too early.")
	}
	return hub.Errorf(hub.Invalid, "The body is not valid JSON.")
}

func orBody(field string) string {
	if field == "" {
		return "body"
	}
	return field
}

// article completes the description of a JSON value by encoding/json:
// "number", "string", "array", "object", "bool", or "number 12", whose figure
// is cut off because values are not repeated.
func article(value string) string {
	kind, _, _ := strings.Cut(value, " ")
	switch kind {
	case "array", "object":
		return "an " + kind
	case "bool":
		return "true or false"
	}
	return "a " + kind
}

func expected(kind string) string {
	switch {
	case kind == "string":
		return "a string"
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"), strings.HasPrefix(kind, "float"):
		return "a number"
	case kind == "bool":
		return "true or false"
	case kind == "slice":
		return "an array"
	}
	return "an object"
}

// unknownField recognises the error of json.Decoder.DisallowUnknownFields,
// which has no type of its own.
func unknownField(err error) (string, bool) {
	if err == nil {
		return "", false
	}
	name, ok := strings.CutPrefix(err.Error(), `json: unknown field "`)
	name = strings.TrimSuffix(name, `"`)
	return fieldName(name), ok
}

// fieldName cuts a name that came in, so that an error stays readable.
func fieldName(name string) string {
	const most = 64
	if len(name) > most {
		return fmt.Sprintf("%s…", strings.ToValidUTF8(name[:most], ""))
	}
	return name
}

// encodeJSON returns v as an answer shows it.
func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("api: encode the answer: %w", err)
	}
	return buf.Bytes(), nil
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	b, err := encodeJSON(v)
	if err != nil {
		server.WriteProblem(w, r, err)
		return
	}
	writeBytes(w, status, b)
}

func writeBytes(w http.ResponseWriter, status int, b []byte) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client has gone; nobody is left to tell
}

var jsonType = []string{"application/json"}

// decodeStrict decodes one JSON value and refuses fields that v does not have.
func decodeStrict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if rest := bytes.TrimLeft(b[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return errTrailing
	}
	return nil
}

// errTrailing answers a body with more than one JSON value.
var errTrailing = errors.New("there is more than one value")
