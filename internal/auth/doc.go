// Package auth finds out who is asking: it turns a request into a [hub.Actor].
//
//	Authorization: Bearer hub_…  ─▶ SHA-256 ─▶ cache ─▶ store   an API token, acting as its user
//	Cookie: hub_session=…        ─▶ SHA-256 ─▶ cache ─▶ store   a signed-in browser
//	/login?code=…                ─▶ spent once ─▶ a new session
//
// Credentials are random, 256 bits, and stored as hashes only. What was looked
// up is kept for half a minute, so that a busy client costs no query per
// request; a change made by this process takes effect at once through
// [Authenticator.Invalidate], one made by another process within that time.
//
// Deliberately elsewhere: what an actor may do (package control), making and
// deleting tokens (control too), passwords (there are none), and the pages of
// signing in and out (package console).
package auth
