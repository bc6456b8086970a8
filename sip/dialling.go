package sip

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"
)

// cancelled is how long a cancelled INVITE may take to end before we forget it (RFC 3261, 9.1).
const cancelled = 64 * t1

// unheard is how long a far end may give no sign of life, not even 100: the INVITE was sent four times by then. Who waits for
// a person should not wait 32 s (timer B) for a phone that is switched off.
const unheard = 8 * t1

// ErrElsewhere as the cause of a context that ends a [UA.Dial] tells the phone that somebody else took the call: it shows no call as
// missed (RFC 3326, 3.1).
var ErrElsewhere = errors.New("sip: answered elsewhere")

// dialling is an INVITE on its way.
type dialling struct {
	leg   *Leg
	tx    sip.ClientTransaction
	req   DialRequest
	heard bool // a provisional response came: it may be cancelled
	rang  bool

	challenge *sip.Response // that ended it, and asks for another try
}

// wait returns when the call was answered or has failed.
func (d *dialling) wait(ctx context.Context) error {
	alive := time.NewTimer(unheard)
	defer alive.Stop()
	for {
		select {
		case res := <-d.tx.Responses():
			if done, err := d.response(res); done {
				return err
			}
		case <-d.tx.Done():
			return d.failed()
		case <-alive.C:
			if !d.heard {
				return fmt.Errorf("%w: %w", ErrNoResponse, &ResponseError{"INVITE", 408, "no response"})
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (d *dialling) failed() error {
	err := d.tx.Err()
	if errors.Is(err, sip.ErrTransactionTimeout) {
		return fmt.Errorf("%w: %w", ErrNoResponse, &ResponseError{"INVITE", 408, "no response"})
	}
	return fmt.Errorf("sip: the INVITE failed: %w", err)
}

func (d *dialling) response(res *sip.Response) (done bool, err error) {
	switch {
	case res.IsProvisional():
		d.heard = true
		d.progress(res)
		return false, nil
	case res.IsSuccess():
		return true, d.answered(res)
	}
	switch res.StatusCode {
	case 401, 407, 422:
		d.challenge = res
	}
	return true, &ResponseError{"INVITE", res.StatusCode, res.Reason}
}

// progress takes a provisional response: the phone rings, or the network plays something already.
func (d *dialling) progress(res *sip.Response) {
	if res.StatusCode == 100 {
		return
	}
	if !d.rang && d.req.OnRinging != nil {
		d.req.OnRinging()
	}
	d.rang = true
	if tag, _ := res.To().Params.Get("tag"); tag == "" {
		return
	}
	l := d.leg
	f := l.meet(res)
	reliable := lists(res, "Require", "100rel")
	if reliable && !l.isNext(f, res) {
		return
	}
	answer, err := d.preview(f, res, reliable)
	if err != nil {
		l.ua.metrics.failed.WithLabelValues("early media").Inc()
	}
	if reliable {
		l.ua.farewell(func(ctx context.Context) { l.prack(ctx, f, res, answer) })
	}
}

// preview starts the audio that comes before the answer (RFC 3262, 5; RFC 3960). What an unreliable response says may change yet;
// what a reliable one says is the answer, or to an INVITE without one the offer: then body is our answer.
func (d *dialling) preview(f *far, res *sip.Response, reliable bool) (body []byte, err error) {
	l := d.leg
	said, err := offerOf(res)
	if err != nil || said == nil || l.isSettled(f) || d.req.Late && !reliable {
		return nil, err
	}
	if err := l.agree(said); err != nil {
		return nil, err
	}
	if d.req.Late {
		body = l.local.answer(said)
	}
	l.mu.Lock()
	f.said, f.settled = said, reliable
	l.mu.Unlock()
	if d.req.OnEarly != nil {
		d.req.OnEarly(l.stream)
		d.req.OnEarly = nil
	}
	return body, nil
}

// answered makes the dialog of a 2xx and acknowledges it. Without audio in common it is ended again.
func (d *dialling) answered(res *sip.Response) error {
	l := d.leg
	f := l.establish(res)
	closing, failed := d.close(f, res)
	l.mu.Lock()
	f.closing = closing
	l.mu.Unlock()
	if err := l.ack(f); err != nil {
		return fmt.Errorf("sip: cannot acknowledge: %w", err)
	}
	if over := l.Err(); over != nil { // a BYE came on the heels of the 200, and its handler may still be closing the stream
		return over
	}
	if failed != nil {
		l.ua.farewell(func(ctx context.Context) { l.bye(ctx, f, "no audio in common") })
		return fmt.Errorf("%w: %w", ErrMedia, failed)
	}
	l.mu.Lock()
	if l.state == over {
		defer l.mu.Unlock()
		return l.err
	}
	l.state, f.settled = confirmed, true
	l.mu.Unlock()
	l.agreeTimer(res)
	return nil
}

// close ends the first exchange of offer and answer: the 2xx brings the answer, unless a reliable response before it did; or the
// offer, which the ACK answers with closing.
func (d *dialling) close(f *far, res *sip.Response) (closing []byte, err error) {
	l := d.leg
	said, err := offerOf(res)
	switch {
	case l.isSettled(f):
		return nil, l.agree(l.lastSaid(f)) // another phone may have been heard last
	case err != nil:
		return nil, err
	case said == nil:
		return nil, errors.New("the answer is empty")
	}
	if err := l.agree(said); err != nil {
		return nil, err
	}
	if d.req.Late {
		closing = l.local.answer(said)
	}
	return closing, nil
}

// meet finds or makes the dialog of a response to our INVITE, with its target and routes (RFC 3261, 12.1.2 and 13.2.2.4).
func (l *Leg) meet(res *sip.Response) *far {
	tag, _ := res.To().Params.Get("tag")
	f := l.farBy(tag)
	l.mu.Lock()
	defer l.mu.Unlock()
	if f == nil {
		f = &far{tag: tag, seq: l.invite.CSeq().SeqNo, turn: newTurn(0), target: l.far.target}
		l.fars = append(l.fars, f)
	}
	f.learn(res.GetHeaders("Record-Route"), res.Contact(), true)
	f.updates = f.updates || lists(res, "Allow", "UPDATE")
	return f
}

// establish makes the dialog of a 2xx the one that counts.
func (l *Leg) establish(res *sip.Response) *far {
	f := l.meet(res)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.far, f.answered = f, true
	close(l.known)
	return f
}

// ack acknowledges a 2xx: a request of its own (RFC 3261, 13.2.2.4).
func (l *Leg) ack(f *far) error {
	l.mu.Lock()
	req := l.compose(f, sip.ACK, l.invite.CSeq().SeqNo)
	body := f.closing
	l.mu.Unlock()
	for _, name := range []string{"Authorization", "Proxy-Authorization"} { // RFC 3261, 22.1
		sip.CopyHeaders(name, l.invite, req)
	}
	setSDP(req, body)
	return l.ua.write(req, l.party())
}

// setSDP gives a request a session description, if there is one.
func setSDP(req *sip.Request, body []byte) {
	if body != nil {
		req.AppendHeader(sip.NewHeader("Content-Type", contentSDP))
		req.SetBody(body)
	}
}

// again acknowledges a 2xx that came once more: our ACK was lost. One with another tag is of a phone that a proxy rang beside the
// first: it has to be acknowledged too, and hung up (RFC 3261, 13.2.2.4).
func (l *Leg) again(res *sip.Response) {
	if !res.IsSuccess() {
		return
	}
	f := l.meet(res)
	l.mu.Lock()
	before := f.answered
	f.answered = true
	l.mu.Unlock()
	if !before {
		l.ua.farewell(func(ctx context.Context) { l.dismiss(ctx, f, "SIP;cause=200;text=\"Call completed elsewhere\"") })
		return
	}
	if err := l.ack(f); err != nil {
		l.ua.metrics.failed.WithLabelValues("ack").Inc()
	}
}

// dismiss ends a call that was answered in vain.
func (l *Leg) dismiss(ctx context.Context, f *far, why string) {
	if err := l.ack(f); err != nil {
		l.ua.metrics.failed.WithLabelValues("ack").Inc()
	}
	l.bye(ctx, f, why)
}

// cancel ends an INVITE whose caller has lost interest. A CANCEL may be sent only after a provisional response; until then, and
// after it, a 2xx may come: then the call is hung up (RFC 3261, 9.1).
func (d *dialling) cancel(ctx context.Context, why error) {
	giveUp := time.NewTimer(cancelled)
	defer giveUp.Stop()
	if d.heard {
		d.sendCancel(ctx, why)
	}
	sent := d.heard
	for {
		select {
		case res := <-d.tx.Responses():
			switch {
			case res.IsProvisional() && !sent:
				sent = true
				d.sendCancel(ctx, why)
			case res.IsSuccess():
				d.leg.dismiss(ctx, d.leg.establish(res), "cancelled")
				return
			case !res.IsProvisional():
				return
			}
		case <-d.tx.Done():
			return
		case <-giveUp.C:
			d.tx.Terminate()
			return
		case <-ctx.Done():
			return
		}
	}
}

// sendCancel has the Request-URI, Via, From, To, Call-ID and sequence number of the INVITE (RFC 3261, 9.1).
func (d *dialling) sendCancel(ctx context.Context, why error) {
	invite := d.leg.invite
	req := sip.NewRequest(sip.CANCEL, invite.Recipient)
	via := invite.Via().Clone()
	req.AppendHeader(via)
	for _, name := range []string{"From", "To", "Call-ID", "Route"} {
		sip.CopyHeaders(name, invite, req)
	}
	req.AppendHeader(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: sip.CANCEL})
	maxForwards := sip.MaxForwardsHeader(70)
	req.AppendHeader(&maxForwards)
	switch {
	case errors.Is(why, ErrElsewhere):
		req.AppendHeader(reasonHeader("Call completed elsewhere", 200))
	case why != nil:
		req.AppendHeader(reasonHeader(why.Error(), 487))
	}
	req.SetTransport(invite.Transport())
	req.SetDestination(invite.Destination())
	req.Laddr = invite.Laddr
	req.SetBody(nil)
	ctx, stop := context.WithTimeout(ctx, grace)
	defer stop()
	d.leg.ua.do(ctx, req, d.leg.party())
}
