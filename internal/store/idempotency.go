package store

import (
	"context"

	"github.com/nself-chat/hub"
)

// once records the request's key in the commit of its effect. It returns a
// RepeatedError when the same request was carried out before, and a Conflict
// when another one used the key. A nil key asks for nothing.
func (t *tx) once(k *hub.Idempotency) error {
	if k == nil || k.Key == "" {
		return nil
	}
	n, err := t.exec(`INSERT INTO nchat_idempotency (token_id, key, request_hash, status, response, created_at)
		VALUES ($1, $2, $3, 0, $4, $5) ON CONFLICT (token_id, key) DO NOTHING`,
		string(k.TokenID), k.Key, k.RequestHash, k.Result, at(t.now))
	if err != nil || n == 1 {
		return err
	}
	var hash, result string
	err = each(context.Background(), t, func(row scanner) error { return row.Scan(&hash, orEmpty(&result)) },
		`SELECT request_hash, response FROM nchat_idempotency WHERE token_id = $1 AND key = $2`, string(k.TokenID), k.Key)
	if err != nil {
		return err
	}
	if hash != k.RequestHash {
		return hub.Errorf(hub.Conflict, "This Idempotency-Key was used before for another request; use a new key.")
	}
	return &hub.RepeatedError{Result: result}
}
