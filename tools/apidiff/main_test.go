package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// released is the description of the last release.
const released = "../../internal/api/testdata/released.json"

type object = map[string]any

// document is a description that is being changed.
type document struct{ root object }

func (d document) at(path ...string) object {
	v := d.root
	for _, p := range path {
		next, ok := v[p].(object)
		if !ok {
			panic("there is no " + strings.Join(path, " "))
		}
		v = next
	}
	return v
}

func (d document) operation(method, path string) object { return d.at("paths", path, method) }

func (d document) schema(name string) object { return d.at("components", "schemas", name) }

func (d document) field(schema, name string) object {
	return d.at("components", "schemas", schema, "properties", name)
}

func (d document) parameter(method, path, name string) object {
	for _, p := range d.operation(method, path)["parameters"].([]any) {
		if p.(object)["name"] == name {
			return p.(object)
		}
	}
	panic("there is no parameter " + name)
}

func (d document) addParameter(method, path string, p object) {
	op := d.operation(method, path)
	op["parameters"] = append(op["parameters"].([]any), p)
}

func require(schema object, names ...string) {
	all, _ := schema["required"].([]any)
	for _, n := range names {
		all = append(all, n)
	}
	schema["required"] = all
}

func release(schema object, name string) {
	all, _ := schema["required"].([]any)
	schema["required"] = slices.DeleteFunc(slices.Clone(all), func(v any) bool { return v == name })
}

func without(values any, value string) []any {
	return slices.DeleteFunc(slices.Clone(values.([]any)), func(v any) bool { return v == value })
}

// changes are made to the description of the last release, each by itself.
var changes = []struct {
	name   string
	change func(document)
	want   string // id of what it is found to be; "": it breaks nobody
}{
	{"nothing", func(document) {}, ""},
	{"an operation is removed", func(d document) { delete(d.at("paths", "/api/channels"), "post") }, "api-removed-without-deprecation"},
	{"a path is removed", func(d document) { delete(d.at("paths"), "/api/search") }, "api-path-removed-without-deprecation"},
	{"a path is renamed", func(d document) {
		d.at("paths")["/api/find"] = d.at("paths", "/api/search")
		delete(d.at("paths"), "/api/search")
	}, "api-path-removed-without-deprecation"},
	{"an operation is renamed", func(d document) { d.operation("get", "/api/search")["operationId"] = "find" }, "api-operation-id-removed"},
	{"a parameter is removed", func(d document) {
		op := d.operation("get", "/api/deliveries")
		op["parameters"] = op["parameters"].([]any)[:2]
	}, "request-parameter-removed"},
	{"a parameter is renamed", func(d document) { d.parameter("get", "/api/deliveries", "status")["name"] = "state" }, "request-parameter-removed"},
	{"a required parameter is new", func(d document) {
		d.addParameter("get", "/api/channels", object{"name": "x", "in": "query", "required": true, "schema": object{"type": "string"}})
	}, "new-required-request-parameter"},
	{"a parameter becomes required", func(d document) { d.parameter("get", "/api/deliveries", "status")["required"] = true }, "request-parameter-became-required"},
	{"a parameter's type changes", func(d document) {
		d.parameter("get", "/api/deliveries", "webhookId")["schema"] = object{"type": "integer"}
	}, "request-parameter-type-changed"},
	{"a parameter takes fewer values", func(d document) {
		s := d.parameter("get", "/api/deliveries", "status")["schema"].(object)
		s["enum"] = without(s["enum"], "held")
	}, "request-parameter-enum-value-removed"},
	{"a parameter's maximum falls", func(d document) { d.parameter("get", "/api/channels", "limit")["schema"].(object)["maximum"] = 100 }, "request-parameter-max-decreased"},
	{"a parameter's length falls", func(d document) { d.parameter("get", "/api/channels", "cursor")["schema"].(object)["maxLength"] = 10 }, "request-parameter-max-length-decreased"},
	{"a parameter's default changes", func(d document) { d.parameter("get", "/api/channels", "limit")["schema"].(object)["default"] = 10 }, "request-parameter-default-value-changed"},
	{"the status of success changes", func(d document) {
		r := d.operation("post", "/api/channels")["responses"].(object)
		r["200"] = r["201"]
		delete(r, "201")
	}, "response-success-status-removed"},
	{"a status of refusal is removed", func(d document) { delete(d.operation("post", "/api/channels")["responses"].(object), "409") }, "response-non-success-status-removed"},
	{"a field of an answer is removed", func(d document) {
		delete(d.schema("Channel")["properties"].(object), "topic")
		release(d.schema("Channel"), "topic")
	}, "response-required-property-removed"},
	{"an optional field of an answer is removed", func(d document) { delete(d.schema("Channel")["properties"].(object), "archivedAt") }, "response-optional-property-removed"},
	{"a field of an answer is renamed", func(d document) {
		p := d.schema("Channel")["properties"].(object)
		p["subject"] = p["topic"]
		delete(p, "topic")
		release(d.schema("Channel"), "topic")
	}, "response-required-property-removed"},
	{"a field of an answer may be absent", func(d document) { release(d.schema("Channel"), "topic") }, "response-property-became-optional"},
	{"a field of an answer may be null", func(d document) { d.field("Channel", "topic")["type"] = []any{"string", "null"} }, "response-property-became-nullable"},
	{"the type of a field of an answer changes", func(d document) { d.field("Channel", "memberCount")["type"] = "string" }, "response-property-type-changed"},
	{"a field of an answer has new values", func(d document) {
		f := d.field("Delivery", "status")
		f["enum"] = append(slices.Clone(f["enum"].([]any)), "lost")
	}, "response-property-enum-value-added"},
	{"a header of an answer is removed", func(d document) {
		delete(d.operation("get", "/api/channels/{id}")["responses"].(object)["200"].(object)["headers"].(object), "ETag")
	}, "required-response-header-removed"},
	{"an optional header of an answer is removed", func(d document) {
		delete(d.operation("post", "/api/channels")["responses"].(object)["201"].(object)["headers"].(object), "Idempotent-Replayed")
	}, "optional-response-header-removed"},
	{"an answer's media type changes", func(d document) {
		c := d.operation("get", "/api/channels")["responses"].(object)["200"].(object)["content"].(object)
		c["application/xml"] = c["application/json"]
		delete(c, "application/json")
	}, "response-media-type-removed"},
	{"a required field of a request is new", func(d document) {
		d.schema("ChannelCreate")["properties"].(object)["team"] = object{"type": "string"}
		require(d.schema("ChannelCreate"), "team")
	}, "new-required-request-property"},
	{"a field of a request becomes required", func(d document) { require(d.schema("ChannelCreate"), "topic") }, "request-property-became-required"},
	{"a field of a request is removed", func(d document) { delete(d.schema("ChannelCreate")["properties"].(object), "topic") }, "request-property-removed"},
	{"the type of a field of a request changes", func(d document) { d.field("TokenCreate", "name")["type"] = "integer" }, "request-property-type-changed"},
	{"a field of a request takes fewer values", func(d document) {
		f := d.field("ChannelCreate", "type")
		f["enum"] = without(f["enum"], "private")
	}, "request-property-enum-value-removed"},
	{"a field of a request may not be null any more", func(d document) { d.field("ChannelPatch", "topic")["type"] = "string" }, "request-property-became-not-nullable"},
	{"a field of a request may be less long", func(d document) { d.field("ChannelCreate", "topic")["maxLength"] = 10 }, "request-property-max-length-decreased"},
	{"a field of a request must be longer", func(d document) { d.field("ChannelCreate", "name")["minLength"] = 5 }, "request-property-min-length-increased"},
	{"a field of a request has a pattern", func(d document) { d.field("ChannelCreate", "topic")["pattern"] = "^a" }, "request-property-pattern-added"},
	{"the minimum of a request rises", func(d document) { d.field("ReplayRequest", "ratePerMinute")["minimum"] = 1 }, "request-property-min-increased"},
	{"the maximum of a request falls", func(d document) { d.field("ReplayRequest", "ratePerMinute")["maximum"] = 60 }, "request-property-max-decreased"},
	{"a list of a request may be less long", func(d document) { d.field("TokenCreate", "channelIds")["maxItems"] = 1 }, "request-property-max-items-decreased"},
	{"a list of a request has other elements", func(d document) { d.field("TokenCreate", "channelIds")["items"] = object{"type": "integer"} }, "request-property-type-changed"},
	{"a body becomes required", func(d document) {
		d.operation("post", "/api/outgoing-webhooks/{id}/resume")["requestBody"].(object)["required"] = true
	}, "request-body-became-required"},
	{"a request's media type changes", func(d document) {
		c := d.operation("post", "/api/channels")["requestBody"].(object)["content"].(object)
		c["application/xml"] = c["application/json"]
		delete(c, "application/json")
	}, "request-body-media-type-removed"},
	{"a token becomes necessary", func(d document) {
		d.operation("post", "/api/webhooks/incoming/{token}")["security"] = []any{object{"token": []any{}}}
	}, "api-security-anonymous-access-removed"},

	{"an operation is new", func(d document) {
		d.at("paths")["/api/news"] = object{"get": object{"operationId": "news", "responses": object{"204": object{"description": "Done."}}}}
	}, ""},
	{"an optional parameter is new", func(d document) {
		d.addParameter("get", "/api/channels", object{"name": "x", "in": "query", "schema": object{"type": "string"}})
	}, ""},
	{"a field of an answer is new", func(d document) { d.schema("Channel")["properties"].(object)["team"] = object{"type": "string"} }, ""},
	{"an optional field of a request is new", func(d document) { d.schema("ChannelCreate")["properties"].(object)["team"] = object{"type": "string"} }, ""},
	{"a field of a request takes more values", func(d document) {
		f := d.field("ChannelCreate", "type")
		f["enum"] = append(slices.Clone(f["enum"].([]any)), "secret")
	}, ""},
	{"a limit is wider", func(d document) { d.parameter("get", "/api/channels", "limit")["schema"].(object)["maximum"] = 1000 }, ""},
	{"a field of an answer is always there", func(d document) { require(d.schema("Channel"), "createdBy") }, ""},
	{"words change", func(d document) {
		d.operation("get", "/api/channels")["summary"] = "Channels"
		d.field("Channel", "topic")["description"] = "Another."
	}, ""},
}

func TestBreaking(t *testing.T) {
	text, err := os.ReadFile(released)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			var d document
			if err := json.Unmarshal(text, &d.root); err != nil {
				t.Fatal(err)
			}
			c.change(d)
			changed, err := json.Marshal(d.root)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "changed.json")
			if err := os.WriteFile(file, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			broken, err := breaking(released, file)
			if err != nil {
				t.Fatal(err)
			}
			found := slices.ContainsFunc(broken, func(b string) bool { return strings.HasSuffix(b, "("+c.want+")") })
			if c.want == "" && len(broken) > 0 || c.want != "" && !found {
				t.Errorf("want %q, found %q", c.want, broken)
			}
		})
	}
}
