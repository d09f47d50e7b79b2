package openapitest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// small is a description of two operations.
const small = `{
 "openapi": "3.1.0", "info": {"title": "small", "version": "1"},
 "paths": {
  "/api/things/{id}": {"get": {
   "operationId": "getThing",
   "parameters": [
    {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "minLength": 2}},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 10}}
   ],
   "responses": {
    "200": {
     "headers": {"ETag": {"required": true, "schema": {"type": "string", "pattern": "^\""}}, "X-Left": {"schema": {"type": "integer"}}},
     "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
    },
    "204": {},
    "404": {"$ref": "#/components/responses/Missing"}
   }
  }},
  "/api/things/new": {"post": {
   "operationId": "makeThing", "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
   "responses": {"204": {}}
  }}
 },
 "components": {
  "responses": {"Missing": {"content": {"text/plain": {"schema": {"type": "string", "enum": ["nothing"]}}}}},
  "schemas": {"Thing": {
   "type": "object", "additionalProperties": false, "required": ["id"],
   "properties": {"id": {"type": "string", "format": "uuid"}, "at": {"type": ["string", "null"], "format": "date-time"}}
  }}
 }
}`

const thing = `{"id":"01a20021-0696-7000-9d3e-4c5b6a798897","at":null}`

func TestCheckAnswer(t *testing.T) {
	doc, err := Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	inJSON, inText := http.Header{"Content-Type": {"application/json"}, "Etag": {`"1"`}}, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	with := func(h http.Header, name, value string) http.Header {
		h = h.Clone()
		h[name] = []string{value}
		if value == "" {
			delete(h, name)
		}
		return h
	}
	for name, c := range map[string]struct {
		method, path string
		status       int
		header       http.Header
		body         string
		want         string // part of the error; "": none
	}{
		"as it should be":      {"GET", "/api/things/aa", 200, inJSON, thing, ""},
		"HEAD":                 {"HEAD", "/api/things/aa", 200, inJSON, "", ""},
		"another answer":       {"GET", "/api/things/aa", 404, inText, "nothing", ""},
		"a plain header":       {"GET", "/api/things/aa", 200, with(inJSON, "Date", "now"), thing, ""},
		"outside the API":      {"GET", "/login", 200, inText, "hello", ""},
		"nothing there":        {"GET", "/api/other", 404, inJSON, "{}", ""},
		"undescribed":          {"GET", "/api/other", 200, inJSON, "{}", "is not described"},
		"another method":       {"DELETE", "/api/things/aa", 204, nil, "", "is not described"},
		"undeclared status":    {"GET", "/api/things/aa", 500, inText, "x", "status 500 is not declared"},
		"undeclared type":      {"GET", "/api/things/aa", 200, with(inJSON, "Content-Type", "text/html"), thing, "content type"},
		"no type":              {"GET", "/api/things/aa", 200, with(inJSON, "Content-Type", ""), thing, "content type"},
		"missing header":       {"GET", "/api/things/aa", 200, with(inJSON, "Etag", ""), thing, "ETag is missing"},
		"bad header":           {"GET", "/api/things/aa", 200, with(inJSON, "Etag", "1"), thing, "the header Etag"},
		"bad number in header": {"GET", "/api/things/aa", 200, with(inJSON, "X-Left", "many"), thing, "the header X-Left"},
		"undeclared header":    {"GET", "/api/things/aa", 200, with(inJSON, "X-Secret", "1"), thing, "X-Secret is not declared"},
		"no JSON":              {"GET", "/api/things/aa", 200, inJSON, "{", "not JSON"},
		"missing field":        {"GET", "/api/things/aa", 200, inJSON, "{}", "missing propert"},
		"undeclared field":     {"GET", "/api/things/aa", 200, inJSON, strings.Replace(thing, `"at"`, `"when"`, 1), "additional properties"},
		"bad format":           {"GET", "/api/things/aa", 200, inJSON, `{"id":"x"}`, "uuid"},
		"wrong kind":           {"GET", "/api/things/aa", 200, inJSON, strings.Replace(thing, "null", "7", 1), "want"},
		"bad text":             {"GET", "/api/things/aa", 404, inText, "something", "value must be"},
		"a body of nothing":    {"GET", "/api/things/aa", 204, inJSON.Clone(), thing, "Etag is not declared"},
		"the literal path":     {"POST", "/api/things/new", 200, inJSON, thing, "status 200"},
	} {
		t.Run(name, func(t *testing.T) {
			err := doc.CheckAnswer(c.method, &url.URL{Path: c.path}, c.status, c.header, []byte(c.body))
			agrees(t, err, c.want)
		})
	}
	agrees(t, doc.CheckAnswer("GET", &url.URL{Path: "/api/things/aa"}, 204, http.Header{}, []byte("x")), "there is a body")
}

func agrees(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want))) {
		t.Errorf("%v, want %q", err, want)
	}
}

func TestCheckRequest(t *testing.T) {
	doc, err := Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	inJSON := http.Header{"Content-Type": {"application/json"}}
	for name, c := range map[string]struct {
		method, path string
		header       http.Header
		body         string
		want         string
	}{
		"good":            {"POST", "/api/things/new", inJSON, thing, ""},
		"bad field":       {"POST", "/api/things/new", inJSON, `{"id":7}`, "want string"},
		"no body":         {"POST", "/api/things/new", inJSON, "", "without the body"},
		"another type":    {"POST", "/api/things/new", http.Header{"Content-Type": {"text/plain"}}, thing, "content type"},
		"good parameters": {"GET", "/api/things/aa?limit=10", nil, "", ""},
		"bad query":       {"GET", "/api/things/aa?limit=11", nil, "", "limit"},
		"no number":       {"GET", "/api/things/aa?limit=x", nil, "", "limit"},
		"bad path":        {"GET", "/api/things/a", nil, "", "id"},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(c.path)
			if err != nil {
				t.Fatal(err)
			}
			agrees(t, doc.CheckRequest(c.method, u, c.header, []byte(c.body)), c.want)
		})
	}
}

func TestParse(t *testing.T) {
	for name, c := range map[string][2]string{
		"a bad type":        {`"type": "object"`, `"type": "thing"`},
		"a lost reference":  {"#/components/schemas/Thing", "#/components/schemas/Other"},
		"a default answer":  {`"404"`, `"default"`},
		"a range of status": {`"404"`, `"4XX"`},
	} {
		if _, err := Parse([]byte(strings.Replace(small, c[0], c[1], 1))); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestTransport: what passes is not changed, and what contradicts is found, once.
func TestTransport(t *testing.T) {
	answer := thing
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/openapi.json" {
			_, _ = io.WriteString(w, small)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"1"`)
		fmt.Fprint(w, answer)
	}))
	defer server.Close()
	transport := &Transport{Base: server.Client().Transport}
	client := &http.Client{Transport: transport}
	ask := func(method, path, body string) string {
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	found := func(want int) {
		t.Helper()
		if all := transport.Found(server.URL); len(all) != want {
			t.Errorf("found %v, want %d", all, want)
		}
	}
	answer = `{}`
	ask("GET", "/api/things/aa", "")
	found(0) // nobody watches
	transport.Watch(server.URL)
	if got := ask("GET", "/api/things/aa", ""); got != answer {
		t.Errorf("the answer is %s", got)
	}
	ask("GET", "/api/things/aa", "")
	found(1)
	answer = thing
	ask("GET", "/api/things/aa", "")
	found(0)
	ask("POST", "/api/things/new", thing)
	found(0)
	ask("POST", "/api/things/new", `{"id":7}`)
	found(1)
}
