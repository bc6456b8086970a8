package media_test

import (
	"context"
	"math"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ivr/internal/memnet"
	"ivr/media"
)

var codecs = []media.Codec{media.PCMU, media.PCMA, media.G722, media.Opus}

// ears collect what a stream hears.
type ears struct {
	mu  sync.Mutex
	pcm []int16
}

func (e *ears) Hear(h *media.Heard) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pcm = append(e.pcm, h.Frame[:]...)
}

func (e *ears) heard() []int16 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]int16(nil), e.pcm...)
}

// line is two streams of one engine over a network in memory.
type line struct {
	engine *media.Engine
	net    *memnet.Network
}

func newLine(t *testing.T, d memnet.Damage) *line { return newMeasuredLine(t, d, nil) }

func newMeasuredLine(t *testing.T, d memnet.Damage, r prometheus.Registerer) *line {
	l := &line{net: memnet.New(d)}
	l.engine = media.NewEngine(media.Config{PortMin: 20000, PortMax: 20100, Metrics: r,
		Listen: func(at netip.AddrPort) (media.PacketConn, error) { return l.net.Listen(at) }})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); l.engine.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return l
}

func (l *line) pair(t *testing.T, c media.Codec) (a, b *media.Stream) {
	a, b = l.open(t), l.open(t)
	at := func(s *media.Stream) netip.AddrPort {
		return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(s.LocalPort()))
	}
	for s, to := range map[*media.Stream]*media.Stream{a: b, b: a} {
		if err := s.Start(media.Params{Remote: at(to), Codec: c, Digits: 101, Send: true, Receive: true}); err != nil {
			t.Fatal(err)
		}
	}
	return a, b
}

func (l *line) open(t *testing.T) *media.Stream {
	s, err := l.engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func tone(hz float64, d time.Duration) []int16 {
	pcm := make([]int16, int(d.Seconds()*media.SampleRate))
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(i)/media.SampleRate))
	}
	return pcm
}

// level of a frequency in pcm, 8000 for the tone above (Goertzel).
func level(pcm []int16, hz float64) float64 {
	w := 2 * math.Cos(2*math.Pi*hz/media.SampleRate)
	var s1, s2 float64
	for _, v := range pcm {
		s1, s2 = float64(v)+w*s1-s2, s1
	}
	return 2 * math.Sqrt(math.Max(0, s1*s1+s2*s2-w*s1*s2)) / float64(len(pcm))
}

func TestAPromptIsHeardAtTheFarEndAtItsLevel(t *testing.T) {
	for _, c := range codecs {
		synctest.Test(t, func(t *testing.T) {
			a, b := newLine(t, memnet.Damage{}).pair(t, c)
			var e ears
			defer b.Listen(&e)()
			pb := a.Play(media.NewPrompt(tone(1000, time.Second)))
			<-pb.Done()
			<-time.After(200 * time.Millisecond)
			pcm := e.heard()
			if got := level(middle(pcm), 1000); got < 7000 || got > 9000 {
				t.Errorf("%s: tone heard at level %.0f, sent at 8000", c.Name, got)
			}
			if !pb.Finished() || pb.Played() != time.Second {
				t.Errorf("finished %v after %v", pb.Finished(), pb.Played())
			}
		})
	}
}

// middle is half a second from where the audio is loud.
func middle(pcm []int16) []int16 {
	for i, v := range pcm {
		if v > 4000 || v < -4000 {
			from := min(i+media.SampleRate/4, len(pcm))
			return pcm[from:min(from+media.SampleRate/2, len(pcm))]
		}
	}
	return nil
}

func TestBridgedLegsHearEachOtherAndWhatPlayedBeforeEnds(t *testing.T) {
	for _, one := range codecs {
		for _, other := range codecs {
			t.Run(one.Name+" and "+other.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { bridged(t, one, other) })
			})
		}
	}
}

func bridged(t *testing.T, one, other media.Codec) {
	l := newLine(t, memnet.Damage{})
	caller, ours1 := l.pair(t, one)
	seat, ours2 := l.pair(t, other)
	hold := ours1.Loop(media.NewPrompt(tone(400, time.Second)))
	<-time.After(time.Second)
	split := media.Bridge(ours1, ours2)
	<-hold.Done()
	var atCaller, atSeat ears
	<-time.After(200 * time.Millisecond)
	defer caller.Listen(&atCaller)()
	defer seat.Listen(&atSeat)()
	caller.Play(media.NewPrompt(tone(700, time.Second)))
	seat.Play(media.NewPrompt(tone(1900, time.Second)))
	<-time.After(1200 * time.Millisecond)
	if got := level(middle(atSeat.heard()), 700); got < 6500 {
		t.Errorf("the seat hears the caller at %.0f", got)
	}
	if got := level(middle(atCaller.heard()), 1900); got < 6500 {
		t.Errorf("the caller hears the seat at %.0f", got)
	}
	if got := level(middle(atCaller.heard()), 400); got > 100 {
		t.Errorf("the caller still hears hold music at %.0f", got)
	}
	split()
}

func TestEachKeyArrivesOnceAlsoOverALossyLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newLine(t, memnet.Damage{Loss: 0.2, Duplicate: 0.1, Jitter: 30 * time.Millisecond, Seed: 7}).pair(t, media.PCMU)
		if err := a.SendDigits(t.Context(), "4512#"); err != nil {
			t.Fatal(err)
		}
		<-time.After(300 * time.Millisecond)
		b.Close()
		var got string
		for d := range b.Digits() {
			got += string(d.Key)
		}
		if got != "4512#" {
			t.Errorf("got keys %q", got)
		}
	})
}

func TestALossyLineMakesNoClicks(t *testing.T) {
	for _, c := range codecs {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { lossy(t, c) })
		})
	}
}

func lossy(t *testing.T, c media.Codec) {
	a, b := newLine(t, memnet.Damage{Loss: 0.05, Jitter: 15 * time.Millisecond, Seed: 3}).pair(t, c)
	var e ears
	defer b.Listen(&e)()
	a.Play(media.NewPrompt(tone(300, 10*time.Second)))
	<-time.After(9 * time.Second)
	pcm := e.heard()
	if worst := steepest(pcm); worst > 2.5*slope(300) {
		t.Errorf("jump of %.0f between two samples, the tone itself has %.0f", worst, slope(300))
	}
	if got := level(pcm[media.SampleRate:], 300); got < 4000 {
		t.Errorf("level %.0f after loss concealment", got)
	}
	if s := b.Stats(); s.Lost < 10 || s.Lost > 45 {
		t.Errorf("%d lost of 450 at 5 %% %+v a: %+v", s.Lost, s, a.Stats())
	}
}
