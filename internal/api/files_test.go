package api

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// upload sends a file as a form.
func (r *rig) upload(as, name, content string, headers ...string) *reply {
	r.t.Helper()
	var buf bytes.Buffer
	form := multipart.NewWriter(&buf)
	must(r.t, form.WriteField("comment", "not the file"))
	part, err := form.CreateFormFile("file", name)
	must(r.t, err)
	_, err = part.Write([]byte(content))
	must(r.t, err)
	must(r.t, form.Close())
	return r.call(as, http.MethodPost, "/api/files", buf.String(), append(headers, "Content-Type: "+form.FormDataContentType())...)
}

func TestFiles(t *testing.T) {
	r := newRig(t)
	var f hub.AttachmentInfo
	r.upload("writer", "notes.txt", "hello file").want(http.StatusCreated, &f)
	path := "/api/files/" + string(f.ID)
	if f.Filename != "notes.txt" || f.Size != 10 || f.URL != path || !strings.HasPrefix(f.MimeType, "text/plain") {
		t.Fatalf("%+v", f)
	}
	// Until it is posted it is for who uploaded it, and for administrators.
	if got := r.call("writer", http.MethodGet, path, nil).want(http.StatusOK, nil); string(got.body) != "hello file" {
		t.Errorf("got %q", got.body)
	}
	r.call("reader", http.MethodGet, path, nil).refused(http.StatusNotFound, hub.NotFound)
	r.call("admin", http.MethodGet, path, nil).want(http.StatusOK, nil)
	r.call("restricted", http.MethodGet, path, nil).refused(http.StatusNotFound, hub.NotFound) // an owner's, for one channel
	if got := r.call("writer", http.MethodGet, path, nil, "Range: bytes=6-").want(http.StatusPartialContent, nil); string(got.body) != "file" {
		t.Errorf("range %q", got.body)
	}

	// Posted, it is for everybody who sees the channel.
	var m Message
	general := "/api/channels/" + string(r.defaults.General) + "/messages"
	r.call("writer", http.MethodPost, general, map[string]any{"content": "see this", "fileIds": []any{f.ID}}).want(http.StatusCreated, &m)
	if len(m.Attachments) != 1 || m.Attachments[0].URL != path {
		t.Fatalf("%+v", m.Attachments)
	}
	got := r.call("reader", http.MethodGet, path, nil).want(http.StatusOK, nil)
	if got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Content-Disposition") == "" {
		t.Errorf("headers %v", got.header)
	}
	r.call("reader", http.MethodDelete, path, nil).refused(http.StatusForbidden, hub.Forbidden)
	r.call("writer", http.MethodDelete, path, nil).want(http.StatusNoContent, nil)
	r.call("writer", http.MethodGet, path, nil).refused(http.StatusNotFound, hub.NotFound)
}

func TestFileRefusals(t *testing.T) {
	r := newRig(t)
	r.call("writer", http.MethodPost, "/api/files", `{"file": 1}`).refused(http.StatusBadRequest, hub.Invalid)
	r.call("writer", http.MethodPost, "/api/files", "--x\r\nbroken", "Content-Type: multipart/form-data; boundary=x").
		refused(http.StatusBadRequest, hub.Invalid)
	r.call("writer", http.MethodPost, "/api/files", "--x--\r\n", "Content-Type: multipart/form-data; boundary=x").
		refused(http.StatusBadRequest, hub.Invalid, "file")
	r.upload("writer", "big", strings.Repeat("x", 2<<20)).refused(http.StatusRequestEntityTooLarge, hub.TooLarge)
	r.upload("guest", "a.txt", "x").refused(http.StatusForbidden, hub.Forbidden)

	// A repetition under the same key is the same file.
	var a, b hub.AttachmentInfo
	form := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nsame\r\n--x--\r\n"
	kind := "Content-Type: multipart/form-data; boundary=x"
	r.call("writer", http.MethodPost, "/api/files", form, kind, "Idempotency-Key: f").want(http.StatusCreated, &a)
	again := r.call("writer", http.MethodPost, "/api/files", form, kind, "Idempotency-Key: f").want(http.StatusCreated, &b)
	if a != b || again.header.Get(repeatedHeader) != "true" || again.header.Get("Location") != "/api/files/"+string(a.ID) ||
		again.header.Get("Content-Type") != "application/json" {
		t.Errorf("%+v, then %+v, %v", a, b, again.header)
	}
	// Clients write the form around it anew: it is the file that counts.
	r.upload("writer", "a", "same", "Idempotency-Key: f").want(http.StatusCreated, &b)
	if a != b {
		t.Errorf("%+v, then %+v", a, b)
	}
	r.upload("writer", "a", "other", "Idempotency-Key: f").refused(http.StatusConflict, hub.Conflict)
	r.upload("writer", "b", "same", "Idempotency-Key: f").refused(http.StatusConflict, hub.Conflict)
	r.upload("writer", "a", "same", "Idempotency-Key: "+strings.Repeat("k", 256)).refused(http.StatusBadRequest, hub.Invalid, "idempotencyKey")
	var c hub.AttachmentInfo
	if r.upload("admin", "a", "same", "Idempotency-Key: f").want(http.StatusCreated, &c); c.ID == a.ID {
		t.Error("another's key is taken for the same")
	}
}

// TestKeyedUploadIsStreamed: an upload under a key is on disk before all of it
// has come; it does not wait in memory.
func TestKeyedUploadIsStreamed(t *testing.T) {
	r := newRig(t)
	body, rest := io.Pipe()
	form := multipart.NewWriter(rest)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/api/files", body)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+r.tokens["writer"])
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Idempotency-Key", "k")
	answered := make(chan int, 1)
	go func() {
		defer close(answered)
		res, err := r.http.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		answered <- res.StatusCode
		_ = res.Body.Close()
	}()
	part, err := form.CreateFormFile("file", "a.bin")
	must(t, err)
	// More than what the connection, the server and the reader of the form
	// keep on the way.
	_, err = part.Write(make([]byte, 512<<10))
	must(t, err)
	for deadline := time.Now().Add(10 * time.Second); ; {
		files, err := filepath.Glob(filepath.Join(r.files, ".incoming-*"))
		must(t, err)
		if len(files) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Error("nothing is on disk")
			break
		}
		runtime.Gosched()
	}
	must(t, form.Close())
	must(t, rest.Close())
	if status := <-answered; status != http.StatusCreated {
		t.Errorf("status %d", status)
	}
}
