package media

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
)

// ErrClosed says that the stream has been closed.
var ErrClosed = errors.New("media: stream closed")

// Codec is an RTP audio format as offered in SDP (RFC 3551).
type Codec struct {
	Name        string // "PCMU", "PCMA"
	PayloadType uint8
	ClockRate   int // Hz
}

// The static payload types of RFC 3551, table 4.
var (
	PCMU = Codec{"PCMU", 0, 8000}
	PCMA = Codec{"PCMA", 8, 8000}
)

// Codecs lists what we speak, best first.
func Codecs() []Codec { return []Codec{PCMU, PCMA} }

// Params is what an offer and an answer agreed on.
type Params struct {
	Remote  netip.AddrPort // where the far end said it receives; symmetric RTP may correct it
	Codec   Codec
	Digits  uint8 // payload type of telephone-event (RFC 4733), 0: not agreed
	Send    bool  // the far end wants our audio (not held by it)
	Receive bool  // we take the far end's audio
}

// Stream is one RTP session of one leg (RFC 3550).
type Stream struct {
	engine *Engine
	conn   PacketConn
	port   int
	digits chan Digit
	closed chan struct{}
	once   sync.Once
	reader sync.WaitGroup

	mu        sync.Mutex // guards what follows, on the clock and off
	params    Params
	started   bool
	rx        receiver
	tx        sender
	player    player
	digitsOut digitWriter
	listeners []Listener
	recorders []*Recorder
	peer      *Stream // bridged to; changes only between ticks

	hearing  sync.Mutex // held while listeners hear
	heard    Heard      // of this tick; belongs to the clock
	sentLate atomic.Int64
}

// sender is the state of what we send.
type sender struct {
	ssrc    uint32
	seq     uint16
	ts      uint32
	quiet   bool // the last packet was silence of our own: the next audio begins a talkspurt
	down    downsampler
	law     law
	packets int
	header  rtp.Header
	buf     []byte
	remote  netip.AddrPort
}

func newStream(e *Engine, conn PacketConn, port int) *Stream {
	return &Stream{
		engine: e, conn: conn, port: port,
		digits: make(chan Digit, 32), closed: make(chan struct{}),
		tx:     sender{ssrc: rand.Uint32(), seq: uint16(rand.Uint32()), ts: rand.Uint32(), quiet: true, buf: make([]byte, 12+frame8k)},
		player: player{gain: 1, target: 1},
	}
}

// LocalPort is the RTP port of ours that goes into SDP.
func (s *Stream) LocalPort() int { return s.port }

// Start begins, or after a re-INVITE changes, what flows. SSRC, sequence and timestamps go on across changes.
func (s *Stream) Start(p Params) error {
	if p.Codec.Name != PCMU.Name && p.Codec.Name != PCMA.Name {
		return errors.New("media: unknown codec " + p.Codec.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return ErrClosed
	default:
	}
	if s.params.Remote != p.Remote {
		s.tx.remote = p.Remote
		s.rx.source = netip.AddrPort{}
	}
	if s.rx.jitter == nil || s.params.Codec != p.Codec {
		s.rx.jitter = newJitterBuffer(p.Codec)
		s.tx.law = lawOf(p.Codec)
		for _, it := range s.player.queue {
			it.coded = it.prompt.payloads(p.Codec)
		}
	}
	s.params = p
	if !s.started {
		s.started = true
		s.reader.Go(s.read)
		s.engine.add(s)
	}
	return nil
}

// Params returns what was last agreed; zero before Start.
func (s *Stream) Params() Params {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.params
}

// Listen adds a listener to what the far end says; stop removes it, and after stop has returned Hear is not called again.
// stop must not be called from Hear.
func (s *Stream) Listen(l Listener) (stop func()) {
	s.hearing.Lock()
	defer s.hearing.Unlock()
	s.listeners = append(s.listeners, l)
	return func() {
		s.hearing.Lock()
		defer s.hearing.Unlock()
		for i, other := range s.listeners {
			if other == l {
				s.listeners = append(s.listeners[:i:i], s.listeners[i+1:]...)
				return
			}
		}
	}
}

// Digits delivers key presses, each once; bounded, the oldest is dropped. Closed by Close.
func (s *Stream) Digits() <-chan Digit { return s.digits }

// Play queues prompts behind what plays already. The Playback is that of all of them, one after the other.
func (s *Stream) Play(ps ...*Prompt) *Playback {
	if len(ps) == 1 {
		return s.enqueue(ps[0], false)
	}
	var pcm []int16
	for _, p := range ps {
		pcm = append(pcm, p.PCM()...)
	}
	return s.enqueue(NewPrompt(pcm), false)
}

// Loop plays a prompt again and again (hold music), behind what plays already, until Clear or Bridge, or until something is
// played behind it: then it ends with its last frame.
func (s *Stream) Loop(p *Prompt) *Playback { return s.enqueue(p, true) }

func (s *Stream) enqueue(p *Prompt, loop bool) *Playback {
	pb := newPlayback()
	codec := s.Params().Codec
	var coded []byte
	if codec.Name != "" {
		coded = p.payloads(codec)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		pb.end(false)
		return pb
	default:
	}
	if p.frames() == 0 {
		pb.end(true)
		return pb
	}
	if coded == nil || s.params.Codec != codec {
		coded = p.payloads(s.params.Codec)
	}
	s.player.queue = append(s.player.queue, &item{prompt: p, coded: coded, loop: loop, pb: pb})
	return pb
}

// Clear drops everything queued and playing, without a click. Their Playbacks are done, cut short.
func (s *Stream) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.player.clear()
}

// Gain scales what plays (1 is unchanged), over one frame: ducking while a possible interruption is judged.
func (s *Stream) Gain(g float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.player.target = float32(g)
}

// Record sends what is heard (left) and what is sent (right) to r from the next tick on.
func (s *Stream) Record(r *Recorder) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recorders = append(s.recorders, r)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, other := range s.recorders {
			if other == r {
				s.recorders = append(s.recorders[:i:i], s.recorders[i+1:]...)
				return
			}
		}
	}
}

// LastPacket is when the last valid RTP packet arrived; zero if none ever did.
func (s *Stream) LastPacket() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rx.lastAt
}

// Close ends the stream, its socket and its reader, and returns when they have ended. Safe to call twice.
func (s *Stream) Close() error {
	s.once.Do(func() {
		s.engine.remove(s)
		s.mu.Lock()
		close(s.closed)
		s.player.clear()
		started := s.started
		s.mu.Unlock()
		s.conn.Close()
		if started {
			s.reader.Wait()
		}
		close(s.digits)
		s.engine.release(s)
	})
	return nil
}

// receiveTick is the first half of a tick: what has the far end said?
func (s *Stream) receiveTick() {
	var narrow [frame8k]int16
	s.mu.Lock()
	if s.params.Receive {
		s.heard.Arrived = s.rx.jitter.pull(narrow[:])
	} else {
		s.heard.Arrived = time.Time{}
	}
	s.rx.up.frame(&s.heard.Frame, narrow[:])
	s.mu.Unlock()
	s.hearing.Lock()
	for _, l := range s.listeners {
		l.Hear(&s.heard)
	}
	s.hearing.Unlock()
}

// sendTick is the second half: what does the far end hear?
func (s *Stream) sendTick(now time.Time, late bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pcm Frame
	coded, playing := s.player.next(&pcm, now)
	if !playing && s.peer != nil {
		pcm, playing = s.peer.heard.Frame, true
	}
	for _, r := range s.recorders {
		r.push(&s.heard.Frame, &pcm)
	}
	s.tx.ts += frame8k
	if !s.params.Send || !s.tx.remote.IsValid() {
		return
	}
	if late {
		s.sentLate.Add(1)
	}
	var event [4]byte
	if ts, marker, sending := s.digitsOut.next(s.tx.ts, &event); sending {
		s.tx.send(s.conn, s.params.Digits, ts, marker, event[:])
		return
	}
	var narrow [frame8k]int16
	payload := s.tx.buf[12:]
	switch {
	case !playing:
		for i := range payload {
			payload[i] = s.tx.law.silence
		}
	case coded != nil:
		copy(payload, coded)
	default:
		s.tx.down.frame(narrow[:], &pcm)
		s.tx.law.encode(payload, narrow[:])
	}
	marker := playing && s.tx.quiet
	s.tx.quiet = !playing
	s.tx.send(s.conn, s.params.Codec.PayloadType, s.tx.ts, marker, nil)
}

// send writes one packet: payload, or when it is nil the audio that lies in buf already. A packet that cannot be sent is lost:
// the far end counts it.
func (t *sender) send(conn PacketConn, pt uint8, ts uint32, marker bool, payload []byte) {
	n := len(t.buf)
	if payload != nil {
		n = 12 + copy(t.buf[12:], payload)
	}
	t.header = rtp.Header{Version: 2, Marker: marker, PayloadType: pt, SequenceNumber: t.seq, Timestamp: ts, SSRC: t.ssrc}
	t.header.MarshalTo(t.buf)
	t.seq++
	if _, err := conn.WriteToUDPAddrPort(t.buf[:n], t.remote); err == nil {
		t.packets++
	}
}

// Bridge joins two streams from the next tick on: each sends what the other hears; whatever played on either is
// cleared on that same tick. A prompt played later is heard instead of the peer while it lasts.
// Split ends it; closing either stream does too.
func Bridge(a, b *Stream) (split func()) {
	a.engine.betweenTicks(func() {
		a.join(b)
		b.join(a)
	})
	return func() {
		a.engine.betweenTicks(func() {
			a.part(b)
			b.part(a)
		})
	}
}

func (s *Stream) join(peer *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.player.clear()
	s.player.target = 1
	s.peer = peer
}

func (s *Stream) part(peer *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.peer == peer {
		s.peer = nil
	}
}

// localPort of a socket.
func localPort(c net.Addr) int {
	if a, err := netip.ParseAddrPort(c.String()); err == nil {
		return int(a.Port())
	}
	return 0
}
