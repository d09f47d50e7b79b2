package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

// callAt is a call with an id of that moment; n tells calls of one moment apart.
func callAt(at time.Time, n int, webhook hub.IncomingID, verdict string) hub.Call {
	first := hub.FirstID(at)
	return hub.Call{
		ID: hub.CallID(fmt.Sprintf("%s%012x", first[:len(first)-12], n)), IncomingID: webhook, Verdict: verdict, Status: 200,
		CreatedAt: at.UTC(),
	}
}

func ids(calls []hub.Call) (out []string) {
	for _, c := range calls {
		out = append(out, string(c.ID))
	}
	return out
}

func TestCallRoundTrip(t *testing.T) { onBoth(t, testCallRoundTrip) }

func testCallRoundTrip(t *testing.T, s *Store, _ *time.Time) {
	now := time.Date(2026, 2, 1, 12, 0, 0, 123_456_000, time.UTC)
	full := callAt(now, 1, id1, "accepted")
	full.Reason, full.Dialect, full.RemoteIP, full.Status = "why", "slack", "192.0.2.1", 201
	full.Body, full.BodySize, full.MessageID, full.Duration = []byte("a\x00b"), 70_000, id3, 1500*time.Microsecond
	bare := callAt(now, 2, "", "unknown_token")
	if err := s.LogCalls(t.Context(), []hub.Call{full, bare}, nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []hub.Call{full, bare} {
		got, err := s.Call(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("call (-want +got):\n%s", diff)
		}
	}
	listed, err := s.Calls(t.Context(), id1, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	full.Body = nil
	if diff := cmp.Diff([]hub.Call{full}, listed); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	for _, id := range []hub.CallID{nobody, "no id"} {
		if _, err := s.Call(t.Context(), id); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("an unknown call: %v", err)
		}
	}
}

func TestCallsNewestFirstWithCursor(t *testing.T) { onBoth(t, testCallsNewestFirstWithCursor) }

func testCallsNewestFirstWithCursor(t *testing.T, s *Store, _ *time.Time) {
	now := time.UnixMilli(1_800_000_000_000)
	var calls []hub.Call
	for i := range 5 {
		calls = append(calls, callAt(now, i, id1, "accepted"), callAt(now, i+100, id2, "accepted"))
	}
	calls = append(calls, callAt(now, 200, "", "unknown_token"))
	if err := s.LogCalls(t.Context(), calls, nil); err != nil {
		t.Fatal(err)
	}
	var got []string
	var before hub.CallID
	for {
		page, err := s.Calls(t.Context(), id1, before, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, ids(page)...)
		before = page[len(page)-1].ID
	}
	want := []string{string(calls[8].ID), string(calls[6].ID), string(calls[4].ID), string(calls[2].ID), string(calls[0].ID)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages of w1 (-want +got):\n%s", diff)
	}
	all, err := s.Calls(t.Context(), "", "", 100)
	if err != nil || len(all) != len(calls) || all[0].ID != calls[10].ID {
		t.Errorf("all calls: %d, first %v, error %v", len(all), ids(all)[:1], err)
	}
}

func TestRefusedCallsAreCapped(t *testing.T) { onBoth(t, testRefusedCallsAreCapped) }

func testRefusedCallsAreCapped(t *testing.T, s *Store, _ *time.Time) {
	now := time.UnixMilli(1_800_000_000_000)
	accepted := []hub.Call{callAt(now, 0, id1, "accepted")}
	if err := s.LogCalls(t.Context(), accepted, nil); err != nil {
		t.Fatal(err)
	}
	for w, webhook := range []hub.IncomingID{id1, "", id2} {
		for batch := range 3 {
			var calls []hub.Call
			for i := range keptRefusals / 2 {
				n := batch*keptRefusals/2 + i + 1
				calls = append(calls, callAt(now.Add(time.Duration(n)*time.Millisecond), w, webhook, "rate_limited"))
			}
			if err := s.LogCalls(t.Context(), calls, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for webhook, want := range map[hub.IncomingID]int{id1: keptRefusals + 1, id2: keptRefusals} {
		calls, err := s.Calls(t.Context(), webhook, "", 10*keptRefusals)
		if err != nil || len(calls) != want {
			t.Errorf("%s keeps %d calls, want %d; error %v", webhook, len(calls), want, err)
		}
		if calls[0].CreatedAt != now.Add(3*keptRefusals/2*time.Millisecond).UTC() {
			t.Errorf("%s: the newest call is of %v", webhook, calls[0].CreatedAt)
		}
	}
	all, err := s.Calls(t.Context(), "", "", 10*keptRefusals)
	if err != nil || len(all) != 3*keptRefusals+1 {
		t.Errorf("%d calls in all, want %d; error %v", len(all), 3*keptRefusals+1, err)
	}
	if _, err := s.Call(t.Context(), accepted[0].ID); err != nil {
		t.Errorf("the accepted call is gone: %v", err)
	}
}

// TestRefusalsDoNotWashChangesAway: who edited and deleted what stays in the
// log, however many refused calls follow.
func TestRefusalsDoNotWashChangesAway(t *testing.T) { onBoth(t, testRefusalsDoNotWashChangesAway) }

func testRefusalsDoNotWashChangesAway(t *testing.T, s *Store, _ *time.Time) {
	now := time.UnixMilli(1_800_000_000_000)
	changes := []hub.Call{callAt(now, 0, id1, "edited"), callAt(now, 1, id1, "deleted")}
	for i := range changes {
		if err := s.LogCall(t.Context(), nil, &changes[i]); err != nil {
			t.Fatal(err)
		}
	}
	for batch := range 3 {
		var calls []hub.Call
		for i := range keptRefusals {
			calls = append(calls, callAt(now.Add(time.Duration(batch*keptRefusals+i+1)*time.Millisecond), 0, id1, "bad_signature"))
		}
		if err := s.LogCalls(t.Context(), calls, nil); err != nil {
			t.Fatal(err)
		}
	}
	left, err := s.Calls(t.Context(), id1, "", 10*keptRefusals)
	if err != nil || len(left) != keptRefusals+len(changes) {
		t.Fatalf("%d calls are left, want %d; error %v", len(left), keptRefusals+len(changes), err)
	}
	if diff := cmp.Diff(ids(changes), []string{ids(left)[keptRefusals+1], ids(left)[keptRefusals]}); diff != "" {
		t.Errorf("the changes (-want +got):\n%s", diff)
	}
}

// TestLogCallOnce: a call that changed nothing uses up its key.
func TestLogCallOnce(t *testing.T) { onBoth(t, testLogCallOnce) }

func testLogCallOnce(t *testing.T, s *Store, _ *time.Time) {
	call := func(n int) *hub.Call { c := callAt(time.UnixMilli(1_800_000_000_000), n, id1, "deleted"); return &c }
	key := hub.Idempotency{TokenID: "in:w1", Key: "id:1", RequestHash: "a", Result: "m1"}
	if err := s.LogCall(t.Context(), &key, call(1)); err != nil {
		t.Fatal(err)
	}
	if r, ok := errors.AsType[*hub.RepeatedError](s.LogCall(t.Context(), &key, call(2))); !ok || r.Result != "m1" {
		t.Errorf("the same request was not recognised: %v", r)
	}
	key.RequestHash = "b"
	if err := s.LogCall(t.Context(), &key, call(3)); hub.CodeOf(err) != hub.Conflict {
		t.Errorf("another request under the key: %v", err)
	}
	if calls, err := s.Calls(t.Context(), id1, "", 10); err != nil || len(calls) != 1 || calls[0].ID != call(1).ID {
		t.Errorf("logged %v, error %v", ids(calls), err)
	}
}

func TestPruneCalls(t *testing.T) { onBoth(t, testPruneCalls) }

func testPruneCalls(t *testing.T, s *Store, _ *time.Time) {
	day := time.UnixMilli(1_800_000_000_000)
	var calls []hub.Call
	for i := range 10 {
		calls = append(calls, callAt(day.Add(time.Duration(i)*time.Hour), i, id1, "accepted"))
	}
	if err := s.LogCalls(t.Context(), calls, nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int64{4, 3, 0} {
		deleted, err := s.PruneCalls(t.Context(), day.Add(7*time.Hour), 4)
		if err != nil || deleted != want {
			t.Errorf("deleted %d, want %d; error %v", deleted, want, err)
		}
	}
	left, err := s.Calls(t.Context(), id1, "", 100)
	if diff := cmp.Diff(ids([]hub.Call{calls[9], calls[8], calls[7]}), ids(left)); diff != "" || err != nil {
		t.Errorf("left (-want +got), error %v:\n%s", err, diff)
	}
}

func TestCallsUseTheirIndexes(t *testing.T) {
	s := openTest(t, Options{})
	for query, want := range map[string]string{
		`SELECT id FROM nchat_inbox WHERE webhook_id = 'a' AND verdict <> 'accepted' AND provider = 'token' ORDER BY id DESC LIMIT 5 OFFSET 5`:           "nchat_inbox_refused",
		`SELECT id FROM nchat_inbox WHERE webhook_id IS NULL AND verdict <> 'accepted' AND provider = 'token' ORDER BY webhook_id DESC, id DESC LIMIT 5`: "nchat_inbox_refused",
		`SELECT verdict FROM nchat_inbox WHERE webhook_id = 'a' AND id < 'b' AND provider = 'token' ORDER BY id DESC LIMIT 5`:                            "nchat_inbox_webhook",
		`SELECT id FROM nchat_inbox WHERE id < 'a' AND provider = 'token' ORDER BY id LIMIT 5`:                                                           "PRIMARY KEY",
	} {
		plan := explain(t, s, query)
		if !strings.Contains(plan, want) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s\nis planned as %s\nwant %s and no sorting", query, plan, want)
		}
	}
}

func explain(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	steps, err := list(context.Background(), s.readers, func(row scanner) (step string, err error) {
		var id, parent, unused int
		err = row.Scan(&id, &parent, &unused, &step)
		return step, err
	}, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(steps, "; ")
}
