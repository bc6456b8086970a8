package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// outlet hands sipgo the connections that we dial, as a listener would: so each passes the same inspection as those that come to us,
// bears the certificate of its trunk, and is checked against the name we looked up. What sipgo dials itself does none of this.
type outlet struct {
	fresh chan handed
	quit  chan struct{}
	once  sync.Once     // of closing quit
	last  chan struct{} // of the connection handed out before; touched by sipgo's one accepting goroutine
}

type handed struct {
	conn   net.Conn
	pooled chan struct{} // closed when sipgo finds it by its address
}

func newOutlet() *outlet { return &outlet{fresh: make(chan handed), quit: make(chan struct{})} }

// Accept is called again when the connection before is in sipgo's pool.
func (o *outlet) Accept() (net.Conn, error) {
	if o.last != nil {
		close(o.last)
		o.last = nil
	}
	select {
	case h := <-o.fresh:
		o.last = h.pooled
		return h.conn, nil
	case <-o.quit:
		return nil, net.ErrClosed
	}
}

func (o *outlet) Close() error {
	o.once.Do(func() { close(o.quit) })
	return nil
}

// Addr is nobody's: what sipgo wants to read of a listener.
func (o *outlet) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero} }

func (o *outlet) hand(conn net.Conn) error {
	h := handed{conn, make(chan struct{})}
	select {
	case o.fresh <- h:
	case <-o.quit:
		return net.ErrClosed
	}
	select {
	case <-h.pooled:
		return nil
	case <-o.quit:
		return net.ErrClosed
	}
}

// connect makes sure that there is a connection to a hop. Several who want the same share one.
func (ua *UA) connect(ctx context.Context, h hop, conf *tls.Config) error {
	if h.network == "udp" || ua.connected(h) {
		return nil
	}
	outlet := ua.outlets[h.network]
	if outlet == nil {
		return fmt.Errorf("sip: no transport %q: there are udp, tcp and tls", h.network)
	}
	done := ua.dials.DoChan(h.String(), func() (any, error) {
		if ua.connected(h) {
			return nil, nil
		}
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer stop()
		conn, err := dialHop(ctx, h, conf)
		if err != nil {
			return nil, err
		}
		return nil, outlet.hand(&stream{Conn: conn, ua: ua})
	})
	select {
	case r := <-done:
		return r.Err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (ua *UA) connected(h hop) bool {
	conn, err := ua.agent.TransportLayer().GetConnection(h.network, h.addr.String())
	if err != nil || conn == nil {
		return false
	}
	conn.TryClose() // gives back the reference
	return true
}

func dialHop(ctx context.Context, h hop, conf *tls.Config) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", h.addr.String())
	if err != nil || h.network == "tcp" {
		return conn, err
	}
	if conf == nil {
		conf = &tls.Config{}
	}
	if conf.ServerName == "" {
		conf = conf.Clone()
		conf.ServerName = h.host
	}
	secure := tls.Client(conn, conf)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("sip: TLS with %s at %s: %w", h.host, h.addr, err)
	}
	return secure, nil
}

// party is whom we speak TLS with.
type party struct {
	trunk *trunk // whose certificates are used; nil: those of the configuration
	host  string // the name that its certificate must bear, where we know only an address
}

// reach finds the next hop of a request that has a name for one, and makes sure of a connection to it.
func (ua *UA) reach(ctx context.Context, req *sip.Request, with party) error {
	network := networkOf(req)
	at, err := netip.ParseAddrPort(req.Destination())
	h := hop{network: network, addr: at, host: at.Addr().String()}
	if err != nil {
		host, port, err := sip.ParseAddr(req.Destination())
		if err != nil {
			return fmt.Errorf("sip: %q is no address: %w", req.Destination(), err)
		}
		found, err := ua.hops(ctx, sip.Uri{Scheme: "sip", Host: host, Port: port, UriParams: sip.HeaderParams{{K: "transport", V: network}}})
		if err != nil {
			return err
		}
		h = found[0]
		req.SetDestination(h.addr.String())
	}
	if h.host == h.addr.Addr().String() && with.host != "" {
		h.host = with.host // in a dialog the next hop is often an address
	}
	conf := ua.cfg.ClientTLS
	if with.trunk != nil {
		conf = with.trunk.tlsConfig()
	}
	return ua.connect(ctx, h, conf)
}

// tlsConfig of connections to the trunk; may be nil.
func (t *trunk) tlsConfig() *tls.Config {
	if t.TLS != nil {
		return t.TLS
	}
	return t.ua.cfg.ClientTLS
}

// begin sends a request as a transaction.
func (ua *UA) begin(ctx context.Context, req *sip.Request, with party) (sip.ClientTransaction, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := ua.reach(ctx, req, with); err != nil {
		return nil, err
	}
	return ua.client.TransactionRequest(ctx, req, asIs)
}

// write sends an ACK.
func (ua *UA) write(req *sip.Request, with party) error {
	ctx, stop := context.WithTimeout(ua.lastWords, grace)
	defer stop()
	if err := ua.reach(ctx, req, with); err != nil {
		return err
	}
	return ua.client.WriteRequest(req, asIs)
}

// errNoAnswer says that a request other than INVITE was sent in vain.
var errNoAnswer = errors.New("no answer")

// do sends a request and returns its final response.
func (ua *UA) do(ctx context.Context, req *sip.Request, with party) (*sip.Response, error) {
	tx, err := ua.begin(ctx, req, with)
	if err != nil {
		return nil, err
	}
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			if res.StatusCode >= 200 {
				return res, nil
			}
		case <-tx.Done():
			return nil, errors.Join(errNoAnswer, tx.Err())
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// reachable says whether requests can go back the way a call came: over a connection only as long as it lasts, for behind its port
// nobody listens.
func (ua *UA) reachable(network, peer string) bool {
	at, err := netip.ParseAddrPort(peer)
	return network == "udp" || err == nil && ua.connected(hop{network: network, addr: at})
}
