package sip

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"ivr/media"
)

// Timers of RFC 3261, 17.1.1.1: a 2xx is retransmitted from t1, doubling up to t2, until the ACK, for 64*t1 at most.
const (
	t1 = 500 * time.Millisecond
	t2 = 4 * time.Second
)

// grace is how long ending a call may take once nobody waits for it.
const grace = 5 * time.Second

// methods we take, for Allow.
const allow = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, NOTIFY"

// onInvite lends its goroutine to the call.
func (ua *UA) onInvite(req *sip.Request, tx sip.ServerTransaction) {
	if _, inDialog := req.To().Params.Get("tag"); inDialog {
		ua.onReinvite(req, tx)
		return
	}
	if !ua.admit(req, tx) {
		return
	}
	defer ua.leave(req)
	l, err := ua.newIncoming(req, tx)
	if err != nil {
		ua.refuseMedia(req, tx, err)
		return
	}
	ua.conduct(l)
}

// conduct has the handler conduct a call. Whatever is left of the leg when it has returned, or has panicked, is ended here.
func (ua *UA) conduct(l *Leg) {
	ua.mu.Lock()
	handle, ctx := ua.handle, ua.serving
	ua.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() {
		code, reason := 480, "Temporarily Unavailable"
		if p := recover(); p != nil {
			ua.panicked(p, "INVITE", l.ID())
			code, reason = 500, "Server Internal Error"
		}
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer stop()
		l.end(ctx, code, reason, "")
		l.finish(ErrEnded)
	}()
	handle(ctx, l)
}

// newIncoming makes the leg of an INVITE that was admitted.
func (ua *UA) newIncoming(req *sip.Request, tx sip.ServerTransaction) (*Leg, error) {
	offer, err := offerOf(req)
	if err != nil {
		return nil, err
	}
	stream, err := ua.cfg.Media.Open()
	if err != nil {
		return nil, err
	}
	theirTag, _ := req.From().Params.Get("tag")
	addr, _ := ua.faces(networkOf(req), req.Source())
	seq := req.CSeq().SeqNo
	l := &Leg{
		ua: ua, invite: req, tx: tx, stream: stream, tag: newTag(), theirTag: theirTag, peer: req.Source(),
		seq: 1, turn: newTurn(seq), done: make(chan struct{}), known: closedChan(),
		local: newLocalMedia(addr, stream.LocalPort()), offer: offer,
	}
	l.learn(req.GetHeaders("Record-Route"), req.Contact(), false)
	ua.add(l)
	// At once, so that an answer that crosses the CANCEL is not sent after the 487.
	if !tx.OnCancel(func(*sip.Request) { l.finish(ErrCancelled) }) {
		l.finish(ErrCancelled)
	}
	return l, nil
}

// refuseMedia answers an INVITE whose audio we cannot have.
func (ua *UA) refuseMedia(req *sip.Request, tx sip.ServerTransaction, err error) {
	switch {
	case errors.Is(err, media.ErrNoPort):
		ua.refuse(req, tx, 503, "Service Unavailable", refusedNoPort, ua.retryAfter())
	case errors.Is(err, errBodyType):
		ua.refuse(req, tx, 415, "Unsupported Media Type", refusedBody, sip.NewHeader("Accept", accept))
	default:
		ua.refuse(req, tx, 488, "Not Acceptable Here", refusedMedia, sip.NewHeader("Warning", fmt.Sprintf("399 ivr %q", err.Error())))
	}
}

func (ua *UA) retryAfter() sip.Header {
	return sip.NewHeader("Retry-After", strconv.Itoa(int(ua.cfg.RetryAfter.Seconds())))
}

// response builds one to the INVITE, with our tag.
func (l *Leg) response(req *sip.Request, code int, reason string, body []byte) *sip.Response {
	res := sip.NewResponseFromRequest(req, code, reason, body)
	res.To().Params.Remove("tag")
	res.To().Params.Add("tag", l.tag)
	res.AppendHeader(l.ua.contact(networkOf(req), l.peer))
	res.AppendHeader(sip.NewHeader("Allow", allow))
	res.AppendHeader(sip.NewHeader("Server", l.ua.cfg.UserAgent))
	if body != nil {
		res.AppendHeader(sip.NewHeader("Content-Type", contentSDP))
	}
	return res
}

// Ring sends 180.
func (l *Leg) Ring(context.Context) error {
	if l.tx == nil {
		return errors.New("sip: only an incoming leg can ring")
	}
	if l.ended() {
		return l.Err()
	}
	return l.tx.Respond(l.response(l.invite, 180, "Ringing", nil))
}

func (l *Leg) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// Answer sends 200 with our SDP, retransmits it by RFC 3261, 13.3.1.4 and returns when the ACK came.
func (l *Leg) Answer(ctx context.Context) error {
	if l.tx == nil {
		return errors.New("sip: only an incoming leg can be answered")
	}
	body, err := l.describe()
	if err != nil {
		if l.ended() { // the caller has hung up meanwhile
			return l.Err()
		}
		return err
	}
	l.mu.Lock()
	if l.state != early {
		defer l.mu.Unlock()
		return l.err
	}
	l.state = answered
	l.mu.Unlock()
	err = l.sendUntilAck(ctx, l.tx, l.response(l.invite, 200, "OK", body), l.offer == nil)
	if errors.Is(err, ErrNoAck) && l.finish(ErrNoAck) {
		l.bye(ctx, "no ACK")
	}
	return err
}

// describe is the SDP of our 200: the answer to their offer, or our own offer.
func (l *Leg) describe() ([]byte, error) {
	if l.offer == nil {
		return l.local.offer(), nil
	}
	if err := l.agree(l.offer); err != nil {
		return nil, err
	}
	return l.local.answer(l.offer), nil
}

// awaited is the ACK that we wait for.
type awaited struct {
	seq     uint32        // of the INVITE it acknowledges
	offered bool          // our 2xx carried the offer: the ACK carries the answer
	came    chan struct{} // closed by it
}

// sendUntilAck sends a 2xx to an INVITE until it is acknowledged. The transport does not matter: what lies behind the next hop may
// lose packets (RFC 3261, 13.3.1.4).
func (l *Leg) sendUntilAck(ctx context.Context, tx sip.ServerTransaction, res *sip.Response, offered bool) error {
	a := &awaited{seq: res.CSeq().SeqNo, offered: offered, came: make(chan struct{})}
	l.mu.Lock()
	l.awaited = a
	l.mu.Unlock()
	send := func() {
		if err := tx.Respond(res); err != nil && !l.ended() {
			l.ua.server.WriteResponse(res) // the transaction is over, the dialog is not
		}
	}
	send()
	interval := t1
	retransmit := time.NewTimer(interval)
	defer retransmit.Stop()
	giveUp := time.NewTimer(64 * t1)
	defer giveUp.Stop()
	for {
		select {
		case <-a.came:
			return l.Err()
		case ack := <-tx.Acks():
			l.ua.onAck(ack, tx)
		case <-l.done:
			return l.Err()
		case <-retransmit.C:
			interval = min(2*interval, t2)
			retransmit.Reset(interval)
			send()
		case <-giveUp.C:
			return ErrNoAck
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// onAck confirms a dialog; its body is the answer to an offer in our 2xx.
func (ua *UA) onAck(req *sip.Request, _ sip.ServerTransaction) {
	l := ua.legOf(req)
	if l == nil {
		return // of a rejected INVITE, or of a dialog that has ended
	}
	l.mu.Lock()
	a := l.awaited
	if a == nil || a.seq != req.CSeq().SeqNo {
		l.mu.Unlock()
		return // it came before, or belongs to another INVITE
	}
	l.awaited = nil
	first := l.state == answered
	l.mu.Unlock()
	defer close(a.came)
	var err error
	if a.offered {
		err = l.takeAnswer(req)
	}
	switch {
	case err != nil && !first: // what was agreed before goes on
		ua.log.Warn("an ACK brought no usable answer", "call", l.ID(), "err", err)
	case err != nil:
		if l.finish(fmt.Errorf("%w: the ACK brought no answer: %w", ErrMedia, err)) {
			ua.farewell(func(ctx context.Context) { l.bye(ctx, "no audio in common") })
		}
	default:
		l.confirm(a.seq)
	}
}

// confirm says that the ACK to the INVITE with that number has come: the next offer may follow.
func (l *Leg) confirm(seq uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == answered {
		l.state = confirmed
	}
	if l.changing == seq {
		l.changing = 0
	}
}

// takeAnswer starts the audio with the answer in an ACK.
func (l *Leg) takeAnswer(ack *sip.Request) error {
	answer, err := offerOf(ack)
	if err == nil && answer == nil {
		err = errors.New("it is empty")
	}
	if err != nil {
		return err
	}
	return l.agree(answer)
}

// Reject refuses a call that was not answered.
func (l *Leg) Reject(code int, reason string) error {
	if l.tx == nil {
		return errors.New("sip: only an incoming leg can be rejected")
	}
	if !l.finish(ErrEnded) {
		return nil
	}
	return l.tx.Respond(l.response(l.invite, code, reason, nil))
}
