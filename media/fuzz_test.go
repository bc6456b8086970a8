package media

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// nullConn is a socket to which nobody sends and from which nothing comes.
type nullConn struct{ sent int }

func (c *nullConn) Receive(func([]byte, netip.AddrPort, time.Time)) {}
func (c *nullConn) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) {
	c.sent++
	return len(b), nil
}
func (c *nullConn) Close() error { return nil }

var theFarEnd = netip.MustParseAddrPort("192.0.2.1:4000")

// bench is an engine whose clock the test turns by hand.
type bench struct {
	*Engine
	now time.Time
}

func newBench() *bench {
	e := NewEngine(Config{Listen: func(netip.AddrPort) (PacketConn, error) { return &nullConn{}, nil }})
	return &bench{e, time.Unix(1e9, 0)}
}

func (b *bench) stream(tb testing.TB, c Codec) *Stream {
	s, err := b.Open()
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Start(Params{Remote: theFarEnd, Codec: c, Digits: 101, Send: true, Receive: true}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

// turn lets 20 ms pass.
func (b *bench) turn() {
	b.now = b.now.Add(FrameDuration)
	b.tickAt(b.now, b.now)
}

// fed is a packet of 20 ms as it comes from the network.
type fed struct {
	rtp.Header
	raw  []byte
	into rtp.Packet
}

func newFed(c Codec, payload []byte) *fed {
	f := &fed{Header: rtp.Header{Version: 2, SSRC: 1, PayloadType: c.PayloadType}, raw: make([]byte, headerSize+len(payload))}
	copy(f.raw[headerSize:], payload)
	return f
}

func (f *fed) arrive(s *Stream, now time.Time, ticks int) {
	if _, err := f.MarshalTo(f.raw); err != nil {
		panic(err)
	}
	s.arrive(&f.into, f.raw, theFarEnd, now)
	f.SequenceNumber++
	f.Timestamp += uint32(ticks)
}

type sum struct{ n, of uint64 }

func (s *sum) Hear(h *Heard) {
	for _, x := range h.Frame {
		s.of = s.of*31 + uint64(uint16(x))
	}
	s.n++
}

// FuzzReceive sends anything to a stream: each packet is counted once, nothing fails, memory stays bounded, and a stream beside it
// hears exactly what it would hear alone.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{0x80, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1})
	f.Add([]byte("\x11\x20abcdefghijklmnopqrstuvwxyz012345\x32\x04\x05\x8a\x01\x40\x03\x00"))
	f.Add([]byte("\x00\x1c\x81\xc9\x00\x06\x11\x11\x11\x11\x22\x22\x22\x22\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x71\x01\x00\x71\x01\x01\x71\x01\x02\x03\x00\x71\x01\x03\x15\x01\x04\x19\x01\x05"))
	codes := make([]byte, narrowSamples)
	muLaw.encode(codes, tone(500, 8000, 8000, narrowSamples))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBench()
		codec := [...]Codec{PCMU, PCMA, G722, Opus}[(len(data)+int(append(data, 0)[0]))&3]
		s, beside := b.stream(t, codec), b.stream(t, PCMU)
		var heard, alone sum
		s.Listen(&heard)
		beside.Listen(&alone)
		calm := newFed(PCMU, codes)
		header := rtp.Header{Version: 2, SSRC: 7}
		var into rtp.Packet
		sent := 0
		turn := func() {
			calm.arrive(beside, b.now, narrowSamples)
			b.turn()
		}
		for len(data) >= 2 && sent < 2000 {
			op, n := data[0], int(data[1])
			data = data[2:]
			body := data[:min(n, len(data))]
			data = data[len(body):]
			raw := body
			switch op & 3 {
			case 1: // audio, as far as the header goes
				header.PayloadType = []uint8{0, 8, 13, codec.PayloadType}[op>>2&3]
				header.Timestamp += uint32(op>>4) * 40
				raw = wrap(&header, body)
			case 2:
				header.PayloadType = 101
				raw = wrap(&header, body)
			case 3:
				turn()
				continue
			}
			from := theFarEnd
			if op&8 != 0 {
				from = netip.AddrPortFrom(from.Addr(), 5000+uint16(op>>4))
			}
			s.arrive(&into, raw, from, b.now.Add(time.Duration(op>>4)*time.Millisecond))
			sent++
		}
		for range 20 {
			turn()
		}
		n := s.Stats()
		if got := n.Received + n.Invalid + n.Control; got != sent {
			t.Errorf("%d packets came, %d were counted: %+v", sent, got, n)
		}
		if len(s.buffer.packets) != 0 || len(s.buffer.unused) > packetsMost+1 {
			t.Errorf("%d packets are kept and %d for later", len(s.buffer.packets), len(s.buffer.unused))
		}
		other := newBench()
		reference := other.stream(t, PCMU)
		var want sum
		reference.Listen(&want)
		same := newFed(PCMU, codes)
		for range alone.n {
			same.arrive(reference, other.now, narrowSamples)
			other.turn()
		}
		if alone != want {
			t.Error("the stream beside it heard something else")
		}
	})
}

func wrap(h *rtp.Header, payload []byte) []byte {
	raw, err := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
	if err != nil {
		panic(err)
	}
	h.SequenceNumber++
	return raw
}

// FuzzKeys makes presses, and a line that loses, doubles and swaps their packets but leaves one of each: what is pressed arrives.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("4512#"), []byte{0, 3, 1, 2, 0, 0, 9, 4, 7, 1})
	f.Add([]byte{1, 1, 1, 1, 1}, []byte{0x5f, 0x10, 0x80, 0x40})
	f.Fuzz(func(t *testing.T, presses, line []byte) {
		presses = presses[:min(len(presses), 40)]
		damage := func() (d byte) {
			if len(line) > 0 {
				d, line = line[0], line[1:]
			}
			return d
		}
		var k keys
		var got, want []rune
		now, ts := time.Unix(1e9, 0), rtpTime(1<<32-4000)
		for _, p := range presses {
			code := p & 15
			want = append(want, rune(keyNames[code]))
			var packets [][eventSize]byte
			for n := 1; n <= 7; n++ {
				var raw [eventSize]byte
				event{code, n >= 5, uint16(min(n, 5) * narrowSamples)}.put(raw[:])
				packets = append(packets, raw)
			}
			keep := damage() | 1<<(damage()%7) // one at least
			for n, raw := range packets {
				now = now.Add(FrameDuration)
				if keep>>n&1 == 0 {
					continue
				}
				for range 1 + damage()%2 {
					e, ok := parseEvent(raw[:])
					if !ok {
						t.Fatal("what was put is not read")
					}
					var again [eventSize]byte
					if e.put(again[:]); again != raw {
						t.Fatalf("%x is read and put as %x", raw, again)
					}
					if key, pressed := k.take(e, ts, now); pressed {
						got = append(got, key)
					}
				}
			}
			pause := time.Duration(40+damage()) * time.Millisecond
			now = now.Add(pause)
			ts += rtpTime(7*narrowSamples + int(pause/time.Millisecond)*8)
		}
		if string(got) != string(want) {
			t.Errorf("%q arrived of %q", string(got), string(want))
		}
	})
}

// FuzzEvents takes anything as events: there are never more keys than packets, and only keys of a telephone.
func FuzzEvents(f *testing.F) {
	f.Add([]byte{5, 0x8a, 1, 0x40, 0, 0, 0, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		var k keys
		now := time.Unix(1e9, 0)
		for ; len(data) >= 8; data = data[8:] {
			if e, ok := parseEvent(data[:4]); ok {
				if key, pressed := k.take(e, rtpTime(binary.BigEndian.Uint32(data[4:])), now); pressed && (e.code > 15 || key == 0) {
					t.Fatalf("key %q of event %d", key, e.code)
				}
			}
			now = now.Add(time.Duration(data[0]) * time.Millisecond)
		}
	})
}
