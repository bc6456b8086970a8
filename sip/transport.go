package sip

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// tameLibrary sets what sipgo keeps in variables of its package, once per process: its sockets log through a default logger that no
// option reaches, and it refuses to send what is longer than 1300 bytes over UDP. Responses have no other way (RFC 3261, 18.2.2),
// and requests with many headers reach every peer we know in fragments.
var tameLibrary = sync.OnceFunc(func() {
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
	sip.UDPMTUSize = 65535
})

func (ua *UA) bind(l Listen) error {
	switch l.Network {
	case "udp":
		c, err := ua.cfg.listenPacket(l.Addr)
		if err != nil {
			return fmt.Errorf("sip: cannot listen on udp://%s: %w", l.Addr, err)
		}
		ua.udp = append(ua.udp, &datagrams{c, ua})
		ua.addrs = append(ua.addrs, Listen{"udp", c.LocalAddr().String()})
	case "tcp", "tls", "ws", "wss":
		secure := l.Network == "tls" || l.Network == "wss"
		if secure && ua.cfg.TLS == nil {
			return fmt.Errorf("sip: cannot listen on %s://%s: no certificate", l.Network, l.Addr)
		}
		c, err := net.Listen("tcp", l.Addr)
		if err != nil {
			return fmt.Errorf("sip: cannot listen on %s://%s: %w", l.Network, l.Addr, err)
		}
		ua.addrs = append(ua.addrs, Listen{l.Network, c.Addr().String()})
		if secure {
			c = tls.NewListener(c, ua.cfg.TLS)
		}
		switch l.Network {
		case "tcp":
			ua.tcp = append(ua.tcp, &connections{c, ua})
		case "tls":
			ua.tls = append(ua.tls, &connections{c, ua})
		case "ws":
			ua.web = append(ua.web, webSockets{c, "ws", "tcp"})
		case "wss":
			ua.web = append(ua.web, webSockets{c, "wss", "tls"})
		}
	default:
		return fmt.Errorf("sip: unknown network %q: want udp, tcp, tls, ws or wss", l.Network)
	}
	return nil
}

func listenPacket(addr string) (net.PacketConn, error) { return net.ListenPacket("udp", addr) }

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
	for _, l := range ua.tls {
		ua.readers.Go(func() { ua.server.ServeTLS(l) })
	}
	for _, l := range ua.web {
		ua.readers.Go(func() { ua.serveWebSockets(l) })
	}
	ua.readers.Go(func() { ua.server.ServeTCP(ua.outlets["tcp"]) })
	ua.readers.Go(func() { ua.server.ServeTLS(ua.outlets["tls"]) })
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

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
