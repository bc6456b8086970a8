// Package call conducts one call: it is the only place that performs what the cores decide.
//
// [Call.Run] stays on the caller's goroutine until the call has ended and returns why; every goroutine it started has
// returned by then, every leg it opened has ended, and the [Report] is complete.
package call
