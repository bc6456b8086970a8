package sip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Offers and answers within a dialog (RFC 3264, RFC 3311, RFC 6141): one at a time.

// onReinvite answers an INVITE within a dialog: hold, resume, a new address, a session refresh.
func (ua *UA) onReinvite(req *sip.Request, tx sip.ServerTransaction) {
	l, f, next := ua.inDialog(req, tx)
	if l == nil {
		return
	}
	defer next()
	if ua.tooShort(req, tx) || !l.beginChange(f, req, tx) {
		return
	}
	seq := req.CSeq().SeqNo
	defer l.confirm(seq)
	body, offered, err := l.renegotiate(f, req)
	if err != nil {
		ua.refuseMedia(req, tx, err)
		return
	}
	res := l.consent(f, req, body)
	next()
	// Without an ACK the dialog goes on as it is: some peers never send one for a refresh.
	if err := l.sendUntilAck(context.Background(), tx, res, offered); errors.Is(err, ErrNoAck) {
		ua.metrics.failed.WithLabelValues("no ack").Inc()
	}
}

// onUpdate takes an offer as an INVITE does, before the answer too, or only refreshes target and session (RFC 3311).
func (ua *UA) onUpdate(req *sip.Request, tx sip.ServerTransaction) {
	l, f, next := ua.inDialog(req, tx)
	if l == nil {
		return
	}
	defer next()
	if ua.tooShort(req, tx) {
		return
	}
	var body []byte
	if len(req.Body()) > 0 {
		if !l.beginChange(f, req, tx) {
			return
		}
		defer l.confirm(req.CSeq().SeqNo)
		var err error
		if body, _, err = l.renegotiate(f, req); err != nil {
			ua.refuseMedia(req, tx, err)
			return
		}
	}
	ua.reply(tx, l.consent(f, req, body))
}

// consent is the 200 to a request that changes the dialog: its target and its timer (RFC 3261, 12.2.2; RFC 4028, 9).
func (l *Leg) consent(f *far, req *sip.Request, body []byte) *sip.Response {
	l.mu.Lock()
	if c := req.Contact(); c != nil {
		f.target = c.Address
	}
	l.mu.Unlock()
	res := l.response(req, 200, "OK", body)
	l.acceptTimer(req, res)
	return res
}

// beginChange takes the turn to offer, or refuses the request. In the way are an offer of ours (RFC 3261, 14.2), one of theirs that
// was not answered (RFC 3311, 5.2), and a 2xx of ours that was not acknowledged; an ACK that this request has overtaken is waited
// for.
func (l *Leg) beginChange(f *far, req *sip.Request, tx sip.ServerTransaction) bool {
	l.mu.Lock()
	if a := l.awaited; a != nil {
		l.mu.Unlock()
		late := time.NewTimer(reorder)
		select {
		case <-a.came:
		case <-late.C:
		}
		late.Stop()
		l.mu.Lock()
	}
	inviting := l.state == early && (!f.settled || req.Method == sip.INVITE)
	busy := inviting || l.state == answered || l.state == over || l.changing != 0 || l.offering
	if !busy {
		l.changing = req.CSeq().SeqNo
	}
	theirs := inviting && l.tx != nil && l.offer != nil
	l.mu.Unlock()
	switch {
	case !busy:
		return true
	case theirs:
		l.ua.respond(req, tx, 500, "Server Internal Error", sip.NewHeader("Retry-After", strconv.Itoa(rand.IntN(10))))
	default:
		l.ua.respond(req, tx, 491, "Request Pending")
	}
	return false
}

// renegotiate applies the offer of a re-INVITE or UPDATE and returns our answer; to a re-INVITE without an offer, our own
// (RFC 3261, 14.2). Where it fails what was agreed before goes on.
func (l *Leg) renegotiate(f *far, req *sip.Request) (body []byte, offered bool, err error) {
	r, err := offerOf(req)
	switch {
	case err != nil:
		return nil, false, err
	case r == nil:
		return l.local.offer(), true, nil
	}
	if err := l.agree(r); err != nil {
		return nil, false, err
	}
	l.mu.Lock()
	f.said = r
	l.mu.Unlock()
	return l.local.answer(r), false, nil
}

func (l *Leg) isSettled(f *far) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return f.settled
}

func (l *Leg) lastSaid(f *far) *remoteMedia {
	l.mu.Lock()
	defer l.mu.Unlock()
	return f.said
}

// Hold asks the far end to send nothing (RFC 3264, 8.4); what we play goes on, and is its music. Resume takes that back.
func (l *Leg) Hold(ctx context.Context) error { return l.hold(ctx, true) }

// Resume has audio flow both ways again.
func (l *Leg) Resume(ctx context.Context) error { return l.hold(ctx, false) }

func (l *Leg) hold(ctx context.Context, held bool) error {
	err := l.reinvite(ctx, func() []byte {
		l.local.held = held
		return l.local.offer()
	})
	if isGone(err) {
		l.finish(fmt.Errorf("%w: %w", ErrHangup, err)) // RFC 3261, 12.2.1.2: there is no dialog any more
	}
	return err
}

// reinvite makes an offer within the dialog and applies the answer. Where it fails what was agreed before goes on (RFC 6141, 3.1).
func (l *Leg) reinvite(ctx context.Context, offer func() []byte) error {
	f := l.who()
	res, err := l.insist(ctx, f, sip.INVITE, offer)
	return l.refreshed(f, res, err)
}

// insist sends an INVITE or UPDATE within the dialog until it is in the way of no other (RFC 3261, 14.1), nor too short
// (RFC 4028, 7.4).
func (l *Leg) insist(ctx context.Context, f *far, method sip.RequestMethod, offer func() []byte) (*sip.Response, error) {
	for {
		res, err := l.attempt(ctx, f, method, offer)
		switch {
		case err != nil:
			return nil, err
		case res.StatusCode == 491:
		case res.StatusCode == 422 && l.widen(res):
			continue
		default:
			return res, nil
		}
		again := time.NewTimer(l.backOff())
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return nil, context.Cause(ctx)
		case <-l.life.Done():
			again.Stop()
			return nil, l.Err()
		}
	}
}

// widen takes a longer interval for the session; false: a 422 wants none.
func (l *Leg) widen(res *sip.Response) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	least := minSE(res)
	if l.session.interval >= least {
		return false
	}
	l.session.interval = least
	return true
}

// backOff is how long who began the call waits longer than the other, so that the next offers do not cross too (RFC 3261, 14.1).
func (l *Leg) backOff() time.Duration {
	if l.tx == nil {
		return time.Duration(210+rand.IntN(191)) * 10 * time.Millisecond
	}
	return time.Duration(rand.IntN(201)) * 10 * time.Millisecond
}

// attempt sends one INVITE or UPDATE. An exchange in progress counts as a 491.
func (l *Leg) attempt(ctx context.Context, f *far, method sip.RequestMethod, offer func() []byte) (*sip.Response, error) {
	l.mu.Lock()
	switch {
	case l.state == over:
		defer l.mu.Unlock()
		return nil, l.err
	case l.state != confirmed || l.changing != 0 || l.offering:
		l.mu.Unlock()
		return sip.NewResponse(491, "Request Pending"), nil
	}
	l.offering = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.offering = false
		l.mu.Unlock()
	}()
	req := l.request(f, method)
	l.keepTimer(req)
	req.AppendHeader(sip.NewHeader("Allow", allow))
	if method != sip.INVITE {
		return l.ask(ctx, f, req)
	}
	held := l.local.held
	setSDP(req, offer())
	res, err := l.inviteAgain(ctx, f, req)
	if err != nil || !res.IsSuccess() {
		l.local.held = held
		return res, err
	}
	said, err := offerOf(res)
	if err == nil && said != nil {
		err = l.agree(said)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the answer to our offer: %w", ErrMedia, err)
	}
	return res, nil
}

// inviteAgain sends an INVITE within the dialog, acknowledges its 2xx and returns its final response.
func (l *Leg) inviteAgain(ctx context.Context, f *far, req *sip.Request) (*sip.Response, error) {
	for challenged := 0; ; challenged++ {
		tx, err := l.ua.begin(ctx, req, l.party())
		if err != nil {
			return nil, err
		}
		seq := req.CSeq().SeqNo
		acknowledge := func(res *sip.Response) {
			if res.IsSuccess() && l.ackAgain(f, seq) != nil {
				l.ua.metrics.failed.WithLabelValues("ack").Inc()
			}
		}
		tx.OnRetransmission(acknowledge)
		res, err := finalOf(ctx, tx)
		if err != nil {
			tx.Terminate()
			return nil, err
		}
		acknowledge(res)
		if challenged > 1 || !l.authorized(f, req, res) {
			return res, nil
		}
	}
}

// ackAgain acknowledges the 2xx to an INVITE within the dialog.
func (l *Leg) ackAgain(f *far, seq uint32) error {
	l.mu.Lock()
	req := l.compose(f, sip.ACK, seq)
	l.mu.Unlock()
	return l.ua.write(req, l.party())
}

// finalOf waits for the final response to an INVITE within the dialog: nobody has to be fetched to the phone for it.
func finalOf(ctx context.Context, tx sip.ClientTransaction) (*sip.Response, error) {
	giveUp := time.NewTimer(64 * t1)
	defer giveUp.Stop()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, errors.Join(errNoAnswer, tx.Err())
		case <-giveUp.C:
			return nil, errNoAnswer
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
