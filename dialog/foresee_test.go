package dialog

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestWordsThatMayNotBeAllAreJudgedByWhereTheyLead(t *testing.T) {
	const garden = "testdata/garden.yaml"
	for _, c := range []struct {
		bot    string
		before []string // said already
		said   string
		want   Outlook
	}{
		{courier, nil, "what are your opening hours", Enough},
		{courier, nil, "where is my parcel four five one two", Enough},
		{courier, nil, "where is my parcel", Asking}, // the number may follow
		{courier, nil, "where is my", Missing},
		{courier, nil, "can you recommend a good recipe for apple pie", Missing},
		{courier, nil, "", Missing},
		{courier, nil, "can I talk to a person please", Enough},
		{courier, nil, "it is a disgrace", Asking}, // let them finish
		{courier, nil, "goodbye", Asking},
		{courier, nil, "hold on", Asking},
		{courier, []string{"where is my parcel"}, "four five one two", Enough},
		{courier, []string{"where is my parcel"}, "four five", Missing},
		{courier, []string{"where is my parcel"}, "four five one two six", Missing},
		{courier, []string{"where is my parcel"}, "I don't have the number", Asking},
		{courier, []string{"what are your opening hours"}, "no", Asking},
		{courier, []string{"what are your opening hours"}, "yes", Missing},
		{courier, []string{"what are your opening hours"}, "how much is a parcel to France", Asking}, // how heavy it is may follow
		{courier, []string{"what are your opening hours"}, "where can I hand in a parcel", Enough},
		{garden, []string{"I want to order seeds", "one two three"}, "yes", Enough},
		{garden, []string{"I want to order seeds", "one two three"}, "no", Enough},
		{garden, []string{"I want to order seeds", "one two three"}, "no, one two four", Enough},
		{garden, []string{"I want to order seeds", "one two three", "yes"}, "a couple", Enough},
	} {
		s := load(t, c.bot).Start()
		s.Step(Begin{Now: testNow})
		for _, said := range c.before {
			s.Step(Heard{Text: said, Now: testNow})
		}
		if got := s.Foresee()(c.said); got != c.want {
			t.Errorf("after %q, %q: got %v, want %v", c.before, c.said, got, c.want)
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
