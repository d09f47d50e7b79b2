// Package hub is the vocabulary and the rules of nself-chat hub: its nouns,
// their states, what matches what, and what happens after an outcome.
//
// It imports only the standard library and does no I/O. Everything that does
// lives in internal/ and speaks in these types.
//
//	token webhook ─▶ ingress ─▶ chat ─▶ Event ─▶ match ─▶ Delivery ─▶ engine ─▶ signed POST ─▶ any URL
//	                              ▲       (one transaction)
//	          API, console, CLI ──┘
//
// An [Event] is a fact that happened in the hub. An [OutgoingWebhook] is a
// subscription of one URL to event types. A [Delivery] is one event on its way
// to one outgoing webhook, an [Attempt] one try of it. [Next] decides what
// follows an attempt; [Health] decides what the attempts say about the
// endpoint.
package hub
