package store

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

func session(id string, created time.Time) hub.Session {
	return hub.Session{
		ID: hub.SessionID(id), UserID: ann, Hash: "hash of " + id, CreatedAt: created, LastSeenAt: created,
		ExpiresAt: created.Add(time.Hour), UserAgent: "Browser/1.0", RemoteIP: "192.0.2.1",
	}
}

func TestSessions(t *testing.T) { onBoth(t, testSessions) }

func testSessions(t *testing.T, s *Store, now *time.Time) {
	addUsers(t, s)
	ctx := t.Context()
	one, two := session(id1, noon), session(id2, noon.Add(time.Minute))
	for _, v := range []hub.Session{one, two} {
		if err := s.CreateSession(ctx, v); err != nil {
			t.Fatal(err)
		}
	}
	got, user, err := s.SessionByHash(ctx, "hash of "+id1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, got); diff != "" {
		t.Errorf("session (-want +got):\n%s", diff)
	}
	if user.ID != ann || user.Role != hub.RoleOwner || user.Status != "active" {
		t.Errorf("user %+v", user)
	}

	seen := noon.Add(10 * time.Minute)
	if err := s.TouchSessions(ctx, map[hub.SessionID]time.Time{id1: seen, id5: seen}, 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.TouchSessions(ctx, map[hub.SessionID]time.Time{id1: noon}, time.Second); err != nil {
		t.Fatal(err)
	}
	one.LastSeenAt, one.ExpiresAt = seen, seen.Add(2*time.Hour)
	all, err := s.Sessions(ctx, ann)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]hub.Session{two, one}, all); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}

	*now = noon.Add(90 * time.Minute) // s2 has expired, s1 has been extended
	if all, _ := s.Sessions(ctx, ann); len(all) != 1 || all[0].ID != id1 {
		t.Errorf("live sessions: %v", all)
	}
	if err := s.CreateSession(ctx, session(id3, *now)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.SessionByHash(ctx, "hash of "+id2); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("the expired session was kept: %v", err)
	}

	if err := s.DeleteSession(ctx, id1, bob); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("another user's session: %v", err)
	}
	if err := s.DeleteSession(ctx, id1, ann); err != nil {
		t.Error(err)
	}
	if err := s.DeleteSession(ctx, id3, ""); err != nil {
		t.Error(err)
	}
	if all, _ := s.Sessions(ctx, ann); len(all) != 0 {
		t.Errorf("sessions left: %v", all)
	}
}

func TestSessionsNeedAnActiveUser(t *testing.T) { onBoth(t, testSessionsNeedAnActiveUser) }

func testSessionsNeedAnActiveUser(t *testing.T, s *Store, now *time.Time) {
	addUsers(t, s)
	for _, user := range []hub.UserID{bob, nobody} {
		v := session(id1, noon)
		v.UserID = user
		if err := s.CreateSession(t.Context(), v); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("%s: session: %v", user, err)
		}
		if err := s.CreateLoginLink(t.Context(), "code", user, noon.Add(time.Hour)); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("%s: link: %v", user, err)
		}
	}
}

func TestLoginLinkIsUsedOnce(t *testing.T) { onBoth(t, testLoginLinkIsUsedOnce) }

func testLoginLinkIsUsedOnce(t *testing.T, s *Store, now *time.Time) {
	addUsers(t, s)
	if err := s.CreateLoginLink(t.Context(), "code", ann, noon.Add(15*time.Minute)); err != nil {
		t.Fatal(err)
	}
	const callers = 64
	errs := make([]error, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			v := session(numbered(i), noon)
			v.UserID = ""
			got, user, err := s.UseLoginLink(t.Context(), "code", v)
			if err == nil && (got.UserID != ann || user.Username != "ann" || got.ID != v.ID) {
				t.Errorf("session of %q for %q", got.UserID, user.Username)
			}
			errs[i] = err
		})
	}
	all.Wait()
	refused := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(refused) != callers-1 {
		t.Errorf("%d of %d callers got a session", callers-len(refused), callers)
	}
	for _, err := range refused {
		if hub.CodeOf(err) != hub.NotFound {
			t.Errorf("refused with %v", err)
		}
	}
	if live, err := s.Sessions(t.Context(), ann); err != nil || len(live) != 1 {
		t.Errorf("%d sessions, %v", len(live), err)
	}
}

func TestLoginLinkEnds(t *testing.T) { onBoth(t, testLoginLinkEnds) }

func testLoginLinkEnds(t *testing.T, s *Store, now *time.Time) {
	addUsers(t, s)
	ctx := t.Context()
	if err := s.CreateLoginLink(ctx, "old", ann, noon.Add(15*time.Minute)); err != nil {
		t.Fatal(err)
	}
	for _, late := range []time.Duration{15 * time.Minute, time.Hour} {
		*now = noon.Add(late)
		if _, _, err := s.UseLoginLink(ctx, "old", session(id1, *now)); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("a link of 15 minutes after %s: %v", late, err)
		}
	}
	if err := s.CreateLoginLink(ctx, "new", ann, now.Add(15*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, `SELECT count(*) FROM nchat_login_links`); n != 1 {
		t.Errorf("%d links stored, want the new one only", n)
	}

	// A session that cannot be stored does not spend the link.
	if err := s.CreateSession(ctx, session(id4, *now)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.UseLoginLink(ctx, "new", session(id4, *now)); hub.CodeOf(err) != hub.Conflict {
		t.Errorf("a session id that is taken: %v", err)
	}
	if _, _, err := s.UseLoginLink(ctx, "new", session(id2, *now)); err != nil {
		t.Errorf("the link was spent by a failure: %v", err)
	}

	// Nor does it sign in an account that was suspended meanwhile.
	if err := s.CreateLoginLink(ctx, "third", ann, now.Add(15*time.Minute)); err != nil {
		t.Fatal(err)
	}
	err := s.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE nchat_users SET status = 'suspended' WHERE username = 'ann'`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.UseLoginLink(ctx, "third", session(id3, *now)); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("suspended user: %v", err)
	}
}

func count(t *testing.T, s *Store, query string) (n int) {
	t.Helper()
	if err := each(t.Context(), s.readers, func(row scanner) error { return row.Scan(&n) }, query); err != nil {
		t.Fatal(err)
	}
	return n
}
