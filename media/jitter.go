package media

import "time"

const (
	frame8k    = FrameSamples / 2 // samples of one tick at the 8 kHz of G.711
	slots      = 64               // packets the jitter buffer can hold; a power of two
	minDepth   = 1                // ticks of audio waiting before playout begins or goes on
	maxDepth   = 10
	calmTicks  = 100 // ticks over which too much delay must last before some is taken away
	resyncJump = 1000
)

// arrival is one packet in the jitter buffer.
type arrival struct {
	full    bool
	seq     uint16
	ts      uint32
	at      time.Time
	audio   bool // a telephone-event packet holds its place and has no audio
	payload []byte
}

// jitterBuffer puts packets in order and gives out 20 ms a tick. It delays as little as the line allows: one tick when packets
// come evenly, more after each tick it had nothing to play, less again when it has held too much for two seconds.
// It belongs to one goroutine at a time: the stream's lock.
type jitterBuffer struct {
	law     law
	ring    [slots]arrival
	held    int    // packets in ring
	next    uint16 // to be played
	begun   bool   // next is valid
	playing bool   // enough has been gathered
	depth   int    // ticks to gather
	ahead   int    // ticks concealed while waiting for next
	nextTS  uint32 // timestamp expected of next
	fifo    []int16
	at      time.Time // arrival of the packet that the end of fifo came from; zero: concealed
	low     int       // least packets held over the last ticks
	ticks   int
	conceal concealer
}

func newJitterBuffer(c Codec) *jitterBuffer {
	return &jitterBuffer{law: lawOf(c), depth: minDepth + 1, low: slots, fifo: make([]int16, 0, 10*frame8k)}
}

// verdict of put.
type verdict int

const (
	kept verdict = iota
	tooLate
	again // a duplicate
)

// put takes a packet; payload is copied.
func (j *jitterBuffer) put(seq uint16, ts uint32, at time.Time, audio bool, payload []byte) verdict {
	if !j.begun {
		j.begun, j.next, j.nextTS = true, seq, ts
	}
	gap := int16(seq - j.next)
	if gap <= -slots || gap >= slots {
		j.restart(seq, ts)
		gap = 0
	}
	if gap < 0 {
		if !j.playing && j.held+int(-gap) < slots { // reordered at the very beginning
			j.next, j.nextTS = seq, ts
		} else {
			return tooLate
		}
	}
	slot := &j.ring[seq%slots]
	if slot.full {
		if slot.seq == seq {
			return again
		}
		j.held--
	}
	slot.full, slot.seq, slot.ts, slot.at, slot.audio = true, seq, ts, at, audio
	slot.payload = append(slot.payload[:0], payload...)
	j.held++
	return kept
}

// restart begins anew at seq: the sender was replaced or skipped far.
func (j *jitterBuffer) restart(seq uint16, ts uint32) {
	for i := range j.ring {
		j.ring[i].full = false
	}
	j.held, j.next, j.nextTS, j.playing, j.ahead = 0, seq, ts, false, 0
}

// pull fills dst with 20 ms at 8 kHz and returns when the packet that its end came from arrived: zero when it was concealed.
func (j *jitterBuffer) pull(dst []int16) time.Time {
	if !j.playing {
		if j.held < j.depth {
			j.conceal.fade(dst)
			return time.Time{}
		}
		j.playing = true
	}
	for len(j.fifo) < frame8k {
		if !j.take() {
			j.starve()
			break
		}
	}
	j.shrink()
	if len(j.fifo) < frame8k {
		j.conceal.lost(dst)
		return time.Time{}
	}
	copy(dst, j.fifo)
	j.fifo = j.fifo[:copy(j.fifo, j.fifo[frame8k:])]
	j.conceal.good(dst)
	return j.at
}

// take moves the next packet, or what stands for it, into the fifo. It reports false when there is nothing to go on with.
func (j *jitterBuffer) take() bool {
	slot := &j.ring[j.next%slots]
	if slot.full && slot.seq == j.next {
		j.takePacket(slot)
		j.at = slot.at
		return true
	}
	if j.held == 0 {
		return false
	}
	// A later packet is here, so this one is lost. Ticks concealed while waiting have already stood for it.
	j.next++
	if j.ahead > 0 {
		j.ahead--
		return true
	}
	n := len(j.fifo)
	j.fifo = j.fifo[:n+frame8k]
	j.conceal.lost(j.fifo[n:])
	j.nextTS += frame8k
	j.at = time.Time{}
	return true
}

func (j *jitterBuffer) takePacket(slot *arrival) {
	if j.ahead > 0 && !slot.audio {
		j.ahead--
	} else if !slot.audio {
		n := len(j.fifo)
		j.fifo = j.fifo[:n+frame8k]
		clear(j.fifo[n:])
	} else {
		// A sender that suppresses silence skips time without skipping packets.
		if gap := int32(slot.ts - j.nextTS); gap > 0 && gap <= 4*frame8k {
			n := len(j.fifo)
			j.fifo = j.fifo[:n+int(gap)]
			clear(j.fifo[n:])
		}
		room := cap(j.fifo) - len(j.fifo)
		j.fifo = j.law.decode(j.fifo, slot.payload[:min(len(slot.payload), room)])
	}
	j.nextTS = slot.ts + uint32(len(slot.payload))
	slot.full = false
	j.held--
	j.next++
	j.ahead = 0
}

// starve: a tick came and no packet. The next one may only be late; then it is played, and everything after it later.
func (j *jitterBuffer) starve() {
	j.ahead++
	if j.ahead > maxDepth { // a pause, not jitter: gather again when they come back
		j.playing, j.ahead = false, 0
		return
	}
	if j.ahead == 1 {
		j.depth = min(j.depth+1, maxDepth)
	}
	j.low, j.ticks = slots, 0
}

// shrink takes one packet's time away when more than needed has been waiting for a while.
func (j *jitterBuffer) shrink() {
	j.low = min(j.low, j.held)
	if j.ticks++; j.ticks < calmTicks {
		return
	}
	if j.low >= minDepth+1 && len(j.fifo) >= frame8k {
		// Two frames become one: the first fades into the second.
		if len(j.fifo) < 2*frame8k && !j.take() {
			return
		}
		if len(j.fifo) >= 2*frame8k {
			for i := range frame8k {
				w := float32(i) / frame8k
				j.fifo[i] = int16(float32(j.fifo[i])*(1-w) + float32(j.fifo[i+frame8k])*w)
			}
			j.fifo = append(j.fifo[:frame8k], j.fifo[2*frame8k:]...)
		}
		j.depth = max(minDepth+1, j.depth-1)
	}
	j.low, j.ticks = slots, 0
}

// concealer stands in for lost audio: it repeats the last pitch period and fades to silence within 60 ms, as ITU-T G.711
// Appendix I does, and fades back in.
type concealer struct {
	history [3 * frame8k]int16
	period  int
	at      int // samples concealed in this loss
	tail    [frame8k / 4]int16
	mend    bool // the next good frame is cross-faded with tail
}

const (
	minPeriod = 40 // samples at 8 kHz: 200 Hz
	maxPeriod = 120
	fadeOver  = 3 * frame8k
)

func (c *concealer) good(dst []int16) {
	if c.mend {
		c.repeat(c.tail[:])
		for i, old := range c.tail {
			w := float32(i) / float32(len(c.tail))
			dst[i] = int16(float32(old)*(1-w) + float32(dst[i])*w)
		}
		c.mend = false
	}
	c.at = 0
	copy(c.history[:], c.history[len(dst):])
	copy(c.history[len(c.history)-len(dst):], dst)
}

func (c *concealer) lost(dst []int16) {
	if c.at == 0 {
		c.period = c.pitch()
	}
	c.repeat(dst)
	c.mend = true
}

// fade ends what was concealed; silence after that.
func (c *concealer) fade(dst []int16) {
	if c.mend && c.at < fadeOver {
		c.repeat(dst)
		return
	}
	clear(dst)
}

func (c *concealer) repeat(dst []int16) {
	base := len(c.history) - max(c.period, 1)
	for i := range dst {
		if c.at >= fadeOver {
			dst[i] = 0
			continue
		}
		gain := 1 - float32(c.at)/fadeOver
		dst[i] = int16(gain * float32(c.history[base+c.at%max(c.period, 1)]))
		c.at++
	}
}

// pitch finds the lag at which the end of the history repeats best.
func (c *concealer) pitch() int {
	const window = 160
	end := len(c.history)
	best, bestLag := float32(-1), maxPeriod
	for lag := minPeriod; lag <= maxPeriod; lag++ {
		var dot, energy float32
		for i := end - window; i < end; i += 2 {
			a, b := float32(c.history[i]), float32(c.history[i-lag])
			dot += a * b
			energy += b * b
		}
		if energy > 0 {
			if score := dot * abs(dot) / energy; score > best {
				best, bestLag = score, lag
			}
		}
	}
	return bestLag
}

func abs(v float32) float32 {
	if v < 0 {
		return -v
	}
	return v
}
