package sip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"

	"ivr/media"
)

// Config of a [UA].
type Config struct {
	Listen     []Listen
	External   netip.Addr     // address put into Contact and SDP; zero: the one that faces the peer
	Allow      []netip.Prefix // sources served; empty: loopback only
	MaxCalls   int            // calls at once, then 503; 0: no limit
	RetryAfter time.Duration  // sent with 503
	UserAgent  string
	Media      *media.Engine
	Log        *slog.Logger
	Metrics    prometheus.Registerer // may be nil
}

// Listen is one socket we receive on.
type Listen struct {
	Network string // "udp" or "tcp"
	Addr    string // "127.0.0.1:5060"; port 0 takes a free one
}

// UA is our SIP user agent.
type UA struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	mouth   *mouth
	agent   *sipgo.UserAgent
	server  *sipgo.Server
	client  *sipgo.Client
	udp     []net.PacketConn
	tcp     []net.Listener
	addrs   []Listen

	mu       sync.Mutex
	legs     map[string]*Leg // by dialog
	calls    int             // being handled
	draining bool
	handle   func(context.Context, *Leg)
	serving  context.Context
	handlers sync.WaitGroup
	readers  sync.WaitGroup
}

// New checks cfg and binds the sockets, so that Addrs is known before Serve.
func New(cfg Config) (*UA, error) {
	if len(cfg.Allow) == 0 {
		cfg.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "ivr"
	}
	if cfg.RetryAfter <= 0 {
		cfg.RetryAfter = 10 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	ua := &UA{cfg: cfg, log: cfg.Log, metrics: newMetrics(cfg.Metrics), legs: map[string]*Leg{}, mouth: newMouth()}
	quiet := slog.New(slog.DiscardHandler) // what sipgo has to say per packet, we count
	var err error
	ua.agent, err = sipgo.NewUA(sipgo.WithUserAgent(cfg.UserAgent),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(quiet), sip.WithTransportLayerReadFilter(ua.filter)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(quiet)))
	if err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	if ua.server, err = sipgo.NewServer(ua.agent, sipgo.WithServerLogger(quiet)); err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	if ua.client, err = sipgo.NewClient(ua.agent, sipgo.WithClientLogger(quiet)); err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	ua.route()
	for _, l := range cfg.Listen {
		if err := ua.bind(l); err != nil {
			ua.close()
			return nil, err
		}
	}
	ua.listen()
	return ua, nil
}

// route says which handler takes which method.
func (ua *UA) route() {
	for method, h := range map[sip.RequestMethod]func(*sip.Request, sip.ServerTransaction){
		sip.INVITE: ua.onInvite, sip.ACK: ua.onAck, sip.BYE: ua.onBye, sip.CANCEL: ua.onCancel,
		sip.OPTIONS: ua.onOptions, sip.UPDATE: ua.onUpdate, sip.INFO: ua.onInfo, sip.NOTIFY: ua.onNotify,
	} {
		ua.server.OnRequest(method, ua.guarded(h))
	}
	ua.server.OnNoRoute(ua.guarded(ua.onUnknown))
}

func (ua *UA) bind(l Listen) error {
	switch l.Network {
	case "udp":
		c, err := net.ListenPacket("udp", l.Addr)
		if err != nil {
			return fmt.Errorf("sip: cannot listen on udp://%s: %w", l.Addr, err)
		}
		ua.udp = append(ua.udp, c)
		ua.addrs = append(ua.addrs, Listen{"udp", c.LocalAddr().String()})
	case "tcp":
		c, err := net.Listen("tcp", l.Addr)
		if err != nil {
			return fmt.Errorf("sip: cannot listen on tcp://%s: %w", l.Addr, err)
		}
		ua.tcp = append(ua.tcp, c)
		ua.addrs = append(ua.addrs, Listen{"tcp", c.Addr().String()})
	default:
		return fmt.Errorf("sip: unknown network %q: want udp or tcp", l.Network)
	}
	return nil
}

// listen starts the readers: a UA that only dials receives too.
func (ua *UA) listen() {
	for _, c := range ua.udp {
		ua.readers.Go(func() { ua.server.ServeUDP(c) })
		// sipgo knows the socket, and sends from it, once its reader runs: a call placed before would try to bind it again.
		for known := false; !known; runtime.Gosched() {
			conn, err := ua.agent.TransportLayer().GetConnection("udp", c.LocalAddr().String())
			known = err == nil && conn != nil
			if known {
				conn.TryClose() // gives back the reference
			}
		}
	}
	for _, l := range ua.tcp {
		ua.readers.Go(func() { ua.server.ServeTCP(l) })
	}
}

// Addrs lists what we listen on, as bound.
func (ua *UA) Addrs() []Listen { return ua.addrs }

// Serve receives calls until ctx is done and returns when every handler has returned. The leg is in its early state:
// handle answers, rejects or lets it go. When handle returns, whatever is left of the leg is ended.
func (ua *UA) Serve(ctx context.Context, handle func(context.Context, *Leg)) error {
	ua.mu.Lock()
	ua.serving, ua.handle = ctx, handle
	ua.mu.Unlock()
	<-ctx.Done()
	ua.Drain()
	ua.handlers.Wait()
	return ua.Close()
}

// Drain refuses new calls with 503 and Retry-After from now on; calls in progress go on.
func (ua *UA) Drain() {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	ua.draining = true
}

// Active counts legs of both directions that have not ended.
func (ua *UA) Active() int {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	return len(ua.legs)
}

// Close ends the sockets and waits for their readers. [UA.Serve] does so too.
func (ua *UA) Close() error {
	err := ua.close()
	ua.readers.Wait()
	return err
}

func (ua *UA) close() error {
	var errs []error
	for _, c := range ua.udp {
		errs = append(errs, ignoreClosed(c.Close()))
	}
	for _, l := range ua.tcp {
		errs = append(errs, ignoreClosed(l.Close()))
	}
	ua.agent.Close()
	return errors.Join(errs...)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// faces is our address towards a peer: what goes into Via, Contact and SDP.
func (ua *UA) faces(network, peer string) (addr netip.Addr, port int) {
	for _, l := range ua.addrs {
		if l.Network == network {
			if at, err := netip.ParseAddrPort(l.Addr); err == nil {
				addr, port = at.Addr().Unmap(), int(at.Port())
				break
			}
		}
	}
	if ua.cfg.External.IsValid() {
		return ua.cfg.External, port
	}
	if addr.IsValid() && !addr.IsUnspecified() {
		return addr, port
	}
	if c, err := net.Dial("udp", peer); err == nil { // sends nothing: asks the routing table
		defer c.Close()
		if at, err := netip.ParseAddrPort(c.LocalAddr().String()); err == nil {
			return at.Addr().Unmap(), port
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1}), port
}

// add makes a leg known to in-dialog requests.
func (ua *UA) add(l *Leg) {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	ua.legs[l.key()] = l
	ua.metrics.legs.Set(float64(len(ua.legs)))
}

func (ua *UA) remove(l *Leg) {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	delete(ua.legs, l.key())
	ua.metrics.legs.Set(float64(len(ua.legs)))
}

// legOf finds the dialog of a request (RFC 3261, 12.2.2): Call-ID and our tag; the far end's tag must fit once it is known.
func (ua *UA) legOf(req *sip.Request) *Leg {
	if req.CallID() == nil || req.To() == nil || req.From() == nil {
		return nil
	}
	ours, _ := req.To().Params.Get("tag")
	theirs, _ := req.From().Params.Get("tag")
	ua.mu.Lock()
	l := ua.legs[req.CallID().Value()+" "+ours]
	ua.mu.Unlock()
	if l == nil || l.remoteTag() != theirs {
		return nil
	}
	return l
}

func newTag() string { return fmt.Sprintf("%016x", rand.Uint64()) }

// networkOf is the transport of a message in lower case.
func networkOf(m interface{ Transport() string }) string { return strings.ToLower(m.Transport()) }
