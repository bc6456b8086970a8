//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ivr/media"
	"ivr/sip"
)

// newSIP is a UA of ours on a free port that handles calls with handle.
func newSIP(t *testing.T, cfg sip.Config, handle func(context.Context, *sip.Leg)) *sip.UA {
	t.Helper()
	cfg.Media = media.NewEngine(media.Config{Bind: netip.MustParseAddr("127.0.0.1"), PortMin: 46000, PortMax: 48998})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { cfg.Media.Run(ctx) })
	if cfg.Listen == nil {
		cfg.Listen = []sip.Listen{{Network: "udp", Addr: "127.0.0.1:0"}}
	}
	ua, err := sip.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	wg.Go(func() { ua.Serve(ctx, handle) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return ua
}

// stays answers and stays until the far end hangs up.
func stays(ctx context.Context, l *sip.Leg) {
	l.Ring(ctx)
	if l.Answer(ctx) == nil {
		untilOver(ctx, l)
	}
}

func untilOver(ctx context.Context, l *sip.Leg) {
	select {
	case <-l.Done():
	case <-ctx.Done():
	}
}

// scenario writes what sipp is to do. Each step is one of the functions below.
func scenario(t *testing.T, steps ...string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "scenario.xml")
	body := strings.Join(steps, "\n")
	if strings.Contains(body, `assign_to="seen"`) { // sipp complains of variables that nobody reads
		body += "\n<Reference variables=\"seen\"/>"
	}
	text := "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=\"one call\">\n" + body + "\n</scenario>\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// audio is sipp's description of itself, with more lines.
func audio(more ...string) string {
	return "v=0\no=- 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 0 101\n" +
		"a=rtpmap:101 telephone-event/8000\n" + strings.Join(append(more, ""), "\n")
}

// asks has sipp send a request of its own call.
func asks(method string, seq int, body string, headers ...string) string {
	return sends(method+" sip:[service]@[remote_ip]:[remote_port] SIP/2.0", method != "ACK", append([]string{
		"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
		"From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]",
		"To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]",
		"Call-ID: [call_id]", fmt.Sprintf("CSeq: %d %s", seq, method), "Max-Forwards: 70",
		"Contact: <sip:sipp@[local_ip]:[local_port]>"}, headers...), body)
}

// says has sipp answer the last request.
func says(status, body string, headers ...string) string {
	return sends("SIP/2.0 "+status, false, append([]string{"[last_Via:]", "[last_From:]", "[last_To:];tag=sipp", "[last_Call-ID:]", "[last_CSeq:]",
		"Contact: <sip:sipp@[local_ip]:[local_port]>"}, headers...), body)
}

// agrees answers a request within the dialog.
func agrees(status, body string, headers ...string) string {
	return strings.Replace(says(status, body, headers...), "[last_To:];tag=sipp", "[last_To:]", 1)
}

func sends(start string, again bool, headers []string, body string) string {
	retrans := ""
	if again {
		retrans = ` retrans="500"`
	}
	if body != "" {
		headers = append(headers, "Content-Type: application/sdp")
	}
	return "<send" + retrans + "><![CDATA[\n" + start + "\n" + strings.Join(headers, "\n") + "\nContent-Length: [len]\n\n" + body + "]]></send>"
}

// gets has sipp wait for a response ("200") or a request ("BYE") that matches a pattern.
func gets(what, pattern string) string {
	kind, optional := "request", ""
	if _, err := strconv.Atoi(what); err == nil {
		kind = "response"
		if what[0] == '1' && pattern == "" {
			optional = ` optional="true"`
		}
	}
	action := ""
	if pattern != "" {
		action = fmt.Sprintf(`<action><ereg regexp="%s" search_in="msg" check_it="true" assign_to="seen"/></action>`, pattern)
	}
	return fmt.Sprintf(`<recv %s="%s"%s rrs="true">%s</recv>`, kind, what, optional, action)
}

// keeps stores what matches in a header of the message that sipp waits for.
func keeps(what, header, pattern, variable string) string {
	return fmt.Sprintf(`<recv response="%s"><action><ereg regexp="%s" search_in="hdr" header="%s:" check_it="true" assign_to="%s"/></action></recv>`,
		what, pattern, header, variable)
}

func rests(d time.Duration) string {
	return fmt.Sprintf(`<pause milliseconds="%d"/>`, d.Milliseconds())
}

// sippCalls runs a scenario of one call against a UA.
func sippCalls(t *testing.T, ua *sip.UA, steps ...string) {
	t.Helper()
	cmd := sipp(t, scenario(t, steps...), ua.Addrs()[0].Addr)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, tail(out))
	}
}

func sipp(t *testing.T, file string, more ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), need(t, "sipp"), append([]string{"-sf", file, "-i", "127.0.0.1", "-s", "4000", "-m", "1", "-nostdin", "-nd",
		"-timeout", "15", "-timeout_error", "-trace_err", "-error_file", "/dev/stderr"}, more...)...)
	cmd.Dir = t.TempDir()
	return cmd
}

// sippAnswers runs a scenario of one call that waits for ours, and returns its address.
func sippAnswers(t *testing.T, steps ...string) (uri string, end func()) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(c.LocalAddr().(*net.UDPAddr).Port)
	c.Close()
	cmd := sipp(t, scenario(t, steps...), "-p", port)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	if !listening(port) {
		cmd.Process.Kill()
		t.Fatalf("sipp does not listen: %v\n%s", <-done, out.String())
	}
	return "sip:4000@127.0.0.1:" + port, func() {
		t.Helper()
		if err := <-done; err != nil {
			t.Fatalf("%v\n%s", err, tail([]byte(out.String())))
		}
	}
}

// listening returns when somebody listens on a port of UDP, or false after a while.
func listening(port string) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		c, err := net.ListenPacket("udp", "127.0.0.1:"+port)
		if err != nil {
			return true
		}
		c.Close()
	}
	return false
}

func TestSippHoldsAndResumesInAllDirections(t *testing.T) {
	t.Parallel()
	ua := newSIP(t, sip.Config{}, stays)
	steps := []string{asks("INVITE", 1, audio()), gets("100", ""), gets("180", ""), gets("200", "a=sendrecv"), asks("ACK", 1, "")}
	for i, change := range []struct{ offer, answer string }{
		{audio("a=sendonly"), "a=recvonly"}, {audio("a=inactive"), "a=inactive"}, {audio("a=recvonly"), "a=sendonly"},
		{strings.Replace(audio(), "[media_ip]", "0.0.0.0", 1), "a=recvonly"}, {audio("a=sendrecv"), "a=sendrecv"}, {"", "a=sendrecv"},
	} {
		closing := ""
		if change.offer == "" { // an INVITE without one: the ACK answers ours
			closing = audio()
		}
		steps = append(steps, asks("INVITE", i+2, change.offer), gets("100", ""), gets("200", change.answer), asks("ACK", i+2, closing), rests(200*time.Millisecond))
	}
	sippCalls(t, ua, append(steps, asks("UPDATE", 20, audio("a=inactive")), gets("200", "a=inactive"), asks("BYE", 21, ""), gets("200", ""))...)
}

func TestSippAcknowledgesProvisionalResponsesWithPrack(t *testing.T) {
	t.Parallel()
	ua := newSIP(t, sip.Config{}, func(ctx context.Context, l *sip.Leg) {
		if err := errors.Join(l.Ring(ctx), l.Progress(ctx)); err != nil {
			t.Error(err)
		}
		stays(ctx, l)
	})
	prack := func(seq int) string { return asks("PRACK", seq, "", "RAck: [$rseq] 1 INVITE") }
	sippCalls(t, ua, asks("INVITE", 1, audio(), "Require: 100rel"), gets("100", ""),
		keeps("180", "RSeq", "[0-9]+", "rseq"), prack(2), gets("200", "PRACK"),
		keeps("183", "RSeq", "[0-9]+", "rseq"), prack(3), gets("200", "PRACK"),
		keeps("180", "RSeq", "[0-9]+", "rseq"), prack(4), gets("200", "PRACK"),
		gets("200", "CSeq: 1 INVITE"), asks("ACK", 1, ""), asks("BYE", 5, ""), gets("200", ""))
}

func TestSippRingsReliablyAndWeAcknowledgeWithPrack(t *testing.T) {
	t.Parallel()
	ua := newSIP(t, sip.Config{}, stays)
	uri, end := sippAnswers(t, gets("INVITE", "Supported: .*100rel"), says("183 Session Progress", audio(), "Require: 100rel", "RSeq: 71"),
		gets("PRACK", "RAck: 71 1 INVITE"), agrees("200 OK", ""),
		`<nop/>`, rests(300*time.Millisecond))
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	heard := make(chan struct{})
	go func() { <-heard; stop() }()
	_, err := ua.Dial(ctx, sip.DialRequest{To: uri, OnEarly: func(*media.Stream) { close(heard) }})
	if err == nil {
		t.Error("answered")
	}
	end()
}

// A session timer of four seconds: real peers count in real time. It is refreshed at half of that.
func TestSippHasItsSessionRefreshed(t *testing.T) {
	t.Parallel()
	for method, methods := range map[string]string{"UPDATE": "INVITE, ACK, BYE, UPDATE", "INVITE": "INVITE, ACK, BYE"} {
		t.Run("by "+method, func(t *testing.T) {
			t.Parallel()
			ua := newSIP(t, sip.Config{}, stays)
			const timer = "Session-Expires: 4;refresher=uac"
			body := ""
			if method == "INVITE" {
				body = audio()
			}
			steps := []string{gets("INVITE", "Session-Expires: 1800"), says("200 OK", audio(), timer, "Require: timer", "Allow: "+methods), gets("ACK", "")}
			for range 2 {
				steps = append(steps, gets(method, "Session-Expires: 4;refresher=uac"), agrees("200 OK", body, timer, "Require: timer", "Allow: "+methods))
				if method == "INVITE" {
					steps = append(steps, gets("ACK", ""))
				}
			}
			uri, end := sippAnswers(t, append(steps, gets("BYE", ""), agrees("200 OK", ""))...)
			leg, err := ua.Dial(t.Context(), sip.DialRequest{To: uri})
			if err != nil {
				t.Fatal(err)
			}
			select {
			case <-leg.Done():
				t.Error(leg.Err())
			case <-time.After(5 * time.Second):
			}
			if err := leg.Hangup(t.Context(), ""); err != nil {
				t.Error(err)
			}
			end()
		})
	}
}

func TestSippRefreshesItsSession(t *testing.T) {
	t.Parallel()
	ua := newSIP(t, sip.Config{}, stays)
	const timer = "Session-Expires: 90;refresher=uac"
	sippCalls(t, ua, asks("INVITE", 1, audio(), "Supported: timer", "Session-Expires: 30"), gets("422", "Min-SE: 90"), asks("ACK", 1, ""))
	sippCalls(t, ua,
		asks("INVITE", 2, audio(), "Supported: timer", timer), gets("100", ""), gets("180", ""), gets("200", timer), asks("ACK", 2, ""),
		asks("UPDATE", 3, "", "Supported: timer", timer), gets("200", timer),
		asks("INVITE", 4, audio(), "Supported: timer", timer), gets("100", ""), gets("200", timer), asks("ACK", 4, ""),
		asks("BYE", 5, ""), gets("200", ""))
}

func TestSippIsReferredAndSaysHowThatWent(t *testing.T) {
	t.Parallel()
	for final, want := range map[string]error{"200 OK": nil, "486 Busy Here": sip.ErrBusy} {
		t.Run(final, func(t *testing.T) {
			t.Parallel()
			ua := newSIP(t, sip.Config{}, stays)
			notify := func(seq int, line, state string) string {
				text := sends("NOTIFY [next_url] SIP/2.0", true, []string{
					"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]", "From: [$us]", "To: [$them]", "[last_Call-ID:]",
					fmt.Sprintf("CSeq: %d NOTIFY", seq), "Max-Forwards: 70", "Contact: <sip:sipp@[local_ip]:[local_port]>", "Event: refer",
					"Subscription-State: " + state, "Content-Type: message/sipfrag;version=2.0"}, "")
				return strings.Replace(text, "]]>", "SIP/2.0 "+line+"\n]]>", 1)
			}
			refer := `<recv request="REFER" rrs="true"><action><ereg regexp=".*" search_in="hdr" header="To:" assign_to="us"/>` +
				`<ereg regexp=".*" search_in="hdr" header="From:" assign_to="them"/></action></recv>`
			uri, end := sippAnswers(t, gets("INVITE", ""), says("200 OK", audio()), gets("ACK", ""), refer, agrees("202 Accepted", ""),
				notify(1, "100 Trying", "active;expires=60"), gets("200", ""), rests(300*time.Millisecond),
				notify(2, final, "terminated;reason=noresource"), gets("200", ""), gets("BYE", ""), agrees("200 OK", ""))
			leg, err := ua.Dial(t.Context(), sip.DialRequest{To: uri})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
			defer stop()
			if err := leg.Refer(ctx, sip.Transfer{To: "sip:4001@127.0.0.1"}); !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%v, want %v", err, want)
			}
			if err := leg.Hangup(t.Context(), ""); err != nil {
				t.Error(err)
			}
			end()
		})
	}
}
