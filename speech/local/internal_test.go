package local

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMadeUpTextIsTold(t *testing.T) {
	for _, c := range []struct {
		text    string
		seconds float64
		madeUp  bool
	}{
		{"Where is my parcel?", 1.2, false},
		{"Yes.", 0.25, false},
		{"No, no, no, no, no!", 1.5, false},
		{"It's zero zero zero zero one.", 2, false},
		{"I want I want I want a person", 3, false},
		{"", 1, true},
		{"...", 1, true},
		{strings.Repeat("I'm going to go to the, ", 8), 20, true},
		{strings.Repeat("you ", 12), 20, true},
		{"the quick brown fox jumps over the lazy dog and runs away", 0.5, true},
	} {
		if got := madeUp(c.text, c.seconds); got != c.madeUp {
			t.Errorf("madeUp(%q, %v s) = %v", c.text, c.seconds, got)
		}
	}
}

func TestResamplingKeepsTonesAndRemovesWhatDoesNotFit(t *testing.T) {
	r := newResampler(22050, 16000)
	for _, c := range []struct{ hz, lowest, highest float64 }{
		{300, -0.1, 0.1}, {1000, -0.1, 0.1}, {3400, -0.1, 0.1}, {7000, -0.3, 0.3}, {8600, math.Inf(-1), -60}, {10000, math.Inf(-1), -60},
	} {
		in := make([]float32, 22050)
		for i := range in {
			in[i] = float32(0.5 * math.Sin(2*math.Pi*c.hz*float64(i)/22050))
		}
		out := r.resample(in)
		if len(out) != 16000 {
			t.Fatalf("a second became %d samples", len(out))
		}
		level := 20 * math.Log10(rms(out[1000:15000])/rms(in[1000:20000])+1e-12)
		if level < c.lowest || level > c.highest {
			t.Errorf("%v Hz comes through at %.2f dB", c.hz, level)
		}
	}
}

func rms(samples []float32) float64 {
	var sum float64
	for _, s := range samples {
		sum += float64(s) * float64(s)
	}
	return math.Sqrt(sum / float64(len(samples)))
}

func TestSilenceStaysSilenceWhenFinished(t *testing.T) {
	for _, in := range [][]float32{nil, make([]float32, 1000)} {
		if out := finish(in); len(out) != 0 {
			t.Errorf("%d samples of silence became %d", len(in), len(out))
		}
	}
}

func TestPoolingGivesMeanAndDeviationOfEachColumn(t *testing.T) {
	got := pool([]float32{1, 10, 3, 10, 5, 40}, 2)
	want := []float32{3, 20, float32(math.Sqrt(8. / 3)), float32(math.Sqrt(200))}
	if !slices.EqualFunc(got, want, func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-4 }) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPiecesBecomeText(t *testing.T) {
	m := &Moonshine{vocabulary: []string{pieceText("<s>"), pieceText("▁Caf"), pieceText("<0xC3>"), pieceText("<0xA9>"), pieceText("<<ST_7>>")}}
	if got := m.text([]int64{0, 1, 2, 3, 4, 99, -1}); got != "Café" {
		t.Errorf("got %q", got)
	}
}

func TestALibraryThatIsNotLoadedIsSaid(t *testing.T) {
	maps := filepath.Join(t.TempDir(), "maps")
	if err := os.WriteFile(maps, []byte("7f00-7f01 r-xp 00000000 00:00 0   /usr/lib/libc.so.6\n7f02-7f03 r--p 0 00:00 0 [stack]\n"+
		"7f04-7f05 r-xp 00000000 fe:01 12345   /a b/libonnxruntime.so.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := loadedLibrary(maps, "libonnxruntime.so"); got != "/a b/libonnxruntime.so.1" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := loadedLibrary(maps, "libother.so"); err == nil {
		t.Error("no error")
	}
}
