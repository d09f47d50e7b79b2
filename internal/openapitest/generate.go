package openapitest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Generator makes values of schemas, and near misses. The same seed makes the
// same values, as long as Known answers the same. It is owned by one goroutine.
type Generator struct {
	Rand *rand.Rand
	// Known returns a value that is known to be good in a field or parameter of
	// this name, or nil.
	Known func(name string) any
}

// maxDepth bounds the nesting of values.
const maxDepth = 5

// Chance reports true in one of n times.
func (g *Generator) Chance(n int) bool { return g.Rand.IntN(n) == 0 }

// Pick returns one of several values.
func Pick[T any](g *Generator, all []T) T { return all[g.Rand.IntN(len(all))] }

// Body makes a body: often of an example, with some of its fields made anew, or
// else all of them.
func (g *Generator) Body(c Content) any {
	if len(c.Examples) == 0 || g.Chance(3) {
		return g.Value(c.Schema, "")
	}
	names := slices.Sorted(maps.Keys(c.Examples))
	example, ok := copied(c.Examples[Pick(g, names)]).(map[string]any)
	if !ok {
		return g.Value(c.Schema, "")
	}
	g.settle(example)
	made, _ := g.Value(c.Schema, "").(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(example)) {
		if v, ok := made[key]; ok && g.Chance(3) {
			example[key] = v
		} else if g.Chance(8) {
			delete(example, key)
		}
	}
	return example
}

// settle puts what is known in the place of what only the example has.
func (g *Generator) settle(v map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(v)) {
		known := g.Known(key)
		switch old := v[key].(type) {
		case string:
			if known != nil {
				v[key] = known
			}
		case []any:
			if known != nil && len(old) > 0 {
				v[key] = []any{known}
			}
		case map[string]any:
			g.settle(old)
		}
	}
}

// Value makes a value that the schema allows.
func (g *Generator) Value(s Schema, name string) any { return g.value(s, name, 0) }

func (g *Generator) value(s Schema, name string, depth int) any {
	if s.doc == nil {
		return g.anything(depth)
	}
	v, at := s.doc.follow(s.at)
	for _, either := range []string{"anyOf", "oneOf"} {
		if n := len(list(v[either])); n > 0 {
			return g.value(Schema{s.doc, pointer(at, either, fmt.Sprint(g.Rand.IntN(n)))}, name, depth+1)
		}
	}
	if all := list(v["enum"]); len(all) > 0 {
		return Pick(g, all)
	}
	kind := g.kind(v["type"])
	if known := g.Known(name); known != nil && kind == "string" && !g.Chance(4) {
		return known
	}
	switch kind {
	case "string":
		return g.text(v)
	case "integer", "number":
		return g.number(v, kind == "integer")
	case "boolean":
		return g.Chance(2)
	case "null":
		return nil
	case "array":
		return g.array(s.doc, v, at, name, depth)
	case "object":
		return g.object(s.doc, v, at, depth)
	}
	return g.anything(depth)
}

// kind chooses a type; null is rare.
func (g *Generator) kind(v any) string {
	if all := list(v); len(all) > 0 {
		if slices.Contains(all, any("null")) && g.Chance(6) {
			return "null"
		}
		return text(all[0])
	}
	return text(v)
}

func (g *Generator) text(v map[string]any) string {
	switch v["format"] {
	case "uuid":
		return fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", g.Rand.Uint32(), g.Rand.IntN(1<<16), g.Rand.IntN(1<<12), g.Rand.IntN(1<<12), g.Rand.Int64N(1<<48))
	case "date-time":
		return time.Unix(1_700_000_000+g.Rand.Int64N(4e9), 0).UTC().Format(time.RFC3339)
	}
	shortest, longest := whole(v["minLength"], 0), whole(v["maxLength"], 64)
	n := shortest + g.Rand.IntN(min(longest-shortest, 24)+1)
	if g.Chance(10) {
		n = longest
	}
	letters := []rune(Pick(g, []string{"abcdefghijklmnopqrstuvwxyz0123456789-_", "aäß漢字🎉 é*_`~<>&|[]()@#:/\\\"'", "ab c\n\t**_`"}))
	out := make([]rune, n)
	for i := range out {
		out[i] = letters[g.Rand.IntN(len(letters))]
	}
	return string(out)
}

func (g *Generator) number(v map[string]any, integer bool) any {
	low, high := whole(v["minimum"], -5), whole(v["maximum"], 1000)
	if high < low {
		high = low
	}
	n := low + g.Rand.IntN(high-low+1)
	switch g.Rand.IntN(6) {
	case 0:
		n = low
	case 1:
		n = high
	}
	if integer || g.Chance(2) {
		return n
	}
	return float64(n) + 0.5*float64(high-n)/float64(high-low+1)
}

func whole(v any, otherwise int) int {
	n, ok := v.(json.Number)
	if !ok {
		return otherwise
	}
	f, err := n.Float64()
	if err != nil {
		return otherwise
	}
	return int(f)
}

func (g *Generator) array(d *Document, v map[string]any, at, name string, depth int) any {
	n := whole(v["minItems"], 0)
	if depth < maxDepth {
		n += g.Rand.IntN(3)
	}
	out := make([]any, 0, n)
	for range min(n, whole(v["maxItems"], n)) {
		out = append(out, g.value(Schema{d, pointer(at, "items")}, name, depth+1))
	}
	return out
}

func (g *Generator) object(d *Document, v map[string]any, at string, depth int) any {
	out := make(map[string]any)
	properties := object(v["properties"])
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(list(v["required"]), any(name)) || depth < maxDepth && g.Chance(2) {
			out[name] = g.value(Schema{d, pointer(at, "properties", name)}, name, depth+1)
		}
	}
	if more, ok := v["additionalProperties"]; ok && more != false && len(properties) == 0 {
		for range g.Rand.IntN(3) {
			if _, described := more.(map[string]any); described {
				out[g.text(nil)] = g.value(Schema{d, pointer(at, "additionalProperties")}, "", depth+1)
			} else {
				out[g.text(nil)] = g.anything(depth + 1)
			}
		}
	}
	return out
}

// anything makes some JSON.
func (g *Generator) anything(depth int) any {
	n := 7
	if depth >= maxDepth {
		n = 5
	}
	switch g.Rand.IntN(n) {
	case 0:
		return nil
	case 1:
		return g.Chance(2)
	case 2:
		return g.Rand.IntN(1000) - 500
	case 3:
		return g.Rand.Float64() * 1000
	case 4:
		return g.text(nil)
	case 5:
		out := make([]any, g.Rand.IntN(3))
		for i := range out {
			out[i] = g.anything(depth + 1)
		}
		return out
	}
	out := make(map[string]any)
	for range g.Rand.IntN(3) {
		out[g.text(nil)] = g.anything(depth + 1)
	}
	return out
}

// odd are values that programs stumble over.
var odd = []any{
	nil, true, false, 0, -1, 1, 1.5, 1 << 31, 1 << 53, -1 << 63, 1e308, "", " ", "0", "null",
	"\x00", "a\x00b", "\u202e\u2066abc", "👩‍👩‍👧‍👦", "é", "\ufeff",
	"\uffff", "../../etc/passwd", "%00", "' OR 1=1 --", "<script>alert(1)</script>", "{{7*7}}", "${x}", "\r\nX-Injected: 1", "2026-02-30T00:00:00Z",
	"9999-12-31T23:59:59.999999999-23:59", "0000-00-00T00:00:00Z",
	[]any{},
	map[string]any{},
	[]any{nil},
	map[string]any{"": nil},
	json.Number("1e400"),
	json.Number("123456789012345678901234567890"), json.Number("-0"), json.Number("0.1e-400"),
}

// Near returns a value with one thing changed, which may make it wrong: another
// type, a boundary, a field too many or too few, something huge.
func (g *Generator) Near(v any) any {
	v = copied(v)
	switch t := v.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(t))
		switch {
		case len(keys) == 0 || g.Chance(8):
			t[Pick(g, []string{"x", "", "id", "__proto__", "Name", g.text(nil)})] = Pick(g, odd)
		case g.Chance(6):
			delete(t, Pick(g, keys))
		default:
			key := Pick(g, keys)
			t[key] = g.Near(t[key])
		}
		if g.Chance(30) {
			return Pick(g, odd)
		}
		return t
	case []any:
		switch {
		case len(t) == 0 || g.Chance(4):
			return append(t, Pick(g, odd))
		case g.Chance(6):
			for len(t) < 2000 {
				t = append(t, t[0])
			}
			return t
		}
		i := g.Rand.IntN(len(t))
		t[i] = g.Near(t[i])
		return t
	case string:
		switch g.Rand.IntN(6) {
		case 0:
			return strings.Repeat(t+"x", 1+g.Rand.IntN(1+20_000/(len(t)+1)))
		case 1:
			return t + fmt.Sprint(Pick(g, odd))
		case 2:
			return t[:g.Rand.IntN(len(t)+1)]
		case 3:
			return deep(g.Rand.IntN(120))
		}
	}
	return Pick(g, odd)
}

// deep is an array in an array, n times.
func deep(n int) any {
	var v any
	for range n {
		v = []any{v}
	}
	return v
}

// copied is a deep copy.
func copied(v any) any {
	switch t := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(t))
		for key, e := range t {
			out[key] = copied(e)
		}
		return out
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			out[i] = copied(e)
		}
		return out
	}
	return v
}
