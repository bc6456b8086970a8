package media

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	dscpEF       = 46 << 2          // expedited forwarding (RFC 3246), as the octet of the IP header has it
	controlSpace = 64               // octets for what the kernel says beside a packet: when it came
	ageMost      = 10 * time.Second // of a packet that waited: older ones came before the clock of the machine was set
)

// udpConn is a UDP socket that the clock of the engine asks for what came. The runtime's poller does not know it, so that no packet
// wakes anybody up: that costs more than to receive it. The kernel notes when each one came.
type udpConn struct {
	ipv6 bool

	mu sync.Mutex // nobody may use the number of a closed socket: it may be another's by now
	fd int        // -1 when closed
}

// listenUDP binds a real socket.
func listenUDP(at netip.AddrPort) (PacketConn, error) {
	c := &udpConn{ipv6: at.Addr().Is6() && !at.Addr().Is4In6()}
	family := unix.AF_INET
	if c.ipv6 {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	c.fd = fd
	if err := c.prepare(at); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("bind %v: %w", at, err)
	}
	return c, nil
}

func (c *udpConn) prepare(at netip.AddrPort) error {
	// Where these two fail packets are received and sent all the same.
	_ = unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	if !c.ipv6 {
		_ = unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_TOS, dscpEF)
		return unix.Bind(c.fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().Unmap().As4()})
	}
	_ = unix.SetsockoptInt(c.fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, dscpEF)
	if err := unix.SetsockoptInt(c.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
		return err
	}
	zone := 0
	if name := at.Addr().Zone(); name != "" {
		link, err := net.InterfaceByName(name)
		if err != nil {
			return err
		}
		zone = link.Index
	}
	return unix.Bind(c.fd, &unix.SockaddrInet6{Port: int(at.Port()), Addr: at.Addr().As16(), ZoneId: uint32(zone)})
}

// message is struct mmsghdr (recvmmsg(2)).
type message struct {
	unix.Msghdr
	size uint32
}

// inbox is room for what one system call brings.
type inbox struct {
	messages [batch]message
	vectors  [batch]unix.Iovec
	names    [batch]unix.RawSockaddrInet6 // room for IPv4 too
	controls [batch][controlSpace]byte
	packets  [batch][packetMost]byte
	used     int // messages that a call has written to
}

func newInbox() *inbox {
	in := &inbox{used: batch}
	for i := range in.messages {
		m := &in.messages[i]
		in.vectors[i].Base = &in.packets[i][0]
		in.vectors[i].SetLen(packetMost)
		m.Iov = &in.vectors[i]
		m.SetIovlen(1)
		m.Name, m.Control = (*byte)(unsafe.Pointer(&in.names[i])), &in.controls[i][0]
	}
	return in
}

// Receive implements [PacketConn].
func (c *udpConn) Receive(take func(raw []byte, from netip.AddrPort, at time.Time)) {
	c.receive(newInbox(), time.Now(), take)
}

// receive does the same with room that is used again.
func (c *udpConn) receive(in *inbox, now time.Time, take func(raw []byte, from netip.AddrPort, at time.Time)) {
	for range burst / batch {
		for i := range in.used {
			in.messages[i].Namelen = unix.SizeofSockaddrInet6
			in.messages[i].SetControllen(controlSpace)
		}
		in.used = c.fill(in)
		for i := range in.used {
			m, at := &in.messages[i], now
			if age := now.UnixNano() - stamp(&in.controls[i], int(m.Controllen)); age > 0 && age < int64(ageMost) {
				at = now.Add(-time.Duration(age)) // on the monotonic clock
			}
			if m.Flags&unix.MSG_TRUNC == 0 {
				take(in.packets[i][:m.size], addressOf(&in.names[i]), at)
			}
		}
		if in.used < batch {
			return
		}
	}
}

// fill asks the kernel and returns how many packets there are. It does not wait, so the scheduler need not know of it. Errors are
// those of earlier packets, or passing: the next tick asks again.
func (c *udpConn) fill(in *inbox) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 {
		return 0
	}
	n, _, err := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(c.fd), uintptr(unsafe.Pointer(&in.messages)), batch, unix.MSG_DONTWAIT, 0, 0)
	if err != 0 {
		return 0
	}
	return int(n)
}

// stamp is when the kernel says that a packet came, in nanoseconds since 1970; 0 when it does not.
func stamp(control *[controlSpace]byte, size int) int64 {
	if size < unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) {
		return 0
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(control))
	if h.Level != unix.SOL_SOCKET || h.Type != unix.SCM_TIMESTAMPNS {
		return 0
	}
	return (*unix.Timespec)(unsafe.Pointer(&control[unix.CmsgLen(0)])).Nano()
}

func addressOf(name *unix.RawSockaddrInet6) netip.AddrPort {
	port := (*[2]byte)(unsafe.Pointer(&name.Port))
	at := binary.BigEndian.Uint16(port[:])
	if name.Family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Addr), at)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(name.Addr), at)
}

// WriteToUDPAddrPort implements [PacketConn]. A packet for which there is no room is not sent.
func (c *udpConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	var name unix.RawSockaddrInet6
	size := uintptr(unix.SizeofSockaddrInet6)
	port := (*[2]byte)(unsafe.Pointer(&name.Port)) // at the same place in both
	binary.BigEndian.PutUint16(port[:], to.Port())
	switch {
	case c.ipv6:
		name.Family, name.Addr = unix.AF_INET6, to.Addr().As16()
	case to.Addr().Is4() || to.Addr().Is4In6():
		name.Family = unix.AF_INET
		(*unix.RawSockaddrInet4)(unsafe.Pointer(&name)).Addr = to.Addr().Unmap().As4()
		size = unix.SizeofSockaddrInet4
	default:
		return 0, unix.EAFNOSUPPORT
	}
	if len(b) == 0 {
		return 0, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 {
		return 0, net.ErrClosed
	}
	n, _, err := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&name)), size)
	if err != 0 {
		return 0, err
	}
	return int(n), nil
}

// Close implements [PacketConn].
func (c *udpConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 {
		return net.ErrClosed
	}
	fd := c.fd
	c.fd = -1
	return os.NewSyscallError("close", unix.Close(fd))
}
