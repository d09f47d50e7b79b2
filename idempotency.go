package hub

import "time"

// IdempotencyKeep is how long an Idempotency-Key is remembered.
const IdempotencyKeep = 24 * time.Hour

// Idempotency asks that a request be carried out once: it is recorded in the
// commit of its effect under (TokenID, Key).
type Idempotency struct {
	TokenID     TokenID
	Key         string
	RequestHash string // hex SHA-256 of method, path and body
	// Result is what a repetition is answered from: an id, or a small JSON text.
	Result string
}

// RepeatedError answers a request that was carried out before under the same
// key and with the same content. Nothing was changed.
type RepeatedError struct {
	Result string // as recorded the first time
}

// Error implements error.
func (e *RepeatedError) Error() string { return "the request was carried out before" }
