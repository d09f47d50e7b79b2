package chat

import (
	"strings"
	"testing"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

// TestPreview: a preview says what the message would, and leaves nothing behind.
func TestPreview(t *testing.T) {
	w := open(t)
	p := Post{
		ChannelID: w.d.General, Author: hub.Author{ID: w.ann.ID}, Content: "see @everyone",
		Document: markup.ParseMarkdown("| a | b |\n|---|---|\n| 1 | 2 |"), Remote: []hub.Attachment{{URL: "https://example.org/a/b.pdf"}},
	}
	got := must(w.Preview(t.Context(), p, []hub.Attachment{{Filename: "c.txt", Size: 3}}))(t)
	if got.ID != "" || !got.CreatedAt.IsZero() || len(got.Files) != 2 ||
		got.Files[0].Size != 3 || got.Files[1].Filename != "b.pdf" || got.Files[1].ID != "" {
		t.Errorf("%+v", got)
	}
	posted := must(w.Post(t.Context(), p))(t)
	same(t, "author", got.Author, posted.Author)
	same(t, "content", got.Content, posted.Content)
	same(t, "document", got.Document, posted.Document)
	if !strings.Contains(got.Content, "see @\u200beveryone") {
		t.Errorf("%q", got.Content)
	}
}

func TestPreviewRefuses(t *testing.T) {
	w := open(t)
	ann := hub.Author{ID: w.ann.ID}
	for name, test := range map[string]struct {
		post Post
		want hub.Code
	}{
		"nothing":   {Post{Author: ann}, hub.Invalid},
		"too long":  {Post{Author: ann, Content: strings.Repeat("x", 16_001)}, hub.Invalid},
		"no author": {Post{Content: "x", Author: hub.Author{ID: "0190b3c8-7c4e-7a12-8000-000000000009"}}, hub.NotFound},
		"no file":   {Post{Author: ann, Content: "x", Remote: []hub.Attachment{{URL: "javascript:x"}}}, hub.Invalid},
	} {
		_, err := w.Preview(t.Context(), test.post, nil)
		if hub.CodeOf(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
