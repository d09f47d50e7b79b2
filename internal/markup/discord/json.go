package discord

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object whose members may have any type: senders write
// numbers where Discord documents strings, and the other way round.
type object map[string]any

var errNotObject = errors.New("discord: message is not a JSON object")

func decodeObject(data []byte) (object, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var o object
	if err := dec.Decode(&o); err != nil {
		return nil, fmt.Errorf("discord: decode message: %w", err)
	}
	if o == nil {
		return nil, errNotObject
	}
	return o, nil
}

// str returns the first of the members that is a text, a number or a truth
// value, as text.
func (o object) str(names ...string) string {
	for _, name := range names {
		switch v := o[name].(type) {
		case string:
			if v != "" {
				return v
			}
		case json.Number:
			return v.String()
		case bool:
			return strconv.FormatBool(v)
		}
	}
	return ""
}

func (o object) is(name string) bool {
	v, err := strconv.ParseBool(o.str(name))
	return err == nil && v
}

// number returns a member that is a whole number, also one such as 1.0 or "1".
func (o object) number(name string) int {
	f, err := strconv.ParseFloat(o.str(name), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0
	}
	return int(f)
}

// has reports whether the member is there and is not null.
func (o object) has(name string) bool { return o[name] != nil }

func (o object) object(name string) object {
	m, _ := o[name].(map[string]any)
	return m
}

// list returns the objects of a list. A single object counts as a list of one.
func (o object) list(name string) []object {
	switch v := o[name].(type) {
	case map[string]any:
		return []object{v}
	case []any:
		out := make([]object, 0, len(v))
		for _, item := range v {
			if m, ok := item.(map[string]any); ok {
				out = append(out, m)
			}
		}
		return out
	}
	return nil
}

// timeLayouts are how senders write times, the documented one first. Those
// without a zone are meant in UTC.
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateTime, time.DateOnly}

func parseTime(s string) (time.Time, bool) {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
