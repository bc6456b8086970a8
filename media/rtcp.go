package media

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"time"

	"github.com/pion/rtcp"
)

// reportEvery is the mean distance of our reports (RFC 3550, 6.2); each one is drawn between half and one and a half of it.
const reportEvery = 5 * time.Second

// control is the RTCP of one stream (RFC 3550, 6): what we report, and what the far end reports of us. It is guarded by the mutex
// of its stream.
type control struct {
	due    time.Time      // of our next report
	from   netip.AddrPort // where the far end's reports come from
	octets uint32         // of payload that we sent
	name   string         // CNAME, at random (RFC 7022, 4.2)

	// The last sender report of the far end, for the next one of ours.
	theirs   uint32 // the middle of its NTP time
	theirsAt time.Time

	// What was expected, received and too late when we reported last.
	expected, received, late int

	roundTrip time.Duration
	here, far quality
}

// quality is what one side hears.
type quality struct {
	loss       float64       // share of packets lost or too late, in the last interval
	jitter     time.Duration // as the far end reports it
	mos, worst float64       // sum of all intervals, and the least of one
	intervals  int
}

func (q *quality) add(loss float64, delay time.Duration) {
	mos := meanOpinion(loss, delay)
	if q.intervals == 0 || mos < q.worst {
		q.worst = mos
	}
	q.loss, q.mos, q.intervals = loss, q.mos+mos, q.intervals+1
}

func (q *quality) mean() float64 {
	if q.intervals == 0 {
		return 0
	}
	return q.mos / float64(q.intervals)
}

// ntp is a time as RTCP has it: seconds since 1900 and their fractions (RFC 3550, 4).
func ntp(t time.Time) uint64 {
	const from1900 = 2208988800
	return uint64(t.Unix()+from1900)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// middle of an NTP time: 1/65536 s.
func middle(ntp uint64) uint32 { return uint32(ntp >> 16) }

// halves is a duration in 1/65536 s, and back.
func halves(d time.Duration) uint32     { return uint32(d * 65536 / time.Second) }
func fromHalves(n uint32) time.Duration { return time.Duration(n) * time.Second / 65536 }
func ticksOf(d time.Duration, clock int) uint32 {
	return uint32(d * time.Duration(clock) / time.Second)
}

// report makes our report when it is due, nil when it is not. The mutex of s is held.
func (s *Stream) report(now time.Time) []byte {
	c := &s.control
	if c.due.IsZero() {
		c.due, c.name = now.Add(draw(reportEvery/2)), strconv.FormatUint(rand.Uint64(), 36)
		return nil
	}
	if now.Before(c.due) {
		return nil
	}
	c.due = now.Add(draw(reportEvery))
	return s.marshal(s.summary(now), nil)
}

func draw(mean time.Duration) time.Duration { return mean/2 + rand.N(mean) }

// marshal makes a compound packet of a report, our name and what may follow. It is allowed to allocate: it is rare.
func (s *Stream) marshal(first, last rtcp.Packet) []byte {
	ssrc := s.sender.header.SSRC
	all := []rtcp.Packet{first, rtcp.NewCNAMESourceDescription(ssrc, s.control.name)}
	if last != nil {
		all = append(all, last)
	}
	raw, err := rtcp.Marshal(all)
	if err != nil || s.unsafe() {
		return nil // a count out of range: the next report will do
	}
	if s.secured != nil {
		if raw, err = s.secured.out.EncryptRTCP(nil, raw, nil); err != nil {
			return nil
		}
	}
	return raw
}

// summary is a sender report when we send, else a receiver report, with a block about what we hear.
func (s *Stream) summary(now time.Time) rtcp.Packet {
	c, ssrc := &s.control, s.sender.header.SSRC
	var blocks []rtcp.ReceptionReport
	if s.source.known {
		blocks = []rtcp.ReceptionReport{s.reception(now)}
	}
	if s.stats.Sent == 0 {
		return &rtcp.ReceiverReport{SSRC: ssrc, Reports: blocks}
	}
	return &rtcp.SenderReport{SSRC: ssrc, NTPTime: ntp(now), RTPTime: uint32(s.sender.now),
		PacketCount: uint32(s.stats.Sent), OctetCount: c.octets, Reports: blocks}
}

// reception is the block about what we hear (RFC 3550, 6.4.1), and closes an interval of its quality.
func (s *Stream) reception(now time.Time) rtcp.ReceptionReport {
	c, src := &s.control, &s.source
	expected, received := src.expected(), src.received
	of, got, late := expected-c.expected, received-c.received, s.buffer.late-c.late
	c.expected, c.received, c.late = expected, received, s.buffer.late
	lost := max(of-got, 0)
	fraction := 0.0
	if of > 0 && got > 0 {
		fraction = float64(lost) / float64(of)
		c.here.add(min(1, float64(lost+max(late, 0))/float64(of)), c.roundTrip/2+s.buffer.delay()+FrameDuration)
	}
	block := rtcp.ReceptionReport{SSRC: src.ssrc, FractionLost: uint8(min(fraction*256, 255)), TotalLost: uint32(max(expected-received, 0)) & 0x7fffff,
		LastSequenceNumber: src.highest, Jitter: ticksOf(time.Duration(src.jitter), s.params.Codec.ClockRate)}
	if !c.theirsAt.IsZero() {
		block.LastSenderReport, block.Delay = c.theirs, halves(now.Sub(c.theirsAt))
	}
	return block
}

// hearControl takes RTCP of the far end.
func (s *Stream) hearControl(raw []byte, from netip.AddrPort, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.unsafe() {
		s.invalid[forged]++
		return
	}
	if s.secured != nil {
		var err error
		if raw, err = s.secured.in.DecryptRTCP(nil, raw, nil); err != nil {
			s.invalid[forged]++
			return
		}
	}
	packets, err := rtcp.Unmarshal(raw)
	if err != nil {
		s.invalid[malformed]++
		return
	}
	if far, ok := s.latch.target(); !ok || far.Addr() != from.Addr() {
		s.invalid[stranger]++
		return
	}
	s.stats.Control++
	s.control.from = from
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			if s.source.known && p.SSRC == s.source.ssrc {
				s.control.theirs, s.control.theirsAt = middle(p.NTPTime), now
			}
			s.learn(p.Reports, now)
		case *rtcp.ReceiverReport:
			s.learn(p.Reports, now)
		}
	}
}

// learn takes what the far end reports of what it hears of us.
func (s *Stream) learn(blocks []rtcp.ReceptionReport, now time.Time) {
	c := &s.control
	for _, b := range blocks {
		if b.SSRC != s.sender.header.SSRC {
			continue
		}
		if b.LastSenderReport != 0 {
			trip := fromHalves(middle(ntp(now)) - b.LastSenderReport - b.Delay)
			if trip < 10*time.Second { // else its clock or its arithmetic is wrong
				c.roundTrip = trip
			}
		}
		clock := time.Duration(s.params.Codec.ClockRate)
		c.far.jitter = time.Duration(b.Jitter) * time.Second / clock
		// Its buffer is not known: as ours, it will hold twice the jitter and a frame.
		c.far.add(float64(b.FractionLost)/256, c.roundTrip/2+2*c.far.jitter+2*FrameDuration)
	}
}

// sayGoodbye tells the far end that the stream has ended (RFC 3550, 6.6), if it ever heard of it.
func (s *Stream) sayGoodbye() {
	s.mu.Lock()
	by, to, ok := s.controlTarget()
	var last []byte
	if ok && s.stats.Sent > 0 && s.control.name != "" {
		last = s.marshal(s.summary(time.Now()), &rtcp.Goodbye{Sources: []uint32{s.sender.header.SSRC}})
	}
	s.mu.Unlock()
	if last != nil {
		_, _ = by.WriteToUDPAddrPort(last, to) // nobody waits for it
	}
}

// controlTarget is where our reports go, and by which port of ours.
func (s *Stream) controlTarget() (by PacketConn, to netip.AddrPort, ok bool) {
	to, ok = s.latch.target()
	if by = s.aside; by == nil || s.params.Mux {
		by = s.conn
	}
	switch {
	case !ok || s.params.Mux:
	case s.control.from.IsValid() && s.control.from.Addr() == to.Addr():
		to = s.control.from // symmetric, as RTP is
	case reachable(s.params.RTCP):
		to = s.params.RTCP
	default:
		to = netip.AddrPortFrom(to.Addr(), to.Port()+1) // RFC 3550, 11
	}
	return by, to, ok
}
