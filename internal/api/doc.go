// Package api is the REST API: one file per resource, mounted on the server's
// mux. It decodes requests, calls package control, and encodes what comes
// back; nothing is decided here.
//
// Most routes are described to huma, which validates by the same description
// that /openapi.json shows. Routes that carry raw bytes or are hot (events,
// the stream, files) are plain handlers with a description written by hand.
// Every route passes through the same guard: authentication, size caps and
// Idempotency-Key.
//
// The receive endpoints belong to package ingress; here is only their
// description.
package api
