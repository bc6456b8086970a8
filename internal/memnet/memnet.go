// Package memnet is a network of packets in memory, for tests in fake time: testing/synctest controls channels and timers but not
// real sockets. A network can lose, delay, reorder and double packets, always the same way for the same seed.
package memnet

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Damage is what happens to packets on their way. The zero value is a perfect line.
type Damage struct {
	Loss      float64       // share of packets that never arrive, 0 to 1
	Duplicate float64       // share that arrives twice
	Delay     time.Duration // of every packet
	Jitter    time.Duration // up to this much more, evenly spread: more than the packets' distance reorders them
	Seed      uint64
}

// Network connects the sockets that [Network.Listen] opens.
type Network struct {
	damage Damage

	mu    sync.Mutex
	rng   *rand.Rand
	conns map[netip.AddrPort]*Conn
	next  uint16
}

// New makes a network whose every packet suffers d.
func New(d Damage) *Network {
	return &Network{damage: d, rng: rand.New(rand.NewPCG(d.Seed, 1)), conns: map[netip.AddrPort]*Conn{}, next: 40000}
}

// ErrTaken says that a socket has the address already.
var ErrTaken = errors.New("memnet: address in use")

// Listen opens a socket; port 0 takes a free one, and the unspecified address is 127.0.0.1.
func (n *Network) Listen(at netip.AddrPort) (*Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
	}
	if at.Port() == 0 {
		n.next += 2 // RTP takes an even one, and RTCP the next
		at = netip.AddrPortFrom(at.Addr(), n.next)
	}
	if n.conns[at] != nil {
		return nil, ErrTaken
	}
	c := &Conn{net: n, addr: at, in: make(chan packet, 256), closed: make(chan struct{}), wake: make(chan struct{}, 1)}
	n.conns[at] = c
	return c, nil
}

type packet struct {
	data []byte
	from netip.AddrPort
	at   time.Time // of arrival
}

// Conn is one socket.
type Conn struct {
	net    *Network
	addr   netip.AddrPort
	in     chan packet
	once   sync.Once
	closed chan struct{}

	mu       sync.Mutex
	deadline time.Time
	wake     chan struct{} // the deadline changed
}

// WriteToUDPAddrPort sends a packet. Like UDP it does not say whether anybody got it.
func (c *Conn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	n := c.net
	n.mu.Lock()
	copies := 1
	if n.rng.Float64() < n.damage.Loss {
		copies = 0
	} else if n.rng.Float64() < n.damage.Duplicate {
		copies = 2
	}
	peer := n.conns[to]
	delays := make([]time.Duration, copies)
	for i := range delays {
		delays[i] = n.damage.Delay
		if n.damage.Jitter > 0 {
			delays[i] += time.Duration(n.rng.Int64N(int64(n.damage.Jitter)))
		}
	}
	n.mu.Unlock()
	if peer == nil {
		return len(b), nil
	}
	p := packet{data: append([]byte(nil), b...), from: c.addr}
	for _, d := range delays {
		if d == 0 {
			peer.deliver(p)
		} else {
			time.AfterFunc(d, func() { peer.deliver(p) })
		}
	}
	return len(b), nil
}

// deliver drops the packet when the socket's buffer is full, as kernels do.
func (c *Conn) deliver(p packet) {
	p.at = time.Now()
	select {
	case <-c.closed:
	case c.in <- p:
	default:
	}
}

// ReadFromUDPAddrPort waits for a packet, the deadline or Close.
func (c *Conn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		c.mu.Lock()
		deadline := c.deadline
		c.mu.Unlock()
		var expired <-chan time.Time
		if !deadline.IsZero() {
			t := time.NewTimer(time.Until(deadline))
			defer t.Stop()
			expired = t.C
		}
		select {
		case p := <-c.in:
			return copy(b, p.data), p.from, nil
		case <-c.closed:
			return 0, netip.AddrPort{}, net.ErrClosed
		case <-expired:
			return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
		case <-c.wake:
		}
	}
}

// Receive hands over what has come and does not wait.
func (c *Conn) Receive(take func(raw []byte, from netip.AddrPort, at time.Time)) {
	for {
		select {
		case p := <-c.in:
			take(p.data, p.from, p.at)
		default:
			return
		}
	}
}

// Waiting is how many packets have come that were not read yet.
func (c *Conn) Waiting() int { return len(c.in) }

// SetReadDeadline ends a Read that waits longer; zero: never.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return nil
}

// LocalAddr of the socket.
func (c *Conn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.addr) }

// Close frees the address. Safe to call twice.
func (c *Conn) Close() error {
	c.once.Do(func() {
		c.net.mu.Lock()
		delete(c.net.conns, c.addr)
		c.net.mu.Unlock()
		close(c.closed)
	})
	return nil
}
