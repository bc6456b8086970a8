package call

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"ivr/dialog"
	"ivr/internal/memnet"
	"ivr/media"
	"ivr/speech"
	"ivr/transfer"
)

// The tests of this package run whole calls in fake time: the bot, both machines, the media plane and the network in memory are the
// real ones. Only what lies outside stands in: signalling, recogniser, voice and back end.

const testBot = `
name: Test courier
language: en-GB
greeting: "Welcome to the courier. How can I help you?"
slots:
  parcel:
    type: digits
    length: 4
    label: parcel number
    ask: "What is the parcel number?"
intents:
  hours:
    label: opening hours
    examples: [when are you open, what are your opening hours, opening times please, are you open on saturday, until when are you open]
    answer: [We are open from eight to six.]
  track:
    label: where a parcel is
    examples: [where is my parcel, track my parcel, i want to track a package, where is my delivery, has my parcel been sent]
    flow: track
flows:
  track:
    - ask: parcel
    - fetch:
        url: http://backend.test/parcels/{{parcel}}
        filler: [One moment please.]
        values: {place: place}
        on:
          "404": [{say: [I cannot find that parcel.]}]
    - say: ["Your parcel is in {{place}}."]
hand_over:
  queue: service
  say: [I am getting a colleague for you.]
  anger: {queue: complaints, say: [I am sorry about that. I am getting a colleague for you.]}
`

// fakeLeg is signalling that does nothing over media that is real.
type fakeLeg struct {
	id, from string
	stream   *media.Stream // ours
	phone    *phone        // the person's
	answer   error

	once sync.Once
	done chan struct{}
	err  error
	how  string // why we hung up; "" the far end did
}

func (l *fakeLeg) ID() string                   { return l.id }
func (l *fakeLeg) From() string                 { return l.from }
func (l *fakeLeg) DisplayName() string          { return "" }
func (l *fakeLeg) Media() *media.Stream         { return l.stream }
func (l *fakeLeg) Answer(context.Context) error { return l.answer }
func (l *fakeLeg) Done() <-chan struct{}        { return l.done }
func (l *fakeLeg) Err() error                   { return l.err }

func (l *fakeLeg) Hangup(_ context.Context, reason string) error {
	l.close(errors.New("ended by us"), reason)
	return nil
}

func (l *fakeLeg) close(err error, how string) {
	l.once.Do(func() {
		l.err, l.how = err, how
		l.stream.Close()
		close(l.done)
	})
}

// hangUp is the person's.
func (l *fakeLeg) hangUp() { l.close(errors.New("far end hung up"), "") }

func (l *fakeLeg) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// phone is a person's end of a leg: it hears by the pitch of what is sent.
type phone struct {
	*media.Stream
	mu  sync.Mutex
	pcm []int16
}

func (p *phone) Hear(h *media.Heard) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pcm = append(p.pcm, h.Frame[:]...)
}

// hears reports that a text, or a tone, was the loudest thing in the last while.
func (p *phone) level(hz float64, last time.Duration) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := int(last.Seconds() * media.SampleRate)
	pcm := p.pcm[max(0, len(p.pcm)-n):]
	w := 2 * math.Cos(2*math.Pi*hz/media.SampleRate)
	var s1, s2 float64
	for _, v := range pcm {
		s1, s2 = float64(v)+w*s1-s2, s1
	}
	return 2 * math.Sqrt(math.Max(0, s1*s1+s2*s2-w*s1*s2)) / float64(max(1, len(pcm)))
}

func tone(hz float64, d time.Duration) *media.Prompt {
	pcm := make([]int16, int(d.Seconds()*media.SampleRate))
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(i)/media.SampleRate))
	}
	return media.NewPrompt(pcm)
}

// fakeEars say what the test says.
type fakeEars struct {
	events chan speech.Event
	expect speech.Expect
}

func (e *fakeEars) Hear(*media.Heard)                                          {}
func (e *fakeEars) Events() <-chan speech.Event                                { return e.events }
func (e *fakeEars) Expect(x speech.Expect, _ func(string) speech.Completeness) { e.expect = x }
func (e *fakeEars) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// fakeVoice speaks every text as 600 Hz, 40 ms a character, and writes down what it said.
type fakeVoice struct {
	mu    sync.Mutex
	said  []string
	fails bool
}

func (v *fakeVoice) Clauses(text string) []string { return []string{text} }

func (v *fakeVoice) Speak(ctx context.Context, text string) (*media.Prompt, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fails {
		return nil, errors.New("the engine is gone")
	}
	v.said = append(v.said, text)
	return tone(600, time.Duration(len(text))*40*time.Millisecond), nil
}

// fakeBackend answers after a while.
type fakeBackend struct {
	takes  time.Duration
	answer dialog.Fetched
	asked  []dialog.Fetch
}

func (b *fakeBackend) Fetch(ctx context.Context, req dialog.Fetch) dialog.Fetched {
	b.asked = append(b.asked, req)
	res := b.answer
	res.ID = req.ID
	select {
	case <-time.After(b.takes):
	case <-ctx.Done():
		res = dialog.Fetched{ID: req.ID, Err: "the call ended"}
	}
	return res
}

// brokenBackend has a bug.
type brokenBackend struct{}

func (brokenBackend) Fetch(context.Context, dialog.Fetch) dialog.Fetched {
	panic("the client exploded")
}

// stage is one call with everything around it.
type stage struct {
	t       *testing.T
	house   *House
	engine  *media.Engine
	caller  *fakeLeg
	ears    *fakeEars
	voice   *fakeVoice
	backend *fakeBackend
	seats   map[string]func(ctx context.Context, leg *fakeLeg) transfer.Refusal // what a seat does when it rings
	rang    []string
	legs    map[string]*fakeLeg // of seats that answered
	mu      sync.Mutex
	people  sync.WaitGroup // what they still do
	report  chan Report
}

// newStage sets a call up; nothing runs yet. It must be called inside a bubble of synctest.
func newStage(t *testing.T) *stage {
	bot, err := dialog.Parse("test.yaml", []byte(testBot))
	if err != nil {
		t.Fatal(err)
	}
	net := memnet.New(memnet.Damage{})
	s := &stage{
		t: t, voice: &fakeVoice{}, backend: &fakeBackend{answer: dialog.Fetched{Status: 200, Body: map[string]any{"place": "Leeds"}}},
		ears: &fakeEars{events: make(chan speech.Event)}, report: make(chan Report, 1),
		seats: map[string]func(context.Context, *fakeLeg) transfer.Refusal{}, legs: map[string]*fakeLeg{},
	}
	s.engine = media.NewEngine(media.Config{PortMin: 20000, PortMax: 20998,
		Listen: func(at netip.AddrPort) (media.PacketConn, error) { return net.Listen(at) }})
	desk, err := transfer.NewDesk(transfer.Config{
		Seats:  []transfer.Seat{{ID: "7", Name: "Ann", Address: "sip:7"}, {ID: "9", Name: "Ben", Address: "sip:9"}},
		Queues: []transfer.Queue{{Name: "service", Tiers: [][]string{{"7"}, {"9"}}}, {Name: "complaints", Tiers: [][]string{{"9"}, {"7"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.house = &House{
		Bot: bot, Desk: desk, Voice: s.voice, Backend: s.backend, Dial: s.dial, Rescue: "service",
		Ears: func() (Ears, error) { return s.ears, nil },
		Hold: tone(440, time.Second), Tone: tone(1000, 200*time.Millisecond),
		Transfer: func(string) transfer.Limits { return transfer.Limits{Wait: time.Minute} },
		Message:  func(id string) string { return t.TempDir() + "/message.wav" },
		Log:      slog.New(slog.DiscardHandler),
	}
	s.caller = s.leg("call-1", "100")
	return s
}

// leg joins a stream of ours to a phone.
func (s *stage) leg(id, from string) *fakeLeg {
	ours, theirs := s.open(), s.open()
	at := func(x *media.Stream) netip.AddrPort {
		return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(x.LocalPort()))
	}
	p := media.Params{Codec: media.PCMU, Digits: 101, Send: true, Receive: true}
	p.Remote = at(theirs)
	ours.Start(p)
	p.Remote = at(ours)
	theirs.Start(p)
	ph := &phone{Stream: theirs}
	theirs.Listen(ph)
	return &fakeLeg{id: id, from: from, stream: ours, phone: ph, done: make(chan struct{})}
}

func (s *stage) open() *media.Stream {
	st, err := s.engine.Open()
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

func (s *stage) dial(ctx context.Context, seat transfer.Seat, _ transfer.Handover) (Leg, transfer.Refusal) {
	s.mu.Lock()
	s.rang = append(s.rang, seat.ID)
	do := s.seats[seat.ID]
	leg := s.leg("seat-"+seat.ID+fmt.Sprint(len(s.rang)), "ivr")
	s.mu.Unlock()
	why := transfer.Unreachable
	if do != nil {
		why = do(ctx, leg)
	}
	if why != "" {
		leg.close(errors.New("refused"), "refused")
		leg.phone.Close()
		return nil, why
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.legs[seat.ID] = leg
	return leg, ""
}

// run plays the call against what the test does, then checks that nothing was left behind.
func (s *stage) run(script func()) Report {
	ctx, cancel := context.WithCancel(s.t.Context())
	clock := make(chan struct{})
	go func() { defer close(clock); s.engine.Run(ctx) }()
	go func() { s.report <- New(s.house, s.caller).Run(ctx) }()
	script()
	var r Report
	select {
	case r = <-s.report:
	case <-time.After(5 * time.Minute):
		s.t.Fatal("the call never ended")
	}
	if !s.caller.ended() {
		s.t.Error("the caller's leg was left behind")
	}
	for id, leg := range s.legs {
		if !leg.ended() {
			s.t.Errorf("the leg of seat %s was left behind", id)
		}
		leg.phone.Close()
	}
	for _, seat := range s.house.Desk.Snapshot(time.Now()).Seats {
		if seat.State == transfer.Reserved || seat.State == transfer.Ringing || seat.State == transfer.Talking {
			s.t.Errorf("seat %s is left %s", seat.ID, seat.State)
		}
	}
	s.caller.phone.Close()
	s.people.Wait()
	cancel()
	<-clock
	return r
}

func wait(d time.Duration) { <-time.After(d) }

// says has the caller say something once the bot listens.
func (s *stage) says(text string) { s.saysInMood(text, 0) }

func (s *stage) saysInMood(text string, anger float64) {
	now := time.Now()
	s.hears(speech.Event{Onset: &speech.Onset{At: now}})
	wait(300 * time.Millisecond)
	s.hears(speech.Event{Utterance: &speech.Utterance{
		Text: text, Mood: speech.Mood{Anger: anger}, Began: now, Ended: time.Now().Add(-50 * time.Millisecond),
		Decided: time.Now(), Recognised: time.Now(),
	}})
}

// hears hands the call an event of its ears, unless it has ended.
func (s *stage) hears(ev speech.Event) {
	select {
	case s.ears.events <- ev:
	case <-s.caller.done:
	}
}

func (s *stage) keys(send string) {
	if err := s.caller.phone.SendDigits(s.t.Context(), send); err != nil {
		s.t.Error(err)
	}
}

// answers is a seat that rings, answers, hears the brief and presses keys.
func (s *stage) answers(after time.Duration, press string) func(context.Context, *fakeLeg) transfer.Refusal {
	return func(ctx context.Context, leg *fakeLeg) transfer.Refusal {
		select {
		case <-time.After(after):
		case <-ctx.Done():
			return transfer.NoAnswer
		}
		if press != "" {
			s.people.Go(func() {
				wait(2 * time.Second)
				leg.phone.SendDigits(s.t.Context(), press)
			})
		}
		return ""
	}
}

// untilSaid waits for the bot to have said something.
func (s *stage) untilSaid(fragment string) {
	for range 3000 {
		s.voice.mu.Lock()
		said := strings.Join(s.voice.said, "\n")
		s.voice.mu.Unlock()
		if strings.Contains(said, fragment) {
			return
		}
		wait(100 * time.Millisecond)
	}
	s.t.Errorf("the bot never said %q", fragment)
}

func (s *stage) saidBy(r Report, who string) string {
	var b strings.Builder
	for _, l := range r.Lines {
		if l.Who == who {
			b.WriteString(l.Text + "\n")
		}
	}
	return b.String()
}
