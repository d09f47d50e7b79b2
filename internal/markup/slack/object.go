package slack

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object as senders write them: numbers and booleans where
// there should be strings and the other way round, null for nothing, and one
// thing where there should be a list.
type object map[string]any

// decode reads one JSON value and keeps its numbers as they are written.
func decode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// asObject returns v as an object; nil when it is none.
func asObject(v any) object {
	switch v := v.(type) {
	case map[string]any:
		return v
	case object:
		return v
	}
	return nil
}

// asString returns a string, number or boolean as text.
func asString(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (o object) str(name string) string { return asString(o[name]) }

// first returns the first of the names that is there.
func (o object) first(names ...string) string {
	for _, name := range names {
		if s := o.str(name); s != "" {
			return s
		}
	}
	return ""
}

func (o object) object(name string) object { return asObject(o[name]) }

// list returns the elements of a list, also of one that is JSON in a string,
// as forms have it.
func (o object) list(name string) []any {
	v := o[name]
	if s, ok := v.(string); ok && strings.HasPrefix(strings.TrimSpace(s), "[") {
		if decoded, err := decode([]byte(s)); err == nil {
			v = decoded
		}
	}
	switch v := v.(type) {
	case []any:
		return v
	case map[string]any:
		return []any{v}
	}
	return nil
}

// objects returns the elements of a list that are objects.
func (o object) objects(name string) []object {
	list := o.list(name)
	out := make([]object, 0, len(list))
	for _, v := range list {
		if e := asObject(v); e != nil {
			out = append(out, e)
		}
	}
	return out
}

// stringsOf returns the strings of a list, or the one that is there instead.
func stringsOf(v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []string
	for _, e := range list {
		if s := asString(e); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// flag returns a boolean; what is neither true nor false is otherwise.
func (o object) flag(name string, otherwise bool) bool {
	switch strings.ToLower(o.str(name)) {
	case "true", "1", "yes":
		return true
	case "false", "0", "no":
		return false
	}
	return otherwise
}

// number returns a whole number; 0 when there is none.
func (o object) number(name string) int {
	f, err := strconv.ParseFloat(o.str(name), 64)
	if err != nil || f < -1e9 || f > 1e9 {
		return 0
	}
	return int(f)
}

// unix returns the seconds of a time, which may have a fraction.
func (o object) unix(name string) (int64, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(o.str(name)), 64)
	const longest = 1e12
	if err != nil || f < -longest || f > longest {
		return 0, false
	}
	return int64(f), true
}

// time returns a time; the zero one when there is none.
func (o object) time(name string) time.Time {
	seconds, ok := o.unix(name)
	if !ok || seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
