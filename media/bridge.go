package media

// Bridge joins two streams of one engine from the next tick on: each sends what the other hears; whatever played on either is
// cleared on that same tick. A prompt played later is heard instead of the peer while it lasts.
// Split ends it; closing either stream, or bridging it with another, does too. A closed stream is not bridged.
//
// There is no mixer: each tick a stream sends the frame that its peer heard on that tick, at the rate it came with, so that speech
// passes between two legs of the same law of G.711 bit by bit.
func Bridge(a, b *Stream) (split func()) {
	a.engine.phase.Lock() // so that no tick sees half of it
	for _, s := range []*Stream{a, b} {
		s.leavePeer()
		s.leaveMix()
	}
	var cut []*Playback
	if !a.isClosed() && !b.isClosed() {
		cut = append(a.follow(b), b.follow(a)...)
	}
	a.engine.phase.Unlock()
	endAll(cut, false)
	return func() {
		a.engine.phase.Lock()
		defer a.engine.phase.Unlock()
		if a.peer == b {
			a.leavePeer()
		}
	}
}

func (s *Stream) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// follow makes s send what peer hears, and returns what that cut off.
func (s *Stream) follow(peer *Stream) (cut []*Playback) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peer = peer
	return s.player.cut(s.format)
}

// leavePeer ends the bridge of s, if it has one. The engine's phase is locked.
func (s *Stream) leavePeer() {
	for _, one := range []*Stream{s.peer, s} {
		if one != nil {
			one.mu.Lock()
			one.peer = nil
			one.mu.Unlock()
		}
	}
}

// unbridge does the same for a stream that closes.
func unbridge(s *Stream) {
	s.engine.phase.Lock()
	defer s.engine.phase.Unlock()
	s.leavePeer()
	s.leaveMix()
}
