package mood

import (
	"cmp"
	"slices"
)

// Scored is one labelled utterance and what a detector made of it.
type Scored struct {
	Score float64
	Angry bool
	Label string // finer than angry or not: "neutral"; may be ""
}

// Figures say how well scores tell anger from the rest.
type Figures struct {
	AUC        float64 // chance that an angry utterance scores higher than another
	Recall     float64 // share of the angry found at the threshold
	FalseAlarm float64 // share of the others taken for angry at it
	RecallAt5  float64 // recall at the threshold that takes 5 % of the calm for angry
	Angry      int     // utterances
	Others     int
}

// Calm are the labels of [Scored] whose false alarms count for [Figures].RecallAt5; when none has one, all others count.
var calmLabels = []string{"neutral", "calm"}

// Measure compares scores with labels. Both kinds must be there for anything but 0.
func Measure(all []Scored, threshold float64) (f Figures) {
	f.AUC = area(all)
	found, alarms := 0, 0
	for _, s := range all {
		above := s.Score >= threshold
		switch {
		case s.Angry:
			f.Angry++
			found += count(above)
		default:
			f.Others++
			alarms += count(above)
		}
	}
	f.Recall, f.FalseAlarm = part(found, f.Angry), part(alarms, f.Others)
	f.RecallAt5 = recallAt(all, 0.05)
	return f
}

// recallAt is the recall at the lowest threshold at which no more than a share of the calm are taken for angry.
func recallAt(all []Scored, share float64) float64 {
	var calm []float64
	for _, named := range []bool{true, false} {
		for _, s := range all {
			if !s.Angry && (!named || slices.Contains(calmLabels, s.Label)) {
				calm = append(calm, s.Score)
			}
		}
		if len(calm) > 0 {
			break
		}
	}
	if len(calm) == 0 {
		return 0
	}
	slices.Sort(calm)
	limit := calm[len(calm)-1-int(share*float64(len(calm)))]
	found, angry := 0, 0
	for _, s := range all {
		if s.Angry {
			angry++
			found += count(s.Score > limit)
		}
	}
	return part(found, angry)
}

// area is the area under the curve of recall against false alarms; ties count half.
func area(all []Scored) float64 {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b Scored) int { return cmp.Compare(a.Score, b.Score) })
	var won, angry, others float64
	for i := 0; i < len(sorted); {
		var tiedAngry, tiedOthers float64
		j := i
		for ; j < len(sorted) && sorted[j].Score == sorted[i].Score; j++ {
			if sorted[j].Angry {
				tiedAngry++
			} else {
				tiedOthers++
			}
		}
		won += tiedAngry * (others + tiedOthers/2)
		angry, others, i = angry+tiedAngry, others+tiedOthers, j
	}
	if angry == 0 || others == 0 {
		return 0
	}
	return won / (angry * others)
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func part(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}
