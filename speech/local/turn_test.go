package local_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ivr/media"
	"ivr/speech"
	"ivr/speech/local"
	"ivr/speech/mood"
	"ivr/testaudio"
)

// This one runs in real time: it is about how long a caller waits.
func TestATurnIsHeardAndItsWordsAreThereSoonAfterItsEnd(t *testing.T) {
	e := engines(t, local.Options{})
	vad, err := e.NewVAD()
	if err != nil {
		t.Fatal(err)
	}
	said, err := e.Voice.Speak(t.Context(), "What are your opening hours on Saturday?")
	if err != nil {
		t.Fatal(err)
	}
	pool := speech.NewPool(e.Recogniser, speech.PoolConfig{})
	detector, err := mood.NewDetector("moonshine-base")
	if err != nil {
		t.Fatal(err)
	}
	ears := speech.NewEars(speech.EarsConfig{Mood: detector}, vad, pool)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { pool.Run(ctx) })
	wg.Go(func() { ears.Run(ctx) })

	line := testaudio.Telephone(slices.Concat(make([]int16, 8000), said, make([]int16, 32000)), testaudio.MuLaw)
	last := 8000 + len(said) - 960 // the voice leaves 60 ms of silence behind the last sound
	tick := time.NewTicker(media.FrameDuration)
	defer tick.Stop()
	var silent time.Time
	for i := 0; i+media.FrameSamples <= len(line); i += media.FrameSamples {
		now := <-tick.C
		if i <= last {
			silent = now
		}
		h := &media.Heard{Arrived: now, Frame: media.Frame(line[i : i+media.FrameSamples])}
		ears.Hear(h)
		select {
		case ev := <-ears.Events():
			if ev.Utterance == nil {
				continue
			}
			u := ev.Utterance
			t.Logf("%q: end told %v off, decided after %v, words after %v (engine %v), mood %+v", u.Text, u.Ended.Sub(silent).Round(time.Millisecond),
				u.Decided.Sub(u.Ended).Round(time.Millisecond), u.Recognised.Sub(u.Ended).Round(time.Millisecond), u.Took.Round(time.Millisecond), u.Mood)
			if u.Err != nil || !strings.Contains(strings.ToLower(u.Text), "opening hours") {
				t.Errorf("heard %q, %v", u.Text, u.Err)
			}
			if gap := max(u.Decided.Sub(silent), u.Recognised.Sub(silent)); gap > time.Second {
				t.Errorf("the words were there %v after the end", gap)
			}
			if u.Mood.Anger > 0.3 {
				t.Errorf("a calm voice: %+v", u.Mood)
			}
			return
		default:
		}
	}
	t.Error("no utterance within two seconds")
}
