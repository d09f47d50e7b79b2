package dialecttest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Contract is a product's own description of its API (OpenAPI 3.1).
type Contract struct{ root any }

// LoadContract reads a description, named by its path below the folder of
// contracts, which is beside that of [Fixtures]. It skips the test when that is
// absent.
func LoadContract(t *testing.T, name string) *Contract {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(Folder(t), "..", "contracts", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	var c Contract
	if err := json.Unmarshal(data, &c.root); err != nil {
		t.Fatal(err)
	}
	return &c
}

// Check holds a JSON value to a schema, named by a pointer into the description:
// types, required members and constants. Patterns are not looked at, because
// the ids in our answers are the hub's.
func (c *Contract) Check(t *testing.T, pointer string, value []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(value, &v); err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	if problems := c.problems("", c.at(pointer), v); len(problems) > 0 {
		t.Errorf("not as %s has it:\n%s\nin %s", pointer, strings.Join(problems, "\n"), value)
	}
}

func (c *Contract) at(pointer string) any {
	v := c.root
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "#/"), "/") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")]
	}
	return v
}

func (c *Contract) problems(at string, schema, value any) (out []string) {
	s, ok := schema.(map[string]any)
	if !ok {
		return []string{at + ": the description has no such schema"}
	}
	if ref, ok := s["$ref"].(string); ok {
		return c.problems(at, c.at(ref), value)
	}
	for _, part := range list(s["allOf"]) {
		out = append(out, c.problems(at, part, value)...)
	}
	for _, choice := range []string{"oneOf", "anyOf"} {
		if parts := list(s[choice]); parts != nil && !slices.ContainsFunc(parts, func(part any) bool {
			return len(c.problems(at, part, value)) == 0
		}) {
			out = append(out, at+": is none of "+choice)
		}
	}
	if !isOf(s["type"], value) {
		return append(out, fmt.Sprintf("%s: %T, want %v", at, value, s["type"]))
	}
	if constants := list(s["enum"]); constants != nil && !slices.Contains(constants, value) {
		out = append(out, fmt.Sprintf("%s: %v, want one of %v", at, value, constants))
	}
	return append(out, c.inside(at, s, value)...)
}

func (c *Contract) inside(at string, schema map[string]any, value any) (out []string) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range list(schema["required"]) {
			if _, ok := value[name.(string)]; !ok {
				out = append(out, fmt.Sprintf("%s/%s: missing", at, name))
			}
		}
		properties, _ := schema["properties"].(map[string]any)
		for name, member := range value {
			if property, ok := properties[name]; ok {
				out = append(out, c.problems(at+"/"+name, property, member)...)
			}
		}
	case []any:
		for i, element := range value {
			if items, ok := schema["items"]; ok {
				out = append(out, c.problems(fmt.Sprintf("%s/%d", at, i), items, element)...)
			}
		}
	}
	return out
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// isOf reports whether a value is of a type, or of one of several.
func isOf(types, value any) bool {
	if types == nil {
		return true
	}
	names := list(types)
	if names == nil {
		names = []any{types}
	}
	return slices.ContainsFunc(names, func(name any) bool {
		switch value := value.(type) {
		case nil:
			return name == "null"
		case bool:
			return name == "boolean"
		case string:
			return name == "string"
		case float64:
			return name == "number" || name == "integer" && value == float64(int64(value))
		case []any:
			return name == "array"
		case map[string]any:
			return name == "object"
		}
		return false
	})
}
