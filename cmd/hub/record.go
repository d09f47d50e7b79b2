package main

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
)

// recorder keeps the JSON that the hub answers, so that --json prints what the API
// said, with fields that this program does not know, too.
type recorder struct {
	next http.RoundTripper
	on   bool
	docs []*bytes.Buffer // in the order of the answers
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := r.next.RoundTrip(req)
	if err != nil || !r.on || res.StatusCode > 299 {
		return res, err
	}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind != "application/json" {
		return res, nil
	}
	doc := new(bytes.Buffer)
	r.docs = append(r.docs, doc)
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(res.Body, doc), res.Body}
	return res, nil
}

// forget drops what was recorded.
func (r *recorder) forget() { r.docs = nil }

// last is the answer to the last call; {} when it said nothing.
func (r *recorder) last() json.RawMessage {
	if len(r.docs) == 0 {
		return json.RawMessage("{}")
	}
	return r.docs[len(r.docs)-1].Bytes()
}

// items are those of the pages that were read, n at most.
func (r *recorder) items(n int) ([]json.RawMessage, error) {
	all := []json.RawMessage{}
	for _, doc := range r.docs {
		var p struct {
			Items []json.RawMessage `json:"items"`
		}
		if err := json.Unmarshal(doc.Bytes(), &p); err != nil {
			return nil, err
		}
		all = append(all, p.Items...)
	}
	return all[:min(n, len(all))], nil
}
