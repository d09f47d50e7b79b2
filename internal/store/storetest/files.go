package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

func fileTests() []noun {
	return []noun{
		{"files are posted once, by their owner", testPostFile},
		{"a file is stored once under a key", testFileOnce},
		{"messages are not found by files that were deleted", testDeletePostedFile},
		{"blobs live as long as a file uses them", testBlobs},
		{"files that wait too long are found", testUnpostedFiles},
	}
}

func (f *fixture) file(u *hub.User, hash string) *hub.Attachment {
	f.t.Helper()
	a := &hub.Attachment{
		ID: hub.FileID(f.ids.New()), UserID: u.ID, Filename: "photo.png", MimeType: "image/png", Size: 3, Hash: strings.Repeat(hash, 64),
		Width: 20, Height: 10, CreatedAt: f.tick(),
	}
	event := f.event(&hub.Message{}, "{}")
	f.noError(f.CreateFile(f.t.Context(), a, nil, event))
	if !f.happened(event) {
		f.t.Error("the upload is not told of")
	}
	return a
}

func testPostFile(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann, bob := f.user("ann"), f.user("bob")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	a := f.file(ann, "a")
	got, err := f.File(ctx, a.ID)
	f.noError(err)
	same(f, "file", got, *a)

	theirs := f.draft(c, bob, "mine now")
	theirs.Files = []hub.Attachment{*a}
	theirs.Files[0].UserID = bob.ID
	_, err = f.PostMessage(ctx, theirs, 0, "x", nil, nil, nil)
	f.code(err, hub.NotFound)

	m := f.draft(c, ann, "look")
	a.MessageID = m.ID
	m.Files = []hub.Attachment{*a}
	f.post(m)
	same(f, "the message's files", f.message(m.ID).Files, m.Files)
	files, err := f.Files(ctx, []hub.FileID{a.ID, hub.FileID(f.ids.New())})
	f.noError(err)
	same(f, "files", files, []hub.Attachment{*a})

	// Who read it as not posted does not delete it from under the message.
	_, err = f.DeleteFile(ctx, a.ID, nil, "")
	f.code(err, hub.Conflict)
	if files, err = f.Files(ctx, []hub.FileID{a.ID}); err != nil || len(files) != 1 {
		t.Errorf("after a refused deletion: %v, %v", files, err)
	}

	again := f.draft(c, ann, "look again")
	again.Files = []hub.Attachment{*a}
	_, err = f.PostMessage(ctx, again, 0, "x", nil, nil, nil)
	f.code(err, hub.NotFound)
	if files, err = f.Files(ctx, nil); err != nil || len(files) != 0 {
		t.Errorf("no files asked for: %v, %v", files, err)
	}
}

func testFileOnce(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	a := f.file(ann, "a")
	b := *a
	b.ID = hub.FileID(f.ids.New())
	key := hub.Idempotency{TokenID: "t", Key: "k", RequestHash: "h", Result: string(b.ID)}
	f.noError(f.CreateFile(ctx, &b, &key))
	event := f.event(&hub.Message{}, "{}")
	again := b
	again.ID = hub.FileID(f.ids.New())
	repeated, ok := errors.AsType[*hub.RepeatedError](f.CreateFile(ctx, &again, &key, event))
	if !ok || repeated.Result != string(b.ID) || f.happened(event) {
		t.Errorf("the same again: %v", repeated)
	}
	other := key
	other.RequestHash = "other"
	f.code(f.CreateFile(ctx, &again, &other, event), hub.Conflict)
	if files, err := f.Files(ctx, []hub.FileID{b.ID, again.ID}); err != nil || len(files) != 1 {
		t.Errorf("files: %v, %v", files, err)
	}
}

func testDeletePostedFile(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	a := f.file(ann, "a")
	m := f.draft(c, ann, "look photo")
	a.MessageID = m.ID
	m.Files = []hub.Attachment{*a}
	f.post(m)
	read := *m
	m.Content, m.Revision, m.EditedAt = "see photo", 2, f.tick()
	f.stored(f.EditMessage(ctx, m, nil, ann.ID, "see photo", nil, nil))
	// Who read it before the edit would bring the old text back.
	_, err := f.DeleteFile(ctx, a.ID, &read, "look")
	f.code(err, hub.Conflict)
	event := f.event(m, "{}")
	unused, err := f.DeleteFile(ctx, a.ID, m, "see", event)
	if err != nil || !unused || !f.happened(event) {
		t.Errorf("deleted: %v, %v", unused, err)
	}
	for term, want := range map[string][]hub.MessageID{"photo": nil, "look": nil, "see": {m.ID}} {
		found, err := f.Search(ctx, []string{term}, true, "", true, nil, "", 10)
		f.noError(err)
		same(f, "found by "+term, messageIDs(found), want)
	}
}

func testBlobs(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	a, b := f.file(ann, "a"), f.file(ann, "a")
	used := func(want bool) {
		t.Helper()
		if got, err := f.BlobUsed(ctx, a.Hash); err != nil || got != want {
			t.Errorf("used: %v, %v", got, err)
		}
	}
	used(true)
	event := f.event(&hub.Message{}, "{}")
	unused, err := f.DeleteFile(ctx, a.ID, nil, "", event)
	if err != nil || unused || !f.happened(event) {
		t.Errorf("the first of two: %v, %v", unused, err)
	}
	used(true)
	if unused, err = f.DeleteFile(ctx, b.ID, nil, ""); err != nil || !unused {
		t.Errorf("the last one: %v, %v", unused, err)
	}
	used(false)
	_, err = f.DeleteFile(ctx, b.ID, nil, "")
	f.code(err, hub.NotFound)
}

func testUnpostedFiles(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	old, older, posted := f.file(ann, "a"), f.file(ann, "b"), f.file(ann, "c")
	m := f.draft(c, ann, "x")
	m.Files = []hub.Attachment{*posted}
	f.post(m)
	before := f.tick()
	f.now = f.now.Add(time.Hour)
	f.file(ann, "d")
	files, err := f.UnpostedFiles(ctx, before, 10)
	f.noError(err)
	same(f, "files", files, []hub.Attachment{*old, *older})
	if files, err = f.UnpostedFiles(ctx, before, 1); err != nil || len(files) != 1 || files[0].ID != old.ID {
		t.Errorf("the oldest: %v, %v", files, err)
	}
}
