package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// loginURL makes a one-time sign-in link by hub login.
func (p *process) loginURL() string {
	p.t.Helper()
	out, err := p.command("login").CombinedOutput()
	link := loginLink.FindString(string(out))
	if err != nil || !strings.HasPrefix(link, p.url) {
		p.t.Fatalf("hub login: %v\n%s", err, out)
	}
	return link
}

// spend uses a sign-in link as its page does and returns the session's
// cookie, nil when the link was refused.
func (p *process) spend(link string) *http.Cookie {
	p.t.Helper()
	code := link[strings.Index(link, "code=")+len("code="):]
	req, err := http.NewRequest("POST", p.url+"/login", strings.NewReader(url.Values{"code": {code}}.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", p.url)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, c := range resp.Cookies() {
		if c.Name == "hub_session" && resp.StatusCode == http.StatusSeeOther {
			return c
		}
	}
	return nil
}

// signIn begins a session.
func (p *process) signIn() *http.Cookie {
	p.t.Helper()
	c := p.spend(p.loginURL())
	if c == nil {
		p.t.Fatal("the sign-in link does not work")
	}
	return c
}

// page fetches a page of the console with a session's cookie.
func (p *process) page(path string, c *http.Cookie) answer {
	p.t.Helper()
	header := http.Header{"Authorization": {""}}
	if c != nil {
		header.Set("Cookie", c.Name+"="+c.Value)
	}
	a, err := p.do("GET", path, header, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// TestSignIn: a link works once, is not spent by looking at it, and the
// session it begins ends.
func TestSignIn(t *testing.T) { onBoth(t, testSignIn) }

func testSignIn(t *testing.T, on database) {
	p := on.startHub(t)
	link := p.loginURL()
	path := strings.TrimPrefix(link, p.url)
	for range 2 { // a program that previews links
		if a := p.page(path, nil); a.Status != http.StatusOK || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("the link's page: %d %v", a.Status, a.Header)
		}
	}
	cookie := p.spend(link)
	if cookie == nil {
		t.Fatal("the link does not work")
	}
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("the session's cookie: %+v", cookie)
	}
	if p.spend(link) != nil {
		t.Error("the link works twice")
	}
	home := p.page("/", cookie)
	if home.Status == http.StatusSeeOther || home.Status == http.StatusFound {
		home = p.page(home.Header.Get("Location"), cookie)
	}
	if home.Status != http.StatusOK || !strings.Contains(string(home.Body), "general") {
		t.Errorf("the home page: %d %s", home.Status, home.Body)
	}
	if a := p.page("/", nil); a.Status != http.StatusUnauthorized || strings.Contains(string(a.Body), "general") {
		t.Errorf("the home page of nobody: %d %s", a.Status, a.Body)
	}

	// Another site cannot use the session.
	req, err := http.NewRequest("POST", p.url+"/api/events", strings.NewReader(`{"event":"x","data":1}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Origin": {"https://evil.example"}, "Cookie": {cookie.Name + "=" + cookie.Value}, "Content-Type": {"application/json"}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("another site's request: %s", resp.Status)
	}

	_, err = p.api().DeleteSessions(t.Context(), "")
	p.ok(err)
	if a := p.page("/", cookie); a.Status != http.StatusUnauthorized {
		t.Errorf("after the session ended: %d", a.Status)
	}
}
