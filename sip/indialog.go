package sip

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// onAck confirms a dialog; its body is the answer to an offer in our 2xx.
func (ua *UA) onAck(req *sip.Request, _ sip.ServerTransaction) {
	l := ua.legOf(req)
	if l == nil {
		return // of a rejected INVITE, or of a dialog that has ended
	}
	if l.offered && len(req.Body()) > 0 {
		r, err := parseSDP(req.Body())
		if err == nil {
			err = l.agree(r)
		}
		if err != nil {
			ua.log.Warn("an ACK brought no usable answer", "call", l.ID(), "err", err)
			defer func() {
				if l.finish(ErrMedia) {
					ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
					defer cancel()
					l.bye(ctx, "no audio in common")
				}
			}()
		}
	}
	l.ackCame()
}

// onReinvite answers an offer within a dialog: hold, resume, a new address, a session refresh.
func (ua *UA) onReinvite(req *sip.Request, tx sip.ServerTransaction) {
	l := ua.inDialog(req, tx)
	if l == nil {
		return
	}
	l.mu.Lock()
	if l.state == early || l.state == answered || l.reinvite { // RFC 3261, 14.2
		l.mu.Unlock()
		ua.respond(req, tx, 491, "Request Pending")
		return
	}
	l.reinvite = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.reinvite = false
		l.mu.Unlock()
	}()
	body, err := l.renegotiate(req)
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
		tx.Respond(res)
		return
	}
	// Without an ACK the dialog goes on as it is: some peers never send one for a refresh.
	if err := l.sendUntilAck(context.Background(), tx, res); errors.Is(err, ErrNoAck) {
		ua.metrics.failed.WithLabelValues("no ack").Inc()
	}
}

// renegotiate applies the offer of a re-INVITE or UPDATE and returns our answer; for one without an offer, ours (RFC 3261, 14.2).
func (l *Leg) renegotiate(req *sip.Request) ([]byte, error) {
	l.offered = false
	if len(req.Body()) == 0 {
		if req.Method != sip.INVITE {
			return nil, nil // an UPDATE that only refreshes
		}
		l.offered = true
		return l.local.offer(), nil
	}
	r, err := parseSDP(req.Body())
	if err != nil {
		return nil, err
	}
	if err := l.agree(r); err != nil {
		return nil, err
	}
	return l.local.answer(r), nil
}

// onUpdate is a re-INVITE without a transaction of three messages (RFC 3311).
func (ua *UA) onUpdate(req *sip.Request, tx sip.ServerTransaction) { ua.onReinvite(req, tx) }

// inDialog finds the leg of a request, or answers it: 481 for dialogs there are not, 500 for requests out of order
// (RFC 3261, 12.2.2).
func (ua *UA) inDialog(req *sip.Request, tx sip.ServerTransaction) *Leg {
	l := ua.legOf(req)
	if l == nil {
		ua.respond(req, tx, 481, "Call/Transaction Does Not Exist")
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if seq := req.CSeq(); seq == nil || l.theirSeq != 0 && seq.SeqNo < l.theirSeq {
		ua.respond(req, tx, 500, "Out Of Order")
		return nil
	}
	l.theirSeq = req.CSeq().SeqNo
	return l
}

func (ua *UA) onBye(req *sip.Request, tx sip.ServerTransaction) {
	if l := ua.inDialog(req, tx); l != nil {
		ua.respond(req, tx, 200, "OK")
		l.finish(ErrHangup)
	}
}

// onCancel gets those that match no transaction; the others sipgo has answered.
func (ua *UA) onCancel(req *sip.Request, tx sip.ServerTransaction) {
	ua.respond(req, tx, 481, "Call/Transaction Does Not Exist")
}

func (ua *UA) onOptions(req *sip.Request, tx sip.ServerTransaction) {
	code, reason := 200, "OK"
	if ua.isDraining() {
		code, reason = 503, "Service Unavailable" // a trunk that asks stops sending calls
	}
	ua.respond(req, tx, code, reason, sip.NewHeader("Allow", allow), sip.NewHeader("Accept", "application/sdp"),
		sip.NewHeader("Supported", ""))
}

// onInfo takes what else may come within a dialog; digits by INFO are read from the body (draft-kaplan-dispatch-info-dtmf-package).
func (ua *UA) onInfo(req *sip.Request, tx sip.ServerTransaction) {
	l := ua.inDialog(req, tx)
	if l == nil {
		return
	}
	kind := ""
	if h := req.GetHeader("Content-Type"); h != nil {
		kind = strings.ToLower(h.Value())
	}
	if len(req.Body()) > 0 && !strings.HasPrefix(kind, "application/dtmf") {
		ua.respond(req, tx, 415, "Unsupported Media Type", sip.NewHeader("Accept", "application/dtmf-relay"))
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
	if l := ua.inDialog(req, tx); l != nil {
		ua.respond(req, tx, 489, "Bad Event")
	}
}

func (ua *UA) onUnknown(req *sip.Request, tx sip.ServerTransaction) {
	switch req.Method {
	case sip.REGISTER, sip.SUBSCRIBE, sip.MESSAGE, sip.PUBLISH, sip.REFER, sip.PRACK:
		ua.respond(req, tx, 405, "Method Not Allowed", sip.NewHeader("Allow", allow))
	default:
		ua.respond(req, tx, 501, "Not Implemented", sip.NewHeader("Allow", allow))
	}
}
