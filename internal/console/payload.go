package console

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// payload is the body of a call for people: a tree where it is JSON or a form,
// else the text.
type payload struct {
	Tree node
	Text string // of what is no tree
	Note string // how the tree was found
}

// node is a value of a payload. The names of the steps to it, put together, are
// the JSON Pointer (RFC 6901) that a field mapping names it by. Each node has
// only its own step, so that a page is no more than a few times its payload.
type node struct {
	Step     string
	Name     string // of a member, as JSON; "" in arrays
	Text     string // of a simple value, as JSON
	Kind     string // of a simple value: string, number, word
	Open     string // of an object or an array; "" of a simple value
	Close    string
	Children []node
	// Packed: it was a string that holds JSON, which pointers walk into.
	Packed bool
}

// maxDepth is how deep a payload is shown as a tree; browsers do not nest
// elements much deeper than 500.
const maxDepth = 64

// payloadOf shows a body as the hub understands it: JSON whatever its label
// says, a form by its label, and the JSON in the field "payload" of a form.
func payloadOf(body []byte, contentType string) payload {
	text := strings.TrimSpace(strings.TrimPrefix(strings.ToValidUTF8(string(body), string(utf8.RuneError)), "\ufeff"))
	if tree, ok := treeOf(text); ok && tree.Open != "" {
		return payload{Tree: tree}
	}
	label, _, _ := strings.Cut(contentType, ";")
	if strings.EqualFold(strings.TrimSpace(label), "application/x-www-form-urlencoded") || strings.HasPrefix(text, "payload=") {
		if p, ok := formOf(text); ok {
			return p
		}
	}
	return payload{Text: text}
}

func formOf(text string) (payload, bool) {
	for pair := range strings.SplitSeq(text, "&") {
		if name, _, ok := strings.Cut(pair, "="); !ok || name == "" || strings.ContainsAny(name, " \t\r\n") {
			return payload{}, false // curl labels any text so
		}
	}
	form, err := url.ParseQuery(text)
	if err != nil {
		return payload{}, false
	}
	if tree, ok := treeOf(form.Get("payload")); ok && tree.Open != "" {
		return payload{Tree: tree, Note: textPayloadField}, true
	}
	tree := node{Open: "{", Close: "}"}
	for name := range form {
		child := packed(form.Get(name), 1)
		child.Step, child.Name = name, quoted(name)
		tree.Children = append(tree.Children, child)
	}
	slices.SortFunc(tree.Children, func(a, b node) int { return strings.Compare(a.Step, b.Step) })
	return payload{Tree: tree, Note: textForm}, true
}

// treeOf parses JSON; members stay in their order.
func treeOf(text string) (node, bool) {
	if !json.Valid([]byte(text)) {
		return node{}, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return read(d, 0)
}

// read reads the next value of valid JSON.
func read(d *json.Decoder, depth int) (node, bool) {
	if depth == maxDepth {
		var rest json.RawMessage
		if d.Decode(&rest) != nil {
			return node{}, false
		}
		return node{Text: string(rest), Kind: "word"}, true
	}
	token, err := d.Token()
	if err != nil {
		return node{}, false
	}
	switch v := token.(type) {
	case json.Delim:
		return readInto(d, v, depth)
	case string:
		return packed(v, depth), true
	case json.Number:
		return node{Text: v.String(), Kind: "number"}, true
	case bool:
		return node{Text: strconv.FormatBool(v), Kind: "word"}, true
	default:
		return node{Text: "null", Kind: "word"}, true
	}
}

// readInto reads the rest of an object or an array.
func readInto(d *json.Decoder, open json.Delim, depth int) (node, bool) {
	n := node{Open: "[", Close: "]"}
	if open == '{' {
		n.Open, n.Close = "{", "}"
	}
	for d.More() {
		step, name := strconv.Itoa(len(n.Children)), ""
		if open == '{' {
			token, err := d.Token()
			if err != nil {
				return node{}, false
			}
			step, _ = token.(string)
			name = quoted(step)
		}
		child, ok := read(d, depth+1)
		if !ok {
			return node{}, false
		}
		child.Step, child.Name = step, name
		n.Children = append(n.Children, child)
	}
	_, err := d.Token()
	return n, err == nil
}

// packed is a string, or the JSON that it holds.
func packed(s string, depth int) node {
	if depth < maxDepth && (strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[")) && json.Valid([]byte(s)) {
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		if n, ok := read(d, depth+1); ok {
			n.Packed = true
			return n
		}
	}
	return node{Text: quoted(s), Kind: "string"}
}

// quoted writes a string as JSON, without escaping for HTML.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return strconv.Quote(s)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
