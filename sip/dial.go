package sip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"

	"ivr/media"
)

// ErrNoResponse says that a far end gave no sign of life. It is a *[ResponseError] with 408 too (RFC 3261, 8.1.3.1).
var ErrNoResponse = errors.New("sip: no response")

// ErrNoTrunk says that there is no trunk to place a call on.
var ErrNoTrunk = errors.New("sip: no trunk for the call")

// DialRequest says whom to call and as whom.
type DialRequest struct {
	To          string            // "sip:seat1@127.0.0.1:5070;transport=tcp"; "tel:+4930123456" goes by trunk
	Trunks      []string          // names of those to take, best first; none: a tel: number goes by all, a sip: address by none
	From        string            // user part of From
	DisplayName string            // of From: what the seat's phone shows
	Private     bool              // the caller wants to stay unknown (RFC 3323)
	Diverted    string            // number that the caller called, when we pass the call on (RFC 5806)
	Headers     map[string]string // extra headers, "X-Ivr-Reason": "anger"
	UserToUser  string            // goes to the far end's application (RFC 7433)
	Late        bool              // no offer in the INVITE: the far end makes it (RFC 3264, 4)
	OnRinging   func()            // first 180 or 183; may be nil

	// OnEarly is told when there is audio before the answer: an announcement, or the network's own tone. It must not block; may be nil.
	OnEarly func(*media.Stream)
}

// route is one way to place a call.
type route struct {
	uri   sip.Uri
	hop   hop
	trunk *trunk // nil: a phone, reached directly
}

// Dial places a call and returns when it was answered (2xx, ACK sent, audio flowing), or with *ResponseError, or with
// ctx's error after CANCEL. Where a server or a trunk fails, the next one is tried (RFC 3263, 4.3). A 2xx that crosses the CANCEL
// is answered with ACK and BYE. Works with or without Serve running.
func (ua *UA) Dial(ctx context.Context, req DialRequest) (*Leg, error) {
	routes, err := ua.plan(ctx, req)
	if err != nil {
		return nil, err
	}
	var failures []error
	for _, r := range routes {
		leg, err := ua.dialRoute(ctx, req, r)
		if err == nil {
			return leg, nil
		}
		failures = append(failures, err)
		if !serverFailed(err) || ctx.Err() != nil {
			return nil, err
		}
		if r.trunk != nil && !errors.Is(err, ErrNoTrunk) {
			r.trunk.failed(r.hop)
			ua.metrics.trunkFailed.WithLabelValues(r.trunk.Name).Inc()
			ua.log.Info("a trunk's server failed, the next one is tried", "trunk", r.trunk.Name, "hop", r.hop.String(), "err", err)
		}
	}
	return nil, failures[len(failures)-1]
}

// plan lists the ways to a target, best first.
func (ua *UA) plan(ctx context.Context, req DialRequest) ([]route, error) {
	number, isTel := strings.CutPrefix(req.To, "tel:")
	if !isTel {
		uri, err := parseTarget(req.To)
		if err != nil {
			return nil, err
		}
		if len(req.Trunks) > 0 {
			return ua.planTrunks(ctx, req.Trunks, func(*trunk) sip.Uri { return uri })
		}
		hops, err := ua.hops(ctx, uri)
		routes := make([]route, len(hops))
		for i, h := range hops {
			routes[i] = route{uri: uri, hop: h}
		}
		return routes, err
	}
	number = telNumber(number)
	return ua.planTrunks(ctx, req.Trunks, func(t *trunk) sip.Uri {
		return sip.Uri{Scheme: t.uri.Scheme, User: Rewrite(number, t.Out), Host: t.uri.Host, Port: t.uri.Port, UriParams: t.uri.UriParams}
	})
}

// planTrunks lists the servers of the trunks, those that are up first: one that is said to be down is better than none.
func (ua *UA) planTrunks(ctx context.Context, names []string, target func(*trunk) sip.Uri) ([]route, error) {
	trunks := ua.trunks
	if len(names) > 0 {
		trunks = nil
		for _, name := range names {
			if i := slices.IndexFunc(ua.trunks, func(t *trunk) bool { return t.Name == name }); i >= 0 {
				trunks = append(trunks, ua.trunks[i])
			}
		}
	}
	var up, down []route
	failed := ErrNoTrunk
	for _, t := range trunks {
		if t.Address == "" {
			continue
		}
		hops, err := t.servers(ctx)
		if err != nil {
			failed = fmt.Errorf("%w: %s: %w", ErrNoTrunk, t.Name, err)
		}
		for _, h := range hops {
			if r := (route{target(t), h, t}); t.isUp() {
				up = append(up, r)
			} else {
				down = append(down, r)
			}
		}
	}
	if all := slices.Concat(up, down); len(all) > 0 {
		return all, nil
	}
	return nil, failed
}

// serverFailed says that a call may go better by another server: nobody was there, or what was there could not.
func serverFailed(err error) bool {
	var response *ResponseError
	if !errors.As(err, &response) {
		return !errors.Is(err, ErrMedia) && !errors.Is(err, ErrHangup)
	}
	switch response.Code {
	case 500, 502, 503, 504:
		return true
	}
	return errors.Is(err, ErrNoResponse)
}

// dialRoute places a call one way. A challenge is answered, once, and once more when the nonce was stale; and so is a server that
// wants sessions to last longer.
func (ua *UA) dialRoute(ctx context.Context, req DialRequest, r route) (*Leg, error) {
	if r.trunk != nil {
		if why := r.trunk.enter(false); why != "" {
			return nil, fmt.Errorf("%w: %s: %s", ErrNoTrunk, r.trunk.Name, why)
		}
	}
	l, err := ua.newOutgoing(req, r)
	if err != nil {
		if r.trunk != nil {
			r.trunk.leave()
		}
		return nil, err
	}
	ua.add(l)
	for range 4 {
		var asks *sip.Response
		if asks, err = ua.invite(ctx, req, l); asks == nil || !l.satisfy(asks) {
			break
		}
		afresh(l.invite)
	}
	if err != nil {
		l.finish(err)
		return nil, err
	}
	return l, nil
}

// satisfy changes the INVITE into what a response asks for; false: we have it not.
func (l *Leg) satisfy(res *sip.Response) bool {
	if res.StatusCode == 422 {
		return lengthen(l.invite, res)
	}
	return l.trunk != nil && authorize(l.invite, res, l.trunk.ours()) == nil
}

// invite sends the INVITE of a leg and waits for the outcome; asks is the response that asks for another try.
func (ua *UA) invite(ctx context.Context, req DialRequest, l *Leg) (asks *sip.Response, err error) {
	tx, err := ua.begin(ctx, l.invite, l.party())
	if err != nil {
		return nil, fmt.Errorf("sip: cannot call %s: %w", req.To, err)
	}
	tx.OnRetransmission(l.again)
	d := &dialling{leg: l, tx: tx, req: req}
	err = d.wait(ctx)
	switch {
	case err == nil:
	case ctx.Err() != nil, errors.Is(err, ErrNoResponse):
		ua.farewell(func(ctx context.Context) { d.cancel(ctx, err) })
	case !errors.As(err, new(*ResponseError)):
		tx.Terminate()
	}
	return d.challenge, err
}

// newOutgoing makes the leg and its INVITE with our offer.
func (ua *UA) newOutgoing(req DialRequest, r route) (*Leg, error) {
	stream, err := ua.cfg.Media.Open()
	if err != nil {
		return nil, err
	}
	network, peer := r.hop.network, r.hop.addr.String()
	addr, _ := ua.faces(network, peer)
	l := &Leg{
		ua: ua, trunk: r.trunk, host: r.hop.host, stream: stream, tag: newTag(), peer: peer, far: &far{target: r.uri},
		known: make(chan struct{}), referrals: make(chan *Referral), replacements: make(chan *Leg),
		local: newLocalMedia(addr, stream.LocalPort(), ua.protectionOf(r.trunk, network)),
	}
	l.life, l.kill = context.WithCancel(context.Background())
	invite := sip.NewRequest(sip.INVITE, r.uri)
	invite.SetTransport(strings.ToUpper(network))
	invite.SetDestination(peer)
	callID := sip.CallIDHeader(newTag() + newTag())
	to := sip.Uri{Scheme: r.uri.Scheme, User: r.uri.User, Host: r.uri.Host, Port: r.uri.Port}
	invite.AppendHeader(l.caller(req, hostOf(addr)))
	invite.AppendHeader(&sip.ToHeader{Address: to, Params: sip.NewParams()})
	invite.AppendHeader(&callID)
	invite.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.INVITE})
	if !req.Late {
		setSDP(invite, l.local.offer())
	}
	ua.dress(invite, network, peer, r.trunk)
	if r.trunk != nil {
		for _, h := range r.trunk.serviceRoute() {
			invite.AppendHeader(h)
		}
	}
	invite.AppendHeader(sip.NewHeader("Allow", allow))
	invite.AppendHeader(sip.NewHeader("Supported", supported))
	ua.askTimer(invite)
	if req.UserToUser != "" {
		invite.AppendHeader(userToUser(req.UserToUser))
	}
	for _, h := range l.identity(req, hostOf(addr)) {
		invite.AppendHeader(h)
	}
	for name, value := range req.Headers {
		if r.trunk.passes(name) {
			invite.AppendHeader(sip.NewHeader(name, headerText(value)))
		}
	}
	l.invite = invite
	return l, nil
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
