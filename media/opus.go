package media

import "github.com/thesyncim/gopus"

// How we encode Opus: wideband speech, robust against a tenth of packets lost. docs/decisions/0007-opus.md has the measurements.
const (
	opusBitrate    = 28000
	opusComplexity = 2
	opusLoss       = 10 // percent of loss that the encoder prepares for with in-band FEC
)

// opusFormat is mono at 16 kHz whatever the far end encodes: Opus decodes at any rate (RFC 6716, 2).
var opusFormat = &format{
	index: 3, clock: 48000, rate: SampleRate, quiet: []byte{0x48, 0x07, 0xc9, 0x79, 0xc5, 0x12, 0xf7, 0xbc}, // what the encoder makes of silence after silence
	newDecoder: newOpusDecoder,
	newEncoder: newOpusEncoder,
	memory:     5,
	fresh:      5,
	conceals:   true,
	repeats:    true,
	span:       opusSpan,
}

type opusDecoder struct {
	*gopus.Decoder
	pcm [spanMost]float32
}

func newOpusDecoder() decoder {
	cfg := gopus.DefaultDecoderConfig(SampleRate, 1)
	cfg.MaxPacketSamples = spanMost
	d, err := gopus.NewDecoder(cfg)
	if err != nil {
		panic(err) // constants that the library does not take
	}
	return &opusDecoder{Decoder: d}
}

func (d *opusDecoder) decode(pcm []int16, payload []byte) int {
	n, err := d.DecodeInt16(payload, pcm)
	if err != nil {
		return 0
	}
	return n
}

func (d *opusDecoder) conceal(pcm []int16, next []byte) int {
	n, err := d.DecodeWithFEC(next, d.pcm[:FrameSamples], next != nil)
	if err != nil {
		return 0
	}
	for i, x := range d.pcm[:n] {
		pcm[i] = toSample(x * 32768)
	}
	return n
}

type opusEncoder struct{ *gopus.Encoder }

func newOpusEncoder() encoder {
	e, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: SampleRate, Channels: 1, Application: gopus.ApplicationVoIP})
	for _, set := range []func() error{
		func() error { return e.SetFrameSize(FrameSamples) },
		func() error { return e.SetBandwidth(gopus.BandwidthWideband) },
		func() error { return e.SetBitrate(opusBitrate) },
		func() error { return e.SetComplexity(opusComplexity) },
		func() error { return e.SetSignal(gopus.SignalVoice) },
		func() error { return e.SetPacketLoss(opusLoss) },
	} {
		if err == nil {
			err = set()
		}
	}
	if err != nil {
		panic(err) // constants that the library does not take
	}
	e.SetFEC(true)
	return opusEncoder{e}
}

func (e opusEncoder) encode(payload []byte, frame []int16) int {
	n, err := e.EncodeInt16(frame, payload)
	if err != nil {
		return 0
	}
	return n
}

func (e opusEncoder) settle() { e.Reset() }

// opusSpan is the duration by the first two octets (RFC 6716, 3.1 and 3.2).
func opusSpan(payload []byte) int {
	if len(payload) == 0 {
		return 0
	}
	config := payload[0] >> 3
	var frame int // ticks at 48 kHz
	switch {
	case config < 12:
		frame = [4]int{480, 960, 1920, 2880}[config&3]
	case config < 16:
		frame = [2]int{480, 960}[config&1]
	default:
		frame = [4]int{120, 240, 480, 960}[config&3]
	}
	frames := 1
	switch payload[0] & 3 {
	case 1, 2:
		frames = 2
	case 3:
		if len(payload) < 2 {
			return 0
		}
		frames = int(payload[1] & 63)
	}
	if frames*frame > 5760 {
		return 0
	}
	return frames * frame
}
