//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batch      = 256
	packetMost = 2048
)

// socket is a UDP socket on 127.0.0.1 that takes and sends hundreds of packets with one system call, and knows when each came.
type socket struct {
	fd      int
	addr    netip.AddrPort
	in, out [batch]message
	packets [batch][packetMost]byte
	names   [batch]unix.RawSockaddrInet4
	stamps  [batch][64]byte
	vectors [batch]unix.Iovec
	replies int
}

// message is struct mmsghdr (recvmmsg(2)).
type message struct {
	unix.Msghdr
	size uint32
}

func newSocket(room int) (*socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room) != nil { // for root only
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, room)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return nil, os.NewSyscallError("getsockname", err)
	}
	at := name.(*unix.SockaddrInet4)
	s := &socket{fd: fd, addr: netip.AddrPortFrom(netip.AddrFrom4(at.Addr), uint16(at.Port))}
	for i := range batch {
		s.vectors[i].Base = &s.packets[i][0]
		for _, m := range []*message{&s.in[i], &s.out[i]} {
			m.Iov, m.Name = &s.vectors[i], (*byte)(unsafe.Pointer(&s.names[i]))
			m.SetIovlen(1)
		}
		s.in[i].Control = &s.stamps[i][0]
	}
	return s, nil
}

// drain hands over all that has come.
func (s *socket) drain(take func(raw []byte, from netip.AddrPort, at time.Time)) {
	for {
		for i := range batch {
			s.vectors[i].SetLen(packetMost)
			s.in[i].Namelen = unix.SizeofSockaddrInet4
			s.in[i].SetControllen(len(s.stamps[i]))
		}
		n, _, err := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.in)), batch, unix.MSG_DONTWAIT, 0, 0)
		if err != 0 {
			return
		}
		for i := range int(n) {
			ts := (*unix.Timespec)(unsafe.Pointer(&s.stamps[i][unix.CmsgLen(0)]))
			take(s.packets[i][:s.in[i].size], s.from(i), time.Unix(ts.Unix()))
		}
		s.flush()
		if n < batch {
			return
		}
	}
}

func (s *socket) from(i int) netip.AddrPort {
	port := (*[2]byte)(unsafe.Pointer(&s.names[i].Port))
	return netip.AddrPortFrom(netip.AddrFrom4(s.names[i].Addr), binary.BigEndian.Uint16(port[:]))
}

// reply sends a packet back that drain just handed over; flush does so in fact.
func (s *socket) reply(raw []byte, _ netip.AddrPort) {
	for i := s.replies; i < batch; i++ {
		if &s.packets[i][0] == &raw[0] {
			s.vectors[i].SetLen(len(raw))
			s.out[s.replies].Iov, s.out[s.replies].Name = &s.vectors[i], (*byte)(unsafe.Pointer(&s.names[i]))
			s.out[s.replies].Namelen = unix.SizeofSockaddrInet4
			s.replies++
			return
		}
	}
}

func (s *socket) flush() {
	for sent := 0; sent < s.replies; {
		n, _, err := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.out[sent])), uintptr(s.replies-sent), 0, 0, 0)
		if err != 0 {
			break // what has no room is lost, as on any line
		}
		sent += int(n)
	}
	s.replies = 0
}

// send sends one packet.
func (s *socket) send(raw []byte, to netip.AddrPort) {
	_ = unix.Sendto(s.fd, raw, 0, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}) // as above
}

// drops is how many packets the kernel had no room for.
func (s *socket) drops() int {
	table, err := os.ReadFile("/proc/net/udp")
	if err != nil {
		return -1
	}
	for _, line := range strings.Split(string(table), "\n") {
		fields := strings.Fields(line)
		if len(fields) > 12 && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", s.addr.Port())) {
			n, _ := strconv.Atoi(fields[12])
			return n
		}
	}
	return -1
}
