package store

import (
	"context"
	"time"

	"github.com/nself-chat/hub"
)

// The general form of idempotency: a request is noted before it is carried
// out and its answer kept afterwards. Requests whose effect is one commit use
// the stronger form of [tx.once] instead. Both share the table; an entry of
// that form has status 0.

// unfinishedTime is for how long a request that began and has not finished is
// taken to be running. After it the hub most likely stopped in the middle.
const unfinishedTime = 10 * time.Minute

// answer is the kept answer of a request.
type answer struct {
	hash     string
	finished bool
	response string
	began    Time
}

// BeginRequest notes that a request is about to be carried out under
// (TokenID, Key). It returns "" when it is the first, and the answer given to
// FinishRequest when the same request was carried out before. It is refused
// with a Conflict when another request used the key, with ErrUnfinished while the
// first one may be running, and with another Conflict when it was most likely lost
// in the middle.
func (s *Store) BeginRequest(ctx context.Context, k hub.Idempotency) (response string, err error) {
	err = s.write(ctx, func(t *tx) error {
		response = ""
		n, err := t.exec(`INSERT INTO nchat_idempotency (token_id, key, request_hash, created_at)
			VALUES ($1, $2, $3, $4) ON CONFLICT (token_id, key) DO NOTHING`, string(k.TokenID), k.Key, k.RequestHash, at(t.now))
		if err != nil || n == 1 {
			return err
		}
		a, err := one(context.Background(), t, "request", scanAnswer, `SELECT request_hash, status IS NOT NULL, response, created_at
			FROM nchat_idempotency WHERE token_id = $1 AND key = $2`, string(k.TokenID), k.Key)
		switch {
		case err != nil:
			return err
		case a.hash != k.RequestHash:
			return hub.Errorf(hub.Conflict, "This Idempotency-Key was used before for another request; use a new key.")
		case !a.finished && t.now.Sub(a.began.Time) < unfinishedTime:
			return hub.ErrUnfinished
		case !a.finished:
			return hub.Errorf(hub.Conflict, "The first request with this Idempotency-Key has not finished: it is still running, "+
				"or the hub stopped in the middle of it. See whether it took effect before you send it with a new key.")
		}
		response = a.response
		return nil
	})
	return response, err
}

func scanAnswer(row scanner) (a answer, err error) {
	err = row.Scan(&a.hash, &a.finished, orEmpty(&a.response), &a.began)
	return a, err
}

// FinishRequest keeps the answer of a request noted by BeginRequest. response
// is sealed by the caller: it may hold secrets.
func (s *Store) FinishRequest(ctx context.Context, token hub.TokenID, key string, status int, response string) error {
	return s.write(ctx, func(t *tx) error {
		return t.later(`UPDATE nchat_idempotency SET status = $3, response = $4
			WHERE token_id = $1 AND key = $2 AND status IS NULL`, string(token), key, status, response)
	})
}

// ForgetRequest takes back BeginRequest, for a request that was refused and
// changed nothing: its key may be used again.
func (s *Store) ForgetRequest(ctx context.Context, token hub.TokenID, key string) error {
	return s.write(ctx, func(t *tx) error {
		return t.later(`DELETE FROM nchat_idempotency WHERE token_id = $1 AND key = $2 AND status IS NULL`, string(token), key)
	})
}

// PruneIdempotency forgets at most limit keys that were used before t and
// returns how many.
func (s *Store) PruneIdempotency(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.write(ctx, func(t *tx) error {
		deleted, err := t.exec(`DELETE FROM nchat_idempotency WHERE (token_id, key) IN (
			SELECT token_id, key FROM nchat_idempotency WHERE created_at < $1 LIMIT $2)`, at(before), limit)
		n = int(deleted)
		return err
	})
	return n, err
}
