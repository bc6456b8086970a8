package sip

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ivr/internal/memnet"
	"ivr/media"
)

// A world is a UA, called by peers over a network in memory, in fake time: an hour is a moment, and a goroutine left behind fails
// the test.
type world struct {
	t     *testing.T
	net   *memnet.Network
	media *media.Engine
	ua    *UA
	reg   *prometheus.Registry
	calls chan *Leg // what the default handler was given
	next  byte      // last number of the next peer's address
	stop  func()    // ends the UA, as a signal would
}

var (
	uaAt  = netip.MustParseAddrPort("192.0.2.1:5060")
	peers = netip.MustParsePrefix("192.0.2.0/24")
)

// readResolvConf makes the resolver that is the machine's begin outside of fake time: what it makes there it could not use in the next
// test. sipgo asks it for the names in Via.
var readResolvConf = sync.OnceFunc(func() { net.LookupHost("localhost") })

// inFakeTime runs a test against a UA that handles calls with handle; nil answers and waits for the end.
func inFakeTime(t *testing.T, cfg Config, handle func(context.Context, *Leg), test func(w *world)) {
	t.Helper()
	readResolvConf()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: memnet.New(memnet.Damage{}), reg: prometheus.NewRegistry(), calls: make(chan *Leg, 100), next: 10}
		w.media = w.engine(uaAt.Addr())
		w.ua = w.newUA(cfg, uaAt, w.media, w.reg)
		if handle == nil {
			handle = func(ctx context.Context, l *Leg) {
				w.calls <- l
				if err := l.Answer(ctx); err == nil {
					untilEnd(ctx, l)
				}
			}
		}
		w.serve(w.ua, handle)
		test(w)
		synctest.Wait()
	})
}

func (w *world) engine(at netip.Addr) *media.Engine {
	m := media.NewEngine(media.Config{Bind: at, Listen: func(at netip.AddrPort) (media.PacketConn, error) { return w.net.Listen(at) }})
	w.background(func(ctx context.Context) { m.Run(ctx) })
	return m
}

// background ends with the test, in the reverse order of the calls.
func (w *world) background(f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	w.t.Cleanup(func() { cancel(); <-done })
	return cancel
}

func (w *world) newUA(cfg Config, at netip.AddrPort, m *media.Engine, reg prometheus.Registerer) *UA {
	cfg.Media, cfg.Metrics = m, reg
	if cfg.Allow == nil {
		cfg.Allow = []netip.Prefix{peers}
	}
	cfg.Listen = []Listen{{"udp", at.String()}}
	cfg.listenPacket = func(addr string) (net.PacketConn, error) {
		c, err := w.net.Listen(netip.MustParseAddrPort(addr))
		return packetConn{c}, err
	}
	ua, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { ua.Close() })
	return ua
}

func (w *world) serve(ua *UA, handle func(context.Context, *Leg)) {
	w.stop = w.background(func(ctx context.Context) { ua.Serve(ctx, handle) })
	synctest.Wait()
}

// packetConn gives a socket of memnet the methods of net.PacketConn.
type packetConn struct{ *memnet.Conn }

func (c packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromUDPAddrPort(b)
	return n, net.UDPAddrFromAddrPort(from), err
}

func (c packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	at := to.(*net.UDPAddr).AddrPort()
	return c.WriteToUDPAddrPort(b, netip.AddrPortFrom(at.Addr().Unmap(), at.Port()))
}

func (c packetConn) SetDeadline(at time.Time) error   { return c.SetReadDeadline(at) }
func (c packetConn) SetWriteDeadline(time.Time) error { return nil }

// counted sums a counter over its labels that hold the given values.
func (w *world) counted(name string, labels ...string) float64 {
	w.t.Helper()
	families, err := w.reg.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	metric:
		for _, m := range f.GetMetric() {
			have := ""
			for _, l := range m.GetLabel() {
				have += l.GetValue() + "\n"
			}
			for _, want := range labels {
				if !strings.Contains(have, want+"\n") {
					continue metric
				}
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

// A peer is a SIP phone made of lines of text: it shares nothing with the code it judges.
type peer struct {
	t    *testing.T
	conn *memnet.Conn
	rtp  *memnet.Conn
	at   netip.AddrPort
	to   netip.AddrPort
	in   chan message
	seq  int

	heard  atomic.Int64 // RTP packets
	listen func([]byte) // to each of them; set before the call
}

func (w *world) peer() *peer {
	w.t.Helper()
	w.next++
	addr := netip.AddrFrom4([4]byte{192, 0, 2, w.next})
	return w.peerAt(netip.AddrPortFrom(addr, 5060))
}

func (w *world) peerAt(at netip.AddrPort) *peer {
	w.t.Helper()
	conn, err := w.net.Listen(at)
	if err != nil {
		w.t.Fatal(err)
	}
	rtp, err := w.net.Listen(netip.AddrPortFrom(at.Addr(), 4000))
	if err != nil {
		w.t.Fatal(err)
	}
	p := &peer{t: w.t, conn: conn, rtp: rtp, at: at, to: uaAt, in: make(chan message, 1000)}
	var readers sync.WaitGroup
	readers.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, _, err := rtp.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			p.heard.Add(1)
			if p.listen != nil {
				p.listen(buf[:n])
			}
		}
	})
	readers.Go(func() { p.read(conn) })
	w.t.Cleanup(func() { conn.Close(); rtp.Close(); readers.Wait() })
	return p
}

func (p *peer) read(conn *memnet.Conn) {
	buf := make([]byte, 65535)
	for {
		n, _, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		p.in <- parseMessage(string(buf[:n]))
	}
}

// message is a SIP message as a peer reads it.
type message struct {
	start  string
	lines  []string // of the header
	body   string
	at     time.Time
	unread string
}

func parseMessage(text string) message {
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	return message{start: lines[0], lines: lines[1:], body: body, at: time.Now(), unread: text}
}

// header returns all values of a name, joined with commas.
func (m message) header(name string) string {
	var all []string
	for _, l := range m.lines {
		if n, v, ok := strings.Cut(l, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			all = append(all, strings.TrimSpace(v))
		}
	}
	return strings.Join(all, ", ")
}

func (m message) tag(name string) string {
	_, tag, _ := strings.Cut(m.header(name), ";tag=")
	tag, _, _ = strings.Cut(tag, ";")
	return tag
}

func (m message) isRequest() bool { return !strings.HasPrefix(m.start, "SIP/2.0 ") }

func (m message) method() string {
	_, method, _ := strings.Cut(m.header("CSeq"), " ")
	return method
}

// is says whether a message is "180 INVITE", a response, or "BYE", a request.
func (m message) is(what string) bool {
	code, method, response := strings.Cut(what, " ")
	if !response {
		return m.isRequest() && strings.HasPrefix(m.start, what+" ")
	}
	return strings.HasPrefix(m.start, "SIP/2.0 "+code) && m.method() == method
}

func (m message) String() string { return m.unread }

// contact is the URI that requests within the dialog go to.
func (m message) contact() string {
	_, uri, _ := strings.Cut(m.header("Contact"), "<")
	uri, _, _ = strings.Cut(uri, ">")
	return uri
}

// want waits for a message; "100 INVITE" is passed over where it is not asked for.
func (p *peer) want(what string) message {
	p.t.Helper()
	timeout := time.NewTimer(2 * time.Hour)
	defer timeout.Stop()
	for {
		select {
		case m := <-p.in:
			if !m.is(what) && m.is("100 INVITE") {
				continue
			}
			if !m.is(what) {
				p.t.Fatalf("want %s, got\n%s", what, m)
			}
			return m
		case <-timeout.C:
			p.t.Fatalf("want %s, nothing came", what)
		}
	}
}

// silent fails when anything comes within d.
func (p *peer) silent(d time.Duration) {
	p.t.Helper()
	select {
	case m := <-p.in:
		p.t.Fatalf("want silence, got\n%s", m)
	case <-time.After(d):
	}
}

func (p *peer) send(text string) {
	p.t.Helper()
	if _, err := p.conn.WriteToUDPAddrPort([]byte(text), p.to); err != nil {
		p.t.Fatal(err)
	}
}

// dialog is one call of a peer, as it sees it.
type dialog struct {
	*peer
	id         string
	from, to   string // header values with tags, of requests of this side
	target     string
	seq        int
	branch     string // of the INVITE sent
	inviteURI  string
	inviteText string
}

const pcmuOffer = "v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d RTP/AVP 0 8 101\r\n" +
	"a=rtpmap:101 telephone-event/8000\r\n%[3]s"

// sdp is a description of the peer's audio with more lines, "a=sendonly".
func (p *peer) sdp(more ...string) string {
	extra := ""
	for _, l := range more {
		extra += l + "\r\n"
	}
	return fmt.Sprintf(pcmuOffer, p.at.Addr(), 4000, extra)
}

func (p *peer) unique() string {
	p.seq++
	return p.at.Addr().String() + "-" + strconv.Itoa(p.seq)
}

// text of a request; header lines of more replace those of the same name.
func (d *dialog) text(method, uri, branch string, seq int, body string, more ...string) string {
	lines := []string{
		"Via: SIP/2.0/UDP " + d.at.String() + ";rport;branch=" + branch,
		"From: " + d.from, "To: " + d.to, "Call-ID: " + d.id, fmt.Sprintf("CSeq: %d %s", seq, method),
		"Max-Forwards: 70", "Contact: <sip:peer@" + d.at.String() + ">",
	}
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(lines, "Content-Length: "+strconv.Itoa(len(body)))
	for _, m := range more {
		name, value, _ := strings.Cut(m, ":")
		kept := lines[:0:0]
		for _, l := range lines {
			if n, _, _ := strings.Cut(l, ":"); !strings.EqualFold(n, name) {
				kept = append(kept, l)
			}
		}
		lines = kept
		if strings.TrimSpace(value) != "" {
			lines = append([]string{m}, lines...)
		}
	}
	return method + " " + uri + " SIP/2.0\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// call sends an INVITE with an offer.
func (p *peer) call(more ...string) *dialog {
	p.t.Helper()
	return p.callWith(p.sdp(), more...)
}

// dialogTo is a call that was not made yet.
func (p *peer) dialogTo(number string) *dialog {
	id := p.unique()
	return &dialog{peer: p, id: id, from: "<sip:peer@" + p.at.String() + ">;tag=" + id, to: "<sip:" + number + "@" + p.to.String() + ">",
		seq: 1, branch: "z9hG4bK" + id, inviteURI: "sip:" + number + "@" + p.to.String()}
}

func (p *peer) callWith(body string, more ...string) *dialog {
	p.t.Helper()
	return p.dialogTo("4000").invite(body, more...)
}

func (p *peer) callTo(number string, more ...string) *dialog {
	p.t.Helper()
	return p.dialogTo(number).invite(p.sdp(), more...)
}

// invite sends the INVITE of a call that was not made yet.
func (d *dialog) invite(body string, more ...string) *dialog {
	d.t.Helper()
	d.inviteText = d.text("INVITE", d.inviteURI, d.branch, d.seq, body, more...)
	d.send(d.inviteText)
	return d
}

// confirmed is a call that was answered and acknowledged.
func (p *peer) confirmed() *dialog {
	p.t.Helper()
	d := p.call()
	d.answered()
	d.ack()
	return d
}

// answered waits for the 200 and takes the dialog from it.
func (d *dialog) answered() message {
	d.t.Helper()
	for {
		m := d.response("INVITE")
		if strings.HasPrefix(m.start, "SIP/2.0 1") {
			continue
		}
		if !m.is("200 INVITE") {
			d.t.Fatalf("want an answer, got\n%s", m)
		}
		d.learn(m)
		return m
	}
}

// response waits for any response to a method, 100 aside.
func (p *peer) response(method string) message {
	p.t.Helper()
	timeout := time.NewTimer(2 * time.Hour)
	defer timeout.Stop()
	for {
		select {
		case m := <-p.in:
			if m.is("100 INVITE") {
				continue
			}
			if m.isRequest() || m.method() != method {
				p.t.Fatalf("want a response to %s, got\n%s", method, m)
			}
			return m
		case <-timeout.C:
			p.t.Fatalf("want a response to %s, nothing came", method)
		}
	}
}

func (d *dialog) learn(m message) {
	d.to, d.target = m.header("To"), m.contact()
}

// ack of a 2xx, with a body for an answer.
func (d *dialog) ack(body ...string) {
	d.t.Helper()
	d.send(d.text("ACK", d.target, "z9hG4bK"+d.unique(), d.seq, strings.Join(body, "")))
}

// ackFailure acknowledges a final response other than 2xx, within its transaction.
func (d *dialog) ackFailure(m message) {
	d.t.Helper()
	d.to = m.header("To")
	d.send(d.text("ACK", d.inviteURI, d.branch, d.seq, ""))
}

// request sends one within the dialog and returns the final response.
func (d *dialog) request(method, body string, more ...string) message {
	d.t.Helper()
	d.begin(method, body, more...)
	for {
		m := d.response(method)
		if !strings.HasPrefix(m.start, "SIP/2.0 1") {
			return m
		}
	}
}

// begin sends a request within the dialog.
func (d *dialog) begin(method, body string, more ...string) {
	d.t.Helper()
	d.seq++
	d.branch = "z9hG4bK" + d.unique()
	d.inviteURI = d.target
	d.send(d.text(method, d.target, d.branch, d.seq, body, more...))
}

// bye hangs up and wants 200.
func (d *dialog) bye() {
	d.t.Helper()
	if m := d.request("BYE", ""); !m.is("200 BYE") {
		d.t.Fatalf("want 200 for our BYE, got\n%s", m)
	}
}

// reply answers a request of the UA.
func (p *peer) reply(req message, code int, reason, tag, body string, more ...string) {
	p.t.Helper()
	lines := []string{"SIP/2.0 " + strconv.Itoa(code) + " " + reason}
	for _, l := range req.lines {
		name, value, _ := strings.Cut(l, ":")
		switch name {
		case "To":
			if tag != "" && !strings.Contains(value, ";tag=") {
				l += ";tag=" + tag
			}
			lines = append(lines, l)
		case "Via", "From", "Call-ID", "CSeq":
			lines = append(lines, l)
		}
	}
	if code > 100 && code < 300 {
		lines = append(lines, "Contact: <sip:peer@"+p.at.String()+">")
	}
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(append(lines, more...), "Content-Length: "+strconv.Itoa(len(body)))
	p.send(strings.Join(lines, "\r\n") + "\r\n\r\n" + body)
}

// dialogOf is the dialog of a received INVITE that the peer answers with tag.
func (p *peer) dialogOf(invite message, tag string) *dialog {
	return &dialog{peer: p, id: invite.header("Call-ID"), from: invite.header("To") + ";tag=" + tag, to: invite.header("From"),
		target: invite.contact(), seq: 100}
}

// hears counts the RTP packets that arrive within d.
func (p *peer) hears(d time.Duration) int64 {
	before := p.heard.Load()
	<-time.After(d)
	return p.heard.Load() - before
}

// talk sends audio until the test ends.
func (p *peer) talk(to netip.AddrPort) {
	done, quit := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := uint32(0); ; n++ {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			packet := append([]byte{0x80, 0, byte(n >> 8), byte(n)}, make([]byte, 168)...)
			binary.BigEndian.PutUint32(packet[4:], n*160)
			binary.BigEndian.PutUint32(packet[8:], 0x1234)
			p.rtp.WriteToUDPAddrPort(packet, to)
		}
	}()
	p.t.Cleanup(func() { close(quit); <-done })
}

// untilEnd is a call that only the far end, or the end of the test, ends.
func untilEnd(ctx context.Context, l *Leg) {
	select {
	case <-l.Done():
	case <-ctx.Done():
	}
}

// mustEnd waits for the end of a leg.
func mustEnd(t *testing.T, l *Leg, want error) {
	t.Helper()
	select {
	case <-l.Done():
	case <-time.After(2 * time.Minute):
		t.Fatal("the leg did not end")
	}
	if err := l.Err(); !errors.Is(err, want) {
		t.Errorf("ended with %v, want %v", err, want)
	}
}
