package media

import (
	"fmt"
	"strings"
)

// Codec is an RTP audio format as offered in SDP (RFC 3551).
type Codec struct {
	Name        string // "PCMU", "PCMA", "G722", "opus"
	PayloadType uint8
	ClockRate   int // Hz of RTP time stamps
}

// What we speak: the static payload types of RFC 3551, table 4, and Opus (RFC 7587), whose payload type is dynamic. G.722 samples
// at 16 kHz, but its RTP clock is 8 kHz: an error of old that stays (RFC 3551, 4.5.2).
var (
	PCMU = Codec{"PCMU", 0, 8000}
	PCMA = Codec{"PCMA", 8, 8000}
	G722 = Codec{"G722", 9, 8000}
	Opus = Codec{"opus", 111, 48000}
)

// comfortNoise is the static payload type of RFC 3389: a far end that uses it without asking is not in error.
const comfortNoise = 13

// Codecs lists what we speak and offer, best first.
func Codecs() []Codec { return []Codec{Opus, G722, PCMU, PCMA} }

// CodecOf is the codec of ours that a far end means by a payload type and an encoding as the rtpmap attribute has it, in any case;
// an empty encoding stands for a static payload type without that attribute (RFC 3551, 6).
func CodecOf(payloadType uint8, encoding string) (c Codec, ok bool) {
	encoding = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(encoding)), "/1")
	for _, c := range Codecs() {
		isStatic := encoding == "" && payloadType == c.PayloadType && c != Opus
		if isStatic || encoding == strings.ToLower(c.Encoding()) {
			c.PayloadType = payloadType
			return c, true
		}
	}
	return Codec{}, false
}

// Encoding is c as the rtpmap attribute has it. Opus is always said to have two channels, also when it has one (RFC 7587, 7).
func (c Codec) Encoding() string {
	if c.Name == Opus.Name {
		return fmt.Sprintf("%s/%d/2", c.Name, c.ClockRate)
	}
	return fmt.Sprintf("%s/%d", c.Name, c.ClockRate)
}

// Parameters are what we say about c in the fmtp attribute, empty if there is nothing to say: for Opus, that we hear 16 kHz in one
// channel, and repair losses from what the next packet repeats (RFC 7587, 6.1).
func (c Codec) Parameters() string {
	if c.Name == Opus.Name {
		return "maxplaybackrate=16000;stereo=0;useinbandfec=1"
	}
	return ""
}

// format returns how c is carried, nil if we do not speak it.
func (c Codec) format() *format {
	for i, known := range [formats]Codec{PCMU, PCMA, G722, Opus} {
		if c.Name == known.Name && c.ClockRate == known.ClockRate {
			return carriers[i]
		}
	}
	return nil
}

// format returns how a received payload type is carried, nil if it is no audio of ours. Besides the agreed codec the static types
// of the same clock are taken: who offered or answered several may send any of them at any time (RFC 3264, 6.1).
func (p *Params) format(payloadType uint8) *format {
	switch {
	case payloadType == p.Codec.PayloadType:
		return p.Codec.format()
	case p.Codec.ClockRate == Opus.ClockRate && payloadType == Opus.PayloadType: // ours, if the far end gave it another
		return opusFormat
	case p.Codec.ClockRate != PCMU.ClockRate:
	case payloadType == PCMU.PayloadType:
		return muLaw.format
	case payloadType == PCMA.PayloadType:
		return aLaw.format
	}
	return nil
}
