package media

// Loss concealment in the manner of G.711 Appendix I, without its delay: what is missing is filled with the last pitch period
// again and again, fading out.
const (
	pitchLeast  = 40  // samples: 200 Hz
	pitchMost   = 120 // 67 Hz
	pitchWindow = 160 // compared when looking for the pitch
	seam        = 40  // samples over which what was made up passes into what came
	fadeFrom    = 80  // 10 ms at full level
	fadeTo      = 480 // nothing is left after 60 ms
)

// concealer watches the audio of a stream and fills its gaps. A new one must forget first; a nil one fills nothing.
type concealer struct {
	past     [pitchWindow + pitchMost]int16 // real audio, the newest last
	active   bool                           // the last sample was made up
	made     int                            // samples made up since the last real one
	pitch    int
	step     float32 // from the last real sample to where the repetition begins: it is spread over the seam
	loudness int     // slowly falling peak of the mean level of frames
	level    int     // mean level of the last span
}

// real takes audio that came; after a gap it changes the beginning so that no click is heard.
func (c *concealer) real(span []int16) {
	if c.active {
		n := min(seam, len(span))
		for i := range n {
			made, came := float32(c.sample()), float32(span[i])
			span[i] = toSample(made + (came-made)*float32(i+1)/float32(n+1))
		}
		c.active = false
	}
	if len(span) < len(c.past) {
		copy(c.past[:], c.past[len(span):])
		copy(c.past[len(c.past)-len(span):], span)
	} else {
		copy(c.past[:], span[len(span)-len(c.past):])
	}
	c.listen(span)
}

// fill makes up audio.
func (c *concealer) fill(span []int16) {
	if c == nil {
		return
	}
	if !c.active {
		c.active, c.made = true, 0
		c.pitch = c.findPitch()
		end := len(c.past)
		c.step = float32(c.past[end-1]) - float32(c.past[end-1-c.pitch])
	}
	if c.made >= fadeTo {
		clear(span)
		return
	}
	for i := range span {
		span[i] = c.sample()
	}
}

// forget begins anew, as after silence.
func (c *concealer) forget() {
	*c = concealer{active: true, made: fadeTo, pitch: pitchLeast}
}

// sample is the next one of the repetition.
func (c *concealer) sample() int16 {
	n := c.made
	if n >= fadeTo {
		return 0
	}
	c.made++
	x := float32(c.past[len(c.past)-c.pitch+n%c.pitch])
	// Each round begins where the last one ended: the step between its ends is spread over its beginning.
	if at := n % c.pitch; at < seam {
		x += c.step * float32(seam-at) / seam
	}
	if n > fadeFrom {
		x *= float32(fadeTo-n) / (fadeTo - fadeFrom)
	}
	return toSample(x)
}

// findPitch is the lag at which the newest audio repeats itself best.
func (c *concealer) findPitch() int {
	now := c.past[len(c.past)-pitchWindow:]
	best, bestScore := pitchLeast, float32(-1)
	for lag := pitchLeast; lag <= pitchMost; lag++ {
		before := c.past[len(c.past)-pitchWindow-lag:][:pitchWindow]
		var product, energy float32
		for i := 0; i < pitchWindow; i += 2 { // every second sample tells enough
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

// listen keeps track of how loud it is.
func (c *concealer) listen(span []int16) {
	if len(span) > 0 {
		c.level = level(span)
		c.loudness = max(c.level, c.loudness-c.loudness/64)
	}
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

// crossfade begins frame with the beginning of other.
func crossfade(frame, other *narrowFrame) {
	for i := range seam {
		frame[i] = toSample(float32(other[i]) + (float32(frame[i])-float32(other[i]))*float32(i+1)/(seam+1))
	}
}
