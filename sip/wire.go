package sip

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	maxHeader = 32 << 10         // bytes of a header on a stream
	slowest   = 30 * time.Second // how long one message may take to arrive on a stream
	crlf      = "\r\n"
)

// inspect decides what of the bytes from outside reaches the parser: pass, and what is said at once in reply. Strangers cost no
// more than this.
func (ua *UA) inspect(data []byte, from net.Addr) (pass, reply []byte) {
	if ua.deaf.Load() {
		return nil, nil
	}
	addr, now := addrOf(from), time.Now()
	who := ua.standing(addr)
	switch {
	case who == stranger:
		ua.count(refusedSource, from.String(), "")
		return nil, nil
	case who != trusted:
		if why := ua.guard.admits(addr, now); why != "" {
			ua.count(why, from.String(), "")
			return nil, nil
		}
	}
	if len(bytes.Trim(data, "\r\n\x00")) == 0 { // keeps a binding of a NAT open
		return nil, nil
	}
	l, f := scan(data)
	switch {
	case f != nil:
		ua.metrics.garbage.Inc()
		ua.count(refusedMalformed, from.String(), clip(f.what))
		ua.offence(addr, refusedMalformed)
		return nil, l.refusal(f)
	case who == served && scanner(l):
		ua.count(refusedScanner, from.String(), l.start)
		ua.offence(addr, refusedScanner)
		return nil, nil
	case who == met && !strings.HasPrefix(l.start, "SIP/2.0 ") && !strings.Contains(l.get("to"), ";tag="):
		ua.count(refusedUninvited, from.String(), l.start)
		return nil, nil
	case l.tidied:
		return l.bytes(), nil
	}
	return data, nil
}

// datagrams lets sipgo read only what passed inspection.
type datagrams struct {
	net.PacketConn
	ua *UA
}

// ReadFrom returns an error only when the socket is closed: sipgo would never read from it again.
func (d *datagrams) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := d.PacketConn.ReadFrom(b)
		switch {
		case errors.Is(err, net.ErrClosed):
			return 0, nil, err
		case err != nil:
			d.ua.metrics.failed.WithLabelValues("read").Inc()
			<-time.After(time.Millisecond) // an error that comes back must not eat a core
			continue
		}
		pass, reply := d.ua.inspect(b[:n], from)
		if reply != nil {
			d.PacketConn.WriteTo(reply, from)
		}
		if len(pass) > 0 && len(pass) <= len(b) {
			return copy(b, pass), from, nil
		}
	}
}

// connections accepts only from sources that are served.
type connections struct {
	net.Listener
	ua *UA
}

func (c *connections) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case err != nil: // too many open files: sipgo would never accept again
			c.ua.metrics.failed.WithLabelValues("accept").Inc()
			<-time.After(10 * time.Millisecond)
		case c.ua.deaf.Load():
			conn.Close()
		case c.ua.standing(addrOf(conn.RemoteAddr())) == stranger:
			c.ua.count(refusedSource, conn.RemoteAddr().String(), "")
			conn.Close()
		default:
			return &stream{Conn: conn, ua: c.ua}, nil
		}
	}
}

// stream cuts a connection into messages (RFC 3261, 18.3) and lets sipgo read only what passed inspection.
type stream struct {
	net.Conn
	ua    *UA
	in    []byte    // arrived, not complete
	since time.Time // when its first byte arrived
	out   []byte    // inspected, not read
}

var errFraming = errors.New("sip: where a message ends cannot be told")

func (s *stream) Read(b []byte) (int, error) {
	for len(s.out) == 0 {
		message, err := s.next()
		if err != nil {
			s.ua.metrics.garbage.Inc()
			return 0, err
		}
		if message == nil {
			if err := s.fill(); err != nil {
				return 0, err
			}
			continue
		}
		pass, reply := s.ua.inspect(message, s.RemoteAddr())
		if reply != nil {
			s.Write(reply)
		}
		s.out = pass
	}
	n := copy(b, s.out)
	s.out = s.out[n:]
	return n, nil
}

// Write gives up on a peer that does not read: transactions wait for it.
func (s *stream) Write(b []byte) (int, error) {
	if err := s.Conn.SetWriteDeadline(time.Now().Add(grace)); err != nil {
		return 0, err
	}
	return s.Conn.Write(b)
}

// fill reads what has arrived. Between messages it waits for ever, within one not.
func (s *stream) fill() error {
	var deadline time.Time
	if len(s.in) > len(crlf) {
		deadline = s.since.Add(slowest)
	}
	if err := s.Conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	var buf [4096]byte
	n, err := s.Conn.Read(buf[:])
	if len(s.in) <= len(crlf) {
		s.since = time.Now()
	}
	s.in = append(s.in, buf[:n]...)
	if n > 0 {
		return nil
	}
	return err
}

// next takes a whole message off the stream; nil: there is none yet.
func (s *stream) next() ([]byte, error) {
	s.skipEmptyLines()
	end := bytes.Index(s.in, []byte(crlf+crlf))
	if end > maxHeader || end < 0 && len(s.in) > maxHeader {
		return nil, errFraming
	}
	if end < 0 {
		return nil, nil
	}
	length, ok := contentLength(string(s.in[:end]))
	if !ok {
		l, f := cut(s.in)
		if f == nil {
			f = bad("Content-Length")
		}
		s.Write(l.refusal(f))
		return nil, errFraming
	}
	total := end + 2*len(crlf) + length
	if total > maxMessage {
		return nil, errFraming
	}
	if len(s.in) < total {
		return nil, nil
	}
	message := s.in[:total:total]
	s.in, s.since = s.in[total:], time.Now()
	return message, nil
}

// skipEmptyLines answers two of them, which ask whether we are there (RFC 5626, 4.4.1), with one.
func (s *stream) skipEmptyLines() {
	for {
		switch rest, found := bytes.CutPrefix(s.in, []byte(crlf)); {
		case bytes.HasPrefix(rest, []byte(crlf)) && found:
			s.Write([]byte(crlf))
			s.in = rest[len(crlf):]
		case found && len(rest) > 0 && rest[0] != '\r':
			s.in = rest
		default:
			return
		}
	}
}

// contentLength finds the field in a header; not ok: it is not there, or no number, or two of them differ.
func contentLength(header string) (n int, ok bool) {
	for line := range strings.SplitSeq(header, crlf) {
		name, value, _ := strings.Cut(line, ":")
		name = strings.ToLower(strings.TrimRight(name, " \t"))
		if name != "content-length" && name != "l" {
			continue
		}
		v, err := strconv.ParseUint(strings.TrimSpace(value), 10, 16)
		if err != nil || ok && int(v) != n {
			return 0, false
		}
		n, ok = int(v), true
	}
	return n, ok
}
