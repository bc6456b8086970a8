package media

// Play queues prompts behind what plays already. On a closed stream the playback is cut short at once.
func (s *Stream) Play(ps ...*Prompt) *Playback { return s.play(newPlayback(false, ps...)) }

// Loop plays a prompt again and again (hold music), behind what plays already, until Clear or Bridge; or, when something is
// played behind it, to its end.
func (s *Stream) Loop(p *Prompt) *Playback { return s.play(newPlayback(true, p)) }

func (s *Stream) play(p *Playback) *Playback {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			p.end(false)
			return p
		}
		// Encoding is no work for the clock, nor to be done under the lock. Before Start the codec is not known: Start encodes.
		f := s.format
		var raw *Prompt
		if f != nil {
			raw = p.unencoded(f)
		}
		if raw == nil {
			s.player.queue = append(s.player.queue, p)
			s.mu.Unlock()
			return p
		}
		s.mu.Unlock()
		raw.encode(f)
	}
}

// Clear drops everything queued and playing, without a click. Their Playbacks are done, cut short.
func (s *Stream) Clear() {
	s.mu.Lock()
	cut := s.player.cut(s.format)
	s.mu.Unlock()
	endAll(cut, false)
}

// Gain scales what plays (1 is unchanged), over one frame: ducking while a possible interruption is judged.
func (s *Stream) Gain(g float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.player.want = max(g, 0)
}
