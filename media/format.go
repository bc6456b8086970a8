package media

import "bytes"

const (
	formats     = 4
	payloadMost = 1275             // octets of a payload of 20 ms: Opus has the longest (RFC 6716, 3.4)
	spanMost    = 6 * FrameSamples // samples of a packet: Opus has up to 120 ms, and G.711 up to what fits
	narrowRate  = SampleRate / 2   // samples a second
)

// format is how a codec carries audio. Nothing in it changes.
type format struct {
	index      int    // in what a Prompt keeps per format, and a stream its decoders
	clock      int    // ticks of RTP time a second
	rate       int    // samples a second of what it makes: ours or half of it
	quiet      []byte // 20 ms of silence
	newDecoder func() decoder
	newEncoder func() encoder
	memory     int                              // frames after which a decoder has forgotten what came before them
	fresh      int                              // frames of silence that a new decoder is worth
	conceals   bool                             // a decoder changes while nothing comes
	repeats    bool                             // a packet may repeat the one before it (in-band FEC)
	span       func(payload []byte) (ticks int) // how long a payload lasts, 0 when it is none
}

// A decoder makes audio of payloads, one after the other.
type decoder interface {
	// decode returns how many samples it wrote, 0 when the payload is none. There is room for spanMost.
	decode(pcm []int16, payload []byte) int
	// conceal makes up 20 ms that are missing, with what next, the packet after them, repeats of them; next may be nil. It
	// returns 0 when the codec knows no way.
	conceal(pcm []int16, next []byte) int
}

// An encoder makes payloads of frames, one after the other.
type encoder interface {
	// encode returns the octets that it wrote.
	encode(payload []byte, frame []int16) int
	// settle goes where an encoder is after long silence.
	settle()
}

// carriers are the formats by index; never changed.
var carriers = [formats]*format{muLaw.format, aLaw.format, {
	index: 2, clock: 8000, rate: SampleRate, quiet: g722Silence(),
	newDecoder: func() decoder { return newG722() },
	newEncoder: func() encoder { return newG722() },
	memory:     10, // the predictors leak by 1/256 a sample
	span:       func(payload []byte) int { return len(payload) },
}, opusFormat}

// ticks of a frame.
func (f *format) ticks() int { return f.clock / 50 }

// samples of a frame.
func (f *format) samples() int { return f.rate / 50 }

// isNarrow says that samples come at half our rate.
func (f *format) isNarrow() bool { return f.rate == narrowRate }

// packets are payloads of 20 ms, one after the other.
type packets struct {
	data []byte
	ends []int32 // of each in data
}

func (p *packets) len() int { return len(p.ends) }

// at is payload number i.
func (p *packets) at(i int) []byte {
	from := int32(0)
	if i > 0 {
		from = p.ends[i-1]
	}
	return p.data[from:p.ends[i]]
}

// pack encodes a whole piece of audio, of the format's rate; the last packet is filled up with silence.
func (f *format) pack(pcm []int16) *packets {
	n := (len(pcm) + f.samples() - 1) / f.samples()
	p := &packets{ends: make([]int32, 0, n)}
	enc := f.newEncoder()
	enc.settle()
	var frame Frame
	var payload [payloadMost]byte
	for ; len(pcm) > 0; pcm = pcm[min(len(pcm), f.samples()):] {
		clear(frame[copy(frame[:f.samples()], pcm):])
		size := enc.encode(payload[:], frame[:f.samples()])
		p.data = append(p.data, payload[:size]...)
		p.ends = append(p.ends, int32(len(p.data)))
	}
	p.data = bytes.Clone(p.data) // without room to grow
	return p
}
