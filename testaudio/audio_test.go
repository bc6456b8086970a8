package testaudio

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// sweep rises from 100 to 3,000 Hz: nothing in it repeats, so that it is found at one place only.
func sweep(d time.Duration) []int16 {
	out := make([]int16, samplesOf(d))
	for i := range out {
		t := float64(i) / 16000
		out[i] = clip(8000 * math.Sin(2*math.Pi*(100*t+2900/(2*d.Seconds())*t*t)))
	}
	return out
}

func TestResamplingKeepsWhatFitsAndRemovesWhatDoesNot(t *testing.T) {
	low, high := Tone(time.Second, 1000), Tone(time.Second, 6000)
	for _, rate := range []int{8000, 11025, 22050, 44100, 48000} {
		there := Resample(low, 16000, rate)
		if want := len(low) * rate / 16000; math.Abs(float64(len(there)-want)) > 1 {
			t.Errorf("%d Hz: %d samples, want %d", rate, len(there), want)
		}
		back := Resample(there, rate, 16000)
		if m := Heard(back).Find(low); m.At != 0 || m.SNR < 60 || math.Abs(m.Gain) > 0.01 {
			t.Errorf("1 kHz by %d Hz and back: %+v", rate, m)
		}
	}
	if left := Heard(Resample(high, 16000, 8000)).Level(); left > -75 {
		t.Errorf("6 kHz leaves %.0f dBFS at 8 kHz", left)
	}
}

func TestG711KeepsSpeechAbove35DecibelsAndEveryCodeIsItself(t *testing.T) {
	sent := sweep(2 * time.Second)
	for _, law := range []Law{MuLaw, ALaw} {
		if m := Heard(Telephone(sent, law)).Find(sent); m.At != 0 || m.SNR < 33 {
			t.Errorf("%s: %+v", law, m)
		}
	}
	for b := range 256 {
		if got := compressALaw(expandALaw(byte(b))); got != byte(b) {
			t.Errorf("A-law %#x becomes %#x", b, got)
		}
		if got := compressMuLaw(expandMuLaw(byte(b))); got != byte(b) && b != 0x7f { // 0x7f and 0xff are both zero
			t.Errorf("mu-law %#x becomes %#x", b, got)
		}
	}
}

func TestG711MatchesTheTablesOfTheRecommendation(t *testing.T) {
	// G.711 tables 1a and 2a: the ends of the segments, scaled to 16 bits.
	for b, want := range map[byte]int16{0x80: 32124, 0x00: -32124, 0xff: 0, 0xfe: 8, 0xf0: 120, 0xe0: 372, 0x90: 15996} {
		if got := expandMuLaw(b); got != want {
			t.Errorf("mu-law %#x is %d, want %d", b, got, want)
		}
	}
	for b, want := range map[byte]int16{0xd5: 8, 0x55: -8, 0xaa: 32256, 0x2a: -32256, 0xc5: 264, 0xf5: 528} {
		if got := expandALaw(b); got != want {
			t.Errorf("A-law %#x is %d, want %d", b, got, want)
		}
	}
}

func TestNoiseHasTheRatioAskedForAndTheSameSeedTheSameSamples(t *testing.T) {
	speech := Join(Silence(time.Second), sweep(time.Second), Silence(time.Second)) // pauses must not count
	for name, noise := range map[string][]int16{
		"white": White(time.Second, 1), "pink": Pink(time.Second, 1), "hum": Hum(time.Second, 50),
		"babble": Babble(time.Second, 1, sweep(time.Second), Tone(700*time.Millisecond, 500)),
	} {
		for _, want := range []float64{0, 10, 20} {
			noisy := Mix(speech, noise, want)
			added := make([]int16, len(noisy))
			for i := range added {
				added[i] = noisy[i] - speech[i]
			}
			if got := 20 * math.Log10(rms(sweep(time.Second))/rms(added)); math.Abs(got-want) > 0.5 {
				t.Errorf("%s at %.0f dB: %.1f", name, want, got)
			}
		}
	}
	if !slices.Equal(Pink(time.Second, 7), Pink(time.Second, 7)) || slices.Equal(White(time.Second, 7), White(time.Second, 8)) {
		t.Error("noise does not follow its seed")
	}
}

func TestPinkNoiseFallsByThreeDecibelsAnOctave(t *testing.T) {
	pink := Pink(20*time.Second, 3)
	x := make([]complex128, 1<<18)
	for i := range x {
		x[i] = complex(float64(pink[i]), 0)
	}
	fourier(x, false)
	octave := func(from float64) (power float64) { // of white it would double
		bin := 16000 / float64(len(x))
		for k := int(from / bin); k < int(2*from/bin); k++ {
			power += real(x[k])*real(x[k]) + imag(x[k])*imag(x[k])
		}
		return 10 * math.Log10(power)
	}
	base := octave(125)
	for _, from := range []float64{250, 500, 1000, 2000} {
		if d := octave(from) - base; math.Abs(d) > 1.5 {
			t.Errorf("octave from %.0f Hz: %.1f dB beside that from 125 Hz", from, d)
		}
	}
}

func TestALineLosesTheShareAskedForInRowsOfTheLengthAskedFor(t *testing.T) {
	for _, burst := range []float64{1, 3} {
		lost, rows, last := 0, 0, false
		fates := Line{Loss: 0.1, Burst: burst, Seed: 5}.Fates(200_000)
		for _, f := range fates {
			if f.Lost {
				lost++
				if !last {
					rows++
				}
			}
			last = f.Lost
		}
		if share := float64(lost) / float64(len(fates)); math.Abs(share-0.1) > 0.01 {
			t.Errorf("burst %v: lost %.3f", burst, share)
		}
		if row := float64(lost) / float64(rows); math.Abs(row-burst) > 0.25*burst {
			t.Errorf("burst %v: rows of %.2f", burst, row)
		}
	}
	if got := (Line{Seed: 1}).Damage(sweep(time.Second), 0); !slices.Equal(got, sweep(time.Second)) {
		t.Error("a line without faults changes what it carries")
	}
	late := Line{Jitter: 20 * time.Millisecond, Seed: 1}.Damage(sweep(time.Second), 20*time.Millisecond)
	if m := Heard(late).Find(sweep(time.Second)); m.SNR > 10 || m.SNR < 0 {
		t.Errorf("a third of the packets late leaves %+v", m)
	}
}

func TestWhatWasSentIsFoundWithItsDelayGainAndNoise(t *testing.T) {
	sent := sweep(time.Second)
	for _, lag := range []time.Duration{0, 37 * time.Millisecond, 2 * time.Second} {
		heard := Join(Silence(lag), Mix(Gain(sent, -6), White(time.Second, 2), 20), Silence(time.Second))
		m := Heard(heard).Find(sent)
		if m.At != lag || math.Abs(m.Gain+6) > 0.1 || math.Abs(m.SNR-20) > 1 || m.Correlation < 0.99 {
			t.Errorf("after %v: %+v", lag, m)
		}
	}
	if m := Heard(White(time.Second, 9)).Find(sent); m.Correlation > 0.1 {
		t.Errorf("found in noise: %+v", m)
	}
	if m := Heard(sent[1600:]).Find(sent); m.At != -100*time.Millisecond || m.Correlation < 0.999 {
		t.Errorf("its beginning cut off: %+v", m)
	}
	if m := Heard(nil).Find(sent); m != (Match{}) {
		t.Errorf("found in nothing: %+v", m)
	}
}

func TestSegmentsPartSoundAtLongPausesOnly(t *testing.T) {
	beep, pause := Tone(200*time.Millisecond, 440), Silence(100*time.Millisecond)
	h := Heard(Join(Silence(time.Second), beep, pause, beep, Silence(time.Second), Gain(beep, -20)))
	want := []Segment{{1000 * time.Millisecond, 1500 * time.Millisecond}, {2500 * time.Millisecond, 2700 * time.Millisecond}}
	if got := h.Segments(); !slices.Equal(got, want) {
		t.Errorf("segments %v, want %v", got, want)
	}
	if at, ok := h.Onset(); !ok || at != time.Second {
		t.Errorf("onset %v, %v", at, ok)
	}
	if _, ok := Heard(Silence(time.Second)).Onset(); ok {
		t.Error("silence has an onset")
	}
}

func TestTonesAndKeysAreHeardAlsoOverATelephone(t *testing.T) {
	sent, err := DTMF("4512#0*D")
	if err != nil {
		t.Fatal(err)
	}
	heard := Heard(Mix(Telephone(sent, MuLaw), White(time.Second, 1), 15))
	if got := heard.Keys(); got != "4512#0*D" {
		t.Errorf("keys %q", got)
	}
	if got := Heard(sweep(3 * time.Second)).Keys(); got != "" {
		t.Errorf("keys %q in a sweep", got)
	}
	if s := Heard(Tone(time.Second, 440)).Tone(440); s < 0.95 {
		t.Errorf("a pure tone has %.2f of its energy at its frequency", s)
	}
	if s := Heard(Tone(time.Second, 440)).Tone(880); s > 0.01 {
		t.Errorf("an octave above: %.2f", s)
	}
	if _, err := DTMF("45x"); err == nil {
		t.Error("x is a key")
	}
}

func TestAWAVWrittenIsReadBackAndStereoIsSplit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "both.wav")
	left, right := sweep(time.Second), Tone(300*time.Millisecond, 440)
	if err := WriteWAV(path, left, right); err != nil {
		t.Fatal(err)
	}
	channels, err := ReadWAV(path)
	if err != nil || len(channels) != 2 {
		t.Fatalf("%d channels, %v", len(channels), err)
	}
	if !slices.Equal(channels[0], left) || !slices.Equal(channels[1][:len(right)], right) || len(channels[1]) != len(left) {
		t.Error("it comes back changed")
	}
	if m, err := ReadMono(path); err != nil || len(m) != len(left) || m[100] != int16((int(left[100])+int(right[100]))/2) {
		t.Errorf("mixed: %d samples, %v", len(m), err)
	}
}

// header makes a WAV by hand: the fields of RFC 2361, appendix A.
func header(format, channels, rate, bits int, data []byte) []byte {
	var b bytes.Buffer
	le := func(n, v int) {
		for range n {
			b.WriteByte(byte(v))
			v >>= 8
		}
	}
	b.WriteString("RIFF")
	le(4, 36+len(data))
	b.WriteString("WAVEfmt ")
	le(4, 16)
	le(2, format)
	le(2, channels)
	le(4, rate)
	le(4, rate*channels*bits/8)
	le(2, channels*bits/8)
	le(2, bits)
	b.WriteString("data")
	le(4, len(data))
	b.Write(data)
	return b.Bytes()
}

func TestEveryFormatOfAFileBecomesTheSameSamples(t *testing.T) {
	const want = -8031 // a value that mu-law has
	for name, file := range map[string][]byte{
		"16 bits":  header(1, 1, 16000, 16, []byte{0xa1, 0xe0}),
		"24 bits":  header(1, 1, 16000, 24, []byte{0, 0xa1, 0xe0}),
		"32 bits":  header(0xfffe, 1, 16000, 32, []byte{0, 0, 0xa1, 0xe0}),
		"float":    header(3, 1, 16000, 32, []byte{0, 0x7c, 0x7a, 0xbe}),
		"mu-law":   header(7, 1, 16000, 8, []byte{compressMuLaw(want), 0}),
		"A-law":    header(6, 1, 16000, 8, []byte{compressALaw(want), 0}),
		"8 bits":   header(1, 1, 16000, 8, []byte{0x80 - 31, 0}),
		"2 tracks": header(1, 2, 16000, 16, []byte{0xa1, 0xe0, 0, 0}),
	} {
		channels, err := DecodeWAV(bytes.NewReader(file))
		if err != nil || len(channels[0]) == 0 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := channels[0][0]; math.Abs(float64(got)-want) > 150 {
			t.Errorf("%s: %d, want about %d", name, got, want)
		}
	}
}

func TestAFileThatIsNoAudioIsNamedAndExplained(t *testing.T) {
	path := filepath.Join(t.TempDir(), "talk.mp3")
	if err := os.WriteFile(path, []byte("ID3 this is not a WAV"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, filepath.Join(t.TempDir(), "none.wav")} {
		if _, err := ReadWAV(p); err == nil || !bytes.Contains([]byte(err.Error()), []byte(p)) {
			t.Errorf("%s: %v", p, err)
		}
	}
	for name, file := range map[string][]byte{
		"no rate": header(1, 1, 0, 16, nil), "no channel": header(1, 0, 8000, 16, nil), "ADPCM": header(2, 1, 8000, 4, []byte{1, 2}),
	} {
		if _, err := DecodeWAV(bytes.NewReader(file)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

// What we write of what we read is read the same.
func FuzzReadingAWAV(f *testing.F) {
	f.Add(header(1, 1, 8000, 16, []byte{1, 2, 3, 4}))
	f.Add(header(7, 2, 22050, 8, []byte{1, 2, 3, 4, 5}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 16 && bytes.Contains(data[:16], []byte("fmt ")) && len(data) > 19 && data[18]|data[19] != 0 {
			t.Skip("a header of 64 KiB or more is the reader's to allocate")
		}
		channels, err := DecodeWAV(bytes.NewReader(data))
		if err != nil || len(channels[0]) == 0 || len(channels[0]) > 1<<16 || len(channels) > 8 {
			return
		}
		path := filepath.Join(t.TempDir(), "again.wav")
		if err := WriteWAV(path, channels...); err != nil {
			t.Fatal(err)
		}
		again, err := ReadWAV(path)
		if err != nil || !slices.EqualFunc(again, channels, slices.Equal) {
			t.Fatalf("read %v again as %v, %v", channels, again, err)
		}
	})
}

func BenchmarkResampling(b *testing.B) {
	pcm := make([]int16, 22050)
	for i := range pcm {
		pcm[i] = int16(rand.IntN(20000))
	}
	for b.Loop() {
		Resample(pcm, 22050, 16000)
	}
}
