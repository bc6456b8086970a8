package testaudio_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
	"github.com/mewkiz/flac/meta"

	"ivr/testaudio"
)

// flacTone is a FLAC stream of a 400 Hz tone of a second, with a number of channels and bits.
func flacTone(t testing.TB, rate uint32, channels, bits uint8) []byte {
	t.Helper()
	var out bytes.Buffer
	const block = 4000
	enc, err := flac.NewEncoder(&out, &meta.StreamInfo{BlockSizeMin: block, BlockSizeMax: block, SampleRate: rate, NChannels: channels, BitsPerSample: bits})
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from+block <= int(rate); from += block {
		f := &frame.Frame{Header: frame.Header{HasFixedBlockSize: true, BlockSize: block, SampleRate: rate,
			Channels: frame.Channels(channels - 1), BitsPerSample: bits, Num: uint64(from / block)}}
		for range channels {
			sub := &frame.Subframe{SubHeader: frame.SubHeader{Pred: frame.PredVerbatim}, NSamples: block, Samples: make([]int32, block)}
			for i := range sub.Samples {
				sub.Samples[i] = int32(0.5 * math.Exp2(float64(bits-1)) * math.Sin(2*math.Pi*400*float64(from+i)/float64(rate)))
			}
			f.Subframes = append(f.Subframes, sub)
		}
		if err := enc.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestFLACOfAnyRateBecomes16kHz(t *testing.T) {
	for _, c := range []struct {
		rate           uint32
		channels, bits uint8
	}{{8000, 1, 16}, {16000, 1, 16}, {48000, 2, 16}, {48000, 1, 24}, {16000, 1, 8}} {
		path := filepath.Join(t.TempDir(), "tone.flac")
		if err := os.WriteFile(path, flacTone(t, c.rate, c.channels, c.bits), 0o600); err != nil {
			t.Fatal(err)
		}
		pcm, err := testaudio.ReadMono(path)
		if err != nil || len(pcm) != 16000 {
			t.Fatalf("%+v: %d samples, %v", c, len(pcm), err)
		}
		for i := 2000; i < 14000; i++ {
			if want := 16384 * math.Sin(2*math.Pi*400*float64(i)/16000); math.Abs(float64(pcm[i])-want) > 260 {
				t.Fatalf("%+v: sample %d is %d, want %.0f", c, i, pcm[i], want)
			}
		}
	}
}

func TestAFileThatIsNoAudioIsNamed(t *testing.T) {
	for name, content := range map[string][]byte{
		"empty.wav": nil, "text.wav": []byte("hello"), "cut.flac": []byte("fLaC\x00"), "half.flac": flacTone(t, 16000, 1, 16)[:9000],
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := testaudio.ReadMono(path); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeFLAC(f *testing.F) {
	f.Add(flacTone(f, 8000, 1, 16)[:200])
	f.Add([]byte("fLaC"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if channels, err := testaudio.DecodeFLAC(bytes.NewReader(data)); err == nil && len(channels) == 0 {
			t.Error("no channels and no error")
		}
	})
}
