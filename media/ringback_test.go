package media_test

import (
	"testing"
	"time"

	"ivr/media"
)

func TestRingingSoundsAsAtHome(t *testing.T) {
	for country, want := range map[string]struct {
		hz    []float64
		on    time.Duration
		whole time.Duration
	}{
		"US": {[]float64{440, 480}, 2 * time.Second, 6 * time.Second},
		"GB": {[]float64{400, 450}, 400 * time.Millisecond, 3 * time.Second},
		"DE": {[]float64{425}, time.Second, 5 * time.Second},
		"FR": {[]float64{440}, 1500 * time.Millisecond, 5 * time.Second},
	} {
		p, known := media.Ringback(country)
		if !known || p.Duration() != want.whole {
			t.Errorf("%s: known %v, %v long", country, known, p.Duration())
		}
		on := p.PCM()[:int(want.on.Seconds()*media.SampleRate)]
		for _, hz := range want.hz {
			if l := level(on, hz); l < 3600/float64(len(want.hz))*0.95 {
				t.Errorf("%s: %v Hz at %.0f", country, hz, l)
			}
		}
		if l := level(p.PCM()[len(on):len(on)+1600], want.hz[0]); l > 1 {
			t.Errorf("%s: does not pause", country)
		}
	}
	if p, known := media.Ringback("??"); known || p.Duration() != 5*time.Second {
		t.Error("an unknown country has the recommended tone")
	}
}
