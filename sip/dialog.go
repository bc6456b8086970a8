package sip

import (
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

// inDialog finds the leg of a request and whose it is, or answers it: 481 for dialogs there are not, 500 for requests out of order
// (RFC 3261, 12.2.2). The next request is held back until next was called, which may be done twice.
func (ua *UA) inDialog(req *sip.Request, tx sip.ServerTransaction) (l *Leg, f *far, next func()) {
	l, f = ua.legOf(req)
	if l == nil {
		ua.respond(req, tx, 481, "Call/Transaction Does Not Exist")
		return nil, nil, nil
	}
	seq := req.CSeq().SeqNo
	if !f.turn.wait(seq) {
		ua.respond(req, tx, 500, "Out Of Order")
		return nil, nil, nil
	}
	return l, f, func() { f.turn.done(seq) }
}

// legOf finds the dialog of a request (RFC 3261, 12.2.2): Call-ID and both tags. While we dial, the request may have overtaken the
// response that tells us the far end's; a BYE waits for the 2xx, as it ends no other dialog of ours.
func (ua *UA) legOf(req *sip.Request) (*Leg, *far) {
	ours, _ := req.To().Params.Get("tag")
	theirs, _ := req.From().Params.Get("tag")
	ua.mu.Lock()
	l := ua.legs[req.CallID().Value()+" "+ours]
	ua.mu.Unlock()
	if l == nil {
		return nil, nil
	}
	f := l.farBy(theirs)
	if f == nil || req.Method == sip.BYE {
		late := time.NewTimer(settle)
		defer late.Stop()
		select {
		case <-l.known:
		case <-l.life.Done():
		case <-late.C:
		}
		f = l.farBy(theirs)
	}
	if f == nil {
		return nil, nil
	}
	return l, f
}

func (ua *UA) onBye(req *sip.Request, tx sip.ServerTransaction) {
	if ua.isParting(req) { // it crossed ours
		ua.respond(req, tx, 200, "OK")
		return
	}
	l, f, next := ua.inDialog(req, tx)
	if l == nil {
		return
	}
	defer next()
	ua.respond(req, tx, 200, "OK")
	if f != l.who() { // of a phone that rang beside the one that answered
		return
	}
	l.keepReason(req)
	was, ok := l.claim(ErrHangup)
	if !ok {
		return
	}
	if was == early && l.tx != nil {
		ua.reply(l.tx, l.response(l.invite, 487, "Request Terminated", nil)) // RFC 3261, 15.1.2
	}
	l.release()
}

// onCancel gets those that match no transaction; the others sipgo has answered.
func (ua *UA) onCancel(req *sip.Request, tx sip.ServerTransaction) {
	ua.respond(req, tx, 481, "Call/Transaction Does Not Exist")
}

// onOptions says what we can do and, while we take no calls, that we do not: who asks stops sending them (RFC 3261, 11.2).
func (ua *UA) onOptions(req *sip.Request, tx sip.ServerTransaction) {
	code, reason := 200, "OK"
	if _, inDialog := req.To().Params.Get("tag"); inDialog {
		l, _, next := ua.inDialog(req, tx)
		if l == nil {
			return
		}
		next()
	} else if ua.isDraining() {
		code, reason = 503, "Service Unavailable"
	}
	ua.respond(req, tx, code, reason, sip.NewHeader("Allow", allow), sip.NewHeader("Accept", accept), sip.NewHeader("Supported", supported))
}

// onUnknown tells a method we know and do not take from one we do not know (RFC 3261, 8.2.1 and 21.5.2).
func (ua *UA) onUnknown(req *sip.Request, tx sip.ServerTransaction) {
	switch req.Method {
	case sip.REGISTER, sip.SUBSCRIBE, sip.MESSAGE, sip.PUBLISH:
		ua.respond(req, tx, 405, "Method Not Allowed", sip.NewHeader("Allow", allow))
	default:
		ua.respond(req, tx, 501, "Not Implemented", sip.NewHeader("Allow", allow))
	}
}
