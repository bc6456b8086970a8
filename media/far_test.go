package media_test

import (
	"math"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"ivr/internal/memnet"
	"ivr/media"
)

// far is a far end of which the test decides every packet.
type far struct {
	t    *testing.T
	conn *memnet.Conn
	to   netip.AddrPort
	rtp.Header
	keep chan *rtp.Packet // what came while it talked
}

// newFar is the far end of s: it sends from the address that s is told.
func (l *line) newFar(t *testing.T, s *media.Stream, c media.Codec) *far {
	f := l.stranger(t, s)
	f.PayloadType = c.PayloadType
	err := s.Start(media.Params{Remote: f.addr(), Codec: c, Digits: 101, Send: true, Receive: true})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// stranger sends to s from an address that nobody told it.
func (l *line) stranger(t *testing.T, s *media.Stream) *far {
	conn, err := l.net.Listen(netip.AddrPortFrom(netip.IPv4Unspecified(), 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(s.LocalPort()))
	return &far{t: t, conn: conn, to: to, Header: rtp.Header{Version: 2, SSRC: 0x11111111, SequenceNumber: 65530, Timestamp: math.MaxUint32 - 3000}}
}

func (f *far) addr() netip.AddrPort {
	return f.conn.LocalAddr().(interface{ AddrPort() netip.AddrPort }).AddrPort()
}

// send sends the next packet of 20 ms.
func (f *far) send(payload []byte) {
	f.put(f.packet(payload))
}

// packet makes the next packet of 20 ms.
func (f *far) packet(payload []byte) []byte {
	raw, err := (&rtp.Packet{Header: f.Header, Payload: payload}).Marshal()
	if err != nil {
		f.t.Fatal(err)
	}
	f.SequenceNumber++
	f.Timestamp += 160
	return raw
}

func (f *far) put(raw []byte) {
	if _, err := f.conn.WriteToUDPAddrPort(raw, f.to); err != nil {
		f.t.Fatal(err)
	}
}

// talk sends G.711 audio, a packet each 20 ms.
func (f *far) talk(codes []byte) {
	for ; len(codes) >= 160; codes = codes[160:] {
		f.send(codes[:160])
		if f.keep != nil {
			for _, p := range f.waiting() {
				f.keep <- p
			}
		}
		<-time.After(media.FrameDuration)
	}
}

// event sends one report of a key, as RFC 4733 has them: the time stamp stands still.
func (f *far) event(code uint8, end bool, duration uint16) {
	h := f.Header
	h.PayloadType = 101
	body := []byte{code, 10, byte(duration >> 8), byte(duration)}
	if end {
		body[1] |= 0x80
	}
	raw, err := (&rtp.Packet{Header: h, Payload: body}).Marshal()
	if err != nil {
		f.t.Fatal(err)
	}
	f.SequenceNumber++
	f.put(raw)
}

// codesOf makes the codes of a prompt by playing it to a recorder of packets: what a stream of ours would send.
func codesOf(t *testing.T, c media.Codec, pcm []int16) (codes []byte) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, c)
		pb := s.Play(media.NewPrompt(pcm))
		<-pb.Done()
		for range (len(pcm) + media.FrameSamples - 1) / media.FrameSamples {
			codes = append(codes, f.receive().Payload...)
		}
	})
	return codes
}

// all returns what came and was not received yet.
func (f *far) all() (ps []*rtp.Packet) {
	if f.keep != nil {
		close(f.keep)
		for p := range f.keep {
			ps = append(ps, p)
		}
	}
	return append(ps, f.waiting()...)
}

// waiting returns what the socket holds.
func (f *far) waiting() (ps []*rtp.Packet) {
	buf := make([]byte, 1500)
	for f.conn.Waiting() > 0 {
		n, _, err := f.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			f.t.Fatal(err)
		}
		p := &rtp.Packet{}
		if err := p.Unmarshal(append([]byte(nil), buf[:n]...)); err != nil {
			f.t.Fatal(err)
		}
		ps = append(ps, p)
	}
	return ps
}

// receive waits for one packet.
func (f *far) receive() *rtp.Packet {
	f.t.Helper()
	buf := make([]byte, 1500)
	if err := f.conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		f.t.Fatal(err)
	}
	n, _, err := f.conn.ReadFromUDPAddrPort(buf)
	if err != nil {
		f.t.Fatal("nothing came: ", err)
	}
	var p rtp.Packet
	if err := p.Unmarshal(buf[:n]); err != nil {
		f.t.Fatal(err)
	}
	return &p
}

// steepest is the largest step between two samples.
func steepest(pcm []int16) (worst float64) {
	for i := 1; i < len(pcm); i++ {
		worst = max(worst, math.Abs(float64(pcm[i])-float64(pcm[i-1])))
	}
	return worst
}

// slope is the largest step of the tone that [tone] makes.
func slope(hz float64) float64 { return 8000 * 2 * math.Pi * hz / media.SampleRate }

// gaps counts 20 ms pieces in which a tone is missing.
func gaps(pcm []int16, hz float64) (n int) {
	for ; len(pcm) >= media.FrameSamples; pcm = pcm[media.FrameSamples:] {
		if level(pcm[:media.FrameSamples], hz) < 5000 {
			n++
		}
	}
	return n
}
