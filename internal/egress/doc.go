// Package egress is the only way bytes leave the hub.
//
// A [Client] makes one finished HTTP exchange per call: everything about it is
// bounded (connect, TLS, headers, body, all of it together), nothing about it
// escapes (no response body to forget to close), and no address is dialled
// that the [Policy] does not admit. The check is made on the address the
// kernel is about to connect to, so a name that resolves differently a second
// time gains nothing. Redirects are answers, never followed. No proxy, cookie
// or credential is taken from the environment.
//
// Errors and results carry the host and never the path, the query or the user
// part of a URL, for those may hold tokens.
//
// When to try again, how many requests an endpoint gets at once, and what to
// sign are decided elsewhere (packages hub, delivery and webhook).
package egress
