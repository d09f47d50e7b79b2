package store

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

// What one of the databases cannot keep is kept by neither.
func TestTextIsStorable(t *testing.T) { onBoth(t, testTextIsStorable) }

func testTextIsStorable(t *testing.T, s *Store, now *time.Time) {
	ctx := t.Context()
	const bad, good = "a\x00b\xffc", "a\uFFFDb\uFFFDc"
	if err := s.SetSetting(ctx, bad, bad); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{bad, good} {
		if v, err := s.Setting(ctx, key); v != good || err != nil {
			t.Errorf("setting %q is %q, %v", key, v, err)
		}
	}

	entry := hub.AuditEntry{ID: id1, Action: "x", Subject: bad, Before: json.RawMessage(`{"a":"\u0000 \\u0000"}`), CreatedAt: *now}
	if err := s.AddAudit(ctx, entry); err != nil {
		t.Fatal(err)
	}
	log, err := s.AuditLog(ctx, hub.AuditQuery{Limit: 1})
	if err != nil || log[0].Subject != good {
		t.Fatalf("%+v, %v", log, err)
	}
	if diff := cmp.Diff(json.RawMessage(`{"a":"\ufffd \\u0000"}`), log[0].Before, asValue); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}

	event := &hub.Event{
		ID: id2, Type: "order.created", Time: *now, Data: json.RawMessage(`"a\u0000` + "\xff" + `"`), Trace: bad,
		Origin: hub.Origin{Kind: hub.OriginHub, ID: bad}, TriggeredBy: &hub.TriggeredBy{Username: bad},
	}
	d := hub.RoutedDelivery{Delivery: hub.Delivery{
		ID: hub.DeliveryIDFor(id2, id3), WebhookID: id3, EventID: id2, EventType: event.Type, Status: hub.DeliveryPending, OrderKey: bad,
	}}
	if err := s.Publish(ctx, nil, hub.Routing{Event: event, Deliveries: []hub.RoutedDelivery{d}}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Event(ctx, id2)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Data) != `"a\u0000`+"\uFFFD"+`"` || got.Trace != good || got.Origin.ID != good || got.TriggeredBy.Username != good {
		t.Errorf("event %s, %+v", got.Data, got)
	}
	if got, err := s.Delivery(ctx, d.ID); err != nil || got.OrderKey != good {
		t.Errorf("delivery %+v, %v", got, err)
	}

	for _, id := range []hub.MessageID{"\x00", "\xff", "no id", nobody} {
		if _, err := s.Message(ctx, id); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("message %q: %v", id, err)
		}
	}
}

func TestStorableJSON(t *testing.T) {
	for text, want := range map[string]string{
		`"a"`:                          `"a"`,
		`"\u0000\u0000"`:               `"\ufffd\ufffd"`,
		`"\\u0000 \\\u0000 \\\\u0000"`: `"\\u0000 \\\ufffd \\\\u0000"`,
		`"\u00000"`:                    `"\ufffd0"`,
	} {
		if got := storableJSON(text); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

func TestPositional(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1":                            "SELECT 1",
		"VALUES ($1, $2, $3)":                 "VALUES (?, ?, ?)",
		"SET a = $2 WHERE id = $1":            "SET a = $2 WHERE id = $1",
		"a = $1 AND b = $1":                   "a = $1 AND b = $1",
		"$1 $2 $3 $4 $5 $6 $7 $8 $9 $10, $11": "? ? ? ? ? ? ? ? ? ?, ?",
		"data ->> '$.kind' = $1":              "data ->> '$.kind' = ?",
	} {
		if got := positional(text); got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", text, got, want)
		}
	}
}
