package media

import "time"

// The delay of the playout is changed without being heard: one period of the voice, or a piece of a pause, is played twice or left
// out, where the audio repeats itself (waveform similarity overlap-add).
const (
	marginWanted  = 5 * time.Millisecond           // below it audio is played longer
	marginTooMuch = FrameDuration + 2*marginWanted // above it audio is played shorter: marginWanted and more remain
	trust         = 100                            // packets before a delay is called too long
	patienceLate  = 3                              // ticks to wait for a good place while packets come too late
	patienceEarly = 50                             // ticks to wait for one while the delay is merely long
	periodLeast   = 20                             // of a repetition: 1/n s, at narrowRate samples; 2.5 ms
	periodMost    = 80                             // 10 ms, so that two fit into a frame
	alike         = 0.85                           // correlation from which a repetition is not heard
	forgetLosses  = 0.995                          // a packet: what is lost counts for some seconds
	lossy         = 2                              // losses not yet forgotten, about one in a hundred
)

// adapt lengthens or shortens what is ready, when the margins of the last seconds ask for it.
func (b *jitterBuffer) adapt(c *concealer) {
	if b.debt > 0 || c.active {
		return // what is made up is no place for it
	}
	low := b.margins.low()
	if b.format.repeats && b.losses >= lossy {
		low -= FrameDuration // a packet is to be here before the one that it may repair is needed
	}
	longer := low < marginWanted && b.held() < delayMost
	shorter := low >= marginTooMuch && b.margins.total >= trust && b.held() >= FrameDuration
	switch {
	case longer:
		b.stretch(c, +1, low < 0, patienceLate)
	case shorter:
		if b.supply(b.ready+1, c); b.debt == 0 {
			b.stretch(c, -1, true, patienceEarly)
		}
	default:
		b.waited = 0
	}
}

// stretch plays a period twice (sign +1) or leaves it out (-1): at once where that is not heard, and when it is urgent after
// patience ticks in any case.
func (b *jitterBuffer) stretch(c *concealer, sign int, urgent bool, patience int) {
	b.waited++
	scale := b.format.rate / narrowRate
	head := b.pcm[:2*periodMost*scale]
	period, score := similar(head, periodLeast*scale, periodMost*scale)
	hidden := score >= alike || c.quiet(level(head))
	if !hidden && (!urgent || b.waited < patience) {
		return
	}
	if sign > 0 {
		b.repeat(period)
	} else {
		b.leaveOut(period)
	}
	b.waited = 0
	frame := b.format.samples()
	before := b.ready / frame
	b.ready += sign * period
	b.margins.shift(b.ready/frame - before)
}

// repeat plays the first period again, passing from the audio that follows it to its beginning.
func (b *jitterBuffer) repeat(period int) {
	pcm := b.pcm
	copy(pcm[2*period:], pcm[period:b.ready])
	for i := range period {
		pcm[period+i] = mix(pcm[2*period+i], pcm[i], i, period)
	}
}

// leaveOut passes from the first period to the second, so that one of them is left.
func (b *jitterBuffer) leaveOut(period int) {
	pcm := b.pcm
	for i := range period {
		pcm[i] = mix(pcm[i], pcm[period+i], i, period)
	}
	copy(pcm[period:], pcm[2*period:b.ready])
}

// mix passes evenly from one sample to another: it is step i of n.
func mix(from, to int16, i, n int) int16 {
	return toSample(float32(from) + (float32(to)-float32(from))*float32(i+1)/float32(n+1))
}

// similar finds after how many samples, least to most, pcm repeats itself best, and how well: 1 is exactly.
func similar(pcm []int16, least, most int) (period int, score float32) {
	period, score = most, 0
	for lag := least; lag <= most; lag++ {
		one, other := pcm[:len(pcm)-most], pcm[lag:]
		var product, energy, energyOther float32
		for i := 0; i < len(one); i += 2 { // every second sample tells enough
			x, y := float32(one[i]), float32(other[i])
			product += x * y
			energy += x * x
			energyOther += y * y
		}
		if product <= 0 {
			continue
		}
		if s := product * product / (energy*energyOther + 1); s > score {
			period, score = lag, s
		}
	}
	return period, sqrt32(score)
}
