// Package records keeps what remains of a call: the call detail record with its turns, in SQLite.
//
// Writes go through one writer goroutine; a full disk is an error for the log, never for a call.
package records
