package media_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ivr/internal/memnet"
	"ivr/media"
)

// Whatever changes in the midst of a tone, in every codec, is no click: ducking, clearing, playing over a bridge, parting, hold.
func TestNoSwitchClicks(t *testing.T) {
	const hz = 313 // no whole number of periods in a frame
	steady := func() *media.Prompt { return media.NewPrompt(tone(hz, 10*time.Second)) }
	for name, act := range map[string]func(l *line, ours, other *media.Stream){
		"ducked and back": func(_ *line, ours, _ *media.Stream) {
			ours.Play(steady())
			for _, g := range []float64{0.2, 1, 0.5, 1} {
				<-time.After(410 * time.Millisecond)
				ours.Gain(g)
			}
		},
		"cleared": func(_ *line, ours, _ *media.Stream) {
			for range 3 {
				ours.Play(steady())
				<-time.After(530 * time.Millisecond)
				ours.Clear()
				<-time.After(170 * time.Millisecond)
			}
		},
		"bridged and parted": func(_ *line, ours, other *media.Stream) {
			ours.Play(steady())
			<-time.After(530 * time.Millisecond)
			split := media.Bridge(ours, other)
			<-time.After(570 * time.Millisecond)
			split()
			<-time.After(170 * time.Millisecond)
		},
		"held and resumed": func(_ *line, ours, _ *media.Stream) {
			ours.Play(steady())
			for range 3 {
				<-time.After(450 * time.Millisecond)
				p := ours.Params()
				p.Send = !p.Send
				if err := ours.Start(p); err != nil {
					t.Error(err)
				}
			}
		},
		"keys in the midst": func(_ *line, ours, _ *media.Stream) {
			ours.Play(steady())
			<-time.After(500 * time.Millisecond)
			if err := ours.SendDigits(context.Background(), "1"); err != nil {
				t.Error(err)
			}
			<-time.After(500 * time.Millisecond)
		},
		"mixed": func(l *line, ours, other *media.Stream) {
			ours.Play(steady())
			<-time.After(530 * time.Millisecond)
			for range 3 {
				m := l.engine.NewMix()
				m.Join(ours)
				m.Join(other)
				<-time.After(310 * time.Millisecond)
				m.Leave(ours)
				<-time.After(110 * time.Millisecond)
			}
		},
	} {
		for _, c := range codecs {
			t.Run(fmt.Sprint(name, " ", c.Name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := newLine(t, memnet.Damage{})
					far, ours := l.pair(t, c)
					talker, other := l.pair(t, c)
					talker.Loop(media.NewPrompt(tone(hz, time.Second)))
					<-time.After(500 * time.Millisecond)
					var e ears
					defer far.Listen(&e)()
					<-time.After(200 * time.Millisecond)
					act(l, ours, other)
					<-time.After(300 * time.Millisecond)
					pcm := e.heard()
					// A tone that begins at full level has its own step; half a wave between two samples would be 16000.
					if worst := steepest(pcm); worst > 2.6*slope(hz) {
						t.Errorf("a step of %.0f, the tone has %.0f", worst, slope(hz))
					}
				})
			})
		}
	}
}
