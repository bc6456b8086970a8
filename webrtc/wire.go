package webrtc

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v4/packetio"
)

// Room for packets that were not read yet: two seconds of audio, and the flights of a handshake.
const (
	rtpWaiting  = 100
	dtlsWaiting = 64
)

// wire splits what comes over one ICE connection into DTLS and RTP by the first octet (RFC 7983, 7). Before there is a connection,
// and while ICE looks for another path, nothing is sent: the clock must not wait for it.
type wire struct {
	dtls *packetio.Buffer
	rtp  chan rtpPacket
	conn atomic.Pointer[net.Conn]
	open atomic.Bool // there is a path
}

// rtpPacket waits until the clock asks for it.
type rtpPacket struct {
	raw []byte
	at  time.Time // when it came
}

func newWire() *wire {
	w := &wire{dtls: packetio.NewBuffer(), rtp: make(chan rtpPacket, rtpWaiting)}
	w.dtls.SetLimitCount(dtlsWaiting)
	return w
}

// attach opens the wire over a connection, from which [wire.run] takes packets.
func (w *wire) attach(conn net.Conn) {
	w.conn.Store(&conn)
	w.open.Store(true)
}

// run takes packets until the connection is closed. What does not fit is dropped, as by a socket.
func (w *wire) run() {
	defer w.dtls.Close()
	conn := *w.conn.Load()
	buf := make([]byte, 1500)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		switch {
		case n > 0 && buf[0] >= 20 && buf[0] <= 63:
			_, _ = w.dtls.Write(buf[:n])
		case n > 0 && buf[0] >= 128 && buf[0] <= 191:
			select {
			case w.rtp <- rtpPacket{bytes.Clone(buf[:n]), time.Now()}:
			default:
			}
		}
	}
}

// errNoPath says that ICE has found no path yet, or has lost it.
var errNoPath = errors.New("webrtc: no path to the browser")

func (w *wire) write(b []byte) (int, error) {
	conn := w.conn.Load()
	if conn == nil || !w.open.Load() {
		return 0, errNoPath
	}
	return (*conn).Write(b)
}

// nominal stands for the browser where an address is asked for: ICE alone knows where it is.
var nominal = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 9)

// rtpConn is the wire as a stream wants it.
type rtpConn struct{ *wire }

func (c rtpConn) Receive(take func(raw []byte, from netip.AddrPort, at time.Time)) {
	for range rtpWaiting {
		select {
		case p := <-c.rtp:
			take(p.raw, nominal, p.at)
		default:
			return
		}
	}
}

func (c rtpConn) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) { return c.write(b) }
func (c rtpConn) Close() error                                               { return nil } // ICE ends it

// dtlsConn is the wire as DTLS wants it.
type dtlsConn struct{ *wire }

func (c dtlsConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := read(c.dtls, b)
	return n, net.UDPAddrFromAddrPort(nominal), err
}

func (c dtlsConn) WriteTo(b []byte, _ net.Addr) (int, error) { return c.write(b) }
func (c dtlsConn) LocalAddr() net.Addr                       { return net.UDPAddrFromAddrPort(nominal) }
func (c dtlsConn) SetReadDeadline(t time.Time) error         { return c.dtls.SetReadDeadline(t) }
func (c dtlsConn) SetWriteDeadline(time.Time) error          { return nil } // writing does not wait
func (c dtlsConn) SetDeadline(t time.Time) error             { return c.dtls.SetReadDeadline(t) }
func (c dtlsConn) Close() error                              { return c.dtls.Close() }

// read takes one packet, with errors as sockets have them.
func read(from *packetio.Buffer, b []byte) (int, error) {
	n, err := from.Read(b)
	var timeout net.Error
	switch {
	case err == nil:
		return n, nil
	case errors.As(err, &timeout) && timeout.Timeout():
		return 0, os.ErrDeadlineExceeded
	}
	return 0, net.ErrClosed
}
