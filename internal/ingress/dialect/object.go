package dialect

import "encoding/json"

// Whole returns the body as one JSON object, for readers of a product's own
// messages: the fields of a form are its members. nil when there are no fields.
func (r *Request) Whole() []byte {
	switch {
	case r.JSON.IsObject():
		return r.JSON
	case r.Fields == nil:
		return nil
	}
	members := make(map[string]json.RawMessage, len(r.Fields))
	for _, m := range r.Fields {
		members[m.name] = json.RawMessage(m.value)
	}
	b, err := json.Marshal(members)
	if err != nil { // every value was found valid
		return nil
	}
	return b
}
