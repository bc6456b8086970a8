package main

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"time"

	"ivr/call"
	"ivr/records"
	"ivr/sip"
	"ivr/speech"
	"ivr/transfer"
	"ivr/webrtc"
)

var (
	_ call.Leg    = (*sip.Leg)(nil)
	_ call.Leg    = (*webrtc.Leg)(nil)
	_ call.Screen = (*webrtc.Leg)(nil)
	_ call.Ears   = (*speech.Ears)(nil)
	_ call.Voice  = (*speech.Prompts)(nil)
)

// calledLeg is a caller's leg, of whatever transport.
type calledLeg interface {
	call.Leg
	To() string // the number that was called
}

// answer conducts one call on the goroutine of its INVITE.
func (s *server) answer(ctx context.Context, leg *sip.Leg) {
	s.calls.Add(1)
	defer s.calls.Done()
	house, ok := s.houseOf(leg.To())
	if !ok {
		s.metrics.Refused("unknown number")
		leg.Reject(404, "Not Found")
		return
	}
	s.callers.Store(leg.ID(), leg)
	defer s.callers.Delete(leg.ID())
	leg.Ring(ctx)
	s.conduct(ctx, house, leg)
}

func (s *server) houseOf(number string) (*call.House, bool) {
	house, ok := s.houses[number]
	if !ok {
		house, ok = s.houses["*"]
	}
	return house, ok
}

func (s *server) conduct(ctx context.Context, house *call.House, leg calledLeg) {
	report := call.New(house, leg).Run(ctx)
	if err := s.store.Keep(s.record(leg, report)); err != nil {
		s.log.Error("a record could not be kept", "call", report.ID, "err", err)
	}
}

// ears for one leg.
func (s *server) ears() (call.Ears, error) {
	vad, err := s.engines.NewVAD()
	if err != nil {
		return nil, err
	}
	return speech.NewEars(speech.EarsConfig{Mood: s.mood}, vad, s.pool), nil
}

// dialSeat calls a seat; what the seat's phone can show of the case goes along in headers.
func (s *server) dialSeat(ctx context.Context, seat transfer.Seat, h transfer.Handover) (call.Leg, transfer.Refusal) {
	if seat.Address == browserAddress {
		return s.ringBrowser(ctx, seat, h)
	}
	from := h.Caller
	if from == "" {
		from = s.cfg.SIP.From
	}
	req := sip.DialRequest{To: seat.Address, Trunks: s.cfg.trunksTo(seat.ID), From: from, DisplayName: h.Name, Headers: map[string]string{},
		UserToUser: h.CallID[:min(len(h.CallID), 64)]} // gateways carry no more than 128 octets of it
	if v, ok := s.callers.Load(h.CallID); ok {
		caller := v.(*sip.Leg)
		maps.Copy(req.Headers, caller.Kept())
		if len(req.Trunks) > 0 { // a phone of ours may see more than the carrier that leads to it
			req.Private, req.Diverted = h.Caller == "", caller.To()
		}
	}
	maps.Copy(req.Headers, map[string]string{"X-Ivr-Call": h.CallID, "X-Ivr-Queue": h.Queue, "X-Ivr-Reason": h.Reason, "X-Ivr-Intent": h.Intent})
	leg, err := s.ua.Dial(ctx, req)
	if err != nil {
		why := refusalOf(err)
		s.log.Info("a seat did not answer", "call", h.CallID, "seat", seat.ID, "why", why, "err", err)
		return nil, why
	}
	return leg, ""
}

// refusalOf says how a failed call to a seat counts against it.
func refusalOf(err error) transfer.Refusal {
	switch {
	case errors.Is(err, sip.ErrBusy):
		return transfer.Busy
	case errors.Is(err, sip.ErrDeclined):
		return transfer.Declined
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return transfer.NoAnswer
	}
	var response *sip.ResponseError
	if errors.As(err, &response) && (response.Code == 480 || response.Code == 487) {
		return transfer.NoAnswer
	}
	return transfer.Unreachable
}

// recording names the file of a call, "" when recording is off.
func (s *server) recording(id string) string {
	if s.cfg.Recording != nil && !*s.cfg.Recording {
		return ""
	}
	return s.path("recordings")(id)
}

// path names files by day and call: a Call-ID is the far end's text and must not choose the folder.
func (s *server) path(folder string) func(id string) string {
	return func(id string) string {
		now := time.Now()
		safe := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
				return r
			}
			return '_'
		}, id)
		return filepath.Join(s.cfg.Data, folder, now.Format("2006-01-02"), now.Format("150405")+"-"+safe[:min(len(safe), 80)]+".wav")
	}
}

// record is a report as it is kept.
func (s *server) record(leg calledLeg, r call.Report) records.Call {
	c := records.Call{
		ID: r.ID, Caller: r.Caller, Name: r.Name, Called: leg.To(), Bot: s.botOf(leg.To()),
		Started: r.Started, Answered: r.Answered, Ended: r.Ended, Cause: string(r.Cause),
		Mood: r.Mood, Recording: r.Recording, Message: r.Message,
		RTP: records.RTP{
			Sent: r.Media.Sent, SentLate: r.Media.SentLate, Received: r.Media.Received, Lost: r.Media.Lost, Late: r.Media.Late,
			Duplicate: r.Media.Duplicate, Dropped: r.Media.Dropped, Bad: r.Media.Invalid, Jitter: r.Media.Jitter,
			RoundTrip: r.Media.RoundTrip, MOS: r.Media.MOS, WorstMOS: r.Media.WorstMOS, FarMOS: r.Media.FarMOS, Crypto: r.Media.Crypto,
		},
	}
	if r.Err != nil && r.Cause == call.CauseFailed {
		c.Error = r.Err.Error()
	}
	for _, l := range r.Lines {
		t := records.Turn{At: l.At, Who: l.Who, Text: l.Text, Gap: records.Gap(l.Gap)}
		if l.Turn != nil {
			t.Intent, t.Score, t.Outcome, t.Step, t.Anger = l.Turn.Intent, l.Turn.Score, l.Turn.Outcome, l.Turn.Step, l.Turn.Anger
		}
		c.Turns = append(c.Turns, t)
	}
	for _, h := range r.Handovers {
		c.Handovers = append(c.Handovers, records.Handover{
			At: h.At, Queue: h.Queue, Reason: string(h.Reason), Detail: h.Detail, Seat: h.Seat, Outcome: h.Outcome,
			Brief: h.Brief, Waited: h.Waited, ToSeat: h.ToSeat, Tried: h.Tried,
		})
	}
	return c
}

func (s *server) botOf(number string) string {
	file, _ := s.cfg.botFor(number)
	return file
}
