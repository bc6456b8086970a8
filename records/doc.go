// Package records keeps what remains of a call: the call detail record with its turns, in SQLite.
//
// Writes go through one writer goroutine, the caller of [Store.Run]; a full disk is an error for the log, never for a call.
// Card numbers are taken out before anything is written: [Redact]. The file is its owner's alone.
package records
