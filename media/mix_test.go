package media_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ivr/internal/memnet"
	"ivr/media"
)

// party is one person in a mix: what it says, and what it hears.
type party struct {
	far, ours *media.Stream
	ears      ears
	hz        float64
}

// parties speak each at a frequency of its own, without end.
func parties(t *testing.T, l *line) (all []*party) {
	for i, c := range codecs {
		p := &party{hz: 513 + 307*float64(i)} // no whole number of periods in a frame
		p.far, p.ours = l.pair(t, c)
		pcm := tone(p.hz, time.Second)
		for n := range pcm {
			pcm[n] /= 2
		}
		p.far.Loop(media.NewPrompt(pcm))
		t.Cleanup(p.far.Listen(&p.ears))
		all = append(all, p)
	}
	return all
}

// expect says who of all hears whom: a row for each who hears, 1 for whom it hears.
func expect(t *testing.T, when string, all []*party, rows ...string) {
	t.Helper()
	before := make([]int, len(all))
	for i, p := range all {
		before[i] = len(p.ears.heard())
	}
	<-time.After(1300 * time.Millisecond)
	for i, p := range all {
		pcm := p.ears.heard()[before[i]+media.SampleRate/5:]
		got := ""
		for _, other := range all {
			switch l := level(pcm[:media.SampleRate], other.hz); {
			case l > 3000 && l < 5000:
				got += "1"
			case l < 150:
				got += "0"
			default:
				got += fmt.Sprintf("(%.0f)", l)
			}
		}
		if got != rows[i] {
			t.Errorf("%s: %d hears %s, not %s", when, i, got, rows[i])
		}
	}
}

func TestInAMixEachHearsTheOthersAndNotItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		all := parties(t, l)
		caller, seat, boss, other := all[0].ours, all[1].ours, all[2].ours, all[3].ours
		media.Bridge(caller, seat)
		expect(t, "bridged", all, "0100", "1000", "0000", "0000")

		m := l.engine.NewMix()
		m.Join(caller)
		m.Join(seat)
		m.ListenIn(boss)
		expect(t, "listening in", all, "0100", "1000", "1100", "0000")
		m.Join(boss, seat)
		expect(t, "whispering", all, "0100", "1010", "1100", "0000")
		m.Join(boss)
		expect(t, "three", all, "0110", "1010", "1100", "0000")
		m.Join(other)
		expect(t, "four", all, "0111", "1011", "1101", "1110")
		m.Leave(caller)
		expect(t, "one left", all, "0000", "0011", "0101", "0110")
		media.Bridge(caller, seat)
		expect(t, "bridged again", all, "0100", "1000", "0001", "0010")
		other.Close()
		expect(t, "one hung up", all, "0100", "1000", "0000", "0000")
	})
}

func TestWhoComesAndGoesInAMixMakesNoClick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		all := parties(t, l)
		m := l.engine.NewMix()
		for _, p := range all[:3] {
			m.Join(p.ours)
		}
		for range 20 {
			<-time.After(130 * time.Millisecond)
			m.Leave(all[0].ours)
			<-time.After(170 * time.Millisecond)
			m.Join(all[0].ours)
			m.ListenIn(all[1].ours)
			<-time.After(150 * time.Millisecond)
			m.Join(all[1].ours)
			<-time.After(90 * time.Millisecond)
			m.Join(all[1].ours, all[0].ours)
			<-time.After(110 * time.Millisecond)
			m.Join(all[1].ours)
		}
		pcm := all[2].ears.heard()
		if worst, most := steepest(pcm), 1.3*(slope(513)+slope(820))/2; worst > most {
			t.Errorf("a step of %.0f; the tones together have %.0f", worst, most)
		}
	})
}

func TestManyWhoSpeakAtOnceAreSofterAndNotCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		m := l.engine.NewMix()
		var e ears
		for i := range 6 {
			far, ours := l.pair(t, media.G722)
			pcm := tone(400, time.Second)
			for n := range pcm {
				pcm[n] *= 3
			}
			if i == 0 {
				t.Cleanup(far.Listen(&e))
			} else {
				far.Loop(media.NewPrompt(pcm))
			}
			m.Join(ours)
		}
		<-time.After(3 * time.Second)
		pcm := e.heard()[2*media.SampleRate:]
		if first, third := level(pcm, 400), level(pcm, 1200); first < 25000 || third > first/50 {
			t.Errorf("heard at %.0f, with %.0f of what being cut off makes", first, third)
		}
	})
}
