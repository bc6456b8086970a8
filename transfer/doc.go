// Package transfer decides how a caller reaches a person: who is asked, in which order, what they are told, and what happens
// when they do not answer.
//
// [Warm] is the attended-transfer machine of one hand-over (RFC 5589: the bot is transferor, the caller transferee, the seat
// target): pure, an event in, actions out. [Desk] owns all seats and queues under one mutex; a reservation is a lease that
// expires, so that no failure leaves a seat stuck.
//
// Who conducts a hand-over enters the desk, steps a new machine with [Started], performs what it returns, and steps it with
// whatever comes of that until it is over, or the call is; then leaves the desk, in every case. Times are arguments: nothing
// here has a clock or a goroutine.
package transfer
