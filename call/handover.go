package call

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ivr/dialog"
	"ivr/media"
	"ivr/transfer"
)

// keyBack is the key by which a waiting caller returns to the bot.
const keyBack = '*'

// handover performs one [transfer.Warm]. All of it belongs to the loop of its call.
type handover struct {
	call    *Call
	request dialog.HandOver
	card    transfer.Handover
	warm    *transfer.Warm
	ticket  *transfer.Ticket
	began   time.Time
	brief   string

	events  []transfer.Event // not stepped yet: an action may be answered while others are still to be performed
	busy    bool             // events are being stepped
	seeking bool             // ReserveSeat is not answered yet
	seat    transfer.Seat    // last reserved
	limits  map[transfer.Timer]time.Time
	legs    map[int]*seatLeg // by try
	said    *saying          // to the caller
	untold  bool             // TellCaller waits for the end of the bot's own words
	joined  bool
	toSeat  time.Duration
	back    transfer.Outcome // set when the bot has the caller again
}

// seatLeg is one seat being called, and its leg once it answered.
type seatLeg struct {
	cancel context.CancelFunc // ends the dialling
	leg    Leg
	saying *saying
}

// handOver gives the caller to a person.
func (c *Call) handOver(a dialog.HandOver) {
	h := &handover{
		call: c, request: a, began: time.Now(), card: c.card(a),
		warm:   transfer.NewWarm(c.house.Transfer(a.Queue)),
		limits: map[transfer.Timer]time.Time{}, legs: map[int]*seatLeg{},
	}
	h.ticket = c.house.Desk.Enter(h.began, h.card, priority(a.Reason))
	h.brief = transfer.Brief(h.card)
	c.warm = h
	c.log.Info("handing over", "queue", a.Queue, "reason", a.Reason) // not the caller's words: they may hold private data
	h.step(transfer.Started{})
}

// priority puts callers who are angry, or whom we failed, before those who only asked.
func priority(r dialog.Reason) int {
	switch r {
	case dialog.ReasonSensitive:
		return 3
	case dialog.ReasonAnger:
		return 2
	case dialog.ReasonBackend, dialog.ReasonUnmatched:
		return 1
	}
	return 0
}

// card is what the seat gets to know.
func (c *Call) card(a dialog.HandOver) transfer.Handover {
	h := transfer.Handover{
		CallID: c.leg.ID(), Caller: c.leg.From(), Name: c.leg.DisplayName(),
		Queue: a.Queue, Reason: string(a.Reason), Detail: a.Detail, Intent: a.Intent,
		Values: a.Values, Tried: a.Tried, Mood: a.Mood,
	}
	for _, l := range c.report.Lines {
		h.Transcript = append(h.Transcript, transfer.Line{Who: l.Who, Text: l.Text, At: l.At})
	}
	return h
}

// step feeds the machine; events that its actions cause at once are taken after them, in order.
func (h *handover) step(ev transfer.Event) {
	h.events = append(h.events, ev)
	if h.busy {
		return
	}
	h.busy = true
	for len(h.events) > 0 {
		ev := h.events[0]
		h.events = h.events[1:]
		for _, a := range h.warm.Step(ev) {
			h.perform(a)
		}
	}
	h.busy = false
	h.arm()
	if h.back != "" && h.call.warm == h && h.call.saying == nil {
		h.giveBack()
	}
}

// noticed goes on when the caller has heard that a person is coming.
func (h *handover) noticed() {
	switch {
	case h.back != "":
		h.giveBack()
	case h.untold:
		h.tellCaller()
	default:
		h.call.leg.Media().Loop(h.call.house.Hold)
	}
}

func (h *handover) perform(a transfer.Action) {
	c := h.call
	switch a := a.(type) {
	case transfer.PlayHold:
		if c.saying == nil {
			c.leg.Media().Loop(c.house.Hold)
		}
	case transfer.TellCaller:
		h.tellCaller()
	case transfer.ReserveSeat:
		h.seeking = true
		h.reserve()
	case transfer.RingSeat:
		h.ring(a)
	case transfer.SpeakBrief:
		h.speakBrief(a.Try)
	case transfer.Bridge:
		h.bridge(a.Try)
	case transfer.HangUpSeat:
		h.hangUpSeat(a.Try, a.Why)
	case transfer.ReportSeat:
		c.house.Desk.Report(time.Now(), h.ticket, a.State, a.Why)
	case transfer.ReturnToBot:
		h.back = a.Outcome
	case transfer.HangUpCaller:
		c.hangUp(CauseSeat, nil)
	case transfer.StartTimer:
		h.limits[a.Timer] = time.Now().Add(a.After)
	case transfer.StopTimer:
		delete(h.limits, a.Timer)
	default:
		c.hangUp(CauseFailed, fmt.Errorf("call: unknown action %T", a))
	}
}

// ready: it is worth asking again, or the moment when it will be has changed.
func (h *handover) ready() {
	h.reserve()
	h.arm()
}

// reserve asks the desk for a seat.
func (h *handover) reserve() {
	seat, err := h.call.house.Desk.Reserve(time.Now(), h.ticket)
	switch {
	case err == nil:
		h.seeking, h.seat = false, seat
		h.step(transfer.SeatReserved{Seat: seat})
	case errors.Is(err, transfer.ErrNoSeat):
		h.seeking = false
		h.step(transfer.NoSeat{})
	}
}

// ready is closed or sent to when a waiting ticket should ask again; nil when it does not wait.
func (c *Call) ready() <-chan struct{} {
	if c.warm == nil || !c.warm.seeking {
		return nil
	}
	return c.warm.ticket.Ready()
}

// arm sets the call's alarm to the earliest thing this hand-over waits for.
func (h *handover) arm() {
	var first time.Time
	for _, at := range h.limits {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	if h.seeking {
		if at := h.call.house.Desk.Next(time.Now()); !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if first.IsZero() {
		h.call.alarm.Stop()
		return
	}
	h.call.alarm.Reset(max(time.Until(first), time.Millisecond))
}

// expire is the alarm.
func (h *handover) expire(now time.Time) {
	for t, at := range h.limits {
		if !at.After(now) {
			delete(h.limits, t)
			h.events = append(h.events, transfer.Timeout{Timer: t})
		}
	}
	if h.seeking {
		h.reserve()
	}
	if len(h.events) > 0 {
		ev := h.events[0]
		h.events = h.events[1:]
		h.step(ev)
	}
	h.arm()
}

// tellCaller interrupts the music with a sentence about the wait.
func (h *handover) tellCaller() {
	c := h.call
	if c.saying != nil { // that a person is coming is heard to its end
		h.untold = true
		return
	}
	h.untold = false
	c.leg.Media().Clear()
	text := c.house.Desk.Position(time.Now(), h.ticket).Sentence()
	c.line("bot", text)
	h.said = &saying{texts: []string{text}, stream: c.leg.Media()}
	c.say(h.said, nil, func(error) {
		h.said = nil
		h.step(transfer.CallerTold{})
	})
}

// ring calls a seat. A seat that answers after the call has ended is hung up at once.
func (h *handover) ring(a transfer.RingSeat) {
	c := h.call
	ctx, cancel := context.WithCancel(c.ctx)
	h.legs[a.Try] = &seatLeg{cancel: cancel}
	c.log.Info("ringing a seat", "seat", a.Seat.ID, "try", a.Try)
	c.start(func() {
		defer cancel()
		leg, why := c.house.Dial(ctx, a.Seat, h.card)
		if leg == nil {
			c.post(func() { h.step(transfer.SeatRefused{Try: a.Try, Why: why}) })
			return
		}
		if !c.post(func() { h.answered(a.Try, leg) }) {
			c.endLeg(leg, "caller hung up")
		}
	})
}

// answered: from now on the seat's keys and its hanging up are events.
func (h *handover) answered(try int, leg Leg) {
	c := h.call
	h.legs[try].leg = leg
	c.start(func() {
		digits := leg.Media().Digits()
		for {
			select {
			case d, ok := <-digits:
				if !ok {
					digits = nil
					continue
				}
				c.post(func() { h.seatKeyed(try, d.Key) })
			case <-leg.Done():
				c.post(func() { h.step(transfer.SeatGone{Try: try}) })
				return
			case <-c.ctx.Done():
				return
			}
		}
	})
	h.step(transfer.SeatAnswered{Try: try})
}

func (h *handover) seatKeyed(try int, key rune) {
	switch key {
	case transfer.KeyAccept:
		h.step(transfer.SeatAccepted{Try: try})
	case transfer.KeyDecline:
		h.step(transfer.SeatDeclined{Try: try})
	}
}

// keyed: a waiting caller may go back to the bot.
func (h *handover) keyed(key rune) {
	if key == keyBack {
		h.step(transfer.CallerAsked{})
	}
}

// speakBrief tells the seat alone what it is about. A brief that cannot be spoken keeps nobody from accepting.
func (h *handover) speakBrief(try int) {
	s := h.legs[try]
	s.silence()
	s.saying = &saying{texts: []string{h.brief}, stream: s.leg.Media()}
	h.call.say(s.saying, nil, func(err error) {
		if err != nil {
			h.call.log.Error("the brief could not be spoken", "err", err)
		}
		h.step(transfer.BriefHeard{Try: try})
	})
}

// silence ends what the seat is being told.
func (s *seatLeg) silence() {
	if s.saying != nil {
		s.saying.stop()
		s.saying = nil
	}
}

func (h *handover) bridge(try int) {
	c, s := h.call, h.legs[try]
	s.silence()
	c.hush()
	if h.said != nil {
		h.said.stop()
		h.said = nil
	}
	c.deafen()
	media.Bridge(c.leg.Media(), s.leg.Media())
	h.joined, h.toSeat = true, time.Since(h.began)
	c.showJoined()
	c.log.Info("joined", "seat", h.seat.ID, "seconds", h.toSeat.Seconds())
	h.step(transfer.Bridged{Try: try})
}

// hangUpSeat ends the seat's leg, or its dialling.
func (h *handover) hangUpSeat(try int, why string) {
	s := h.legs[try]
	s.silence()
	s.cancel()
	if s.leg != nil {
		h.call.endLeg(s.leg, why)
	}
}

// giveBack lets the bot go on with the caller.
func (h *handover) giveBack() {
	c := h.call
	h.settle()
	if h.said != nil {
		h.said.stop()
		h.said = nil
	}
	c.leg.Media().Clear()
	c.step(dialog.HandoverEnded{Outcome: string(h.back)})
}

// settle writes down how it ended and frees what it held.
func (h *handover) settle() {
	c := h.call
	c.warm = nil
	c.alarm.Stop()
	c.house.Desk.Leave(time.Now(), h.ticket)
	done := HandedOver{
		At: h.began, Queue: h.request.Queue, Reason: h.request.Reason, Detail: h.request.Detail,
		Outcome: string(h.warm.Outcome()), Brief: h.brief, ToSeat: h.toSeat,
		Waited: time.Since(h.began),
	}
	if h.joined {
		done.Seat, done.Waited = h.seat.ID, h.toSeat
	}
	for _, t := range h.warm.Tried() {
		done.Tried = append(done.Tried, t.Seat.ID+": "+string(t.Why))
	}
	c.report.Handovers = append(c.report.Handovers, done)
}

// dropSeat ends every leg of a hand-over when the caller's visit ends, for whatever reason.
func (c *Call) dropSeat() {
	h := c.warm
	if h == nil {
		return
	}
	h.step(transfer.CallerGone{})
	for try := range h.legs {
		h.hangUpSeat(try, "caller hung up")
	}
	h.settle()
}

// endLeg hangs up on a goroutine of its own: a peer that does not answer must not hold the loop.
func (c *Call) endLeg(leg Leg, why string) {
	c.start(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), 5*time.Second)
		defer cancel()
		if err := leg.Hangup(ctx, why); err != nil {
			c.log.Warn("cannot hang up a seat", "err", err)
		}
	})
}
