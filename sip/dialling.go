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

// dialling is an INVITE on its way.
type dialling struct {
	leg     *Leg
	tx      sip.ClientTransaction
	ringing func()
	heard   bool // a provisional response came: it may be cancelled

	challenge *sip.Response // that ended it
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
		if !d.heard && res.StatusCode > 100 && d.ringing != nil {
			d.ringing()
			d.ringing = nil
		}
		d.heard = true
		return false, nil
	case res.IsSuccess():
		return true, d.answered(res)
	}
	if res.StatusCode == 401 || res.StatusCode == 407 {
		d.challenge = res
	}
	return true, &ResponseError{"INVITE", res.StatusCode, res.Reason}
}

// answered makes the dialog of a 2xx and acknowledges it. Without audio in common it is ended again.
func (d *dialling) answered(res *sip.Response) error {
	l := d.leg
	l.establish(res)
	if err := l.ack(); err != nil {
		return fmt.Errorf("sip: cannot acknowledge: %w", err)
	}
	answer, err := offerOf(res)
	if err == nil && answer == nil {
		err = errors.New("the answer is empty")
	}
	if err == nil {
		err = l.agree(answer)
	}
	if over := l.Err(); over != nil { // a BYE came on the heels of the 200, and its handler may still be closing the stream
		return over
	}
	if err != nil {
		l.ua.farewell(func(ctx context.Context) { l.bye(ctx, "no audio in common") })
		return fmt.Errorf("%w: %w", ErrMedia, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == over {
		return l.err
	}
	l.state = confirmed
	return nil
}

// establish takes tag, target and routes of a 2xx.
func (l *Leg) establish(res *sip.Response) {
	tag, _ := res.To().Params.Get("tag")
	l.learn(res.GetHeaders("Record-Route"), res.Contact(), true)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.theirTag = tag
	close(l.known)
}

// ack acknowledges a 2xx: a request of its own (RFC 3261, 13.2.2.4).
func (l *Leg) ack() error {
	l.mu.Lock()
	req := l.requestLocked(sip.ACK, l.invite.CSeq().SeqNo)
	l.mu.Unlock()
	for _, name := range []string{"Authorization", "Proxy-Authorization"} { // RFC 3261, 22.1
		sip.CopyHeaders(name, l.invite, req)
	}
	return l.ua.write(req, l.party())
}

// again acknowledges a 2xx that came once more: our ACK was lost. One with another tag is of a phone that a proxy rang beside the
// first: it has to be acknowledged too, and hung up (RFC 3261, 13.2.2.4).
func (l *Leg) again(res *sip.Response) {
	tag, _ := res.To().Params.Get("tag")
	if !res.IsSuccess() {
		return
	}
	if tag == l.remoteTag() {
		if err := l.ack(); err != nil {
			l.ua.metrics.failed.WithLabelValues("ack").Inc()
		}
		return
	}
	fork := &Leg{ua: l.ua, trunk: l.trunk, host: l.host, invite: l.invite, tag: l.tag, peer: l.peer, seq: l.invite.CSeq().SeqNo, known: make(chan struct{})}
	fork.establish(res)
	l.ua.farewell(func(ctx context.Context) { fork.dismiss(ctx, "answered elsewhere") })
}

// dismiss ends a call that was answered in vain.
func (l *Leg) dismiss(ctx context.Context, why string) {
	if err := l.ack(); err != nil {
		l.ua.metrics.failed.WithLabelValues("ack").Inc()
	}
	l.bye(ctx, why)
}

// cancel ends an INVITE whose caller has lost interest. A CANCEL may be sent only after a provisional response; until then, and
// after it, a 2xx may come: then the call is hung up (RFC 3261, 9.1).
func (d *dialling) cancel(ctx context.Context) {
	giveUp := time.NewTimer(cancelled)
	defer giveUp.Stop()
	if d.heard {
		d.sendCancel(ctx)
	}
	sent := d.heard
	for {
		select {
		case res := <-d.tx.Responses():
			switch {
			case res.IsProvisional() && !sent:
				sent = true
				d.sendCancel(ctx)
			case res.IsSuccess():
				d.leg.establish(res)
				d.leg.dismiss(ctx, "cancelled")
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
func (d *dialling) sendCancel(ctx context.Context) {
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
	req.SetTransport(invite.Transport())
	req.SetDestination(invite.Destination())
	req.Laddr = invite.Laddr
	req.SetBody(nil)
	ctx, stop := context.WithTimeout(ctx, grace)
	defer stop()
	d.leg.ua.do(ctx, req, d.leg.party())
}
