package console

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

func TestBadges(t *testing.T) {
	tests := []struct {
		message hub.Message
		want    string
	}{
		{hub.Message{Author: hub.Author{Kind: hub.UserHuman}}, ""},
		{hub.Message{Author: hub.Author{Kind: hub.UserBot}}, "bot"},
		{hub.Message{Author: hub.Author{Kind: hub.UserWebhook}}, "webhook"},
		{hub.Message{Author: hub.Author{Kind: hub.UserRemote}}, "bridged"},
		{hub.Message{Type: hub.MessageSystem, Author: hub.Author{Kind: hub.UserBot}}, "system"},
	}
	for _, test := range tests {
		if got := badgeOf(&test.message); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.message.Type, test.message.Author.Kind, got, test.want)
		}
	}
}

func TestAvatar(t *testing.T) {
	urls := map[string]bool{
		"https://example.org/a.png": true, "HTTPS://example.org/a.png": true, "/api/files/7": true,
		"": false, "http://example.org/a.png": false, "//example.org/a.png": false, "/\\example.org/a.png": false, "/\t/example.org": false,
		"javascript:alert(1)": false, "data:image/png;base64,AA": false, "https:": false, "a.png": false,
	}
	for url, shown := range urls {
		v := avatarOf(hub.Author{ID: "ann", Username: "ann", AvatarURL: url})
		if (v.URL != "") != shown {
			t.Errorf("%q shown: %t", url, v.URL != "")
		}
		if v.Initials != "A" {
			t.Errorf("%q: initials %q", url, v.Initials)
		}
	}
	if a, b := avatarOf(hub.Author{ID: "ann"}), avatarOf(hub.Author{ID: "ann"}); a != b {
		t.Errorf("the colour changes: %v, %v", a, b)
	}
}

func TestInitials(t *testing.T) {
	tests := map[string]string{
		"Ann Lee": "AL", "ann": "A", "Bob Öztürk Müller": "BÖ", "build-server": "BS", "李雷": "李", "42 things": "4T", "(ops)": "O", "!!": "!", "?": "?",
	}
	for name, want := range tests {
		if got := initials(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestAuthorName(t *testing.T) {
	tests := []struct {
		author hub.Author
		want   string
	}{
		{hub.Author{DisplayName: " Ann ", Username: "ann"}, "Ann"},
		{hub.Author{DisplayName: "  ", Username: "ann"}, "ann"},
		{hub.Author{}, "?"},
	}
	for _, test := range tests {
		if got := authorName(test.author); got != test.want {
			t.Errorf("%+v: %q, want %q", test.author, got, test.want)
		}
	}
}

func TestByteSize(t *testing.T) {
	tests := map[int64]string{
		1: "1 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1024*1024 - 1: "1.0 MiB", 25 << 20: "25.0 MiB", 3 << 40: "3.0 TiB", 1 << 60: "1048576.0 TiB",
	}
	for n, want := range tests {
		if got := byteSize(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestFiles(t *testing.T) {
	tests := map[string]struct {
		file    hub.Attachment
		want    fileView
		picture bool
	}{
		"stored":            {hub.Attachment{ID: "f", Filename: "a.pdf", MimeType: "application/pdf", Size: 10, Hash: "x"}, fileView{Name: "a.pdf", URL: "/api/files/f", Size: "10 B"}, false},
		"stored picture":    {hub.Attachment{ID: "f", Filename: "a.png", MimeType: "image/png", Hash: "x", Width: 2, Height: 3}, fileView{Name: "a.png", URL: "/api/files/f", Width: "2", Height: "3"}, true},
		"drawing with code": {hub.Attachment{ID: "f", Filename: "a.svg", MimeType: "image/svg+xml", Hash: "x"}, fileView{Name: "a.svg", URL: "/api/files/f"}, false},
		"elsewhere":         {hub.Attachment{ID: "f", Filename: "a.png", MimeType: "image/png", URL: "https://example.org/a.png"}, fileView{Name: "a.png", URL: "https://example.org/a.png"}, true},
		"elsewhere, http":   {hub.Attachment{ID: "f", Filename: "a.png", MimeType: "image/png", URL: "http://example.org/a.png"}, fileView{Name: "a.png", URL: "http://example.org/a.png"}, false},
		"nowhere":           {hub.Attachment{ID: "f", MimeType: "image/png", URL: "javascript:x"}, fileView{Name: "f"}, false},
	}
	for name, test := range tests {
		if diff := cmp.Diff(test.want, fileOf(&test.file)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got := isPicture(&test.file); got != test.picture {
			t.Errorf("%s is shown as a picture: %t", name, got)
		}
	}
}

func TestThreadLinks(t *testing.T) {
	tests := map[string]struct {
		viewer  viewer
		message hub.Message
		url     bool
		button  bool
	}{
		"replies":                    {viewer{}, hub.Message{ReplyCount: 2}, true, false},
		"no replies, a writer":       {viewer{canWrite: true}, hub.Message{}, true, true},
		"no replies, a reader":       {viewer{}, hub.Message{}, false, false},
		"deleted without replies":    {viewer{canWrite: true}, hub.Message{IsDeleted: true}, false, false},
		"deleted with replies":       {viewer{canWrite: true}, hub.Message{IsDeleted: true, ReplyCount: 1}, true, false},
		"a reply":                    {viewer{canWrite: true}, hub.Message{ThreadID: "r"}, false, false},
		"the root on its own thread": {viewer{inThread: true, canWrite: true}, hub.Message{ReplyCount: 2}, false, false},
	}
	for name, test := range tests {
		v := test.viewer.message(&test.message)
		if (v.ThreadURL != "") != test.url || v.ReplyButton != test.button {
			t.Errorf("%s: link %q, button %t", name, v.ThreadURL, v.ReplyButton)
		}
	}
}

func TestDeletedMessageShowsNothing(t *testing.T) {
	m := fullMessage()
	m.IsDeleted = true
	v := viewer{}.message(&m)
	if v.HTML != "" || v.Files != nil || v.Images != nil || v.Reactions != nil {
		t.Errorf("%+v", v)
	}
}
