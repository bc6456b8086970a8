package media_test

import (
	"math"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"

	"ivr/internal/memnet"
	"ivr/media"
)

func TestBothSidesKnowTheRoundTripTheLossAndTheQuality(t *testing.T) {
	for _, mux := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := newLine(t, memnet.Damage{Delay: 60 * time.Millisecond, Loss: 0.1, Seed: 5})
			a, b := l.pair(t, media.PCMU)
			for _, s := range []*media.Stream{a, b} {
				p := s.Params()
				p.Mux = mux
				if err := s.Start(p); err != nil {
					t.Fatal(err)
				}
			}
			<-time.After(5 * time.Minute)
			n := a.Stats()
			if off := n.RoundTrip - 120*time.Millisecond; off < -2*time.Millisecond || off > 2*time.Millisecond {
				t.Errorf("mux %v: round trip %v of 120 ms", mux, n.RoundTrip)
			}
			if math.Abs(n.FarLoss-0.1) > 0.07 || math.Abs(n.Loss-0.1) > 0.07 || n.Control < 40 {
				t.Errorf("mux %v: loss %.3f, at the far end %.3f of 0.1, %d reports", mux, n.Loss, n.FarLoss, n.Control)
			}
			// R = 93.2 - 2.4 - 95*10/(10+25.1) = 63.7, that is 3.3.
			if math.Abs(n.MOS-3.3) > 0.2 || math.Abs(n.FarMOS-3.3) > 0.2 || n.WorstMOS >= n.MOS || n.FarWorstMOS >= n.FarMOS {
				t.Errorf("mux %v: %+v", mux, n)
			}
			if n.Invalid != 0 {
				t.Errorf("mux %v: %d packets were invalid", mux, n.Invalid)
			}
		})
	}
}

func TestAGoodLineIsJudgedGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newLine(t, memnet.Damage{Delay: 10 * time.Millisecond}).pair(t, media.PCMA)
		<-time.After(time.Minute)
		if n := a.Stats(); n.MOS < 4.3 || n.FarMOS < 4.3 || n.Loss != 0 || n.FarLoss != 0 {
			t.Errorf("%+v", n)
		}
	})
}

// What RFC 3550 wants of reports: compound, with a name, and with counts that are right; and at the end a goodbye.
func TestReportsAreByTheBook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, media.PCMU)
		at := f.addr()
		aside, err := l.net.Listen(netip.AddrPortFrom(at.Addr(), at.Port()+1))
		if err != nil {
			t.Fatal(err)
		}
		defer aside.Close()
		f.talk(make([]byte, 160*500))
		f.SequenceNumber += 7 // are lost
		f.talk(make([]byte, 160*500))
		s.Close()

		var reports, goodbyes int
		buf := make([]byte, 1500)
		for aside.Waiting() > 0 {
			n, from, err := aside.ReadFromUDPAddrPort(buf)
			if err != nil {
				t.Fatal(err)
			}
			if int(from.Port()) != s.LocalPort()+1 {
				t.Errorf("comes from %v", from)
			}
			all, err := rtcp.Unmarshal(buf[:n])
			if err != nil {
				t.Fatal(err)
			}
			sr := all[0].(*rtcp.SenderReport)
			if sr.OctetCount != 160*sr.PacketCount || len(sr.Reports) != 1 {
				t.Errorf("%+v", sr)
			}
			block := sr.Reports[0]
			if block.SSRC != f.SSRC || block.TotalLost != 0 && block.TotalLost != 7 {
				t.Errorf("%+v", block)
			}
			if name := all[1].(*rtcp.SourceDescription).Chunks[0].Items[0]; name.Type != rtcp.SDESCNAME || name.Text == "" {
				t.Errorf("%+v", name)
			}
			if len(all) == 3 {
				goodbyes++
				if all[2].(*rtcp.Goodbye).Sources[0] != sr.SSRC || block.TotalLost != 7 {
					t.Errorf("%+v", all[2])
				}
			}
			reports++
		}
		if reports < 3 || reports > 8 || goodbyes != 1 {
			t.Errorf("%d reports and %d goodbyes in 20 s", reports, goodbyes)
		}
	})
}

func TestReportsOfStrangersAreNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, media.PCMU)
		f.talk(make([]byte, 160*5))
		conn, err := l.net.Listen(netip.MustParseAddrPort("10.0.0.9:4001"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		raw, err := (&rtcp.ReceiverReport{SSRC: f.SSRC}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		for _, port := range []int{s.LocalPort(), s.LocalPort() + 1} {
			if _, err := conn.WriteToUDPAddrPort(raw, netip.AddrPortFrom(f.to.Addr(), uint16(port))); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(100 * time.Millisecond)
		if n := s.Stats(); n.Control != 0 || n.Invalid != 2 {
			t.Errorf("%+v", n)
		}
	})
}
