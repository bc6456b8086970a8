package sip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ivr/media"
)

func newUA(t *testing.T, cfg Config) *UA {
	cfg.Media = media.NewEngine(media.Config{Bind: netip.MustParseAddr("127.0.0.1"), PortMin: 31000, PortMax: 32000})
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
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); ua.Serve(ctx, h) }()
	t.Cleanup(func() { cancel(); <-done })
	for {
		ua.mu.Lock()
		ok := ua.handle != nil
		ua.mu.Unlock()
		if ok {
			return
		}
		<-time.After(time.Millisecond)
	}
}

func TestCall(t *testing.T) {
	for i, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			a, b := newUA(t, Config{}), newUA(t, Config{})
			ended := make(chan error, 1)
			serve(t, b, func(ctx context.Context, l *Leg) {
				l.Ring(ctx)
				<-time.After(20 * time.Millisecond) // two responses at once may overtake each other
				if err := l.Answer(ctx); err != nil {
					t.Error(err)
				}
				<-l.Done()
				ended <- l.Err()
			})
			rang := false
			leg, err := a.Dial(t.Context(), DialRequest{To: "sip:4000@" + b.Addrs()[i].Addr + ";transport=" + network, OnRinging: func() { rang = true }})
			if err != nil {
				t.Fatal(err)
			}
			if !rang {
				t.Error("did not ring")
			}
			<-time.After(100 * time.Millisecond)
			if s := leg.Media().Stats(); s.Received < 2 {
				t.Errorf("%+v", s)
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

func TestCancelAndBusy(t *testing.T) {
	a, b := newUA(t, Config{}), newUA(t, Config{})
	got := make(chan error, 1)
	serve(t, b, func(ctx context.Context, l *Leg) {
		if l.To() == "busy" {
			l.Reject(486, "Busy Here")
			return
		}
		l.Ring(ctx)
		<-l.Done()
		got <- l.Err()
	})
	_, err := a.Dial(t.Context(), DialRequest{To: "sip:busy@" + b.Addrs()[0].Addr})
	if !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = a.Dial(ctx, DialRequest{To: "sip:x@" + b.Addrs()[0].Addr})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := <-got; !errors.Is(err, ErrCancelled) {
		t.Error(err)
	}
}

// A phone that is switched off: its port takes packets and says nothing.
func TestAFarEndWithoutASignOfLifeIsGivenUpSoon(t *testing.T) {
	a := newUA(t, Config{})
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	began := time.Now()
	_, err = a.Dial(t.Context(), DialRequest{To: "sip:x@" + dead.LocalAddr().String()})
	if res := (*ResponseError)(nil); !errors.Is(err, ErrNoResponse) || !errors.As(err, &res) || res.Code != 408 {
		t.Error(err)
	}
	if took := time.Since(began); took > 2*unheard {
		t.Errorf("given up after %v", took)
	}
}

func TestSipp(t *testing.T) {
	b := newUA(t, Config{})
	serve(t, b, func(ctx context.Context, l *Leg) {
		l.Ring(ctx)
		if err := l.Answer(ctx); err != nil {
			t.Error(err)
		}
		<-l.Done()
	})
	for i, args := range []string{"-sn uac", "-sn uac -t t1"} {
		_ = i
		addr := b.Addrs()[0].Addr
		if strings.Contains(args, "t1") {
			addr = b.Addrs()[1].Addr
		}
		out, err := exec.Command("sipp", append(strings.Fields(args), addr, "-m", "5", "-r", "10", "-d", "200", "-nostdin", "-timeout", "15", "-i", "127.0.0.1", "-trace_err", "-error_file", "/tmp/sipp.err")...).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", args, err, out[max(0, len(out)-1500):])
		}
	}
}
