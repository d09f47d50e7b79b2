package store

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/nself-chat/hub"
)

const auditColumns = `id, actor_id, token_id, remote_ip, action, subject, before, after, created_at, session_id, user_agent, trace`

func scanAudit(row scanner) (hub.AuditEntry, error) {
	var e hub.AuditEntry
	var before, after string
	err := row.Scan(&e.ID, orEmpty(&e.ActorID), orEmpty(&e.TokenID), orEmpty(&e.RemoteIP), &e.Action, &e.Subject,
		orEmpty(&before), orEmpty(&after), into(&e.CreatedAt), orEmpty(&e.SessionID), orEmpty(&e.UserAgent), orEmpty(&e.Trace))
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
	return t.later(`INSERT INTO nchat_audit_log (`+auditColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		string(e.ID), orNull(e.ActorID), orNull(e.TokenID), orNull(e.RemoteIP), e.Action, e.Subject,
		orNull(storableJSON(string(e.Before))), orNull(storableJSON(string(e.After))), at(e.CreatedAt),
		orNull(e.SessionID), orNull(e.UserAgent), orNull(e.Trace))
}

// AuditLog returns the entries that q selects, newest first. Each filter has an
// index with the id behind it; of several, the first that is set is walked.
func (s *Store) AuditLog(ctx context.Context, q hub.AuditQuery) ([]hub.AuditEntry, error) {
	text, args := auditQuery(s.onPostgres(), q)
	return list(ctx, s.readers, scanAudit, text, args...)
}

func auditQuery(onPostgres bool, q hub.AuditQuery) (text string, args []any) {
	low, high := lowestID, upTo(q.Before)
	if !q.Since.IsZero() {
		low = hub.FirstID(q.Since) // no entry has this very id
	}
	if !q.Until.IsZero() {
		high = min(high, hub.FirstID(q.Until))
	}
	c := conditions{parts: []string{"id > $1", "id < $2"}, args: []any{low, high}}
	newest := "id DESC"
	for _, filter := range []struct{ column, value string }{{"subject", q.Subject}, {"actor_id", string(q.ActorID)}, {"action", q.Action}} {
		if filter.value == "" {
			continue
		}
		if newest == "id DESC" && onPostgres {
			newest = filter.column + " DESC, id DESC" // as in within
			c.add(filter.column+" = ANY (ARRAY[%s::"+auditType(filter.column)+"])", filter.value)
			continue
		}
		c.add(filter.column+" = %s", filter.value)
	}
	c.args = append(c.args, q.Limit)
	return `SELECT ` + auditColumns + ` FROM nchat_audit_log WHERE ` + strings.Join(c.parts, " AND ") +
		` ORDER BY ` + newest + ` LIMIT ` + c.last(), c.args
}

func auditType(column string) string {
	if column == "actor_id" {
		return "uuid"
	}
	return "text"
}
