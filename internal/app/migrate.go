package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/store"
)

// MigrateOptions say what to copy from where to where. A URL that is not given
// is the configuration's: that of the embedded database in the data folder, or
// the one that HUB_DATABASE_URL names.
type MigrateOptions struct {
	From, To  string // may hold a password
	DryRun    bool   // read everything, write nothing
	StartOver bool   // drop what an interrupted migration has brought
	Progress  func(Progress)
}

// MigrateReport is what a migration came to.
type MigrateReport struct {
	*store.CopyReport
	// FilesDir has the uploaded files, which stay where they are.
	FilesDir string `json:"filesDir"`
	// KeysFit says whether the keys of this configuration open what is sealed in
	// the target; "" in a dry run.
	KeysFit  KeysState `json:"keysFit,omitempty"`
	KeysFile string    `json:"keysFile"`
}

// Migrate copies a hub's database to one of the other sort (store.Copy). The
// source is read only, and needs to be at rest.
func Migrate(ctx context.Context, c Config, o MigrateOptions) (*MigrateReport, error) {
	to, err := c.databaseAt(o.To, c.Database.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	embedded, configured := "sqlite://"+filepath.Join(c.DataDir, databaseMember), c.Database.URL.Reveal()
	if to.Postgres {
		configured = embedded
	}
	from, err := c.databaseAt(o.From, configured)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	if !to.Postgres && !o.DryRun {
		if err := os.MkdirAll(filepath.Dir(to.Path), 0o700); err != nil {
			return nil, err
		}
	}
	target := Config{DataDir: c.DataDir, SecretKeys: c.SecretKeys, Database: to}
	source := Config{Database: from}
	copied, err := store.Copy(ctx, store.CopyOptions{
		From: source.storeOptions(), To: target.storeOptions(), DryRun: o.DryRun, StartOver: o.StartOver,
		Searchable: chat.Searchable, Progress: copyProgress(o.Progress),
	})
	report := &MigrateReport{CopyReport: copied, FilesDir: c.Files.Dir, KeysFile: c.KeysFile()}
	if err != nil || o.DryRun {
		return report, err
	}
	return report, WithDatabase(ctx, target, func(ctx context.Context, db *Database) error {
		sealed, err := db.store.Setting(ctx, keysSetting)
		report.KeysFit = target.keysFor(sealed)
		return err
	})
}

// databaseAt reads the URL of a database, or a default.
func (c Config) databaseAt(text, otherwise string) (DatabaseConfig, error) {
	if text == "" {
		text = otherwise
	}
	found := Config{Database: DatabaseConfig{Schema: c.Database.Schema, Synchronous: c.Database.Synchronous}}
	if text == "" {
		return found.Database, hub.Errorf(hub.Invalid, "Name the database here, or with HUB_DATABASE_URL.")
	}
	err := databaseURL().set(&found, text)
	return found.Database, err
}
