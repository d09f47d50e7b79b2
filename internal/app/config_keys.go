package app

import (
	"path/filepath"

	"github.com/nself-chat/hub/internal/secret"
)

// KeysFile returns the path of the keys file, which is used when no keys are configured.
func (c Config) KeysFile() string { return filepath.Join(c.DataDir, "keys") }

// OpenKeys returns the keys that seal credentials in the database: those of the configuration, or those of the keys
// file, which is made when it is not there. The data folder must exist.
func (c Config) OpenKeys() (*secret.Keys, error) {
	if !c.SecretKeys.IsZero() {
		return secret.ParseKeys(c.SecretKeys.Reveal())
	}
	return secret.LoadOrCreate(c.KeysFile())
}

// CheckKeys opens the keys as [Config.OpenKeys] does but makes nothing, and returns the ids of the keys, the sealing
// one first. Its error satisfies errors.Is(err, fs.ErrNotExist) when there is no keys file yet.
func (c Config) CheckKeys() (ids []string, err error) {
	keys, err := c.readKeys()
	if err != nil {
		return nil, err
	}
	return keys.IDs(), nil
}

func (c Config) readKeys() (*secret.Keys, error) {
	if c.SecretKeys.IsZero() {
		return secret.Load(c.KeysFile())
	}
	return secret.ParseKeys(c.SecretKeys.Reveal())
}
