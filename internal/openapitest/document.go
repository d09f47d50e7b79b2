package openapitest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Document is an OpenAPI 3.1 document. It is safe for concurrent use.
type Document struct {
	root       map[string]any
	operations []*Operation

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema // by pointer
}

// Operation is one method of one path.
type Operation struct {
	ID, Method, Path string
	// Public: it is answered without a token.
	Public     bool
	Parameters []Parameter
	// Body is the content of the request by media type, nil for none.
	Body         map[string]Content
	BodyRequired bool
	Responses    map[int]Response

	segments []string
}

// Parameter is what a request says beside its body.
type Parameter struct {
	Name, In string
	Required bool
	Example  any
	Schema   Schema
}

// Content is a body of one media type.
type Content struct {
	Schema Schema
	// Examples are by their names; the only one of a body that has no names is "".
	Examples map[string]any
}

// Response is an answer with one status.
type Response struct {
	Content map[string]Content
	Headers map[string]Header // by canonical name
}

// Header is a header of an answer.
type Header struct {
	Required bool
	Schema   Schema
}

// Schema is a schema of the document; the zero value allows everything.
type Schema struct {
	doc *Document
	at  string // JSON pointer
}

// name is what the compiler knows the document by.
const name = "openapi.json"

// Parse reads a document. Every schema and reference in it must be good.
func Parse(text []byte) (*Document, error) {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("the description is not JSON: %w", err)
	}
	root, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the description is not an object")
	}
	d := &Document{root: root, compiler: jsonschema.NewCompiler(), compiled: make(map[string]*jsonschema.Schema)}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(name, root); err != nil {
		return nil, err
	}
	paths := object(root["paths"])
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for _, method := range slices.Sorted(maps.Keys(object(paths[path]))) {
			if err := d.add(path, method); err != nil {
				return nil, fmt.Errorf("%s %s: %w", strings.ToUpper(method), path, err)
			}
		}
	}
	for _, component := range slices.Sorted(maps.Keys(object(object(root["components"])["schemas"]))) {
		if _, err := d.compile(pointer("", "components", "schemas", component)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *Document) add(path, method string) error {
	at := pointer("", "paths", path, method)
	v, at := d.follow(at)
	op := &Operation{
		ID: text(v["operationId"]), Method: strings.ToUpper(method), Path: path, Responses: make(map[int]Response), segments: strings.Split(path, "/"),
	}
	for _, s := range list(v["security"]) {
		op.Public = op.Public || len(object(s)) == 0
	}
	for i := range list(v["parameters"]) {
		p, at := d.follow(pointer(at, "parameters", fmt.Sprint(i)))
		example := p["example"]
		if all := list(object(p["schema"])["examples"]); example == nil && len(all) > 0 {
			example = all[0]
		}
		op.Parameters = append(op.Parameters, Parameter{
			Name: text(p["name"]), In: text(p["in"]), Required: p["required"] == true, Example: example, Schema: d.schema(p, at),
		})
	}
	if v["requestBody"] != nil {
		b, at := d.follow(pointer(at, "requestBody"))
		op.Body, op.BodyRequired = d.content(b, at), b["required"] == true
	}
	for status := range object(v["responses"]) {
		r, at := d.follow(pointer(at, "responses", status))
		out := Response{Content: d.content(r, at), Headers: make(map[string]Header)}
		for name := range object(r["headers"]) {
			h, at := d.follow(pointer(at, "headers", name))
			out.Headers[http.CanonicalHeaderKey(name)] = Header{Required: h["required"] == true, Schema: d.schema(h, at)}
		}
		n := 0
		if _, err := fmt.Sscanf(status, "%d", &n); err != nil || n < 200 || n > 599 {
			return fmt.Errorf("status %q: every status is to be declared by itself", status)
		}
		op.Responses[n] = out
	}
	d.operations = append(d.operations, op)
	return d.compileAll(op)
}

func (d *Document) compileAll(op *Operation) error {
	var all []Schema
	contents := []map[string]Content{op.Body}
	for _, p := range op.Parameters {
		all = append(all, p.Schema)
	}
	for _, r := range op.Responses {
		contents = append(contents, r.Content)
		for _, h := range r.Headers {
			all = append(all, h.Schema)
		}
	}
	for _, c := range contents {
		for _, m := range c {
			all = append(all, m.Schema)
		}
	}
	for _, s := range all {
		if s.doc == nil {
			continue
		}
		if _, err := d.compile(s.at); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) schema(holder map[string]any, at string) Schema {
	if holder["schema"] == nil {
		return Schema{}
	}
	return Schema{d, pointer(at, "schema")}
}

func (d *Document) content(holder map[string]any, at string) map[string]Content {
	all := object(holder["content"])
	if len(all) == 0 {
		return nil
	}
	out := make(map[string]Content, len(all))
	for media := range all {
		m, at := d.follow(pointer(at, "content", media))
		c := Content{Schema: d.schema(m, at), Examples: make(map[string]any)}
		if e, ok := m["example"]; ok {
			c.Examples[""] = e
		}
		for name := range object(m["examples"]) {
			e, _ := d.follow(pointer(at, "examples", name))
			c.Examples[name] = e["value"]
		}
		out[media] = c
	}
	return out
}

// Operations returns all operations, in the order of path and method.
func (d *Document) Operations() []*Operation { return d.operations }

// Operation finds the operation of a request, as a mux would: what is literal
// goes before what is a parameter. path is escaped, as it is sent. nil: none.
func (d *Document) Operation(method, path string) *Operation {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	given := strings.Split(strings.TrimSuffix(path, "/"), "/")
	var best *Operation
	for _, op := range d.operations {
		if op.Method == method && op.matches(given) && (best == nil || op.moreLiteral(best)) {
			best = op
		}
	}
	return best
}

func (op *Operation) matches(given []string) bool {
	if len(given) != len(op.segments) {
		return false
	}
	for i, want := range op.segments {
		if isParameter(want) {
			if given[i] == "" {
				return false
			}
			continue
		}
		if got, err := url.PathUnescape(given[i]); err != nil || got != want {
			return false
		}
	}
	return true
}

// moreLiteral compares operations that match the same path.
func (op *Operation) moreLiteral(other *Operation) bool {
	for i, s := range op.segments {
		if a, b := isParameter(s), isParameter(other.segments[i]); a != b {
			return b
		}
	}
	return false
}

func isParameter(segment string) bool { return strings.HasPrefix(segment, "{") }

// follow returns what is at a pointer, and where it is: references are followed.
func (d *Document) follow(at string) (map[string]any, string) {
	for range 16 {
		v := object(d.at(at))
		ref, ok := v["$ref"].(string)
		if !ok {
			return v, at
		}
		at = strings.TrimPrefix(ref, "#")
	}
	return nil, at
}

func (d *Document) at(at string) any {
	var v any = d.root
	for part := range strings.SplitSeq(strings.TrimPrefix(at, "/"), "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch holder := v.(type) {
		case map[string]any:
			v = holder[part]
		case []any:
			i := -1
			if _, err := fmt.Sscanf(part, "%d", &i); err != nil || i < 0 || i >= len(holder) {
				return nil
			}
			v = holder[i]
		default:
			return nil
		}
	}
	return v
}

// compile returns the compiled schema at a pointer.
func (d *Document) compile(at string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.compiled[at]; s != nil {
		return s, nil
	}
	parts := strings.Split(at, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	s, err := d.compiler.Compile(name + "#" + strings.Join(parts, "/"))
	if err != nil {
		return nil, fmt.Errorf("the schema at %s: %w", at, err)
	}
	d.compiled[at] = s
	return s, nil
}

// pointer appends parts to a JSON pointer.
func pointer(at string, parts ...string) string {
	for _, p := range parts {
		at += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(p)
	}
	return at
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
