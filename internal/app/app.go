// Package app puts the hub together: it reads the configuration, wires the
// parts in one straight line, runs them, and stops them in reverse.
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/api"
	"github.com/nself-chat/hub/internal/auth"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/cluster"
	"github.com/nself-chat/hub/internal/console"
	"github.com/nself-chat/hub/internal/control"
	"github.com/nself-chat/hub/internal/delivery"
	"github.com/nself-chat/hub/internal/egress"
	"github.com/nself-chat/hub/internal/fault"
	"github.com/nself-chat/hub/internal/ingress"
	"github.com/nself-chat/hub/internal/secret"
	"github.com/nself-chat/hub/internal/server"
	"github.com/nself-chat/hub/internal/store"
)

// Options are what a program adds to the configuration.
type Options struct {
	Log     *slog.Logger
	Version string
	// Demo: SeedDemo will be called, and the hub must reach its receiver.
	Demo bool
	// guest is what a hub for this process alone listens on; see [OpenLocal].
	guest *pipes
}

// App is a hub, put together and not yet running.
type App struct {
	config  Config
	log     *slog.Logger
	version string
	ids     *hub.IDs
	now     func() time.Time

	url       string // public, no slash at the end
	listening string // host:port
	keys      *secret.Keys
	store     *store.Store
	egress    *egress.Client
	engine    *delivery.Engine
	pruner    *delivery.Pruner
	chat      *chat.Service
	ingress   *ingress.Ingress
	auth      *auth.Authenticator
	control   *control.Service
	server    *server.Server
	notifier  *notifier
	defaults  chat.Defaults
	cluster   *cluster.Cluster // nil: the embedded database
	metrics   *metrics
	gate      *diskGate
}

// New opens everything that a hub needs. Close must be called unless Run was.
func New(ctx context.Context, c Config, o Options) (_ *App, err error) {
	a := &App{config: c, log: o.Log, version: o.Version, ids: &hub.IDs{}, now: fault.Now, metrics: newMetrics()}
	defer func() {
		if err != nil {
			_ = a.Close()
		}
	}()
	component := func(name string) *slog.Logger { return o.Log.With("component", name) }

	if o.guest != nil {
		a.keys, err = guestKeys(c)
	} else {
		a.keys, err = a.begin(ctx)
	}
	if err != nil {
		return nil, err
	}
	bell := &control.Bell{}
	options := c.storeOptions()
	options.Now, options.Log, options.Meters = a.now, component("store"), a.metrics.meters()
	options.OnEvents = bell.Ring
	options.OnChange = func() {
		if a.cluster != nil {
			a.cluster.OnChange()
		}
	}
	options.Shared = c.Database.Postgres && o.guest != nil
	if a.store, err = store.Open(ctx, options); err != nil {
		return nil, err
	}
	if o.guest != nil {
		if err := a.store.CheckSchema(ctx); err != nil {
			return nil, err
		}
	}
	if c.Database.Postgres {
		a.now = a.store.Now // the database's clock, which all hubs share
		a.ids.Now = a.now
	}
	last, err := a.store.LastEventID(ctx)
	if err != nil {
		return nil, err
	}
	a.ids.Seed(string(last))
	if err := a.checkKeys(ctx); err != nil {
		return nil, err
	}
	allow := c.Egress.Allow
	if o.Demo {
		allow = slices.Concat(allow, demoAllow(c.Addr))
	}
	a.egress = egress.New(egress.Options{
		Policy:    egress.Policy{Allow: allow, AllowLoopback: c.ListensOnLoopback(), AllowHTTP: c.Egress.AllowHTTP},
		UserAgent: delivery.UserAgent,
	})
	a.notifier = newNotifier(component("notices"))
	a.notifier.posted = func(n hub.Notice) { a.metrics.notices.WithLabelValues(string(n)).Inc() }
	a.engine = &delivery.Engine{
		Store: a.store, Sender: delivery.Over(a.egress), Keys: a.keys, Node: a.ids.New(), Now: a.now,
		Log: component("delivery"), OnNotice: a.notifier.wake, Observer: a.metrics,
	}
	if err := a.join(ctx, bell, o.guest != nil); err != nil {
		return nil, err
	}
	if err := a.engine.Start(ctx); err != nil {
		return nil, err
	}
	gate := newDiskGate(c.DiskFolders, c.DiskReserve, a.now, component("disk"))
	gate.place, a.gate = a.store.CheckPlace, gate
	a.chat = &chat.Service{
		Store: a.store, Router: a.engine, Blobs: &chat.Blobs{Dir: c.Files.Dir, Gate: gate.Check}, IDs: a.ids, Now: a.now, Log: component("chat"),
		Limits: chat.Limits{FileBytes: c.Files.Max}, ScrubDeleted: c.ScrubDeleted,
	}
	if a.defaults, err = a.chat.EnsureDefaults(ctx); err != nil {
		return nil, err
	}
	a.notifier.store, a.notifier.chat = a.store, a.chat

	if err := a.listen(ctx, o.guest); err != nil {
		return nil, err
	}

	a.auth = auth.New(auth.Options{
		Store: a.store, IDs: a.ids, Now: a.now, Log: component("auth"), ClientIP: server.ClientIP, IsHTTPS: server.IsHTTPS,
		IsLocal: server.IsLocal, SecureCookies: len(c.BaseURL) > 8 && c.BaseURL[:8] == "https://",
	})
	a.ingress = ingress.New(ingress.Options{
		Store: a.store, Chat: a.chat, IDs: a.ids, Now: a.now, Log: component("ingress"),
		OpenSecret: func(w *hub.IncomingWebhook) (secret.String, error) {
			return a.keys.Open(w.SealedHMAC, control.HMACSecretAAD(w.ID))
		},
		Gate: gate.Check, RateLimit: c.Incoming.RateLimit, BaseURL: a.url,
		OnCall: func(verdict string) { a.metrics.calls.WithLabelValues(verdict).Inc() },
	})
	policy := hub.DefaultPolicy()
	policy.Concurrency, policy.MaxRetries = c.Queue.Concurrency, c.Queue.MaxRetries
	policy.RetryDelay, policy.Timeout = c.Queue.RetryDelay, c.Queue.Timeout
	a.control = &control.Service{
		Chat: a.chat, Store: a.store, Router: a.engine, Engine: a.engine, Egress: a.egress, Ingress: a.ingress, Access: a.auth,
		Keys: a.keys, IDs: a.ids, Now: a.now, Log: component("control"), BaseURL: a.url, Defaults: policy, Gate: gate.Check,
		Bell: bell,
	}
	a.ingress.Mount(a.server.Mux())
	api.Mount(a.server.Mux(), api.Options{
		Control: a.control, Auth: a.auth, Log: component("api"), Version: o.Version, Wake: bell.Wait,
		Stopping: a.server.Stopping(), MaxFile: c.Files.Max,
	})
	pages := &console.Console{Control: a.control, Auth: a.auth}
	pages.Mount(a.server.Mux())
	a.server.HandleNotFound(pages.NotFound())
	a.server.HandleMetrics(guardMetrics(a.metricsHandler(), a.mayReadMetrics))
	a.server.AddCheck("database", a.store.Ping)
	a.server.AddCheck("place", gate.CheckPlace)
	a.server.AddCheck("writer", a.store.CheckWriter)
	a.server.AddCheck("room", a.store.CheckRoom)
	if a.cluster != nil {
		a.server.AddCheck("membership", a.cluster.Check)
	}
	a.server.AddCheck("progress", a.checkProgress)

	a.pruner = &delivery.Pruner{
		Store: a.store, Now: a.now, Log: component("retention"), Finished: c.Retention.Finished, Failed: c.Retention.Failed,
		Bytes: c.Retention.Bytes, Also: a.cleanups(), Leads: a.leads,
	}
	return a, nil
}

// storeOptions names the database.
func (c *Config) storeOptions() store.Options {
	if c.Database.Postgres {
		return store.Options{Postgres: c.Database.URL.Reveal(), Schema: c.Database.Schema}
	}
	return store.Options{Path: c.Database.Path, Synchronous: c.Database.Synchronous}
}

// listen makes the server and opens what it listens on.
func (a *App) listen(ctx context.Context, guest *pipes) (err error) {
	c := &a.config
	options := server.Options{
		Addr: c.Addr, BaseURL: c.BaseURL, TrustedProxies: c.Incoming.TrustedProxies, DrainDelay: c.DrainDelay,
		Log: a.log.With("component", "server"),
	}
	if guest != nil {
		options.Addr, options.Local, options.DrainDelay, a.listening = "", guest, 0, c.Addr
	} else {
		if options.Local, err = a.openSocket(ctx); err != nil {
			return err
		}
	}
	if a.server, err = server.New(options); err != nil {
		if options.Local != nil {
			err = errors.Join(err, options.Local.Close())
		}
		return err
	}
	if guest == nil {
		listening, err := a.server.Listen(ctx)
		if err != nil {
			return err
		}
		a.listening = listening.String()
	}
	a.url = c.PublicURL(a.listening)
	return nil
}

// join makes this process one of those that work on the database. The embedded
// one has no other; a guest is none, and leaves all lanes to them.
func (a *App) join(ctx context.Context, bell *control.Bell, guest bool) error {
	if guest {
		return a.engine.SetShare(ctx, nil, func(hub.WebhookID) bool { return false })
	}
	if !a.config.Database.Postgres {
		return nil
	}
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	a.cluster = cluster.New(cluster.Options{
		Store: a.store, Engine: a.engine, NewID: a.ids.New, SetSlot: a.ids.SetSlot, Name: fmt.Sprintf("%s/%d", name, os.Getpid()),
		Wake: bell.Ring, Forget: a.forget, Log: a.log.With("component", "cluster"),
	})
	a.engine.OnForeign, a.engine.OnGrant, a.engine.OnRevoke = a.cluster.OnForeign, a.cluster.OnGrant, a.cluster.OnRevoke
	a.engine.Node, err = a.cluster.Join(ctx)
	return err
}

// forget drops what this process has copies of, after another one changed it.
func (a *App) forget() {
	if a.auth != nil {
		a.auth.Invalidate()
	}
	if a.ingress != nil {
		a.ingress.Invalidate()
	}
	if a.chat != nil {
		a.chat.Invalidate()
	}
}

// leads reports whether this process does what one alone should do.
func (a *App) leads() bool { return a.cluster == nil || a.cluster.Leads() }

// begin looks at what a hub finds on this machine, before it opens its database, and
// opens the sealing keys.
func (a *App) begin(ctx context.Context) (*secret.Keys, error) {
	if !a.config.Database.Postgres {
		if err := noneAnswers(ctx, a.config.SocketPath()); err != nil {
			return nil, err
		}
	}
	doubt, err := a.config.CheckNewDatabase()
	if err != nil {
		return nil, err
	}
	if doubt != "" {
		a.log.Warn("a new database is made", "doubt", doubt)
	}
	if err := os.MkdirAll(a.config.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("create the data folder: %w", err)
	}
	if _, err := a.config.CheckFiles(); err != nil {
		return nil, err
	}
	return openKeys(a.config)
}

// CheckNewDatabase looks at what is there while there is no embedded database, or an
// empty one. It fails when a restore has not ended: a new hub would take its place. doubt
// says that an earlier hub has left its keys; "": nothing is to be said.
func (c Config) CheckNewDatabase() (doubt string, err error) {
	path := c.Database.Path
	if c.Database.Postgres {
		return "", nil
	}
	if info, err := os.Stat(path); err == nil && info.Size() > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", nil //nolint:nilerr // what opens it will tell
	}
	left, err := unfinishedRestores(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	if left != nil {
		return "", fmt.Errorf("there is no database at %s, and a restore there was interrupted or is under way (%s): "+
			"repeat `hub restore`, or remove that file to begin with a new database", path, left[0])
	}
	if _, err := os.Stat(c.KeysFile()); err != nil || !c.SecretKeys.IsZero() {
		return "", nil //nolint:nilerr // there are none, as at a first start
	}
	return fmt.Sprintf("%s is missing or empty, so a start makes a new database, although the keys of an earlier one are there (%s): "+
		"if it was lost, stop the hub and restore a backup", path, c.KeysFile()), nil
}

// openKeys opens the sealing keys. The data folder must exist. New ones are made
// only with a new database: an existing one would be full of secrets they cannot open.
func openKeys(c Config) (*secret.Keys, error) {
	if c.Database.Postgres {
		return c.OpenKeys() // checkKeys sees whether they fit
	}
	if _, err := os.Stat(c.Database.Path); err == nil {
		if _, err := c.CheckKeys(); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the keys file %s is missing, and the database %s has secrets sealed with it: "+
				"restore it from a backup, or set HUB_SECRET_KEYS", c.KeysFile(), c.Database.Path)
		}
	}
	return c.OpenKeys()
}

// keysSetting holds a text sealed by the keys of the first hub on the database.
const (
	keysSetting = "keys.check"
	keysText    = "nself-chat hub"
)

// checkKeys refuses to start with keys that do not open what is sealed: every
// delivery would fail. All hubs on one database must have the same keys.
func (a *App) checkKeys(ctx context.Context) error {
	sealed, err := a.store.Setting(ctx, keysSetting)
	if err != nil {
		return err
	}
	if sealed == "" {
		if sealed, err = a.store.DefaultSetting(ctx, keysSetting, a.keys.Seal(secret.New(keysText), keysSetting)); err != nil {
			return err
		}
	}
	if _, err := a.keys.Open(sealed, keysSetting); err != nil {
		return fmt.Errorf("the sealing keys are not those that this database was made with, and would open none of its secrets: "+
			"restore %s, or set HUB_SECRET_KEYS to the same keys on every hub of this database: %w", a.config.KeysFile(), err)
	}
	if a.keys.Stale(sealed) {
		return a.store.SetSetting(ctx, keysSetting, a.keys.Seal(secret.New(keysText), keysSetting))
	}
	return nil
}

// URL is where the hub is reached, without a slash at the end.
func (a *App) URL() string { return a.url }

// Close releases what New opened. Run does it by itself.
func (a *App) Close() error {
	var errs []error
	if a.server != nil {
		errs = append(errs, a.server.Close())
	}
	if a.engine != nil {
		a.engine.Close()
	}
	if a.egress != nil {
		a.egress.Close()
	}
	if a.cluster != nil {
		errs = append(errs, a.cluster.Leave(context.Background()))
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	return errors.Join(errs...)
}

// Run runs the hub until ctx is done or a part of it fails, calling ready when
// it serves. It stops in order: first what comes in, then what goes out, then
// the database.
func (a *App) Run(ctx context.Context, ready func()) error {
	l := newLifecycle(a.log)
	if a.cluster != nil {
		l.start(ctx, "cluster", a.cluster.Run)
	}
	l.start(ctx, "disk", a.gate.Run)
	l.start(ctx, "delivery", a.engine.Run)
	l.start(ctx, "retention", a.pruner.Run)
	l.start(ctx, "chat", a.chat.Run)
	l.start(ctx, "notices", a.notifier.Run)
	l.start(ctx, "auth", a.auth.Run)
	l.start(ctx, "ingress", a.ingress.Run)
	if a.config.PprofAddr != "" {
		l.start(ctx, "profiler", a.profile)
	}
	l.start(ctx, "server", a.server.Run)
	a.log.Info("ready", "url", a.url, "version", a.version)
	ready()
	err := l.wait(ctx)
	a.log.Info("stopping")
	err = errors.Join(err, l.stop(), a.Close())
	a.log.Info("stopped")
	return err
}

// stuckAfter is how long work may be due without any being claimed before the
// hub reports that it is not ready.
const stuckAfter = 30 * time.Second

// checkProgress fails when work is due and nothing is being done about it:
// the loops may be alive and useless.
func (a *App) checkProgress(context.Context) error {
	since := a.engine.Progress()
	if since.IsZero() || a.now().Sub(since) < stuckAfter {
		return nil
	}
	return hub.Errorf(hub.Unavailable, "Deliveries are due and none has been claimed for %s.", a.now().Sub(since).Round(time.Second))
}

const (
	// keysKept is after which silence nothing is expected under a key of an incoming
	// webhook any more.
	keysKept       = 90 * 24 * time.Hour
	callsPruned    = 1000
	requestsPruned = 1000
)

// cleanups are the other packages' parts of a retention round.
func (a *App) cleanups() []func(context.Context) error {
	keep := a.config.Retention.Finished
	return []func(context.Context) error{
		func(ctx context.Context) error {
			if keep == 0 {
				return nil
			}
			return untilNone(func() (int64, error) { return a.store.PruneCalls(ctx, a.now().Add(-keep), callsPruned) })
		},
		func(ctx context.Context) error {
			return untilNone(func() (int64, error) { return a.store.PruneKeys(ctx, a.now().Add(-keysKept), callsPruned) })
		},
		func(ctx context.Context) error {
			return untilNone(func() (int, error) {
				return a.store.PruneIdempotency(ctx, a.now().Add(-hub.IdempotencyKeep), requestsPruned)
			})
		},
		a.store.PruneSessions,
		func(ctx context.Context) error {
			_, err := a.chat.SweepFiles(ctx)
			return err
		},
	}
}

func untilNone[N int | int64](step func() (N, error)) error {
	for {
		if n, err := step(); err != nil || n == 0 {
			return err
		}
	}
}

// profile serves net/http/pprof on its own, private address.
func (a *App) profile(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.config.PprofAddr)
	if err != nil {
		return fmt.Errorf("profiler: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("profiler: %w", err)
	}
	return nil
}
