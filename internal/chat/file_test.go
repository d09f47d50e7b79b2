package chat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nself-chat/hub"
)

func textReader(s string) io.Reader { return strings.NewReader(s) }

func pngImage(t *testing.T, width, height int) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSave(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	by := Cause{By: w.ann.ID, Trace: "trace3"}
	photo := pngImage(t, 30, 20)
	a := must(w.save("C:\\photos\\me.png", iotest.OneByteReader(textReader(photo)), by))(t)
	if a.Filename != "me.png" || a.MimeType != "image/png" || a.Width != 30 || a.Height != 20 || a.Size != int64(len(photo)) ||
		a.UserID != w.ann.ID {
		t.Errorf("file %+v", a)
	}
	same(t, "as read", must(w.File(ctx, a.ID))(t), a)
	e := w.router.last(t, hub.EventFileUploaded)
	if d := decode[hub.FileData](t, e.Data); d.File.ID != a.ID || d.File.Width != 30 || d.User.ID != w.ann.ID || e.Trace != "trace3" {
		t.Errorf("event: %s", e.Data)
	}
	path := filepath.Join(w.dir, "files", a.Hash[:2], a.Hash[2:])
	if got := must(os.ReadFile(path))(t); string(got) != photo {
		t.Error("the blob is not what was uploaded")
	}
	if info := must(os.Stat(path))(t); info.Mode().Perm() != 0o600 {
		t.Errorf("the blob's mode is %v", info.Mode())
	}
	twin := must(w.save("copy", textReader(photo), by))(t)
	if twin.Hash != a.Hash || len(w.blobs()) != 1 {
		t.Errorf("the same content is kept twice: %v", w.blobs())
	}
	w.router.types()

	// A blob that a crash cut short is replaced.
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(w.save("again", textReader(photo), by))(t)
	if got := must(os.ReadFile(path))(t); string(got) != photo {
		t.Error("a broken blob was kept")
	}

	empty := must(w.save("", textReader(""), by))(t)
	if empty.Size != 0 || empty.Filename != "file" {
		t.Errorf("an empty file: %+v", empty)
	}
	_, err := w.save("x", textReader("x"), Cause{})
	wantCode(t, err, hub.Invalid)
	_, err = w.save("x", textReader("x"), Cause{By: hub.UserID(w.IDs.New())})
	wantCode(t, err, hub.NotFound)
}

// An upload under a key is stored once, by its name and content.
func TestSaveOnce(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	by := Cause{By: w.ann.ID}
	upload := func(key, name, content string) (hub.Attachment, bool, error) {
		return w.Save(ctx, Upload{
			Filename: name, Content: textReader(content), Once: &hub.Idempotency{TokenID: "t", Key: key},
		}, by)
	}
	first, repeated, err := upload("k", "a.txt", "text")
	if err != nil || repeated {
		t.Fatal(repeated, err)
	}
	again, repeated, err := upload("k", "a.txt", "text")
	if err != nil || !repeated {
		t.Fatal(repeated, err)
	}
	same(t, "the same file", again, first)
	wantTypes(t, w.router, hub.EventFileUploaded)
	if files := must(w.db.UnpostedFiles(ctx, noon.Add(time.Hour), 10))(t); len(files) != 1 || len(w.blobs()) != 1 {
		t.Errorf("stored %v, %v", files, w.blobs())
	}
	for name, content := range map[string]string{"a.txt": "other", "b.txt": "text"} {
		_, _, err = upload("k", name, content)
		wantCode(t, err, hub.Conflict)
	}
	if other, repeated, err := upload("l", "a.txt", "text"); err != nil || repeated || other.ID == first.ID {
		t.Errorf("under another key: %+v, %v, %v", other, repeated, err)
	}
	if err := w.DeleteFile(ctx, first.ID, by); err != nil {
		t.Fatal(err)
	}
	_, repeated, err = upload("k", "a.txt", "text")
	if wantCode(t, err, hub.NotFound); repeated {
		t.Error("a file that is gone is said to be repeated")
	}
}

func TestSaveRefuses(t *testing.T) {
	w := open(t)
	w.Limits.FileBytes = 10
	for name, test := range map[string]struct {
		r    io.Reader
		want hub.Code
	}{
		"too large":              {textReader("12345678901"), hub.TooLarge},
		"endless":                {endless{}, hub.TooLarge},
		"broken off":             {io.MultiReader(textReader("1"), iotest.ErrReader(errors.New("reset"))), hub.Invalid},
		"over the request limit": {io.MultiReader(textReader("1"), iotest.ErrReader(&http.MaxBytesError{Limit: 1})), hub.TooLarge},
		"refused by the server":  {iotest.ErrReader(hub.Errorf(hub.RateLimited, "Too fast.")), hub.RateLimited},
	} {
		_, err := w.save("x", test.r, Cause{By: w.ann.ID})
		if hub.CodeOf(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left := w.blobs(); len(left) != 0 {
		t.Errorf("refused uploads left %v", left)
	}
	wantTypes(t, w.router)
	must(w.save("x", textReader("1234567890"), Cause{By: w.ann.ID}))(t)
	w.router.types()

	// A folder that cannot be written.
	w.Blobs.Dir = filepath.Join(w.dir, "hub.db", "files")
	_, err := w.save("x", textReader("x"), Cause{By: w.ann.ID})
	wantCode(t, err, hub.Internal)
}

// TestSaveAsksTheGate: an upload that began with room ends when there is none.
func TestSaveAsksTheGate(t *testing.T) {
	w := open(t)
	asked := 0
	w.Blobs.Gate = func() error {
		if asked++; asked == 3 {
			return hub.Errorf(hub.StorageFull, "The disk is nearly full.")
		}
		return nil
	}
	content := strings.Repeat("x", 2*gateEvery+gateEvery/2)
	must(w.save("x", textReader(content), Cause{By: w.ann.ID}))(t)
	if asked != 2 {
		t.Errorf("the gate was asked %d times", asked)
	}
	w.router.types()
	blobs := len(w.blobs())
	_, err := w.save("y", textReader(content+"y"), Cause{By: w.ann.ID})
	wantCode(t, err, hub.StorageFull)
	if got := len(w.blobs()); got != blobs {
		t.Errorf("the refused upload left %d blobs", got-blobs)
	}
	wantTypes(t, w.router)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestOpen(t *testing.T) {
	w := open(t)
	for _, test := range []struct{ name, content, mime, disposition string }{
		{"me.png", pngImage(t, 1, 1), "image/png", `inline; filename=me.png`},
		{"page.png", "<!DOCTYPE html><script>alert(1)</script>", "text/html; charset=utf-8", `attachment; filename=page.png`},
		{"a.png", `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`, "image/svg+xml", `attachment; filename=a.png`},
		{"a.svg", ` <SVG onload="alert(1)">`, "image/svg+xml", `attachment; filename=a.svg`},
		{"a.pdf", "%PDF-1.7", "application/pdf", `attachment; filename=a.pdf`},
		{"a.js", "alert(1)", "text/plain; charset=utf-8", `inline; filename=a.js`},
		{"grüße \"1\".txt", "\x00\x01\x02", "application/octet-stream", `attachment; filename*=utf-8''gr%C3%BC%C3%9Fe%20_1_.txt`},
	} {
		a := must(w.save(test.name, textReader(test.content), Cause{By: w.ann.ID}))(t)
		d := must(w.Open(t.Context(), a.ID))(t)
		got := must(io.ReadAll(d.Content))(t)
		if err := d.Content.Close(); err != nil {
			t.Error(err)
		}
		if string(got) != test.content || d.ID != a.ID {
			t.Errorf("%s: read %q", test.name, got)
		}
		for name, want := range map[string]string{
			"Content-Type": test.mime, "Content-Disposition": test.disposition, "X-Content-Type-Options": "nosniff",
			"ETag": `"` + a.Hash + `"`,
		} {
			if got := d.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", test.name, name, got, want)
			}
		}
		if csp := d.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox; default-src 'none'") {
			t.Errorf("%s: policy %q", test.name, csp)
		}
	}
	_, err := w.Open(t.Context(), hub.FileID(w.IDs.New()))
	wantCode(t, err, hub.NotFound)
}

func TestDeleteFile(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	by := Cause{By: w.ann.ID}
	ch := must(w.CreateChannel(ctx, NewChannel{Name: "ops", Type: hub.ChannelPrivate}, by))(t)
	one, two := must(w.save("1", textReader("x"), by))(t), must(w.save("2", textReader("x"), by))(t)
	m := must(w.Post(ctx, Post{ChannelID: ch.ID, Author: hub.Author{ID: w.ann.ID}, FileIDs: []hub.FileID{one.ID}}))(t)
	if err := w.DeleteFile(ctx, one.ID, by); err != nil {
		t.Fatal(err)
	}
	e := w.router.last(t, hub.EventFileDeleted)
	if !e.ChannelPrivate || e.ChannelID != ch.ID || e.OrderKey != "c:"+string(ch.ID) {
		t.Errorf("a file of a private channel is told of as %+v", e)
	}
	if got := must(w.Message(ctx, m.ID))(t); len(got.Files) != 0 {
		t.Errorf("files of the message: %v", got.Files)
	}
	if len(w.blobs()) != 1 {
		t.Error("content that another file has is gone")
	}
	if err := w.DeleteFile(ctx, two.ID, by); err != nil {
		t.Fatal(err)
	}
	if e := w.router.last(t, hub.EventFileDeleted); e.ChannelID != "" || e.OrderKey != "" {
		t.Errorf("a file that was not posted is told of as %+v", e)
	}
	if len(w.blobs()) != 0 {
		t.Errorf("content is left: %v", w.blobs())
	}
	wantCode(t, w.DeleteFile(ctx, two.ID, by), hub.NotFound)
}

// A message is found by its files as long as it has them, whatever happens to
// it at the same time.
func TestDeletedFileIsNotFound(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	by := Cause{By: w.ann.ID}
	a, b := must(w.save("budget.txt", textReader("1"), by))(t), must(w.save("forecast.txt", textReader("2"), by))(t)
	m := must(w.Post(ctx, Post{
		ChannelID: w.d.General, Author: hub.Author{ID: w.ann.ID}, Content: "figures", FileIDs: []hub.FileID{a.ID, b.ID},
	}))(t)
	finds := func(text string, want bool) {
		t.Helper()
		hits, _, err := w.Search(ctx, SearchQuery{Text: text, Viewer: Viewer{All: true}})
		if err != nil || (len(hits) == 1) != want {
			t.Errorf("%q finds %d messages, %v", text, len(hits), err)
		}
	}
	finds("budget", true)
	if err := w.DeleteFile(ctx, a.ID, by); err != nil {
		t.Fatal(err)
	}
	finds("budget", false)
	finds("forecast", true)
	finds("figures", true)
	// Edited by another process in between: nothing is deleted, nothing mixed up.
	other := &Service{Store: w.db, Router: w.router, IDs: w.IDs, Now: w.Now, Log: w.Log}
	w.Store = &meddler{Store: w.db, before: func() {
		must(other.Edit(ctx, m.ID, Edit{Content: ptr("numbers")}, by))(t)
	}}
	wantCode(t, w.DeleteFile(ctx, b.ID, by), hub.Conflict)
	finds("figures", false)
	finds("numbers", true)
	finds("forecast", true)
	var all sync.WaitGroup
	w.Store = w.db
	for i := range 10 {
		all.Go(func() { must(w.Edit(ctx, m.ID, Edit{Content: ptr(fmt.Sprint("edit ", i))}, by))(t) })
	}
	all.Go(func() {
		if err := w.DeleteFile(ctx, b.ID, by); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
	finds("forecast", false)
	w.router.types()
}

func TestSweepFiles(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	by := Cause{By: w.ann.ID}
	if removed := must(w.SweepFiles(ctx))(t); removed != 0 {
		t.Errorf("%d removed from nothing", removed)
	}
	posted := must(w.save("posted", textReader("posted"), by))(t)
	waiting := must(w.save("waiting", textReader("waiting"), by))(t)
	must(w.Post(ctx, Post{ChannelID: w.d.General, Author: hub.Author{ID: w.ann.ID}, FileIDs: []hub.FileID{posted.ID}}))(t)
	write := func(name string, age time.Duration) {
		t.Helper()
		path := filepath.Join(w.dir, "files", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, w.clock.now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	write("ab/"+strings.Repeat("c", 62), 25*time.Hour)
	write("ab/"+strings.Repeat("d", 62), 23*time.Hour)
	write(incomingPrefix+"1", 25*time.Hour)
	write(incomingPrefix+"2", 23*time.Hour)
	write("ab/README", 25*time.Hour)
	// The real files' times are the machine's.
	for _, path := range w.blobs() {
		if info := must(os.Stat(path))(t); info.ModTime().After(noon.Add(48 * time.Hour)) {
			if err := os.Chtimes(path, time.Time{}, noon); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.router.types()
	if removed := must(w.SweepFiles(ctx))(t); removed != 1 {
		t.Errorf("%d removed, want the blob without a file", removed)
	}
	w.clock.advance(24*time.Hour + time.Second)
	fresh := must(w.save("fresh", textReader("fresh"), by))(t)
	w.router.types()
	if removed := must(w.SweepFiles(ctx))(t); removed != 2 {
		t.Errorf("%d removed, want the file that waited and the other blob", removed)
	}
	wantTypes(t, w.router, hub.EventFileDeleted)
	if left := w.blobs(); len(left) != 3 {
		t.Errorf("left: %v", left)
	}
	for id, want := range map[hub.FileID]hub.Code{posted.ID: "", waiting.ID: hub.NotFound, fresh.ID: ""} {
		d, err := w.Open(ctx, id)
		wantCode(t, err, want)
		if err == nil {
			_ = d.Content.Close()
		}
	}
}

// posting posts the files that a sweep has read as not posted, before the sweep
// goes on.
type posting struct {
	Store
	post func([]hub.Attachment)
}

func (p posting) UnpostedFiles(ctx context.Context, before time.Time, limit int) ([]hub.Attachment, error) {
	files, err := p.Store.UnpostedFiles(ctx, before, limit)
	p.post(files)
	return files, err
}

// A file that waited long and is posted at the last moment is not swept from
// under its message; the others are.
func TestSweepAgainstPost(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	by := Cause{By: w.ann.ID}
	late := must(w.save("late", textReader("late"), by))(t)
	waiting := must(w.save("waiting", textReader("waiting"), by))(t)
	w.clock.advance(25 * time.Hour)
	var m hub.Message
	w.Store = posting{w.db, func([]hub.Attachment) {
		m = must(w.Post(ctx, Post{ChannelID: w.d.General, Author: hub.Author{ID: w.ann.ID}, FileIDs: []hub.FileID{late.ID}}))(t)
	}}
	if removed := must(w.SweepFiles(ctx))(t); removed != 1 {
		t.Errorf("%d removed, want the file that waited", removed)
	}
	if got := must(w.Message(ctx, m.ID))(t); len(got.Files) != 1 || got.Files[0].ID != late.ID {
		t.Errorf("files of the message: %v", got.Files)
	}
	d := must(w.Open(ctx, late.ID))(t)
	_ = d.Content.Close()
	_, err := w.File(ctx, waiting.ID)
	wantCode(t, err, hub.NotFound)
}

// A file is never left without its content by the deletion of one with the
// same content.
func TestSaveAgainstDelete(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	by := Cause{By: w.ann.ID}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 25 {
				a, err := w.save("x", textReader("the same"), by)
				if err != nil {
					t.Error(err)
					return
				}
				d, err := w.Open(ctx, a.ID)
				if err != nil {
					t.Error(err)
					return
				}
				_ = d.Content.Close()
				if err := w.DeleteFile(ctx, a.ID, by); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if left := w.blobs(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	w.router.types()
}

// filesBetween calls what another process does at a moment that matters.
type filesBetween struct {
	Store
	beforeCreate, afterDelete func()
	refuseDrop                error
}

func (s *filesBetween) CreateFile(ctx context.Context, a *hub.Attachment, once *hub.Idempotency, routings ...hub.Routing) error {
	if s.beforeCreate != nil {
		s.beforeCreate()
	}
	return s.Store.CreateFile(ctx, a, once, routings...)
}

func (s *filesBetween) DeleteFile(ctx context.Context, id hub.FileID, in *hub.Message, searchable string, routings ...hub.Routing) (bool, error) {
	unused, err := s.Store.DeleteFile(ctx, id, in, searchable, routings...)
	if s.afterDelete != nil {
		s.afterDelete()
	}
	return unused, err
}

func (s *filesBetween) DropBlob(ctx context.Context, hash string, remove func() error) (bool, error) {
	dropped, err := s.Store.DropBlob(ctx, hash, remove)
	if s.refuseDrop != nil {
		return false, s.refuseDrop
	}
	return dropped, err
}

// second returns another process of the same chat: on its store and its folder,
// knowing nothing of what the first is about to do.
func (w *world) second(s Store) *Service {
	return &Service{Store: s, Router: w.router, Blobs: &Blobs{Dir: w.Blobs.Dir}, IDs: w.IDs, Now: w.Now, Log: w.Log}
}

func (w *world) opens(s *Service, id hub.FileID, want string) {
	w.t.Helper()
	d, err := s.Open(w.t.Context(), id)
	if err != nil {
		w.t.Error(err)
		return
	}
	got := must(io.ReadAll(d.Content))(w.t)
	_ = d.Content.Close()
	if string(got) != want {
		w.t.Errorf("the file holds %q, want %q", got, want)
	}
}

// Two processes with one folder: an upload that was acknowledged has its content,
// whenever the other process deletes a file with the same.
func TestSaveAgainstDeleteElsewhere(t *testing.T) {
	upload := func() Upload { return Upload{Filename: "x", Content: textReader("the same")} }
	t.Run("the blob goes after it was seen", func(t *testing.T) {
		w := open(t)
		by := Cause{By: w.ann.ID}
		first := must(w.save("x", textReader("the same"), by))(t)
		b := w.second(&filesBetween{Store: w.db, beforeCreate: func() {
			if err := w.DeleteFile(t.Context(), first.ID, by); err != nil {
				t.Error(err)
			}
		}})
		second, _, err := b.Save(t.Context(), upload(), by)
		if err != nil {
			t.Fatal(err)
		}
		w.opens(w.Service, second.ID, "the same")
		if left := w.blobs(); len(left) != 1 {
			t.Errorf("left: %v", left)
		}
		w.router.types()
	})
	t.Run("the blob comes after it was found unused", func(t *testing.T) {
		w := open(t)
		by := Cause{By: w.ann.ID}
		first := must(w.save("x", textReader("the same"), by))(t)
		var second hub.Attachment
		b := w.second(w.db)
		w.Store = &filesBetween{Store: w.db, afterDelete: func() {
			var err error
			if second, _, err = b.Save(t.Context(), upload(), by); err != nil {
				t.Error(err)
			}
		}}
		if err := w.DeleteFile(t.Context(), first.ID, by); err != nil {
			t.Fatal(err)
		}
		w.opens(b, second.ID, "the same")
		w.router.types()
	})
	t.Run("the commit that removes it fails", func(t *testing.T) {
		w := open(t)
		by := Cause{By: w.ann.ID}
		a := must(w.save("x", textReader("the same"), by))(t)
		w.Store = &filesBetween{Store: w.db, refuseDrop: errors.New("no database")}
		if err := w.DeleteFile(t.Context(), a.ID, by); err != nil {
			t.Fatal(err)
		}
		if left := w.blobs(); len(left) != 1 || strings.Contains(left[0], incomingPrefix) {
			t.Errorf("left: %v, want the blob", left)
		}
		w.router.types()
	})
	t.Run("at random", func(t *testing.T) {
		w := open(t)
		by := Cause{By: w.ann.ID}
		var all sync.WaitGroup
		for _, s := range []*Service{w.Service, w.Service, w.second(w.db), w.second(w.db)} {
			all.Go(func() {
				for range 25 {
					a, _, err := s.Save(t.Context(), upload(), by)
					if err != nil {
						t.Error(err)
						return
					}
					w.opens(s, a.ID, "the same")
					if err := s.DeleteFile(t.Context(), a.ID, by); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		if left := w.blobs(); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		w.router.types()
	})
}

func TestCleanFilename(t *testing.T) {
	for name, want := range map[string]string{
		"a.txt": "a.txt", "日本.png": "日本.png", "../../etc/passwd": "passwd", `C:\x\a.txt`: "a.txt", "a\x00b\n.txt": "ab.txt",
		"": "file", "..": "file", "/": "file", " . a . ": "a", "\xff\xfe": "file", "a:b?.txt": "a_b_.txt",
		"gnp\u202egpj.exe": "gnpgpj.exe", "a\u2066b\u200f": "ab",
		strings.Repeat("ä", 200) + ".png": strings.Repeat("ä", 125) + ".png",
	} {
		if got := cleanFilename(name); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
}

func FuzzCleanFilename(f *testing.F) {
	for _, s := range []string{
		"a.txt", "../x", "\u202e", strings.Repeat("é", 300), "a.\xff", "x" + strings.Repeat(".", 300),
		"\u2028.a",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := cleanFilename(name)
		if got == "" || got == "." || got == ".." || len(got) > maxFilename || !utf8.ValidString(got) || strings.ContainsAny(got, `/\`) {
			t.Errorf("%q became %q", name, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q became %q, with %U in it", name, got, r)
			}
		}
		if again := cleanFilename(got); again != got {
			t.Errorf("%q became %q, and %q the second time", name, got, again)
		}
	})
}
