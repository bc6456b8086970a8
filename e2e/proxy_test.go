//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ivr/media"
	"ivr/sip"
)

// proxy is a kamailio in front: it stays on the way of every dialog, and gives an INVITE to each of the targets.
func proxy(t *testing.T, targets ...string) (addr string) {
	t.Helper()
	program := need(t, "kamailio")
	modules, _ := filepath.Glob("/usr/lib/*/kamailio/modules")
	if len(modules) == 0 {
		t.Skip("kamailio has no modules")
	}
	addr = freePorts(t, 1)[0]
	var ways strings.Builder
	for i, target := range targets {
		if i == 0 {
			fmt.Fprintf(&ways, "\t$ru = \"sip:4000@%s\";\n", target)
		} else {
			fmt.Fprintf(&ways, "\tappend_branch(\"sip:4000@%s\");\n", target)
		}
	}
	dir := t.TempDir()
	config := fmt.Sprintf(`#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:%s
mpath="%s"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "maxfwd.so"
loadmodule "corex.so"
request_route {
	if (!mf_process_maxfwd_header("10")) exit;
	if (is_method("CANCEL")) {
		if (t_check_trans()) t_relay();
		exit;
	}
	if (has_totag()) {
		if (loose_route() || is_method("ACK") && t_check_trans()) t_relay();
		exit;
	}
	if (is_method("INVITE")) record_route();
%s	t_relay();
}
`, addr, modules[0], ways.String())
	file := filepath.Join(dir, "kamailio.cfg")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	cmd := exec.Command(program, "-f", file, "-DD", "-E", "-m", "16", "-M", "4", "-Y", dir, "-P", filepath.Join(dir, "pid"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		if t.Failed() {
			t.Logf("kamailio: %s", log)
		}
	})
	_, port, _ := strings.Cut(addr, ":")
	if !listening(port) {
		t.Fatalf("kamailio does not listen: %s", log)
	}
	return addr
}

// hears waits until a leg has got some packets more.
func hears(t *testing.T, l *sip.Leg) {
	t.Helper()
	before := l.Media().Stats().Received
	for deadline := time.Now().Add(5 * time.Second); l.Media().Stats().Received < before+10; <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing is heard")
		}
	}
}

// Requests of both sides go by the proxy that wrote itself into the dialog (RFC 3261, 16.6 and 12.2.1.1).
func TestKamailioInFrontStaysOnTheWayOfTheDialog(t *testing.T) {
	t.Parallel()
	answered := make(chan *sip.Leg, 1)
	b := newSIP(t, sip.Config{}, func(ctx context.Context, l *sip.Leg) {
		l.Ring(ctx)
		if l.Answer(ctx) == nil {
			answered <- l
			untilOver(ctx, l)
		}
	})
	addr := proxy(t, b.Addrs()[0].Addr)
	a := newSIP(t, sip.Config{}, stays)
	leg, err := a.Dial(t.Context(), sip.DialRequest{To: "sip:4000@" + addr})
	if err != nil {
		t.Fatal(err)
	}
	there := <-answered
	if !strings.Contains(there.Header("Record-Route"), addr) || there.Remote() != addr {
		t.Errorf("it came from %s by %q", there.Remote(), there.Header("Record-Route"))
	}
	hears(t, leg)
	hears(t, there)
	if err := there.Hold(t.Context()); err != nil { // a request of the callee
		t.Error(err)
	}
	if p := leg.Media().Params(); p.Send || !p.Receive {
		t.Errorf("held: we send %v and receive %v", p.Send, p.Receive)
	}
	if err := there.Resume(t.Context()); err != nil {
		t.Error(err)
	}
	hears(t, leg)
	hears(t, there)
	if err := leg.Hangup(t.Context(), "done"); err != nil { // and one of the caller
		t.Error(err)
	}
	<-there.Done()
	if !errors.Is(there.Err(), sip.ErrHangup) || !strings.Contains(there.Reason(), "done") {
		t.Errorf("%v, because %q", there.Err(), there.Reason())
	}
}

// Two phones ring and answer at once: one call is left (RFC 3261, 13.2.2.4 and 16.7).
func TestKamailioForksAndOnePhoneIsLeft(t *testing.T) {
	t.Parallel()
	type end struct {
		who string
		err error
	}
	ended := make(chan end, 2)
	early := make(chan struct{}, 2)
	ring := func(who string) func(context.Context, *sip.Leg) {
		return func(ctx context.Context, l *sip.Leg) {
			if err := l.Progress(ctx); err == nil { // acknowledged by PRACK, each in its own early dialog
				early <- struct{}{}
			}
			if l.Answer(ctx) == nil {
				untilOver(ctx, l)
			}
			ended <- end{who, l.Err()}
		}
	}
	b, c := newSIP(t, sip.Config{}, ring("b")), newSIP(t, sip.Config{}, ring("c"))
	addr := proxy(t, b.Addrs()[0].Addr, c.Addrs()[0].Addr)
	a := newSIP(t, sip.Config{}, stays)
	leg, err := a.Dial(t.Context(), sip.DialRequest{To: "sip:4000@" + addr, OnEarly: func(*media.Stream) {}})
	if err != nil {
		t.Fatal(err)
	}
	var first end
	select {
	case first = <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("none was hung up")
	}
	if leg.Err() != nil {
		t.Fatalf("the call that was answered ended: %v", leg.Err())
	}
	hears(t, leg)
	if err := leg.Hangup(t.Context(), ""); err != nil {
		t.Error(err)
	}
	second := <-ended
	if first.who == second.who || len(early) == 0 {
		t.Errorf("%+v, %+v, %d rang", first, second, len(early))
	}
}
