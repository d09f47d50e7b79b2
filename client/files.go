package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"sync"
)

// Attachment is a file of a message, or an uploaded one.
type Attachment struct {
	ID       string `json:"id"`
	Filename string `json:"filename"`
	MimeType string `json:"mimeType"`
	Size     int64  `json:"size"` // bytes
	URL      string `json:"url"`
	Width    int    `json:"width"` // pixels
	Height   int    `json:"height"`
}

// File is a file on its way here. The caller closes it; a content that ends
// too early is an error of Read.
type File struct {
	io.ReadCloser
	Filename string
	MimeType string
	Size     int64 // bytes; -1: not known
}

const filesPath = "/api/files"

// Upload stores a file, to be posted with a message by its id. The content is
// streamed, from where it stands to its end. If it is an io.Seeker, its end is
// where it is now, and the call is repeated as others are; else not. Upload returns only after the last Read of
// the content.
func (c *Client) Upload(ctx context.Context, filename string, content io.Reader, options ...CallOption) (Attachment, error) {
	u := upload{content: content, size: -1}
	r := request{method: http.MethodPost, path: filesPath}
	if seeker, ok := content.(io.Seeker); ok && u.measure(seeker) == nil {
		r.key = rand.Text()
	}
	r = r.with(options)
	if u.seeker == nil {
		once := *c
		once.retries = 0
		c = &once
	}
	if err := u.frame(filename); err != nil {
		return Attachment{}, fmt.Errorf("hub: upload: %w", err)
	}
	var a Attachment
	err := c.repeat(ctx, r, func() (err error) {
		a, err = u.once(ctx, c, r)
		return err
	})
	return a, err
}

// upload is a form with one file.
type upload struct {
	content    io.Reader
	seeker     io.Seeker // nil: it can be read once
	start      int64
	size       int64 // of the content; -1: not known
	head, tail []byte
	kind       string
}

// measure finds out where a content stands and how long it is.
func (u *upload) measure(s io.Seeker) error {
	start, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return err // a pipe has the method and not the ability
	}
	end, err := s.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := s.Seek(start, io.SeekStart); err != nil {
		return err
	}
	u.seeker, u.start, u.size = s, start, end-start
	return nil
}

// frame makes what stands around the content.
func (u *upload) frame(filename string) error {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	if _, err := form.CreateFormFile("file", filename); err != nil {
		return err
	}
	u.head = bytes.Clone(b.Bytes())
	b.Reset()
	if err := form.Close(); err != nil {
		return err
	}
	u.tail, u.kind = b.Bytes(), form.FormDataContentType()
	return nil
}

func (u *upload) once(ctx context.Context, c *Client, r request) (Attachment, error) {
	if u.seeker != nil {
		if _, err := u.seeker.Seek(u.start, io.SeekStart); err != nil {
			return Attachment{}, fmt.Errorf("hub: upload: read the content again: %w", err)
		}
	}
	content := &borrowed{r: u.content}
	if u.size >= 0 {
		content.r = io.LimitReader(u.content, u.size) // a log file may grow meanwhile
	}
	defer content.giveBack()
	req, err := c.newRequest(ctx, r, io.MultiReader(bytes.NewReader(u.head), content, bytes.NewReader(u.tail)))
	if err != nil {
		return Attachment{}, err
	}
	if u.size >= 0 {
		req.ContentLength = int64(len(u.head)) + u.size + int64(len(u.tail))
	}
	req.Header.Set("Content-Type", u.kind)
	res, err := c.exchange(req) //nolint:bodyclose // decode does
	if err != nil {
		return Attachment{}, err
	}
	return decode[Attachment](res) // while the content may be read
}

// borrowed is a reader that is not used any more once it was given back,
// whatever the transport still wants.
type borrowed struct {
	mu sync.Mutex
	r  io.Reader
}

// Read implements io.Reader.
func (b *borrowed) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.r == nil {
		return 0, errors.New("the upload has ended")
	}
	return b.r.Read(p)
}

func (b *borrowed) giveBack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.r = nil
}

// Download returns a file with its content, which is streamed; the caller
// closes it.
func (c *Client) Download(ctx context.Context, id string) (*File, error) {
	var res *http.Response
	err := c.send(ctx, get(filesPath+"/"+escape(id), nil), func(got *http.Response) error {
		res = got // the caller closes it
		return nil
	})
	if err != nil {
		return nil, err
	}
	f := &File{ReadCloser: res.Body, MimeType: res.Header.Get("Content-Type"), Size: res.ContentLength}
	if _, params, err := mime.ParseMediaType(res.Header.Get("Content-Disposition")); err == nil {
		f.Filename = params["filename"]
	}
	return f, nil
}

// DeleteFile deletes a file.
func (c *Client) DeleteFile(ctx context.Context, id string) error {
	return c.do(ctx, remove(filesPath+"/"+escape(id)))
}
