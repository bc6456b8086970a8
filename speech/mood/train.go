package mood

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
)

// Sample is one labelled recording as the regression sees it.
type Sample struct {
	Features []float64 // of [Features]
	Angry    bool
	Label    string // finer than angry or not: "neutral"; may be ""
	Speaker  string // "" unknown: taken for one of its own
}

// How the regression is fitted. Features are many and samples few: stopping early and the penalty matter more than the minimum.
const (
	encodingPenalty = 0.1
	prosodyPenalty  = 0.05
	encodingShare   = 0.53 // of the sum
	prosodyShare    = 0.47
	penalty         = 0.1 // for leaving the weights that the training begins with
	stepSize        = 0.02
	momentum        = 0.9
	steps           = 250
	mostFold        = 10
)

// ErrTooFew says that there is nothing to learn from.
var ErrTooFew = errors.New("mood: to train, at least 10 angry and 10 other recordings are needed, of at least 2 speakers")

// Train fits the acoustic witness. Where from is given, the weights are pulled towards its own: what a little data does not say
// stays as it was. How well it does on speakers it did not hear comes with it: scores are in the order of the samples, each by a
// fit without its speaker. The same samples give the same weights.
func Train(samples []Sample, from *Weights, progress func(done, total int)) (w *Weights, scores []float64, err error) {
	if err := enough(samples); err != nil {
		return nil, nil, err
	}
	folds := foldsOf(samples)
	scores = make([]float64, len(samples))
	for fold := range mostFold {
		rest := make([]Sample, 0, len(samples))
		for i, s := range samples {
			if folds[i] != fold {
				rest = append(rest, s)
			}
		}
		if len(rest) < len(samples) {
			fitted := fit(rest, from)
			for i, s := range samples {
				if folds[i] == fold {
					scores[i] = fitted.Score(s.Features)
				}
			}
		}
		progress(fold+1, mostFold+1)
	}
	w = fit(samples, from)
	progress(mostFold+1, mostFold+1)
	return w, scores, nil
}

func enough(samples []Sample) error {
	const least = 10
	angry := 0
	for i, s := range samples {
		angry += count(s.Angry)
		if len(s.Features) != len(samples[0].Features) {
			return fmt.Errorf("mood: recording %d has %d features, the first has %d", i+1, len(s.Features), len(samples[0].Features))
		}
	}
	if len(samples) == 0 || angry < least || len(samples)-angry < least || slices.Max(foldsOf(samples)) == slices.Min(foldsOf(samples)) {
		return ErrTooFew
	}
	return nil
}

// foldsOf puts each sample into a fold, all of a speaker into the same: one each if they are few, else by their names.
func foldsOf(samples []Sample) []int {
	numbers := map[string]int{}
	for i, s := range samples {
		if name := speakerOf(i, s); numbers[name] == 0 {
			numbers[name] = len(numbers) + 1
		}
	}
	folds := make([]int, len(samples))
	for i, s := range samples {
		name := speakerOf(i, s)
		folds[i] = numbers[name] - 1
		if len(numbers) > mostFold {
			hash := fnv.New32a()
			hash.Write([]byte(name))
			folds[i] = int(hash.Sum32() % mostFold)
		}
	}
	return folds
}

func speakerOf(i int, s Sample) string {
	if s.Speaker == "" {
		return fmt.Sprint("recording ", i)
	}
	return s.Speaker
}

// fit returns the weights of a regression on raw features. Encoding and prosody are fitted apart and added: the encoding, with
// its many numbers, would explain all there is in one corpus by itself, and it is the prosody that holds in other languages.
func fit(samples []Sample, from *Weights) *Weights {
	n := len(samples[0].Features)
	if from != nil {
		w, bias := descend(samples, 0, n, from, penalty)
		return &Weights{Weights: w, Bias: bias}
	}
	encoding, bias1 := descend(samples, 0, n-prosodySize, nil, encodingPenalty)
	sound, bias2 := descend(samples, n-prosodySize, n, nil, prosodyPenalty)
	out := &Weights{Bias: encodingShare*bias1 + prosodyShare*bias2}
	for _, v := range encoding {
		out.Weights = append(out.Weights, encodingShare*v)
	}
	for _, v := range sound {
		out.Weights = append(out.Weights, prosodyShare*v)
	}
	return out
}

// descend fits the features from lo to hi, beginning at the weights given. Both classes weigh the same, whatever their numbers;
// the scaling that the fit works with is folded into what it returns.
func descend(samples []Sample, lo, hi int, from *Weights, penalty float64) (raw []float32, bias float64) {
	centre, scale := moments(samples, lo, hi)
	x := make([][]float64, len(samples))
	angry := 0
	for i, s := range samples {
		angry += count(s.Angry)
		x[i] = make([]float64, hi-lo)
		for j, f := range s.Features[lo:hi] {
			x[i][j] = (f - centre[j]) / scale[j]
		}
	}
	w := make([]float64, hi-lo)
	if from != nil {
		bias = from.Bias
		for j, v := range from.Weights[lo:hi] {
			w[j] = float64(v) * scale[j]
			bias += float64(v) * centre[j]
		}
	}
	start, speed, gradient := slices.Clone(w), make([]float64, len(w)), make([]float64, len(w))
	biasSpeed := 0.0
	for range steps {
		biasGradient := 0.0
		for j := range gradient {
			gradient[j] = penalty * (w[j] - start[j])
		}
		for i, s := range samples {
			target, share := 0.0, 0.5/float64(len(samples)-angry)
			if s.Angry {
				target, share = 1, 0.5/float64(angry)
			}
			off := share * (sigmoid(dot(w, x[i])+bias) - target)
			for j, v := range x[i] {
				gradient[j] += off * v
			}
			biasGradient += off
		}
		for j := range w {
			speed[j] = momentum*speed[j] - stepSize*gradient[j]
			w[j] += speed[j]
		}
		biasSpeed = momentum*biasSpeed - stepSize*biasGradient
		bias += biasSpeed
	}
	raw = make([]float32, len(w))
	for j := range w {
		raw[j] = float32(w[j] / scale[j])
		bias -= float64(raw[j]) * centre[j]
	}
	return raw, bias
}

func moments(samples []Sample, lo, hi int) (centre, scale []float64) {
	n := hi - lo
	centre, scale = make([]float64, n), make([]float64, n)
	for _, s := range samples {
		for j, f := range s.Features[lo:hi] {
			centre[j] += f / float64(len(samples))
		}
	}
	for _, s := range samples {
		for j, f := range s.Features[lo:hi] {
			scale[j] += (f - centre[j]) * (f - centre[j]) / float64(len(samples))
		}
	}
	for j := range scale {
		scale[j] = math.Sqrt(scale[j]) + 1e-6
	}
	return centre, scale
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

func logit(p float64) float64 { return math.Log(p / (1 - p)) }
