//go:build e2e && eval

package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ivr/dialog"
	"ivr/media"
	"ivr/speech"
	"ivr/testaudio"
)

// engineTakes is what recognition is taken to cost in fake time, of the length of the audio: the larger recogniser on one core.
const engineTakes = 0.065

// How long callers wait and how often they are cut off. The ears, the engines and the bot are the real ones; time is fake, so that a busy
// machine tells the same. A sentence is spoken in one go, or with a pause at each bar.
func TestTurnsEndSoonAndNobodyIsCutOff(t *testing.T) {
	e, err := engines()
	if err != nil {
		t.Fatal(err)
	}
	bot, err := dialog.Load(root("examples/courier/courier.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/turns.txt")
	if err != nil {
		t.Fatal(err)
	}
	var gaps []time.Duration
	cut, paused := map[time.Duration]int{}, map[time.Duration]int{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		before, said, ok := strings.Cut(line, ">")
		if !ok {
			before, said = "", line
		}
		parts := strings.Split(said, "|")
		var voice [][]int16
		for _, part := range parts {
			pcm, err := e.Voice.Speak(t.Context(), strings.TrimSpace(part))
			if err != nil {
				t.Fatal(err)
			}
			voice = append(voice, pcm)
		}
		pauses := []time.Duration{0}
		if len(parts) > 1 {
			pauses = []time.Duration{200, 300, 400, 500, 700}
		}
		for _, pause := range pauses {
			pause *= time.Millisecond
			line := testaudio.Silence(500 * time.Millisecond)
			for i, pcm := range voice {
				if i > 0 {
					line = testaudio.Join(line, testaudio.Silence(pause))
				}
				line = testaudio.Join(line, pcm)
			}
			spoken := len(line)
			line = testaudio.Telephone(testaudio.Join(line, testaudio.Silence(2*time.Second)), testaudio.MuLaw)
			us := heardTurns(t, bot, strings.TrimSpace(before), line)
			if len(us) == 0 {
				t.Errorf("%s: nothing heard", said)
				continue
			}
			if len(parts) > 1 {
				paused[pause]++
				if len(us) > 1 {
					cut[pause]++
					t.Logf("cut off, pause %v: %s: %v", pause, said, texts(us))
				}
				continue
			}
			gap := us[len(us)-1].Decided.Sub(us[len(us)-1].Ended)
			gaps = append(gaps, gap)
			t.Logf("%v  %s: %v (of %d ms)", gap, said, texts(us), spoken/16)
		}
	}
	slices.Sort(gaps)
	fmt.Printf("end of turn after the last sound: median %v, 95 %% within %v, of %d\n", gaps[len(gaps)/2], gaps[len(gaps)*95/100], len(gaps))
	all, cuts := 0, 0
	for _, p := range slices.Sorted(func(yield func(time.Duration) bool) {
		for p := range paused {
			if !yield(p) {
				return
			}
		}
	}) {
		fmt.Printf("pauses of %v: %d of %d cut off\n", p, cut[p], paused[p])
		all, cuts = all+paused[p], cuts+cut[p]
	}
	fmt.Printf("cut off in all: %d of %d\n", cuts, all)
}

func texts(us []*speech.Utterance) (texts []string) {
	for _, u := range us {
		texts = append(texts, u.Text)
	}
	return texts
}

// paced has an engine take its time in fake time.
type paced struct{ speech.Recogniser }

func (p paced) Recognise(ctx context.Context, pcm []int16) (speech.Transcript, error) {
	tr, err := p.Recogniser.Recognise(ctx, pcm)
	<-time.After(time.Duration(engineTakes * float64(len(pcm)) / media.SampleRate * float64(time.Second)))
	return tr, err
}

// heardTurns plays a line to ears that serve a bot that was told before already.
func heardTurns(t *testing.T, bot *dialog.Bot, before string, line []int16) (us []*speech.Utterance) {
	t.Helper()
	e, err := engines()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		session := bot.Start()
		acts := session.Step(dialog.Begin{Now: time.Now()})
		if before != "" {
			acts = session.Step(dialog.Heard{Text: before, Now: time.Now()})
		}
		wait, ok := acts[len(acts)-1].(dialog.Listen)
		if !ok {
			t.Fatalf("%q does not end in a question", before)
		}
		vad, err := e.NewVAD()
		if err != nil {
			t.Fatal(err)
		}
		pool := speech.NewPool(paced{e.Recogniser}, speech.PoolConfig{Workers: 2})
		ears := speech.NewEars(speech.EarsConfig{}, vad, pool)
		foresee := session.Foresee()
		ears.Expect(speech.Expect(wait.Expect), func(text string) speech.Completeness {
			return [...]speech.Completeness{dialog.Missing: speech.Open, dialog.Asking: speech.Neutral, dialog.Enough: speech.Settled}[foresee(text)]
		})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { pool.Run(ctx) })
		wg.Go(func() { ears.Run(ctx) })
		for ; len(line) >= media.FrameSamples; line = line[media.FrameSamples:] {
			ears.Hear(&media.Heard{Arrived: time.Now(), Frame: media.Frame(line[:media.FrameSamples])})
			synctest.Wait()
			select {
			case ev := <-ears.Events():
				if ev.Utterance != nil {
					us = append(us, ev.Utterance)
				}
			default:
			}
			<-time.After(media.FrameDuration)
		}
		stop()
		wg.Wait()
	})
	return us
}
