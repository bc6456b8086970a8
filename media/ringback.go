package media

import (
	"math"
	"slices"
	"time"
)

// ringing is how a far end that rings sounds in some countries (ITU-T E.180, Supplement 2).
type ringing struct {
	hertz     []float64
	cadence   []time.Duration // on, off, on, off
	countries []string        // ISO 3166
}

const (
	ringLevel = 3600                  // peak of all tones together, about -16 dBm0
	ringEdge  = SampleRate * 5 / 1000 // samples in which a tone rises and falls
)

// ringings by country; never changed. The first is what E.180 recommends.
var ringings = []ringing{
	{[]float64{425}, seconds(1, 4), []string{"DE", "IT", "NL", "CH", "NO", "DK", "FI", "PL", "CZ", "SK", "GR", "RU", "UA", "RO", "BG", "HR", "SI", "RS", "BR", "MX", "CL", "CO"}},
	{[]float64{440, 480}, seconds(2, 4), []string{"US", "CA", "PR"}},
	{[]float64{400, 450}, seconds(.4, .2, .4, 2), []string{"GB", "IE", "AU", "NZ"}},
	{[]float64{440}, seconds(1.5, 3.5), []string{"FR"}},
	{[]float64{425}, seconds(1.5, 3), []string{"ES"}},
	{[]float64{425}, seconds(1, 3), []string{"BE"}},
	{[]float64{420}, seconds(1, 5), []string{"AT"}},
	{[]float64{425}, seconds(1, 5), []string{"SE", "PT"}},
	{[]float64{425}, seconds(1.25, 3.75), []string{"HU"}},
	{[]float64{450}, seconds(2, 4), []string{"TR"}},
	{[]float64{450}, seconds(1, 4), []string{"CN"}},
	{[]float64{400}, seconds(1, 2), []string{"JP"}},
	{[]float64{400}, seconds(.4, .2, .4, 2), []string{"IN", "ZA"}},
	{[]float64{440, 480}, seconds(.4, .2, .4, 3), []string{"HK"}},
	{[]float64{425}, seconds(.4, .2, .4, 2), []string{"SG", "MY"}},
	{[]float64{425}, seconds(1, 4.5), []string{"AR"}},
	{[]float64{400}, seconds(1, 3), []string{"IL"}},
}

func seconds(s ...float64) (d []time.Duration) {
	for _, x := range s {
		d = append(d, time.Duration(x*float64(time.Second)))
	}
	return d
}

// Ringback is what a caller of a country is used to hear while the far end rings, to be looped. known is false for a country we
// know nothing of: the tone that ITU-T E.180 recommends is returned then.
func Ringback(country string) (tone *Prompt, known bool) {
	i := slices.IndexFunc(ringings, func(r ringing) bool { return slices.Contains(r.countries, country) })
	return ringings[max(i, 0)].tone(), i >= 0
}

func (r ringing) tone() *Prompt {
	var pcm []int16
	for i, d := range r.cadence {
		piece := make([]int16, int(d.Seconds()*SampleRate))
		if i%2 == 0 {
			for n := range piece {
				sum := 0.0
				for _, hz := range r.hertz {
					sum += math.Sin(2 * math.Pi * hz * float64(n) / SampleRate)
				}
				edge := min(1, float64(min(n, len(piece)-1-n))/ringEdge)
				piece[n] = int16(ringLevel * edge * sum / float64(len(r.hertz)))
			}
		}
		pcm = append(pcm, piece...)
	}
	return NewPrompt(pcm)
}
