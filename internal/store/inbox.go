package store

import (
	"context"
	"time"

	"github.com/nself-chat/hub"
)

// keptRefusals is the number of refused calls kept for each incoming webhook,
// and for all unknown tokens together: who guesses tokens or floods a URL must
// not fill the disk.
const keptRefusals = 1000

// callSummary are the columns of a call of an incoming webhook without its body.
const callSummary = `id, webhook_id, verdict, reason, dialect, remote_ip, http_status, body_size, message_id, duration_us, created_at,
	recognised_by`

// callDetails are what the log shows of one call besides.
const callDetails = `headers, query, answer, body, message_revision`

// insertCall adds a call of an incoming webhook to the log, in the commit of
// what it made or changed, or by itself. nil adds nothing. An empty IncomingID
// stands for a token that nobody knows.
func (t *tx) insertCall(c *hub.Call) error {
	if c == nil {
		return nil
	}
	var headers any
	if len(c.Headers) > 0 {
		headers = asJSON(c.Headers)
	}
	return t.later(`INSERT INTO nchat_inbox (`+callSummary+`, `+callDetails+`, provider)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 'token')`,
		string(c.ID), orNull(c.IncomingID), c.Verdict, c.Reason, orNull(c.Dialect), orNull(c.RemoteIP), c.Status,
		c.BodySize, orNull(c.MessageID), c.Duration.Microseconds(), at(c.CreatedAt).text(), orNull(c.RecognisedBy),
		headers, orNull(c.Query), orNull(c.Answer), orNilBytes(c.Body), c.MessageRevision)
}

// LogCall logs a call that was carried out and found nothing to change, and
// remembers its key, in one commit. Either may be nil. It returns what the key
// is refused with, as PostMessage does. The keys it came under are in use from now
// on, as long as they stand for what they are said to.
func (s *Store) LogCall(ctx context.Context, once *hub.Idempotency, call *hub.Call, keys ...hub.MessageKey) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.once(once); err != nil {
			return err
		}
		if _, err := t.setKeys(keys); err != nil {
			return err
		}
		return t.insertCall(call)
	})
}

// LogCalls adds refused calls to the log and drops the oldest refused ones of
// the same webhooks beyond keptRefusals. It also adds, for each element of
// uses, its CallCount and RefusedCount to those of the webhook with that ID,
// and moves LastUsedAt forward; the other fields of uses are not read. All of
// it is one commit. Webhooks that do not exist any more are passed over.
func (s *Store) LogCalls(ctx context.Context, calls []hub.Call, uses []hub.IncomingWebhook) error {
	return s.write(ctx, func(t *tx) error {
		touched := make(map[hub.IncomingID]struct{})
		for i := range calls {
			if err := t.insertCall(&calls[i]); err != nil {
				return err
			}
			touched[calls[i].IncomingID] = struct{}{}
		}
		for id := range touched {
			if err := t.dropRefusals(id); err != nil {
				return err
			}
		}
		for i := range uses {
			if err := t.countUse(&uses[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// dropRefusals deletes what is beyond keptRefusals, at most as many at a time.
// Edits and deletions count with them and stay, as posts do: a flood of
// refusals does not wash away who changed what.
func (t *tx) dropRefusals(id hub.IncomingID) error {
	if id == "" {
		return t.later(`DELETE FROM nchat_inbox WHERE id IN (SELECT id FROM nchat_inbox WHERE webhook_id IS NULL
			AND verdict <> 'accepted' AND provider = 'token' ORDER BY webhook_id DESC, id DESC LIMIT $1 OFFSET $1)`, keptRefusals)
	}
	between, newest, _ := within(t.onPostgres(), "webhook_id", "id")
	return t.later(`DELETE FROM nchat_inbox WHERE verdict NOT IN ('edited', 'deleted') AND id IN (SELECT id FROM nchat_inbox
		WHERE `+between+` AND verdict <> 'accepted' AND provider = 'token' ORDER BY `+newest+` LIMIT $4 OFFSET $4)`,
		string(id), lowestID, highestID, keptRefusals)
}

func (t *tx) countUse(w *hub.IncomingWebhook) error {
	return t.later(`UPDATE nchat_incoming_webhooks SET call_count = call_count + $2, refused_count = refused_count + $3,
			last_used_at = CASE WHEN last_used_at IS NULL OR last_used_at < $4 THEN coalesce($4, last_used_at) ELSE last_used_at END
		WHERE id = $1`, string(w.ID), w.CallCount, w.RefusedCount, at(w.LastUsedAt))
}

// scanSummary scans callSummary, and further columns into more.
func scanSummary(row scanner, c *hub.Call, more ...any) error {
	var micros int64
	err := row.Scan(append([]any{
		&c.ID, orEmpty(&c.IncomingID), &c.Verdict, &c.Reason, orEmpty(&c.Dialect), orEmpty(&c.RemoteIP), &c.Status,
		&c.BodySize, orEmpty(&c.MessageID), &micros, into(&c.CreatedAt), orEmpty(&c.RecognisedBy),
	}, more...)...)
	c.Duration = time.Duration(micros) * time.Microsecond
	return err
}

func scanCallSummary(row scanner) (c hub.Call, err error) {
	err = scanSummary(row, &c)
	return c, err
}

func scanCall(row scanner) (c hub.Call, err error) {
	err = scanSummary(row, &c, asJSON(&c.Headers), orEmpty(&c.Query), orEmpty(&c.Answer), &c.Body, &c.MessageRevision)
	return c, err
}

// Calls returns at most limit calls of one incoming webhook with an id below
// before ("": the newest), newest first and without their bodies. The id ""
// asks for the calls of all webhooks and of unknown tokens.
func (s *Store) Calls(ctx context.Context, id hub.IncomingID, before hub.CallID, limit int) ([]hub.Call, error) {
	if id == "" {
		return list(ctx, s.readers, scanCallSummary, `SELECT `+callSummary+` FROM nchat_inbox
			WHERE id < $1 AND provider = 'token' ORDER BY id DESC LIMIT $2`, upTo(before), limit)
	}
	between, newest, _ := within(s.onPostgres(), "webhook_id", "id")
	return list(ctx, s.readers, scanCallSummary, `SELECT `+callSummary+` FROM nchat_inbox
		WHERE `+between+` AND provider = 'token' ORDER BY `+newest+` LIMIT $4`,
		string(id), lowestID, upTo(before), limit)
}

// Call returns one call with its body, or NotFound.
func (s *Store) Call(ctx context.Context, id hub.CallID) (hub.Call, error) {
	return one(ctx, s.readers, "call", scanCall,
		`SELECT `+callSummary+`, `+callDetails+` FROM nchat_inbox WHERE id = $1 AND provider = 'token'`, string(id))
}

// PruneCalls deletes at most limit calls received before the given time,
// oldest first, and returns how many it deleted.
func (s *Store) PruneCalls(ctx context.Context, before time.Time, limit int) (deleted int64, err error) {
	err = s.write(ctx, func(t *tx) (err error) {
		deleted, err = t.exec(`DELETE FROM nchat_inbox WHERE id IN (SELECT id FROM nchat_inbox
			WHERE id < $1 AND provider = 'token' ORDER BY id LIMIT $2)`, hub.FirstID(before), limit)
		return err
	})
	return deleted, err
}
