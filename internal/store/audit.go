package store

import (
	"context"
	"encoding/json"

	"github.com/nself-chat/hub"
)

const auditColumns = `id, actor_id, token_id, remote_ip, action, subject, before, after, created_at`

func scanAudit(row scanner) (hub.AuditEntry, error) {
	var e hub.AuditEntry
	var before, after string
	err := row.Scan(&e.ID, orEmpty(&e.ActorID), orEmpty(&e.TokenID), orEmpty(&e.RemoteIP), &e.Action, &e.Subject,
		orEmpty(&before), orEmpty(&after), into(&e.CreatedAt))
	if before != "" {
		e.Before = json.RawMessage(before)
	}
	if after != "" {
		e.After = json.RawMessage(after)
	}
	return e, err
}

// AddAudit appends entries to the audit log.
func (s *Store) AddAudit(ctx context.Context, entries ...hub.AuditEntry) error {
	return s.write(ctx, func(t *tx) error {
		for _, e := range entries {
			if err := t.addAudit(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) addAudit(e hub.AuditEntry) error {
	return t.later(`INSERT INTO nchat_audit_log (`+auditColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		string(e.ID), orNull(e.ActorID), orNull(e.TokenID), orNull(e.RemoteIP), e.Action, e.Subject,
		orNull(storableJSON(string(e.Before))), orNull(storableJSON(string(e.After))), at(e.CreatedAt))
}

// AuditLog returns at most limit entries made before the one whose id is
// before ("": the newest), newest first.
func (s *Store) AuditLog(ctx context.Context, before hub.AuditID, limit int) ([]hub.AuditEntry, error) {
	return list(ctx, s.readers, scanAudit,
		`SELECT `+auditColumns+` FROM nchat_audit_log WHERE id < $1 ORDER BY id DESC LIMIT $2`, upTo(before), limit)
}
