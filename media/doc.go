// Package media moves call audio in real time.
//
// Inside the process audio has one form: mono 16-bit PCM at 16 kHz in 20 ms [Frame]s. Codecs, RTP
// and RFC 4733 digits exist only at the edge, in [Stream]. One clock, owned by [Engine.Run], ticks
// for all streams: first every stream receives, then every stream sends, so that bridged legs hear
// each other on the same tick. Nothing on the clock blocks, allocates in the steady state or logs.
// Audio that arrives faster than it can be played is dropped, oldest first, and counted in [Stats].
package media
