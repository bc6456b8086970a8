package understand

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Judged is an example and what a classifier that had not seen it made of it.
type Judged struct {
	Example
	Best  string // the likeliest intent
	Score float64
	Took  time.Duration
}

// Figures say how well sentences were understood. Shares are from 0 to 1; what cannot be said, as there are no sentences to say it
// of, is nil.
type Figures struct {
	InScope         int          `json:"in_scope"`     // how many sentences
	OutOfScope      int          `json:"out_of_scope"` // how many sentences
	InScopeAccuracy *float64     `json:"in_scope_accuracy"`
	NeverRejecting  *float64     `json:"in_scope_accuracy_never_rejecting"`
	OOSRecall       *float64     `json:"oos_recall"`
	OOSPrecision    *float64     `json:"oos_precision"`
	AUROC           *float64     `json:"auroc"` // of the score, for in scope against out of scope
	MCC             float64      `json:"mcc"`   // of all intents and out of scope (Gorodkin 2004)
	Threshold       float64      `json:"threshold"`
	MedianMS        float64      `json:"median_ms"`
	Confusions      []Confusion  `json:"confusions"` // the most frequent first
	Curve           []CurvePoint `json:"curve"`
}

// Confusion is how often an intent was taken for another, at the threshold. Either may be [OutOfScope].
type Confusion struct {
	Intent   string `json:"intent"`
	TakenFor string `json:"taken_for"`
	Count    int    `json:"count"`
}

// CurvePoint is what another threshold would give.
type CurvePoint struct {
	Threshold       float64  `json:"threshold"`
	InScopeAccuracy *float64 `json:"in_scope_accuracy"`
	OOSRecall       *float64 `json:"oos_recall"`
	OOSPrecision    *float64 `json:"oos_precision"`
}

// Measure makes the figures of sentences judged, where a score below the threshold means out of scope.
func Measure(judged []Judged, threshold float64) Figures {
	at := countAt(judged, threshold)
	f := Figures{InScope: at.in, OutOfScope: at.out, NeverRejecting: share(countAt(judged, math.Inf(-1)).right, at.in),
		InScopeAccuracy: share(at.right, at.in), OOSRecall: share(at.found, at.out), OOSPrecision: share(at.found, at.rejected),
		AUROC: auroc(judged), MCC: correlation(judged, threshold), Threshold: threshold, MedianMS: median(judged),
		Confusions: confusions(judged, threshold)}
	const steps = 20
	for i := range steps + 1 {
		t := float64(i) / steps
		c := countAt(judged, t)
		f.Curve = append(f.Curve, CurvePoint{t, share(c.right, c.in), share(c.found, c.out), share(c.found, c.rejected)})
	}
	return f
}

// counts of sentences at a threshold.
type counts struct{ in, out, right, rejected, found int }

func countAt(judged []Judged, threshold float64) (c counts) {
	for _, j := range judged {
		rejected := j.Score < threshold
		if rejected {
			c.rejected++
		}
		switch {
		case j.Intent == OutOfScope:
			c.out++
			if rejected {
				c.found++
			}
		default:
			c.in++
			if !rejected && j.Best == j.Intent {
				c.right++
			}
		}
	}
	return c
}

// share is nil where there is nothing to have a share of.
func share(n, of int) *float64 {
	if of == 0 {
		return nil
	}
	s := float64(n) / float64(of)
	return &s
}

// taken is the intent that a sentence is taken for.
func (j Judged) taken(threshold float64) string {
	if j.Score < threshold {
		return OutOfScope
	}
	return j.Best
}

// auroc is how often a sentence in scope has a higher score than one out of scope; equal scores count half.
func auroc(judged []Judged) *float64 {
	sorted := slices.SortedFunc(slices.Values(judged), func(a, b Judged) int { return cmp.Compare(a.Score, b.Score) })
	above, in, out := 0.0, 0, 0
	for i := 0; i < len(sorted); {
		tiedIn, tiedOut := 0, 0
		for score := sorted[i].Score; i < len(sorted) && sorted[i].Score == score; i++ {
			if sorted[i].Intent == OutOfScope {
				tiedOut++
			} else {
				tiedIn++
			}
		}
		above += float64(tiedIn) * (float64(out) + float64(tiedOut)/2)
		in, out = in+tiedIn, out+tiedOut
	}
	if in == 0 || out == 0 {
		return nil
	}
	a := above / float64(in) / float64(out)
	return &a
}

// correlation is Matthews' coefficient for many classes (Gorodkin 2004): 1 all right, 0 no better than chance.
func correlation(judged []Judged, threshold float64) float64 {
	truly, taken := map[string]float64{}, map[string]float64{}
	right, all := 0.0, float64(len(judged))
	for _, j := range judged {
		as := j.taken(threshold)
		truly[j.Intent]++
		taken[as]++
		if as == j.Intent {
			right++
		}
	}
	both, sumTruly, sumTaken := 0.0, 0.0, 0.0
	for class, n := range truly {
		both += n * taken[class]
		sumTruly += n * n
	}
	for _, n := range taken {
		sumTaken += n * n
	}
	if below := math.Sqrt(all*all-sumTaken) * math.Sqrt(all*all-sumTruly); below > 0 {
		return (right*all - both) / below
	}
	return 0
}

func median(judged []Judged) float64 {
	if len(judged) == 0 {
		return 0
	}
	took := make([]time.Duration, len(judged))
	for i, j := range judged {
		took[i] = j.Took
	}
	slices.Sort(took)
	return float64(took[len(took)/2].Microseconds()) / 1000
}

func confusions(judged []Judged, threshold float64) []Confusion {
	count := map[[2]string]int{}
	for _, j := range judged {
		if as := j.taken(threshold); as != j.Intent {
			count[[2]string{j.Intent, as}]++
		}
	}
	list := make([]Confusion, 0, len(count))
	for pair, n := range count {
		list = append(list, Confusion{pair[0], pair[1], n})
	}
	slices.SortFunc(list, func(a, b Confusion) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Intent, b.Intent), cmp.Compare(a.TakenFor, b.TakenFor))
	})
	return list
}
