package store

import (
	"strings"
	"testing"
)

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

func TestUnpostedFilesUseTheirIndex(t *testing.T) {
	s := openTest(t, Options{})
	plan := explain(t, s, `SELECT a.id FROM nchat_attachments a WHERE a.message_id IS NULL AND a.created_at < 'x'
		ORDER BY a.created_at LIMIT 5`)
	if !strings.Contains(plan, "nchat_attachments_unposted") || strings.Contains(plan, "TEMP B-TREE") {
		t.Errorf("planned as %s", plan)
	}
}
