package main

import (
	"context"
	"sync"
	"time"

	"ivr/call"
	"ivr/console"
	"ivr/transfer"
	"ivr/webrtc"
)

// browserAddress is the address of a seat at which somebody sits with a browser.
const browserAddress = "browser"

// browserSeats join what a seat is offered with the leg that its browser connects when it accepts.
type browserSeats struct {
	mu      sync.Mutex
	waiting map[string]chan *webrtc.Leg // by seat
}

// expect waits for the leg of a seat until done is called.
func (b *browserSeats) expect(seat string) (legs <-chan *webrtc.Leg, done func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = map[string]chan *webrtc.Leg{}
	}
	c := make(chan *webrtc.Leg, 1)
	b.waiting[seat] = c
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.waiting[seat] == c {
			delete(b.waiting, seat)
		}
	}
}

// take hands a leg to who waits for it, once.
func (b *browserSeats) take(leg *webrtc.Leg) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.waiting[leg.To()]
	if ok {
		delete(b.waiting, leg.To())
		c <- leg
	}
	return ok
}

// openBrowsers makes ready for calls of browsers, and for seats that have one.
func (s *server) openBrowsers() error {
	var logins []console.Login
	for _, seat := range s.cfg.Seats {
		if seat.Address == browserAddress {
			logins = append(logins, console.Login{ID: seat.ID, Name: seat.Name, Hash: seat.Password})
		}
	}
	if s.cfg.Web.Call.Number == "" && len(logins) == 0 {
		return nil
	}
	cfg := s.cfg.Web.Call.endpoint()
	cfg.Media, cfg.Log, cfg.Metrics = s.media, s.log, s.reg
	var err error
	if s.browser, err = webrtc.New(cfg); err != nil {
		return err
	}
	if len(logins) == 0 {
		return nil
	}
	s.seatDesk = console.NewDesk(console.DeskConfig{
		Logins: logins, Secure: true, State: s.seatState,
		Free: func(seat string) error { return s.desk.SignIn(time.Now(), seat) },
		Away: func(seat string) error { return s.desk.SignOut(time.Now(), seat) },
		Admit: func(seat string) any {
			return s.browser.Admission(webrtc.Token{Purpose: webrtc.ForSeat, Subject: seat})
		},
	})
	for _, l := range logins { // nobody sits there yet
		if err := s.desk.SignOut(time.Now(), l.ID); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) seatState(id string) transfer.SeatState {
	for _, seat := range s.desk.Snapshot(time.Now()).Seats {
		if seat.ID == id {
			return seat.State
		}
	}
	return transfer.Away
}

// answerBrowser conducts one call from the call page, or hands the leg of a seat to who waits for it. The number of a call has a
// bot: that was checked with the configuration.
func (s *server) answerBrowser(ctx context.Context, leg *webrtc.Leg) {
	if leg.Purpose() == webrtc.ForSeat {
		if s.browsers.take(leg) {
			<-leg.Done() // who took it hangs up
		}
		return
	}
	s.calls.Add(1)
	defer s.calls.Done()
	if house, ok := s.houseOf(leg.To()); ok {
		s.conduct(ctx, house, leg)
	}
}

// ringBrowser shows a seat who is to be handed over, and returns its leg when it has accepted.
func (s *server) ringBrowser(ctx context.Context, seat transfer.Seat, h transfer.Handover) (call.Leg, transfer.Refusal) {
	legs, done := s.browsers.expect(seat.ID)
	defer done()
	ring, ok := s.seatDesk.Ring(seat.ID, h)
	if !ok {
		return nil, transfer.Unreachable
	}
	answered := false
	defer func() { ring.End(answered) }()
	select {
	case <-ring.Declined():
		return nil, transfer.Declined
	case <-ctx.Done():
		return nil, transfer.NoAnswer
	case leg := <-legs:
		if err := leg.Answer(ctx); err != nil {
			s.log.Info("a seat's browser could not be connected", "call", h.CallID, "seat", seat.ID, "err", err)
			s.endLate(leg)
			return nil, transfer.Unreachable
		}
		answered = true
		return leg, ""
	}
}

// endLate hangs up a leg that nobody waits for any more.
func (s *server) endLate(leg *webrtc.Leg) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = leg.Hangup(ctx, "nobody waits for it") // it ends by itself when its handler returns
}
