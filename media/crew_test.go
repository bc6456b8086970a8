package media

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestEveryStreamIsServedOnceATickHoweverManyHelp(t *testing.T) {
	const streams, ticks = 10*share + 7, 50
	for _, helpers := range []int{0, 1, 7} {
		b := newBench()
		dismiss := b.crew.hire(helpers)
		music := NewPrompt(tone(500, 8000, SampleRate, SampleRate))
		var all []*Stream
		for range streams {
			s := b.stream(t, PCMU)
			s.Loop(music)
			all = append(all, s)
		}
		for i := 0; i+1 < streams/2; i += 2 { // the streams of a pair fall into different shares, or the same
			Bridge(all[i], all[streams-1-i])
		}
		for range ticks {
			b.turn()
		}
		dismiss()
		for i, s := range all {
			if n := s.conn.(*nullConn).sent; n != ticks {
				t.Errorf("%d helpers: stream %d sent %d packets in %d ticks", helpers, i, n, ticks)
			}
		}
		if len(b.crew.todo) != 0 || b.crew.busy != 0 {
			t.Errorf("%d helpers: something is left to do", helpers)
		}
	}
}

// The sockets of the real thing: both ways, what is too long, when it came, and a port that is free again.
func TestRealSocketsSayWhatCameFromWhereAndWhen(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		addr := netip.MustParseAddr(host)
		far, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
		if err != nil {
			t.Skip(err) // no IPv6 here
		}
		at := freePort(t, addr)
		conn, err := listenUDP(at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := listenUDP(at); err == nil {
			t.Error("a port that is taken was taken again")
		}
		before := time.Now()
		long := make([]byte, packetMost+100)
		for _, packet := range [][]byte{[]byte("one"), long, []byte("two")} {
			if _, err := far.WriteToUDPAddrPort(packet, at); err != nil {
				t.Fatal(err)
			}
		}
		theirs := far.LocalAddr().(*net.UDPAddr).AddrPort()
		var came []string
		for until := time.Now().Add(10 * time.Second); len(came) < 2 && time.Now().Before(until); {
			conn.Receive(func(raw []byte, from netip.AddrPort, at time.Time) {
				came = append(came, string(raw))
				if from != theirs || at.Before(before.Add(-time.Second)) || at.After(time.Now()) {
					t.Errorf("from %v at %v, not %v at %v", from, at, theirs, before)
				}
			})
		}
		if len(came) != 2 || came[0] != "one" || came[1] != "two" {
			t.Errorf("%q came", came)
		}
		if _, err := conn.WriteToUDPAddrPort([]byte("back"), theirs); err != nil {
			t.Error(err)
		}
		buf := make([]byte, 10)
		if n, from, err := far.ReadFromUDPAddrPort(buf); err != nil || string(buf[:n]) != "back" || from.Port() != at.Port() {
			t.Errorf("%q from %v: %v", buf[:n], from, err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if _, err := conn.WriteToUDPAddrPort([]byte("late"), theirs); err == nil || conn.Close() == nil {
			t.Error("a closed socket is used")
		}
		conn.Receive(func([]byte, netip.AddrPort, time.Time) { t.Error("a closed socket receives") })
		far.Close()
	}
}

// freePort is one that was free a moment ago.
func freePort(t *testing.T, addr netip.Addr) netip.AddrPort {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}
