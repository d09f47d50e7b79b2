// Package ingress receives what others send to the hub's incoming webhooks: a
// URL with a token in it posts into one channel.
//
// Every call takes the same way, and no step can be skipped:
//
//	size ─▶ hop ─▶ token ─▶ address ─▶ rate ─▶ body ─▶ signature ─▶ parse ─▶ clip ─▶ mentions ─▶ post ─▶ answer
//
// Up to the rate everything is decided by URL and header. The body is read
// after that, into memory that is bounded for all calls together.
//
// The message, its event, the deliveries and the call's row in the log are one
// commit, made by the chat before the answer leaves. A refused call changes
// nothing; it is logged and counted in the background ([Ingress.Run]).
//
// How senders speak, and what they expect to hear, is package dialect. Who
// may manage webhooks is package control; the mux's other routes are not here.
package ingress
