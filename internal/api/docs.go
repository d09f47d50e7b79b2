package api

import (
	_ "embed"
	"net/http"
	"strconv"
)

//go:embed docs.html
var docsPage []byte

//go:embed docs.js
var docsScript []byte

//go:embed docs.css
var docsStyle []byte

//go:embed docs.svg
var docsIcon []byte

// documentRoutes serves the description of the API and a page that shows it.
// They need no token and load nothing from elsewhere.
func (a *API) documentRoutes() {
	a.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		serve(w, "application/vnd.oai.openapi+json;version=3.1", a.describe())
	})
	for path, file := range map[string]struct {
		kind string
		body []byte
	}{
		"/docs":          {"text/html; charset=utf-8", docsPage},
		"/docs/docs.js":  {"text/javascript; charset=utf-8", docsScript},
		"/docs/docs.css": {"text/css; charset=utf-8", docsStyle},
		"/docs/docs.svg": {"image/svg+xml", docsIcon},
	} {
		a.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { serve(w, file.kind, file.body) })
	}
}

func serve(w http.ResponseWriter, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(body) // the client has gone; nobody is left to tell
}
