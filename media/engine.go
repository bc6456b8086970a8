package media

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ErrNoPort says that every even port of the range is taken.
var ErrNoPort = errors.New("media: no free RTP port")

const (
	quarantine = 5 * time.Second        // a port rests after use: late packets of the old call must not reach a new one
	lateSend   = 20 * time.Millisecond  // a tick later than this is counted on every packet it sends
	catchUp    = 200 * time.Millisecond // a clock later than this skips ticks instead of sending them in a burst
)

// PacketConn is what a stream needs of a socket; *net.UDPConn is one.
type PacketConn interface {
	ReadFromUDPAddrPort(b []byte) (n int, addr netip.AddrPort, err error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error)
	LocalAddr() net.Addr
	SetReadDeadline(t time.Time) error
	Close() error
}

// Config of an [Engine]. The zero value binds all interfaces, ports 20000 to 29999.
type Config struct {
	Bind             netip.Addr                               // address the sockets bind to
	PortMin, PortMax int                                      // RTP takes even ports of this range
	Listen           func(netip.AddrPort) (PacketConn, error) // nil: real UDP sockets
	Metrics          prometheus.Registerer                    // may be nil
}

// Engine owns the shared clock and the RTP ports.
type Engine struct {
	cfg     Config
	metrics *metrics

	ticking sync.Mutex // held for the whole of a tick
	mu      sync.Mutex
	streams []*Stream         // copied on change: the clock reads it without the lock
	ports   map[int]time.Time // taken: zero; resting: since
	next    int
}

// NewEngine starts nothing: see [Engine.Run].
func NewEngine(cfg Config) *Engine {
	if cfg.PortMin == 0 && cfg.PortMax == 0 {
		cfg.PortMin, cfg.PortMax = 20000, 29999
	}
	if cfg.PortMin%2 != 0 {
		cfg.PortMin++
	}
	if !cfg.Bind.IsValid() {
		cfg.Bind = netip.IPv4Unspecified()
	}
	if cfg.Listen == nil {
		cfg.Listen = func(at netip.AddrPort) (PacketConn, error) {
			return net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		}
	}
	e := &Engine{cfg: cfg, ports: map[int]time.Time{}, next: cfg.PortMin}
	e.metrics = newMetrics(cfg.Metrics, e)
	return e
}

// Run ticks until ctx is done. Deadlines count from the start, so that the clock does not drift with its own lateness.
func (e *Engine) Run(ctx context.Context) error {
	start := time.Now()
	timer := time.NewTimer(FrameDuration)
	defer timer.Stop()
	for n := 1; ; n++ {
		due := start.Add(time.Duration(n) * FrameDuration)
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		late := time.Since(due)
		if late > catchUp {
			n += int(late / FrameDuration)
		}
		e.metrics.tick(late)
		e.tick(late > lateSend)
	}
}

// tick moves one frame each way on every stream: all receive, then all send, so that bridged legs hear each other at once.
func (e *Engine) tick(late bool) {
	e.ticking.Lock()
	defer e.ticking.Unlock()
	e.mu.Lock()
	streams := e.streams
	e.mu.Unlock()
	for _, s := range streams {
		s.receiveTick()
	}
	for _, s := range streams {
		s.sendTick(time.Now(), late)
	}
}

// betweenTicks runs f while no stream moves.
func (e *Engine) betweenTicks(f func()) {
	e.ticking.Lock()
	defer e.ticking.Unlock()
	f()
}

// Open takes an even port and a socket on it. Nothing flows before [Stream.Start].
func (e *Engine) Open() (*Stream, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var last error
	now := time.Now()
	for range (e.cfg.PortMax - e.cfg.PortMin + 2) / 2 {
		port := e.next
		if e.next += 2; e.next > e.cfg.PortMax {
			e.next = e.cfg.PortMin
		}
		if rested, known := e.ports[port]; known && (rested.IsZero() || now.Sub(rested) < quarantine) {
			continue
		}
		conn, err := e.cfg.Listen(netip.AddrPortFrom(e.cfg.Bind, uint16(port)))
		if err != nil {
			last = err // somebody else has it
			continue
		}
		e.ports[port] = time.Time{}
		return newStream(e, conn, port), nil
	}
	if last != nil {
		return nil, fmt.Errorf("%w between %d and %d: %w", ErrNoPort, e.cfg.PortMin, e.cfg.PortMax, last)
	}
	return nil, fmt.Errorf("%w between %d and %d", ErrNoPort, e.cfg.PortMin, e.cfg.PortMax)
}

func (e *Engine) add(s *Stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.streams = append(e.streams[:len(e.streams):len(e.streams)], s)
}

// remove takes a stream off the clock, and off whoever is bridged to it, between two ticks.
func (e *Engine) remove(s *Stream) {
	e.betweenTicks(func() {
		e.mu.Lock()
		kept := make([]*Stream, 0, len(e.streams))
		for _, other := range e.streams {
			if other != s {
				kept = append(kept, other)
			}
		}
		e.streams = kept
		e.mu.Unlock()
		s.mu.Lock()
		peer := s.peer
		s.peer = nil
		s.mu.Unlock()
		if peer != nil {
			peer.part(s)
		}
	})
}

// release lets the port rest, then be used again, and adds the stream to the totals.
func (e *Engine) release(s *Stream) {
	e.metrics.closed(s.Stats())
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ports[s.port] = time.Now()
}
