package media

import "time"

// A margin is how long before it is needed a packet arrives. From the margins of the last seconds follows what the playout
// delay should be: no longer than what lets nearly all packets come in time. That one figure follows jitter, a changed path
// and the drift of the far end's clock alike, and needs no model of any of them.
const (
	marginStep  = 5 * time.Millisecond // resolution
	marginLeast = -200 * time.Millisecond
	marginMost  = 400 * time.Millisecond
	marginSpan  = int((marginMost - marginLeast) / marginStep)
	marginKeep  = 200 // packets until the past counts half
	perFrame    = int(FrameDuration / marginStep)
)

// margins is a histogram that forgets. The zero value is empty.
type margins struct {
	count [marginSpan]uint8
	total int
}

func (m *margins) add(d time.Duration) {
	i := min(max(int((d-marginLeast)/marginStep), 0), marginSpan-1)
	m.count[i]++ // never above marginKeep
	if m.total++; m.total < marginKeep {
		return
	}
	m.total = 0
	for i := range m.count {
		m.count[i] /= 2
		m.total += int(m.count[i])
	}
}

// shift moves the past as if the playout delay had been longer by some frames, or shorter.
func (m *margins) shift(frames int) {
	by := frames * perFrame
	old := m.count
	clear(m.count[:])
	for i, n := range old {
		to := min(max(i+by, 0), marginSpan-1)
		m.count[to] += n
	}
}

// low is the margin that all but one packet in fifty had at least, rounded down.
func (m *margins) low() time.Duration {
	early := m.total / 50
	for i, n := range m.count {
		if early -= int(n); early < 0 {
			return marginLeast + time.Duration(i)*marginStep
		}
	}
	return marginMost
}
