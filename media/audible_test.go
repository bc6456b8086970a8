package media

import (
	"testing"
	"time"
)

func TestAPromptLeadsWithWhatNobodyHearsYet(t *testing.T) {
	square := func(level int16, frames int) (pcm []int16) {
		for range frames * FrameSamples {
			pcm = append(pcm, level)
			level = -level
		}
		return pcm
	}
	for name, c := range map[string]struct {
		pcm  []int16
		want time.Duration
	}{
		"nothing":            {nil, 0},
		"silence":            {square(0, 10), 0},
		"sound at once":      {square(3000, 10), 0},
		"-55 dBFS, then -45": {append(square(58, 3), square(184, 3)...), 3 * FrameDuration},
	} {
		if got := NewPrompt(c.pcm).Lead(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
