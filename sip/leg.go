package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"ivr/media"
)

// Errors that [Leg.Err] and [UA.Dial] match with errors.Is.
var (
	ErrHangup    = errors.New("sip: far end hung up")    // BYE
	ErrCancelled = errors.New("sip: caller gave up")     // CANCEL before the answer
	ErrEnded     = errors.New("sip: ended by us")        // our BYE, CANCEL or rejection
	ErrNoAck     = errors.New("sip: answer never ACKed") // RFC 3261, 13.3.1.4
	ErrBusy      = errors.New("sip: busy")               // 486, 600
	ErrDeclined  = errors.New("sip: declined")           // 603, 403
	ErrNoAnswer  = errors.New("sip: no answer")          // 408, 480, 487
	ErrMedia     = errors.New("sip: no audio in common") // 488, or nothing to agree on
)

// A ResponseError is a final response other than 2xx. It is always a pointer.
type ResponseError struct {
	Method string // the request it answers, "INVITE"
	Code   int    // SIP status code, 300 to 699
	Reason string // reason phrase as received
}

func (e *ResponseError) Error() string {
	return fmt.Sprintf("sip: %s answered %d %s", e.Method, e.Code, e.Reason)
}

// Is lets callers ask what a code means: errors.Is(err, ErrBusy).
func (e *ResponseError) Is(target error) bool {
	switch e.Code {
	case 486, 600:
		return target == ErrBusy
	case 403, 603:
		return target == ErrDeclined
	case 408, 480, 487:
		return target == ErrNoAnswer
	case 488, 606:
		return target == ErrMedia
	}
	return false
}

// state of a dialog.
type state int

const (
	early    state = iota
	answered       // 2xx sent, ACK awaited
	confirmed
	over
)

// Leg is one dialog (RFC 3261, 12) with its audio.
type Leg struct {
	ua     *UA
	trunk  *trunk                // nil: a phone
	host   string                // name of the far end that we dialled
	invite *sip.Request          // the first
	tx     sip.ServerTransaction // of an incoming one; nil when we dialled
	stream *media.Stream
	local  localMedia
	tag    string       // ours
	peer   string       // address that signalling comes from
	offer  *remoteMedia // of the INVITE; nil: it had none

	known        chan struct{} // closed when it is known who answered
	referrals    chan *Referral
	replacements chan *Leg
	life         context.Context // until the leg has ended
	kill         context.CancelFunc

	mu        sync.Mutex
	state     state
	far       *far       // whom we talk to; of a forked INVITE the one that answered
	fars      []*far     // all that are known
	changing  uint32     // number of their request whose offer is being answered; 0: none is
	offering  bool       // an INVITE of ours within the dialog is under way
	referring *referring // a transfer that we asked for; nil: none
	session   session    // timer of the dialog
	sent      *reliable  // provisional response of ours that was not acknowledged; nil: none
	rseq      uint32     // of the last of those
	awaited   *awaited   // the ACK we wait for; nil: none
	err       error
	reason    string // of their BYE or CANCEL
}

// ID is the Call-ID.
func (l *Leg) ID() string { return l.invite.CallID().Value() }

func (l *Leg) party() party { return party{l.trunk, l.host} }

// Remote is the address of the peer's signalling, "127.0.0.1:5061".
func (l *Leg) Remote() string { return l.peer }

// Header returns the first header of that name of the INVITE, "" if none.
func (l *Leg) Header(name string) string {
	if h := l.invite.GetHeader(name); h != nil {
		return h.Value()
	}
	return ""
}

// Media is the leg's audio. It flows from Answer on.
func (l *Leg) Media() *media.Stream { return l.stream }

// Done is closed when the leg has ended, from either side; then Err says why, never nil.
func (l *Leg) Done() <-chan struct{} { return l.life.Done() }

// Err says why the leg ended; nil before Done.
func (l *Leg) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Reason is what the far end said when it ended the call, "Q.850;cause=16;text=\"normal\"" (RFC 3326); "" if it said nothing.
func (l *Leg) Reason() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
}

func (l *Leg) key() string { return l.ID() + " " + l.tag }

func (l *Leg) remoteTag() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.far.tag
}

// finish ends the leg; only the first call has an effect, and reports true.
func (l *Leg) finish(err error) bool {
	if _, ok := l.claim(err); !ok {
		return false
	}
	l.release()
	return true
}

// claim makes the leg over, for who gets it, and tells in what state it was. What the far end has to be told of it must be told
// before release: then the handler may return, and sipgo forgets the transaction.
func (l *Leg) claim(err error) (was state, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == over {
		return over, false
	}
	was, l.state, l.err = l.state, over, err
	return was, true
}

// release frees what the leg has and says that it has ended.
func (l *Leg) release() {
	if l.trunk != nil {
		l.trunk.leave()
	}
	l.mu.Lock()
	l.session.stop()
	l.mu.Unlock()
	l.ua.remove(l)
	l.stream.Close()
	l.kill()
}

// Hangup ends the leg in whatever state it is: rejection, CANCEL or BYE with a Reason header (RFC 3326). Safe to call twice.
// A reason that is not of the form "SIP;cause=..." or "Q.850;cause=..." is put into one.
func (l *Leg) Hangup(ctx context.Context, reason string) error {
	return l.end(ctx, 480, "Temporarily Unavailable", reason)
}

// end hangs up; a call that was not answered is refused with code and phrase.
func (l *Leg) end(ctx context.Context, code int, phrase, reason string) error {
	l.mu.Lock()
	was, awaited := l.state, l.awaited
	l.mu.Unlock()
	switch was {
	case over:
		return nil
	case early:
		if l.tx != nil {
			return l.Reject(code, phrase)
		}
	case answered:
		if awaited == nil {
			break
		}
		// RFC 3261, 15: no BYE before the ACK.
		select {
		case <-awaited.came:
		case <-l.life.Done():
			return nil
		case <-ctx.Done():
		}
	}
	if !l.finish(ErrEnded) {
		return nil
	}
	f, said := l.who(), make(chan error, 1)
	if !l.ua.farewell(func(ctx context.Context) { said <- l.bye(ctx, f, reason) }) {
		return l.bye(ctx, f, reason)
	}
	select {
	case err := <-said:
		return err
	case <-ctx.Done(): // the far end is told all the same
		return context.Cause(ctx)
	}
}

func closedChan() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// bye ends the dialog with a far end.
func (l *Leg) bye(ctx context.Context, f *far, reason string) error {
	defer l.ua.part(l.key() + " " + f.tag)()
	req := l.request(f, sip.BYE)
	if reason != "" {
		req.AppendHeader(reasonHeader(reason, 200))
	}
	res, err := l.ask(ctx, f, req)
	if err != nil {
		return fmt.Errorf("sip: BYE: %w", err)
	}
	if res.StatusCode >= 300 && res.StatusCode != 481 { // 481: it has hung up itself
		return &ResponseError{"BYE", res.StatusCode, res.Reason}
	}
	return nil
}

// agree starts the audio with what the far end's description says.
func (l *Leg) agree(r *remoteMedia) error {
	safe := &l.local.safe
	before := safe.used != nil || safe.shake != nil
	secure, err := safe.agree(r)
	if err != nil {
		return err
	}
	if before && secure == nil && safe.shake == nil {
		l.ua.log.Warn("the far end has taken the protection off the audio of a call", "call", l.ID(), "setting", "trunks."+orDefault(l.Trunk(), "NAME")+".srtp")
	}
	p := r.params()
	p.Secure, p.Handshake, p.Receive = secure, safe.shake, p.Receive && !l.local.held
	if at, err := netip.ParseAddrPort(l.peer); err == nil {
		p.Via = at.Addr()
	}
	return l.stream.Start(p)
}

// newLocalMedia is what we say of ourselves towards a peer.
func newLocalMedia(addr netip.Addr, port int, safe protection) localMedia {
	id := uint64(time.Now().UnixMilli())
	return localMedia{addr: addr, port: port, session: id, version: 1, safe: safe}
}
