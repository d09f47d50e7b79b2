package store

import (
	"context"

	"github.com/nself-chat/hub"
)

// Setting returns the value of a setting that the hub keeps for itself, ""
// when it was never set.
func (s *Store) Setting(ctx context.Context, key string) (string, error) {
	return setting(ctx, s.readers, key)
}

func setting(ctx context.Context, q querier, key string) (value string, err error) {
	err = each(ctx, q, func(row scanner) error { return row.Scan(&value) }, `SELECT value FROM nchat_settings WHERE key = $1`, key)
	return value, err
}

// SetSetting stores the value of a setting. It refuses the empty value, which
// stands for a setting that was never set.
func (s *Store) SetSetting(ctx context.Context, key, value string) error {
	if value == "" {
		return hub.Errorf(hub.Invalid, "A setting cannot be empty.")
	}
	return s.change(ctx, func(t *tx) error {
		return t.later(`INSERT INTO nchat_settings (key, value, updated_at) VALUES ($1, $2, $3)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`, key, value, at(t.now))
	})
}

// DefaultSetting stores the value of a setting that has none, and returns what
// is in force.
func (s *Store) DefaultSetting(ctx context.Context, key, value string) (inForce string, err error) {
	err = s.write(ctx, func(t *tx) (err error) {
		inForce, err = t.ensure(key, value)
		return err
	})
	return inForce, err
}
