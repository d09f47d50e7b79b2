package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/auth"
	"github.com/nself-chat/hub/internal/store"
)

// Database is the hub's database for a command line, beside a running hub or
// without one.
type Database struct {
	store  *store.Store
	config Config
}

// WithDatabase opens the database of a configuration that a hub has made,
// calls use, and closes it.
func WithDatabase(ctx context.Context, c Config, use func(context.Context, *Database) error) (err error) {
	if err := c.databaseExists(); err != nil {
		return err
	}
	options := c.storeOptions()
	options.Shared, options.Log = true, slog.New(slog.DiscardHandler)
	s, err := store.Open(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return use(ctx, &Database{store: s, config: c})
}

// Verify holds the database against its invariants.
func (d *Database) Verify(ctx context.Context) (*hub.VerifyReport, error) { return d.store.Verify(ctx) }

// Check looks for damage (PRAGMA quick_check) and returns the library's
// version.
func (d *Database) Check(ctx context.Context) (version string, err error) {
	return d.store.QuickCheck(ctx)
}

// DatabaseReport is how a Postgres database serves this machine.
type DatabaseReport = store.Diagnosis

// Diagnose looks at a Postgres database.
func (d *Database) Diagnose(ctx context.Context) (DatabaseReport, error) {
	return d.store.Diagnose(ctx)
}

// CheckKeys fails when the configured keys do not open what is sealed in the
// database. It changes nothing; a database that no hub has used takes any keys.
func (d *Database) CheckKeys(ctx context.Context) error {
	if made, err := d.store.HasTables(ctx); err != nil || !made {
		return err
	}
	sealed, err := d.store.Setting(ctx, keysSetting)
	if err != nil || sealed == "" {
		return err
	}
	keys, err := d.config.readKeys()
	if err == nil {
		_, err = keys.Open(sealed, keysSetting)
	}
	return err
}

// LoginLink makes a one-time link that signs a user in to the console at url.
func (d *Database) LoginLink(ctx context.Context, username, url string) (string, error) {
	u, err := d.user(ctx, username)
	if err != nil {
		return "", err
	}
	link, err := auth.NewLoginLink(ctx, d.store, u.ID, d.store.Now())
	return url + link.Reveal(), err
}

// user returns a user by name; "" is the owner.
func (d *Database) user(ctx context.Context, username string) (hub.User, error) {
	if username == "" {
		return d.store.Owner(ctx)
	}
	return d.store.UserByName(ctx, username)
}
