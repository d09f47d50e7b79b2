package store

import (
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// TestDisabledIsToldOnce: when many requests are on their way to a webhook that
// is being disabled, there is one notice, which no later one replaces, and one
// revision.
func TestDisabledIsToldOnce(t *testing.T) { onBoth(t, testDisabledIsToldOnce) }

func testDisabledIsToldOnce(t *testing.T, s *Store, _ *time.Time) {
	w := hub.OutgoingWebhook{
		ID: id1, Name: "w", URL: "https://receiver.example/", State: hub.WebhookActive, Events: []string{"*"},
		Policy: hub.DefaultPolicy(), SealedSecret: "x", CreatedAt: s.Now(), UpdatedAt: s.Now(),
	}
	revision, err := s.CreateOutgoingWebhook(t.Context(), &w)
	if err != nil {
		t.Fatal(err)
	}
	tell := func(n hub.Notice) {
		t.Helper()
		err := s.write(t.Context(), func(t *tx) error {
			o := &hub.Outcome{WebhookID: w.ID, WebhookVersion: w.UpdatedAt, Health: &hub.Health{Failures: 1}, Notice: n}
			if err := t.setHealth([]*hub.Outcome{o}); err != nil {
				return err
			}
			return t.setNotice(o)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	told := func(want ...hub.Notice) {
		t.Helper()
		due, err := s.WebhooksWithNotice(t.Context())
		if err != nil || len(due) != len(want) || len(want) > 0 && due[0].Notice != want[0] {
			t.Fatalf("webhooks with a notice: %+v, %v; want %q", due, err, want)
		}
	}
	for _, n := range []hub.Notice{hub.NoticeGone, hub.NoticeBreaker, hub.NoticeDeadLetter, hub.NoticeFailing} {
		tell(n)
		told(hub.NoticeGone)
	}
	if err := s.write(t.Context(), func(t *tx) error { return t.clearNotices([]hub.NoticeRef{{WebhookID: w.ID, Notice: hub.NoticeGone}}) }); err != nil {
		t.Fatal(err)
	}
	for _, n := range []hub.Notice{hub.NoticeGone, hub.NoticeFailing, hub.NoticeBreaker} {
		tell(n)
		told()
	}
	if now, err := s.Revision(t.Context()); err != nil || now != revision+1 {
		t.Errorf("revision %d after %d, %v", now, revision, err)
	}
}

// TestResumeRestartsFailing: the time in which a webhook was paused counts as no
// failing; what else is known of its receiver stays.
func TestResumeRestartsFailing(t *testing.T) { onBoth(t, testResumeRestartsFailing) }

func testResumeRestartsFailing(t *testing.T, s *Store, _ *time.Time) {
	w := hub.OutgoingWebhook{
		ID: id1, Name: "w", URL: "https://receiver.example/", State: hub.WebhookPaused, Events: []string{"*"},
		Policy: hub.DefaultPolicy(), SealedSecret: "x", CreatedAt: s.Now(), UpdatedAt: s.Now(),
		Health: hub.Health{Failures: 3, FailingSince: s.Now(), DeadLetter: true},
	}
	if _, err := s.CreateOutgoingWebhook(t.Context(), &w); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.UpdateOutgoingWebhook(t.Context(), w.ID, func(w *hub.OutgoingWebhook) error {
		w.State = hub.WebhookActive
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.OutgoingWebhook(t.Context(), w.ID); err != nil || got.Health != (hub.Health{Failures: 3, DeadLetter: true}) {
		t.Errorf("%+v, %v", got.Health, err)
	}
}

// TestHealthOf: it is that of each webhook asked for, and of no deleted one.
func TestHealthOf(t *testing.T) { onBoth(t, testHealthOf) }

func testHealthOf(t *testing.T, s *Store, _ *time.Time) {
	for _, id := range []hub.WebhookID{id1, id2, id3} {
		w := hub.OutgoingWebhook{
			ID: id, Name: "w", URL: "https://receiver.example/", State: hub.WebhookActive, Events: []string{"*"},
			Policy: hub.DefaultPolicy(), SealedSecret: "x", CreatedAt: s.Now(), UpdatedAt: s.Now(),
		}
		if _, err := s.CreateOutgoingWebhook(t.Context(), &w); err != nil {
			t.Fatal(err)
		}
	}
	w, err := s.OutgoingWebhook(t.Context(), id2)
	if err != nil {
		t.Fatal(err)
	}
	err = s.write(t.Context(), func(t *tx) error {
		return t.setHealth([]*hub.Outcome{{WebhookID: id2, WebhookVersion: w.UpdatedAt, Health: &hub.Health{Failures: 3, Open: true}}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteOutgoingWebhook(t.Context(), id3, nil); err != nil {
		t.Fatal(err)
	}
	of, err := s.HealthOf(t.Context(), []hub.WebhookID{id1, id2, id3})
	if err != nil || len(of) != 2 || of[id1] != (hub.Health{}) || of[id2] != (hub.Health{Failures: 3, Open: true}) {
		t.Errorf("it is %+v, %v", of, err)
	}
	if of, err := s.HealthOf(t.Context(), nil); err != nil || len(of) != 0 {
		t.Errorf("of none it is %+v, %v", of, err)
	}
}
