package testaudio_test

import (
	"slices"
	"strings"
	"testing"

	"ivr/testaudio"
)

func TestWordsThatSoundTheSameAreTheSame(t *testing.T) {
	for _, pair := range [][2]string{
		{"FIVE HUNDRED AND TWELVE", "512"},
		{"Your number is four five one two.", "your number is 4512"},
		{"I don't, I won't, I can't.", "i do not i will not i cannot"},
		{"It's Mr. Brown's, OK?", "It is mister Browns okay"},
		{"The colour of my neighbour's cheque", "the color of my neighbors check"},
		{"the twenty first", "the 21st"},
		{"Um, I, er, see", "I see"},
		{"Let's go, we're gonna be late", "let us go we are going to be late"},
		{"fifty percent", "50%"},
	} {
		a, b := testaudio.Words(pair[0]), testaudio.Words(pair[1])
		if !slices.Equal(a, b) {
			t.Errorf("%q is %q, and %q is %q", pair[0], a, pair[1], b)
		}
	}
}

func TestWordErrorsAreWhatWasMisheardLeftOutAndPutIn(t *testing.T) {
	for _, c := range []struct {
		said, heard  string
		wrong, words int
	}{
		{"where is my parcel", "Where is my parcel?", 0, 4},
		{"where is my parcel", "where is the parcel", 1, 4},
		{"where is my parcel", "where is parcel", 1, 4},
		{"where is my parcel", "where is my my parcel", 1, 4},
		{"four five one two", "4512", 0, 4},
		{"four five one two", "4513", 1, 4},
		{"please check your voice mail now", "please check your voicemail now", 0, 6},
		{"log in to voicemail", "login to voice mail", 0, 4},
		{"a", "", 1, 1},
		{"", "made up words", 3, 0},
	} {
		if wrong, words := testaudio.WordErrors(c.said, c.heard); wrong != c.wrong || words != c.words {
			t.Errorf("%q heard as %q: %d of %d, want %d of %d", c.said, c.heard, wrong, words, c.wrong, c.words)
		}
	}
}

func FuzzWordErrors(f *testing.F) {
	f.Add("where's my 2nd parcel", "where is my second parcel")
	f.Fuzz(func(t *testing.T, said, heard string) {
		if len(said)+len(heard) > 1000 {
			return
		}
		wrong, words := testaudio.WordErrors(said, heard)
		if most := words + len(testaudio.Words(heard)); wrong < 0 || wrong > most {
			t.Errorf("%d wrong of %d", wrong, words)
		}
		if same, _ := testaudio.WordErrors(said, strings.ToUpper(said)); said == strings.ToLower(said) && strings.ToLower(strings.ToUpper(said)) == said && same != 0 {
			t.Errorf("%q differs from itself in capitals by %d", said, same)
		}
	})
}
