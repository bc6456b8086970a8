package webrtc

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	pion "github.com/pion/webrtc/v4"

	"ivr/media"
)

// pion/webrtc is a whole WebRTC stack that shares with us only what lies under ICE and DTLS: it offers, answers, encrypts and counts by
// itself.
func TestAPeerConnectionOfPionIsHeardAndHears(t *testing.T) {
	w := newWorld(t, Config{})
	var settings pion.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetHandleUndeclaredSSRCWithoutAnswer(true) // our first packet may be there before it has read our answer
	settings.SetNetworkTypes([]pion.NetworkType{pion.NetworkTypeUDP4})
	pcmu := pion.RTPCodecCapability{MimeType: pion.MimeTypePCMU, ClockRate: 8000}
	var codecs pion.MediaEngine
	if err := codecs.RegisterCodec(pion.RTPCodecParameters{RTPCodecCapability: pcmu, PayloadType: 0}, pion.RTPCodecTypeAudio); err != nil {
		t.Fatal(err)
	}
	pc, err := pion.NewAPI(pion.WithSettingEngine(settings), pion.WithMediaEngine(&codecs)).NewPeerConnection(pion.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer pc.GracefulClose()
	track, err := pion.NewTrackLocalStaticRTP(pcmu, "audio", "page")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pc.AddTrack(track); err != nil {
		t.Fatal(err)
	}
	var loud atomic.Int64
	pc.OnTrack(func(remote *pion.TrackRemote, _ *pion.RTPReceiver) {
		for {
			p, _, err := remote.ReadRTP()
			if err != nil {
				return
			}
			for _, code := range p.Payload {
				if code&0x70 < 0x40 { // G.711: the upper half of the segments, inverted
					loud.Add(1)
				}
			}
		}
	})
	answered(t, w, pc)
	if err := <-w.returned; err != nil {
		t.Fatal(err)
	}
	l := <-w.legs
	var here ears
	l.Media().Listen(&here)
	l.Media().Loop(tone(time.Second))
	speak(t, track, func() bool { return here.level() > 5000 && loud.Load() > 400 })
	if n := l.Media().Stats(); n.Received == 0 || n.Invalid != 0 {
		t.Errorf("%+v", n)
	}
	if err := l.Hangup(t.Context(), "done"); err != nil {
		t.Error(err)
	}
}

// answered has pc call the house.
func answered(t *testing.T, w *world, pc *pion.PeerConnection) {
	t.Helper()
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := pion.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	res, answer := w.do("POST", "/call/legs", pc.LocalDescription().SDP, "Content-Type", typeSDP, "Authorization", "Bearer "+w.token())
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s", res.Status, answer)
	}
	if err := pc.SetRemoteDescription(pion.SessionDescription{Type: pion.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatalf("%v\n%s", err, answer)
	}
}

// speak sends a loud tone in G.711, packet by packet, until both sides have heard enough.
func speak(t *testing.T, track *pion.TrackLocalStaticRTP, enough func() bool) {
	t.Helper()
	payload := make([]byte, 160)
	for i := range payload {
		payload[i] = 0x90 // 16,000, and its negative: half the codes of mu-law have the other sign
		if i/8%2 == 1 {
			payload[i] = 0x10
		}
	}
	p := &rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 1}, Payload: payload}
	tick := time.NewTicker(media.FrameDuration)
	defer tick.Stop()
	for range 500 {
		if err := track.WriteRTP(p); err != nil {
			t.Fatal(err)
		}
		p.SequenceNumber++
		p.Timestamp += 160
		if <-tick.C; enough() {
			return
		}
	}
	t.Fatal("they did not hear each other within ten seconds")
}
