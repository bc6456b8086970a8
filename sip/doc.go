// Package sip is our SIP user agent: it answers and places calls (RFC 3261) and negotiates their audio (RFC 3264).
//
// It hides sipgo, transactions, SDP, the abuse guard and what malformed and hostile messages do; outside there are [UA.Serve],
// [UA.Dial] and [Leg]. The goroutine of an INVITE is lent to the handler; a panic in it ends that call only. Every refusal is logged
// and counted with its reason and the setting that decides it.
//
// What comes in passes three gates: sockets that let only served sources and well-formed messages through to sipgo (wire.go,
// scan.go), transactions, which are sipgo's, and dialogs, which are ours: sipgo handles each message on a goroutine of its own, so
// order within a dialog is made here.
package sip
