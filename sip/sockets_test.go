package sip

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ivr/media"
)

// newUA is a UA on real sockets of the loopback; a goroutine left behind at the end fails the test.
func newUA(t *testing.T, cfg Config) *UA {
	t.Helper()
	before := goleak.IgnoreCurrent()
	// Of two UAs of a test the first is closed last: its transactions may still have an ACK that nobody wants, until timer I.
	acks := goleak.IgnoreAnyFunction("github.com/emiago/sipgo/sip.(*ServerTx).ackSend")
	t.Cleanup(func() { goleak.VerifyNone(t, before, acks) })
	bind := netip.MustParseAddr("127.0.0.1")
	if len(cfg.Listen) > 0 && strings.HasPrefix(cfg.Listen[0].Addr, "[::1]") {
		bind = netip.IPv6Loopback()
	}
	cfg.Media = media.NewEngine(media.Config{Bind: bind, PortMin: 12000, PortMax: 19998})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); cfg.Media.Run(ctx) }()
	if cfg.Listen == nil {
		cfg.Listen = []Listen{{"udp", "127.0.0.1:0"}, {"tcp", "127.0.0.1:0"}}
	}
	ua, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ua.Close(); cancel(); <-done })
	return ua
}

func serve(t *testing.T, ua *UA, h func(context.Context, *Leg)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); ua.Serve(ctx, h) }()
	t.Cleanup(func() { cancel(); <-done })
	for ready := false; !ready; <-time.After(time.Millisecond) {
		ua.mu.Lock()
		ready = ua.handle != nil
		ua.mu.Unlock()
	}
}

func answerUntilEnd(ctx context.Context, l *Leg) {
	l.Ring(ctx)
	if l.Answer(ctx) == nil {
		untilEnd(ctx, l)
	}
}

func TestTwoOfUsCallEachOtherOverEachTransport(t *testing.T) {
	for i, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			a, b := newUA(t, Config{}), newUA(t, Config{})
			ended := make(chan error, 1)
			serve(t, b, func(ctx context.Context, l *Leg) {
				answerUntilEnd(ctx, l)
				ended <- l.Err()
			})
			leg, err := a.Dial(t.Context(), DialRequest{To: "sip:4000@" + b.Addrs()[i].Addr + ";transport=" + network})
			if err != nil {
				t.Fatal(err)
			}
			for start := time.Now(); leg.Media().Stats().Received < 3; <-time.After(10 * time.Millisecond) {
				if time.Since(start) > 10*time.Second {
					t.Fatalf("%+v", leg.Media().Stats())
				}
			}
			if err := leg.Hangup(t.Context(), ""); err != nil {
				t.Error(err)
			}
			if err := <-ended; !errors.Is(err, ErrHangup) {
				t.Error(err)
			}
		})
	}
}

func TestTwoOfUsCallEachOtherOverIPv6(t *testing.T) {
	if c, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip(err)
	} else {
		c.Close()
	}
	for i, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			on6 := Config{Listen: []Listen{{"udp", "[::1]:0"}, {"tcp", "[::1]:0"}}}
			a, b := newUA(t, on6), newUA(t, on6)
			held, ended := make(chan error, 1), make(chan *Leg, 1)
			serve(t, b, func(ctx context.Context, l *Leg) {
				l.Ring(ctx)
				if l.Answer(ctx) == nil {
					held <- l.Hold(ctx)
					untilEnd(ctx, l)
				}
				ended <- l
			})
			leg, err := a.Dial(t.Context(), DialRequest{To: "sip:4000@" + b.Addrs()[i].Addr + ";transport=" + network})
			if err != nil {
				t.Fatal(err)
			}
			if err := <-held; err != nil { // a request the other way finds its way too
				t.Error(err)
			}
			for start := time.Now(); leg.Media().Stats().Received < 3; <-time.After(10 * time.Millisecond) {
				if time.Since(start) > 10*time.Second {
					t.Fatalf("%+v", leg.Media().Stats())
				}
			}
			if err := leg.Hangup(t.Context(), ""); err != nil {
				t.Error(err)
			}
			there := <-ended
			if !errors.Is(there.Err(), ErrHangup) {
				t.Error(there.Err())
			}
			if !strings.Contains(there.Header("Contact"), "@[::1]:") || !strings.Contains(string(there.invite.Body()), "c=IN IP6 ::1\r\n") {
				t.Error(there.invite)
			}
		})
	}
}

func TestSippCallsOverUDPAndTCP(t *testing.T) {
	sipp, err := exec.LookPath("sipp")
	if err != nil {
		t.Skip(err)
	}
	b := newUA(t, Config{})
	serve(t, b, answerUntilEnd)
	for i, transport := range []string{"u1", "t1"} {
		out, err := exec.Command(sipp, "-sn", "uac", "-t", transport, b.Addrs()[i].Addr, "-m", "5", "-r", "10", "-d", "200", "-nostdin",
			"-timeout", "15", "-i", "127.0.0.1", "-trace_err", "-error_file", filepath.Join(t.TempDir(), "err")).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", transport, err, out[max(0, len(out)-1500):])
		}
	}
}

// What sipgo has to say goes nowhere: its warnings are not for the reader of our log.
func TestTheLibrarySaysNothing(t *testing.T) {
	var said bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&said, nil)))
	defer slog.SetDefault(was)
	t.Run("call", func(t *testing.T) {
		a, b := newUA(t, Config{}), newUA(t, Config{})
		serve(t, b, answerUntilEnd)
		leg, err := a.Dial(t.Context(), DialRequest{To: "sip:4000@" + b.Addrs()[1].Addr + ";transport=tcp"})
		if err != nil {
			t.Fatal(err)
		}
		leg.Hangup(t.Context(), "")
	})
	if said.Len() > 0 {
		t.Error(said.String())
	}
}

func TestAStreamPingIsAnswered(t *testing.T) { // RFC 5626, 4.4.1
	ua := newUA(t, Config{})
	conn, err := net.Dial("tcp", ua.Addrs()[1].Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "\r\n\r\n")
	pong := make([]byte, 2)
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(conn, pong); err != nil || string(pong) != "\r\n" {
		t.Errorf("%q, %v", pong, err)
	}
}

func TestAConnectionOfAStrangerIsClosed(t *testing.T) {
	ua := newUA(t, Config{Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	conn, err := net.Dial("tcp", ua.Addrs()[1].Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("read %d, %v", n, err)
	}
}

// A stream whose messages have no end, or never come, is closed.
func TestAStreamWithoutEndIsClosed(t *testing.T) {
	ua := newUA(t, Config{})
	for name, text := range map[string]string{
		"header": "OPTIONS sip:a SIP/2.0\r\n" + strings.Repeat("X-Y: "+strings.Repeat("z", 1000)+"\r\n", 40),
		"body":   "OPTIONS sip:a SIP/2.0\r\nContent-Length: 65000\r\nX: " + strings.Repeat("y", 1000) + "\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", ua.Addrs()[1].Addr)
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(conn, text)
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.ReadAll(conn); errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		conn.Close()
	}
}
