package control

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/delivery"
	"github.com/nself-chat/hub/internal/secret"
)

// shelf keeps outgoing webhooks and the audit log in memory.
type shelf struct {
	Store
	webhook hub.OutgoingWebhook
	entries []hub.AuditEntry
	err     error // once
	deleted bool
	refused error // each change
}

func (s *shelf) AddAudit(ctx context.Context, entries ...hub.AuditEntry) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.entries = append(s.entries, entries...)
	return nil
}

func (s *shelf) CreateOutgoingWebhook(_ context.Context, w *hub.OutgoingWebhook) (int64, error) {
	s.webhook = *w
	return 1, s.err
}

func (s *shelf) OutgoingWebhook(context.Context, hub.WebhookID) (hub.OutgoingWebhook, error) {
	return s.webhook, nil
}

func (s *shelf) DeleteOutgoingWebhook(_ context.Context, _ hub.WebhookID, check func(*hub.OutgoingWebhook) error) (int64, error) {
	err := check(&s.webhook)
	s.deleted = err == nil
	return 3, err
}

func (s *shelf) DeliveryCountsOf(context.Context, hub.WebhookID, hub.WebhookID) (map[hub.WebhookID]map[hub.DeliveryStatus]int64, error) {
	return nil, nil
}

func (s *shelf) UpdateOutgoingWebhook(_ context.Context, _ hub.WebhookID, change func(*hub.OutgoingWebhook) error) (
	hub.OutgoingWebhook, int64, error,
) {
	if s.refused != nil {
		return hub.OutgoingWebhook{}, 0, s.refused
	}
	for range 2 { // a change may be run again
		w := s.webhook
		if err := change(&w); err != nil {
			return hub.OutgoingWebhook{}, 0, err
		}
		if s.err == nil {
			s.webhook = w
			return w, 2, nil
		}
		s.err = nil
	}
	return hub.OutgoingWebhook{}, 0, errors.New("twice")
}

// idle is an engine that only counts.
type idle struct {
	Engine
	reloads, released, skipped, replayed int
	err                                  error
}

func (i *idle) Replay(_ context.Context, r hub.ReplayRequest) (int, error) {
	if r.DryRun {
		return i.replayed, nil
	}
	return i.replayed, i.err
}

func (i *idle) Reload(context.Context) error { i.reloads++; return i.err }
func (i *idle) ReleaseHeld(_ context.Context, _ hub.WebhookID, deliver bool) error {
	if deliver {
		i.released++
		return nil // it works in the background
	}
	i.skipped++
	return i.err
}

type anyURL struct{}

func (anyURL) CheckURL(string) error { return nil }

func newShelf(t *testing.T) (*Service, *shelf, *idle) {
	keys, err := secret.ParseKeys("k:" + strings.Repeat("QUFB", 10) + "QUE=")
	if err != nil {
		t.Fatal(err)
	}
	st, engine := &shelf{}, &idle{}
	return &Service{
		Store: st, Engine: engine, Egress: anyURL{}, Keys: keys, IDs: &hub.IDs{}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Defaults: hub.DefaultPolicy(),
	}, st, engine
}

// TestAudit: every change leaves an entry, without the secrets it was about,
// and also when its caller has gone.
func TestAudit(t *testing.T) {
	s, st, engine := newShelf(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	actor := actors["admin"]
	actor.TokenID, actor.RemoteIP = "token", "192.0.2.1"
	w, key, err := s.CreateOutgoing(ctx, actor, OutgoingChange{
		Name: Set("sink"), URL: Set("https://user:of-mine@user.example:8443/in-the-url?token=in-the-url"), Events: Set([]string{"*"}),
		Secret: Set("a-secret-of-mine"), Headers: Set(map[string]string{"Authorization": "Bearer of-mine"}),
	})
	if err != nil || key.Reveal() != "a-secret-of-mine" || engine.reloads != 1 {
		t.Fatalf("%v, %d reloads", err, engine.reloads)
	}
	if _, _, err := s.RotateSecret(ctx, actor, w.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	if len(st.entries) != 2 || st.entries[0].Action != "outgoing_webhook.create" || st.entries[0].TokenID != "token" ||
		st.entries[0].RemoteIP != "192.0.2.1" || st.entries[0].Subject != string(w.ID) {
		t.Fatalf("%+v", st.entries)
	}
	if want := `"url":"https://user.example:8443"`; !strings.Contains(string(st.entries[0].After), want) {
		t.Errorf("no %s in %s", want, st.entries[0].After)
	}
	for _, e := range st.entries {
		for _, hidden := range []string{"of-mine", "in-the-url", "whsec_", "s1:"} {
			if strings.Contains(string(e.Before)+string(e.After), hidden) {
				t.Errorf("%s shows %s: %s", e.Action, hidden, e.After)
			}
		}
	}
	for _, sealed := range []string{st.webhook.SealedSecret, st.webhook.SealedPrevious, st.webhook.SealedHeaders} {
		if !strings.HasPrefix(sealed, "s1:") {
			t.Errorf("not sealed: %s", sealed)
		}
	}
}

// TestUpdateRunsAgain: a change that the store runs twice leaves the same.
func TestUpdateRunsAgain(t *testing.T) {
	s, st, engine := newShelf(t)
	w, _, err := s.CreateOutgoing(t.Context(), actors["owner"], OutgoingChange{
		Name: Set("sink"), URL: Set("https://a.example/"), Events: Set([]string{"*"}), Enabled: Set(false),
	})
	if err != nil || w.State != hub.WebhookDisabled {
		t.Fatalf("%+v, %v", w, err)
	}
	st.webhook.Health = hub.Health{Failures: 12, Open: true}
	st.err = errors.New("once")
	got, err := s.UpdateOutgoing(t.Context(), actors["owner"], w.ID, Version(st.webhook.UpdatedAt), OutgoingChange{Enabled: Set(true)})
	if err != nil || got.State != hub.WebhookActive || !got.Health.Healthy() || engine.released != 1 {
		t.Fatalf("%+v, %v, %d released", got, err, engine.released)
	}
	// Enabling what is enabled, or paused, releases nothing.
	st.webhook.State = hub.WebhookPaused
	if got, err = s.UpdateOutgoing(t.Context(), actors["owner"], w.ID, "", OutgoingChange{Enabled: Set(true)}); err != nil || got.State != hub.WebhookPaused {
		t.Errorf("%+v, %v", got, err)
	}
	if engine.released != 1 {
		t.Errorf("%d released", engine.released)
	}
	if _, err := s.ResumeOutgoing(t.Context(), actors["owner"], w.ID, false); err != nil || engine.skipped != 1 || engine.released != 1 {
		t.Errorf("%v, %+v", err, engine)
	}
}

// TestSecretIsShownAllTheSame: what is stored and shown once is not hidden by
// an engine that takes it up later.
func TestSecretIsShownAllTheSame(t *testing.T) {
	s, st, engine := newShelf(t)
	engine.err = errors.New("the database does not answer")
	w, key, err := s.CreateOutgoing(t.Context(), actors["owner"], OutgoingChange{
		Name: Set("sink"), URL: Set("https://a.example/"), Events: Set([]string{"*"}),
	})
	if err != nil || key.IsZero() || w.ID == "" {
		t.Fatalf("made: %v", err)
	}
	next, until, err := s.RotateSecret(t.Context(), actors["owner"], w.ID, time.Hour)
	if err != nil || next.IsZero() || next.Reveal() == key.Reveal() || until.IsZero() {
		t.Fatalf("rotated: %v", err)
	}
	if sealed, err := s.Keys.Open(st.webhook.SealedSecret, delivery.SecretAAD(w.ID)); err != nil || sealed.Reveal() != next.Reveal() {
		t.Errorf("another secret is stored, %v", err)
	}
	if engine.reloads != 2*reloadTries {
		t.Errorf("%d reloads", engine.reloads)
	}
}

// TestStoredAllTheSame: a change that is stored is not said to have failed because
// the engine takes it up later.
func TestStoredAllTheSame(t *testing.T) {
	s, st, engine := newShelf(t)
	st.webhook = hub.OutgoingWebhook{ID: "w", State: hub.WebhookActive, Policy: hub.DefaultPolicy()}
	engine.err = hub.Errorf(hub.Unavailable, "The database does not answer; nothing was stored.")
	owner := actors["owner"]
	if w, err := s.UpdateOutgoing(t.Context(), owner, "w", "", OutgoingChange{Name: Set("new")}); err != nil || w.Name != "new" {
		t.Errorf("changed: %v, %+v", err, w)
	}
	if w, err := s.PauseOutgoing(t.Context(), owner, "w"); err != nil || w.State != hub.WebhookPaused {
		t.Errorf("paused: %v, %s", err, w.State)
	}
	if w, err := s.ResumeOutgoing(t.Context(), owner, "w", true); err != nil || w.State != hub.WebhookActive || engine.released != 1 {
		t.Errorf("resumed: %v, %s", err, w.State)
	}
	if err := s.DeleteOutgoing(t.Context(), owner, "w", ""); err != nil || !st.deleted {
		t.Errorf("deleted: %v", err)
	}
	if engine.reloads != 4*reloadTries || len(st.entries) != 4 {
		t.Errorf("%d reloads, %d entries", engine.reloads, len(st.entries))
	}
}

// TestReplayIsAudited: a replay is on record with what it sent, also when it broke
// off; one that sent nothing, or only counted, left no trace to record.
func TestReplayIsAudited(t *testing.T) {
	s, st, engine := newShelf(t)
	st.webhook = hub.OutgoingWebhook{ID: "w", State: hub.WebhookActive}
	broken := errors.New("half of them")
	for _, c := range []struct {
		n      int
		err    error
		dryRun bool
		want   string
	}{
		{7, nil, false, `"completed":true,"deliveries":7,`},
		{0, nil, false, `"completed":true,"deliveries":0,`},
		{5, broken, false, `"completed":false,"deliveries":5,`},
		{0, broken, false, ""},
		{7, nil, true, ""},
	} {
		st.entries, engine.replayed, engine.err = nil, c.n, c.err
		n, err := s.ReplayOutgoing(t.Context(), actors["owner"], hub.ReplayRequest{WebhookID: "w", Status: hub.DeliveryFailed, DryRun: c.dryRun})
		if n != c.n || !errors.Is(err, c.err) {
			t.Errorf("%+v: %d, %v", c, n, err)
		}
		switch {
		case c.want == "" && len(st.entries) > 0, c.want != "" && len(st.entries) != 1:
			t.Errorf("%+v: %d entries", c, len(st.entries))
		case c.want != "" && !strings.Contains(string(st.entries[0].After), c.want):
			t.Errorf("%+v: %s", c, st.entries[0].After)
		}
	}
}

// TestSkipIsAudited: canceling what a webhook holds is on record, whatever
// follows; and an active webhook, which holds nothing, loses nothing by it.
func TestSkipIsAudited(t *testing.T) {
	s, st, engine := newShelf(t)
	st.webhook = hub.OutgoingWebhook{ID: "w", State: hub.WebhookPaused}
	actions := func() (out []string) {
		for _, e := range st.entries {
			out = append(out, strings.TrimPrefix(e.Action, "outgoing_webhook.")+" "+string(e.After))
		}
		st.entries = nil
		return out
	}
	resume := func() error {
		_, err := s.ResumeOutgoing(t.Context(), actors["owner"], "w", false)
		return err
	}
	want := func(what string, lines ...string) {
		t.Helper()
		if diff := cmp.Diff(lines, actions()); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	engine.err = errors.New("half of them")
	if err := resume(); !errors.Is(err, engine.err) || st.webhook.State != hub.WebhookPaused {
		t.Errorf("%v, %s", err, st.webhook.State)
	}
	want("canceled in part", `skip_held {"completed":false}`)
	engine.err = nil
	st.refused = errors.New("disk full")
	if err := resume(); !errors.Is(err, st.refused) || st.webhook.State != hub.WebhookPaused {
		t.Errorf("%v, %s", err, st.webhook.State)
	}
	want("not resumed", `skip_held {"completed":true}`)
	st.refused = nil
	if err := resume(); err != nil || st.webhook.State != hub.WebhookActive {
		t.Errorf("%v, %s", err, st.webhook.State)
	}
	want("resumed", `skip_held {"completed":true}`, `resume {"deliverHeld":false,"state":"active"}`)
	if err := resume(); err != nil || engine.skipped != 3 {
		t.Errorf("%v, %d times canceled", err, engine.skipped)
	}
	want("active already", `resume {"deliverHeld":false,"state":"active"}`)
}
