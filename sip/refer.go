package sip

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Transfers by REFER (RFC 3515, RFC 5589). We bridge by default; a far end that insists may be sent elsewhere, and may ask us to send
// somebody: then the handler of its leg decides.

const (
	sipfrag = "message/sipfrag"
	// decision is how long a handler may take to decide on a transfer: less than the request is retransmitted for.
	decision = 8 * time.Second
	// outcome is how long a far end may take to say how a transfer ended: as long as a phone rings, and then some.
	outcome = 3 * time.Minute
)

// ErrUnknownOutcome says that a far end took a transfer and never said what became of it.
var ErrUnknownOutcome = errors.New("sip: nobody said how the transfer ended")

// Transfer says where the far end of a leg is to be sent.
type Transfer struct {
	To      string // "sip:4001@pbx.example.com", "tel:+4930123456"
	Consult *Leg   // the call that the far end takes over, when somebody was asked first (attended); nil: blind
	By      string // URI of who transfers (RFC 3892); "": us
}

// Refer asks the far end to call somebody else, and returns when it says how that went: nil when the other has answered. A far end
// that takes the request has done nothing yet, and one whose call failed is still ours: the leg goes on in every case, and is to be
// hung up after success. A refusal, of the request or of the call, is a *[ResponseError].
func (l *Leg) Refer(ctx context.Context, t Transfer) error {
	f := l.who()
	req := l.request(f, sip.REFER)
	r := &referring{id: req.CSeq().SeqNo, told: make(chan notice, 8)}
	l.mu.Lock()
	switch {
	case l.state != confirmed:
		defer l.mu.Unlock()
		return errors.Join(errors.New("sip: only an answered call can be transferred"), l.err)
	case l.referring != nil:
		l.mu.Unlock()
		return errors.New("sip: a transfer is under way")
	}
	l.referring = r
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.referring = nil
		l.mu.Unlock()
	}()
	req.AppendHeader(sip.NewHeader("Refer-To", t.target()))
	by := orDefault(t.By, "sip:"+l.ua.contact(networkOf(l.invite), l.peer, l.trunk).Address.HostPort())
	req.AppendHeader(sip.NewHeader("Referred-By", "<"+headerText(by)+">"))
	res, err := l.ask(ctx, f, req)
	if err != nil {
		return fmt.Errorf("sip: REFER: %w", err)
	}
	if res.StatusCode >= 300 {
		return &ResponseError{"REFER", res.StatusCode, res.Reason}
	}
	return r.wait(ctx, l)
}

// target is the Refer-To of a transfer; the dialog to take over goes into its headers (RFC 3891, RFC 5589, 7.3).
func (t Transfer) target() string {
	to := headerText(t.To)
	if t.Consult != nil {
		c := t.Consult
		value := fmt.Sprintf("%s;to-tag=%s;from-tag=%s", c.ID(), c.remoteTag(), c.tag)
		separator := "?"
		if strings.Contains(to, "?") {
			separator = "&"
		}
		to += separator + "Replaces=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	}
	return "<" + to + ">"
}

// referring is a transfer that we asked for.
type referring struct {
	id   uint32 // number of the REFER
	told chan notice
}

// notice is what a NOTIFY says of it.
type notice struct {
	code   int
	phrase string
	over   bool // there will be no other
}

func (r *referring) wait(ctx context.Context, l *Leg) error {
	late := time.NewTimer(outcome)
	defer late.Stop()
	for {
		select {
		case n := <-r.told:
			switch {
			case n.code >= 200 && n.code < 300:
				return nil
			case n.code >= 300:
				return &ResponseError{"REFER", n.code, n.phrase}
			case n.over:
				return ErrUnknownOutcome
			}
		case <-late.C:
			return ErrUnknownOutcome
		case <-l.life.Done():
			return l.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// onNotify takes what a far end says of a transfer of ours (RFC 3515, 2.4).
func (ua *UA) onNotify(req *sip.Request, tx sip.ServerTransaction) {
	l, _, next := ua.inDialog(req, tx)
	if l == nil {
		return
	}
	defer next()
	name, id := eventOf(req)
	l.mu.Lock()
	r := l.referring
	l.mu.Unlock()
	switch {
	case name != "refer":
		ua.respond(req, tx, 489, "Bad Event", sip.NewHeader("Allow-Events", "refer"))
		return
	case r == nil || id != 0 && id != r.id:
		ua.respond(req, tx, 481, "Subscription Does Not Exist")
		return
	}
	n, err := parseNotice(req)
	if err != nil {
		ua.respond(req, tx, 400, "Bad Request", sip.NewHeader("Warning", fmt.Sprintf("399 ivr %q", err.Error())))
		return
	}
	ua.respond(req, tx, 200, "OK")
	select {
	case r.told <- n:
	default: // it tells more than anybody could want to know
	}
}

// eventOf reads "refer;id=3"; id 0: there is none.
func eventOf(req *sip.Request) (name string, id uint32) {
	h := req.GetHeader("Event")
	if h == nil {
		return "", 0
	}
	name, params, _ := strings.Cut(h.Value(), ";")
	for p := range strings.SplitSeq(params, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(p), "id="); ok {
			n, _ := strconv.ParseUint(v, 10, 32)
			id = uint32(n)
		}
	}
	return strings.ToLower(strings.TrimSpace(name)), id
}

// parseNotice reads the first line of a message/sipfrag (RFC 3420) and the state of the subscription.
func parseNotice(req *sip.Request) (n notice, err error) {
	if h := req.GetHeader("Subscription-State"); h != nil {
		n.over = strings.HasPrefix(strings.ToLower(h.Value()), "terminated")
	}
	line, _, _ := strings.Cut(string(req.Body()), "\n")
	line = strings.TrimSpace(line)
	if line == "" && n.over {
		return n, nil
	}
	rest, ok := strings.CutPrefix(line, "SIP/2.0 ")
	code, phrase, _ := strings.Cut(rest, " ")
	n.code, err = strconv.Atoi(code)
	if !ok || err != nil || n.code < 100 || n.code > 699 {
		return n, fmt.Errorf("%q is no status line", clip(line))
	}
	n.phrase = phrase
	return n, nil
}

// Referral is a transfer that a far end asks us for. The handler of its leg takes it from [Leg.Referrals] and calls Accept or
// Decline, and after Accept reports how the new call goes.
type Referral struct {
	To       string // URI of whom to call
	Replaces string // the dialog to take over (RFC 3891), for the new INVITE; "": a blind transfer
	By       string // who asks (RFC 3892), "" when it does not say

	leg     *Leg
	far     *far
	id      uint32
	verdict chan int
	said    chan struct{} // closed when the verdict was sent
}

// Referrals are the transfers that the far end asks for. Who does not take them declines them: no call is placed for others.
func (l *Leg) Referrals() <-chan *Referral { return l.referrals }

// onRefer has the handler of the leg decide.
func (ua *UA) onRefer(req *sip.Request, tx sip.ServerTransaction) {
	if _, inDialog := req.To().Params.Get("tag"); !inDialog { // would place a call out of nothing
		ua.refuse(req, tx, 403, "Forbidden", refusedRefer)
		return
	}
	l, f, next := ua.inDialog(req, tx)
	if l == nil {
		return
	}
	defer next()
	r := &Referral{leg: l, far: f, id: req.CSeq().SeqNo, verdict: make(chan int, 1), said: make(chan struct{})}
	if !r.read(req) {
		ua.respond(req, tx, 400, "Bad Request", sip.NewHeader("Warning", `399 ivr "Refer-To"`))
		return
	}
	code, phrase := 403, "Forbidden"
	taken := time.NewTimer(reorder)
	defer taken.Stop()
	select {
	case l.referrals <- r:
		code, phrase = r.decision(l), "Declined"
	case <-taken.C: // nobody looks
	}
	defer close(r.said)
	if code >= 300 {
		ua.refuse(req, tx, code, phrase, refusedRefer)
		return
	}
	ua.reply(tx, l.response(req, 202, "Accepted", nil))
}

// decision waits for Accept or Decline.
func (r *Referral) decision(l *Leg) int {
	late := time.NewTimer(decision)
	defer late.Stop()
	select {
	case code := <-r.verdict:
		return code
	case <-l.life.Done():
	case <-late.C:
	}
	return 603
}

// read takes what a REFER asks for; false: there is no one Refer-To (RFC 3515, 2.4.2).
func (r *Referral) read(req *sip.Request) bool {
	all := req.GetHeaders("Refer-To")
	if len(all) != 1 {
		return false
	}
	uri, ok := addressOf(all[0].Value())
	if !ok {
		return false
	}
	for _, h := range uri.Headers {
		if strings.EqualFold(h.K, "Replaces") {
			r.Replaces, _ = url.PathUnescape(h.V)
		}
	}
	uri.Headers = nil
	r.To = uri.String()
	if h := req.GetHeader("Referred-By"); h != nil {
		if by, ok := addressOf(h.Value()); ok {
			r.By = by.String()
		}
	}
	return true
}

// Decline refuses the transfer.
func (r *Referral) Decline() {
	select {
	case r.verdict <- 603:
	default:
	}
}

// Accept says that the transfer is tried. What becomes of it is told by Report.
func (r *Referral) Accept(ctx context.Context) error {
	select {
	case r.verdict <- 202:
	default:
		return errors.New("sip: the transfer was decided on already")
	}
	select {
	case <-r.said:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return r.Report(ctx, 100, "Trying")
}

// Report tells the far end how the new call goes; a final code ends the matter.
func (r *Referral) Report(ctx context.Context, code int, phrase string) error {
	req := r.leg.request(r.far, sip.NOTIFY)
	state := "active;expires=" + strconv.Itoa(int(outcome.Seconds()))
	if code >= 200 {
		state = "terminated;reason=noresource"
	}
	req.AppendHeader(sip.NewHeader("Event", fmt.Sprintf("refer;id=%d", r.id)))
	req.AppendHeader(sip.NewHeader("Subscription-State", state))
	req.AppendHeader(sip.NewHeader("Content-Type", sipfrag+";version=2.0"))
	req.SetBody(fmt.Appendf(nil, "SIP/2.0 %d %s\r\n", code, headerText(phrase)))
	res, err := r.leg.ask(ctx, r.far, req)
	if err != nil {
		return fmt.Errorf("sip: NOTIFY: %w", err)
	}
	if res.StatusCode >= 300 {
		return &ResponseError{"NOTIFY", res.StatusCode, res.Reason}
	}
	return nil
}
