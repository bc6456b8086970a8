package sip

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// far is the far end of a leg, as one dialog knows it (RFC 3261, 12). An INVITE of ours that a proxy forks has several. It is
// guarded by the mutex of its leg.
type far struct {
	tag    string
	turn   turn      // of their requests
	target sip.Uri   // their Contact
	routes []sip.Uri // in the order we use them
	seq    uint32    // of our last request

	said     *remoteMedia // its last description
	settled  bool         // the first offer has its answer (RFC 3264); others may follow
	answered bool         // a 2xx of it came
	closing  []byte       // our answer in the ACK of that
	rseq     uint32       // of its last reliable provisional response (RFC 3262)
	updates  bool         // it takes UPDATE (RFC 3311)
}

// who is whom we talk to.
func (l *Leg) who() *far {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.far
}

// ask sends a request within the dialog and returns its final response. A challenge is answered, once, and once more when the nonce
// was stale.
func (l *Leg) ask(ctx context.Context, f *far, req *sip.Request) (*sip.Response, error) {
	for challenged := 0; ; challenged++ {
		res, err := l.ua.do(ctx, req, l.party())
		if err != nil || challenged > 1 || !l.authorized(f, req, res) {
			return res, err
		}
	}
}

// authorized answers a challenge to a request within the dialog, which can be sent again then. It says whether there was one that we
// have an answer to.
func (l *Leg) authorized(f *far, req *sip.Request, res *sip.Response) bool {
	if res.StatusCode != 401 && res.StatusCode != 407 || l.trunk == nil || authorize(req, res, l.trunk.ours()) != nil {
		return false
	}
	afresh(req)
	l.mu.Lock()
	defer l.mu.Unlock()
	f.seq++
	req.CSeq().SeqNo = f.seq
	return true
}

// request builds one within a dialog (RFC 3261, 12.2.1.1).
func (l *Leg) request(f *far, method sip.RequestMethod) *sip.Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.seq++
	return l.compose(f, method, f.seq)
}

func (l *Leg) compose(f *far, method sip.RequestMethod, seq uint32) *sip.Request {
	target, routes := f.target, f.routes
	hop := target
	if len(routes) > 0 {
		hop = routes[0]
		if !hop.UriParams.Has("lr") { // a strict router takes the place of the target
			target, routes = hop, append(slices.Clone(routes[1:]), target)
		}
	}
	req := sip.NewRequest(method, target)
	from, to := l.parties(f)
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
	if l.tx != nil && len(f.routes) == 0 && l.ua.reachable(network, l.peer) {
		req.SetDestination(l.peer) // as RFC 3581 does for responses: through the NAT the way the call came
	} else {
		req.SetDestination(hostPort(hop, network))
	}
	l.ua.dress(req, network, l.peer, l.trunk)
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
func (l *Leg) parties(f *far) (*sip.FromHeader, *sip.ToHeader) {
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
	if f.tag != "" {
		to.Params.Add("tag", f.tag)
	}
	return from, to
}

// learn takes the route set and target of the message that made the dialog (RFC 3261, 12.1).
func (f *far) learn(recordRoutes []sip.Header, contact *sip.ContactHeader, reverse bool) {
	if contact != nil {
		f.target = contact.Address
	}
	f.routes = nil
	for _, h := range recordRoutes {
		if r, ok := h.(*sip.RecordRouteHeader); ok {
			f.routes = append(f.routes, r.Address)
		}
	}
	if reverse {
		slices.Reverse(f.routes)
	}
}

// farBy finds the dialog with a tag of theirs; nil: there is none.
func (l *Leg) farBy(tag string) *far {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.fars {
		if f.tag == tag {
			return f
		}
	}
	return nil
}
