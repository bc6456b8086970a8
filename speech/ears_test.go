package speech_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ivr/media"
	"ivr/speech"
)

// pass lets fake time pass.
func pass(d time.Duration) { <-time.After(d) }

// loudVAD takes what is loud for speech.
type loudVAD struct{ fail bool }

func (v *loudVAD) Speech(pcm []int16) (float32, error) {
	if v.fail {
		return 0, errors.New("broken")
	}
	if pcm[len(pcm)/2] > 1000 {
		return 0.99, nil
	}
	return 0.01, nil
}

func (v *loudVAD) Reset() {}

// scripted answers with texts in order, each after a while.
type scripted struct {
	mu    sync.Mutex
	texts []string
	takes time.Duration
	deaf  bool // never answers, whatever its context says
	fail  error
	calls int
}

func (s *scripted) Recognise(ctx context.Context, pcm []int16) (speech.Transcript, error) {
	s.mu.Lock()
	s.calls++
	text := ""
	if len(s.texts) > 0 {
		text = s.texts[0]
		if len(s.texts) > 1 {
			s.texts = s.texts[1:]
		}
	}
	s.mu.Unlock()
	if s.deaf {
		pass(time.Minute)
	}
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return speech.Transcript{}, context.Cause(ctx)
	}
	if text == "panic" {
		panic("engine bug")
	}
	return speech.Transcript{Text: text}, s.fail
}

// leg runs ears in fake time and plays audio to them.
type leg struct {
	t     *testing.T
	ears  *speech.Ears
	start time.Time
	end   context.CancelCauseFunc
	done  chan error
	got   []speech.Event
}

func newLeg(t *testing.T, engine speech.Recogniser, vad speech.VAD, cfg speech.EarsConfig) *leg {
	ctx, cancel := context.WithCancelCause(t.Context())
	pool := speech.NewPool(engine, speech.PoolConfig{Workers: 2})
	l := &leg{t: t, ears: speech.NewEars(cfg, vad, pool), start: time.Now(), end: cancel, done: make(chan error, 1)}
	go pool.Run(ctx)
	go func() { l.done <- l.ears.Run(ctx) }()
	return l
}

// play lets d pass in frames that are loud or silent.
func (l *leg) play(loud bool, d time.Duration) {
	for range d / media.FrameDuration {
		h := &media.Heard{Arrived: time.Now()}
		if loud {
			for i := range h.Frame {
				h.Frame[i] = 5000
			}
		}
		l.ears.Hear(h)
		synctest.Wait()
		l.collect()
		pass(media.FrameDuration)
	}
}

func (l *leg) collect() {
	for {
		select {
		case ev := <-l.ears.Events():
			l.got = append(l.got, ev)
		default:
			return
		}
	}
}

// hangUp ends the ears and checks that they alternated.
func (l *leg) hangUp() {
	l.end(errors.New("hung up"))
	synctest.Wait()
	if err := <-l.done; err == nil {
		l.t.Error("Run returned nil")
	}
	l.collect()
	for i, ev := range l.got {
		if (ev.Onset != nil) == (ev.Utterance != nil) || (ev.Onset != nil) != (i%2 == 0) {
			l.t.Errorf("event %d is out of turn: %+v", i, ev)
		}
	}
	if len(l.got)%2 != 0 {
		l.t.Error("an onset without an utterance")
	}
}

func (l *leg) utterances() (us []*speech.Utterance) {
	for _, ev := range l.got {
		if ev.Utterance != nil {
			us = append(us, ev.Utterance)
		}
	}
	return us
}

func TestWordsAreReadyWhenTheTurnEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeg(t, &scripted{texts: []string{"Where is my parcel?"}, takes: 150 * time.Millisecond}, new(loudVAD), speech.EarsConfig{})
		l.play(false, time.Second)
		l.play(true, 1500*time.Millisecond)
		l.play(false, time.Second)
		l.hangUp()
		us := l.utterances()
		if len(us) != 1 || us[0].Text != "Where is my parcel?" || us[0].Err != nil {
			t.Fatalf("got %+v", us)
		}
		u := us[0]
		if onset := l.got[0].Onset.At.Sub(l.start); onset < time.Second || onset > 1050*time.Millisecond {
			t.Errorf("began after %v", onset)
		}
		if ended := u.Ended.Sub(l.start); ended < 2450*time.Millisecond || ended > 2520*time.Millisecond {
			t.Errorf("ended after %v", ended)
		}
		if gap := u.Decided.Sub(u.Ended); gap < 420*time.Millisecond || gap > 500*time.Millisecond {
			t.Errorf("decided %v after the end", gap)
		}
		if !u.Recognised.Before(u.Decided) {
			t.Errorf("words came %v after the decision", u.Recognised.Sub(u.Decided))
		}
		if length := time.Duration(len(u.Audio)) * time.Second / media.SampleRate; length < 1900*time.Millisecond || length > 2200*time.Millisecond {
			t.Errorf("%v of audio: want 1.5 s and some before and after", length)
		}
	})
}

func TestACallerWhoThinksIsNotInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &scripted{texts: []string{"I want to know where my", "I want to know where my parcel is."}, takes: 100 * time.Millisecond}
		l := newLeg(t, engine, new(loudVAD), speech.EarsConfig{})
		l.play(true, time.Second)
		l.play(false, 700*time.Millisecond)
		l.play(true, time.Second)
		l.play(false, time.Second)
		l.hangUp()
		if us := l.utterances(); len(us) != 1 || us[0].Text != "I want to know where my parcel is." {
			t.Errorf("got %+v", us)
		}
		if engine.calls != 2 {
			t.Errorf("%d recognitions, want one a pause", engine.calls)
		}
	})
}

func TestAPauseForDictatedDigitsIsLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeg(t, &scripted{texts: []string{"45", "45 12."}, takes: 50 * time.Millisecond}, new(loudVAD), speech.EarsConfig{})
		l.ears.Expect(speech.ExpectDigits, nil)
		l.play(true, 600*time.Millisecond)
		l.play(false, 1000*time.Millisecond)
		l.play(true, 600*time.Millisecond)
		l.play(false, 1000*time.Millisecond)
		l.hangUp()
		if us := l.utterances(); len(us) != 1 || us[0].Text != "45 12." {
			t.Errorf("got %+v", us)
		}
	})
}

func TestAnEngineThatFailsGivesAnUtteranceThatSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("out of memory")
		l := newLeg(t, &scripted{texts: []string{"x"}, fail: broken}, new(loudVAD), speech.EarsConfig{})
		l.play(true, time.Second)
		l.play(false, 1500*time.Millisecond)
		l.hangUp()
		if us := l.utterances(); len(us) != 1 || !errors.Is(us[0].Err, broken) {
			t.Errorf("got %+v", us)
		}
	})
}

func TestAnEngineThatPanicsHurtsOneUtteranceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeg(t, &scripted{texts: []string{"panic", "panic", "Hello?"}}, new(loudVAD), speech.EarsConfig{})
		for range 2 {
			l.play(true, time.Second)
			l.play(false, 1500*time.Millisecond)
		}
		l.hangUp()
		us := l.utterances()
		if len(us) != 2 || !errors.Is(us[0].Err, speech.ErrPanicked) || us[1].Text != "Hello?" {
			t.Errorf("got %+v", us)
		}
	})
}

func TestAnEngineThatNeverAnswersIsGivenUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeg(t, &scripted{deaf: true}, new(loudVAD), speech.EarsConfig{Bound: 3 * time.Second})
		l.play(true, time.Second)
		l.play(false, 10*time.Second)
		l.play(true, time.Second)
		l.play(false, 10*time.Second)
		l.hangUp()
		us := l.utterances()
		if len(us) != 2 {
			t.Fatalf("got %+v", us)
		}
		for _, u := range us {
			if late := u.Recognised.Sub(u.Decided); !errors.Is(u.Err, speech.ErrLate) || late < 3*time.Second || late > 3100*time.Millisecond {
				t.Errorf("after %v: %v", late, u.Err)
			}
		}
		pass(2 * time.Minute) // the engine comes back, and the pool can end
	})
}

func TestTurnsThatOverlapTheirRecognitionAreToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeg(t, &scripted{texts: []string{"one.", "two.", "three."}, takes: 2 * time.Second}, new(loudVAD), speech.EarsConfig{})
		for range 3 {
			l.play(true, 400*time.Millisecond)
			l.play(false, 900*time.Millisecond)
		}
		l.play(false, 5*time.Second)
		l.hangUp()
		if us := l.utterances(); len(us) != 3 {
			t.Errorf("got %+v", us)
		}
	})
}

func TestWhoHangsUpInTheMiddleOfATurnEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeg(t, &scripted{takes: time.Second}, new(loudVAD), speech.EarsConfig{})
		l.play(true, time.Second)
		l.hangUp()
		if us := l.utterances(); len(us) != 1 || us[0].Err == nil || us[0].Err.Error() != "hung up" || len(us[0].Audio) == 0 {
			t.Errorf("got %+v", us)
		}
	})
}

func TestClicksAndSilenceAreNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := new(scripted)
		l := newLeg(t, engine, new(loudVAD), speech.EarsConfig{})
		for range 5 {
			l.play(true, 60*time.Millisecond)
			l.play(false, 300*time.Millisecond)
		}
		l.hangUp()
		if len(l.got) != 0 || engine.calls != 0 {
			t.Errorf("%d events, %d recognitions", len(l.got), engine.calls)
		}
	})
}

func TestABrokenVADEndsTheEars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeg(t, new(scripted), &loudVAD{fail: true}, speech.EarsConfig{})
		l.play(true, 100*time.Millisecond)
		select {
		case err := <-l.done:
			if err == nil || err.Error() != "speech: listening: broken" {
				t.Errorf("got %v", err)
			}
		default:
			t.Error("they go on")
		}
		l.end(nil)
	})
}

func TestHearNeverBlocksAndNeverAllocates(t *testing.T) {
	ears := speech.NewEars(speech.EarsConfig{}, new(loudVAD), speech.NewPool(new(scripted), speech.PoolConfig{}))
	h := &media.Heard{Arrived: time.Now()}
	if n := testing.AllocsPerRun(1000, func() { ears.Hear(h) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
	if ears.Dropped() != 901 {
		t.Errorf("%d dropped of 1001 that nobody took: want all but the last 100", ears.Dropped())
	}
}

func BenchmarkHear(b *testing.B) {
	ears := speech.NewEars(speech.EarsConfig{}, new(loudVAD), speech.NewPool(new(scripted), speech.PoolConfig{}))
	h := &media.Heard{Arrived: time.Now()}
	for b.Loop() {
		ears.Hear(h)
	}
}
