// Package dialog decides what the bot says and does next.
//
// It is pure: [Session.Step] takes one [Event] and returns [Action]s. No clock, no I/O, no goroutines; the time comes with
// the events. A [Bot] is a readable YAML file: [Load] reports all its mistakes at once with file, line and what would be right.
package dialog
