package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// plain are the headers that say nothing of one operation: of HTTP, and of the
// server's rules for browsers.
var plain = []string{
	"Accept-Ranges", "Cache-Control", "Connection", "Content-Disposition", "Content-Length", "Content-Range", "Content-Security-Policy", "Content-Type",
	"Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Date", "Last-Modified", "Referrer-Policy", "Transfer-Encoding", "Vary",
	"X-Accel-Buffering", "X-Content-Type-Options",
}

// CheckAnswer returns what in an answer to a request contradicts the document.
// body is nil when it is not known, as of a stream.
func (d *Document) CheckAnswer(method string, u *url.URL, status int, header http.Header, body []byte) error {
	op := d.Operation(method, u.EscapedPath())
	if op == nil {
		return undescribed(u, status)
	}
	if clean := path.Clean(u.Path); status == http.StatusTemporaryRedirect && clean != strings.TrimSuffix(u.Path, "/") {
		return nil // to the clean form of the path
	}
	r, ok := op.Responses[status]
	if !ok {
		return fmt.Errorf("%s: status %d is not declared: %s", op, status, head(body))
	}
	if err := r.checkHeaders(header); err != nil {
		return fmt.Errorf("%s: %d: %w", op, status, err)
	}
	if method == http.MethodHead || body == nil {
		return nil
	}
	if err := r.checkBody(header.Get("Content-Type"), body); err != nil {
		return fmt.Errorf("%s: %d: %w: %s", op, status, err, head(body))
	}
	return nil
}

// underAPI are the beginnings of the paths that the document describes in full.
var underAPI = []string{"/api/", "/hooks/", "/services/"}

// undescribed returns an error when an address of the API answers as if there
// were something, and the document has nothing there. A redirect leads to the
// clean form of a path.
func undescribed(u *url.URL, status int) error {
	if !slices.ContainsFunc(underAPI, func(p string) bool { return strings.HasPrefix(u.Path, p) }) {
		return nil
	}
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusForbidden:
		return nil
	}
	return fmt.Errorf("%s answers %d and is not described", u.Path, status)
}

func (op *Operation) String() string { return op.Method + " " + op.Path }

func (r Response) checkHeaders(header http.Header) error {
	for name, h := range r.Headers {
		value, ok := header[name]
		if !ok && name == http.CanonicalHeaderKey(name) {
			for given, v := range header { // those in a case of their own
				if http.CanonicalHeaderKey(given) == name {
					value, ok = v, true
				}
			}
		}
		if !ok {
			if h.Required {
				return fmt.Errorf("the header %s is missing", name)
			}
			continue
		}
		if err := h.Schema.CheckText(value[0]); err != nil {
			return fmt.Errorf("the header %s: %w", name, err)
		}
	}
	for given := range header {
		name := http.CanonicalHeaderKey(given)
		if _, ok := r.Headers[name]; !ok && !slices.Contains(plain, name) {
			return fmt.Errorf("the header %s is not declared", given)
		}
	}
	return nil
}

func (r Response) checkBody(contentType string, body []byte) error {
	if len(r.Content) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("there is a body, and none is declared")
		}
		return nil
	}
	c, media, ok := contentOf(r.Content, contentType)
	if !ok {
		return fmt.Errorf("the content type %q is not declared", contentType)
	}
	return c.check(media, body)
}

// contentOf finds the content of a media type, the most specific one first.
func contentOf(all map[string]Content, contentType string) (c Content, media string, ok bool) {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return Content{}, media, false
	}
	kind, _, _ := strings.Cut(media, "/")
	for _, m := range []string{media, kind + "/*", "*/*"} {
		if c, ok := all[m]; ok {
			return c, media, true
		}
	}
	return Content{}, media, false
}

func (c Content) check(media string, body []byte) error {
	switch {
	case c.Schema.doc == nil, media == "text/event-stream", media == "multipart/form-data", media == "application/x-www-form-urlencoded":
		return nil // what is in these is described for people
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("the body is not JSON: %w", err)
		}
		return c.Schema.Check(v)
	case strings.HasPrefix(media, "text/"):
		return c.Schema.Check(string(body))
	}
	return nil
}

// CheckRequest returns what in a request that was carried out contradicts the
// document: a parameter, or the body. body is nil when it is not known.
func (d *Document) CheckRequest(method string, u *url.URL, header http.Header, body []byte) error {
	op := d.Operation(method, u.EscapedPath())
	if op == nil {
		return nil // said of the answer
	}
	for _, p := range op.Parameters {
		if err := p.check(op, u, header); err != nil {
			return fmt.Errorf("%s was carried out: the parameter %s: %w", op, p.Name, err)
		}
	}
	if len(body) == 0 || op.Body == nil {
		if op.BodyRequired && body != nil && len(body) == 0 {
			return fmt.Errorf("%s was carried out without the body that is required", op)
		}
		return nil
	}
	contentType := header.Get("Content-Type")
	if kind, _, _ := mime.ParseMediaType(contentType); kind == "" || strings.HasSuffix(kind, "+json") {
		if _, ok := op.Body["application/json"]; ok {
			contentType = "application/json"
		}
	}
	if op.Public {
		return nil // what senders post is taken as it comes, broken JSON too
	}
	c, media, ok := contentOf(op.Body, contentType)
	if !ok {
		return fmt.Errorf("%s was carried out with the content type %q, which is not declared", op, contentType)
	}
	if err := c.check(media, body); err != nil {
		return fmt.Errorf("%s was carried out: %w: %s", op, err, head(body))
	}
	return nil
}

func (p Parameter) check(op *Operation, u *url.URL, header http.Header) error {
	var values []string
	switch p.In {
	case "query":
		values = u.Query()[p.Name]
	case "header":
		values = header.Values(p.Name)
	case "path":
		given := strings.Split(u.EscapedPath(), "/")
		for i, s := range op.segments {
			if s == "{"+p.Name+"}" {
				value, err := url.PathUnescape(given[i])
				if err != nil {
					return err
				}
				values = []string{value}
			}
		}
	}
	if len(values) == 0 {
		if p.Required {
			return fmt.Errorf("it is required and absent")
		}
		return nil
	}
	if values[0] == "" && p.In != "path" {
		return nil // counts as absent
	}
	return p.Schema.CheckText(values[0])
}

// Check validates a value as [jsonschema.UnmarshalJSON] decodes it.
func (s Schema) Check(v any) error {
	if s.doc == nil {
		return nil
	}
	compiled, err := s.doc.compile(s.at)
	if err != nil {
		return err
	}
	if err := compiled.Validate(v); err != nil {
		return fmt.Errorf("%s", strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return nil
}

// CheckText validates a value that was written as text: of a parameter, or a
// header.
func (s Schema) CheckText(value string) error {
	var v any = value
	switch s.Type() {
	case "integer", "number":
		if _, err := strconv.ParseFloat(value, 64); err == nil {
			v = json.Number(value)
		}
	case "boolean":
		if b, err := strconv.ParseBool(value); err == nil {
			v = b
		}
	}
	return s.Check(v)
}

// Type is the first type of the schema, "" for any.
func (s Schema) Type() string {
	if s.doc == nil {
		return ""
	}
	v, _ := s.doc.follow(s.at)
	switch t := v["type"].(type) {
	case string:
		return t
	case []any:
		return text(t[0])
	}
	return ""
}

// head is the beginning of a body, for a message.
func head(body []byte) string {
	const most = 300
	if len(body) > most {
		return string(body[:most]) + "…"
	}
	return string(body)
}
