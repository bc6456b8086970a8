//go:build linux

package main

import (
	"encoding/binary"
	"net/netip"
	"time"
)

const (
	lateAfter = 20 * time.Millisecond
	histBins  = 4000 // of 0.1 ms
	bestOf    = 6    // seconds among which the fastest packet of a stream tells how late the others are
)

// meter takes the RTP of all calls. A packet is late when it comes more than 20 ms after its own time stamp says, measured from the
// fastest packet of its stream in the last seconds.
type meter struct {
	socket      *socket
	echo        bool
	from, until time.Time // what comes between is counted
	all         map[source]*stream
	hist        [histBins]int
}

type source struct {
	from netip.AddrPort
	ssrc uint32
}

type stream struct {
	begun           bool
	seq             uint16
	first           uint32        // time stamp
	origin          time.Time     // arrival of the first packet
	best            [bestOf]int64 // least offset of a second, and which second that is
	second          [bestOf]int64
	came, lost, bad int
}

// streams is what is printed of all of them.
type streams struct {
	Streams int     `json:"streams"`
	Short   int     `json:"short_streams"` // with less than 98 % of their packets
	Packets int     `json:"packets"`
	Lost    int     `json:"lost"`
	Late    int     `json:"late"`
	Bad     float64 `json:"bad_pct"` // lost or late
	P50     float64 `json:"late_ms_p50"`
	P99     float64 `json:"late_ms_p99"`
	P999    float64 `json:"late_ms_p999"`
	Dropped int     `json:"meter_dropped"` // for want of room in its own socket
}

func newMeter(echo bool) (*meter, error) {
	s, err := newSocket(256 << 20)
	if err != nil {
		return nil, err
	}
	return &meter{socket: s, echo: echo, all: map[source]*stream{}}, nil
}

func (m *meter) port() uint16 { return m.socket.addr.Port() }

// drain takes what came, and sends it back if that is wanted.
func (m *meter) drain() {
	m.socket.drain(func(raw []byte, from netip.AddrPort, at time.Time) {
		if len(raw) < 12 || raw[0]>>6 != 2 || raw[1] >= 192 && raw[1] <= 223 {
			return // RTCP
		}
		m.take(raw, from, at)
		if m.echo {
			raw[8] ^= 0x5a // another source
			m.socket.reply(raw, from)
		}
	})
	m.socket.flush()
}

func (m *meter) take(raw []byte, from netip.AddrPort, at time.Time) {
	seq, ts := binary.BigEndian.Uint16(raw[2:]), binary.BigEndian.Uint32(raw[4:])
	key := source{from, binary.BigEndian.Uint32(raw[8:])}
	s := m.all[key]
	if s == nil {
		s = new(stream)
		m.all[key] = s
	}
	if !s.begun {
		s.begun, s.seq, s.first, s.origin = true, seq-1, ts, at
	}
	late := s.late(ts, at)
	step := int16(seq - s.seq)
	if step > 0 {
		s.seq = seq
	}
	if at.Before(m.from) || at.After(m.until) {
		return
	}
	s.came++
	if step > 1 {
		s.lost += int(step) - 1
	}
	if late > lateAfter {
		s.bad++
	}
	m.hist[min(int(late/(100*time.Microsecond)), histBins-1)]++
}

// late is how much later a packet is than the fastest one of the last seconds.
func (s *stream) late(ts uint32, at time.Time) time.Duration {
	since := at.Sub(s.origin)
	offset := int64(since) - int64(int32(ts-s.first))*int64(time.Second)/8000
	now := int64(since / time.Second)
	i := now % bestOf
	if s.second[i] != now+1 { // from 1, so that 0 is none
		s.second[i], s.best[i] = now+1, offset
	}
	s.best[i] = min(s.best[i], offset)
	least := offset
	for j, second := range s.second {
		if second > 0 && now+1-second < bestOf {
			least = min(least, s.best[j])
		}
	}
	return time.Duration(offset - least)
}

// sum is what a window of that length brought.
func (m *meter) sum(window time.Duration) *streams {
	r := &streams{Dropped: m.socket.drops()}
	for _, s := range m.all {
		if s.came == 0 {
			continue
		}
		r.Streams++
		if float64(s.came) < 0.98*window.Seconds()*50 {
			r.Short++
		}
		r.Packets += s.came
		r.Lost += s.lost
		r.Late += s.bad
	}
	r.Bad = 100 * float64(r.Lost+r.Late) / float64(max(r.Packets+r.Lost, 1))
	at := func(share float64) float64 {
		n := 0
		for i, c := range m.hist {
			if n += c; float64(n) >= share*float64(r.Packets) {
				return float64(i) / 10
			}
		}
		return histBins / 10
	}
	r.P50, r.P99, r.P999 = at(.5), at(.99), at(.999)
	return r
}
