package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/secret"
	"github.com/nself-chat/hub/internal/store"
)

// LocalURL is the base URL of requests through [Local.Transport].
const LocalURL = "http://hub.local"

// Local is the API of the hub on this machine, for who owns its data: no token
// is needed, and calls act as the hub's owner. They are answered by the hub that
// runs with this data folder or, when none does, by this process, which then
// sends nothing: deliveries wait for a hub.
type Local struct {
	transport http.RoundTripper
	guest     *guest // nil: a hub runs
	closing   sync.Once
}

// OpenLocal finds the hub of a configuration. Without one that runs, the
// database must exist; on SQLite no hub can start until Close.
//
// What holds the database for a moment, another command or a hub that starts or
// stops, is waited for.
func OpenLocal(ctx context.Context, c Config, version string) (*Local, error) {
	for began := time.Now(); ; {
		l, err := openLocal(ctx, c, version)
		if !errors.Is(err, store.ErrRunning) {
			return l, err
		}
		if time.Since(began) > heldTime {
			return nil, hub.Errorf(hub.Unavailable, "The data folder %s has been in use for %s, by another command or by a hub without %s. "+
				"Try again when that has ended, or name the hub that runs by its address.", c.DataDir, heldTime, socketName)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(heldPause):
		}
	}
}

const (
	heldTime  = 5 * time.Second // how long a database in use is waited for
	heldPause = 50 * time.Millisecond
)

func openLocal(ctx context.Context, c Config, version string) (*Local, error) {
	path := c.SocketPath()
	conn, err := dialSocket(ctx, path)
	if err == nil {
		_ = conn.Close()
		return &Local{transport: transportOver(func(ctx context.Context) (net.Conn, error) { return dialSocket(ctx, path) })}, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, hub.Errorf(hub.Forbidden, "This account may not open %s. Run the command as the account that the hub runs as, "+
			"or name the hub by its address and give a token.", path)
	}
	g, err := openGuest(ctx, c, version)
	if err != nil {
		return nil, err
	}
	return &Local{transport: telling{transportOver(g.pipes.dial), g.app.store}, guest: g}, nil
}

func transportOver(dial func(context.Context) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableCompression: true,
	}
}

// Transport makes requests to LocalURL.
func (l *Local) Transport() http.RoundTripper { return l.transport }

// Running reports whether a hub runs, and deliveries go out at once.
func (l *Local) Running() bool { return l.guest == nil }

// Close ends open requests and closes the database. It may be called again.
func (l *Local) Close() (err error) {
	l.closing.Do(func() {
		(&http.Client{Transport: l.transport}).CloseIdleConnections()
		if l.guest != nil {
			err = l.guest.close()
		}
	})
	return err
}

// guest is a hub that only answers this process: it serves no lane, is no
// member of a cluster and listens on no address.
type guest struct {
	app   *App
	pipes *pipes
	parts *lifecycle
}

func openGuest(ctx context.Context, c Config, version string) (*guest, error) {
	if err := c.databaseExists(); err != nil {
		return nil, err
	}
	g := &guest{pipes: newPipes()}
	log := slog.New(slog.DiscardHandler)
	var err error
	g.app, err = New(ctx, c, Options{Log: log, Version: version, guest: g.pipes})
	if err != nil {
		return nil, err
	}
	g.parts = newLifecycle(log)
	if c.Database.Postgres {
		g.parts.start(ctx, "signals", func(ctx context.Context) error { return g.app.store.Listen(ctx, hub.Ears{Signal: g.app.heard}) })
	}
	g.parts.start(ctx, "server", g.app.server.Run)
	return g, nil
}

func (g *guest) close() error { return errors.Join(g.parts.stop(), g.app.Close()) }

// guestKeys opens the sealing keys, which the hubs of the database have made.
func guestKeys(c Config) (*secret.Keys, error) {
	keys, err := c.readKeys()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hub.Errorf(hub.NotFound, "There is no keys file %s. Name the data folder of the database's hub with HUB_DATA_DIR, "+
			"or set HUB_SECRET_KEYS as that hub has it.", c.KeysFile())
	}
	return keys, err
}

// telling tells the hubs on the database of each change, which otherwise they
// would find when they look for themselves.
type telling struct {
	*http.Transport
	store *store.Store
}

// signalTime bounds telling them.
const signalTime = 2 * time.Second

// RoundTrip implements http.RoundTripper.
func (t telling) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.Transport.RoundTrip(r)
	if err == nil && r.Method != http.MethodGet {
		ctx, cancel := context.WithTimeout(r.Context(), signalTime)
		defer cancel()
		_ = t.store.Signal(ctx, hub.Signal{Seq: -1, All: true, Changed: true}) // may be lost
	}
	return res, err
}

// heard follows what a hub on the same database did.
func (a *App) heard(s hub.Signal) {
	a.control.Bell.Ring()
	if s.Changed {
		a.forget()
	}
}

// databaseExists fails when no hub has made the database yet.
func (c *Config) databaseExists() error {
	if c.Database.Postgres {
		return nil
	}
	if _, err := os.Stat(c.Database.Path); errors.Is(err, fs.ErrNotExist) {
		return hub.Errorf(hub.NotFound, "There is no hub's database at %s. Start one with `hub serve`, or name its folder with HUB_DATA_DIR.",
			c.Database.Path)
	}
	return nil
}
