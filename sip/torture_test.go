package sip

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// tortured is what we answer to each message of RFC 4475 and RFC 5118; 0: nothing. 405 and 481 mean that the message was
// understood: a bot is no registrar, and knows nothing of the dialogs of these texts.
var tortured = map[string]int{
	"wsinv.dat": 481, "intmeth.dat": 501, "esc01.dat": 200, "escnull.dat": 405, "esc02.dat": 501, "lwsdisp.dat": 200, "longreq.dat": 200,
	"dblreq.dat": 405, "semiuri.dat": 200, "transports.dat": 200, "mpart01.dat": 405, "unreason.dat": 0, "noreason.dat": 0,
	"badinv01.dat": 400, "clerr.dat": 400, "ncl.dat": 400, "scalar02.dat": 400, "scalarlg.dat": 0, "quotbal.dat": 400,
	"ltgtruri.dat": 400, "lwsruri.dat": 400, "lwsstart.dat": 200, "trws.dat": 200, "escruri.dat": 200, "baddate.dat": 200,
	"regbadct.dat": 400, "badaspec.dat": 400, "baddn.dat": 200, "badvers.dat": 505, "mismatch01.dat": 400, "mismatch02.dat": 400,
	"bigcode.dat": 0, "badbranch.dat": 400, "insuf.dat": 400, "unkscm.dat": 416, "novelsc.dat": 416, "unksm2.dat": 405,
	"bext01.dat": 420, "invut.dat": 415, "regaut01.dat": 405, "multi01.dat": 400, "mcl01.dat": 400, "bcast.dat": 0, "zeromf.dat": 200,
	"cparam01.dat": 405, "cparam02.dat": 405, "regescrt.dat": 405, "sdp01.dat": 200, "inv2543.dat": 200,
	"ipv6-good": 405, "ipv6-bad": 400, "port-ambiguous": 405, "port-unambiguous": 405, "via-received-param-with-delim": 481,
	"via-received-param-no-delim": 200, "ipv6-in-sdp": 488, "mult-ip-in-header": 481, "mult-ip-in-sdp": 200, "ipv4-mapped-ipv6": 488,
	"ipv6-bug-abnf-3-colons": 400, "ipv6-correct-abnf-2-colons": 200,
}

func tortureText(t testing.TB, name string) string {
	t.Helper()
	found, _ := filepath.Glob("../../shared/data/sip_torture/rfc*/" + name)
	if len(found) != 1 {
		t.Skip("the torture messages are not here")
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var branch = regexp.MustCompile(`branch=z9hG4bK(\w)`)

// ownTransaction is a torture message in a transaction of its own: some have the same, and one would be a retransmission of the other.
func ownTransaction(t *testing.T, name string) string {
	t.Helper()
	head, body, found := strings.Cut(tortureText(t, name), "\r\n\r\n")
	if head = branch.ReplaceAllString(head, "branch=z9hG4bK"+strings.TrimSuffix(name, ".dat")+"$1"); found {
		head += "\r\n\r\n"
	}
	return head + body
}

func TestTheTortureMessagesGetTheirOutcomeAndTheCallBesideThemGoesOn(t *testing.T) {
	inFakeTime(t, Config{Guard: Guard{Strikes: 1000}}, nil, func(w *world) {
		beside, p := w.peer().confirmed(), w.peer()
		for _, port := range []uint16{5050, 6050, 19823} { // of the Via fields in these texts
			conn, err := w.net.Listen(netip.AddrPortFrom(p.at.Addr(), port))
			if err != nil {
				w.t.Fatal(err)
			}
			done := make(chan struct{})
			go func() { defer close(done); p.read(conn) }()
			w.t.Cleanup(func() { conn.Close(); <-done })
		}
		synctest.Wait()
		for name, want := range tortured {
			before := w.counted("ivr_sip_requests_total") + w.counted("ivr_sip_garbage_total")
			p.send(ownTransaction(t, name))
			synctest.Wait()
			got := 0
			select {
			case m := <-p.in:
				fmt.Sscanf(m.start, "SIP/2.0 %d ", &got)
			default:
			}
			if got != want {
				t.Errorf("%s: answered %d, want %d", name, got, want)
			}
			if n := w.counted("ivr_sip_requests_total") + w.counted("ivr_sip_garbage_total") - before; want != 0 && n != 1 {
				t.Errorf("%s was counted %v times", name, n)
			}
		}
		if n := beside.hears(time.Second); n < 49 {
			t.Errorf("the call beside them hears %d packets in a second", n)
		}
		beside.bye()
	})
}

func TestTheTortureMessagesOverTCPLeaveTheCallBesideThemAlone(t *testing.T) {
	ua, other := newUA(t, Config{}), newUA(t, Config{})
	serve(t, ua, func(ctx context.Context, l *Leg) {
		if l.To() != "4000" {
			l.Reject(480, "Temporarily Unavailable") // else the end of the test would wait for its ACK
			return
		}
		answerUntilEnd(ctx, l)
	})
	addr := ua.Addrs()[1].Addr
	beside, err := other.Dial(t.Context(), DialRequest{To: "sip:4000@" + addr + ";transport=tcp"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range tortured {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		text := ownTransaction(t, name)
		if name == "dblreq.dat" { // on a stream what follows is a message of its own
			text, _, _ = strings.Cut(text, "INVITE")
		}
		silent := want == 0 || name == "clerr.dat" // it waits for the rest
		go func() {
			for i := 0; i < len(text); i += 100 { // in pieces, as networks do
				io.WriteString(conn, text[i:min(len(text), i+100)])
			}
			if silent {
				conn.(*net.TCPConn).CloseWrite()
			}
		}()
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		line, err := bufio.NewReader(conn).ReadString('\n')
		got := 0
		fmt.Sscanf(line, "SIP/2.0 %d ", &got)
		switch { // without Content-Length there is no end on a stream (RFC 3261, 18.3)
		case name == "clerr.dat":
			want = 0
		case want == 200 && !strings.Contains(text, "Content-Length") && !strings.Contains(text, "l: "):
			want = 400
		case want == 200 && strings.HasPrefix(text, "INVITE"):
			want = 480
		}
		if got != want {
			t.Errorf("%s: answered %q, %v; want %d", name, line, err, want)
		}
		conn.Close()
	}
	before := beside.Media().Stats().Received
	for deadline := time.Now().Add(10 * time.Second); beside.Media().Stats().Received < before+10; <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the call beside them hears nothing")
		}
	}
	if err := beside.Hangup(t.Context(), ""); err != nil {
		t.Error(err)
	}
}
