// Package transfer decides how a caller reaches a person: who is asked, in which order, what they are told, and what happens
// when they do not answer.
//
// [Warm] is the attended-transfer machine of one hand-over (RFC 5589: the bot is transferor, the caller transferee, the seat
// target): pure, an event in, actions out. [Desk] owns all seats and queues under one mutex; a reservation is a lease that
// expires, so that no failure leaves a seat stuck.
package transfer
