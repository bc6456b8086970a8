package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

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
	Trunks     []Trunk // those that come first are asked first to place a call
	Guard      Guard
	TLS        *tls.Config // certificate of the "tls" and "wss" sockets; with ClientAuth for mutual TLS
	ClientTLS  *tls.Config // for connections of ours; nil: the system's authorities
	Resolver   Resolver    // nil: the system's
	Media      *media.Engine

	SessionExpires time.Duration // session timer that we ask for (RFC 4028) [30m]; negative: none, others may still

	Log     *slog.Logger
	Metrics prometheus.Registerer // may be nil

	listenPacket func(addr string) (net.PacketConn, error) // of tests in fake time; nil: real sockets
}

// Listen is one socket we receive on.
type Listen struct {
	Network string // "udp", "tcp", "tls", "ws" or "wss"
	Addr    string // "127.0.0.1:5060"; port 0 takes a free one
}

// UA is our SIP user agent.
type UA struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	mouth   *mouth
	ledger  *ledger
	agent   *sipgo.UserAgent
	server  *sipgo.Server
	client  *sipgo.Client
	udp     []net.PacketConn
	tcp     []net.Listener
	tls     []net.Listener
	web     []webSockets
	addrs   []Listen
	outlets map[string]*outlet // by network
	dials   singleflight.Group
	trunks  []*trunk
	guard   *guard
	auth    *challenger

	identity *media.Identity // of protected audio whose keys DTLS agrees on

	mu       sync.Mutex
	legs     map[string]*Leg    // by dialog
	called   map[netip.Addr]int // peers of calls of ours
	parting  map[string]bool    // dialogs whose BYE of ours is on its way
	invites  map[string]bool    // calls being handled
	draining bool
	closed   bool
	handle   func(context.Context, *Leg)
	serving  context.Context
	handlers sync.WaitGroup
	readers  sync.WaitGroup

	browsers  sync.Map    // "ws" or "wss" by the address of the peer
	deaf      atomic.Bool // nothing that arrives is read any more
	farewells sync.WaitGroup
	lastWords context.Context // of farewells; done a moment after Close has begun
	silence   context.CancelFunc
}

// parole is how long Close waits for what must still be said: a CANCEL, a BYE.
const parole = 2 * time.Second

// flush is how long what was received before Close may take to reach its handler.
const flush = 10 * time.Millisecond

func (cfg *Config) setDefaults() {
	if len(cfg.Allow) == 0 {
		cfg.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "ivr"
	}
	if cfg.RetryAfter <= 0 {
		cfg.RetryAfter = 10 * time.Second
	}
	if cfg.SessionExpires == 0 {
		cfg.SessionExpires = defaultSession
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.listenPacket == nil {
		cfg.listenPacket = listenPacket
	}
	if cfg.Resolver == nil {
		cfg.Resolver = systemResolver{net.DefaultResolver}
	}
}

// New checks cfg and binds the sockets, so that Addrs is known before Serve.
func New(cfg Config) (*UA, error) {
	cfg.setDefaults()
	tameLibrary()
	ua := &UA{cfg: cfg, log: cfg.Log, metrics: newMetrics(cfg.Metrics), legs: map[string]*Leg{}, parting: map[string]bool{},
		invites: map[string]bool{}, mouth: newMouth(), ledger: newLedger(), called: map[netip.Addr]int{}, guard: newGuard(cfg.Guard), auth: newChallenger("ivr"),
		outlets: map[string]*outlet{"tcp": newOutlet(), "tls": newOutlet()}}
	ua.lastWords, ua.silence = context.WithCancel(context.Background())
	for _, c := range cfg.Trunks {
		t, err := ua.newTrunk(c)
		if err != nil {
			return nil, err
		}
		ua.trunks = append(ua.trunks, t)
	}
	quiet := slog.New(slog.DiscardHandler) // what sipgo has to say per packet, we count
	var err error
	if ua.identity, err = media.NewIdentity(); err != nil {
		return nil, err
	}
	ua.agent, err = sipgo.NewUA(sipgo.WithUserAgent(cfg.UserAgent),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(quiet)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(quiet),
			sip.WithTransactionLayerTerminateOnConnClose()))
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
		sip.OPTIONS: ua.onOptions, sip.PRACK: ua.onPrack, sip.UPDATE: ua.onUpdate, sip.INFO: ua.onInfo, sip.REFER: ua.onRefer, sip.NOTIFY: ua.onNotify,
	} {
		ua.server.OnRequest(method, ua.guarded(h))
	}
	ua.server.OnNoRoute(ua.guarded(ua.onUnknown))
}

// Addrs lists what we listen on, as bound.
func (ua *UA) Addrs() []Listen { return ua.addrs }

// Serve receives calls until ctx is done and returns when every handler has returned; meanwhile it keeps the trunks registered. The leg is in its early state:
// handle answers, rejects or lets it go. When handle returns, whatever is left of the leg is ended.
func (ua *UA) Serve(ctx context.Context, handle func(context.Context, *Leg)) error {
	ua.mu.Lock()
	ua.serving, ua.handle = ctx, handle
	ua.mu.Unlock()
	var trunks sync.WaitGroup
	for _, t := range ua.trunks {
		trunks.Go(func() { t.run(ctx) })
	}
	<-ctx.Done()
	ua.Drain()
	trunks.Wait()
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

// Close hangs up what is left, ends the sockets and waits for their readers; a CANCEL or BYE that is on its way has two seconds to
// arrive. [UA.Serve] does so too.
func (ua *UA) Close() error {
	ua.mu.Lock()
	left := slices.Collect(maps.Values(ua.legs))
	ua.draining = true
	ua.mu.Unlock()
	for _, l := range left {
		ua.farewell(func(ctx context.Context) { l.Hangup(ctx, "") })
	}
	ua.mu.Lock()
	ua.closed = true
	ua.mu.Unlock()
	limit := time.AfterFunc(parole, ua.silence)
	ua.farewells.Wait()
	limit.Stop()
	ua.silence()
	// sipgo looks up the socket of a request on a goroutine that nobody can wait for, and opens a new one that nobody will close
	// when it comes too late. Nothing is let in any more; what was let in before gets time to pass.
	ua.deaf.Store(true)
	<-time.After(flush)
	err := ua.close()
	ua.readers.Wait()
	return err
}

// farewell says what must still be said of a call that nobody waits for any more; Close waits for it. False: the UA is closed.
func (ua *UA) farewell(say func(context.Context)) bool {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	if !ua.closed {
		ua.farewells.Go(func() { say(ua.lastWords) })
	}
	return !ua.closed
}

func (ua *UA) close() error {
	var errs []error
	for _, c := range ua.udp {
		errs = append(errs, ignoreClosed(c.Close()))
	}
	for _, l := range slices.Concat(ua.tcp, ua.tls) {
		errs = append(errs, ignoreClosed(l.Close()))
	}
	for _, l := range ua.web {
		errs = append(errs, ignoreClosed(l.Close()))
	}
	for _, o := range ua.outlets {
		o.Close()
	}
	ua.agent.Close()
	return errors.Join(errs...)
}

// add makes a leg known to in-dialog requests.
func (ua *UA) add(l *Leg) {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	ua.legs[l.key()] = l
	if addr, ok := l.met(); ok {
		ua.called[addr]++
	}
	ua.metrics.legs.Set(float64(len(ua.legs)))
}

func (ua *UA) remove(l *Leg) {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	delete(ua.legs, l.key())
	if addr, ok := l.met(); ok { // what is late may still come
		time.AfterFunc(64*t1, func() {
			ua.mu.Lock()
			defer ua.mu.Unlock()
			if ua.called[addr]--; ua.called[addr] == 0 {
				delete(ua.called, addr)
			}
		})
	}
	ua.metrics.legs.Set(float64(len(ua.legs)))
}

// met is the peer of a call of ours: it may answer, wherever it is.
func (l *Leg) met() (addr netip.Addr, ok bool) {
	at, err := netip.ParseAddrPort(l.peer)
	return at.Addr(), err == nil && l.tx == nil
}

// part makes a dialog that we end known until the far end has confirmed it: its own BYE may cross ours.
func (ua *UA) part(key string) (done func()) {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	ua.parting[key] = true
	return func() {
		ua.mu.Lock()
		defer ua.mu.Unlock()
		delete(ua.parting, key)
	}
}

func (ua *UA) isParting(req *sip.Request) bool {
	ours, _ := req.To().Params.Get("tag")
	theirs, _ := req.From().Params.Get("tag")
	ua.mu.Lock()
	defer ua.mu.Unlock()
	return ua.parting[req.CallID().Value()+" "+ours+" "+theirs]
}

func newTag() string { return fmt.Sprintf("%016x", rand.Uint64()) }

// networkOf is the transport of a message in lower case.
func networkOf(m interface{ Transport() string }) string { return strings.ToLower(m.Transport()) }
