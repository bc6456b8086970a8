package media

import "slices"

// Mix joins any number of streams of one engine, as for a person who listens in on a call, whispers to one side, or joins it: each
// hears what the others say, and not itself (N-1 mixing). A prompt played on one of them is heard there instead, while it lasts.
// Who comes and goes does so within one frame, so that nobody hears a click. It is guarded by the engine's phase lock.
type Mix struct {
	engine  *Engine
	members []*member
}

// member is one stream in a mix.
type member struct {
	stream  *Stream
	heardBy []*Stream // nil: by all
	mute    bool      // heard by nobody
	leaves  bool      // after the next tick
	says    Frame     // in this tick
	hears   Frame
	heard   map[*member]bool // whom it heard in the last tick
	loud    float64          // gain of what it hears, below 1 when all speak at once
}

// NewMix makes one without members. It ends when the last has left.
func (e *Engine) NewMix() *Mix { return &Mix{engine: e} }

// Join lets s hear all others and be heard by them, or only by those that are named (whispering). Whatever played on s is cut off,
// a bridge of s ends. Joining again changes by whom s is heard. A closed stream does not join.
func (m *Mix) Join(s *Stream, heardBy ...*Stream) { m.join(s, false, heardBy) }

// ListenIn lets s hear all others and be heard by nobody.
func (m *Mix) ListenIn(s *Stream) { m.join(s, true, nil) }

func (m *Mix) join(s *Stream, mute bool, heardBy []*Stream) {
	e := m.engine
	e.phase.Lock()
	var cut []*Playback
	if !s.isClosed() {
		i := slices.IndexFunc(m.members, func(o *member) bool { return o.stream == s && !o.leaves })
		if i < 0 {
			s.leavePeer()
			s.leaveMix()
			m.members = append(m.members, &member{stream: s, heard: map[*member]bool{}, loud: 1})
			i = len(m.members) - 1
			cut = s.enter(m)
			if !slices.Contains(e.mixes, m) {
				e.mixes = append(e.mixes, m)
			}
		}
		m.members[i].mute, m.members[i].heardBy = mute, slices.Clone(heardBy)
	}
	e.phase.Unlock()
	endAll(cut, false)
}

// Leave takes s out.
func (m *Mix) Leave(s *Stream) {
	m.engine.phase.Lock()
	defer m.engine.phase.Unlock()
	if s.mix == m {
		s.leaveMix()
	}
}

// enter makes s send what it hears in m, and returns what that cut off.
func (s *Stream) enter(m *Mix) (cut []*Playback) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mix = m
	return s.player.cut(s.format)
}

// leaveMix ends the part of s in its mix, if it has one. The engine's phase is locked.
func (s *Stream) leaveMix() {
	if s.mix == nil {
		return
	}
	for _, o := range s.mix.members {
		if o.stream == s {
			o.leaves = true
		}
	}
	s.mu.Lock()
	s.mix = nil
	s.mu.Unlock()
}

// turn mixes what came on this tick. The engine's phase is locked.
func (m *Mix) turn() {
	for _, o := range m.members {
		o.speak()
	}
	for _, o := range m.members {
		o.listen(m.members)
	}
	m.members = slices.DeleteFunc(m.members, func(o *member) bool { return o.leaves })
}

// speak takes what o says on this tick; who leaves falls silent softly.
func (o *member) speak() {
	if !o.leaves {
		o.says = o.stream.heard.wide.Frame
		return
	}
	lastly := o.says[FrameSamples-1]
	clear(o.says[:])
	addTail(o.says[:FrameSamples/2], lastly)
}

// isHeardBy says whether other is to hear o.
func (o *member) isHeardBy(other *member) bool {
	return o != other && !o.mute && (o.heardBy == nil || slices.Contains(o.heardBy, other.stream))
}

// listen adds up what o hears, softer when it would be too loud.
func (o *member) listen(all []*member) {
	var sum [FrameSamples]int32
	for _, other := range all {
		was, is := o.heard[other], other.isHeardBy(o)
		if !was && !is {
			continue
		}
		says := other.says
		if was != is {
			scale(says[:], gainIf(was), gainIf(is))
		}
		for i, x := range says {
			sum[i] += int32(x)
		}
		if o.heard[other] = is; other.leaves {
			delete(o.heard, other)
		}
	}
	peak := int32(1)
	for _, x := range sum {
		peak = max(peak, x, -x)
	}
	const most, recovery = 32000.0, 0.02
	want := min(1, o.loud+recovery, most/float64(peak))
	g, step := float32(o.loud), float32(want-o.loud)/FrameSamples
	for i, x := range sum {
		g += step
		o.hears[i] = toSample(float32(x) * g)
	}
	o.loud = want
}

func gainIf(heard bool) float64 {
	if heard {
		return 1
	}
	return 0
}

// heardBy is what a stream hears in this tick; nil when it is no member any more.
func (m *Mix) heardBy(s *Stream) *Frame {
	for _, o := range m.members {
		if o.stream == s {
			return &o.hears
		}
	}
	return nil
}
