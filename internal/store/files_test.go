package store

import "testing"

func TestFileType(t *testing.T) {
	for mime, want := range map[string]string{
		"image/png": "image", "video/mp4": "video", "audio/mpeg": "audio", "text/plain; charset=utf-8": "document",
		"application/pdf": "document", "application/zip": "archive", "application/x-gzip; x=y": "archive",
		"application/octet-stream": "other",
		"":                         "other", "font/woff2": "other",
	} {
		if got := fileType(mime); got != want {
			t.Errorf("%q is %q, want %q", mime, got, want)
		}
	}
}
