package hub

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// Filter is a small predicate over an event's data, written as JSON:
//
//	{"all": [{"field": "channel.name", "in": ["ops", "alerts"]},
//	         {"not": {"field": "message.content", "contains": "test"}}]}
//
// A node is either a combination (exactly one of All, Any, Not) or a test of
// one field (Field with exactly one operator). A field that is absent fails
// every test but exists=false and notEquals.
type Filter struct {
	All []Filter `json:"all,omitempty"`
	Any []Filter `json:"any,omitempty"`
	Not *Filter  `json:"not,omitempty"`

	// Field is a dotted path into the data; a number selects from an array:
	// "message.attachments.0.mimeType".
	Field       string            `json:"field,omitempty"`
	Equals      json.RawMessage   `json:"equals,omitempty"`
	NotEquals   json.RawMessage   `json:"notEquals,omitempty"`
	In          []json.RawMessage `json:"in,omitempty"`
	Contains    *string           `json:"contains,omitempty"` // substring of a string, or element of an array
	StartsWith  *string           `json:"startsWith,omitempty"`
	EndsWith    *string           `json:"endsWith,omitempty"`
	Pattern     *string           `json:"matches,omitempty"` // RE2 expression
	GreaterThan *float64          `json:"greaterThan,omitempty"`
	LessThan    *float64          `json:"lessThan,omitempty"`
	Exists      *bool             `json:"exists,omitempty"`

	test func(v any, present bool) bool
}

// Limits of a filter, so that matching stays cheap.
const (
	maxFilterDepth = 8
	maxFilterNodes = 64
	maxFilterText  = 1024
)

// Compile checks the filter and prepares it; Matches may be called only after
// a successful Compile. field names the filter in error messages.
func (f *Filter) Compile(field string) error {
	var errs FieldErrors
	nodes := 0
	f.compile(field, 1, &nodes, &errs)
	return errs.Err()
}

func (f *Filter) compile(path string, depth int, nodes *int, errs *FieldErrors) {
	*nodes++
	if *nodes > maxFilterNodes || depth > maxFilterDepth {
		if *nodes == maxFilterNodes+1 || depth == maxFilterDepth+1 {
			errs.Add(path, "a filter has at most %d conditions and %d levels", maxFilterNodes, maxFilterDepth)
		}
		return
	}
	tests := f.tests()
	combos := 0
	for _, set := range []bool{f.All != nil, f.Any != nil, f.Not != nil} {
		if set {
			combos++
		}
	}
	switch {
	case combos == 0 && f.Field == "":
		errs.Add(path, "needs all, any, not, or field with one operator")
	case f.All != nil && len(f.All) == 0 || f.Any != nil && len(f.Any) == 0:
		errs.Add(path, "needs at least one condition")
	case combos > 1 || combos == 1 && (f.Field != "" || len(tests) > 0):
		errs.Add(path, "must have exactly one of all, any, not or field")
	case combos == 0 && len(tests) != 1:
		errs.Add(path, "needs exactly one operator: equals, notEquals, in, contains, startsWith, endsWith, matches, "+
			"greaterThan, lessThan or exists")
	case combos == 0:
		if len(f.Field) > maxFilterText {
			errs.Add(path+".field", "at most %d characters", maxFilterText)
			return
		}
		test, err := tests[0]()
		if err != nil {
			errs.Add(path, "%s", err)
			return
		}
		f.test = test
	}
	for i := range f.All {
		f.All[i].compile(fmt.Sprintf("%s.all[%d]", path, i), depth+1, nodes, errs)
	}
	for i := range f.Any {
		f.Any[i].compile(fmt.Sprintf("%s.any[%d]", path, i), depth+1, nodes, errs)
	}
	if f.Not != nil {
		f.Not.compile(path+".not", depth+1, nodes, errs)
	}
}

type filterTest = func(v any, present bool) bool

// tests returns a builder for each operator that is set.
func (f *Filter) tests() []func() (filterTest, error) {
	var out []func() (filterTest, error)
	add := func(set bool, build func() (filterTest, error)) {
		if set {
			out = append(out, build)
		}
	}
	text := func(s *string, holds func(v, s string) bool) func() (filterTest, error) {
		return func() (filterTest, error) {
			if len(*s) > maxFilterText {
				return nil, fmt.Errorf("text of at most %d bytes", maxFilterText)
			}
			return func(v any, _ bool) bool {
				str, ok := v.(string)
				return ok && holds(str, *s)
			}, nil
		}
	}
	number := func(limit *float64, holds func(v, limit float64) bool) func() (filterTest, error) {
		return func() (filterTest, error) {
			return func(v any, _ bool) bool {
				n, ok := v.(decimal)
				return ok && holds(n.float(), *limit)
			}, nil
		}
	}
	add(f.Equals != nil, func() (filterTest, error) { return equalTest([]json.RawMessage{f.Equals}) })
	add(f.In != nil, func() (filterTest, error) {
		if len(f.In) == 0 {
			return nil, fmt.Errorf("in needs at least one value")
		}
		return equalTest(f.In)
	})
	add(f.NotEquals != nil, func() (filterTest, error) {
		equal, err := equalTest([]json.RawMessage{f.NotEquals})
		return func(v any, present bool) bool { return !equal(v, present) }, err
	})
	add(f.Contains != nil, func() (filterTest, error) {
		if len(*f.Contains) > maxFilterText {
			return nil, fmt.Errorf("text of at most %d bytes", maxFilterText)
		}
		return containsTest(*f.Contains), nil
	})
	add(f.StartsWith != nil, text(f.StartsWith, strings.HasPrefix))
	add(f.EndsWith != nil, text(f.EndsWith, strings.HasSuffix))
	add(f.Pattern != nil, func() (filterTest, error) {
		if len(*f.Pattern) > maxFilterText {
			return nil, fmt.Errorf("expression of at most %d bytes", maxFilterText)
		}
		re, err := regexp.Compile(*f.Pattern)
		if err != nil {
			return nil, fmt.Errorf("matches is not a valid RE2 expression")
		}
		return func(v any, _ bool) bool {
			s, ok := v.(string)
			return ok && re.MatchString(s)
		}, nil
	})
	add(f.GreaterThan != nil, number(f.GreaterThan, func(v, limit float64) bool { return v > limit }))
	add(f.LessThan != nil, number(f.LessThan, func(v, limit float64) bool { return v < limit }))
	add(f.Exists != nil, func() (filterTest, error) {
		return func(_ any, present bool) bool { return present == *f.Exists }, nil
	})
	return out
}

func equalTest(raw []json.RawMessage) (filterTest, error) {
	want := make([]any, len(raw))
	for i, r := range raw {
		if !json.Valid(r) {
			return nil, fmt.Errorf("not a JSON value")
		}
		want[i] = FilterData(r)
	}
	return func(v any, present bool) bool {
		for _, w := range want {
			if present && reflect.DeepEqual(v, w) {
				return true
			}
		}
		return false
	}, nil
}

func containsTest(s string) filterTest {
	return func(v any, _ bool) bool {
		switch v := v.(type) {
		case string:
			return strings.Contains(v, s)
		case []any:
			for _, e := range v {
				if e == s {
					return true
				}
			}
		}
		return false
	}
}

// Matches reports whether data, as decoded by [FilterData], satisfies the filter.
func (f *Filter) Matches(data any) bool {
	switch {
	case f.Not != nil:
		return !f.Not.Matches(data)
	case f.All != nil:
		for i := range f.All {
			if !f.All[i].Matches(data) {
				return false
			}
		}
		return true
	case f.Any != nil:
		for i := range f.Any {
			if f.Any[i].Matches(data) {
				return true
			}
		}
		return false
	case f.test == nil: // not compiled: match nothing rather than everything
		return false
	}
	v, ok := lookup(data, f.Field)
	return f.test(v, ok)
}

func lookup(data any, path string) (any, bool) {
	for part := range strings.SplitSeq(path, ".") {
		switch node := data.(type) {
		case map[string]any:
			v, ok := node[part]
			if !ok {
				return nil, false
			}
			data = v
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(node) {
				return nil, false
			}
			data = node[i]
		default:
			return nil, false
		}
	}
	return data, true
}
