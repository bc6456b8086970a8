package sip

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// cancelled is how long a cancelled INVITE may take to end before we forget it (RFC 3261, 9.1).
const cancelled = 64 * t1

// unheard is how long a far end may give no sign of life, not even 100: the INVITE was sent four times by then. Who waits for
// a person should not wait 32 s (timer B) for a phone that is switched off.
const unheard = 8 * t1

// ErrNoResponse says that a far end gave no sign of life. It is a *[ResponseError] with 408 too (RFC 3261, 8.1.3.1).
var ErrNoResponse = errors.New("sip: no response")

// DialRequest says whom to call and as whom.
type DialRequest struct {
	To          string            // "sip:seat1@127.0.0.1:5070;transport=tcp"
	From        string            // user part of From
	DisplayName string            // of From: what the seat's phone shows
	Headers     map[string]string // extra headers, "X-Ivr-Reason": "anger"
	OnRinging   func()            // first 180 or 183; may be nil
}

// Dial places a call and returns when it was answered (2xx, ACK sent, audio flowing), or with *ResponseError, or with
// ctx's error after CANCEL. A 2xx that crosses the CANCEL is answered with ACK and BYE. Works with or without Serve running.
func (ua *UA) Dial(ctx context.Context, req DialRequest) (*Leg, error) {
	l, err := ua.newOutgoing(req)
	if err != nil {
		return nil, err
	}
	ua.add(l)
	tx, err := ua.client.TransactionRequest(ctx, l.invite, asIs)
	if err != nil {
		err = fmt.Errorf("sip: cannot call %s: %w", req.To, err)
		l.finish(err)
		return nil, err
	}
	tx.OnRetransmission(l.again)
	d := &dialling{leg: l, tx: tx, ringing: req.OnRinging}
	err = d.wait(ctx)
	switch {
	case err == nil:
		return l, nil
	case ctx.Err() != nil, errors.Is(err, ErrNoResponse):
		ua.farewell(d.cancel)
	case !errors.As(err, new(*ResponseError)):
		tx.Terminate()
	}
	l.finish(err)
	return nil, err
}

// newOutgoing makes the leg and its INVITE with our offer.
func (ua *UA) newOutgoing(req DialRequest) (*Leg, error) {
	var uri sip.Uri
	if err := sip.ParseUri(req.To, &uri); err != nil || uri.Host == "" {
		return nil, fmt.Errorf("sip: %q is not a SIP address: want sip:user@host", req.To)
	}
	network := "udp"
	if t, ok := uri.UriParams.Get("transport"); ok {
		network = t
	}
	peer := hostPort(uri, network)
	stream, err := ua.cfg.Media.Open()
	if err != nil {
		return nil, err
	}
	addr, _ := ua.faces(network, peer)
	l := &Leg{
		ua: ua, stream: stream, tag: newTag(), peer: peer, seq: 1, target: uri,
		turn: newTurn(0), done: make(chan struct{}), known: make(chan struct{}), local: newLocalMedia(addr, stream.LocalPort()),
	}
	invite := sip.NewRequest(sip.INVITE, uri)
	invite.SetTransport(strings.ToUpper(network))
	from := &sip.FromHeader{DisplayName: req.DisplayName, Params: sip.NewParams(),
		Address: sip.Uri{Scheme: "sip", User: orDefault(req.From, "ivr"), Host: hostOf(addr)}}
	from.Params.Add("tag", l.tag)
	callID := sip.CallIDHeader(newTag() + newTag())
	to := uri
	to.UriParams = sip.NewParams()
	invite.AppendHeader(from)
	invite.AppendHeader(&sip.ToHeader{Address: to, Params: sip.NewParams()})
	invite.AppendHeader(&callID)
	invite.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.INVITE})
	invite.SetBody(l.local.offer())
	ua.dress(invite, network, peer)
	invite.AppendHeader(sip.NewHeader("Allow", allow))
	invite.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	for name, value := range req.Headers {
		invite.AppendHeader(sip.NewHeader(name, headerText(value)))
	}
	l.invite = invite
	return l, nil
}

// dialling is an INVITE on its way.
type dialling struct {
	leg     *Leg
	tx      sip.ClientTransaction
	ringing func()
	heard   bool // a provisional response came: it may be cancelled
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
	if l.ended() { // a BYE came on the heels of the 200
		return l.Err()
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
	return l.ua.client.WriteRequest(req, asIs)
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
	fork := &Leg{ua: l.ua, invite: l.invite, tag: l.tag, peer: l.peer, seq: l.invite.CSeq().SeqNo, known: make(chan struct{})}
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
	d.leg.ua.do(ctx, req)
}

// headerText keeps a value on its line.
func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
