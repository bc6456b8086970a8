//go:build !linux

package media

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// udpConn is a UDP socket with a reader of its own, that keeps what came until the clock asks for it.
type udpConn struct {
	*net.UDPConn
	came   chan datagram
	reader sync.WaitGroup
}

type datagram struct {
	raw  []byte
	from netip.AddrPort
	at   time.Time
}

// listenUDP binds a real socket.
func listenUDP(at netip.AddrPort) (PacketConn, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	c := &udpConn{UDPConn: conn, came: make(chan datagram, burst)}
	c.reader.Go(c.read)
	return c, nil
}

func (c *udpConn) read() {
	for failed := 0; failed < 100; {
		buf := make([]byte, packetMost)
		n, from, err := c.ReadFromUDPAddrPort(buf)
		switch {
		case err == nil:
			failed = 0
			select {
			case c.came <- datagram{buf[:n], from, time.Now()}:
			default: // as the kernel drops what nobody takes
			}
		case errors.Is(err, net.ErrClosed):
			return
		default:
			failed++ // what an earlier packet of ours met, as an ICMP error
		}
	}
}

// inbox is not needed here: what came lies in memory already.
type inbox struct{}

func newInbox() *inbox { return nil }

func (c *udpConn) receive(_ *inbox, _ time.Time, take func(raw []byte, from netip.AddrPort, at time.Time)) {
	c.Receive(take)
}

// Receive implements [PacketConn].
func (c *udpConn) Receive(take func(raw []byte, from netip.AddrPort, at time.Time)) {
	for range burst {
		select {
		case d := <-c.came:
			take(d.raw, d.from, d.at)
		default:
			return
		}
	}
}

// Close implements [PacketConn].
func (c *udpConn) Close() error {
	err := c.UDPConn.Close()
	c.reader.Wait()
	return err
}
