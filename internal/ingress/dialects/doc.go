// Package dialects knows how the senders of webhooks speak: what their bodies
// mean as a message, and which answer they expect.
//
// [Read] decodes a body once, whatever its label says; [Recognise] finds the
// [Dialect] in which it speaks; that one parses it and words the answer. A
// dialect is a value in a table ([All]): a new one is a file of its own and a
// line there.
//
// Who may post, how much, and what becomes of the post are decided elsewhere
// (package ingress). Nothing here does I/O, and nothing is trusted: every body
// is either understood or refused with a [Failure] that says what is wrong.
package dialects
