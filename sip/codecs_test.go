package sip

import (
	"strings"
	"testing"

	"ivr/media"
)

func TestTheFirstCodecOfTheOfferThatWeSpeakIsAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		offer  string // after m=audio 4000 RTP/AVP
		codec  media.Codec
		digits uint8
		clock  int
		answer string
	}{
		"static":            {"8 0\r\n", media.Codec{Name: "PCMA", PayloadType: 8, ClockRate: 8000}, 0, 0, "RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"},
		"G.722":             {"18 9 0 101\r\na=rtpmap:101 telephone-event/8000\r\n", media.G722, 101, 8000, "RTP/AVP 9 101\r\na=rtpmap:9 G722/8000\r\n"},
		"Opus in any case":  {"96 0\r\na=rtpmap:96 OPUS/48000/2\r\n", media.Codec{Name: "opus", PayloadType: 96, ClockRate: 48000}, 0, 0, "RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 "},
		"Opus of one clock": {"96 101 102\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\na=rtpmap:102 telephone-event/48000\r\n", media.Codec{Name: "opus", PayloadType: 96, ClockRate: 48000}, 102, 48000, "a=rtpmap:102 telephone-event/48000\r\n"},
		"keys at 8000 only": {"96 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n", media.Codec{Name: "opus", PayloadType: 96, ClockRate: 48000}, 101, 8000, "a=rtpmap:101 telephone-event/8000\r\n"},
	} {
		body := "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP " + c.offer
		r, err := parseSDP([]byte(body))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p := r.params(); p.Codec != c.codec || p.Digits != c.digits || p.DigitsClock != c.clock || p.Mux {
			t.Errorf("%s: %+v", name, p)
		}
		if answer := string((&localMedia{port: 20000}).answer(r)); !strings.Contains(answer, c.answer) || strings.Contains(answer, "rtcp-mux") {
			t.Errorf("%s: %s", name, answer)
		}
	}
}

func TestRTCPGoesWithRTPWhereTheOfferSaysSo(t *testing.T) {
	r, err := parseSDP([]byte("v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp-mux\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if answer := string((&localMedia{port: 20000}).answer(r)); !r.params().Mux || !strings.Contains(answer, "a=rtcp-mux\r\n") {
		t.Error(answer)
	}
}
