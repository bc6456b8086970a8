package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"ivr/sip"
	"ivr/testaudio"
)

// stage performs talk scripts with our phones: one that calls, and one for each seat.
type stage struct {
	to, from string
	caller   *phone
	hasSeats bool
	show     *callScreen
	record   func(who string) string // path of a party's recording, "" none

	calls chan testaudio.SeatCall
	stop  context.CancelFunc
	wait  sync.WaitGroup

	mu       sync.Mutex
	finishes []func() error // of recordings
	files    []string
}

// openStage binds the seats, by id, to their addresses.
func openStage(ctx context.Context, caller *phone, seats map[string]string, show *callScreen) (*stage, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &stage{caller: caller, show: show, stop: cancel, calls: make(chan testaudio.SeatCall, 16), record: func(string) string { return "" }}
	for _, id := range slices.Sorted(maps.Keys(seats)) {
		ua, err := caller.line(seats[id])
		if err != nil {
			s.close()
			return nil, fmt.Errorf("seat %s: %w", id, err)
		}
		s.hasSeats = true
		s.wait.Go(func() { _ = ua.Serve(ctx, func(ctx context.Context, leg *sip.Leg) { s.arrives(ctx, id, leg) }) })
	}
	return s, nil
}

// arrives gives a call to the script and stays until the call is over.
func (s *stage) arrives(ctx context.Context, id string, leg *sip.Leg) {
	select {
	case s.calls <- testaudio.SeatCall{Seat: id, Leg: &recordedSeat{Leg: leg, stage: s, id: id}}:
		select {
		case <-leg.Done():
		case <-ctx.Done():
		}
	default:
		_ = leg.Reject(486, "Busy Here") // nobody performs
	}
}

// recordedSeat begins to record when it is answered.
type recordedSeat struct {
	*sip.Leg
	stage *stage
	id    string
}

func (r *recordedSeat) Answer(ctx context.Context) error {
	if err := r.Leg.Answer(ctx); err != nil {
		return err
	}
	r.stage.keep("seat "+r.id, r.Leg)
	return nil
}

// keep records a leg if that is wanted.
func (s *stage) keep(who string, leg *sip.Leg) {
	path := s.record(who)
	if path == "" {
		return
	}
	finish := record(leg, path)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finishes, s.files = append(s.finishes, finish), append(s.files, path)
}

// recordings waits for the files and returns their paths.
func (s *stage) recordings() (files []string, err error) {
	s.mu.Lock()
	finishes := s.finishes
	files, s.finishes, s.files = s.files, nil, nil
	s.mu.Unlock()
	for _, finish := range finishes {
		err = errors.Join(err, finish())
	}
	return files, err
}

func (s *stage) close() {
	s.stop()
	s.wait.Wait()
}

// perform plays a talk against the bot at s.to.
func (s *stage) perform(ctx context.Context, talk *testaudio.Talk) (*testaudio.Performance, error) {
	began := false
	st := testaudio.Stage{
		With: s.caller.with,
		Clip: func(file string) ([]int16, error) {
			return testaudio.ReadMono(pathIn(talk.Name, file))
		},
		Dial: func(ctx context.Context, number string) (testaudio.Leg, error) {
			leg, err := s.caller.dial(ctx, withNumber(s.to, number), s.from)
			if err != nil {
				return nil, err
			}
			s.show.start(time.Now())
			s.keep("caller", leg)
			return leg, nil
		},
		Tell: func(t testaudio.Told) {
			if !began {
				began = true
				s.show.start(t.At)
			}
			if t.Turn != nil {
				s.show.turn(t.Who, *t.Turn)
			} else {
				s.show.note(t.Who, "%s", t.What)
			}
		},
	}
	if s.hasSeats {
		st.Seats = s.calls
	}
	return testaudio.Perform(ctx, talk, st)
}

// withNumber puts the number that a script dials into the address that was given.
func withNumber(to, number string) string {
	if number == "" {
		return to
	}
	if at := strings.LastIndexByte(to, '@'); at >= 0 {
		return "sip:" + number + to[at:]
	}
	return "sip:" + number + "@" + strings.TrimPrefix(to, "sip:")
}

// wantSeats: every seat of a script has an address to answer at.
func wantSeats(talk *testaudio.Talk, seats map[string]string) error {
	for _, id := range talk.Seats() {
		if seats[id] == "" {
			return usageError{fmt.Errorf("%s has a seat %s: say where it answers, --seats %s=127.0.0.1:5071", talk.Name, id, id)}
		}
	}
	return nil
}

// runScript plays one talk script.
func runScript(ctx context.Context, o *callOptions, to string, talk *testaudio.Talk, show *callScreen) (err error) {
	if err := wantSeats(talk, o.seats); err != nil {
		return err
	}
	p, err := openPhone(ctx, o.phoneOptions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	s, err := openStage(ctx, p, o.seats, show)
	if err != nil {
		return err
	}
	defer s.close()
	s.to, s.from = to, o.from
	s.record = func(who string) string { return recordingOf(o.record, who) }
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("the call took longer than --timeout %v", o.timeout))
	defer cancel()
	_, err = s.perform(ctx, talk)
	_, recordErr := s.recordings()
	err = errors.Join(err, recordErr)
	show.summary(err, o.record)
	return err
}

// recordingOf is a party's file: the caller's is as asked for, "out.wav", a seat's beside it, "out-seat-2.wav".
func recordingOf(path, who string) string {
	if path == "" || who == "caller" {
		return path
	}
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "-" + strings.ReplaceAll(who, " ", "-") + ext
}
