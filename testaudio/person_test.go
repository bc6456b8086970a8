package testaudio

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ivr/internal/memnet"
	"ivr/media"
)

// tones is a language that survives a telephone: each letter is two keys. What speaks it and what understands it is simple
// and exact, so that these tests test what is between.
func tones() Engines {
	return Engines{
		Speak: func(_ context.Context, text string) ([]int16, error) {
			var out []int16
			for _, letter := range []byte(text) {
				for _, key := range []byte{letter >> 4, letter & 15} {
					out = append(out, Tone(60*time.Millisecond, dtmfRows[key/4], dtmfColumns[key%4])...)
					out = append(out, Silence(40*time.Millisecond)...)
				}
			}
			return out, nil
		},
		Hear: func(_ context.Context, pcm []int16) (string, error) {
			keys, text := Heard(pcm).Keys(), []byte{}
			for i := 0; i+1 < len(keys); i += 2 {
				text = append(text, byte(strings.IndexByte(dtmfKeys, keys[i])<<4|strings.IndexByte(dtmfKeys, keys[i+1])))
			}
			return string(text), nil
		},
	}
}

// noMusic takes all for voice but what sounds at 440 Hz.
func noMusic() (func([]int16) (float32, error), error) {
	return func(pcm []int16) (float32, error) {
		if Heard(pcm).Tone(440) > 0.2 {
			return 0, nil
		}
		return 1, nil
	}, nil
}

// fakeLeg is one end of a call in memory.
type fakeLeg struct {
	stream *media.Stream
	other  *fakeLeg
	header map[string]string

	rings, answered chan struct{}
	once            sync.Once
	done            chan struct{}
	err             error
	refused         int
}

func (l *fakeLeg) Media() *media.Stream      { return l.stream }
func (l *fakeLeg) Done() <-chan struct{}     { return l.done }
func (l *fakeLeg) Err() error                { return l.err }
func (l *fakeLeg) Header(name string) string { return l.header[name] }
func (l *fakeLeg) Ring(context.Context) error {
	l.other.rings <- struct{}{}
	return nil
}
func (l *fakeLeg) Answer(context.Context) error {
	close(l.other.answered)
	return nil
}
func (l *fakeLeg) Reject(code int, _ string) error {
	l.other.refused = code
	return l.Hangup(context.Background(), "")
}
func (l *fakeLeg) Hangup(context.Context, string) error {
	l.end(errors.New("ended by us"))
	l.other.end(errors.New("far end hung up"))
	return nil
}
func (l *fakeLeg) end(err error) {
	l.once.Do(func() { l.err = err; close(l.done); go l.stream.Close() })
}

// exchange makes calls in memory.
type exchange struct {
	t      *testing.T
	engine *media.Engine
}

func newExchange(t *testing.T) *exchange {
	network := memnet.New(memnet.Damage{})
	x := &exchange{t: t, engine: media.NewEngine(media.Config{PortMin: 20000, PortMax: 20100,
		Listen: func(at netip.AddrPort) (media.PacketConn, error) { return network.Listen(at) }})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = x.engine.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return x
}

func (x *exchange) call() (a, b *fakeLeg) {
	open := func() *fakeLeg {
		s, err := x.engine.Open()
		if err != nil {
			x.t.Fatal(err)
		}
		x.t.Cleanup(func() { s.Close() })
		return &fakeLeg{stream: s, done: make(chan struct{}), rings: make(chan struct{}, 9), answered: make(chan struct{}), header: map[string]string{}}
	}
	a, b = open(), open()
	a.other, b.other = b, a
	for _, l := range []*fakeLeg{a, b} {
		to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(l.other.stream.LocalPort()))
		if err := l.stream.Start(media.Params{Remote: to, Codec: media.PCMU, Digits: 101, Send: true, Receive: true}); err != nil {
			x.t.Fatal(err)
		}
	}
	return a, b
}

// person runs until the test ends.
func (x *exchange) person(leg Leg) *Person {
	p, err := NewPerson(leg, tones(), nil)
	if err != nil {
		x.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); p.Run(context.Background()) }()
	x.t.Cleanup(func() { _ = p.HangUp(context.Background()); <-done })
	return p
}

func (x *exchange) hears(p *Person, want string) Turn {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.t.Context(), time.Minute)
	defer cancel()
	turn, err := p.Listen(ctx)
	if err != nil || turn.Text != want {
		x.t.Fatalf("heard %q, %v; want %q", turn.Text, err, want)
	}
	return turn
}

func (x *exchange) do(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

func TestTheReplyGapIsThatOfThePackets(t *testing.T) {
	for _, gap := range []time.Duration{300 * time.Millisecond, 700 * time.Millisecond, 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			x := newExchange(t)
			a, b := x.call()
			caller := x.person(a)
			reply, err := tones().Speak(t.Context(), "out for delivery")
			x.do(err)
			question, err := tones().Speak(t.Context(), "where is it")
			x.do(err)
			go func() { // answers gap after the last voiced packet: 40 ms of silence follow it in the clip
				sent := time.Now().Add(durationOf(len(question))).Add(-40 * time.Millisecond)
				<-time.After(time.Until(sent.Add(gap)))
				b.stream.Play(media.NewPrompt(reply))
			}()
			x.do(caller.Play(t.Context(), "where is it", question))
			turn := x.hears(caller, "out for delivery")
			if off := turn.Gap - gap; off < -40*time.Millisecond || off > 40*time.Millisecond {
				t.Errorf("gap %v, want %v", turn.Gap, gap)
			}
		})
	}
}

func TestPeopleTakeTurnsAndEachTurnIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newExchange(t)
		a, b := x.call()
		caller, bot := x.person(a), x.person(b)
		x.do(bot.Say(t.Context(), "welcome"))
		x.hears(caller, "welcome")
		x.do(caller.Say(t.Context(), "where is my parcel"))
		x.hears(bot, "where is my parcel")
		x.do(caller.Press(t.Context(), "4512#"))
		var keys []rune
		for range 5 {
			keys = append(keys, (<-b.stream.Digits()).Key)
		}
		if string(keys) != "4512#" {
			t.Errorf("keys %q", string(keys))
		}
		x.do(bot.Say(t.Context(), "out for delivery"))
		if turn := x.hears(caller, "out for delivery"); turn.Gap != 0 {
			t.Errorf("an answer to keys has the gap %v", turn.Gap)
		}
		x.do(bot.HangUp(t.Context()))
		if _, err := caller.Listen(t.Context()); !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), "far end hung up") {
			t.Errorf("error %v", err)
		}
		if err := caller.Say(t.Context(), "hello"); !errors.Is(err, ErrGone) {
			t.Errorf("speaking after the end: %v", err)
		}
		got := []string{}
		for _, turn := range caller.Turns() {
			got = append(got, turn.Text+turn.Keys)
		}
		if strings.Join(got, "|") != "welcome|where is my parcel|4512#|out for delivery" {
			t.Errorf("turns %q", got)
		}
	})
}

func TestAPauseInsideASentenceDoesNotEndTheTurnAndALongOneDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newExchange(t)
		a, b := x.call()
		caller := x.person(a)
		say := func(text string, then time.Duration) {
			pcm, err := tones().Speak(t.Context(), text)
			x.do(err)
			<-b.stream.Play(media.NewPrompt(Join(pcm, Silence(then)))).Done()
		}
		say("one", 700*time.Millisecond)
		say("two", 1500*time.Millisecond)
		say("three", 1500*time.Millisecond)
		x.hears(caller, "onetwo")
		x.hears(caller, "three")
	})
}

func TestWhatIsNoVoiceIsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newExchange(t)
		a, b := x.call()
		with := tones()
		with.Activity = noMusic
		caller, err := NewPerson(a, with, nil)
		x.do(err)
		done := make(chan struct{})
		go func() { defer close(done); caller.Run(context.Background()) }()
		b.stream.Loop(media.NewPrompt(Tone(2*time.Second, 440)))
		<-time.After(20 * time.Second)
		b.stream.Clear()
		pcm, _ := with.Speak(t.Context(), "hello")
		<-b.stream.Play(media.NewPrompt(pcm)).Done()
		turn := x.hears(caller, "hello")
		if length := turn.Ended.Sub(turn.Began); length > 1500*time.Millisecond {
			t.Errorf("the turn lasted %v", length)
		}
		x.do(caller.HangUp(t.Context()))
		<-done
		if n := len(caller.Turns()); n != 1 {
			t.Errorf("%d turns", n)
		}
	})
}

func TestHearingNeverBlocksTheClock(t *testing.T) {
	e := newEars()
	for range 2000 {
		e.Hear(&media.Heard{})
	}
	if got := e.dropped.Load(); got != 2000-int64(cap(e.frames)) {
		t.Errorf("dropped %d", got)
	}
	if n := testing.AllocsPerRun(100, func() { e.Hear(&media.Heard{}) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func TestARecordingIsTranscribedTurnByTurnWithItsTimes(t *testing.T) {
	one, _ := tones().Speak(t.Context(), "one")
	two, _ := tones().Speak(t.Context(), "two")
	all, err := tones().Transcribe(t.Context(), Join(Silence(time.Second), one, Silence(2*time.Second), two))
	if err != nil || len(all) != 2 || all[0].Text != "one" || all[1].Text != "two" {
		t.Fatalf("%v, %v", all, err)
	}
	if all[0].From != time.Second || all[1].From < 3*time.Second || all[1].To > 5*time.Second {
		t.Errorf("times %v", all)
	}
}
