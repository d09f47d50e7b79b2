package server

import (
	"net/http"
	"strings"

	"github.com/nself-chat/hub"
)

// ContentSecurityPolicy is sent with every answer. A page that needs another
// one replaces the header.
const ContentSecurityPolicy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// The values are shared by all answers and must not be changed in place;
// Header.Set and Header.Add do not.
var (
	csp      = []string{ContentSecurityPolicy}
	nosniff  = []string{"nosniff"}
	noRefer  = []string{"no-referrer"}
	isolated = []string{"same-origin"}
	noStore  = []string{"no-store"}
)

// setSecurityHeaders sets what every answer carries. Nothing is cached unless
// the handler says so.
func setSecurityHeaders(h http.Header) {
	h["Content-Security-Policy"] = csp
	h["X-Content-Type-Options"] = nosniff
	h["Referrer-Policy"] = noRefer
	h["Cross-Origin-Opener-Policy"] = isolated
	h["Cache-Control"] = noStore
}

// errOrigin refuses a request that another site made a browser send.
var errOrigin = hub.Errorf(hub.Forbidden, "This request comes from another site. "+
	"If the hub is behind a proxy, set HUB_BASE_URL to the address that browsers use.")

// CheckOrigin refuses a change that another site makes a browser ask for: a
// request with cookies, or one that would set them, whose Sec-Fetch-Site or
// Origin is not the hub's own (see [http.CrossOriginProtection]). The
// middleware applies it to every request that carries cookies and no bearer
// token; sign-in applies it to requests without cookies as well.
func CheckOrigin(r *http.Request) error {
	if len(r.Header["Cookie"]) == 0 || hasBearer(r.Header) {
		return nil
	}
	return CheckOriginAlways(r)
}

// CheckOriginAlways is CheckOrigin whether or not the request has cookies.
func CheckOriginAlways(r *http.Request) error {
	var protection *http.CrossOriginProtection
	if x := exchangeOf(r.Context()); x != nil {
		protection = x.srv.origin
	} else {
		protection = http.NewCrossOriginProtection()
	}
	if protection.Check(r) != nil {
		return errOrigin
	}
	return nil
}

// hasBearer reports whether the request brings a token of its own, which no
// other site can make a browser send. Basic credentials do not count: browsers
// add those by themselves.
func hasBearer(h http.Header) bool {
	const scheme = "Bearer "
	v := h["Authorization"]
	return len(v) == 1 && len(v[0]) > len(scheme) && strings.EqualFold(v[0][:len(scheme)], scheme)
}
