package api

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// mayAsk says, by the tag of an operation with a body, what its caller must be
// allowed at least: nothing is read of others.
var mayAsk = map[string]func(hub.Actor) error{
	"channels":          control.MayWrite,
	"messages":          control.MayWrite,
	"files":             control.MayWrite,
	"events":            control.MaySendEvents,
	"incoming webhooks": control.MayManageWebhooks,
	"outgoing webhooks": control.MayManageWebhooks,
	"deliveries":        control.MayManageWebhooks,
	"queue":             control.MayManageQueue,
	"access":            control.MayManageTokens,
	"users":             control.MayManageUsers,
}

// mayAskOf is what the caller of an operation must be allowed at least, nil for
// one without a body.
func mayAskOf(op operation) func(hub.Actor) error {
	switch {
	case op.method != http.MethodPost && op.method != http.MethodPut && op.method != http.MethodPatch:
		return nil
	case op.id == "updateUser": // also of one's own look
		return control.MayWrite
	}
	return mayAsk[op.tag]
}

const (
	// maxBodies is how many bytes of bodies are in memory at once, of all requests.
	maxBodies = 256 << 20
	// maxShare is how many of them one user may have, by all of their tokens and browsers.
	maxShare = maxBodies / 4
)

// bodyRoom is the memory for bodies. No caller gets more than a share of it, so
// that whoever sends much, and slowly, leaves room for others. It is safe for
// concurrent use.
type bodyRoom struct {
	total, share int64

	mu   sync.Mutex
	used int64
	by   map[hub.UserID]int64
}

func newBodyRoom(total, share int64) *bodyRoom {
	return &bodyRoom{total: total, share: share, by: make(map[hub.UserID]int64)}
}

// take takes n bytes for a caller, if they are there. They are given back with
// give.
func (m *bodyRoom) take(who hub.UserID, n int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used+n > m.total || m.by[who]+n > m.share {
		return false
	}
	m.used += n
	m.by[who] += n
	return true
}

func (m *bodyRoom) give(who hub.UserID, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used -= n
	if m.by[who] -= n; m.by[who] == 0 {
		delete(m.by, who)
	}
}

// holder is the room that one request holds.
type holder struct {
	room *bodyRoom
	who  hub.UserID
	held int64
}

type holderKey struct{}

// withHolder lets readBody of the request take room. release gives it back, when
// the request is done with.
func (a *API) withHolder(ctx context.Context, who hub.Actor) (_ context.Context, release func()) {
	h := &holder{room: a.bodies, who: who.UserID}
	return context.WithValue(ctx, holderKey{}, h), func() {
		if h.held > 0 {
			h.room.give(h.who, h.held)
		}
	}
}

// take takes room for n more bytes.
func (h *holder) take(n int64) error {
	if !h.room.take(h.who, n) {
		return &hub.Error{
			Code: hub.Unavailable, Detail: "Too much is being sent at once; nothing was stored.", RetryAfter: time.Second,
		}
	}
	h.held += n
	return nil
}

// firstRead is how many bytes of a body there is room for before any arrived.
const firstRead = 4 << 10

// readAll reads a body of at most limit bytes, announced as that many (-1: not
// at all). It takes room as the body arrives: what a client only announces costs
// nothing.
func (h *holder) readAll(r io.Reader, announced, limit int64) ([]byte, error) {
	size := int64(firstRead)
	if announced >= 0 {
		size = min(size, announced)
	}
	if err := h.take(size); err != nil {
		return nil, err
	}
	b := make([]byte, 0, size)
	for {
		if len(b) == cap(b) && int64(len(b)) != announced {
			// The old piece lives until the new one has its content.
			next := min(4*size, limit+1)
			if announced >= 0 {
				next = min(4*size, announced)
			}
			if err := h.take(next - size); err != nil {
				return nil, err
			}
			b, size = append(make([]byte, 0, next), b...), next
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) == announced, err == io.EOF && announced < 0: //nolint:errorlint // io.Reader's
			return b, nil
		case err == io.EOF: //nolint:errorlint // io.Reader's
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		}
	}
}

// readyBody is a body that has been read.
type readyBody struct {
	io.Reader
	all []byte
}

// Close implements io.Closer.
func (readyBody) Close() error { return nil }
