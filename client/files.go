package client

import (
	"context"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
)

// Attachment is a file of a message, or an uploaded one.
type Attachment struct {
	ID       string `json:"id"`
	Filename string `json:"filename"`
	MimeType string `json:"mimeType"`
	Size     int64  `json:"size"` // bytes
	URL      string `json:"url"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
}

// Upload stores a file, to be posted with a message by its id. The content is
// streamed, so the call is not repeated when it fails.
func (c *Client) Upload(ctx context.Context, filename string, content io.Reader) (Attachment, error) {
	pr, pw := io.Pipe()
	form := multipart.NewWriter(pw)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = pw.CloseWithError(writeForm(form, filename, content)) // never fails
	}()
	defer func() {
		_ = pr.Close() // ends the writer when the request ended before it
		<-done
	}()
	req, err := c.newRequest(ctx, request{method: http.MethodPost, path: "/api/files"}, pr)
	if err != nil {
		return Attachment{}, err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	return decode[Attachment](c.exchange(req)) //nolint:bodyclose // decode does
}

func writeForm(form *multipart.Writer, filename string, content io.Reader) error {
	part, err := form.CreateFormFile("file", filename)
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, content); err != nil {
		return err
	}
	return form.Close()
}

// File returns the name, the type and the size of a file.
func (c *Client) File(ctx context.Context, id string) (Attachment, error) {
	path := "/api/files/" + escape(id)
	res, err := c.send(ctx, request{method: http.MethodHead, path: path})
	if err != nil {
		return Attachment{}, err
	}
	defer res.Body.Close()
	f := Attachment{ID: id, MimeType: res.Header.Get("Content-Type"), Size: max(res.ContentLength, 0), URL: path}
	if _, parameters, err := mime.ParseMediaType(res.Header.Get("Content-Disposition")); err == nil {
		f.Filename = parameters["filename"]
	}
	return f, nil
}

// Download returns the content of a file; the caller closes it.
func (c *Client) Download(ctx context.Context, id string) (io.ReadCloser, error) {
	res, err := c.send(ctx, get("/api/files/"+escape(id), nil))
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// DeleteFile deletes a file.
func (c *Client) DeleteFile(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/api/files/" + escape(id)})
}
