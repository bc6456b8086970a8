package testaudio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mewkiz/flac"

	"ivr/media"
)

// ReadMono reads a WAV or FLAC file of any rate, told apart by their content, as 16 kHz PCM with all channels mixed to one.
// Its error names the file and says what it is.
func ReadMono(path string) ([]int16, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("testaudio: %w", err)
	}
	decode := DecodeWAV
	if bytes.HasPrefix(data, []byte("fLaC")) || bytes.HasPrefix(data, []byte("ID3")) {
		decode = DecodeFLAC
	}
	channels, err := decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("testaudio: %s: %w", path, err)
	}
	return mono(channels), nil
}

// longestFLAC is the most audio that a FLAC file may hold: its header is small however much it claims.
const longestFLAC = 4 * 3600 // seconds

// DecodeFLAC decodes a FLAC stream (RFC 9639) of any rate and returns each channel as 16 kHz PCM.
func DecodeFLAC(r io.ReadSeeker) (channels [][]int16, err error) {
	defer func() { // a broken file is the file's fault, whatever the decoder makes of it
		if v := recover(); v != nil {
			channels, err = nil, fmt.Errorf("it is no sound FLAC file: %v", v)
		}
	}()
	stream, err := flac.New(r)
	if err != nil {
		return nil, fmt.Errorf("it is no FLAC file: %w", err)
	}
	info := stream.Info
	if info.NChannels < 1 || info.SampleRate < 1000 || info.SampleRate > 768000 || info.BitsPerSample < 4 {
		return nil, fmt.Errorf("a FLAC of %d channels at %d Hz with %d bits is not audio", info.NChannels, info.SampleRate, info.BitsPerSample)
	}
	channels = make([][]int16, info.NChannels)
	for {
		frame, err := stream.ParseNext()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("it is no sound FLAC file: %w", err)
		}
		if len(frame.Subframes) != len(channels) || len(channels[0]) > longestFLAC*int(info.SampleRate) {
			return nil, errors.New("it is no sound FLAC file: it changes its channels, or has no end")
		}
		for c, sub := range frame.Subframes {
			for _, s := range sub.Samples {
				channels[c] = append(channels[c], to16(s, int(info.BitsPerSample)))
			}
		}
	}
	for c := range channels {
		channels[c] = Resample(channels[c], int(info.SampleRate), media.SampleRate)
	}
	return channels, nil
}

// to16 brings a sample of some number of bits to 16.
func to16(s int32, bits int) int16 {
	if bits > 16 {
		return int16(s >> (bits - 16))
	}
	return int16(s << (16 - bits))
}
