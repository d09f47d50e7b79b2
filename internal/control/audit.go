package control

import (
	"context"

	"github.com/nself-chat/hub"
)

// auditStore keeps the audit log.
type auditStore interface {
	AddAudit(ctx context.Context, entries ...hub.AuditEntry) error
	AuditLog(ctx context.Context, q hub.AuditQuery) ([]hub.AuditEntry, error)
}

// AuditLog returns the entries that q selects, newest first, and whether there are
// more.
func (s *Service) AuditLog(ctx context.Context, a hub.Actor, q hub.AuditQuery) ([]hub.AuditEntry, bool, error) {
	if err := allow(a, readAudit); err != nil {
		return nil, false, err
	}
	var errs hub.FieldErrors
	if q.ActorID != "" && !hub.ValidID(string(q.ActorID)) {
		errs.Add("actorId", "must be the id of a user")
	}
	if !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
		errs.Add("until", "must be later than since")
	}
	if err := errs.Err(); err != nil {
		return nil, false, err
	}
	limit := q.Limit
	q.Limit++
	all, err := s.Store.AuditLog(ctx, q)
	items, more := firstOf(all, limit)
	return items, more, err
}
