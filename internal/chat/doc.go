// Package chat is the embedded chat, and the only writer of messages: users,
// channels, members, messages with threads, reactions and files.
//
// Every change goes one way: it is checked, its events are built and routed to
// the outgoing webhooks in force, and the rows, the events and the deliveries
// are stored in one commit. Whoever calls gets an answer after that commit.
//
//	Post ─▶ draft ─▶ Event ─▶ Router.Route ─▶ Store (one commit) ─▶ Router.Settle
//
// Changes of one message, and of one channel as a whole, are made one after
// the other, so that their events are numbered, identified and delivered in
// the order in which they happened.
//
// Who may do what is decided in package control, the look of requests in
// ingress, api and console; matching and sending is package delivery, and SQL
// is package store.
package chat
