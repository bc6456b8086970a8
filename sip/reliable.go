package sip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Provisional responses that arrive (RFC 3262), and the audio before the answer that they agree on.

// ErrNoPrack says that a provisional response of ours was never acknowledged.
var ErrNoPrack = errors.New("sip: provisional response never acknowledged")

// reliable is a provisional response of ours that is sent until its PRACK comes.
type reliable struct {
	rseq    uint32
	offered bool          // it carries our offer: the PRACK carries the answer
	came    chan struct{} // closed by the PRACK
}

// Progress sends 183 with our description: from now on the caller hears what is played, though the call is not answered yet and not
// paid for. It returns when the caller has acknowledged that, where it can.
func (l *Leg) Progress(ctx context.Context) error {
	if l.tx == nil {
		return errors.New("sip: only an incoming leg can be heard before the answer")
	}
	offers := l.offer == nil
	if offers && !l.takesReliable() {
		return errors.New("sip: a caller without offer and 100rel hears nothing before the answer") // RFC 3262, 5
	}
	body, err := l.describe()
	if err != nil {
		if over := l.Err(); over != nil {
			return over
		}
		return err
	}
	return l.provisional(ctx, l.response(l.invite, 183, "Session Progress", body), offers)
}

func (l *Leg) takesReliable() bool {
	return lists(l.invite, "Supported", "100rel") || lists(l.invite, "Require", "100rel")
}

// provisional sends a provisional response: reliably if the caller requires it, or if it matters and the caller is able to.
func (l *Leg) provisional(ctx context.Context, res *sip.Response, offers bool) error {
	matters := len(res.Body()) > 0
	if !lists(l.invite, "Require", "100rel") && (!matters || !l.takesReliable()) {
		if l.ended() {
			return l.Err()
		}
		return l.tx.Respond(res)
	}
	l.mu.Lock()
	switch {
	case l.state != early:
		defer l.mu.Unlock()
		return l.err
	case l.sent != nil: // RFC 3262, 3
		l.mu.Unlock()
		return errors.New("sip: the provisional response before was not acknowledged yet")
	}
	if l.rseq == 0 {
		l.rseq = rand.Uint32N(1 << 31)
	}
	l.rseq++
	r := &reliable{rseq: l.rseq, offered: offers, came: make(chan struct{})}
	l.sent = r
	l.far.settled = l.far.settled || matters && !offers
	l.mu.Unlock()
	res.AppendHeader(sip.NewHeader("Require", "100rel"))
	res.AppendHeader(sip.NewHeader("RSeq", strconv.FormatUint(uint64(r.rseq), 10)))
	return l.sendUntilPrack(ctx, res, r)
}

func (l *Leg) sendUntilPrack(ctx context.Context, res *sip.Response, r *reliable) error {
	if err := l.tx.Respond(res); err != nil {
		return err
	}
	interval := t1
	retransmit := time.NewTimer(interval)
	defer retransmit.Stop()
	giveUp := time.NewTimer(64 * t1)
	defer giveUp.Stop()
	for {
		select {
		case <-r.came:
			return l.Err()
		case <-l.life.Done():
			return l.Err()
		case <-retransmit.C:
			interval *= 2
			retransmit.Reset(interval)
			if err := l.tx.Respond(res); err != nil {
				return err
			}
		case <-giveUp.C:
			l.Reject(504, "Server Time-out")
			return ErrNoPrack
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// onPrack acknowledges a provisional response of ours. It may bring the answer to the offer in that, or an offer (RFC 3262, 5).
func (ua *UA) onPrack(req *sip.Request, tx sip.ServerTransaction) {
	l, f, next := ua.inDialog(req, tx)
	if l == nil {
		return
	}
	defer next()
	r := l.acknowledged(req)
	if r == nil {
		ua.respond(req, tx, 481, "Call/Transaction Does Not Exist")
		return
	}
	defer close(r.came)
	body, err := l.takePrack(f, r, req)
	if err != nil {
		ua.refuseMedia(req, tx, err)
		if r.offered {
			l.Reject(488, "Not Acceptable Here")
		}
		return
	}
	ua.reply(tx, l.response(req, 200, "OK", body))
}

// acknowledged takes the response off that a PRACK acknowledges; nil: it is none that is sent.
func (l *Leg) acknowledged(req *sip.Request) *reliable {
	h := req.GetHeader("RAck")
	if h == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.sent
	if r == nil || strings.Join(strings.Fields(h.Value()), " ") != fmt.Sprintf("%d %s", r.rseq, l.invite.CSeq().Value()) {
		return nil
	}
	l.sent = nil
	return r
}

func (l *Leg) takePrack(f *far, r *reliable, req *sip.Request) (body []byte, err error) {
	said, err := offerOf(req)
	switch {
	case err != nil:
		return nil, err
	case said == nil && r.offered:
		return nil, errors.New("the PRACK brought no answer")
	case said == nil:
		return nil, nil
	}
	if err := l.agree(said); err != nil {
		return nil, err
	}
	l.mu.Lock()
	f.said, f.settled = said, true
	l.mu.Unlock()
	if r.offered {
		return nil, nil
	}
	return l.local.answer(said), nil
}

// isNext says whether a reliable response is the one to acknowledge. Those that came before were acknowledged, and one that overtook
// another comes again (RFC 3262, 4).
func (l *Leg) isNext(f *far, res *sip.Response) bool {
	h := res.GetHeader("RSeq")
	if h == nil {
		return false
	}
	n, err := strconv.ParseUint(h.Value(), 10, 32)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil || f.rseq != 0 && uint32(n) != f.rseq+1 {
		return false
	}
	f.rseq = uint32(n)
	return true
}

// prack acknowledges a reliable response, with the answer to an offer in it.
func (l *Leg) prack(ctx context.Context, f *far, res *sip.Response, answer []byte) {
	req := l.request(f, sip.PRACK)
	req.AppendHeader(sip.NewHeader("RAck", res.GetHeader("RSeq").Value()+" "+res.CSeq().Value()))
	setSDP(req, answer)
	if got, err := l.ask(ctx, f, req); err != nil || got.StatusCode >= 300 {
		l.ua.metrics.failed.WithLabelValues("prack").Inc()
	}
}
