package control

import (
	"context"

	"github.com/nself-chat/hub"
)

// auditStore keeps the audit log.
type auditStore interface {
	AddAudit(ctx context.Context, entries ...hub.AuditEntry) error
	AuditLog(ctx context.Context, before hub.AuditID, limit int) ([]hub.AuditEntry, error)
}

// AuditLog returns at most limit entries older than the one whose id is before
// ("": the newest), newest first, and whether there are more.
func (s *Service) AuditLog(ctx context.Context, a hub.Actor, before hub.AuditID, limit int) ([]hub.AuditEntry, bool, error) {
	if err := allow(a, readAudit); err != nil {
		return nil, false, err
	}
	all, err := s.Store.AuditLog(ctx, before, limit+1)
	items, more := firstOf(all, limit)
	return items, more, err
}
