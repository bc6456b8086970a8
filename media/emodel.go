package media

import "time"

// meanOpinion is the quality that people would give a call, 1 to 4.5, by the E-model (ITU-T G.107) with its defaults, for a share
// of packets lost at random and a delay from mouth to ear. Wideband codecs are judged as G.711 is: they sound better than that.
func meanOpinion(loss float64, delay time.Duration) float64 {
	const (
		best       = 93.2 // R without impairment
		robustness = 25.1 // Bpl of G.711 with concealment (G.113, Appendix I)
	)
	ms := float64(delay) / float64(time.Millisecond)
	r := best - 0.024*ms
	if ms > 177.3 {
		r -= 0.11 * (ms - 177.3)
	}
	r -= 95 * 100 * loss / (100*loss + robustness)
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}
