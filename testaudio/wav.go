package testaudio

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/go-audio/audio"
	"github.com/go-audio/wav"

	"ivr/media"
)

// The formats of a WAV file we read (RFC 2361).
const (
	wavPCM        = 1
	wavFloat      = 3
	wavALaw       = 6
	wavMuLaw      = 7
	wavExtensible = 0xfffe
)

// ReadWAV reads a file of any rate and returns each channel as 16 kHz PCM. It reads PCM of 8 to 32 bits, 32-bit float and
// G.711; the error of any other file names it and says what it is.
func ReadWAV(path string) (channels [][]int16, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("testaudio: %w", err)
	}
	defer f.Close()
	channels, err = DecodeWAV(f)
	if err != nil {
		return nil, fmt.Errorf("testaudio: %s: %w", path, err)
	}
	return channels, nil
}

func mono(channels [][]int16) []int16 {
	if len(channels) == 1 {
		return channels[0]
	}
	out := make([]int16, len(channels[0]))
	for i := range out {
		sum := 0
		for _, c := range channels {
			sum += int(c[i])
		}
		out[i] = int16(sum / len(channels))
	}
	return out
}

// DecodeWAV is [ReadWAV] for what is not a file.
func DecodeWAV(r io.ReadSeeker) (channels [][]int16, err error) {
	d := wav.NewDecoder(r)
	if err := errors.Join(d.FwdToPCM(), d.Err()); err != nil || d.PCMChunk == nil {
		return nil, errors.New("it is no WAV file, or has no audio in it")
	}
	if d.NumChans < 1 || d.SampleRate < 1000 || d.SampleRate > 768000 {
		return nil, fmt.Errorf("a WAV of %d channels at %d Hz is not audio", d.NumChans, d.SampleRate)
	}
	sample, width := sampleOf(d.WavAudioFormat, d.BitDepth)
	if sample == nil {
		return nil, fmt.Errorf("its format %d with %d bits is not one we read; convert it to 16-bit PCM", d.WavAudioFormat, d.BitDepth)
	}
	data, err := io.ReadAll(d.PCMChunk.R)
	if err != nil {
		return nil, err
	}
	channels = make([][]int16, d.NumChans)
	stride := width * len(channels)
	for c := range channels {
		pcm := make([]int16, len(data)/stride)
		for i := range pcm {
			at := i*stride + c*width
			pcm[i] = sample(data[at : at+width])
		}
		channels[c] = Resample(pcm, int(d.SampleRate), media.SampleRate)
	}
	return channels, nil
}

// sampleOf returns how one sample of a format is read and how many bytes it takes; nil if we do not know it.
func sampleOf(format, bits uint16) (sample func([]byte) int16, width int) {
	switch {
	case format == wavALaw && bits == 8:
		return func(b []byte) int16 { return expandALaw(b[0]) }, 1
	case format == wavMuLaw && bits == 8:
		return func(b []byte) int16 { return expandMuLaw(b[0]) }, 1
	case format == wavFloat && bits == 32:
		return func(b []byte) int16 {
			v := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
			return clip(32768 * float64(math.Float32frombits(v)))
		}, 4
	case format != wavPCM && format != wavExtensible:
		return nil, 0
	case bits == 8: // the one unsigned format
		return func(b []byte) int16 { return int16(b[0])<<8 ^ -32768 }, 1
	case bits == 16 || bits == 24 || bits == 32: // little-endian: the highest two bytes come last
		width = int(bits) / 8
		return func(b []byte) int16 { return int16(b[width-2]) | int16(b[width-1])<<8 }, width
	}
	return nil, 0
}

// WriteWAV writes channels of 16 kHz PCM, shorter ones padded with silence, as 16-bit PCM.
func WriteWAV(path string, channels ...[]int16) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("testaudio: %w", err)
	}
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = fmt.Errorf("testaudio: %w", e)
		}
	}()
	samples := 0
	for _, c := range channels {
		samples = max(samples, len(c))
	}
	buf := &audio.IntBuffer{
		Format: &audio.Format{NumChannels: len(channels), SampleRate: media.SampleRate},
		Data:   make([]int, samples*len(channels)), SourceBitDepth: 16,
	}
	for c, pcm := range channels {
		for i, s := range pcm {
			buf.Data[i*len(channels)+c] = int(s)
		}
	}
	e := wav.NewEncoder(f, media.SampleRate, 16, len(channels), wavPCM)
	if err := e.Write(buf); err != nil {
		return fmt.Errorf("testaudio: %s: %w", path, err)
	}
	if err := e.Close(); err != nil {
		return fmt.Errorf("testaudio: %s: %w", path, err)
	}
	return nil
}

// clip rounds to the nearest sample there is.
func clip(v float64) int16 {
	switch {
	case v >= math.MaxInt16:
		return math.MaxInt16
	case v <= math.MinInt16:
		return math.MinInt16
	case math.IsNaN(v):
		return 0
	}
	return int16(math.Round(v))
}
