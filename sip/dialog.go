package sip

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	reorder = 50 * time.Millisecond  // how long a request waits for those before it
	settle  = 500 * time.Millisecond // how long a request waits for the 2xx that makes its dialog
)

// turn keeps the requests of one dialog in order: sipgo handles each message on a goroutine of its own, so that of two that
// arrive together the second may come first.
type turn struct {
	mu    sync.Mutex
	begun uint32        // highest sequence number taken up; 0: none yet
	ended uint32        // highest dealt with
	moved chan struct{} // closed when ended grows
}

func newTurn(seq uint32) turn { return turn{begun: seq, ended: seq, moved: make(chan struct{})} }

// wait returns when all requests before seq were dealt with, or may be lost: numbers may be left out (RFC 3261, 12.2.2). False:
// seq is lower than what came before.
func (t *turn) wait(seq uint32) bool {
	lost := time.NewTimer(reorder)
	defer lost.Stop()
	for waiting := true; ; {
		t.mu.Lock()
		if t.begun == 0 || seq <= t.ended+1 || !waiting {
			ok := seq >= t.begun
			t.begun = max(t.begun, seq)
			t.mu.Unlock()
			return ok
		}
		moved := t.moved
		t.mu.Unlock()
		select {
		case <-moved:
		case <-lost.C:
			waiting = false
		}
	}
}

// done lets the request after seq go.
func (t *turn) done(seq uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if seq > t.ended {
		t.ended = seq
		close(t.moved)
		t.moved = make(chan struct{})
	}
}

// inDialog finds the leg of a request, or answers it: 481 for dialogs there are not, 500 for requests out of order
// (RFC 3261, 12.2.2). The next request is held back until next was called, which may be done twice.
func (ua *UA) inDialog(req *sip.Request, tx sip.ServerTransaction) (l *Leg, next func()) {
	l = ua.legOf(req)
	if l == nil {
		ua.respond(req, tx, 481, "Call/Transaction Does Not Exist")
		return nil, nil
	}
	seq := req.CSeq().SeqNo
	if !l.turn.wait(seq) {
		ua.respond(req, tx, 500, "Out Of Order")
		return nil, nil
	}
	return l, func() { l.turn.done(seq) }
}

// legOf finds the dialog of a request (RFC 3261, 12.2.2): Call-ID and both tags. While we dial, the request may have overtaken the
// 2xx that tells us the far end's.
func (ua *UA) legOf(req *sip.Request) *Leg {
	ours, _ := req.To().Params.Get("tag")
	theirs, _ := req.From().Params.Get("tag")
	ua.mu.Lock()
	l := ua.legs[req.CallID().Value()+" "+ours]
	ua.mu.Unlock()
	if l == nil {
		return nil
	}
	select {
	case <-l.known:
	default:
		late := time.NewTimer(settle)
		defer late.Stop()
		select {
		case <-l.known:
		case <-l.done:
		case <-late.C:
		}
	}
	if l.remoteTag() != theirs {
		return nil
	}
	return l
}

// onReinvite answers an offer within a dialog: hold, resume, a new address, a session refresh.
func (ua *UA) onReinvite(req *sip.Request, tx sip.ServerTransaction) {
	l, next := ua.inDialog(req, tx)
	if l == nil {
		return
	}
	defer next()
	if !l.beginChange(req.CSeq().SeqNo) {
		ua.respond(req, tx, 491, "Request Pending")
		return
	}
	defer l.confirm(req.CSeq().SeqNo)
	body, offered, err := l.renegotiate(req)
	if err != nil {
		ua.refuseMedia(req, tx, err)
		return
	}
	if c := req.Contact(); c != nil { // target refresh
		l.mu.Lock()
		l.target = c.Address
		l.mu.Unlock()
	}
	res := l.response(req, 200, "OK", body)
	if req.Method != sip.INVITE {
		ua.reply(tx, res)
		return
	}
	next()
	// Without an ACK the dialog goes on as it is: some peers never send one for a refresh.
	if err := l.sendUntilAck(context.Background(), tx, res, offered); errors.Is(err, ErrNoAck) {
		ua.metrics.failed.WithLabelValues("no ack").Inc()
	}
}

// beginChange takes the turn to offer. An offer of theirs that is being answered, or a 2xx of ours that was not acknowledged, is in
// the way (RFC 3261, 14.2); an ACK that this request has overtaken is waited for.
func (l *Leg) beginChange(seq uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
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
	if l.state != confirmed || l.changing != 0 {
		return false
	}
	l.changing = seq
	return true
}

// renegotiate applies the offer of a re-INVITE or UPDATE and returns our answer; to a re-INVITE without an offer, our own
// (RFC 3261, 14.2).
func (l *Leg) renegotiate(req *sip.Request) (body []byte, offered bool, err error) {
	r, err := offerOf(req)
	switch {
	case err != nil:
		return nil, false, err
	case r == nil && req.Method != sip.INVITE: // an UPDATE that only refreshes
		return nil, false, nil
	case r == nil:
		return l.local.offer(), true, nil
	}
	if err := l.agree(r); err != nil {
		return nil, false, err
	}
	return l.local.answer(r), false, nil
}

// onUpdate is a re-INVITE without a transaction of three messages (RFC 3311).
func (ua *UA) onUpdate(req *sip.Request, tx sip.ServerTransaction) { ua.onReinvite(req, tx) }

func (ua *UA) onBye(req *sip.Request, tx sip.ServerTransaction) {
	if ua.isParting(req) { // it crossed ours
		ua.respond(req, tx, 200, "OK")
		return
	}
	l, next := ua.inDialog(req, tx)
	if l == nil {
		return
	}
	defer next()
	ua.respond(req, tx, 200, "OK")
	l.mu.Lock()
	was := l.state
	l.mu.Unlock()
	if l.finish(ErrHangup) && was == early && l.tx != nil {
		ua.reply(l.tx, l.response(l.invite, 487, "Request Terminated", nil)) // RFC 3261, 15.1.2
	}
}

// onCancel gets those that match no transaction; the others sipgo has answered.
func (ua *UA) onCancel(req *sip.Request, tx sip.ServerTransaction) {
	ua.respond(req, tx, 481, "Call/Transaction Does Not Exist")
}

// onOptions says what we can do and, while we take no calls, that we do not: who asks stops sending them (RFC 3261, 11.2).
func (ua *UA) onOptions(req *sip.Request, tx sip.ServerTransaction) {
	code, reason := 200, "OK"
	if _, inDialog := req.To().Params.Get("tag"); inDialog {
		l, next := ua.inDialog(req, tx)
		if l == nil {
			return
		}
		next()
	} else if ua.isDraining() {
		code, reason = 503, "Service Unavailable"
	}
	ua.respond(req, tx, code, reason, sip.NewHeader("Allow", allow), sip.NewHeader("Accept", accept), sip.NewHeader("Supported", ""))
}

// onInfo takes what else may come within a dialog; digits by INFO are read from the body (draft-kaplan-dispatch-info-dtmf-package).
func (ua *UA) onInfo(req *sip.Request, tx sip.ServerTransaction) {
	l, next := ua.inDialog(req, tx)
	if l == nil {
		return
	}
	defer next()
	kind := ""
	if h := req.GetHeader("Content-Type"); h != nil {
		kind = strings.ToLower(h.Value())
	}
	if len(req.Body()) > 0 && !strings.HasPrefix(kind, "application/dtmf") {
		ua.respond(req, tx, 415, "Unsupported Media Type", sip.NewHeader("Accept", "application/dtmf-relay, application/dtmf"))
		return
	}
	ua.respond(req, tx, 200, "OK")
	if key, ok := infoDigit(string(req.Body())); ok {
		l.stream.Press(key)
	}
}

// infoDigit reads "Signal=5" of application/dtmf-relay, or the bare key of application/dtmf.
func infoDigit(body string) (rune, bool) {
	for line := range strings.Lines(body) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if !found {
			value = name
		} else if !strings.EqualFold(strings.TrimSpace(name), "signal") {
			continue
		}
		value = strings.ToUpper(strings.TrimSpace(value))
		if len(value) == 1 && strings.ContainsAny(value, "0123456789*#ABCD") {
			return rune(value[0]), true
		}
	}
	return 0, false
}

func (ua *UA) onNotify(req *sip.Request, tx sip.ServerTransaction) {
	if l, next := ua.inDialog(req, tx); l != nil {
		defer next()
		ua.respond(req, tx, 489, "Bad Event")
	}
}

// onUnknown tells a method we know and do not take from one we do not know (RFC 3261, 8.2.1 and 21.5.2).
func (ua *UA) onUnknown(req *sip.Request, tx sip.ServerTransaction) {
	switch req.Method {
	case sip.REGISTER, sip.SUBSCRIBE, sip.MESSAGE, sip.PUBLISH, sip.REFER, sip.PRACK:
		ua.respond(req, tx, 405, "Method Not Allowed", sip.NewHeader("Allow", allow))
	default:
		ua.respond(req, tx, 501, "Not Implemented", sip.NewHeader("Allow", allow))
	}
}
