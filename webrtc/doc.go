// Package webrtc takes calls from browsers.
//
// A browser offers a call over HTTP in the manner of WHIP (RFC 9725): POST an offer, get an answer; PATCH trickles candidates
// and restarts ICE after a change of network; DELETE hangs up. ICE finds the path, all calls sharing one UDP port, and DTLS
// agrees on keys (RFC 8827). From there on it is RTP like any other: packets go to and come from a [media.Stream], which owns
// SRTP, jitter buffer and clock, so there is one way for audio in the house and nothing of pion's on its clock.
//
// Who may call has a [Token], short-lived, for one purpose, used once. What comes from outside is refused with a status and a
// reason, and counted. The goroutine of a call is the endpoint's: [Endpoint.Serve] returns when all have ended.
package webrtc
