package sip

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// browser is a SIP client over WebSocket, made of lines of text.
type browser struct {
	*peer
	conn net.Conn
}

func (w *browser) send(text string) {
	w.t.Helper()
	if err := wsutil.WriteClientText(w.conn, []byte(text)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *browser) want(what string) message {
	w.t.Helper()
	if err := w.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	for {
		data, err := wsutil.ReadServerText(w.conn)
		if err != nil {
			w.t.Fatalf("want %s: %v", what, err)
		}
		if m := parseMessage(string(data)); m.is(what) || !m.is("100 INVITE") {
			if !m.is(what) {
				w.t.Fatalf("want %s, got\n%s", what, m)
			}
			return m
		}
	}
}

func connectBrowser(t *testing.T, url string, conf *tls.Config) *browser {
	t.Helper()
	dialer := ws.Dialer{Protocols: []string{"sip"}, TLSConfig: conf}
	conn, _, shake, err := dialer.Dial(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if shake.Protocol != "sip" {
		t.Errorf("protocol %q", shake.Protocol)
	}
	t.Cleanup(func() { conn.Close() })
	at := netip.MustParseAddrPort(conn.LocalAddr().String())
	return &browser{peer: &peer{t: t, at: at, to: at}, conn: conn}
}

func TestACallOverAWebSocket(t *testing.T) { // RFC 7118
	us := newAuthority(t)
	for _, network := range []string{"ws", "wss"} {
		t.Run(network, func(t *testing.T) {
			ua := newUA(t, Config{Listen: []Listen{{network, "127.0.0.1:0"}}, TLS: &tls.Config{Certificates: []tls.Certificate{us.certificate(t, "sip.example")}}})
			ended := make(chan error, 1)
			serve(t, ua, func(ctx context.Context, l *Leg) {
				if err := l.Answer(ctx); err != nil {
					ended <- err
					return
				}
				ended <- l.Hangup(ctx, "")
			})
			at := ua.Addrs()[0].Addr
			b := connectBrowser(t, network+"://"+at, &tls.Config{RootCAs: us.pool(), ServerName: "sip.example"})
			d := b.dialogTo("4000")
			via := "Via: SIP/2.0/" + strings.ToUpper(network) + " df7jal23ls0d.invalid;branch=" + d.branch
			more := []string{via, "Contact: <sip:x@df7jal23ls0d.invalid;transport=ws>", "Content-Length:"} // a message ends where it ends
			b.send(d.text("INVITE", d.inviteURI, d.branch, 1, b.sdp(), more...))
			m := b.want("200 INVITE")
			if want := "@" + at + ";transport=ws"; !strings.HasSuffix(m.contact(), want) || !strings.Contains(m.header("Via"), "df7jal23ls0d.invalid") {
				t.Error(m)
			}
			d.learn(m)
			b.send(d.text("ACK", d.target, d.branch+"a", 1, "", more...))
			bye := b.want("BYE") // by the one connection there is
			if !strings.HasPrefix(bye.header("Via"), "SIP/2.0/"+strings.ToUpper(network)+" "+at) {
				t.Error(bye)
			}
			lines := []string{"SIP/2.0 200 OK"}
			for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
				lines = append(lines, name+": "+bye.header(name))
			}
			b.send(strings.Join(lines, "\r\n") + "\r\n\r\n")
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAWebSocketIsKeptOpenAndInspected(t *testing.T) {
	ua := newUA(t, Config{Listen: []Listen{{"ws", "127.0.0.1:0"}}})
	b := connectBrowser(t, "ws://"+ua.Addrs()[0].Addr, nil)
	if err := wsutil.WriteClientMessage(b.conn, ws.OpPing, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if f, err := ws.ReadFrame(b.conn); err != nil || f.Header.OpCode != ws.OpPong || string(f.Payload) != "x" {
		t.Errorf("%+v %v", f, err)
	}
	b.send("\r\n\r\n")
	if data, err := wsutil.ReadServerText(b.conn); err != nil || string(data) != "\r\n" {
		t.Errorf("%q %v", data, err)
	}
	d := b.dialogTo("4000") // in two frames, and wrong
	text := d.text("OPTIONS", d.inviteURI, d.branch, 1, "", "Max-Forwards: many")
	for i, part := range []string{text[:50], text[50:]} {
		f := ws.NewFrame(map[int]ws.OpCode{0: ws.OpText, 1: ws.OpContinuation}[i], i == 1, []byte(part))
		if err := ws.WriteFrame(b.conn, ws.MaskFrameInPlace(f)); err != nil {
			t.Fatal(err)
		}
	}
	b.want("400 OPTIONS")
}

func TestAWebSocketOfAnotherProtocolIsTurnedAway(t *testing.T) {
	ua := newUA(t, Config{Listen: []Listen{{"ws", "127.0.0.1:0"}}})
	for _, protocols := range [][]string{nil, {"chat"}} {
		conn, _, _, err := ws.Dialer{Protocols: protocols}.Dial(t.Context(), "ws://"+ua.Addrs()[0].Addr)
		if err != nil {
			continue
		}
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%v: %v", protocols, err)
		}
		conn.Close()
	}
	slow, err := net.Dial("tcp", ua.Addrs()[0].Addr) // and who says nothing holds nobody up
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	connectBrowser(t, "ws://"+ua.Addrs()[0].Addr, nil)
}

// bytesConn is a connection on which some bytes come and what is written is lost.
type bytesConn struct {
	net.Conn
	in io.Reader
}

func (c bytesConn) Read(b []byte) (int, error)       { return c.in.Read(b) }
func (c bytesConn) Write(b []byte) (int, error)      { return len(b), nil }
func (c bytesConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9} }
func (c bytesConn) SetReadDeadline(time.Time) error  { return nil }
func (c bytesConn) SetWriteDeadline(time.Time) error { return nil }

// Whatever frames come, what sipgo gets to read is whole messages that passed inspection.
func FuzzWebSocketFrames(f *testing.F) {
	d := (&peer{at: uaAt, to: uaAt}).dialogTo("1")
	for _, frame := range []ws.Frame{
		ws.NewTextFrame([]byte(d.text("OPTIONS", "sip:1@x", "z9hG4bK1", 1, ""))), ws.NewPingFrame([]byte("x")), ws.NewTextFrame([]byte("\r\n\r\n")),
		ws.NewFrame(ws.OpText, false, []byte("OPT")), ws.NewCloseFrame(nil),
	} {
		f.Add(ws.MustCompileFrame(ws.MaskFrame(frame)))
	}
	ua := &UA{cfg: Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, metrics: newMetrics(nil), mouth: newMouth(),
		ledger: newLedger(), guard: newGuard(Guard{}), log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &webSocket{Conn: bytesConn{in: bytes.NewReader(data)}, ua: ua, gone: func() {}}
		buf := make([]byte, maxMessage+1)
		for {
			n, err := s.Read(buf)
			if err != nil {
				return
			}
			if _, fault := scan(buf[:n]); fault != nil {
				t.Errorf("%q was let through: %s", buf[:n], fault.what)
			}
		}
	})
}
