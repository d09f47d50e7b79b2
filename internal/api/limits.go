package api

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nself-chat/hub"
)

// Some limits of fields are kept by package control, which says in the hub's
// words, of all fields at once, what is wrong. They are described and not
// enforced here: by the tag limits, which has keywords of JSON Schema as in
// `limits:"minimum=1000,maximum=120000"`, alternatives joined by |. What is an
// id by its Go type is described as a UUID.

// describeLimits completes all schemas.
func (a *API) describeLimits() {
	const prefix = "#/components/schemas/"
	all := a.huma.OpenAPI().Components.Schemas
	requests := a.requestSchemas()
	for name, s := range all.Map() {
		if t := all.TypeFromRef(prefix + name); t != nil {
			describeFields(name, t, s, requests[prefix+name])
		}
	}
}

// requestSchemas are those of the bodies that the API takes, by reference.
func (a *API) requestSchemas() map[string]bool {
	all := make(map[string]bool)
	for _, item := range a.huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Post, item.Put, item.Patch} {
			if op == nil || op.RequestBody == nil {
				continue
			}
			if m := op.RequestBody.Content["application/json"]; m != nil && m.Schema.Ref != "" {
				all[m.Schema.Ref] = true
			}
		}
	}
	return all
}

// describeFields completes the fields of a schema. In a request an optional
// field may be null, which counts as absent, and an id is what the caller says.
func describeFields(name string, t reflect.Type, s *huma.Schema, request bool) {
	if t.Kind() != reflect.Struct {
		return
	}
	for f := range t.Fields() {
		json, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && json == "" {
			describeFields(name, deref(f.Type), s, request)
			continue
		}
		if p := s.Properties[json]; p != nil {
			about := hubFields[name+"."+json]
			if about.doc != "" {
				p.Description = about.doc
			}
			describeField(p, f.Type, about.limits+f.Tag.Get("limits"), !request)
			if request && !slices.Contains(s.Required, json) {
				allowNull(p)
			}
		}
	}
}

// allowNull describes an optional field that may be null. A field that a change
// would reset says for itself whether it can be.
func allowNull(s *huma.Schema) {
	_, said := s.Extensions["type"]
	switch {
	case s.Ref != "":
		s.AnyOf = []*huma.Schema{{Ref: s.Ref}, {Type: "null"}}
		s.Ref = ""
	case s.Type == "" || s.Nullable || said:
	default:
		extend(s, "type", []any{s.Type, "null"})
		if s.Enum != nil {
			extend(s, "enum", append(slices.Clone(s.Enum), nil))
		}
	}
}

// describeField completes the description of one field or parameter; exact says
// that ids in it are always ids.
func describeField(s *huma.Schema, t reflect.Type, limits string, exact bool) {
	if exact && isID(t) && limits != "-" {
		extend(s, "format", "uuid")
	}
	if exact && t.Kind() == reflect.Slice && isID(t.Elem()) && s.Items != nil {
		extend(s.Items, "format", "uuid")
	}
	if limits == "" || limits == "-" {
		return
	}
	for limit := range strings.SplitSeq(limits, ",") {
		keyword, text, _ := strings.Cut(limit, "=")
		if keyword == "enum" || strings.Contains(text, "|") {
			extend(s, keyword, alternatives(s, text))
			continue
		}
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			v = text
		}
		extend(s, keyword, v)
	}
}

func alternatives(s *huma.Schema, text string) (all []any) {
	for v := range strings.SplitSeq(text, "|") {
		all = append(all, v)
	}
	if s.Nullable {
		all = append(all, nil)
	}
	return all
}

func extend(s *huma.Schema, keyword string, v any) {
	s.Extensions = maps.Clone(s.Extensions) // several fields may share the schema of their type
	if s.Extensions == nil {
		s.Extensions = make(map[string]any)
	}
	s.Extensions[keyword] = v
}

// ids are the types of package hub that are UUIDs.
var ids = []reflect.Type{
	reflect.TypeFor[hub.AuditID](), reflect.TypeFor[hub.CallID](), reflect.TypeFor[hub.ChannelID](), reflect.TypeFor[hub.DeliveryID](),
	reflect.TypeFor[hub.EventID](), reflect.TypeFor[hub.FileID](), reflect.TypeFor[hub.IncomingID](), reflect.TypeFor[hub.MessageID](),
	reflect.TypeFor[hub.SessionID](), reflect.TypeFor[hub.TokenID](), reflect.TypeFor[hub.UserID](), reflect.TypeFor[hub.WebhookID](),
}

func isID(t reflect.Type) bool {
	if t.Kind() == reflect.Struct && t.Name() != "" && strings.HasPrefix(t.Name(), "field[") {
		if f, ok := t.FieldByName("Value"); ok {
			t = f.Type
		}
	}
	return slices.Contains(ids, t)
}

func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// about describes a field whose type is not of this package.
type about struct{ doc, limits string }

// hubFields describe the fields of package hub's types, by schema and field.
var hubFields = map[string]about{
	"Author.kind":             {"Who it is: a person, a program, an incoming webhook, or somebody beyond a bridge.", "enum=human|bot|webhook|remote"},
	"Author.avatarUrl":        {"Absent: none.", ""},
	"Author.displayName":      {"The name the message shows.", ""},
	"Author.username":         {"The user's name, or the one that the post chose.", ""},
	"UserInfo.kind":           {"Who it is: a person, a program, an incoming webhook, or somebody beyond a bridge.", "enum=human|bot|webhook|remote"},
	"UserInfo.avatarUrl":      {"Absent: none.", ""},
	"UserInfo.displayName":    {"The name that is shown.", ""},
	"Embed.title":             {"One line of text.", ""},
	"Embed.description":       {"Markdown.", ""},
	"Embed.url":               {"Where the title leads.", ""},
	"Embed.color":             {"#rrggbb.", ""},
	"Embed.authorName":        {"Above the title.", ""},
	"Embed.authorUrl":         {"Where the author leads.", ""},
	"Embed.authorIconUrl":     {"A small picture beside the author.", ""},
	"Embed.imageUrl":          {"A large picture below the text.", ""},
	"Embed.thumbnailUrl":      {"A small picture beside the text.", ""},
	"Embed.footer":            {"Small print at the end.", ""},
	"Embed.footerIconUrl":     {"A small picture beside the footer.", ""},
	"Embed.timestamp":         {"Shown with the footer.", ""},
	"Embed.fields":            {"Labelled values.", ""},
	"EmbedField.name":         {"The label.", ""},
	"EmbedField.value":        {"Markdown.", ""},
	"EmbedField.inline":       {"May stand beside others.", ""},
	"AttachmentInfo.filename": {"As it was uploaded, made safe.", ""},
	"AttachmentInfo.mimeType": {"By the content, not as the uploader said.", ""},
	"AttachmentInfo.size":     {"Bytes.", "minimum=0"},
	"AttachmentInfo.url":      {"Of the download, or of a file that lives elsewhere.", ""},
	"AttachmentInfo.width":    {"Pixels, of a picture.", ""},
	"AttachmentInfo.height":   {"Pixels, of a picture.", ""},
	"Reaction.emoji":          {"The emoji, or its name.", ""},
	"Reaction.count":          {"How many set it.", "minimum=1"},
	"Reaction.userIds":        {"Who set it.", ""},
	"Origin.kind":             {"hub: API, console, command line or the hub itself; incoming: an incoming webhook.", "enum=hub|incoming|link"},
	"Origin.id":               {"Of the incoming webhook or integration; absent for the hub.", ""},
	"Origin.external":         {"The remote channel, for links.", ""},
	"Origin.hop":              {"Hubs passed before this one.", ""},
	"TriggeredBy.userId":      {"Of the user who caused it; any text in events that others send.", "-"},
	"TriggeredBy.username":    {"The user's name.", "maxLength=100"},
	"FieldError.field":        {"JSON path of the field: events[0].", ""},
	"FieldError.detail":       {"What is wrong with it, and what would be right.", ""},
	"Problem.type":            {"Always about:blank (RFC 9457 §4.2.1): code tells problems apart.", "enum=about:blank"},
	"Problem.title":           {"The status in words.", ""},
	"Problem.status":          {"The HTTP status.", "minimum=400,maximum=599"},
	"Problem.detail":          {"What failed and what to do, in a sentence. Values that were sent are not in it.", ""},
	"Problem.errors":          {"The fields that are wrong, all at once; empty when it is not about fields.", ""},
	"Problem.code": {
		"Tells problems apart.",
		"enum=invalid|unauthorized|forbidden|not_found|method_not_allowed|not_acceptable|conflict|too_large|rate_limited|loop_detected|unavailable|storage_full|internal",
	},
}

// uuid describes an id of a route that huma does not read.
func uuid() *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Extensions: map[string]any{"format": "uuid"}}
}
