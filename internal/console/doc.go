// Package console is the hub in the browser: pages rendered by the server from
// typed values, with a little script that keeps them up to date.
//
//	GET  /                                  the default channel
//	GET  /channels/{id}                     a channel; ?before=<message> pages back, ?at=<message> opens the page that has it
//	GET  /channels/{id}/threads/{root}      a thread of it, with the same
//	POST /channels/{id}/messages            post, then back to the page (works without script)
//	GET  /incoming-webhooks                 all incoming webhooks
//	GET  /incoming-webhooks/{id}            one: how to use it, and the log; ?before=<call> pages back
//	GET  /incoming-webhooks/{id}/calls/{call}          one call
//	POST /incoming-webhooks/{id}/calls/{call}/replay   post it again, then to the new call
//	POST /incoming-webhooks/{id}/calls/{call}/mapping  try or store a field mapping
//	GET  of an address that takes a form               back to the form's page
//	GET  /login, POST /login, POST /logout  one-time sign-in link, sign-out
//	GET  /fragments/…                       pieces of those pages, for the script
//	GET  /static/{file}                     style, script and icon, under names that change with their content
//
// The script follows GET /api/events/stream from the event that the page was
// rendered after, and fetches each message that an event names as a fragment.
// A message is an element with an id of its own, so it is replaced rather than
// doubled, whatever arrives twice.
//
// What a message says is its document (package markup), which that package
// prints as HTML; the style of those elements is here.
//
// Everything goes through Control, with the caller as actor; nothing is read
// from the store. All texts are in strings.go. The Content-Security-Policy
// allows neither inline scripts nor inline styles, so there are none.
package console
