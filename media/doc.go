// Package media moves call audio in real time.
//
// Inside the process audio has one form: mono 16-bit PCM at 16 kHz in 20 ms [Frame]s. Codecs, RTP
// and RFC 4733 digits exist only at the edge, in [Stream]. One clock, owned by [Engine.Run], ticks
// for all streams: first every stream takes what came to its sockets, then every stream sends, so that
// bridged legs hear each other on the same tick. Streams have no goroutines; Run starts helpers, one a
// core, and waits for them. Nothing on the clock blocks, allocates in the steady state or logs.
// Audio that arrives faster than it can be played is dropped, oldest first, and counted in [Stats].
//
// Silence is sent as audio, never as comfort noise (RFC 3389): a far end that measures whether we are
// there needs packets. Comfort noise that the far end sends is heard at its level.
package media
