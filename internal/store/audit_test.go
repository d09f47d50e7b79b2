package store

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

// asValue compares JSON by what it says: Postgres writes it in its own way.
var asValue = cmp.Transformer("value", func(text json.RawMessage) (v any) {
	if text != nil && json.Unmarshal(text, &v) != nil {
		return string(text)
	}
	return v
})

func TestAuditLog(t *testing.T) { onBoth(t, testAuditLog) }

func testAuditLog(t *testing.T, s *Store, _ *time.Time) {
	var want []hub.AuditEntry // newest first
	for i := range 5 {
		e := hub.AuditEntry{
			ID: hub.AuditID(numbered(i)), ActorID: ann, TokenID: id1, SessionID: id2, RemoteIP: "192.0.2.1", UserAgent: "curl/8", Trace: "t", Action: "channel.update",
			Subject: "c1", Before: json.RawMessage(`{"name":"a"}`), After: json.RawMessage(`{"name":"b"}`), CreatedAt: noon,
		}
		if i == 2 {
			e = hub.AuditEntry{ID: hub.AuditID(numbered(i)), Action: "token.create", Subject: "t1", CreatedAt: noon}
		}
		want = append([]hub.AuditEntry{e}, want...)
		if err := s.AddAudit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	var got []hub.AuditEntry
	for before := hub.AuditID(""); ; {
		page, err := s.AuditLog(t.Context(), hub.AuditQuery{Before: before, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		before = page[len(page)-1].ID
	}
	if diff := cmp.Diff(want, got, asValue); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}
	if err := s.AddAudit(t.Context(), want[0]); hub.CodeOf(err) != hub.Conflict {
		t.Errorf("the same entry again: %v", err)
	}
}
