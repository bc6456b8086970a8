package sip

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Examination is what was found out about a trunk by trying it.
type Examination struct {
	Lookup  error    // why its name leads nowhere
	Servers []Server // in the order in which they would be tried
}

// Server is one that the name of a trunk leads to.
type Server struct {
	Network string // "udp", "tcp" or "tls"
	Addr    netip.AddrPort
	Name    string // that its certificate must bear

	Connect error               // why there is no connection; nil for UDP
	Chain   []*x509.Certificate // that it showed, its own first, also when it was not believed
	Version uint16              // of TLS

	Ping error // why OPTIONS got no answer
	Code int   // of the answer
	Text string
	Took time.Duration  // until the answer
	Ours netip.AddrPort // where we said we are
	Seen netip.AddrPort // where it saw us (RFC 3581); not valid: it did not say

	Asked    bool     // what is registered
	Register error    // why the registrar did not say
	Contacts []string // that are registered for our account
}

// settled is how long a server may take to object to our certificate after the handshake (RFC 8446, 4.4.2.4).
const settled = 300 * time.Millisecond

// Examine tries a trunk: where its name leads, which servers answer, what certificates they show, and whether they take our
// credentials. Nothing changes there: what is registered is only asked for (RFC 3261, 10.2.3). Works with or without Serve running.
func (ua *UA) Examine(ctx context.Context, name string) (*Examination, error) {
	for _, t := range ua.trunks {
		if t.Name != name {
			continue
		}
		x := &Examination{}
		if t.Address == "" {
			return x, nil
		}
		hops, err := t.locate(ctx)
		x.Lookup = err
		for _, h := range hops {
			x.Servers = append(x.Servers, t.examine(ctx, h))
		}
		return x, nil
	}
	return nil, fmt.Errorf("%w: there is none with the name %q", ErrNoTrunk, name)
}

func (t *trunk) examine(ctx context.Context, h hop) Server {
	s := Server{Network: h.network, Addr: h.addr, Name: h.host}
	if h.network != "udp" {
		s.connect(ctx, h, t.tlsConfig())
		if s.Connect != nil {
			return s
		}
	}
	s.ping(ctx, t, h)
	if t.Register && s.Ping == nil {
		s.Asked = true
		s.Contacts, s.Register = t.bindings(ctx, h)
	}
	return s
}

// connect looks at a connection of its own.
func (s *Server) connect(ctx context.Context, h hop, conf *tls.Config) {
	ctx, stop := context.WithTimeout(ctx, grace)
	defer stop()
	conn, err := dialHop(ctx, h, conf)
	if s.Connect = err; err != nil {
		var unbelieved *tls.CertificateVerificationError
		if errors.As(err, &unbelieved) {
			s.Chain = unbelieved.UnverifiedCertificates
		}
		return
	}
	defer conn.Close()
	if secure, ok := conn.(*tls.Conn); ok {
		state := secure.ConnectionState()
		s.Chain, s.Version = state.PeerCertificates, state.Version
		if err := secure.SetReadDeadline(time.Now().Add(settled)); err != nil {
			s.Connect = err
			return
		}
		if _, err := secure.Read(make([]byte, 1)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			s.Connect = fmt.Errorf("sip: TLS with %s at %s: %w", h.host, h.addr, err)
		}
	}
}

// ping asks with OPTIONS, as the keep-alive does.
func (s *Server) ping(ctx context.Context, t *trunk, h hop) {
	req := t.request(sip.OPTIONS, t.uri, h)
	if via := req.Via(); via != nil {
		if addr, err := netip.ParseAddr(via.Host); err == nil {
			s.Ours = netip.AddrPortFrom(addr, uint16(via.Port))
		}
	}
	start := time.Now()
	res, err := t.ask(ctx, req)
	s.Took = time.Since(start)
	if s.Ping = err; err != nil {
		return
	}
	s.Code, s.Text = res.StatusCode, res.Reason
	via := res.Via()
	if via == nil {
		return
	}
	received, _ := via.Params.Get("received")
	rport, _ := via.Params.Get("rport")
	addr, err := netip.ParseAddr(orDefault(received, via.Host))
	port, portErr := strconv.ParseUint(rport, 10, 16)
	if err == nil && portErr == nil {
		s.Seen = netip.AddrPortFrom(addr, uint16(port))
	}
}

// bindings asks what is registered for our account.
func (t *trunk) bindings(ctx context.Context, h hop) (contacts []string, err error) {
	req := t.request(sip.REGISTER, sip.Uri{Scheme: t.uri.Scheme, Host: t.uri.Host, Port: t.uri.Port}, h)
	req.RemoveHeader("Contact")
	for challenged := 0; ; challenged++ {
		res, err := t.ask(ctx, req)
		if err != nil {
			return nil, err
		}
		refused := &ResponseError{"REGISTER", res.StatusCode, res.Reason}
		switch {
		case res.IsSuccess():
			for _, c := range res.GetHeaders("Contact") {
				contacts = append(contacts, c.Value())
			}
			return contacts, nil
		case (res.StatusCode == 401 || res.StatusCode == 407) && challenged < 3:
			if err := authorize(req, res, t.ours()); err != nil {
				return nil, fmt.Errorf("%w: %w", refused, err)
			}
			afresh(req)
		default:
			return nil, refused
		}
	}
}
