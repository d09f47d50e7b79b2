// Package dialect is the contract between the hub and the products that post
// through its incoming webhooks: what a body means as a message, and which answer
// its sender expects.
//
// [Read] decodes a body once, whatever its label says, into a [Request]. A
// [Dialect] tells by the request whether it is its own, makes a [Post] of it, and
// words the [Answer]. Each product is a package below internal/ingress/dialects,
// made of the parts here; that package has the list, and finds the dialect in which
// a request speaks.
//
// Who may post, how much, and what becomes of the post are decided elsewhere
// (package ingress). Nothing here does I/O, and nothing is trusted: every body
// is either understood or refused with a [Failure] that says what is wrong.
// Everything is pure and safe for concurrent use.
package dialect
