package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nself-chat/hub/internal/store"
)

// A running hub answers on a Unix socket in its data folder, for the command
// line on the same machine: who can open it owns the data and needs no token.
const socketName = "hub.sock"

// socketTime bounds a look for who answers on a socket.
const socketTime = 2 * time.Second

// SocketPath is where a hub with this configuration answers the command line.
func (c Config) SocketPath() string { return filepath.Join(c.DataDir, socketName) }

// errSocketTaken: another hub with the same data folder, as several on one
// Postgres database may have, answers there already.
var errSocketTaken = errors.New("another hub answers there")

// listenSocket opens the socket, which only its owner may use from its first
// moment on: it is made in a folder of its own and then moved. What a hub
// that was killed has left behind is replaced.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if conn, err := dialSocket(ctx, path); err == nil {
		_ = conn.Close()
		return nil, errSocketTaken
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	made := filepath.Join(dir, "s")
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", made)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s := &socket{Listener: l, path: path}
	if s.file, err = os.Lstat(path); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return s, nil
}

func dialSocket(ctx context.Context, path string) (net.Conn, error) {
	return (&net.Dialer{Timeout: socketTime}).DialContext(ctx, "unix", path)
}

// socket removes its file when it is closed, unless it is another's by then.
type socket struct {
	net.Listener
	path string
	file fs.FileInfo
	once sync.Once
}

// Close implements net.Listener.
func (s *socket) Close() error {
	s.once.Do(func() {
		if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.file) {
			_ = os.Remove(s.path)
		}
	})
	return s.Listener.Close()
}

// openSocket opens the hub's socket. A hub without one works as well; only the
// command line then needs its address and a token. With an embedded database a hub that
// answers there is at work on the same files.
func (a *App) openSocket(ctx context.Context) (net.Listener, error) {
	path := a.config.SocketPath()
	l, err := listenSocket(ctx, path)
	if errors.Is(err, errSocketTaken) && !a.config.Database.Postgres {
		return nil, runningAt(path)
	}
	if err != nil {
		a.log.Warn("no socket for the command line; name the hub's address to it with --url", "path", path, "error", err)
		return nil, nil
	}
	return l, nil
}

// noneAnswers fails when a hub answers on a socket: the lock of its folder may have
// been removed.
func noneAnswers(ctx context.Context, path string) error {
	conn, err := dialSocket(ctx, path)
	if err != nil {
		return nil //nolint:nilerr // nobody does
	}
	return errors.Join(runningAt(path), conn.Close())
}

func runningAt(path string) error {
	return fmt.Errorf("%w on %s: it answers on %s; stop it, or give this one its own HUB_DATA_DIR", store.ErrRunning, filepath.Dir(path), path)
}

// pipes is a listener for this process alone.
type pipes struct {
	arriving chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newPipes() *pipes { return &pipes{arriving: make(chan net.Conn), closed: make(chan struct{})} }

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.arriving:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// dial connects to who accepts.
func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.arriving <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, fmt.Errorf("connect: %w", net.ErrClosed)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
