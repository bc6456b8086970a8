package media_test

import (
	"testing"
	"testing/synctest"
	"time"

	"ivr/internal/memnet"
	"ivr/media"
)

// At a few percent of loss the delay grows by a packet, so that the next one is there when one is missing.
func TestOpusRepairsLossesByWhatTheNextPacketRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newLine(t, memnet.Damage{Loss: 0.08, Jitter: 5 * time.Millisecond, Seed: 11}).pair(t, media.Opus)
		var e ears
		defer b.Listen(&e)()
		pcm := tone(400, 40*time.Second)
		for i := range pcm { // syllables: steady audio needs no repair
			if i/3200%2 == 1 {
				pcm[i] /= 8
			}
		}
		<-a.Play(media.NewPrompt(pcm)).Done()
		n := b.Stats()
		if n.Lost < 80 || n.Repaired < n.Lost/2 {
			t.Errorf("%d of %d losses were repaired", n.Repaired, n.Lost)
		}
		if n.Delay > 100*time.Millisecond {
			t.Errorf("the delay is %v", n.Delay)
		}
	})
}

func TestOpusWaitsNoLongerWhereNothingIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newLine(t, memnet.Damage{Jitter: 5 * time.Millisecond, Seed: 11}).pair(t, media.Opus)
		defer b.Listen(&ears{})()
		<-a.Play(media.NewPrompt(tone(400, 30*time.Second))).Done()
		if n := b.Stats(); n.Delay > 50*time.Millisecond || n.Repaired != 0 {
			t.Errorf("%+v", n)
		}
	})
}

// A far end that sends nothing while its user is silent (DTX) is not lost, and heard at once when it speaks again.
func TestSilenceThatIsNotSentIsNoLoss(t *testing.T) {
	codes := codesOf(t, media.G722, tone(500, time.Second))
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, media.G722)
		var e ears
		defer s.Listen(&e)()
		for range 5 {
			f.Marker = true
			f.send(codes[:160])
			f.Marker = false
			f.talk(codes[160:])
			<-time.After(3 * time.Second)
			f.Timestamp += 3 * 8000
		}
		if n := s.Stats(); n.Lost != 0 || n.Late != 0 || n.Dropped != 0 {
			t.Errorf("%+v", n)
		}
		pcm := e.heard()
		for i := range 5 {
			if got := level(pcm[i*4*media.SampleRate+media.SampleRate/4:][:media.SampleRate/2], 500); got < 6000 {
				t.Errorf("talk %d is heard at level %.0f", i, got)
			}
		}
	})
}

// RFC 3389: the level that a comfort noise packet tells is what is heard until the far end speaks again.
func TestComfortNoiseIsHeardAtItsLevel(t *testing.T) {
	codes := codesOf(t, media.PCMU, tone(500, time.Second))
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, media.PCMU)
		var e ears
		defer s.Listen(&e)()
		f.talk(codes)
		f.PayloadType = 13
		f.send([]byte{40}) // -40 dBov: 328 effective
		<-time.After(2 * time.Second)
		pcm := e.heard()
		sum := 0.0
		quiet := pcm[2*media.SampleRate:]
		for _, x := range quiet {
			sum += float64(x) * float64(x)
		}
		if rms := sum / float64(len(quiet)); rms < 200*200 || rms > 360*360 {
			t.Errorf("mean power %.0f, 328² is %.0f", rms, 328.*328)
		}
		if worst := steepest(pcm[media.SampleRate/2:]); worst > 2000 {
			t.Errorf("a step of %.0f", worst)
		}
	})
}
