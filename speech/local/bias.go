package local

import "strings"

// bias makes the words of a subject likelier than they are in all of English: a courier's callers say "parcel", not "apostle".
// While a token would begin or continue such a word, its score is raised, in proportion to the letters it adds, so that a word
// gains the same however it is cut into tokens.
type bias struct {
	words  []string // in small letters, each after a space, as within a sentence
	begins []advance
	next   map[place][]advance
}

// place is how far a word has been written.
type place struct{ word, letters int }

// advance is a token that continues a word.
type advance struct {
	id   int64
	to   place
	gain float32
}

// gainPerLetter is in units of the decoder's scores. Twice as much begins to put words into mouths.
var gainPerLetter float32 = 0.4

// newBias finds every way to write the words with the pieces of the vocabulary.
func newBias(words, vocabulary []string) *bias {
	ids := map[string][]int64{}
	for id, piece := range vocabulary {
		if piece != "" {
			ids[strings.ToLower(piece)] = append(ids[strings.ToLower(piece)], int64(id))
		}
	}
	b := &bias{next: map[place][]advance{}}
	for _, w := range words {
		w = " " + strings.ToLower(strings.TrimSpace(w))
		b.words = append(b.words, w)
		for from := range len(w) {
			at := place{len(b.words) - 1, from}
			for to := from + 1; to <= len(w); to++ {
				for _, id := range ids[w[from:to]] {
					b.next[at] = append(b.next[at], advance{id, place{at.word, to}, gainPerLetter * float32(to-from)})
				}
			}
		}
		b.begins = append(b.begins, b.next[place{len(b.words) - 1, 0}]...)
	}
	return b
}

// writing is where in the words of a bias a text stands, as it is written.
type writing struct {
	bias   *bias
	places []place
}

// raise adds to the scores of tokens that begin or continue a word.
func (w *writing) raise(scores []float32) {
	if w.bias == nil {
		return
	}
	raised := map[int64]float32{}
	w.each(func(a advance) { raised[a.id] = max(raised[a.id], a.gain) })
	for id, gain := range raised {
		scores[id] += gain
	}
}

// wrote takes the token that was chosen.
func (w *writing) wrote(id int64) {
	if w.bias == nil {
		return
	}
	var places []place
	w.each(func(a advance) {
		if a.id == id {
			places = append(places, a.to)
		}
	})
	w.places = places
}

func (w *writing) each(do func(advance)) {
	for _, a := range w.bias.begins {
		do(a)
	}
	for _, at := range w.places {
		for _, a := range w.bias.next[at] {
			do(a)
		}
	}
}
