package ingress

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// The largest bodies taken, in bytes.
const (
	maxBody      = 10 << 20
	maxMultipart = 25 << 20
	// maxSniffed is how large a body is of a call that is refused unread, and
	// still looked at to word the refusal in the sender's dialect.
	maxSniffed = 64 << 10
)

// buffers recycles the memory that bodies of ordinary size are read into.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// maxRecycled is the largest buffer worth keeping.
const maxRecycled = 64 << 10

var (
	cutOff = &dialect.Failure{Verdict: dialect.BadBody, Detail: "The body could not be read to its end."}

	errNoRoom = &hub.Error{
		Code: hub.Unavailable, Detail: "Too many bodies are arriving at once for the hub's memory; nothing was stored.",
		RetryAfter: 2 * time.Second,
	}
)

func tooLarge(limit int64) *dialect.Failure {
	return &dialect.Failure{
		Verdict: dialect.TooLarge,
		Detail:  "The body is too large: at most " + strconv.FormatInt(limit>>20, 10) + " MiB are taken.",
	}
}

// bodyLimit is how large the call's body may be. What is called multipart and names
// no boundary will be read as something else, and may be no larger than that.
func (c *call) bodyLimit() int64 {
	if dialect.Boundary(c.r.Header.Get("Content-Type")) != "" {
		return maxMultipart
	}
	return maxBody
}

// readBody reads the body up to its limit.
func (c *call) readBody(ctx context.Context) *dialect.Failure {
	limit := c.bodyLimit()
	err := c.read(ctx, c.hook.ID, limit+1, roomWait)
	switch {
	case errors.Is(err, errNoRoom):
		return c.failure(err)
	case err != nil:
		return cutOff
	case c.size > limit:
		return tooLarge(limit)
	}
	return nil
}

// sniff makes the beginning of the body known, unless it is large, and reports
// whether there is one. Nothing waits for that.
func (c *call) sniff() bool {
	if c.buffer == nil && (c.r.ContentLength > maxSniffed || c.read(c.r.Context(), "", maxSniffed+1, 0) != nil) {
		return false
	}
	return len(c.body) <= maxSniffed
}

// read reads at most limit bytes of the body, into memory that who has room
// for. It takes room as the body arrives: what a sender only announces, or
// sends slowly, takes none from others.
func (c *call) read(ctx context.Context, who hub.IncomingID, limit int64, wait time.Duration) error {
	buffer := buffers.Get().(*[]byte)
	b := (*buffer)[:0]
	if !c.in.room.take(ctx, who, int64(cap(b)), wait) {
		buffers.Put(buffer)
		return errNoRoom
	}
	c.buffer, c.holder, c.held = buffer, who, int64(cap(b))
	defer func() {
		c.body, *c.buffer = b, b[:0]
		c.size = max(c.size, int64(len(b)))
	}()
	for int64(len(b)) < limit {
		if len(b) == cap(b) {
			size := c.nextSize(int64(len(b)), limit)
			if !c.in.room.take(ctx, who, size, wait) {
				return errNoRoom
			}
			b = append(make([]byte, 0, size), b...)
			*buffer = b
			c.in.room.give(who, c.held)
			c.held = size
		}
		n, err := c.r.Body.Read(b[len(b):min(int64(cap(b)), limit)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nextSize is how large a full buffer is to become: twice as large, and no
// larger than the rest of the body needs.
func (c *call) nextSize(full, limit int64) int64 {
	size := min(2*full, limit)
	if announced := c.r.ContentLength; announced >= full {
		size = min(size, announced+1) // the byte more is where the end is seen
	}
	return size
}

// end gives the body's memory back. Nothing may refer to it any more.
func (c *call) end() {
	if c.buffer == nil {
		return
	}
	if cap(*c.buffer) <= maxRecycled {
		buffers.Put(c.buffer)
	}
	c.in.room.give(c.holder, c.held)
}
