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

// ErrUnfinished answers a request whose first one, under the same key, began a
// short time ago and has not finished. Nothing was changed.
var ErrUnfinished = &Error{
	Code: Conflict, RetryAfter: time.Second,
	Detail: "The first request with this Idempotency-Key has not finished: it is still running, or the hub stopped in the middle of it. " +
		"Send it again to get its answer; if it goes on like this, see whether it took effect before you send it with a new key.",
}

// MessageKey says that a key of an incoming webhook stands for a message: what
// comes under the same key changes that message, or replies to it.
type MessageKey struct {
	IncomingID IncomingID
	Key        string
	MessageID  MessageID
	Was        MessageID // what it stood for so far; "": nothing
}

// Supersession is a message that says something new, and what it said so far as a
// reply in its thread.
type Supersession struct {
	Message    *Message // its Revision is the one after the present one
	Searchable string   // the text it is found by
	Added      []Attachment
	// Former says what Message said; Replies is the number of replies in the thread
	// before it, -1 when there is no thread yet.
	Former           *Message
	FormerSearchable string
	Replies          int
	Key              MessageKey // under which the new text came
}
