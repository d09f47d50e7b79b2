package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/server"
)

//go:embed static
var staticFiles embed.FS

// assets are the files under static/. Each has a name that changes with its
// content, so browsers may keep it for ever.
var assets = mustAssets()

type assetSet struct {
	paths  map[string]string // file name → its path on the hub
	byPath map[string]asset
}

type asset struct {
	contentType string
	content     []byte
}

// contentTypes are those of the files here, whatever the machine believes.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// mustAssets reads what is embedded. It panics on a file of a kind that is not
// expected, which no build with passing tests has.
func mustAssets() *assetSet {
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(fmt.Sprintf("console: %v", err))
	}
	set := &assetSet{paths: make(map[string]string), byPath: make(map[string]asset)}
	for _, e := range entries {
		content, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(fmt.Sprintf("console: %v", err))
		}
		ext := path.Ext(e.Name())
		contentType, ok := contentTypes[ext]
		if !ok {
			panic("console: static/" + e.Name() + " has no known type")
		}
		sum := sha256.Sum256(content)
		p := "/static/" + strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		set.paths[e.Name()], set.byPath[p] = p, asset{contentType, content}
	}
	return set
}

// path returns where a file is served.
func (s *assetSet) path(name string) string {
	p, ok := s.paths[name]
	if !ok {
		panic("console: there is no static/" + name)
	}
	return p
}

func (s *assetSet) serve(w http.ResponseWriter, r *http.Request) {
	a, ok := s.byPath[r.URL.Path]
	if !ok {
		server.WriteProblem(w, r, hub.Errorf(hub.NotFound, "There is no such file; it belongs to another version of the hub."))
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Content-Length", strconv.Itoa(len(a.content)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(a.content) // the client has gone; nobody is left to tell
}
