package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/openapitest"
)

// keepsToDescription has every answer of the test checked against
// /openapi.json.
func (r *rig) keepsToDescription() {
	transport, ok := r.http.Transport.(*openapitest.Transport)
	if !ok {
		r.t.Fatal("requests are not checked")
	}
	transport.Watch(r.url)
	r.t.Cleanup(func() {
		for _, err := range transport.Found(r.url) {
			r.t.Error(err)
		}
	})
}

// described reads /openapi.json.
func (r *rig) described() *openapitest.Document {
	r.t.Helper()
	doc, err := openapitest.Parse(r.call("", http.MethodGet, "/openapi.json", nil).want(http.StatusOK, nil).body)
	must(r.t, err)
	return doc
}

// TestDescriptionIsComplete: every operation, parameter, field and answer says
// what it is, and every body has an example that is valid.
func TestDescriptionIsComplete(t *testing.T) {
	r := newRig(t)
	for _, op := range r.described().Operations() {
		for _, p := range op.Parameters {
			if p.In == "path" && p.Example == nil {
				t.Errorf("%s: the parameter %s has no example", op, p.Name)
			}
		}
		for media, c := range op.Body {
			checkExamples(t, op.String()+" request", media, c)
		}
		for status, answer := range op.Responses {
			if status >= 400 && op.Public {
				continue // each sender's own, of which there are many
			}
			for media, c := range answer.Content {
				checkExamples(t, op.String()+" "+http.StatusText(status), media, c)
			}
		}
	}
	var raw map[string]any
	r.call("", http.MethodGet, "/openapi.json", nil).want(http.StatusOK, &raw)
	checkWords(t, "", raw)
}

func checkExamples(t *testing.T, where, media string, c openapitest.Content) {
	t.Helper()
	if !strings.HasSuffix(media, "json") {
		return
	}
	if len(c.Examples) == 0 {
		t.Errorf("%s: %s has no example", where, media)
	}
	for name, e := range c.Examples {
		if err := c.Schema.Check(e); err != nil {
			t.Errorf("%s: the example %s: %v", where, name, err)
		}
	}
}

// obvious are names of fields and parameters that need no words.
var obvious = []string{
	"id", "name", "content", "title", "text", "message", "token", "type", "detail", "method", "limits", "event", "topic",
	"priority", "tags", "date", "appid",
	"ok", "success", "error", "status_code", "extras", "items", "sections", "userId", "channelId", "webhookId", "eventId", "deliveryId", "messageId",
	"fileId", "createdAt", "updatedAt", "startedAt", "lastSeenAt", "expiresAt", "joinedAt", "user", "username",
	"channel_id", "guild_id", "webhook_id", "start",
	"callId",
}

// checkWords walks the whole description.
func checkWords(t *testing.T, at string, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			checkWords(t, at+"[]", e)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key == "example" || key == "examples" {
				continue
			}
			if key == "properties" {
				for name, property := range v[key].(map[string]any) {
					checkWord(t, at+"."+name, name, property)
				}
			}
			if list, ok := v[key].([]any); ok && key == "parameters" {
				for _, p := range list {
					name, _ := p.(map[string]any)["name"].(string)
					checkWord(t, at+"?"+name, name, p)
				}
			}
			checkWords(t, at+"/"+key, v[key])
		}
	}
}

func checkWord(t *testing.T, at, name string, v any) {
	t.Helper()
	m, _ := v.(map[string]any)
	if m["description"] == nil && m["$ref"] == nil && !slices.Contains(obvious, name) {
		t.Errorf("%s says nothing of itself", at)
	}
}

// write is where TestDescription leaves the description; "": nowhere.
var write = flag.String("description", "", "file to write the description to")

// TestDescription writes what the hub says of itself, for those who compare it:
// make api, and make released.
func TestDescription(t *testing.T) {
	text := newRig(t).call("", http.MethodGet, "/openapi.json", nil).want(http.StatusOK, nil).body
	var all any
	must(t, json.Unmarshal(text, &all))
	b, err := json.Marshal(bare(all, false))
	must(t, err)
	if *write != "" {
		must(t, os.WriteFile(*write, append(b, '\n'), 0o644))
	}
}

// bare is a description without words and examples. named says that the keys of
// v are names, and not OpenAPI's.
func bare(v any, named bool) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = bare(v[i], false)
		}
	case map[string]any:
		for key := range v {
			if !named && slices.Contains([]string{"example", "examples", "summary"}, key) {
				delete(v, key)
				continue
			}
			if _, text := v[key].(string); text && key == "description" && !named {
				delete(v, key)
				continue
			}
			v[key] = bare(v[key], !named && slices.Contains([]string{"properties", "schemas", "headers", "responses", "paths"}, key))
		}
	}
	return v
}

// TestGenerator: what the fuzz test makes of the description's schemas is valid
// by them, and its near misses mostly are not.
func TestGenerator(t *testing.T) {
	g := &openapitest.Generator{Rand: rand.New(rand.NewPCG(1, 2)), Known: func(string) any { return nil }}
	bad, all := 0, 0
	for _, op := range newRig(t).described().Operations() {
		c, ok := op.Body["application/json"]
		if !ok || op.Public {
			continue
		}
		for range 100 {
			v := g.Value(c.Schema, "")
			if err := c.Schema.Check(asJSON(t, v)); err != nil {
				t.Fatalf("%s: %v\n%v", op, err, v)
			}
			all++
			if c.Schema.Check(asJSON(t, g.Near(v))) != nil {
				bad++
			}
		}
	}
	if bad < all/2 {
		t.Errorf("only %d of %d near misses are wrong", bad, all)
	}
}

// asJSON is a value as it arrives.
func asJSON(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	var out any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	must(t, d.Decode(&out))
	return out
}

// TestTags: every group of operations is described, and none is empty.
func TestTags(t *testing.T) {
	var d struct {
		Tags  []struct{ Name, Description string }
		Paths map[string]map[string]struct{ Tags []string }
	}
	newRig(t).call("", http.MethodGet, "/openapi.json", nil).want(http.StatusOK, &d)
	used := make(map[string]bool)
	for _, item := range d.Paths {
		for _, op := range item {
			for _, name := range op.Tags {
				used[name] = true
			}
		}
	}
	for _, tag := range d.Tags {
		if !used[tag.Name] || tag.Description == "" {
			t.Errorf("the group %q has no operation or no description", tag.Name)
		}
		delete(used, tag.Name)
	}
	if len(used) > 0 {
		t.Errorf("groups without a description: %v", used)
	}
}
