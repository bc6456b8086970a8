package understand

import (
	"slices"
	"testing"
)

func TestSentencesAreCutIntoTheLongestPiecesOfTheVocabulary(t *testing.T) {
	w := &wordpiece{map[string]int64{"where": 1, "par": 2, "##cel": 3, "##c": 4, "?": 5, "'": 6, "s": 7, "cafe": 8}}
	for sentence, want := range map[string][]int64{
		"Where parcel?": {startID, 1, 2, 3, 5, endID},
		"where's":       {startID, 1, 6, 7, endID},
		"CAFÉ":          {startID, 8, endID},
		"cafe\u0301":    {startID, 8, endID},
		"where parx":    {startID, 1, unknownID, endID},
		"":              {startID, endID},
	} {
		if got := w.tokens(sentence); !slices.Equal(got, want) {
			t.Errorf("%q gave %v, want %v", sentence, got, want)
		}
	}
}

func FuzzWordpiece(f *testing.F) {
	w := &wordpiece{map[string]int64{"a": 1, "##a": 2, "é": 3, "##\xff": 4}}
	f.Add("aaa é")
	f.Add("\xff\xfe a")
	f.Fuzz(func(t *testing.T, sentence string) {
		ids := w.tokens(sentence)
		if len(ids) < 2 || len(ids) > mostTokens || ids[0] != startID || ids[len(ids)-1] != endID {
			t.Errorf("%q gave %v", sentence, ids)
		}
	})
}
