package api

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

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
	if a != b || again.header.Get(repeatedHeader) == "" {
		t.Errorf("%+v, then %+v", a, b)
	}
}
