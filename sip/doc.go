// Package sip is our SIP user agent: it answers and places calls (RFC 3261) and negotiates their audio (RFC 3264).
//
// It hides sipgo, transactions, SDP and the abuse guard; outside there are [UA.Serve], [UA.Dial] and [Leg]. The
// goroutine of an INVITE is lent to the handler; a panic in it ends that call only. Every refusal is logged and
// counted with its reason and the setting that decides it.
package sip
