package dialog

import "testing"

const usualThreshold = 0.7

// moodsOf follows a caller whose utterances have the anger given, in a call where nothing goes wrong.
func moodsOf(anger ...float64) (moods []Mood) {
	var t temper
	for _, a := range anger {
		t.hear(a, nil, nil, usualThreshold)
		moods = append(moods, t.mood)
	}
	return moods
}

func TestAMoodIsEnteredByMoreThanItTakesToStayInIt(t *testing.T) {
	for name, c := range map[string]struct {
		anger []float64
		want  Mood
	}{
		"calm stays calm":                          {[]float64{0.1, 0.2, 0.3, 0.3, 0.3, 0.3}, Calm},
		"tense by one utterance":                   {[]float64{0, 0.45}, Tense},
		"still tense after one calm utterance":     {[]float64{0.45, 0}, Tense},
		"calm again after several":                 {[]float64{0.45, 0, 0, 0}, Calm},
		"angry at once":                            {[]float64{0.75}, Angry},
		"tense twice is not angry":                 {[]float64{0.45, 0.45}, Tense},
		"tense three times is":                     {[]float64{0.45, 0.45, 0.45}, Angry},
		"angry enough by the second such sentence": {[]float64{0.6, 0.6}, Angry},
	} {
		moods := moodsOf(c.anger...)
		if got := moods[len(moods)-1]; got != c.want {
			t.Errorf("%s: %v, want %s", name, moods, c.want)
		}
	}
}

func TestTheCourseOfACallMakesMoreOfWhatWasHeardAndNothingOfCalmWords(t *testing.T) {
	bad := []mishap{{"was not understood 2 times in a row", 2, perMisheard}, {"said no to a read-back once", 1, perRefused}}
	var calm, heard temper
	calm.hear(0.05, nil, bad, usualThreshold)
	heard.hear(0.3, []string{`"third time"`}, bad, usualThreshold)
	if calm.mood != Calm || heard.mood != Tense {
		t.Errorf("calm words are %s, mild ones %s", calm.mood, heard.mood)
	}
	if want := `"third time", was not understood 2 times in a row, said no to a read-back once`; heard.evidence != want {
		t.Errorf("evidence %s", heard.evidence)
	}
	var worst temper
	for range 10 {
		worst.hear(0.2, nil, []mishap{{"all", 20, 1}}, usualThreshold)
	}
	if worst.mood == Angry {
		t.Error("the course of a call alone made somebody angry")
	}
}
