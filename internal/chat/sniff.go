package chat

import (
	"bytes"
	"image"
	_ "image/gif"  // sizes of GIF images
	_ "image/jpeg" // sizes of JPEG images
	_ "image/png"  // sizes of PNG images
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/nself-chat/hub"
)

// sniff returns the media type of content from its first 512 bytes (MIME
// Sniffing Standard, by http.DetectContentType), besides SVG, which that
// standard leaves to the label.
func sniff(head []byte) string {
	kind := http.DetectContentType(head)
	if isText(kind) && bytes.Contains(bytes.ToLower(head), []byte("<svg")) {
		return "image/svg+xml"
	}
	return kind
}

func isText(kind string) bool { return strings.HasPrefix(kind, "text/") }

// dimensions returns width and height of an image in pixels, 0 and 0 when the
// content is none whose format is known.
func dimensions(kind string, r io.Reader) (width, height int) {
	if !strings.HasPrefix(kind, "image/") {
		return 0, 0
	}
	config, _, err := image.DecodeConfig(r)
	if err != nil {
		return 0, 0
	}
	return config.Width, config.Height
}

// shown are the media types that a browser may show in place. Everything else
// is saved: HTML, SVG and PDF can carry scripts.
func shown(kind string) bool {
	switch kind {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "text/plain; charset=utf-8":
		return true
	}
	return strings.HasPrefix(kind, "audio/") || strings.HasPrefix(kind, "video/")
}

// fileHeader are the headers under which a file is served, so that what
// somebody uploaded cannot act in the name of the hub's site: the sniffed type
// and no other, a sandbox for what is opened as a page, and a download for what
// is not plainly harmless.
func fileHeader(a *hub.Attachment) http.Header {
	disposition := "attachment"
	if shown(a.MimeType) {
		disposition = "inline"
	}
	h := make(http.Header)
	h.Set("Content-Type", a.MimeType)
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": a.Filename}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+a.Hash+`"`)
	return h
}
