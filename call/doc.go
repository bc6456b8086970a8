// Package call conducts one call: it is the only place that performs what the cores decide.
//
// [Call.Run] stays on the caller's goroutine until the call has ended. Its loop receives one event, lets the dialog or the
// transfer machine take a step, and performs what they return; whatever is slow (voice, recogniser, back end, ringing a seat)
// runs on a goroutine of its own and comes back as an event. When Run returns, every goroutine it started has returned, every
// leg it opened has ended, and the [Report] is complete.
package call
