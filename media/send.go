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
	tailLength = 80 // samples over which the last sample of cut off speech fades
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
	header rtp.Header
	now    rtpTime // of the frame of this tick
	packet [headerSize + narrowSamples]byte
	size   int
	frame  narrowFrame
	before origin // of the last tick
	lastly int16  // sample sent
	up     upsampler
	wide   Frame // what is sent, for the recorder

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

// send is the second half of a tick. due is when the tick was.
func (s *Stream) send(due time.Time) {
	out := &s.sender
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	to, known := s.latch.target()
	s.compose(known && s.params.Send)
	sends := out.size > 0
	if sends {
		s.stats.Sent++
		if time.Since(due) > lateAfter {
			s.stats.SentLate++
		}
	}
	recorders := s.recorders
	s.mu.Unlock()

	out.now += narrowSamples
	if sends {
		s.write(to)
	}
	out.tell(sends)
	out.record(&s.heard.wide.Frame, recorders)
}

// write sends the packet. The socket of a stream never holds more than a few packets of ours, so this does not block.
func (s *Stream) write(to netip.AddrPort) {
	if _, err := s.conn.WriteToUDPAddrPort(s.sender.packet[:s.sender.size], to); err != nil {
		s.mu.Lock()
		s.stats.Sent--
		s.mu.Unlock()
	}
}

// record hands both sides of this tick to the recorders.
func (out *sender) record(left *Frame, to []*Recorder) {
	if len(to) == 0 {
		out.up = upsampler{}
		return
	}
	out.up.frame(&out.wide, &out.frame)
	for _, r := range to {
		r.add(left, &out.wide)
	}
}

// tell lets those who wait know what the packet was.
func (out *sender) tell(sent bool) {
	if p := out.playing; p != nil {
		out.playing = nil
		p.sent.Add(1)
		if sent {
			p.start(time.Now())
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
		if k, busy := s.keypad.next(out.now); busy {
			s.composeKey(k)
			return
		}
	}
	payload, from := s.choose()
	if !may {
		clear(out.frame[:])
		out.before = notSent
		return
	}
	s.shape(out.begin(s.params.Codec.PayloadType, out.now, out.before == notSent, narrowSamples), payload, from)
	out.before = from
}

// composeKey sends an event instead of audio, or the silence between two.
func (s *Stream) composeKey(k keyed) {
	out := &s.sender
	clear(out.frame[:])
	if k.pause {
		body := out.begin(s.params.Codec.PayloadType, out.now, out.before == notSent, narrowSamples)
		s.law.encode(body, out.frame[:])
		out.before = fromNowhere
		return
	}
	k.put(out.begin(s.params.Digits, k.ts, k.first, eventSize))
	out.dialled = k.over
	out.before = notSent
}

// begin writes the header of a packet and returns where its payload goes.
func (out *sender) begin(payloadType uint8, ts rtpTime, marker bool, size int) []byte {
	out.header.PayloadType, out.header.Timestamp, out.header.Marker = payloadType, uint32(ts), marker
	out.header.SequenceNumber++
	n, _ := out.header.MarshalTo(out.packet[:]) // cannot fail: there is room
	out.size = n + size
	return out.packet[n:out.size]
}

// choose takes what is to be heard: what plays, else the peer, else nothing.
func (s *Stream) choose() (payload []byte, from origin) {
	out := &s.sender
	payload, out.playing, out.ended = s.player.next(s.law, out.ended)
	switch {
	case payload != nil:
		return payload, fromPrompt
	case s.peer != nil:
		return nil, fromPeer
	}
	return nil, fromNowhere
}

// shape writes the audio. What is encoded already and needs no change is only copied.
func (s *Stream) shape(body, payload []byte, from origin) {
	out := &s.sender
	was, gain, rest := s.player.turn()
	resumes := from == fromPrompt && out.before == notSent && out.playing.sent.Load() > 0
	leavesPeer := out.before == fromPeer && from != fromPeer
	if from == fromPrompt && was == 1 && gain == 1 && rest == nil && !resumes && !leavesPeer {
		copy(body, payload)
		if len(s.recorders) > 0 {
			s.law.decode(out.frame[:], payload)
		}
		return
	}
	switch from {
	case fromPrompt:
		s.law.decode(out.frame[:], payload)
		scale(&out.frame, was, gain)
	case fromPeer:
		out.frame = s.peer.heard.narrow
	case fromNowhere:
		clear(out.frame[:])
	}
	if resumes || from == fromPeer && out.before != fromPeer {
		fadeIn(out.frame[:seam])
	}
	if rest != nil {
		addFading(&out.frame, rest)
	}
	if leavesPeer {
		addTail(out.frame[:tailLength], out.lastly)
	}
	out.lastly = out.frame[narrowSamples-1]
	s.law.encode(body, out.frame[:])
}
