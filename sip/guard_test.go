package sip

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"hash"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

// callers is a trunk whose callers come from anywhere and have to present credentials.
func callers() Config {
	return Config{Allow: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, Trunks: []Trunk{{
		Name: "branches", Sources: []netip.Prefix{peers}, Challenge: Credentials{"branch", "secret"},
	}}}
}

// authorized is the Authorization field that answers a challenge of ours.
func authorized(challenge, algorithm, user, password, uri string, nc int) string {
	h := map[string]func() hash.Hash{"MD5": md5.New, "SHA-256": sha256.New}[algorithm]
	realm, nonce := param(challenge, "realm"), param(challenge, "nonce")
	value := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", qop=auth, nc=%08x, cnonce="c", algorithm=%s`,
		user, realm, nonce, uri, nc, algorithm)
	return "Authorization: " + value + fmt.Sprintf(`, response="%s"`, digestOf(h, user, realm, password, "INVITE", value))
}

func TestCallersOfATrunkWithAChallengeHaveToPresentCredentials(t *testing.T) { // RFC 3261, 22.2; RFC 8760
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		t.Run(algorithm, func(t *testing.T) {
			inFakeTime(t, callers(), nil, func(w *world) {
				d := w.peer().call()
				m := d.want("401 INVITE")
				d.ackFailure(m)
				challenge := m.header("WWW-Authenticate")
				if !strings.Contains(challenge, "algorithm=SHA-256") || !strings.Contains(challenge, "algorithm=MD5") {
					t.Error(m)
				}
				again := func(credentials string) {
					d.seq++
					d.branch += "x"
					d.to = "<sip:4000@192.0.2.1>"
					d.invite(d.sdp(), credentials)
				}
				again(authorized(challenge, algorithm, "branch", "secret", d.inviteURI, 1))
				d.answered()
				d.ack()
				if l := <-w.calls; l.Trunk() != "branches" {
					t.Error(l.Trunk())
				}
				d.bye()

				again(authorized(challenge, algorithm, "branch", "secret", d.inviteURI, 1)) // who overheard it
				m = d.want("401 INVITE")
				d.ackFailure(m)
				if !strings.Contains(m.header("WWW-Authenticate"), "stale=true") {
					t.Error(m)
				}
				again(authorized(m.header("WWW-Authenticate"), algorithm, "branch", "wrong", d.inviteURI, 1))
				d.ackFailure(d.want("403 INVITE"))
				synctest.Wait()
				if n := w.counted("ivr_sip_refused_total", "wrong credentials"); n != 1 {
					t.Errorf("counted %v", n)
				}
			})
		})
	}
}

func TestTheTrunkOfSeveralIsTheOneWhoseCredentialsArePresented(t *testing.T) {
	cfg := callers()
	second := cfg.Trunks[0]
	second.Name, second.Challenge = "partners", Credentials{"partner", "geheim"}
	cfg.Trunks = append(cfg.Trunks, second)
	inFakeTime(t, cfg, nil, func(w *world) {
		d := w.peer().call()
		m := d.want("401 INVITE")
		d.ackFailure(m)
		d.seq, d.branch, d.to = 2, "z9hG4bKagain", "<sip:4000@192.0.2.1>"
		d.invite(d.sdp(), authorized(m.header("WWW-Authenticate"), "MD5", "partner", "geheim", d.inviteURI, 1))
		d.answered()
		d.ack()
		if l := <-w.calls; l.Trunk() != "partners" {
			t.Error(l.Trunk())
		}
		d.bye()
	})
}

func TestWrongCredentialsBanTheSourceForATimeThatGrows(t *testing.T) {
	cfg := callers()
	cfg.Guard = Guard{Strikes: 3, Ban: time.Minute, MaxBan: 3 * time.Minute}
	inFakeTime(t, cfg, nil, func(w *world) {
		p, other := w.peer(), w.peer()
		guess := func() {
			d := p.call()
			m := d.want("401 INVITE")
			d.ackFailure(m)
			d.seq, d.branch, d.to = 2, d.branch+"x", "<sip:4000@192.0.2.1>"
			d.invite(d.sdp(), authorized(m.header("WWW-Authenticate"), "MD5", "branch", "guess", d.inviteURI, 1))
			d.ackFailure(d.want("403 INVITE"))
		}
		for _, ban := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 3 * time.Minute} {
			for range 3 {
				guess()
			}
			synctest.Wait()
			banned := w.ua.Bans()
			if len(banned) != 1 || banned[0].Addr != p.at.Addr() || time.Until(banned[0].Until) != ban || banned[0].Why != "wrong credentials" {
				t.Fatalf("want %v, got %+v", ban, banned)
			}
			p.call()
			for end := time.After(ban - time.Second); end != nil; {
				select {
				case m := <-p.in:
					if !m.is("403 INVITE") { // whose ACK was not looked at any more
						t.Fatal(m)
					}
				case <-end:
					end = nil
				}
			}
			d := other.call() // nobody else suffers
			d.ackFailure(d.want("401 INVITE"))
			<-time.After(time.Second)
		}
		if n := w.counted("ivr_sip_bans_total", "wrong credentials"); n != 4 {
			t.Errorf("counted %v", n)
		}
	})
}

func TestScannersAreBannedAtOnce(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		d := p.dialogTo("100")
		d.send(d.text("OPTIONS", d.inviteURI, d.branch, 1, "", "User-Agent: friendly-scanner"))
		p.silent(time.Second)
		if b := w.ua.Bans(); len(b) != 1 || b[0].Why != "scanner" {
			t.Errorf("%+v", b)
		}
	})
}

func TestWhoCallsOneNumberAfterTheOtherIsBanned(t *testing.T) {
	inFakeTime(t, Config{Guard: Guard{Strikes: 5}}, func(_ context.Context, l *Leg) { l.Reject(404, "Not Found") }, func(w *world) {
		p := w.peer()
		for n := range 5 {
			d := p.callTo(fmt.Sprintf("00%d", n))
			d.ackFailure(d.want("404 INVITE"))
		}
		synctest.Wait()
		if b := w.ua.Bans(); len(b) != 1 || b[0].Why != "unknown number" {
			t.Errorf("%+v", b)
		}
	})
}

func TestAFloodIsCutAndBannedAndTheCallBesideItGoesOn(t *testing.T) {
	inFakeTime(t, Config{Guard: Guard{Rate: 50}}, nil, func(w *world) {
		beside, p := w.peer().confirmed(), w.peer()
		for range 1000 {
			p.send("garbage\r\n\r\n")
		}
		synctest.Wait()
		if b := w.ua.Bans(); len(b) != 1 {
			t.Errorf("%+v", b)
		}
		if n := beside.hears(time.Second); n < 49 {
			t.Errorf("the call beside it hears %d packets", n)
		}
		if w.counted("ivr_sip_garbage_total") > 50 {
			t.Error("the flood was looked at")
		}
		beside.bye()
	})
}

func TestATrunkIsNeverBanned(t *testing.T) {
	cfg := Config{Allow: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, Trunks: []Trunk{{Name: "carrier", Sources: []netip.Prefix{peers}}}}
	inFakeTime(t, cfg, nil, func(w *world) {
		p := w.peer()
		for range 1000 {
			p.send("garbage\r\n\r\n")
		}
		synctest.Wait()
		p.confirmed().bye()
		if b := w.ua.Bans(); len(b) != 0 {
			t.Errorf("%+v", b)
		}
	})
}

func TestTheGuardRemembersABoundedNumberOfSources(t *testing.T) {
	g := newGuard(Guard{Strikes: 1})
	now := time.Now()
	banned := netip.AddrFrom4([4]byte{10, 0, 0, 0})
	g.offended(banned, refusedAuth, now)
	for i := range 3 * offenders {
		g.admits(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), now.Add(time.Duration(i)))
	}
	if len(g.seen) > offenders {
		t.Errorf("%d", len(g.seen))
	}
	if g.admits(banned, now.Add(time.Second)) != refusedBanned {
		t.Error("the banned one was forgotten before those who did nothing")
	}
}

// A seat's phone need not be among the sources that may call us.
func TestAPhoneThatWeCallMayAnswerAndHangUpButNotCall(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peerAt(netip.MustParseAddrPort("203.0.113.5:5060"))
		invite, result := w.dial(w.t.Context(), p, DialRequest{})
		p.reply(invite, 200, "OK", "seat", p.sdp())
		p.want("ACK")
		got := <-result
		p.call()
		p.silent(time.Second)
		p.dialogOf(invite, "seat").bye()
		mustEnd(t, got.leg, ErrHangup)
		if n := w.counted("ivr_sip_refused_total", "not within a call of ours"); n != 2 { // and its retransmission
			t.Logf("counted %v", n)
		}
		<-time.After(time.Minute)
		p.call()
		p.silent(time.Second)
		if n := w.counted("ivr_sip_refused_total", "unknown source"); n != 1 {
			t.Errorf("counted %v", n)
		}
	})
}

// Toll fraud is impossible by construction: nobody outside chooses whom we call.
func TestATransferAskedOfUsIsRefused(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		if m := d.request("REFER", "", "Refer-To: <sip:premium@198.51.100.1>"); !m.is("405 REFER") && !m.is("403 REFER") {
			t.Error(m)
		}
		d.bye()
	})
}

func FuzzDigest(f *testing.F) {
	f.Add(`Digest username="branch", realm="ivr", nonce="x", uri="sip:a", qop=auth, nc=00000001, cnonce="c", response="0"`)
	c := newChallenger("ivr")
	f.Fuzz(func(t *testing.T, value string) {
		d := (&peer{at: uaAt, to: uaAt}).dialogTo("1")
		l, fault := scan([]byte(d.text("INVITE", "sip:1@x", "z9hG4bK1", 1, "", "Authorization: "+strings.NewReplacer("\r", "", "\n", "").Replace(value))))
		if fault != nil {
			return
		}
		req := parseRequest(t, l.bytes())
		if v := c.judge(req, Credentials{"branch", "secret"}, time.Now()); v == right || v == stale {
			t.Errorf("%s was accepted", value)
		}
	})
}

func parseRequest(t *testing.T, data []byte) *sip.Request {
	m, err := sip.ParseMessage(data)
	if err != nil {
		t.Skip(err)
	}
	return m.(*sip.Request)
}

// What strangers send costs next to nothing: it is neither parsed nor remembered beyond a row for each source.
func BenchmarkAPacketOfAStranger(b *testing.B) {
	ua := &UA{cfg: Config{Allow: []netip.Prefix{peers}}, metrics: newMetrics(nil), mouth: newMouth(), ledger: newLedger(),
		guard: newGuard(Guard{}), log: slog.New(slog.DiscardHandler), called: map[netip.Addr]int{}}
	data := []byte("OPTIONS sip:100@192.0.2.1 SIP/2.0\r\n\r\n")
	from := net.UDPAddrFromAddrPort(netip.MustParseAddrPort("203.0.113.9:5060"))
	b.ReportAllocs()
	for b.Loop() {
		if pass, reply := ua.inspect(data, from); pass != nil || reply != nil {
			b.Fatal("it was let in")
		}
	}
}
