package media

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// ErrClosed says that the stream was closed.
var ErrClosed = errors.New("media: stream closed")

// Params is what an offer and an answer agreed on.
type Params struct {
	Remote      netip.AddrPort // where the far end said it receives; symmetric RTP may correct it
	Via         netip.Addr     // where its signalling comes from, as behind a NAT its audio does too; may be invalid
	Codec       Codec
	Digits      uint8          // payload type of telephone-event (RFC 4733), 0: not agreed
	DigitsClock int            // Hz of its durations; 0: that of Codec
	Tones       bool           // keys are listened for in the audio too; they always are when telephone-event was not agreed
	RTCP        netip.AddrPort // where the far end takes RTCP (RFC 3605); invalid: the port after Remote
	Mux         bool           // RTCP goes by the port of RTP (RFC 5761)
	Secure      *Secure        // SRTP with these keys; nil: nothing is protected, unless Handshake is there
	Handshake   *Handshake     // SRTP with keys that DTLS agrees on; nil: with those of Secure
	Send        bool           // the far end wants our audio (not held by it)
	Receive     bool           // we take the far end's audio
}

// Digit is one key press of the far end.
type Digit struct {
	Key rune // 0-9 * # A-D
	At  time.Time
}

const keptDigits = 64 // that nobody took yet

// Stream is one RTP session of one leg (RFC 3550).
//
// Its mutex is held only for moments, and never while something outside of the package is called. What only the clock
// touches is in heard and sender and needs no lock.
type Stream struct {
	engine *Engine
	conn   PacketConn
	aside  PacketConn // for RTCP, on the next port; nil: RTCP goes by conn, or not at all
	port   int        // 0: conn was made by somebody else
	digits chan Digit
	gone   chan struct{} // closed by Close

	mu        sync.Mutex
	started   bool
	closed    bool
	params    Params
	format    *format // of params
	latch     latch
	source    source
	control   control
	secured   *secured // nil: nothing is protected
	shaker    *shaker  // agrees on keys; nil: SDP has done so
	shaking   sync.WaitGroup
	buffer    jitterBuffer
	hush      int // level of a comfort noise packet that came, plus one; 0: none came
	keys      keys
	presses   presses
	keypad    keypad
	player    player
	peer      *Stream     // bridged with; changed only under the engine's phase lock too
	mix       *Mix        // so too
	ears      []*ear      // replaced, never changed
	recorders []*Recorder // so too
	last      time.Time   // valid packet
	stats     Stats
	invalid   [invalidReasons]int
	told      tally // what the metrics know already

	heard  heard
	sender sender
}

// ear is one listener. Its mutex is held during Hear, so that stop can wait for it.
type ear struct {
	mu       sync.Mutex
	listener Listener
	stopped  bool
}

// Stats of one stream.
type Stats struct {
	Sent, Received                          int
	Control                                 int           // RTCP packets received
	Lost, Late, Duplicate, Dropped, Invalid int           // of what was received: see RFC 3550, A.3 for Lost
	SentLate                                int           // sent more than 20 ms after its tick
	Repaired                                int           // lost packets that the next one repeated (Opus FEC)
	Jitter                                  time.Duration // RFC 3550, 6.4.1
	Delay                                   time.Duration // of the jitter buffer now
	Crypto                                  string        // suite that protects the stream; empty: none does
	RoundTrip                               time.Duration // to the far end and back, by RTCP; 0: not known
	Loss, FarLoss                           float64       // share of packets lost or late in the last seconds: here, and as the far end reports
	FarJitter                               time.Duration // as the far end reports
	// What people would say of what is heard here, and by the far end: 1 to 4.5 by the E-model, mean over the call, and the worst
	// five seconds. 0: not known.
	MOS, WorstMOS, FarMOS, FarWorstMOS float64
}

// LocalPort is the RTP port of ours that goes into SDP, 0 for a stream of [Engine.OpenOver].
func (s *Stream) LocalPort() int { return s.port }

// Start begins, or after a re-INVITE changes, what flows. SSRC, sequence and timestamps go on across changes.
func (s *Stream) Start(p Params) error {
	f := p.Codec.format()
	if f == nil {
		return fmt.Errorf("media: no codec %s/%d here, there are %v", p.Codec.Name, p.Codec.ClockRate, Codecs())
	}
	p.Remote = unmap(p.Remote)
	if p.Secure != nil {
		if _, err := secure(p.Secure, nil); err != nil {
			return err
		}
	}
	for { // what waits to be played is encoded for the new codec, but not under the lock
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return ErrClosed
		}
		raw := s.player.unencoded(f)
		if raw == nil {
			break
		}
		s.mu.Unlock()
		raw.encode(f)
	}
	defer s.mu.Unlock()
	if s.format != f {
		s.player.rest = nil
	}
	s.params, s.format = p, f
	s.buffer.agree(f)
	s.shake(p.Handshake)
	if s.shaker == nil {
		s.secured, _ = secure(p.Secure, s.secured) // the keys were tried above
	}
	s.latch.agree(p.Remote, p.Via.Unmap())
	if !s.started {
		s.started = true
		s.engine.join(s)
	}
	return nil
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// Params returns what was last agreed; zero before Start.
func (s *Stream) Params() Params {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.params
}

// Listen adds a listener to what the far end says; stop removes it, and after stop has returned Hear is not called again.
// Do not call stop from Hear, nor while holding a lock that Hear takes.
func (s *Stream) Listen(l Listener) (stop func()) {
	e := &ear{listener: l}
	s.mu.Lock()
	s.ears = append(slices.Clip(s.ears), e)
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		s.ears = slices.DeleteFunc(slices.Clone(s.ears), func(o *ear) bool { return o == e })
		s.mu.Unlock()
		e.mu.Lock()
		e.stopped = true
		e.mu.Unlock()
	}
}

func (e *ear) hear(h *Heard) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.stopped {
		e.listener.Hear(h)
	}
}

// Press is a key of the far end that came by another way than RTP, as SIP INFO does: it is delivered like the others, unless the
// far end sends its keys by RTP as well.
func (s *Stream) Press(key rune) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliver(Digit{key, time.Now()}, byInfo)
}

// Digits delivers key presses, each once; bounded, the oldest is dropped. Closed by Close.
func (s *Stream) Digits() <-chan Digit { return s.digits }

// Record sends what is heard (left) and what is sent (right) to r from the next tick on.
func (s *Stream) Record(r *Recorder) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recorders = append(slices.Clip(s.recorders), r)
	r.recordsFor(s.engine)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.recorders = slices.DeleteFunc(slices.Clone(s.recorders), func(o *Recorder) bool { return o == r })
	}
}

// LastPacket is when the last valid RTP packet arrived; zero if none ever did.
func (s *Stream) LastPacket() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// Stats counts since Start.
func (s *Stream) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count()
}

func (s *Stream) count() Stats {
	n := s.stats
	n.Lost, n.Jitter = s.source.missing(), time.Duration(s.source.jitter)
	n.Delay, n.Repaired = s.buffer.delay(), s.buffer.repaired
	here, far := &s.control.here, &s.control.far
	n.RoundTrip, n.FarJitter = s.control.roundTrip, far.jitter
	n.Loss, n.MOS, n.WorstMOS = here.loss, here.mean(), here.worst
	n.FarLoss, n.FarMOS, n.FarWorstMOS = far.loss, far.mean(), far.worst
	n.Late, n.Dropped = s.buffer.late, n.Dropped+s.buffer.dropped
	for _, c := range s.invalid {
		n.Invalid += c
	}
	if s.secured != nil {
		n.Crypto = s.secured.keys.Ours.Suite
	}
	return n
}

// Close ends the stream and its sockets. Safe to call twice.
func (s *Stream) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	cut := s.player.queue
	s.player.queue = nil
	close(s.digits)
	close(s.gone)
	s.mu.Unlock()

	unbridge(s)
	endAll(cut, false)
	s.sayGoodbye()
	err := s.conn.Close()
	if s.aside != nil {
		err = errors.Join(err, s.aside.Close())
	}
	s.shaking.Wait()
	s.engine.left(s)
	return err
}
