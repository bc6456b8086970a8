package media_test

import (
	"bytes"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"ivr/internal/memnet"
	"ivr/media"
)

// FIELD 14: the greeting is clipped. It is played before anybody knows where the far end is, as behind a NAT: it waits, and is heard
// from its first frame to its last, and by who plays it counts from the first packet.
func TestAGreetingIsHeardWholeHoweverLateTheFarEndIsKnown(t *testing.T) {
	greeting := tone(700, time.Second)
	codes := codesOf(t, media.PCMU, greeting)
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		playback := s.Play(media.NewPrompt(greeting)) // nothing is agreed yet
		<-time.After(300 * time.Millisecond)
		nowhere := netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
		if err := s.Start(media.Params{Remote: nowhere, Codec: media.PCMU, Digits: 101, Send: true, Receive: true}); err != nil {
			t.Fatal(err)
		}
		<-time.After(700 * time.Millisecond)
		if !playback.StartedAt().IsZero() || playback.Played() != 0 {
			t.Errorf("%v was played to nobody", playback.Played())
		}
		f := l.stranger(t, s)
		f.keep = make(chan *rtp.Packet, 200)
		f.talk(bytes.Repeat([]byte{0xff}, 160*100))
		var heard []byte
		for _, p := range f.all() {
			heard = append(heard, p.Payload...)
		}
		if !bytes.HasPrefix(heard, codes) {
			t.Errorf("%d octets were heard, and not the greeting's %d first", len(heard), len(codes))
		}
		if !playback.Finished() {
			t.Error("the greeting has not ended")
		}
	})
}
