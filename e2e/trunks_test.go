//go:build e2e

package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ivr/media"
	"ivr/sip"
	"ivr/testaudio"
)

// line is a telephone without anybody at it: it answers, plays a tone and listens for the other's.
type line struct {
	t     *testing.T
	ua    *sip.UA
	heard chan testaudio.Heard // of each call that it answered
	legs  chan *sip.Leg
}

func newLine(t *testing.T, cfg sip.Config, hz float64) *line {
	t.Helper()
	m := media.NewEngine(media.Config{Bind: netip.MustParseAddr("127.0.0.1"), PortMin: 46000, PortMax: 47998})
	cfg.Media = m
	ua, err := sip.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { m.Run(ctx) })
	l := &line{t: t, ua: ua, heard: make(chan testaudio.Heard, 10), legs: make(chan *sip.Leg, 10)}
	serving, stop := context.WithCancel(ctx)
	var served sync.WaitGroup
	served.Go(func() {
		ua.Serve(serving, func(ctx context.Context, leg *sip.Leg) {
			if leg.Answer(ctx) != nil {
				return
			}
			l.legs <- leg
			l.heard <- l.hear(ctx, leg, hz)
		})
	})
	t.Cleanup(func() { stop(); served.Wait(); cancel(); wg.Wait() })
	return l
}

// ear keeps what it hears.
type ear struct {
	mu  sync.Mutex
	pcm testaudio.Heard
}

func (e *ear) Hear(h *media.Heard) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pcm = append(e.pcm, h.Frame[:]...)
}

// hear plays a tone until the call ends and returns what came.
func (l *line) hear(ctx context.Context, leg *sip.Leg, hz float64) testaudio.Heard {
	e := &ear{}
	defer leg.Media().Listen(e)()
	leg.Media().Loop(media.NewPrompt(testaudio.Tone(time.Second, hz)))
	select {
	case <-leg.Done():
	case <-ctx.Done():
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pcm
}

// hasTone says whether a tone is most of some piece of what was heard.
func hasTone(h testaudio.Heard, hz float64) bool {
	const piece = media.SampleRate / 5
	for at := 0; at+piece <= len(h); at += piece {
		if media.Audible(h[at:at+piece]) && h[at:at+piece].Tone(hz) > 0.8 {
			return true
		}
	}
	return false
}

// kamailio is a registrar and proxy that wants digest: the account is bot, all other numbers are at phone.
func kamailio(t *testing.T, algorithm, phone string) (addr string) {
	t.Helper()
	program := need(t, "kamailio")
	addr = freePorts(t, 1)[0]
	dir := t.TempDir()
	modules, _ := filepath.Glob("/usr/lib/*/kamailio/modules")
	config := strings.NewReplacer("ADDR", addr, "ALGORITHM", algorithm, "PHONE", phone, "MODULES", strings.Join(modules, ":")).Replace(`#!KAMAILIO
debug=1
log_stderror=yes
children=1
auto_aliases=no
alias="ivr.test"
listen=udp:ADDR
listen=tcp:ADDR
mpath="MODULES"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("auth", "algorithm", "ALGORITHM")
modparam("registrar", "max_expires", 20)
request_route {
	if (is_method("REGISTER")) {
		if (!pv_www_authenticate("ivr.test", "secret", "0")) { www_challenge("ivr.test", "1"); exit; }
		save("location");
		exit;
	}
	if (has_totag()) { loose_route(); t_relay(); exit; }
	if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
	if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
	record_route();
	if ($rU == "bot") {
		if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
	} else {
		if (!pv_proxy_authenticate("ivr.test", "secret", "0")) { proxy_challenge("ivr.test", "1"); exit; }
		consume_credentials();
		$ru = "sip:" + $rU + "@PHONE";
	}
	t_relay();
}
`)
	path := filepath.Join(dir, "kamailio.cfg")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	cmd := exec.Command(program, "-DD", "-E", "-f", path, "-m", "32", "-M", "4", "-Y", dir, "-P", filepath.Join(dir, "pid"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if t.Failed() {
			t.Logf("kamailio:\n%s", log.String())
		}
	})
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); <-time.After(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return addr
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("kamailio: %v", err)
		default:
		}
	}
	t.Fatalf("kamailio did not start:\n%s", log.String())
	return ""
}

func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(within); !ok(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// FIELD 10: a bot that cannot join an ordinary PBX.
func TestATrunkAtKamailioIsRegisteredAndCallsBothWays(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		for _, transport := range []string{"udp", "tcp"} {
			t.Run(algorithm+" over "+transport, func(t *testing.T) {
				phone := newLine(t, sip.Config{Listen: []sip.Listen{{Network: "udp", Addr: "127.0.0.1:0"}, {Network: "tcp", Addr: "127.0.0.1:0"}}}, 700)
				proxy := kamailio(t, algorithm, phone.ua.Addrs()[0].Addr)
				trunk := sip.Trunk{Name: "pbx", Address: proxy + ";transport=" + transport, User: "bot", Password: "secret", Register: true, KeepAlive: time.Second}
				bot := newLine(t, sip.Config{Listen: []sip.Listen{{Network: "udp", Addr: "127.0.0.1:0"}, {Network: "tcp", Addr: "127.0.0.1:0"}},
					Trunks: []sip.Trunk{trunk}}, 1100)
				eventually(t, 5*time.Second, "registered", func() bool { s := bot.ua.Trunks()[0]; return s.Registered && s.Up })

				leg, err := phone.ua.Dial(t.Context(), sip.DialRequest{To: "sip:bot@" + proxy})
				if err != nil {
					t.Fatal(err)
				}
				bothWays(t, phone, leg, bot, 700, 1100)
				if in := <-bot.legs; in.Trunk() != "pbx" || in.To() != "bot" {
					t.Errorf("called %q on trunk %q", in.To(), in.Trunk())
				}
				leg, err = bot.ua.Dial(t.Context(), sip.DialRequest{To: "tel:4711"})
				if err != nil {
					t.Fatal(err)
				}
				bothWays(t, bot, leg, phone, 1100, 700)
				if in := <-phone.legs; in.To() != "4711" {
					t.Errorf("called %q", in.To())
				}
				if s := bot.ua.Trunks()[0]; s.In != 1 || s.Out != 1 || s.Calls != 0 {
					t.Errorf("%+v", s)
				}
			})
		}
	}
}

// bothWays lets a call go on until each end has heard the other's tone, and hangs up.
func bothWays(t *testing.T, caller *line, leg *sip.Leg, called *line, ours, theirs float64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if heard := caller.hear(ctx, leg, ours); !hasTone(heard, theirs) {
		t.Error("the caller did not hear the called")
	}
	if err := leg.Hangup(t.Context(), ""); err != nil {
		t.Error(err)
	}
	if heard := <-called.heard; !hasTone(heard, ours) {
		t.Error("the called did not hear the caller")
	}
}

// A caller of the PBX is handed over to a seat of the PBX: both calls go through the trunk, and both ends hear each other.
func TestAHandOverBehindATrunk(t *testing.T) {
	t.Parallel()
	h := open(t, settings{pbx: true})
	var now struct {
		Trunks []struct {
			Name            string
			Up, Registered  bool
			Calls, In, Out  int
			Refused         int
			RegisteredUntil time.Time `json:"registered_until"`
		}
	}
	ask := func() bool {
		out, err := exec.Command(root("bin/ivr"), "trunks", "--web", h.web, "--json").Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &now); err != nil || len(now.Trunks) != 1 {
			t.Fatalf("%v\n%s", err, out)
		}
		return now.Trunks[0].Up && now.Trunks[0].Registered
	}
	eventually(t, 10*time.Second, "the trunk is up", ask)
	h.perform(t, `
bot     says how can I help you
caller  says "can you recommend a good recipe for apple pie"
bot     says sorry
caller  says "I want to learn to play the violin"
bot     hands over service, because unmatched
seat 1  rings 1s, answers, hears press one to take the call
seat 1  presses 1
bridge  caller + seat 1
seat 1  says "hello, this is Ann, what can I do for you"
caller  hears this is Ann, what can I do for you
caller  says "I want to send a violin to my brother in Norway"
seat 1  hears violin to my brother in Norway
caller  hangs up
end     caller hung up
`)
	if ask(); now.Trunks[0].In != 1 || now.Trunks[0].Out != 1 || now.Trunks[0].Calls != 0 || now.Trunks[0].Refused != 0 {
		t.Errorf("%+v", now)
	}
	if n := h.metric(`ivr_sip_trunk_calls_total{direction="out",trunk="pbx"}`); n != 1 {
		t.Errorf("counted %v", n)
	}
}

// FIELD 11: what is wrong with a trunk is said in words, with the setting that mends it.
func TestTheDoctorFindsWhatIsWrongWithATrunk(t *testing.T) {
	t.Parallel()
	echo := newEcho(t)
	proxy := kamailio(t, "SHA-256", echo)
	dead := freePorts(t, 1)[0]
	path := filepath.Join(t.TempDir(), "ivr.yaml")
	config := fmt.Sprintf(`
sip: {listen: ["udp://127.0.0.1:0", "tcp://127.0.0.1:0"]}
rtp: {bind: 127.0.0.1, ports: 48000-48998}
trunks:
  well: {address: "%[1]s", user: bot, password: env:PBX_PASSWORD, register: true}
  password: {address: "%[1]s", transport: tcp, user: bot, password: wrong, register: true}
  nobody: {address: "%[2]s", transport: tcp}
  nowhere: {address: nowhere.invalid}
bots: {"4000": none.yaml}
`, proxy, dead)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(root("bin/ivr"), "doctor", path, "--json", "--call", "600")
	cmd.Env = append(os.Environ(), "PBX_PASSWORD=secret")
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 {
		t.Errorf("%v", err)
	}
	var all []struct{ Trunk, Step, Verdict, What, Change string }
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range [][3]string{ // trunk, step, what it says
		{"well", "account", "bot is known there"}, {"well", "call", "600 answered"}, {"well", "audio", "both ways"},
		{"password", "account", "trunks.password.password"}, {"nobody", "connection", "nobody listens there"}, {"nowhere", "name", "leads nowhere"},
	} {
		found := false
		for _, f := range all {
			if f.Trunk == want[0] && f.Step == want[1] && strings.Contains(f.What+f.Change, want[2]) {
				found = f.Verdict == "wrong" == (want[0] != "well")
			}
		}
		if !found {
			t.Errorf("%v was not said:\n%s", want, out)
		}
	}
}

// newEcho is a number that says what it hears.
func newEcho(t *testing.T) (addr string) {
	t.Helper()
	program := need(t, "sipp")
	addr = freePorts(t, 1)[0]
	host, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(program, "-sn", "uas", "-i", host, "-p", port, "-rtp_echo", "-mi", host, "-nostdin")
	cmd.Env = append(os.Environ(), "TERM=dumb")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return addr
}

// certificates writes an authority, and a key pair that it has signed for name, as PEM files.
func certificates(t *testing.T, dir, name string) (ca, pair string) {
	t.Helper()
	write := func(file string, blocks ...*pem.Block) string {
		var text []byte
		for _, b := range blocks {
			text = append(text, pem.EncodeToMemory(b)...)
		}
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	make := func(serial int64, template *x509.Certificate, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template.SerialNumber, template.NotAfter = big.NewInt(serial), time.Now().Add(24*time.Hour)
		if parent == nil {
			parent, by = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	root, rootKey := make(1, &x509.Certificate{Subject: pkix.Name{CommonName: "e2e authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}, nil, nil)
	leaf, leafKey := make(2, &x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, root, rootKey)
	der, err := x509.MarshalECPrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	return write("ca.pem", &pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}),
		write("pair.pem", &pem.Block{Type: "EC PRIVATE KEY", Bytes: der}, &pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})
}

func TestBaresipCallsOverTLSWithProtectedAudio(t *testing.T) {
	t.Parallel()
	baresip := need(t, "baresip")
	dir := t.TempDir()
	ca, pair := certificates(t, dir, "localhost")
	own, err := tls.LoadX509KeyPair(pair, pair)
	if err != nil {
		t.Fatal(err)
	}
	bot := newLine(t, sip.Config{Listen: []sip.Listen{{Network: "tls", Addr: "127.0.0.1:0"}}, TLS: &tls.Config{Certificates: []tls.Certificate{own}},
		Trunks: []sip.Trunk{{Name: "phones", Sources: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, SRTP: sip.SRTPRequire}}}, 1100)
	said := filepath.Join(dir, "said.wav")
	if err := testaudio.WriteWAV(said, testaudio.Tone(10*time.Second, 700)); err != nil {
		t.Fatal(err)
	}
	baresipConfig(t, dir, said)
	more := "sip_cafile " + ca + "\nsip_certificate " + pair + "\nmodule srtp.so\n"
	appendTo(t, filepath.Join(dir, "config"), more)
	account := "<sip:tester@127.0.0.1;transport=tls>;regint=0;mediaenc=srtp-mand\n"
	if err := os.WriteFile(filepath.Join(dir, "accounts"), []byte(account), 0o600); err != nil {
		t.Fatal(err)
	}
	uri := "sip:4000@" + bot.ua.Addrs()[0].Addr + ";transport=tls"
	out, err := exec.Command(baresip, "-f", dir, "-e", "/dial "+uri, "-t", "4").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(out))
	}
	select {
	case leg := <-bot.legs:
		if s := leg.Media().Stats(); s.Crypto == "" { // its RTCP is in the clear at the beginning and the end, and is not taken
			t.Errorf("%+v", s)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("no call came\n%s", tail(out))
	}
	if heard := <-bot.heard; !hasTone(heard, 700) {
		t.Error("the bot did not hear baresip")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "dump-*-dec.wav"))
	if len(files) != 1 {
		t.Fatalf("baresip wrote %v\n%s", files, tail(out))
	}
	pcm, err := testaudio.ReadMono(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if !hasTone(pcm, 1100) {
		t.Error("baresip did not hear the bot")
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, text...), 0o600); err != nil {
		t.Fatal(err)
	}
}
