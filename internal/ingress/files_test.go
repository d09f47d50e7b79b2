package ingress

import (
	"net/http"
	"slices"
	"testing"

	"github.com/nself-chat/hub"
)

const twoFiles = "--X\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nhi\r\n" +
	"--X\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a.txt\"\r\n\r\nA\r\n" +
	"--X\r\nContent-Disposition: form-data; name=\"b\"; filename=\"b.txt\"\r\n\r\nB\r\n--X--\r\n"

// TestFilesOfRefusedPosts: what refuses a post leaves no file behind, and what can
// be known before stores none.
func TestFilesOfRefusedPosts(t *testing.T) {
	const earlier = hub.MessageID("earlier")
	for name, test := range map[string]struct {
		change          func(*world)
		status          int
		saved, left     int
		verdict, answer string
	}{
		"posted":       {func(*world) {}, 200, 2, 2, "", ""},
		"archived":     {func(w *world) { w.store.channel.IsArchived = true }, 409, 0, 0, "channel_archived", ""},
		"channel gone": {func(w *world) { w.store.channel = hub.Channel{} }, 404, 0, 0, "channel_missing", ""},
		"store fails":  {func(w *world) { w.store.before = "gone" }, 404, 0, 0, "not_found", ""},
		"repeated":     {func(w *world) { w.store.before = earlier }, 200, 0, 0, "repeated", "earlier"},
		"repeated at the same time": {
			func(w *world) { w.chat.repeats = earlier }, 200, 2, 0, "repeated", "earlier",
		},
		"chat refuses":    {func(w *world) { w.chat.err = hub.Errorf(hub.NotFound, "N.") }, 404, 2, 0, "not_found", ""},
		"nobody knows":    {func(w *world) { w.chat.err = hub.Errorf(hub.Unavailable, "U.") }, 503, 2, 2, "unavailable", ""},
		"one is too much": {func(w *world) { w.chat.saveErr = hub.Errorf(hub.StorageFull, "F.") }, 507, 1, 0, "storage_full", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.chat.messages[earlier] = hub.Message{ID: earlier, ChannelID: "channel"}
			test.change(w)
			rec := w.do("POST", token+"/nself-chat", twoFiles, "Content-Type", "multipart/form-data; boundary=X", "Idempotency-Key", "k")
			if rec.Code != test.status {
				t.Errorf("answered %d %s", rec.Code, rec.Body)
			}
			left := slices.DeleteFunc(slices.Clone(w.chat.saved), func(id hub.FileID) bool { return slices.Contains(w.chat.unsaved, id) })
			if len(w.chat.saved) != test.saved || len(left) != test.left {
				t.Errorf("%d files were saved, %d are left; want %d and %d", len(w.chat.saved), len(left), test.saved, test.left)
			}
			calls := w.journal()
			if test.verdict == "" {
				if len(calls) != 0 {
					t.Errorf("logged %+v", calls)
				}
				return
			}
			if len(calls) != 1 || calls[0].Verdict != test.verdict || string(calls[0].MessageID) != test.answer {
				t.Errorf("logged %+v", calls)
			}
		})
	}
}

// TestPostsWithoutFilesAskNothing: only files make a post ask twice.
func TestPostsWithoutFilesAskNothing(t *testing.T) {
	w := newWorld(t)
	if rec := w.do("POST", token, `{"content":"x"}`, "Idempotency-Key", "k"); rec.Code != http.StatusOK || w.store.asked != 0 {
		t.Errorf("answered %d, asked the store %d times", rec.Code, w.store.asked)
	}
}

// TestFilesOfEdits: an edit adds the files that come with it, and one that is
// refused leaves none behind.
func TestFilesOfEdits(t *testing.T) {
	w := newRealWorld(t)
	multipart := []string{"Content-Type", "multipart/form-data; boundary=X"}
	m := read(t, w.do(t, "POST", token, `{"content":"hello","embeds":[{"title":"card"}]}`).Body.Bytes())
	path := token + "/messages/" + m.MessageID
	if rec := w.do(t, "PATCH", path, twoFiles, multipart...); rec.Code != http.StatusOK {
		t.Fatalf("answered %d %s", rec.Code, rec.Body)
	}
	is := func(content string, embeds, files, revision int) {
		t.Helper()
		got, err := w.chat.Message(t.Context(), hub.MessageID(m.MessageID))
		if err != nil || got.Content != content || len(got.Embeds) != embeds || len(got.Files) != files || got.Revision != revision {
			t.Errorf("%+v, %v", got, err)
		}
	}
	is("hi", 1, 2, 2)
	// A link to a file, and nothing else: the rest stays.
	if rec := w.do(t, "PATCH", path, `{"attachments":[{"url":"https://a.example/x.png"}]}`); rec.Code != http.StatusOK {
		t.Errorf("answered %d %s", rec.Code, rec.Body)
	}
	is("hi", 1, 3, 3)
	if rec := w.do(t, "PATCH", path, `{"attachments":[{"url":"https://a.example/x.png"}]}`); rec.Code != http.StatusOK {
		t.Errorf("the same again is answered %d %s", rec.Code, rec.Body)
	}
	is("hi", 1, 3, 3)
	if rec := w.do(t, "PATCH", path, `{"embeds":[]}`); rec.Code != http.StatusOK {
		t.Errorf("no cards: answered %d %s", rec.Code, rec.Body)
	}
	is("hi", 0, 3, 4)

	refused := newWorld(t)
	refused.chat.messages[foreign] = hub.Message{ID: foreign, Origin: hub.Origin{Kind: hub.OriginIncoming, ID: "hook"}}
	refused.chat.err = hub.Errorf(hub.Conflict, "C.")
	if rec := refused.do("PATCH", token+"/messages/"+string(foreign), twoFiles, multipart...); rec.Code != http.StatusConflict {
		t.Errorf("answered %d %s", rec.Code, rec.Body)
	}
	if len(refused.chat.saved) != 2 || len(refused.chat.unsaved) != 2 {
		t.Errorf("%d files were saved, %d of them deleted", len(refused.chat.saved), len(refused.chat.unsaved))
	}
}
