package auth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/auth"
	"github.com/nself-chat/hub/internal/store"
)

// door is an Authenticator on a real store, with the user ann.
type door struct {
	*auth.Authenticator
	store *store.Store
	now   time.Time
}

func newDoor(t *testing.T, o auth.Options) *door {
	t.Helper()
	d := &door{now: time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return d.now }
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "hub.db"), Synchronous: "NORMAL", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	ann := hub.User{
		ID: "ann", Kind: hub.UserHuman, Username: "ann", DisplayName: "Ann", Email: "ann@example.org", Role: hub.RoleAdmin,
		Status: "active", CreatedAt: d.now, UpdatedAt: d.now,
	}
	if err := s.CreateUser(t.Context(), &ann); err != nil {
		t.Fatal(err)
	}
	o.Store, o.IDs, o.Now = s, &hub.IDs{Now: now}, now
	d.Authenticator, d.store = auth.New(o), s
	return d
}

// code makes a sign-in link for ann and returns its code.
func (d *door) code(t *testing.T) string {
	t.Helper()
	link, err := auth.NewLoginLink(t.Context(), d.store, "ann", d.now)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link.Reveal())
	if err != nil || u.Path != "/login" || len(u.Query().Get("code")) < 43 {
		t.Fatalf("link %q, %v", link.Reveal(), err)
	}
	return u.Query().Get("code")
}

func (d *door) signIn(code string) (*httptest.ResponseRecorder, hub.Actor, error) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/login", nil)
	r.Header.Set("User-Agent", strings.Repeat("Browser ", 100))
	actor, err := d.SignIn(w, r, code)
	return w, actor, err
}

// cookie returns the one cookie that was set.
func cookie(t *testing.T, w *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	cookies := w.Result().Cookies() //nolint:bodyclose // a recorder's body
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	return cookies[0]
}

func with(c *http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(c)
	return r
}

func TestSignInAndOut(t *testing.T) {
	d := newDoor(t, auth.Options{})
	w, actor, err := d.signIn(d.code(t))
	if err != nil {
		t.Fatal(err)
	}
	c := cookie(t, w)
	if c.Name != "hub_session" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure || len(c.Value) < 43 {
		t.Errorf("cookie %s", strings.ReplaceAll(c.String(), c.Value, "…"))
	}
	if actor.UserID != "ann" || actor.Scope != hub.ScopeAdmin || actor.SessionID == "" {
		t.Errorf("actor %+v", actor)
	}
	got, err := d.Actor(with(c))
	if err != nil || got.SessionID != actor.SessionID || got.Username != "ann" || got.Role != hub.RoleAdmin {
		t.Errorf("%+v, %v", got, err)
	}
	all, err := d.store.Sessions(t.Context(), "ann")
	if err != nil || len(all) != 1 || len(all[0].UserAgent) > 200 || all[0].RemoteIP != "192.0.2.1" || strings.Contains(all[0].Hash, c.Value) {
		t.Errorf("stored %+v, %v", all, err)
	}

	out := httptest.NewRecorder()
	if err := d.SignOut(out, with(c)); err != nil {
		t.Fatal(err)
	}
	if removed := cookie(t, out); removed.MaxAge >= 0 || removed.Value != "" {
		t.Errorf("cookie after signing out: %v", removed)
	}
	if _, err := d.Actor(with(c)); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("the cookie still works: %v", err)
	}
	if err := d.SignOut(httptest.NewRecorder(), with(c)); err != nil {
		t.Errorf("signing out twice: %v", err)
	}
}

func TestSecureCookies(t *testing.T) {
	tests := map[string]struct {
		options auth.Options
		want    bool
	}{
		"plain":            {auth.Options{}, false},
		"https public URL": {auth.Options{SecureCookies: true}, true},
		"over TLS":         {auth.Options{IsHTTPS: func(*http.Request) bool { return true }}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t, test.options)
			w, _, err := d.signIn(d.code(t))
			if err != nil {
				t.Fatal(err)
			}
			if c := cookie(t, w); c.Secure != test.want {
				t.Errorf("Secure is %t, want %t", c.Secure, test.want)
			}
		})
	}
}

func TestLoginLinkSignsInOnce(t *testing.T) {
	d := newDoor(t, auth.Options{})
	code := d.code(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	signedIn, refused := 0, 0
	for range 32 {
		all.Go(func() {
			w, _, err := d.signIn(code)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				signedIn++
			case hub.CodeOf(err) == hub.Unauthorized && len(w.Result().Cookies()) == 0: //nolint:bodyclose // a recorder's body
				refused++
			default:
				t.Errorf("refused with %v, cookies %v", err, w.Header())
			}
		})
	}
	all.Wait()
	if signedIn != 1 || refused != 31 {
		t.Errorf("%d signed in, %d were refused", signedIn, refused)
	}
}

func TestLoginLinkExpires(t *testing.T) {
	d := newDoor(t, auth.Options{})
	late, inTime := d.code(t), d.code(t)
	d.now = d.now.Add(auth.LinkKeep - time.Second)
	if _, _, err := d.signIn(inTime); err != nil {
		t.Errorf("in time: %v", err)
	}
	d.now = d.now.Add(time.Second)
	if _, _, err := d.signIn(late); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("too late: %v", err)
	}
}

func TestSessionSlides(t *testing.T) {
	d := newDoor(t, auth.Options{})
	w, _, err := d.signIn(d.code(t))
	if err != nil {
		t.Fatal(err)
	}
	c := cookie(t, w)
	visit := func(after time.Duration) error {
		d.now = d.now.Add(after)
		_, err := d.Actor(with(c))
		// Run writes what was noted when it ends.
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_ = d.Run(ended)
		return err
	}
	for range 3 {
		if err := visit(auth.SessionKeep - time.Hour); err != nil {
			t.Fatalf("visited in time: %v", err)
		}
	}
	if err := visit(auth.SessionKeep); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("30 days without a visit: %v", err)
	}
}

func TestGuessingCodesIsLimited(t *testing.T) {
	d := newDoor(t, auth.Options{})
	code := d.code(t)
	for i := range 60 {
		if _, _, err := d.signIn("guess" + strings.Repeat("x", i)); hub.CodeOf(err) != hub.Unauthorized {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	if _, _, err := d.signIn(code); hub.CodeOf(err) != hub.RateLimited {
		t.Errorf("after 60 guesses: %v", err)
	}
	d.now = d.now.Add(time.Minute)
	if _, _, err := d.signIn(code); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	for _, junk := range []string{"", strings.Repeat("x", 10_000), "\xff\x00"} {
		if _, _, err := d.signIn(junk); hub.CodeOf(err) != hub.Unauthorized {
			t.Errorf("%d bytes of junk: %v", len(junk), err)
		}
	}
}

func TestNoLinkForStrangers(t *testing.T) {
	d := newDoor(t, auth.Options{})
	if _, err := auth.NewLoginLink(t.Context(), d.store, "nobody", d.now); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("got %v", err)
	}
}
