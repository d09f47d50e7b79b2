// Package store holds all SQL: one file per noun, the text of each statement
// beside its scan.
//
// Reads run on a pool of connections and see the last commit. Writes are
// values handed to one writer ([Store.write]), which merges concurrent ones
// into a single transaction and answers each only after COMMIT; see writer.go.
// A value may be run more than once, so it sets what it returns rather than
// adding to it.
//
// Exported methods open the transaction, unexported ones on *tx take part in
// it. Facts that must never be apart (a message, its event, the deliveries)
// are one exported method.
package store
