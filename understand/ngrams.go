package understand

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
)

// gram is one entry of a sparse vector.
type gram struct {
	At    int32
	Value float32
}

// space turns sentences into sparse vectors: words, pairs of neighbours, pieces of words, and words as they sound, the rare weighing
// most. What the examples never had makes a vector shorter, and so less like any of them.
type space struct {
	Index   map[uint64]int32 // by what the feature is, hashed
	Weight  []float32        // by index: log of how rare
	Unknown float32          // weight of a feature never seen
}

// Kinds of features and the share each has of a vector's length.
const (
	wordGram = iota
	pairGram
	pieceGram
	soundGram
	gramKinds
)

var gramShare = [gramKinds]float32{wordGram: 0.3, pairGram: 0.3, pieceGram: 0.25, soundGram: 0.15}

// rawGram is a feature of a sentence before any space knows it.
type rawGram struct {
	hash  uint64
	kind  int
	times float32
}

// manySentences is from how many sentences on a feature that only one or two of them have is no feature: it says nothing of the next.
const manySentences = 1000

func newSpace(sentences []string) *space {
	seen := map[uint64]int32{}
	for _, sentence := range sentences {
		for _, g := range rawGrams(sentence) {
			seen[g.hash]++
		}
	}
	fewest := int32(1)
	if len(sentences) >= manySentences {
		fewest = 3
	}
	n := float64(len(sentences))
	s := &space{Index: make(map[uint64]int32, len(seen)/2), Unknown: float32(math.Log(1 + n))}
	for _, hash := range slices.Sorted(maps.Keys(seen)) { // in an order that is the same every time
		if times := seen[hash]; times >= fewest {
			s.Index[hash] = int32(len(s.Weight))
			s.Weight = append(s.Weight, float32(math.Log(1+n/float64(times))))
		}
	}
	return s
}

// vector is the sentence in the space.
func (s *space) vector(sentence string) []gram {
	raw := rawGrams(sentence)
	var squares [gramKinds]float32
	for i, g := range raw {
		weight := s.Unknown
		if at, ok := s.Index[g.hash]; ok {
			weight = s.Weight[at]
		}
		value := weight * float32(math.Sqrt(float64(g.times)))
		squares[g.kind] += value * value
		raw[i].times = value
	}
	v := make([]gram, 0, len(raw))
	for _, g := range raw {
		if at, ok := s.Index[g.hash]; ok {
			v = append(v, gram{at, g.times * float32(math.Sqrt(float64(gramShare[g.kind]/squares[g.kind])))})
		}
	}
	return v
}

// rawGrams are the features of a sentence, each once.
func rawGrams(sentence string) []rawGram {
	var found []rawGram
	add := func(kind int, parts ...string) {
		hash := uint64(14695981039346656037) ^ uint64(kind) // FNV-1a: the same in every process
		for _, part := range parts {
			for i := range len(part) {
				hash = (hash ^ uint64(part[i])) * 1099511628211
			}
			hash = (hash ^ ' ') * 1099511628211
		}
		found = append(found, rawGram{hash, kind, 1})
	}
	last, lastSound := "^", "^"
	for _, word := range plainWords(sentence) {
		add(wordGram, word)
		add(pairGram, last, word)
		heard := sound(word)
		add(soundGram, heard)
		add(soundGram, lastSound, heard)
		last, lastSound = word, heard
		framed := "_" + word + "_"
		for size := 3; size <= 4; size++ {
			for i := 0; i+size <= len(framed); i++ {
				add(pieceGram, framed[i:i+size])
			}
		}
	}
	add(pairGram, last, "$")
	slices.SortFunc(found, func(a, b rawGram) int { return cmp.Compare(a.hash, b.hash) })
	once := found[:0]
	for _, g := range found {
		if n := len(once); n > 0 && once[n-1].hash == g.hash {
			once[n-1].times++
			continue
		}
		once = append(once, g)
	}
	return once
}

// plainWords are the words of a sentence in lower case, without marks.
func plainWords(sentence string) []string {
	return strings.FieldsFunc(strings.ReplaceAll(strings.ToLower(sentence), "'", ""), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
