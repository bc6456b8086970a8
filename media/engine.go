package media

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// PacketConn is what a stream needs of a socket. Nothing in it waits.
type PacketConn interface {
	// Receive hands over the packets that have come, oldest first, each with where it came from and when; those for which there is
	// no time are left for the next call. A packet is valid until take returns.
	Receive(take func(raw []byte, from netip.AddrPort, at time.Time))
	// WriteToUDPAddrPort sends a packet, or returns an error when there is no room for it.
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error)
	Close() error
}

// Config of an [Engine]. The zero value binds all IPv4 interfaces, ports 20000 to 29999.
type Config struct {
	Bind             netip.Addr                               // address the sockets bind to
	PortMin, PortMax int                                      // RTP takes even ports of this range
	Listen           func(netip.AddrPort) (PacketConn, error) // nil: real UDP sockets
	Metrics          prometheus.Registerer                    // may be nil
}

// catchUp is how many ticks are made up for after the process stood still; more are skipped.
const catchUp = 5

// Engine owns the shared clock and the RTP ports.
type Engine struct {
	bind    netip.Addr
	listen  func(netip.AddrPort) (PacketConn, error)
	ports   *ports
	metrics *metrics

	phase sync.Mutex // held while all streams send: what is to change between two ticks takes it
	mixes []*Mix     // under it

	mu      sync.Mutex
	running bool
	joining []*Stream // from the next tick on

	streams []*Stream // only the clock touches it
	crew    crew
}

// NewEngine starts nothing: see [Engine.Run].
func NewEngine(cfg Config) *Engine {
	if cfg.PortMin == 0 && cfg.PortMax == 0 {
		cfg.PortMin, cfg.PortMax = 20000, 29999
	}
	if !cfg.Bind.IsValid() {
		cfg.Bind = netip.IPv4Unspecified()
	}
	if cfg.Listen == nil {
		cfg.Listen = listenUDP
	}
	e := &Engine{
		bind:    cfg.Bind,
		listen:  cfg.Listen,
		ports:   newPorts(cfg.PortMin, cfg.PortMax),
		metrics: newMetrics(cfg.Metrics),
	}
	e.crew.rest.L = &e.crew.mu
	e.crew.clock = newHand()
	return e
}

// Open takes an even port and a socket on it. Nothing flows before [Stream.Start].
func (e *Engine) Open() (*Stream, error) {
	var refused error
	for {
		port, err := e.ports.take(time.Now())
		if err != nil {
			return nil, errors.Join(err, refused)
		}
		conn, err := e.listen(netip.AddrPortFrom(e.bind, uint16(port)))
		if err != nil { // another process has it
			e.ports.release(port, time.Now())
			refused = fmt.Errorf("media: port %d: %w", port, err)
			continue
		}
		// When another process has the port of RTCP, reports go by that of RTP, and the far end's may be missed.
		var aside PacketConn
		if c, err := e.listen(netip.AddrPortFrom(e.bind, uint16(port+1))); err == nil {
			aside = c
		}
		s := e.newStream(conn)
		s.aside, s.port = aside, port
		return s, nil
	}
}

// OpenOver makes a stream over a connection that somebody else has made, as ICE does. The stream closes it. It carries RTCP too,
// so [Params.Mux] is to be set; the addresses of packets are the connection's own business, as long as they are always the same.
func (e *Engine) OpenOver(conn PacketConn) *Stream { return e.newStream(conn) }

func (e *Engine) newStream(conn PacketConn) *Stream {
	e.metrics.opened()
	return &Stream{
		engine: e, conn: conn,
		digits: make(chan Digit, keptDigits), gone: make(chan struct{}),
		player: player{gain: 1, want: 1},
		sender: newSender(),
	}
}

// join lets the clock tick for s.
func (e *Engine) join(s *Stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.joining = append(e.joining, s)
}

// left takes back the port of a closed stream. The clock finds out by itself.
func (e *Engine) left(s *Stream) {
	if s.port != 0 {
		e.ports.release(s.port, time.Now())
	}
	s.mu.Lock()
	n, measured := s.count(), s.source.audio.timed
	var last tally
	last.take(s)
	s.mu.Unlock()
	e.metrics.add(&last)
	e.metrics.closed(n, measured)
}

// Run ticks until ctx is done, and then returns nil. The times of all ticks follow from that of the first, so the clock does
// not drift; a tick that comes late does not delay the next one.
func (e *Engine) Run(ctx context.Context) error {
	e.mu.Lock()
	twice := e.running
	e.running = true
	e.mu.Unlock()
	if twice {
		return errors.New("media: the clock runs already")
	}
	defer func() {
		e.mu.Lock()
		e.running = false
		e.mu.Unlock()
	}()
	defer e.crew.hire(runtime.GOMAXPROCS(0) - 1)()
	first := time.Now()
	timer := time.NewTimer(FrameDuration)
	defer timer.Stop()
	for n := 1; ; n++ {
		due := first.Add(time.Duration(n) * FrameDuration)
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		behind := int(time.Since(due) / FrameDuration)
		if behind > catchUp {
			e.skip(behind)
			n += behind
			due = first.Add(time.Duration(n) * FrameDuration)
		}
		e.tick(due)
	}
}

// tick serves all streams: first all receive, then all send, so that bridged legs hear each other on the same tick.
func (e *Engine) tick(due time.Time) { e.tickAt(due, time.Now()) }

func (e *Engine) tickAt(due, now time.Time) {
	e.metrics.ticked(now.Sub(due))
	e.mu.Lock()
	e.streams = append(e.streams, e.joining...)
	clear(e.joining)
	e.joining = e.joining[:0]
	e.mu.Unlock()

	e.crew.serve(e.streams, (*Stream).receive, due, now)
	e.streams = slices.DeleteFunc(e.streams, func(s *Stream) bool { return s.heard.ended })

	e.phase.Lock()
	for _, m := range e.mixes {
		m.turn()
	}
	e.mixes = slices.DeleteFunc(e.mixes, func(m *Mix) bool { return len(m.members) == 0 })
	e.crew.serve(e.streams, (*Stream).send, due, now)
	e.phase.Unlock()
	e.metrics.add(&e.crew.sum)
}

// skip lets the clocks of all streams go on without sending.
func (e *Engine) skip(ticks int) {
	e.metrics.skip(ticks)
	for _, s := range e.streams {
		s.mu.Lock()
		s.sender.now += rtpTime(ticks * s.format.ticks())
		s.mu.Unlock()
	}
}
