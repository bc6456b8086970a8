package webrtc

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	mapOpus   = "a=rtpmap:111 opus/48000/2"
	mapPCMU   = "a=rtpmap:0 PCMU/8000"
	mapEvents = "a=rtpmap:110 telephone-event/48000"
)

func TestABrowserAndTheHouseHearEachOther(t *testing.T) {
	for name, lines := range map[string][]string{
		"Opus":  {"a=rtpmap:63 red/48000/2", mapOpus, mapPCMU, mapEvents},
		"G.711": {mapPCMU, "a=rtpmap:126 telephone-event/8000"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Config{})
			b := newBrowser(w)
			b.call(b.offer("", lines...))
			if err := <-w.returned; err != nil {
				t.Fatal(err)
			}
			l := <-w.legs
			if l.To() != "4000" || l.DisplayName() != "Ann" || l.From() != "" {
				t.Errorf("to %q, from %q, name %q", l.To(), l.From(), l.DisplayName())
			}
			var here, there ears
			l.Media().Listen(&here)
			b.stream.Listen(&there)
			one, other := l.Media().Play(tone(time.Second)), b.stream.Play(tone(time.Second))
			<-one.Done()
			<-other.Done()
			w.wait("both to hear a tone", func() bool { return here.level() > 5000 && there.level() > 5000 })
			n := l.Media().Stats()
			if !strings.Contains(n.Crypto, "AES") || n.Invalid != 0 {
				t.Errorf("%+v", n)
			}
			if err := b.stream.SendDigits(t.Context(), "7"); err != nil {
				t.Fatal(err)
			}
			if d := <-l.Media().Digits(); d.Key != '7' {
				t.Errorf("key %q", d.Key)
			}
			w.do("POST", b.where+"/keys", "#")
			w.do("DELETE", b.where, "")
			<-l.Done()
			if !errors.Is(l.Err(), ErrHangup) {
				t.Errorf("ended: %v", l.Err())
			}
			w.wait("the call to be gone", func() bool { return w.endpoint.Active() == 0 })
			if res, _ := w.do("DELETE", b.where, ""); res.StatusCode != http.StatusNotFound {
				t.Errorf("a second DELETE: %s", res.Status)
			}
		})
	}
}

func TestKeysOfThePageAreHeardAsKeys(t *testing.T) {
	w := newWorld(t, Config{})
	b := newBrowser(w)
	b.call(b.offer("", mapOpus))
	l := <-w.legs
	if res, text := w.do("POST", b.where+"/keys", "4#"); res.StatusCode != http.StatusNoContent {
		t.Fatal(res.Status, text)
	}
	for _, want := range "4#" {
		if d := <-l.Media().Digits(); d.Key != want {
			t.Errorf("key %q, want %q", d.Key, want)
		}
	}
	for _, bad := range []string{"", "x", strings.Repeat("1", 33)} {
		if res, _ := w.do("POST", b.where+"/keys", bad); res.StatusCode != http.StatusBadRequest {
			t.Errorf("keys %q: %s", bad, res.Status)
		}
	}
}

func TestABrowserThatSaysGoodbyeInDTLSHasHungUp(t *testing.T) {
	w := newWorld(t, Config{})
	b := newBrowser(w)
	b.call(b.offer("", mapOpus))
	l := <-w.legs
	b.dtls.Close()
	<-l.Done()
	if !errors.Is(l.Err(), ErrHangup) {
		t.Errorf("ended: %v", l.Err())
	}
}

func TestHangingUpTellsThePageWhyAndTheBrowserAtOnce(t *testing.T) {
	w := newWorld(t, Config{})
	b := newBrowser(w)
	b.call(b.offer("", mapOpus))
	l := <-w.legs
	l.Line("bot", "how can I help you")
	l.Joined()
	told := make(chan string, 1)
	go func() {
		_, body := w.do("GET", b.where+"/events", "")
		told <- body
	}()
	w.wait("the page to watch", func() bool { return true })
	if err := l.Hangup(t.Context(), "done"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.dtls.Read(make([]byte, 100)); err == nil {
		t.Error("no goodbye by DTLS")
	}
	if body := <-told; strings.Contains(body, "id: ") { // the page may have come too late for a call this short
		for _, want := range []string{`"how can I help you"`, `{"type":"joined"}`, `{"type":"ended","text":"done"}`} {
			if !strings.Contains(body, want) {
				t.Errorf("%s is not in %s", want, body)
			}
		}
	}
	if err := l.Hangup(t.Context(), "again"); err != nil || !errors.Is(l.Err(), ErrEnded) {
		t.Errorf("%v, %v", err, l.Err())
	}
}

// After a change of network the browser has new addresses: ICE begins anew, keys and audio go on.
func TestACallGoesOnWhenICEBeginsAnew(t *testing.T) {
	w := newWorld(t, Config{})
	b := newBrowser(w)
	b.call(b.offer("", mapOpus))
	l := <-w.legs
	if err := b.agent.Restart("", ""); err != nil {
		t.Fatal(err)
	}
	body := b.gather()
	if res, _ := w.do("PATCH", b.where, body, "Content-Type", typeFragment); res.StatusCode != http.StatusPreconditionRequired {
		t.Errorf("without If-Match: %s", res.Status)
	}
	if res, _ := w.do("PATCH", b.where, body, "Content-Type", typeFragment, "If-Match", `"old"`); res.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("with an old tag: %s", res.Status)
	}
	res, answer := w.do("PATCH", b.where, body, "Content-Type", typeFragment, "If-Match", "*")
	if res.StatusCode != http.StatusOK || res.Header.Get("ETag") == b.tag {
		t.Fatalf("%s, tag %s: %s", res.Status, res.Header.Get("ETag"), answer)
	}
	f, err := parseFragment([]byte(answer))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.agent.SetRemoteCredentials(f.ice.ufrag, f.ice.pwd); err != nil {
		t.Fatal(err)
	}
	for _, c := range f.candidates {
		b.agent.AddRemoteCandidate(c)
	}
	before := l.Media().Stats().Received
	var there ears
	b.stream.Listen(&there)
	l.Media().Loop(tone(time.Second))
	w.wait("audio both ways", func() bool { return there.level() > 5000 && l.Media().Stats().Received > before+20 })
	res, text := w.do("PATCH", b.where, "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n", "Content-Type", typeFragment, "If-Match", res.Header.Get("ETag"))
	if res.StatusCode != http.StatusNoContent {
		t.Errorf("a candidate more: %s %s", res.Status, text)
	}
}

func TestSomebodyWithAnotherCertificateIsNotHeard(t *testing.T) {
	w := newWorld(t, Config{})
	b := newBrowser(w)
	offer := b.offer("", mapOpus)
	b.identity, _ = newIdentity(slog.Default())
	res, answer := w.do("POST", "/call/legs", offer, "Content-Type", typeSDP, "Authorization", "Bearer "+w.token())
	if res.StatusCode != http.StatusCreated {
		t.Fatal(res.Status)
	}
	b.join(answer)
	if err := <-w.returned; !errors.Is(err, errCertificate) {
		t.Errorf("answered: %v", err)
	}
}

func TestWhatCannotBeTakenIsRefusedWithTheReason(t *testing.T) {
	w := newWorld(t, Config{MaxCalls: 1})
	b := newBrowser(w)
	good := b.offer("", mapOpus)
	bearer := func() string { return "Bearer " + w.token() }
	for _, c := range []struct {
		name, body, kind, token string
		want                    int
	}{
		{"no token", good, typeSDP, "", 401},
		{"a token of somebody else", good, typeSDP, "Bearer " + NewTokens().Mint(Token{Purpose: ForCall}, time.Now(), time.Minute), 401},
		{"an old token", good, typeSDP, "Bearer " + w.endpoint.Tokens().Mint(Token{Purpose: ForCall}, time.Now(), -time.Minute), 401},
		{"a token for something else", good, typeSDP, "Bearer " + w.endpoint.Tokens().Mint(Token{Purpose: ForSeat}, time.Now(), time.Minute), 401},
		{"another type", good, "text/plain", bearer(), 415},
		{"no SDP", "hello", typeSDP, bearer(), 400},
		{"no fingerprint", strings.ReplaceAll(good, "a=fingerprint", "a=thumbprint"), typeSDP, bearer(), 400},
		{"video", strings.ReplaceAll(good, "m=audio", "m=video"), typeSDP, bearer(), 422},
		{"no codec of ours", strings.ReplaceAll(good, "opus", "speex"), typeSDP, bearer(), 422},
		{"one way", strings.ReplaceAll(good, "sendrecv", "sendonly"), typeSDP, bearer(), 422},
		{"too much", good + strings.Repeat("a=x\r\n", 1<<14), typeSDP, bearer(), 413},
	} {
		if res, text := w.do("POST", "/call/legs", c.body, "Content-Type", c.kind, "Authorization", c.token); res.StatusCode != c.want {
			t.Errorf("%s: %s, want %d: %s", c.name, res.Status, c.want, text)
		}
	}
	token := bearer()
	b.call(good)
	<-w.legs
	if res, _ := w.do("POST", "/call/legs", good, "Content-Type", typeSDP, "Authorization", token); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %s", res.Status)
	}
	w.do("DELETE", b.where, "")
	w.wait("the line to be free", func() bool { return w.endpoint.Active() == 0 })
	if res, _ := w.do("POST", "/call/legs", good, "Content-Type", typeSDP, "Authorization", token); res.StatusCode != 201 {
		t.Errorf("the token of a call that found no room: %s", res.Status)
	}
	w.wait("the line to be taken", func() bool { return w.endpoint.Active() == 1 })
}

func TestATokenIsGoodOnce(t *testing.T) {
	tokens, now := NewTokens(), time.Now()
	k := tokens.Mint(Token{Purpose: ForCall, Subject: "4000"}, now, time.Minute)
	if got, err := tokens.Use(k, ForCall, now); err != nil || got.Subject != "4000" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := tokens.Use(k, ForCall, now); !errors.Is(err, ErrToken) {
		t.Errorf("again: %v", err)
	}
	if _, err := tokens.Use("a"+k, ForCall, now); !errors.Is(err, ErrToken) {
		t.Errorf("changed: %v", err)
	}
}

func TestTheDoorIsOpenOnThisMachineOnlyAndToWhoHasTheKey(t *testing.T) {
	w := newWorld(t, Config{Servers: []Server{{URL: "stun:127.0.0.1:3478"}}})
	for _, c := range []struct {
		name   string
		body   string
		header []string
		want   int
	}{
		{"from here", "", nil, 200},
		{"through a proxy", "", []string{"X-Forwarded-For", "192.0.2.1"}, 403},
		{"by a page of another site", "", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"the site's server", `{"from": "+31201234567", "name": "Ann"}`, []string{"Authorization", "Bearer sesame", "X-Forwarded-For", "192.0.2.1"}, 200},
		{"with a wrong key", "", []string{"Authorization", "Bearer mellon", "X-Forwarded-For", "192.0.2.1"}, 403},
		{"with the key and nonsense", "{", []string{"Authorization", "Bearer sesame"}, 400},
	} {
		res, text := w.do("POST", "/call/token", c.body, c.header...)
		if res.StatusCode != c.want {
			t.Errorf("%s: %s %s", c.name, res.Status, text)
		}
		if c.want == 200 && (!strings.Contains(text, `"token":"`) || !strings.Contains(text, `"urls":"stun:127.0.0.1:3478"`)) {
			t.Errorf("%s: %s", c.name, text)
		}
	}
}

func FuzzOffer(f *testing.F) {
	f.Add("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:a\r\na=ice-pwd:b\r\na=fingerprint:sha-256 AA\r\na=rtcp-mux\r\na=mid:0\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\na=rtpmap:111 opus/48000/2\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		o, err := parseOffer([]byte(body))
		if err != nil {
			return
		}
		answer, err := o.answer(local{ice: o.ice, fingerprint: "AA", candidates: o.candidates})
		if err != nil {
			t.Fatalf("no answer to %q: %v", body, err)
		}
		if !strings.Contains(string(answer), "m=audio 9 UDP/TLS/RTP/SAVPF") {
			t.Errorf("%q", answer)
		}
	})
}

func FuzzFragment(f *testing.F) {
	f.Add("a=ice-ufrag:x\r\na=ice-pwd:y\r\nm=audio 9 RTP/AVP 0\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		one, err := parseFragment([]byte(body))
		if err != nil || one.ice.ufrag == "" {
			return
		}
		two, err := parseFragment(local{ice: one.ice, candidates: one.candidates}.marshal("0"))
		if err != nil || two.ice != one.ice || len(two.candidates) != len(one.candidates) {
			t.Errorf("%+v became %+v, %v", one, two, err)
		}
	})
}
