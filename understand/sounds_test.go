package understand

import "testing"

func TestWordsThatARecogniserMixesUpSoundTheSame(t *testing.T) {
	for _, pair := range [][2]string{{"for", "four"}, {"for", "4"}, {"to", "two"}, {"too", "2"}, {"there", "their"}, {"wait", "weight"}, {"write", "right"},
		{"know", "no"}, {"whole", "hole"}, {"buy", "by"}, {"cell", "sell"}, {"phone", "fone"}, {"whether", "weather"}, {"parcel", "parsel"}, {"check", "cheque"}, {"knight", "night"}} {
		if a, b := sound(pair[0]), sound(pair[1]); a != b {
			t.Errorf("%s sounds %q, %s sounds %q", pair[0], a, pair[1], b)
		}
	}
}

func TestWordsThatSoundDifferentAreKeptApart(t *testing.T) {
	for _, pair := range [][2]string{{"card", "cash"}, {"open", "close"}, {"balance", "bill"}, {"weather", "water"}, {"ten", "two"}} {
		if a, b := sound(pair[0]), sound(pair[1]); a == b {
			t.Errorf("%s and %s both sound %q", pair[0], pair[1], a)
		}
	}
}

func FuzzSound(f *testing.F) {
	f.Add("through")
	f.Add("naïve")
	f.Fuzz(func(t *testing.T, word string) {
		if got := sound(word); len(got) > 2*len(word)+8 {
			t.Errorf("%q sounds %q", word, got)
		}
	})
}
