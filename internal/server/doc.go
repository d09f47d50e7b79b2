// Package server is the hub's HTTP listener and everything that is the same
// for each request, whatever feature answers it:
//
//	listener ─▶ exchange ─▶ headers ─▶ same origin? ─▶ mux ─▶ a feature's handler
//	            ids, client          cookies only             │
//	            address, time limits                          ▼
//	            panic, access log ◀──── WriteProblem ◀── hub.Error
//
// Features register their routes on [Server.Mux] and answer errors with
// [WriteProblem], the one place where an error code becomes a status. What a
// request carries besides the HTTP fields is read with [ClientIP], [IsHTTPS],
// [RequestID] and [TraceID].
//
// Deliberately elsewhere: who the caller is (package auth), what may be done
// (package control), the size of bodies (each feature has its own limit), and
// all routes but /healthz, /readyz and /metrics. CORS is off: no other origin
// may read an answer.
package server
