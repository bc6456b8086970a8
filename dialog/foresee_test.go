package dialog

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestWhatIsEnoughToAnswerAtOnce(t *testing.T) {
	const garden = "testdata/garden.yaml"
	for _, c := range []struct {
		bot    string
		before []string // said already
		said   string
		enough bool
	}{
		{courier, nil, "what are your opening hours", true},
		{courier, nil, "where is my parcel four five one two", true},
		{courier, nil, "where is my parcel", false}, // the number may follow
		{courier, nil, "where is my", false},
		{courier, nil, "can you recommend a good recipe for apple pie", false},
		{courier, nil, "", false},
		{courier, nil, "can I talk to a person please", true},
		{courier, nil, "it is a disgrace", false}, // let them finish
		{courier, nil, "goodbye", false},
		{courier, nil, "hold on", false},
		{courier, []string{"where is my parcel"}, "four five one two", true},
		{courier, []string{"where is my parcel"}, "four five", false},
		{courier, []string{"where is my parcel"}, "four five one two six", false},
		{courier, []string{"what are your opening hours"}, "no", false},
		{courier, []string{"what are your opening hours"}, "yes", false},
		{courier, []string{"what are your opening hours"}, "how much is a parcel to France", false}, // how heavy it is may follow
		{courier, []string{"what are your opening hours"}, "where can I hand in a parcel", true},
		{garden, []string{"I want to order seeds", "one two three"}, "yes", true},
		{garden, []string{"I want to order seeds", "one two three"}, "no", true},
		{garden, []string{"I want to order seeds", "one two three"}, "no, one two four", true},
		{garden, []string{"I want to order seeds", "one two three", "yes"}, "a couple", true},
	} {
		s := load(t, c.bot).Start()
		s.Step(Begin{Now: testNow})
		for _, said := range c.before {
			s.Step(Heard{Text: said, Now: testNow})
		}
		if got := s.Foresee()(c.said); got != c.enough {
			t.Errorf("after %q, %q: enough is %v", c.before, c.said, got)
		}
	}
}

// A session that looks ahead goes the same way as one that does not.
func TestLookingAheadChangesNothing(t *testing.T) {
	for _, path := range []string{courier, "testdata/garden.yaml", "testdata/lines.yaml"} {
		bot := load(t, path)
		rapid.Check(t, func(t *rapid.T) {
			plain, ahead := bot.Start(), bot.Start()
			wait := waiting(plain.Step(Begin{Now: testNow}))
			ahead.Step(Begin{Now: testNow})
			for range rapid.IntRange(1, 15).Draw(t, "events") {
				foresee := ahead.Foresee()
				for range 3 {
					foresee(rapid.SampledFrom(callersWords).Draw(t, "perhaps"))
				}
				event := anEvent(t, wait)
				did, does := plain.Step(event), ahead.Step(event)
				if !reflect.DeepEqual(did, does) {
					t.Fatalf("%+v: %+v, having looked ahead %+v", event, did, does)
				}
				if next := waiting(did); next != nil {
					wait = next
				}
			}
		})
	}
}
