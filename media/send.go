package media

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/pion/rtp"
)

const (
	headerSize = 12
	lateAfter  = FrameDuration
)

// origin is where the audio of a tick comes from.
type origin int

const (
	fromNowhere origin = iota // silence
	fromPrompt
	fromPeer
	notSent // events, or the far end holds us
)

// sender is the sending half of a stream; only the clock touches it, but for what is set before the stream joins the clock.
type sender struct {
	header   rtp.Header
	now      rtpTime // of the frame of this tick
	packet   [headerSize + payloadMost]byte
	size     int
	frame    Frame  // what is sent, as many samples as the format has
	before   origin // of the last tick
	lastly   int16  // sample sent
	coding   coding
	peerUp   upsampler   // when a bridged peer has half our rate
	peerDown downsampler // when it has twice our rate
	up       upsampler
	wide     Frame // what is sent, for the recorder

	// What is told when the packet is out.
	playing *Playback
	ended   []*Playback
	dialled *dialling
}

func newSender() sender {
	return sender{
		header: rtp.Header{Version: 2, SSRC: rand.Uint32(), SequenceNumber: uint16(rand.Uint32())},
		now:    rtpTime(rand.Uint32()),
		before: notSent,
	}
}

// send is the second half of a tick. due is when the tick was to be, now when it began.
func (s *Stream) send(by *hand, due, now time.Time) {
	out := &s.sender
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	to, known := s.latch.target()
	if out.size = 0; known { // until then what plays waits: nobody may miss its beginning
		s.compose(s.params.Send)
	}
	packet := s.seal(out.packet[:out.size])
	sends := len(packet) > 0
	if sends {
		s.stats.Sent++
		s.control.octets += uint32(out.size - headerSize)
		if by.now.Sub(due) > lateAfter {
			s.stats.SentLate++
		}
	}
	recorders, f := s.recorders, s.format
	report := s.report(now)
	aside, tell, reports := s.controlTarget()
	s.mu.Unlock()

	out.now += rtpTime(f.ticks())
	if sends {
		s.write(packet, to)
	}
	if report != nil && reports {
		_, _ = aside.WriteToUDPAddrPort(report, tell) // whether it came the far end's reports tell
	}
	out.tell(sends, by.now)
	out.record(f, &s.heard.wide.Frame, recorders)
}

// seal protects a packet, if that was agreed. What cannot be protected is not sent.
func (s *Stream) seal(packet []byte) []byte {
	if s.unsafe() {
		return nil
	}
	if s.secured == nil || len(packet) == 0 {
		return packet
	}
	sealed, err := s.secured.out.EncryptRTP(s.secured.sealed[:0], packet, &s.secured.headers[0])
	if err != nil {
		return nil
	}
	s.secured.sealed = sealed
	return sealed
}

// write sends the packet.
func (s *Stream) write(packet []byte, to netip.AddrPort) {
	if _, err := s.conn.WriteToUDPAddrPort(packet, to); err != nil {
		s.mu.Lock()
		s.stats.Sent--
		s.mu.Unlock()
	}
}

// record hands both sides of this tick to the recorders.
func (out *sender) record(f *format, left *Frame, to []*Recorder) {
	if len(to) == 0 {
		out.up = upsampler{}
		return
	}
	right := &out.frame
	if f.isNarrow() {
		out.up.frame(&out.wide, (*narrowFrame)(out.frame[:]))
		right = &out.wide
	}
	for _, r := range to {
		r.add(left, right)
	}
}

// tell lets those who wait know what the packet was.
func (out *sender) tell(sent bool, now time.Time) {
	if p := out.playing; p != nil {
		out.playing = nil
		p.sent.Add(1)
		if sent && !p.begun.Load() {
			p.start(now)
		}
	}
	if len(out.ended) > 0 {
		endAll(out.ended, true)
		clear(out.ended)
		out.ended = out.ended[:0]
	}
	if out.dialled != nil {
		close(out.dialled.done)
		out.dialled = nil
	}
}

func endAll(ps []*Playback, finished bool) {
	for _, p := range ps {
		p.end(finished)
	}
}

// compose makes the packet of this tick; size is 0 when there is none. What plays goes on while the far end holds us, as time
// does; keys wait.
func (s *Stream) compose(may bool) {
	out := &s.sender
	out.size = 0
	if may && s.params.Digits != 0 {
		if k, busy := s.keypad.next(out.now, s.params.digitsClock()/50); busy {
			s.composeKey(k)
			return
		}
	}
	what, from := s.choose()
	if !may {
		clear(out.frame[:])
		out.before = notSent
		return
	}
	out.beginAudio(&s.params)
	s.shape(what, from)
	out.before = from
}

// digitsClock is the clock of events.
func (p *Params) digitsClock() int {
	if p.DigitsClock > 0 {
		return p.DigitsClock
	}
	return p.Codec.ClockRate
}

// composeKey sends an event instead of audio, or the silence between two.
func (s *Stream) composeKey(k keyed) {
	out := &s.sender
	clear(out.frame[:])
	if k.pause {
		out.beginAudio(&s.params)
		out.beSilent(s.format)
		out.before = fromNowhere
		return
	}
	out.begin(s.params.Digits, k.ts, k.first)
	k.event.put(out.packet[headerSize:])
	out.size += eventSize
	out.dialled = k.over
	out.before = notSent
}

// beginAudio begins a packet of audio, with a marker after a pause (RFC 3551, 4.1).
func (out *sender) beginAudio(p *Params) {
	paused := out.before == notSent
	if paused {
		out.coding.interrupted()
	}
	out.begin(p.Codec.PayloadType, out.now, paused)
}

// begin writes the header of a packet.
func (out *sender) begin(payloadType uint8, ts rtpTime, marker bool) {
	out.header.PayloadType, out.header.Timestamp, out.header.Marker = payloadType, uint32(ts), marker
	out.header.SequenceNumber++
	out.size, _ = out.header.MarshalTo(out.packet[:]) // cannot fail: there is room
}

// beSilent adds a payload of silence.
func (out *sender) beSilent(f *format) {
	var none piece
	out.coding.use(f)
	if frame := out.frame[:f.samples()]; out.coding.takes(none) {
		out.put(f.quiet)
		out.coding.copied(none, frame)
	} else {
		out.size += out.coding.encode(out.packet[out.size:], none, frame, true)
	}
}

// put adds a payload that is encoded already.
func (out *sender) put(payload []byte) { out.size += copy(out.packet[out.size:], payload) }

// choose takes what is to be heard: what plays, else the peer, else nothing.
func (s *Stream) choose() (what piece, from origin) {
	out := &s.sender
	what, out.playing, out.ended = s.player.next(s.format, out.ended)
	switch {
	case what.payload != nil:
		return what, fromPrompt
	case s.peer != nil || s.mix != nil:
		return what, fromPeer
	}
	return what, fromNowhere
}

// shape writes the audio. What is encoded already and needs no change is only copied, where the far end's decoder can take it.
func (s *Stream) shape(what piece, from origin) {
	out, f := &s.sender, s.format
	was, gain, rest := s.player.turn()
	resumes := from == fromPrompt && out.before != fromPrompt && out.playing.sent.Load() > 0
	leavesPeer := out.before == fromPeer && from != fromPeer
	plain := was == 1 && gain == 1 && rest == nil && !resumes && !leavesPeer && from != fromPeer
	frame := out.frame[:f.samples()]
	out.coding.use(f)
	if plain && out.coding.takes(what) {
		payload := f.quiet
		if what.payload != nil {
			payload = what.payload
		}
		out.put(payload)
		if f.memory > 0 || len(s.recorders) > 0 {
			what.decode(f, &out.frame)
		}
		out.coding.copied(what, frame)
		return
	}
	switch from {
	case fromPrompt, fromNowhere:
		what.decode(f, &out.frame)
		scale(frame, was, gain)
	case fromPeer:
		s.hearPeer(frame)
	}
	if resumes || from == fromPeer && out.before != fromPeer {
		fadeIn(frame[:len(frame)/4])
	}
	if rest != nil {
		addFading(frame, rest[:len(frame)])
	}
	if leavesPeer {
		addTail(frame[:len(frame)/2], out.lastly)
	}
	out.lastly = frame[len(frame)-1]
	out.size += out.coding.encode(out.packet[out.size:], what, frame, plain)
}

// hearPeer takes what a bridged peer, or the others of a mix, said on this tick, at our rate.
func (s *Stream) hearPeer(frame []int16) {
	out, wide := &s.sender, (*Frame)(nil)
	if s.mix != nil {
		wide = s.mix.heardBy(s)
	} else if h := &s.peer.heard; !h.isNarrow {
		wide = &h.wide.Frame
	} else if s.format.isNarrow() {
		copy(frame, h.narrow[:])
		return
	} else {
		out.peerUp.frame(&out.frame, &h.narrow)
		return
	}
	switch {
	case wide == nil:
		clear(frame)
	case s.format.isNarrow():
		out.peerDown.frame(frame, wide[:])
	default:
		copy(frame, wide[:])
	}
}
