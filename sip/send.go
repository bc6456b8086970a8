package sip

import (
	"net"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// dress adds what every request of ours has: Via with our address, Contact, User-Agent, Max-Forwards.
func (ua *UA) dress(req *sip.Request, network, peer string, t *trunk) {
	shown := ua.shown(network, peer)
	addr, port := ua.faces(shown, peer)
	via := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: strings.ToUpper(shown),
		Host: hostOf(addr), Port: port, Params: sip.NewParams()}
	via.Params.Add("branch", sip.GenerateBranchN(16))
	via.Params.Add("rport", "")
	req.PrependHeader(via)
	maxForwards := sip.MaxForwardsHeader(70)
	req.AppendHeader(&maxForwards)
	req.AppendHeader(ua.contact(network, peer, t))
	req.AppendHeader(sip.NewHeader("User-Agent", ua.cfg.UserAgent))
	if network == "udp" {
		if at, ok := ua.socket(); ok { // the port we listen on is the one they answer to
			req.Laddr = sip.Addr{IP: net.IP(at.Addr().AsSlice()), Port: int(at.Port())}
		}
	}
	if req.Body() == nil {
		req.SetBody(nil)
	}
}

func (ua *UA) socket() (netip.AddrPort, bool) {
	for _, l := range ua.addrs {
		if l.Network == "udp" {
			at, err := netip.ParseAddrPort(l.Addr)
			return at, err == nil
		}
	}
	return netip.AddrPort{}, false
}

// contact is where requests of the far end go. Its user part tells which of several trunks at one address is meant.
func (ua *UA) contact(network, peer string, t *trunk) *sip.ContactHeader {
	shown := ua.shown(network, peer)
	addr, port := ua.faces(shown, peer)
	user := "ivr"
	if t != nil {
		user = t.Name
	}
	uri := sip.Uri{Scheme: "sip", User: user, Host: hostOf(addr), Port: port, UriParams: sip.NewParams()}
	if t != nil && t.Host != "" {
		uri.Host = t.Host
	}
	switch shown {
	case "udp":
	case "wss": // it has no name of its own (RFC 7118, 5.2)
		uri.UriParams.Add("transport", "ws")
	default:
		uri.UriParams.Add("transport", shown)
	}
	return &sip.ContactHeader{Address: uri}
}

func hostOf(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// asIs keeps sipgo from adding headers to a request that has them all.
func asIs(*sipgo.Client, *sip.Request) error { return nil }

// respond answers a request with headers of our own.
func (ua *UA) respond(req *sip.Request, tx sip.ServerTransaction, code int, reason string, headers ...sip.Header) {
	res := sip.NewResponseFromRequest(req, code, reason, nil)
	res.AppendHeader(sip.NewHeader("Server", ua.cfg.UserAgent))
	for _, h := range headers {
		res.AppendHeader(h)
	}
	ua.reply(tx, res)
}

func (ua *UA) reply(tx sip.ServerTransaction, res *sip.Response) {
	if err := tx.Respond(res); err != nil {
		ua.metrics.failed.WithLabelValues("respond").Inc()
	}
}
