package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// press makes a key: two tones with amplitudes, on for so many ms and off for as many, in steady noise.
func press(key int, low, high, noise float64, ms, rate int, detune float64) []int16 {
	rng := rand.New(rand.NewPCG(uint64(key), 7))
	pcm := make([]int16, 2*ms*rate/1000)
	a, b := 2*math.Pi*toneHertz[key/4]*detune/float64(rate), 2*math.Pi*toneHertz[4+key%4]*detune/float64(rate)
	for i := range pcm {
		x := noise * rng.NormFloat64()
		if i < len(pcm)/2 {
			x += low*math.Sin(a*float64(i)) + high*math.Sin(b*float64(i)+1)
		}
		pcm[i] = toSample(float32(x))
	}
	return pcm
}

// heardKeys runs audio through an ear, frame by frame and through G.711.
func heardKeys(pcm []int16, rate int) (keys string) {
	var ear toneEar
	n := rate / 50
	for ; len(pcm) >= n; pcm = pcm[n:] {
		frame, codes := make([]int16, n), make([]byte, n)
		muLaw.encode(codes, pcm[:n])
		muLaw.decode(frame, codes)
		if k := ear.listen(frame, rate); k != 0 {
			keys += string(k)
		}
	}
	return keys
}

func TestEveryKeyIsHeardAsQ24WantsIt(t *testing.T) {
	for _, rate := range []int{8000, 16000} {
		for name, c := range map[string]struct {
			low, high, noise float64
			ms               int
			detune           float64
		}{
			"usual":                {4000, 5000, 0, 100, 1},
			"loud":                 {14000, 14000, 0, 100, 1},
			"soft":                 {120, 140, 0, 100, 1},
			"short":                {4000, 5000, 0, 55, 1},
			"higher 6 dB louder":   {2500, 5000, 0, 80, 1},
			"lower 3 dB louder":    {5000, 3600, 0, 80, 1},
			"noise 18 dB below":    {4000, 4000, 350, 80, 1},
			"1.4 % too high":       {4000, 4000, 0, 80, 1.014},
			"1.4 % too low":        {4000, 4000, 0, 80, 0.986},
			"held for two seconds": {4000, 4000, 0, 2000, 1},
		} {
			var pcm []int16
			for key := range 16 {
				for range 2 {
					pcm = append(pcm, press(key, c.low, c.high, c.noise, c.ms, rate, c.detune)...)
				}
			}
			want := "112233AA445566BB778899CC**00##DD"
			if got := heardKeys(pcm, rate); got != want {
				t.Errorf("%d Hz, %s: %q", rate, name, got)
			}
		}
	}
}

func TestWhatIsNoKeyIsNotHeardAsOne(t *testing.T) {
	for name, pcm := range map[string][]int16{
		"20 ms":                  press(5, 4000, 4000, 0, 20, 8000, 1),
		"4 % off":                press(5, 4000, 4000, 0, 200, 8000, 1.04),
		"one tone":               press(5, 4000, 0, 0, 200, 8000, 1),
		"higher 12 dB louder":    press(5, 1000, 4000, 0, 200, 8000, 1),
		"noise":                  press(5, 0, 0, 3000, 2000, 8000, 1),
		"much noise":             press(5, 2000, 2000, 3000, 300, 8000, 1),
		"dial tone":              mixOf(350, 440),
		"ringback":               mixOf(440, 480),
		"between rows":           mixOf(733, 1336),
		"a row and no column":    mixOf(770, 1800),
		"two rows":               mixOf(697, 941),
		"silence":                make([]int16, 8000),
		"a tone of the SIT kind": mixOf(1370, 1370),
	} {
		if got := heardKeys(pcm, 8000); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func mixOf(a, b float64) []int16 {
	pcm := tone(a, 6000, 8000, 8000)
	for i, x := range tone(b, 6000, 8000, 8000) {
		pcm[i] += x
	}
	return pcm
}

// Prompts, digits as people speak them, music and noise: about half an hour.
func TestSpeechAndMusicPressNoKeys(t *testing.T) {
	var seconds int
	for _, pattern := range []string{"asr_ivr_prompts_asterisk/wav/*.wav", "asr_fsdd_test/wav/*.wav", "noise_and_hold/moh*.wav", "noise_and_hold/*noise*.wav", "noise_and_hold/kitchen*.wav", "converted/*.wav"} {
		files, err := filepath.Glob("../../shared/data/" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			rate := int(binary.LittleEndian.Uint32(raw[24:]))
			at := bytes.Index(raw, []byte("data"))
			if raw[22] != 1 || raw[34] != 16 || rate != 8000 && rate != 16000 || at < 0 {
				continue // not mono, of 16 bits, at a rate of ours
			}
			raw = raw[at+8:]
			pcm := make([]int16, len(raw)/2)
			for i := range pcm {
				pcm[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
			}
			seconds += len(pcm) / rate
			if got := heardKeys(pcm, rate); got != "" {
				t.Errorf("%s presses %q", filepath.Base(name), got)
			}
		}
	}
	if seconds == 0 {
		t.Skip("no recordings here")
	}
	t.Logf("%d seconds", seconds)
}
