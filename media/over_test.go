package media_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"ivr/internal/memnet"
	"ivr/media"
)

// fixed is a connection with one far end, as ICE makes it: addresses are its own business.
type fixed struct {
	*memnet.Conn
	far netip.AddrPort
}

var nominal = netip.MustParseAddrPort("127.0.0.1:9")

func (f fixed) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, _, err := f.Conn.ReadFromUDPAddrPort(b)
	return n, nominal, err
}

func (f fixed) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) {
	return f.Conn.WriteToUDPAddrPort(b, f.far)
}

func TestAStreamOverAConnectionOfSomebodyElseIsProtectedWithKeysOfSomebodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		ends := [2]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:7000"), netip.MustParseAddrPort("127.0.0.1:7002")}
		key := func(fill byte) media.Crypto {
			c, err := media.CryptoOf("AEAD_AES_128_GCM", bytes.Repeat([]byte{fill}, 28))
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		var streams [2]*media.Stream
		for i := range streams {
			conn, err := l.net.Listen(ends[i])
			if err != nil {
				t.Fatal(err)
			}
			s := l.engine.OpenOver(fixed{conn, ends[1-i]})
			t.Cleanup(func() { s.Close() })
			keys := media.Secure{Ours: key(byte(i)), Theirs: key(byte(1 - i))}
			if err := s.Start(media.Params{Remote: nominal, Codec: media.Opus, Mux: true, Secure: &keys, Send: true, Receive: true}); err != nil {
				t.Fatal(err)
			}
			streams[i] = s
		}
		var heard ears
		streams[1].Listen(&heard)
		<-streams[0].Play(media.NewPrompt(tone(500, 11*time.Second))).Done()
		if got := level(middle(heard.heard()), 500); got < 6000 {
			t.Errorf("heard at level %.0f", got)
		}
		n := streams[1].Stats()
		if n.Invalid != 0 || n.Crypto != "AEAD_AES_128_GCM" || n.Control == 0 {
			t.Errorf("%+v", n)
		}
		if port := streams[0].LocalPort(); port != 0 {
			t.Errorf("port %d", port)
		}
	})
}

func TestAKeyOfTheWrongLengthIsRefused(t *testing.T) {
	for _, c := range []struct {
		suite  string
		octets int
	}{{"AEAD_AES_128_GCM", 30}, {"AES_CM_128_HMAC_SHA1_80", 28}, {"NULL", 0}} {
		if _, err := media.CryptoOf(c.suite, make([]byte, c.octets)); !errors.Is(err, media.ErrCrypto) {
			t.Errorf("%s with %d octets: %v", c.suite, c.octets, err)
		}
	}
}
