package media

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkSockets is a tick of a thousand streams that play a prompt to each other through the kernel: each sends a packet and
// receives one. It counts the time of the processor: others may use it too.
func BenchmarkSockets(b *testing.B) {
	const streams = 1000
	e := NewEngine(Config{Bind: netip.MustParseAddr("127.0.0.1"), PortMin: 46000, PortMax: 48998})
	music := NewPrompt(tone(500, 8000, SampleRate, 10*SampleRate))
	var all []*Stream
	for range streams {
		s, err := e.Open()
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		all = append(all, s)
	}
	for i, s := range all {
		to := netip.AddrPortFrom(e.bind, uint16(all[i^1].LocalPort()))
		if err := s.Start(Params{Remote: to, Codec: PCMU, Digits: 101, Send: true, Receive: true}); err != nil {
			b.Fatal(err)
		}
		s.Loop(music)
	}
	now, before := time.Now(), cpuTime(b)
	for b.Loop() {
		now = now.Add(FrameDuration)
		e.tickAt(now, now)
	}
	if n := all[0].Stats(); n.Received < b.N-1 || n.Invalid > 0 {
		b.Errorf("%+v after %d ticks", n, b.N)
	}
	each := (cpuTime(b) - before).Seconds() / float64(b.N) / streams
	b.ReportMetric(each*1e6, "µs/packet")
	b.ReportMetric(each*50*60, "s/call-minute")
}

// cpuTime is what this process has used.
func cpuTime(tb testing.TB) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
