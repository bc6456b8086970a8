package media

import "math"

// Half-band windowed-sinc filters between 8 and 16 kHz. Both keep their history across frames, so that no border is heard.

const halfTaps = 16 // on each side; the delay is 2 ms each way

// halfBand holds the odd taps c[k] of the filter: sinc(k+1/2) under a Blackman window, scaled to unity gain.
var halfBand = func() (c [halfTaps]float32) {
	var sum float64
	var w [halfTaps]float64
	for k := range w {
		x := float64(k) + 0.5
		phase := math.Pi * x / halfTaps
		w[k] = math.Sin(math.Pi*x) / (math.Pi * x) * (0.42 + 0.5*math.Cos(phase) + 0.08*math.Cos(2*phase))
		sum += 2 * w[k]
	}
	for k := range w {
		c[k] = float32(w[k] / sum)
	}
	return c
}()

// upsampler makes 16 kHz of 8 kHz.
type upsampler struct {
	buf [2*halfTaps + FrameSamples/2]float32 // history, then this frame
}

// frame resamples 160 samples.
func (u *upsampler) frame(dst *Frame, src []int16) {
	const hist = 2 * halfTaps
	copy(u.buf[:hist], u.buf[len(u.buf)-hist:])
	for i, s := range src {
		u.buf[hist+i] = float32(s)
	}
	for i := range FrameSamples / 2 {
		mid := i + halfTaps // the sample that leaves now
		dst[2*i] = int16(u.buf[mid])
		var sum float32
		for k, c := range halfBand {
			sum += c * (u.buf[mid-k] + u.buf[mid+1+k])
		}
		dst[2*i+1] = clip(sum)
	}
}

// downsampler makes 8 kHz of 16 kHz.
type downsampler struct {
	buf [4*halfTaps + FrameSamples]float32
}

// frame resamples one frame to 160 samples.
func (d *downsampler) frame(dst []int16, src *Frame) {
	const hist = 4 * halfTaps
	copy(d.buf[:hist], d.buf[len(d.buf)-hist:])
	for i, s := range src {
		d.buf[hist+i] = float32(s)
	}
	for i := range FrameSamples / 2 {
		mid := 2*i + 2*halfTaps
		sum := d.buf[mid]
		for k, c := range halfBand {
			sum += c * (d.buf[mid-1-2*k] + d.buf[mid+1+2*k])
		}
		dst[i] = clip(sum / 2)
	}
}

func clip(v float32) int16 {
	switch {
	case v > math.MaxInt16:
		return math.MaxInt16
	case v < math.MinInt16:
		return math.MinInt16
	case v < 0:
		return int16(v - 0.5)
	}
	return int16(v + 0.5)
}
