package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
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
	invite *sip.Request          // the first
	tx     sip.ServerTransaction // of an incoming one; nil when we dialled
	stream *media.Stream
	local  localMedia
	tag    string       // ours
	peer   string       // address that signalling comes from
	offer  *remoteMedia // of the INVITE; nil: it had none

	turn  turn          // of their requests
	known chan struct{} // closed when their tag is

	mu       sync.Mutex
	state    state
	theirTag string
	seq      uint32    // of our last request
	target   sip.Uri   // their Contact
	routes   []sip.Uri // in the order we use them
	changing uint32    // number of their request whose offer is being answered; 0: none is
	awaited  *awaited  // the ACK we wait for; nil: none
	done     chan struct{}
	err      error
}

// ID is the Call-ID.
func (l *Leg) ID() string { return l.invite.CallID().Value() }

// From and To are the user parts of those headers: the calling and the called number.
func (l *Leg) From() string { return l.invite.From().Address.User }
func (l *Leg) To() string   { return l.invite.To().Address.User }

// DisplayName is that of From, as received.
func (l *Leg) DisplayName() string { return strings.Trim(l.invite.From().DisplayName, `"`) }

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
func (l *Leg) Done() <-chan struct{} { return l.done }

// Err says why the leg ended; nil before Done.
func (l *Leg) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *Leg) key() string { return l.ID() + " " + l.tag }

func (l *Leg) remoteTag() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.theirTag
}

// finish ends the leg; only the first call has an effect, and reports true.
func (l *Leg) finish(err error) bool {
	l.mu.Lock()
	if l.state == over {
		l.mu.Unlock()
		return false
	}
	l.state, l.err = over, err
	l.mu.Unlock()
	l.ua.remove(l)
	l.stream.Close()
	close(l.done)
	return true
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
		case <-l.done:
			return nil
		case <-ctx.Done():
		}
	}
	if !l.finish(ErrEnded) {
		return nil
	}
	return l.bye(ctx, reason)
}

func closedChan() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// bye ends the dialog at the far end.
func (l *Leg) bye(ctx context.Context, reason string) error {
	defer l.ua.part(l.key() + " " + l.remoteTag())()
	req := l.request(sip.BYE)
	if reason != "" {
		if !strings.Contains(reason, ";cause=") {
			reason = fmt.Sprintf("SIP;cause=200;text=%q", reason)
		}
		req.AppendHeader(sip.NewHeader("Reason", reason))
	}
	res, err := l.ua.do(ctx, req)
	if err != nil {
		return fmt.Errorf("sip: BYE: %w", err)
	}
	if res.StatusCode >= 300 && res.StatusCode != 481 { // 481: it has hung up itself
		return &ResponseError{"BYE", res.StatusCode, res.Reason}
	}
	return nil
}

// request builds one within the dialog (RFC 3261, 12.2.1.1).
func (l *Leg) request(method sip.RequestMethod) *sip.Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	if method != sip.ACK {
		l.seq++
	}
	return l.requestLocked(method, l.seq)
}

func (l *Leg) requestLocked(method sip.RequestMethod, seq uint32) *sip.Request {
	target, routes := l.target, l.routes
	hop := target
	if len(routes) > 0 {
		hop = routes[0]
		if !hop.UriParams.Has("lr") { // a strict router takes the place of the target
			target, routes = hop, append(slices.Clone(routes[1:]), target)
		}
	}
	req := sip.NewRequest(method, target)
	from, to := l.parties()
	callID := sip.CallIDHeader(l.ID())
	req.AppendHeader(from)
	req.AppendHeader(to)
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	for _, r := range routes {
		req.AppendHeader(&sip.RouteHeader{Address: r})
	}
	network := networkOf(l.invite)
	req.SetTransport(strings.ToUpper(network))
	if l.tx != nil && len(l.routes) == 0 {
		req.SetDestination(l.peer) // as RFC 3581 does for responses: through the NAT the way the call came
	} else {
		req.SetDestination(hostPort(hop, network))
	}
	l.ua.dress(req, network, l.peer)
	return req
}

// hostPort is where a URI says that requests go.
func hostPort(u sip.Uri, network string) string {
	port := u.Port
	if port == 0 {
		port = sip.DefaultPort(network)
	}
	return net.JoinHostPort(strings.Trim(u.Host, "[]"), strconv.Itoa(port))
}

// parties are From and To of our requests.
func (l *Leg) parties() (*sip.FromHeader, *sip.ToHeader) {
	from := &sip.FromHeader{Params: sip.NewParams()}
	to := &sip.ToHeader{Params: sip.NewParams()}
	if l.tx != nil { // the roles are those of the INVITE, turned round
		from.DisplayName, from.Address = l.invite.To().DisplayName, l.invite.To().Address
		to.DisplayName, to.Address = l.invite.From().DisplayName, l.invite.From().Address
	} else {
		from.DisplayName, from.Address = l.invite.From().DisplayName, l.invite.From().Address
		to.DisplayName, to.Address = l.invite.To().DisplayName, l.invite.To().Address
	}
	from.Params.Add("tag", l.tag)
	if l.theirTag != "" {
		to.Params.Add("tag", l.theirTag)
	}
	return from, to
}

// learn takes the route set and target of the message that made the dialog (RFC 3261, 12.1).
func (l *Leg) learn(recordRoutes []sip.Header, contact *sip.ContactHeader, reverse bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if contact != nil {
		l.target = contact.Address
	}
	l.routes = nil
	for _, h := range recordRoutes {
		if r, ok := h.(*sip.RecordRouteHeader); ok {
			l.routes = append(l.routes, r.Address)
		}
	}
	if reverse {
		slices.Reverse(l.routes)
	}
}

// agree starts the audio with what the far end's description says.
func (l *Leg) agree(r *remoteMedia) error { return l.stream.Start(r.params()) }

// newLocalMedia is what we say of ourselves towards a peer.
func newLocalMedia(addr netip.Addr, port int) localMedia {
	id := uint64(time.Now().UnixMilli())
	return localMedia{addr: addr, port: port, session: id, version: 1}
}
