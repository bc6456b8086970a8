package media

import "math"

// Loss concealment in the manner of G.711 Appendix I, without its delay: what is missing is filled with the last pitch period, then
// with the last two and three, so that it does not sound like a machine, fading out. Lengths are in samples at 8 kHz.
const (
	pitchLeast   = 40  // 200 Hz
	pitchMost    = 120 // 67 Hz
	pitchWindow  = 160 // compared when looking for the pitch
	periodsMost  = 3   // repeated
	seam         = 40  // over which what was made up passes into what came
	fadeFrom     = 80  // 10 ms at full level
	fadeTo       = 480 // nothing is left after 60 ms
	concealedAgo = max(periodsMost*pitchMost+1, pitchWindow+pitchMost)
)

// concealer watches the audio of a stream and fills its gaps. A new one must forget first.
type concealer struct {
	scale    int                     // 1 at 8 kHz, 2 at 16 kHz
	past     [2 * concealedAgo]int16 // real audio, the newest last
	active   bool                    // the last sample was made up
	made     int                     // samples made up since the last real one
	pitch    int
	at       int     // in past: what is repeated next
	since    int     // samples since the repetition began anew
	step     float32 // from the last sample to where the repetition begins: it is spread over the seam
	lastly   float32 // sample of the repetition
	loudness int     // slowly falling peak of the mean level of frames
	level    int     // mean level of the last span
	comfort  float32 // level of the noise that the far end wants to be heard while it is silent
	noise    uint32
}

// forget begins anew, as after silence.
func (c *concealer) forget(f *format) {
	*c = concealer{scale: f.rate / narrowRate, active: true, comfort: c.comfort, noise: c.noise | 1}
	c.made = fadeTo * c.scale
}

// real takes audio that came; after a gap it changes the beginning so that no click is heard.
func (c *concealer) real(span []int16) {
	if c.active {
		n := min(seam*c.scale, len(span))
		for i := range n {
			span[i] = mix(c.sample(), span[i], i, n)
		}
		c.active = false
	}
	keep := c.past[:concealedAgo*c.scale]
	if len(span) < len(keep) {
		copy(keep, keep[len(span):])
		copy(keep[len(keep)-len(span):], span)
	} else {
		copy(keep, span[len(span)-len(keep):])
	}
	if len(span) > 0 {
		c.level = level(span)
		c.loudness = max(c.level, c.loudness-c.loudness/64)
	}
}

// fill makes up audio.
func (c *concealer) fill(span []int16) {
	if !c.active {
		c.begin()
	}
	if c.made >= fadeTo*c.scale && c.comfort == 0 {
		clear(span)
		return
	}
	for i := range span {
		span[i] = c.sample()
	}
}

// begin makes ready to go on after the last real sample.
func (c *concealer) begin() {
	c.active, c.made = true, 0
	c.pitch = c.findPitch()
	c.lastly = float32(c.past[concealedAgo*c.scale-1])
	c.rewind()
}

// codec takes audio that the codec made up in place of what is missing. What comes after it goes on from it.
func (c *concealer) codec(span []int16) {
	c.real(span)
	c.begin()
}

// sample is the next one of the repetition.
func (c *concealer) sample() int16 {
	n, from, to := c.made, fadeFrom*c.scale, fadeTo*c.scale
	if n >= to {
		return toSample(c.hiss())
	}
	if c.at == concealedAgo*c.scale {
		c.rewind()
	}
	x := float32(c.past[c.at])
	c.lastly = x
	if edge := seam * c.scale; c.since < edge {
		x += c.step * float32(edge-c.since) / float32(edge)
	}
	c.at++
	c.since++
	c.made++
	if n > from {
		left := float32(to-n) / float32(to-from)
		x = x*left + c.hiss()*(1-left)
	}
	return toSample(x)
}

// rewind begins the next round, of more periods the longer the gap is. It begins where the last one ended: the step between the
// two is spread over its beginning.
func (c *concealer) rewind() {
	periods := min(1+c.made/(fadeFrom*c.scale), periodsMost)
	c.at, c.since = concealedAgo*c.scale-periods*c.pitch, 0
	c.step = c.lastly - float32(c.past[c.at-1])
}

// findPitch is the lag at which the newest audio repeats itself best.
func (c *concealer) findPitch() int {
	past := c.past[:concealedAgo*c.scale]
	now := past[len(past)-pitchWindow*c.scale:]
	best, bestScore := pitchLeast*c.scale, float32(-1)
	for lag := pitchLeast * c.scale; lag <= pitchMost*c.scale; lag++ {
		before := past[len(past)-len(now)-lag:][:len(now)]
		var product, energy float32
		for i := 0; i < len(now); i += 2 * c.scale { // every second sample of 8 kHz tells enough
			b := float32(before[i])
			product += float32(now[i]) * b
			energy += b * b
		}
		if product <= 0 {
			continue
		}
		if score := product * product / (energy + 1); score > bestScore {
			best, bestScore = lag, score
		}
	}
	return best
}

// hiss is one sample of comfort noise.
func (c *concealer) hiss() float32 {
	if c.comfort == 0 {
		return 0
	}
	c.noise = c.noise*1664525 + 1013904223
	return c.comfort * float32(int32(c.noise)) / (1 << 31)
}

// hush sets the level of comfort noise, in dB below the loudest (RFC 3389, 3.1). Noise spread evenly has sqrt(3) times its level
// as peak.
func (c *concealer) hush(below int) {
	c.comfort = float32(math.Sqrt(3) * 32768 * math.Pow(10, -float64(below)/20))
}

// quiet says that changing the length of what plays now would hardly be noticed: a pause, measured against how loud it was.
func (c *concealer) quiet(level int) bool { return level <= max(60, c.loudness/10) }

// level is the mean size of samples.
func level(span []int16) int {
	sum := 0
	for _, x := range span {
		sum += max(int(x), -int(x))
	}
	return sum / len(span)
}

func sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }
