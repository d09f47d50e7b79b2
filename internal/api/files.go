package api

import (
	"context"
	"errors"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nself-chat/hub"
)

// multipartSlack is what a form may be larger than the file in it.
const multipartSlack = 64 << 10

// wireFile is a file as it is shown. A file that the hub keeps is at the
// address of its download.
func wireFile(f hub.Attachment) hub.AttachmentInfo {
	url := f.URL
	if url == "" {
		url = "/api/files/" + string(f.ID)
	}
	return hub.AttachmentInfo{
		ID: f.ID, Filename: f.Filename, MimeType: f.MimeType, Size: f.Size, URL: url, Width: f.Width, Height: f.Height,
	}
}

type fileInput struct {
	ID hub.FileID `path:"id"`
}

func (a *API) fileRoutes() {
	a.raw(operation{
		method: http.MethodPost, path: "/api/files", id: "uploadFile", tag: "files", summary: "Upload a file",
		doc: "It is posted with a message by its id; until then only you and administrators see it. " +
			"An Idempotency-Key stands for name and content, not for the form around them.",
		status: http.StatusCreated, inCommit: true, answers: jsonType[0],
	}, a.uploadFile, func(op *huma.Operation) {
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {
			Schema: &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{
				"file": {
					Type: huma.TypeString, Description: "Its content, with its name.",
					Extensions: map[string]any{"contentMediaType": "application/octet-stream"},
				},
			}, Required: []string{"file"}},
		}}}
		op.Responses = a.success(operation{method: http.MethodPost, status: http.StatusCreated}, reflect.TypeFor[hub.AttachmentInfo]())
		op.Responses["201"].Headers["Location"] = headers("Location")["Location"]
	})
	a.raw(operation{
		method: http.MethodGet, path: "/api/files/{id}", id: "downloadFile", tag: "files", summary: "Download a file",
		doc: "Ranges, If-None-Match and If-Modified-Since are served.", conflict: "The file lives elsewhere; its url says where.",
	}, a.downloadFile, func(op *huma.Operation) {
		op.Parameters = []*huma.Param{{Name: "id", In: "path", Required: true, Schema: uuid(), Example: exampleFileID}}
		content := map[string]*huma.MediaType{"*/*": {Schema: &huma.Schema{}}}
		for status, what := range map[string]string{
			"200": "The content.", "206": "The range asked for.", "304": "The caller has this content already.",
			"412": "If-Match or If-Unmodified-Since do not hold.", "416": "There is no such range.",
		} {
			op.Responses[status] = &huma.Response{Description: what, Headers: headers("X-Request-Id")}
		}
		for _, status := range []string{"200", "206", "304", "412"} {
			op.Responses[status].Headers["ETag"] = &huma.Header{
				Description: "Of the content, for If-None-Match and If-Range.", Schema: &huma.Schema{Type: huma.TypeString},
			}
		}
		op.Responses["200"].Content, op.Responses["206"].Content = content, content
		op.Responses["416"].Content = map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}
	})
	register(a, operation{
		method: http.MethodDelete, path: "/api/files/{id}", id: "deleteFile", tag: "files", summary: "Delete a file",
		conflict: "It was posted, or its message changed, at the same time; nothing was deleted.",
	}, func(ctx context.Context, who hub.Actor, in *fileInput) (nothing, error) {
		return nothing{}, a.Control.DeleteFile(ctx, who, in.ID)
	})
}

// uploadFile streams the part "file" of a form to disk.
func (a *API) uploadFile(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength > a.MaxFile+multipartSlack {
		return tooLarge(a.MaxFile)
	}
	r.Body = http.MaxBytesReader(w, r.Body, a.MaxFile+multipartSlack)
	form, err := r.MultipartReader()
	if err != nil {
		return hub.Errorf(hub.Invalid, "Send the file as multipart/form-data, in a part named file.")
	}
	for {
		part, err := form.NextPart()
		if err != nil {
			return a.formError(err)
		}
		if part.FormName() != "file" {
			continue
		}
		return a.savePart(w, r, part)
	}
}

func (a *API) savePart(w http.ResponseWriter, r *http.Request, part *multipart.Part) error {
	defer part.Close()
	f, repeated, err := a.Control.SaveFile(r.Context(), actorOf(r.Context()), part.FileName(), part, r.Header.Get(keyHeader))
	if err != nil {
		if _, over := errors.AsType[*http.MaxBytesError](err); over {
			return tooLarge(a.MaxFile)
		}
		return keyTells(r.Header.Get(keyHeader), err)
	}
	if repeated {
		w.Header().Set(repeatedHeader, "true")
	}
	w.Header().Set("Location", "/api/files/"+string(f.ID))
	writeJSON(w, r, http.StatusCreated, wireFile(f))
	return nil
}

// formError says why a form has no file.
func (a *API) formError(err error) error {
	if errors.Is(err, io.EOF) {
		return badField("file", "is required: a part of the form with this name")
	}
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return tooLarge(a.MaxFile)
	}
	if _, ok := errors.AsType[*hub.Error](err); ok {
		return err
	}
	return hub.Wrap(hub.Invalid, err, "The form is malformed or did not arrive in full.")
}

// downloadFile serves a file's content with ranges and conditions.
func (a *API) downloadFile(w http.ResponseWriter, r *http.Request) error {
	f, err := a.Control.OpenFile(r.Context(), actorOf(r.Context()), hub.FileID(r.PathValue("id")))
	if err != nil {
		return err
	}
	defer f.Content.Close()
	maps.Copy(w.Header(), f.Header)
	http.ServeContent(w, r, "", f.CreatedAt, f.Content)
	return nil
}
