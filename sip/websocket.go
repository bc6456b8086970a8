package sip

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// SIP over WebSocket (RFC 7118). What sipgo has for it upgrades one connection after the other on its accepting goroutine and hands
// what comes to the parser unseen; here each connection is upgraded on its own, inspected like the others, and then handed to sipgo
// as a stream of messages: to its TCP, or over TLS to its TLS.

// handshakes at once; more are turned away.
const handshakes = 64

// webSockets is one listener.
type webSockets struct {
	net.Listener
	network string // "ws" or "wss"
	carrier string // network of sipgo that carries it
}

// serveWebSockets accepts until the listener is closed, and waits for the handshakes.
func (ua *UA) serveWebSockets(l webSockets) {
	var busy sync.WaitGroup
	defer busy.Wait()
	places := make(chan struct{}, handshakes)
	for {
		conn, err := (&connections{l.Listener, ua}).Accept()
		if err != nil {
			return
		}
		select {
		case places <- struct{}{}:
			busy.Go(func() {
				defer func() { <-places }()
				if err := ua.upgrade(conn.(*stream).Conn, l); err != nil {
					ua.metrics.failed.WithLabelValues("websocket").Inc()
					conn.Close()
				}
			})
		default:
			ua.metrics.failed.WithLabelValues("websocket").Inc()
			conn.Close()
		}
	}
}

var errNotSIP = errors.New("sip: a WebSocket of another protocol")

// upgrade shakes hands and hands the connection to sipgo.
func (ua *UA) upgrade(conn net.Conn, l webSockets) error {
	defer context.AfterFunc(ua.lastWords, func() { conn.Close() })()
	if err := conn.SetDeadline(time.Now().Add(grace)); err != nil {
		return err
	}
	shake := ws.Upgrader{Protocol: func(p []byte) bool { return string(p) == "sip" }}
	got, err := shake.Upgrade(conn)
	if err != nil {
		return err
	}
	if got.Protocol != "sip" { // RFC 7118, 4
		return errNotSIP
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	peer := conn.RemoteAddr().String()
	ua.browsers.Store(peer, l.network)
	socket := &webSocket{Conn: conn, ua: ua, gone: func() { ua.browsers.Delete(peer) }}
	if err := ua.outlets[l.carrier].hand(socket); err != nil {
		socket.gone()
		return err
	}
	return nil
}

// shown is the network by which a peer knows the connection: that of sipgo, or the WebSocket within it.
func (ua *UA) shown(network, peer string) string {
	if v, ok := ua.browsers.Load(peer); ok {
		return v.(string)
	}
	return network
}

// webSocket is a connection whose every message is a SIP message (RFC 7118, 5). It lets sipgo read only what passed inspection.
type webSocket struct {
	net.Conn
	ua   *UA
	gone func()
	out  []byte // inspected, not read

	mu sync.Mutex // of writing: answers to pings come in between
}

func (s *webSocket) Read(b []byte) (int, error) {
	for len(s.out) == 0 {
		message, err := s.next()
		if err != nil {
			return 0, err
		}
		if bytes.Equal(message, []byte(crlf+crlf)) { // RFC 5626, 4.4.1
			if _, err := s.Write([]byte(crlf)); err != nil {
				return 0, err
			}
		}
		pass, reply := s.ua.inspect(message, s.RemoteAddr())
		if reply != nil {
			if _, err := s.Write(reply); err != nil {
				return 0, err
			}
		}
		s.out = pass
	}
	n := copy(b, s.out)
	s.out = s.out[n:]
	return n, nil
}

// next reads one message, however many frames it comes in.
func (s *webSocket) next() ([]byte, error) {
	control := func(h ws.Header, r io.Reader) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		return wsutil.ControlHandler{Src: r, Dst: s.Conn, State: ws.StateServerSide, DisableSrcCiphering: true}.Handle(h)
	}
	reader := wsutil.Reader{Source: s.Conn, State: ws.StateServerSide, MaxFrameSize: maxMessage, OnIntermediate: control}
	for {
		if err := s.Conn.SetReadDeadline(time.Time{}); err != nil { // between messages it waits for ever, within one not
			return nil, err
		}
		h, err := reader.NextFrame()
		if err != nil {
			return nil, err
		}
		if err := s.Conn.SetReadDeadline(time.Now().Add(slowest)); err != nil {
			return nil, err
		}
		if h.OpCode.IsControl() {
			if err := control(h, &reader); err != nil {
				return nil, err
			}
			continue
		}
		message, err := io.ReadAll(io.LimitReader(&reader, maxMessage+1))
		if len(message) > maxMessage {
			return nil, errFraming
		}
		return message, err
	}
}

// Write sends one message. It gives up on a peer that does not read.
func (s *webSocket) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Conn.SetWriteDeadline(time.Now().Add(grace)); err != nil {
		return 0, err
	}
	if err := wsutil.WriteServerText(s.Conn, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (s *webSocket) Close() error {
	s.gone()
	return s.Conn.Close()
}
