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
const allow = "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY"

// onInvite lends its goroutine to the call.
func (ua *UA) onInvite(req *sip.Request, tx sip.ServerTransaction) {
	if _, inDialog := req.To().Params.Get("tag"); inDialog {
		ua.onReinvite(req, tx)
		return
	}
	t, ok := ua.sender(req, tx)
	if !ok || ua.tooShort(req, tx) {
		return
	}
	old, ok := ua.replaced(req, tx)
	if !ok || !ua.admit(req, tx, t) {
		return
	}
	defer ua.leave(req)
	l, err := ua.newIncoming(req, tx, t)
	if err != nil {
		if t != nil {
			t.leave()
		}
		ua.refuseMedia(req, tx, err)
		return
	}
	ua.conduct(l, old)
}

// conduct has the handler conduct a call, or that of the leg it replaces. Whatever is left of the leg when it has returned, or has
// panicked, is ended here.
func (ua *UA) conduct(l, old *Leg) {
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
	if old != nil {
		handOver(ctx, old, l)
		return
	}
	handle(ctx, l)
}

// newIncoming makes the leg of an INVITE that was admitted.
func (ua *UA) newIncoming(req *sip.Request, tx sip.ServerTransaction, t *trunk) (*Leg, error) {
	offer, err := offerOf(req)
	if err != nil {
		return nil, err
	}
	safe := ua.protectionOf(t, networkOf(req))
	if offer != nil {
		if err := safe.allows(offer); err != nil {
			return nil, err
		}
	}
	stream, err := ua.cfg.Media.Open()
	if err != nil {
		return nil, err
	}
	theirTag, _ := req.From().Params.Get("tag")
	addr, _ := ua.faces(networkOf(req), req.Source())
	f := &far{tag: theirTag, seq: 1, turn: newTurn(req.CSeq().SeqNo)}
	f.learn(req.GetHeaders("Record-Route"), req.Contact(), false)
	f.updates = lists(req, "Allow", "UPDATE")
	l := &Leg{
		ua: ua, trunk: t, invite: req, tx: tx, stream: stream, tag: newTag(), far: f, fars: []*far{f}, peer: req.Source(),
		known: closedChan(), referrals: make(chan *Referral), replacements: make(chan *Leg), local: newLocalMedia(addr, stream.LocalPort(), safe), offer: offer,
	}
	l.life, l.kill = context.WithCancel(context.Background())
	ua.add(l)
	// At once, so that an answer that crosses the CANCEL is not sent after the 487.
	if !tx.OnCancel(func(cancel *sip.Request) { l.leave(cancel, ErrCancelled) }) {
		l.finish(ErrCancelled)
	}
	return l, nil
}

// leave ends a leg because of a request of theirs.
func (l *Leg) leave(req *sip.Request, err error) {
	l.keepReason(req)
	l.finish(err)
}

// keepReason keeps what a BYE or CANCEL gives as its reason (RFC 3326).
func (l *Leg) keepReason(req *sip.Request) {
	if h := req.GetHeader("Reason"); h != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.reason = h.Value()
	}
}

// refuseMedia answers an INVITE whose audio we cannot have.
func (ua *UA) refuseMedia(req *sip.Request, tx sip.ServerTransaction, err error) {
	switch {
	case errors.Is(err, media.ErrNoPort):
		ua.refuse(req, tx, 503, "Service Unavailable", refusedNoPort, ua.retryAfter())
	case errors.Is(err, errBodyType):
		ua.refuse(req, tx, 415, "Unsupported Media Type", refusedBody, sip.NewHeader("Accept", accept))
	case errors.Is(err, errInsecure), errors.Is(err, errSecure):
		ua.refuse(req, tx, 488, "Not Acceptable Here", refusedSRTP, sip.NewHeader("Warning", fmt.Sprintf("399 ivr %q", err.Error())))
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
	res.AppendHeader(l.ua.contact(networkOf(req), l.peer, l.trunk))
	res.AppendHeader(sip.NewHeader("Allow", allow))
	res.AppendHeader(sip.NewHeader("Supported", supported))
	res.AppendHeader(sip.NewHeader("Server", l.ua.cfg.UserAgent))
	if body != nil {
		res.AppendHeader(sip.NewHeader("Content-Type", contentSDP))
	}
	return res
}

// Ring sends 180. Where the caller insists that it is acknowledged (RFC 3262), Ring returns when it was.
func (l *Leg) Ring(ctx context.Context) error {
	if l.tx == nil {
		return errors.New("sip: only an incoming leg can ring")
	}
	return l.provisional(ctx, l.response(l.invite, 180, "Ringing", nil), false)
}

func (l *Leg) ended() bool {
	return l.life.Err() != nil
}

// Answer sends 200 with our SDP, retransmits it by RFC 3261, 13.3.1.4 and returns when the ACK came.
func (l *Leg) Answer(ctx context.Context) error {
	if l.tx == nil {
		return errors.New("sip: only an incoming leg can be answered")
	}
	var body []byte
	settled := l.isSettled(l.who()) // before the answer, by a reliable response
	if !settled {
		var err error
		if body, err = l.describe(); err != nil {
			if over := l.Err(); over != nil { // the caller has hung up meanwhile
				return over
			}
			return err
		}
	}
	l.mu.Lock()
	if l.state != early {
		defer l.mu.Unlock()
		return l.err
	}
	l.state, l.far.settled = answered, true
	l.mu.Unlock()
	res := l.response(l.invite, 200, "OK", body)
	l.acceptTimer(l.invite, res)
	err := l.sendUntilAck(ctx, l.tx, res, l.offer == nil && !settled)
	if errors.Is(err, ErrNoAck) && l.finish(ErrNoAck) {
		l.bye(ctx, l.who(), "no ACK")
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
		case <-l.life.Done():
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
	l, _ := ua.legOf(req)
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
			ua.farewell(func(ctx context.Context) { l.bye(ctx, l.who(), "no audio in common") })
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
	if _, ok := l.claim(ErrEnded); !ok {
		return nil
	}
	defer l.release()
	if code == 404 { // who calls one number after the other looks for one that leads out
		l.ua.countOn(l.trunk, refusedNumber, l.peer, "INVITE")
		l.ua.offence(sourceOf(l.invite), refusedNumber)
	}
	return l.tx.Respond(l.response(l.invite, code, reason, nil))
}
