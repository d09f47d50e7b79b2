package store

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

func TestRequestIdempotency(t *testing.T) { onBoth(t, testRequestIdempotency) }

func testRequestIdempotency(t *testing.T, s *Store, now *time.Time) {
	k := hub.Idempotency{TokenID: "t", Key: "k", RequestHash: "h"}
	begin := func(k hub.Idempotency) (string, hub.Code) {
		t.Helper()
		response, err := s.BeginRequest(t.Context(), k)
		return response, hub.CodeOf(err)
	}
	other := hub.Idempotency{TokenID: "t", Key: "k", RequestHash: "another"}
	elsewhere := hub.Idempotency{TokenID: "u", Key: "k", RequestHash: "h"}

	if response, code := begin(k); response != "" || code != "" {
		t.Fatalf("first: %q, %s", response, code)
	}
	if _, code := begin(k); code != hub.Conflict {
		t.Errorf("while it runs: %s", code)
	}
	// It may be running for a while; then it most likely is not.
	if _, err := s.BeginRequest(t.Context(), k); !errors.Is(err, hub.ErrUnfinished) {
		t.Errorf("while it runs: %v", err)
	}
	*now = now.Add(unfinishedTime)
	if _, err := s.BeginRequest(t.Context(), k); errors.Is(err, hub.ErrUnfinished) || hub.CodeOf(err) != hub.Conflict {
		t.Errorf("when it was lost: %v", err)
	}
	if _, err := s.BeginRequest(t.Context(), other); errors.Is(err, hub.ErrUnfinished) || hub.CodeOf(err) != hub.Conflict {
		t.Errorf("another request: %v", err)
	}
	if _, code := begin(elsewhere); code != "" {
		t.Errorf("another caller's: %s", code)
	}
	if err := s.FinishRequest(t.Context(), "t", "k", 201, "sealed"); err != nil {
		t.Fatal(err)
	}
	if response, code := begin(k); response != "sealed" || code != "" {
		t.Errorf("afterwards: %q, %s", response, code)
	}
	if _, code := begin(other); code != hub.Conflict {
		t.Errorf("another request: %s", code)
	}
	// What is finished is neither overwritten nor forgotten.
	if err := s.FinishRequest(t.Context(), "t", "k", 200, "changed"); err != nil {
		t.Fatal(err)
	}
	if err := s.ForgetRequest(t.Context(), "t", "k"); err != nil {
		t.Fatal(err)
	}
	if response, _ := begin(k); response != "sealed" {
		t.Errorf("kept %q", response)
	}
	// What was refused is free again.
	if err := s.ForgetRequest(t.Context(), "u", "k"); err != nil {
		t.Fatal(err)
	}
	if response, code := begin(elsewhere); response != "" || code != "" {
		t.Errorf("forgotten: %q, %s", response, code)
	}
}

// TestRequestIdempotencyRace: of many at once, exactly one is the first.
func TestRequestIdempotencyRace(t *testing.T) { onBoth(t, testRequestIdempotencyRace) }

func testRequestIdempotencyRace(t *testing.T, s *Store, _ *time.Time) {
	var first, refused atomic.Int32
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			_, err := s.BeginRequest(t.Context(), hub.Idempotency{TokenID: "t", Key: "k", RequestHash: "h"})
			switch hub.CodeOf(err) {
			case "":
				first.Add(1)
			case hub.Conflict:
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if first.Load() != 1 || refused.Load() != 31 {
		t.Errorf("%d first, %d refused", first.Load(), refused.Load())
	}
}

// TestIdempotencyForms: the two forms share the table and refuse each other's keys.
func TestIdempotencyForms(t *testing.T) { onBoth(t, testIdempotencyForms) }

func testIdempotencyForms(t *testing.T, s *Store, _ *time.Time) {
	inCommit := &hub.Idempotency{TokenID: "t", Key: "k", RequestHash: "publish", Result: "{}"}
	if err := s.Publish(t.Context(), inCommit); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BeginRequest(t.Context(), hub.Idempotency{TokenID: "t", Key: "k", RequestHash: "h"}); hub.CodeOf(err) != hub.Conflict {
		t.Error(err)
	}
	if _, err := s.BeginRequest(t.Context(), hub.Idempotency{TokenID: "t", Key: "l", RequestHash: "h"}); err != nil {
		t.Fatal(err)
	}
	inCommit.Key = "l"
	if err := s.Publish(t.Context(), inCommit); hub.CodeOf(err) != hub.Conflict {
		t.Error(err)
	}
}

func TestPruneIdempotency(t *testing.T) { onBoth(t, testPruneIdempotency) }

func testPruneIdempotency(t *testing.T, s *Store, now *time.Time) {
	for _, key := range []string{"a", "b", "c", "d"} {
		if _, err := s.BeginRequest(t.Context(), hub.Idempotency{TokenID: "t", Key: key, RequestHash: "h"}); err != nil {
			t.Fatal(err)
		}
		*now = now.Add(time.Hour)
	}
	var got []int
	for {
		n, err := s.PruneIdempotency(t.Context(), now.Add(-90*time.Minute), 2)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, n)
		if n == 0 {
			break
		}
	}
	if len(got) != 3 || got[0] != 2 || got[1] != 1 {
		t.Errorf("pruned %v", got)
	}
	if _, err := s.BeginRequest(t.Context(), hub.Idempotency{TokenID: "t", Key: "d", RequestHash: "h"}); hub.CodeOf(err) != hub.Conflict {
		t.Errorf("the newest was forgotten: %v", err)
	}
}
