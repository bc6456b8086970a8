package sip

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/pion/sdp/v3"

	"ivr/media"
)

// What passes the scan is in plain form, which scanning again leaves alone, and sipgo reads it without a panic.
func FuzzScan(f *testing.F) {
	for name := range tortured {
		f.Add([]byte(tortureText(f, name)))
	}
	f.Add([]byte("BYE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP c:5060;branch=z9hG4bK1\r\nf: <sip:a@b>;tag=1\r\nt: sip:c@d\r\ni: 1\r\nCSeq: 1 BYE\r\n\r\n"))
	parser := sip.NewParser()
	f.Fuzz(func(t *testing.T, data []byte) {
		l, fault := scan(data)
		if fault != nil {
			if reply := l.refusal(fault); reply != nil && !bytes.HasSuffix(reply, []byte("\r\n\r\n")) {
				t.Errorf("refused with %q", reply)
			}
			return
		}
		plain := l.bytes()
		again, fault := scan(plain)
		if fault != nil {
			t.Fatalf("%q became %q: %s", data, plain, fault.what)
		}
		if !bytes.Equal(again.bytes(), plain) {
			t.Fatalf("%q became %q and then %q", data, plain, again.bytes())
		}
		parser.ParseSIP(plain)
	})
}

// Our answer to any description we can read is one that another implementation reads, with as many streams as the offer, of which
// one is open, in the mirrored direction.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"))
	f.Add([]byte("v=0\nc=IN IP6 2001:db8::1\nm=video 2 RTP/AVP 96\nm=audio 4000/2 RTP/AVP 97 0\na=rtpmap:97 PCMA/8000/1\n"))
	f.Add([]byte("v=0\r\nc=IN IP4 192.0.2.2\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/SAVPF 8\r\n" + keyOdd + "\r\n" + keyOf80 + "\r\n"))
	identity, err := media.NewIdentity()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("v=0\r\nc=IN IP4 192.0.2.2\r\nm=audio 4000 UDP/TLS/RTP/SAVPF 0\r\na=setup:actpass\r\na=fingerprint:" + identity.Fingerprint() + "\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseSDP(body)
		if err != nil {
			return
		}
		l := newLocalMedia(netip.MustParseAddr("192.0.2.1"), 4000, (&UA{identity: identity}).protectionOf(nil, "udp"))
		if _, err := l.safe.agree(r); err != nil {
			t.Fatal(err)
		}
		answer := l.answer(r)
		var d sdp.SessionDescription
		if err := d.Unmarshal(answer); err != nil {
			t.Fatalf("%q was answered %q: %v", body, answer, err)
		}
		open := 0
		for _, m := range d.MediaDescriptions {
			if m.MediaName.Port.Value != 0 {
				open++
			}
		}
		if len(d.MediaDescriptions) != len(r.streams) || open != 1 {
			t.Errorf("%q was answered %q", body, answer)
		}
		back, err := parseSDP(answer)
		keys := min(1, len(r.keys))
		if r.shakes() {
			keys = 0
		}
		if err != nil || back.secured() != r.secured() || len(back.keys) != keys || back.sends != r.takes || back.takes != r.sends {
			t.Errorf("%q was answered %q: %v", body, answer, err)
		}
	})
}

func FuzzFraming(f *testing.F) {
	f.Add("OPTIONS sip:a SIP/2.0\r\nContent-Length: 3\r\n\r\nabc\r\n\r\nBYE", uint8(5))
	f.Fuzz(func(t *testing.T, text string, step uint8) {
		cutAt := func(step int) (all []string) {
			s := &stream{Conn: deafConn{}}
			for i := 0; i < len(text); i += step {
				s.in = append(s.in, text[i:min(len(text), i+step)]...)
				for {
					m, err := s.next()
					if err != nil {
						return append(all, "error")
					}
					if m == nil {
						break
					}
					all = append(all, string(m))
				}
			}
			return all
		}
		if strings.Contains(text, "\r\n\r\n\r\n") {
			return // where the pieces end decides which empty lines are answered
		}
		whole, pieces := cutAt(len(text)+1), cutAt(int(step)+1)
		if strings.Join(whole, "|") != strings.Join(pieces, "|") {
			t.Errorf("at once %q, in pieces %q", whole, pieces)
		}
	})
}

// deafConn takes what is written and never has anything to read.
type deafConn struct{ net.Conn }

func (deafConn) Write(b []byte) (int, error)      { return len(b), nil }
func (deafConn) SetWriteDeadline(time.Time) error { return nil }
