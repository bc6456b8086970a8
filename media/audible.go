package media

import "time"

// audible is the mean square of a frame at -50 dBFS: a telephone line idles below.
const audible = 32768.0 * 32768.0 / 1e5

// Audible reports whether a frame, or a part of one, is at -50 dBFS or above.
func Audible(pcm []int16) bool {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return sum >= audible*float64(len(pcm)) && sum > 0
}

// Lead is how long the prompt is playing before its first audible frame: words begin softly. It is 0 when nothing is audible.
func (p *Prompt) Lead() time.Duration {
	for at := 0; at+FrameSamples <= len(p.pcm); at += FrameSamples {
		if Audible(p.pcm[at : at+FrameSamples]) {
			return time.Duration(at/FrameSamples) * FrameDuration
		}
	}
	return 0
}
