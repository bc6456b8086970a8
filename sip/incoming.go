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
	defer ua.leave()
	l, err := ua.newIncoming(req, tx)
	if err != nil {
		ua.refuseMedia(req, tx, err)
		return
	}
	ua.mu.Lock()
	handle, ctx := ua.handle, ua.serving
	ua.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Whatever is left of the leg when the handler has returned, or has panicked, is ended here.
	defer func() {
		grace, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer stop()
		l.Hangup(grace, "")
		l.finish(ErrEnded)
	}()
	handle(ctx, l)
}

// newIncoming makes the leg of an INVITE that was admitted.
func (ua *UA) newIncoming(req *sip.Request, tx sip.ServerTransaction) (*Leg, error) {
	var offer *remoteMedia
	if len(req.Body()) > 0 {
		var err error
		if offer, err = parseSDP(req.Body()); err != nil {
			return nil, err
		}
	}
	stream, err := ua.cfg.Media.Open()
	if err != nil {
		return nil, err
	}
	theirTag, _ := req.From().Params.Get("tag")
	network := networkOf(req)
	addr, _ := ua.faces(network, req.Source())
	l := &Leg{
		ua: ua, invite: req, tx: tx, stream: stream, tag: newTag(), theirTag: theirTag, peer: req.Source(),
		seq: 1, theirSeq: req.CSeq().SeqNo, done: make(chan struct{}),
		local: newLocalMedia(addr, stream.LocalPort()), offer: offer,
	}
	l.learn(req.GetHeaders("Record-Route"), req.Contact(), false)
	ua.add(l)
	if !tx.OnCancel(func(*sip.Request) { go l.finish(ErrCancelled) }) {
		l.finish(ErrCancelled)
	}
	return l, nil
}

// refuseMedia answers an INVITE whose audio we cannot have.
func (ua *UA) refuseMedia(req *sip.Request, tx sip.ServerTransaction, err error) {
	if errors.Is(err, media.ErrNoPort) {
		ua.refuse(req, tx, 503, "Service Unavailable", refusedNoPort, ua.retryAfter())
		return
	}
	ua.refuse(req, tx, 488, "Not Acceptable Here", refusedMedia, sip.NewHeader("Warning", fmt.Sprintf("399 ivr %q", err.Error())))
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
		res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
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
		return err
	}
	l.mu.Lock()
	if l.state != early {
		defer l.mu.Unlock()
		return l.err
	}
	l.state = answered
	l.mu.Unlock()
	err = l.sendUntilAck(ctx, l.tx, l.response(l.invite, 200, "OK", body))
	if errors.Is(err, ErrNoAck) && l.finish(ErrNoAck) {
		l.bye(ctx, "no ACK")
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == over {
		return l.err
	}
	l.state = confirmed
	return nil
}

// describe is the SDP of our 200: the answer to their offer, or our own offer.
func (l *Leg) describe() ([]byte, error) {
	if l.offer == nil {
		l.offered = true
		return l.local.offer(), nil
	}
	if err := l.agree(l.offer); err != nil {
		return nil, err
	}
	return l.local.answer(l.offer), nil
}

// sendUntilAck sends a 2xx to an INVITE until it is acknowledged.
func (l *Leg) sendUntilAck(ctx context.Context, tx sip.ServerTransaction, res *sip.Response) error {
	acked := l.expectAck()
	send := func() {
		if err := tx.Respond(res); err != nil {
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
		case <-acked:
			return nil
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

// expectAck is closed by the next ACK.
func (l *Leg) expectAck() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked = make(chan struct{})
	return l.acked
}

func (l *Leg) ackCame() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.acked != nil {
		close(l.acked)
		l.acked = nil
	}
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
