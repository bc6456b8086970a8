package webrtc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/prometheus/client_golang/prometheus"

	"ivr/media"
)

// Server helps to find a path: stun:host:port, or turn:host:port with a name and a password. Browsers are told of it too.
type Server struct {
	URL      string `json:"urls" yaml:"url"`
	Username string `json:"username,omitempty" yaml:"username"`
	Password string `json:"credential,omitempty" yaml:"password"`
}

// Config of an [Endpoint]. Zero means the default in brackets.
type Config struct {
	Media    *media.Engine  // needed
	Listen   netip.AddrPort // of the UDP port that all calls share [loopback, any port]; with all addresses a port is needed
	External netip.Addr     // how that address is seen from outside, behind a NAT that maps it one to one
	Servers  []Server
	MaxCalls int                   // at once; more are refused [50]
	Log      *slog.Logger          // [slog.Default()]
	Metrics  prometheus.Registerer // may be nil
}

// Endpoint takes calls from browsers.
type Endpoint struct {
	cfg      Config
	urls     []*stun.URI
	identity identity
	tokens   *Tokens
	metrics  *metrics

	mu       sync.Mutex
	serving  context.Context // nil: not yet
	handle   func(context.Context, *Leg)
	mux      ice.UDPMux
	draining bool
	legs     map[string]*Leg // by secret
	taken    int             // legs, and those being made
	calls    sync.WaitGroup
}

// New checks the configuration. Nothing is opened before [Endpoint.Open].
func New(cfg Config) (*Endpoint, error) {
	if !cfg.Listen.IsValid() {
		cfg.Listen = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	}
	if cfg.Listen.Addr().IsUnspecified() && cfg.Listen.Port() == 0 {
		return nil, errors.New("webrtc: on all addresses calls can only share a port that is named")
	}
	if cfg.MaxCalls == 0 {
		cfg.MaxCalls = 50
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	e := &Endpoint{cfg: cfg, tokens: NewTokens(), metrics: newMetrics(cfg.Metrics), legs: map[string]*Leg{}}
	for _, s := range cfg.Servers {
		u, err := stun.ParseURI(s.URL)
		if err != nil {
			return nil, fmt.Errorf("webrtc: server %q: %w", s.URL, err)
		}
		u.Username, u.Password = s.Username, s.Password
		e.urls = append(e.urls, u)
	}
	var err error
	e.identity, err = newIdentity(cfg.Log)
	return e, err
}

// Tokens are those that this endpoint takes.
func (e *Endpoint) Tokens() *Tokens { return e.tokens }

// Active is how many calls there are.
func (e *Endpoint) Active() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.taken
}

// Drain refuses new calls from now on.
func (e *Endpoint) Drain() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.draining = true
}

// Serve takes calls until ctx is done, each conducted by handle on a goroutine of its own, and returns when all have ended.
func (e *Endpoint) Serve(ctx context.Context, handle func(context.Context, *Leg)) error {
	if err := e.Open(); err != nil {
		return err
	}
	e.mu.Lock()
	e.serving, e.handle = ctx, handle
	e.mu.Unlock()
	<-ctx.Done()
	e.Drain()
	e.calls.Wait()
	return e.mux.Close()
}

// Open takes the port that all calls share, unless that was done. [Endpoint.Serve] gives it back.
func (e *Endpoint) Open() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.mux != nil {
		return nil
	}
	var err error
	e.mux, err = e.listen()
	return err
}

func (e *Endpoint) listen() (ice.UDPMux, error) {
	at := e.cfg.Listen
	logger := quiet{e.cfg.Log}
	if at.Addr().IsUnspecified() {
		mux, err := ice.NewMultiUDPMuxFromPort(int(at.Port()), ice.UDPMuxFromPortWithLogger(logger))
		if err != nil {
			return nil, fmt.Errorf("webrtc: %w", err)
		}
		return mux, nil
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, fmt.Errorf("webrtc: %w", err)
	}
	return ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: logger}), nil
}

// errFull says that there is no room for another call, or that none are taken any more.
var errFull = errors.New("webrtc: no more calls are taken now")

// enter takes a place for a call that is to come.
func (e *Endpoint) enter() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.serving == nil || e.serving.Err() != nil || e.draining || e.taken >= e.cfg.MaxCalls {
		return errFull
	}
	e.taken++
	e.calls.Add(1)
	return nil
}

func (e *Endpoint) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.taken--
	e.calls.Done()
}

// take makes a leg of an offer, starts its call, and returns it with our answer. There must be a place for it.
func (e *Endpoint) take(ctx context.Context, o *offer, k Token) (l *Leg, answer []byte, err error) {
	agent, err := ice.NewAgentWithOptions(e.options()...)
	if err != nil {
		return nil, nil, err
	}
	l = &Leg{
		id: "web-" + rand.Text(), secret: rand.Text(), token: k, offer: o, identity: e.identity, agent: agent, wire: newWire(),
		screen: newScreen(), gathered: make(chan struct{}, 1), connected: make(chan struct{}), released: make(chan struct{}), remote: o.ice,
		metrics: e.metrics, began: time.Now(),
	}
	defer func() {
		if err != nil {
			agent.GracefulClose()
		}
	}()
	err = errors.Join(agent.OnConnectionStateChange(l.moved), agent.OnCandidate(func(c ice.Candidate) {
		if c == nil {
			select {
			case l.gathered <- struct{}{}:
			default:
			}
		}
	}))
	if err != nil {
		return nil, nil, err
	}
	ours, err := l.local(ctx)
	if err != nil {
		return nil, nil, err
	}
	if answer, err = o.answer(ours); err != nil {
		return nil, nil, err
	}
	if err = l.add(o.candidates); err != nil {
		return nil, nil, err
	}
	l.stream = e.cfg.Media.OpenOver(rtpConn{l.wire})
	e.mu.Lock()
	l.ctx, l.end = context.WithCancelCause(e.serving)
	e.legs[l.secret] = l
	e.mu.Unlock()
	go e.conduct(l)
	return l, answer, nil
}

// conduct has the handler conduct a call. Whatever is left of the leg when it has returned, or has panicked, is ended here.
func (e *Endpoint) conduct(l *Leg) {
	defer e.leave()
	defer func() {
		e.mu.Lock()
		delete(e.legs, l.secret)
		e.mu.Unlock()
	}()
	go l.carry()
	defer func() { <-l.released }()
	defer l.end(ErrEnded)
	defer func() {
		if p := recover(); p != nil {
			e.cfg.Log.Error("panic", "call", l.id, "value", p, "stack", string(debug.Stack()))
			e.metrics.refuse(refusedPanic)
		}
	}()
	e.handle(e.serving, l)
}

func (e *Endpoint) options() []ice.AgentOption {
	at := e.cfg.Listen.Addr()
	kinds := []ice.CandidateType{ice.CandidateTypeHost}
	for _, u := range e.urls {
		kinds = append(kinds, ice.CandidateTypeServerReflexive)
		if u.Scheme == stun.SchemeTypeTURN || u.Scheme == stun.SchemeTypeTURNS {
			kinds = append(kinds, ice.CandidateTypeRelay)
		}
	}
	options := []ice.AgentOption{
		ice.WithUDPMux(e.mux), ice.WithUrls(e.urls), ice.WithCandidateTypes(kinds),
		ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled), // a browser behind such a name finds us
		ice.WithDisconnectedTimeout(doubted), ice.WithFailedTimeout(lost), ice.WithKeepaliveInterval(keepings),
		ice.WithLoggerFactory(quiet{e.cfg.Log}),
	}
	if at.IsLoopback() {
		options = append(options, ice.WithIncludeLoopback())
	}
	if e.cfg.External.IsValid() {
		options = append(options, ice.WithAddressRewriteRules(ice.AddressRewriteRule{External: []string{e.cfg.External.String()}}))
	}
	return options
}

func (e *Endpoint) legOf(secret string) *Leg {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.legs[secret]
}
