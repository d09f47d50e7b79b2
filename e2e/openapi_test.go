package e2e

import (
	"encoding/json"
	"slices"
	"strings"
)

// operation is one of the calls that /openapi.json describes.
type operation struct {
	Method, Path string
	Media        string // content type of its body, "" for none
	Schema       schema // of a JSON body
}

func (o operation) String() string { return o.Method + " " + o.Path }

// schema is the part of JSON Schema that the tests look at.
type schema struct {
	Ref        string `json:"$ref"`
	Properties map[string]schema
	Required   []string
}

// describedOperations reads what the hub says of its API.
func (p *process) describedOperations() []operation {
	p.t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Schema schema }
			}
		}
		Components struct{ Schemas map[string]schema }
	}
	a, err := p.do("GET", "/openapi.json", anonymous(), nil)
	if err != nil || json.Unmarshal(a.Body, &doc) != nil {
		p.t.Fatalf("/openapi.json: %v %d", err, a.Status)
	}
	var all []operation
	for path, methods := range doc.Paths {
		for method, described := range methods {
			o := operation{Method: strings.ToUpper(method), Path: path}
			for media, content := range described.RequestBody.Content {
				if o.Media != "application/json" { // goes before the others
					o.Media, o.Schema = media, content.Schema
				}
			}
			if name, ok := strings.CutPrefix(o.Schema.Ref, "#/components/schemas/"); ok {
				o.Schema = doc.Components.Schemas[name]
			}
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// describes reports whether a request is one of this operation.
func (o operation) describes(method, path string) bool {
	path, _, _ = strings.Cut(path, "?")
	want, got := strings.Split(o.Path, "/"), strings.Split(path, "/")
	if o.Method != method || len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}

// operationOf finds the operation of a request; a path without parameters goes
// before one with.
func operationOf(all []operation, method, path string) (operation, bool) {
	var found []operation
	for _, o := range all {
		if o.describes(method, path) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b operation) int { return strings.Count(a.Path, "{") - strings.Count(b.Path, "{") })
	if len(found) == 0 {
		return operation{}, false
	}
	return found[0], true
}
