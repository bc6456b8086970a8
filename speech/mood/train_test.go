package mood

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// acted are recordings of some speakers; anger shows in two of the features, and each speaker has a manner in the others.
func acted(speakers, each int) (samples []Sample) {
	random := rand.New(rand.NewPCG(1, 1))
	for s := range speakers {
		for i := range each {
			x := make([]float64, prosodySize+8)
			for j := range x {
				x[j] = random.NormFloat64() + float64(s*j%3)
			}
			angry := i%2 == 0
			x[1] += 2 * float64(count(angry))
			x[len(x)-1] += 2 * float64(count(angry))
			samples = append(samples, Sample{Features: x, Angry: angry, Label: "neutral", Speaker: fmt.Sprint(s)})
		}
	}
	return samples
}

func quietly(int, int) {}

func TestTrainingFindsWhatTellsAngerInSpeakersItDidNotHear(t *testing.T) {
	samples := acted(5, 40)
	w, scores, err := Train(samples, nil, quietly)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]Scored, len(samples))
	for i, s := range samples {
		all[i] = Scored{Score: scores[i], Angry: s.Angry, Label: s.Label}
	}
	if f := Measure(all, 0); f.AUC < 0.85 {
		t.Errorf("%+v", f)
	}
	again, _, _ := Train(samples, nil, quietly)
	if again.Bias != w.Bias || !slices.Equal(again.Weights, w.Weights) {
		t.Error("the same samples give other weights")
	}
}

func TestTrainingThatBeginsWithWeightsStaysNearThem(t *testing.T) {
	samples := acted(4, 20)
	n := len(samples[0].Features)
	from := &Weights{Weights: make([]float32, n)}
	from.Weights[3] = 5 // says nothing of anger here
	w, _, err := Train(samples, from, quietly)
	if err != nil || w.Weights[3] < 1 || w.Weights[1] < 0.1 {
		t.Errorf("%v, %v", w, err)
	}
}

func TestTooFewRecordingsAreRefused(t *testing.T) {
	calm := acted(4, 20)
	for i := range calm {
		calm[i].Angry = false
	}
	for name, samples := range map[string][]Sample{"none": nil, "few": acted(2, 5), "one speaker": acted(1, 60), "none angry": calm} {
		if _, _, err := Train(samples, nil, quietly); !errors.Is(err, ErrTooFew) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFiguresOfKnownScores(t *testing.T) {
	var all []Scored
	for i := range 20 { // calm from 0 to 19, angry from 15 to 24
		all = append(all, Scored{Score: float64(i), Label: "neutral"})
	}
	for i := range 10 {
		all = append(all, Scored{Score: 15 + float64(i), Angry: true})
	}
	f := Measure(all, 17.5)
	if f.Angry != 10 || f.Others != 20 || f.Recall != 0.7 || f.FalseAlarm != 0.1 || f.RecallAt5 != 0.6 || f.AUC != 0.9375 {
		t.Errorf("%+v", f)
	}
	if f := Measure(nil, 0); f != (Figures{}) {
		t.Errorf("of nothing: %+v", f)
	}
}

func TestWordsAreLearntWrittenAndRead(t *testing.T) {
	var texts []Text
	for i := range 60 {
		texts = append(texts, Text{"this is a rotten mess", 1}, Text{"thank you that is lovely", 0}, Text{fmt.Sprintf("parcel %d please", i%5), 0})
	}
	w := TrainWords(texts)
	if w.score("what a rotten mess") <= w.score("what a lovely parcel") {
		t.Error("nothing was learnt")
	}
	read, err := ParseWords("# made\n" + w.String())
	if err != nil || len(read.Weights) != len(w.Weights) || read.Bias != w.Bias {
		t.Errorf("%v", err)
	}
	for _, wrong := range []string{"x\tword\n", "0.5\n", "NaN\tword\n"} {
		if _, err := ParseWords(wrong); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestAFileThatHoldsNoWeightsIsNamed(t *testing.T) {
	if _, err := ReadWeights(filepath.Join(t.TempDir(), "none.json")); err == nil || !strings.Contains(err.Error(), "none.json") {
		t.Error(err)
	}
	if _, err := parseWeights("x.json", []byte(`{"recogniser":"moonshine-base"}`)); err == nil || !strings.Contains(err.Error(), "ivr train anger") {
		t.Error(err)
	}
}

func TestProsodyDoesNotDependOnLoudnessAndFindsThePitch(t *testing.T) {
	voice := func(hertz, gain float64) []int16 {
		pcm := make([]int16, 32000)
		period := int(16000 / hertz)
		for i := range pcm {
			pcm[i] = int16(gain * float64(period/2-i%period) * 60)
		}
		return pcm
	}
	low, high, quiet := prosody(voice(125, 1)), prosody(voice(250, 1)), prosody(voice(125, 0.25))
	if rise := high[0] - low[0]; rise < 11 || rise > 13 {
		t.Errorf("an octave is %v semitones", rise)
	}
	for i := range low {
		if d := low[i] - quiet[i]; d > 0.3 || d < -0.3 {
			t.Errorf("feature %d moves by %v with 12 dB", i, d)
		}
	}
	if prosody(nil) != nil || prosody(make([]int16, 1000)) != nil {
		t.Error("prosody of nothing")
	}
}
