package understand

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"ivr/speech/models"
)

// clinic is what a small bot learns from.
func clinic() (all []Example) {
	for intent, sentences := range map[string][]string{
		"book": {"i would like to make an appointment", "can i see the doctor this week", "i need to book a check up", "is there a free slot on monday",
			"i want to come in and be examined", "could you fit me in tomorrow"},
		"cancel": {"i have to cancel my appointment", "please take me off the list for thursday", "i can not come after all", "call off my visit",
			"i will not make it to my appointment", "i need to drop my slot"},
		"hours": {"when are you open", "what time do you close", "are you there on saturday", "what are your opening hours", "until when can i come in",
			"is the practice open at the weekend"},
		"prescription": {"i need a repeat prescription", "i have run out of my tablets", "can you renew my medicine", "i want to order my pills again",
			"my prescription has expired", "please send my prescription to the pharmacy"},
	} {
		for _, sentence := range sentences {
			all = append(all, Example{Text: sentence, Intent: intent})
		}
	}
	return all
}

func openEngine(t testing.TB) *Engine {
	t.Helper()
	set, err := models.Open("")
	if err != nil {
		t.Skip(err)
	}
	e, err := Open(set, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func best(t testing.TB, c *Classifier, sentence string) Candidate {
	t.Helper()
	candidates, err := c.Classify(t.Context(), sentence)
	if err != nil {
		t.Fatal(err)
	}
	return candidates[0]
}

func TestAnEngine(t *testing.T) {
	e := openEngine(t)
	c, err := e.Learn(t.Context(), clinic(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ask, act := c.Thresholds()

	t.Run("understands other words for what its examples say", func(t *testing.T) {
		for sentence, want := range map[string]string{"could the physician have a look at me on friday": "book", "something came up and i must call it off": "cancel",
			"do you shut early on wednesdays": "hours", "i am nearly out of my blood pressure medication": "prescription"} {
			if got := best(t, c, sentence); got.Intent != want || got.Score < ask {
				t.Errorf("%q is %+v, want %s from %.2f", sentence, got, want, ask)
			}
		}
	})
	t.Run("understands what a recogniser mishears and loses", func(t *testing.T) {
		for sentence, want := range map[string]string{"i knead to book a cheque up": "book", "cancel appointment": "cancel", "what time do you clothes": "hours",
			"repeat perscription": "prescription"} {
			if got := best(t, c, sentence); got.Intent != want {
				t.Errorf("%q is %+v, want %s", sentence, got, want)
			}
		}
	})
	t.Run("finds what is out of scope", func(t *testing.T) {
		for _, sentence := range []string{"how many moons has jupiter got", "play some jazz", "what is the capital of peru", ""} {
			if got := best(t, c, sentence); got.Score >= act {
				t.Errorf("%q is %+v, though acted on from %.2f", sentence, got, act)
			}
		}
	})
	t.Run("gives every intent a probability and the likeliest first", func(t *testing.T) {
		candidates, err := c.Classify(t.Context(), "when are you open")
		if err != nil || len(candidates) != 4 || !slices.IsSortedFunc(candidates, func(a, b Candidate) int { return int(math.Copysign(1, b.Score-a.Score)) }) {
			t.Errorf("%+v, %v", candidates, err)
		}
		for _, one := range candidates {
			if one.Score < 0 || one.Score > 1 {
				t.Errorf("%+v", one)
			}
		}
	})
	t.Run("judges many sentences at once as one by one", func(t *testing.T) {
		fresh := &Classifier{model: c.model, encoder: c.encoder, last: map[string][]Candidate{}}
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() {
				for _, example := range clinic() {
					got, err := fresh.Classify(context.Background(), example.Text)
					if err != nil || got[0].Intent != example.Intent {
						t.Errorf("%q is %+v, %v", example.Text, got, err)
					}
				}
			})
		}
		callers.Wait()
	})
	t.Run("takes from the cache what it learnt before, in whatever order it came", func(t *testing.T) {
		examples := clinic()
		slices.Reverse(examples)
		again, err := e.Learn(t.Context(), examples, func(int, int) { t.Fatal("it learns again") })
		if err != nil {
			t.Fatal(err)
		}
		if a, b := best(t, c, "are you open"), best(t, again, "are you open"); a != b {
			t.Errorf("%+v, from the cache %+v", a, b)
		}
	})
	t.Run("learns the same anew when the cache is broken", func(t *testing.T) {
		files, _ := filepath.Glob(e.kept.path("*"))
		if len(files) == 0 {
			t.Fatal("nothing was kept")
		}
		for _, file := range files {
			if err := os.WriteFile(file, []byte("not a model"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		again, err := e.Learn(t.Context(), clinic(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := best(t, c, "are you open"), best(t, again, "are you open"); a.Intent != b.Intent || math.Abs(a.Score-b.Score) > 1e-3 {
			t.Errorf("%+v, learnt again %+v", a, b)
		}
	})
	t.Run("stops learning when told to, and refuses what has no boundary", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := e.Learn(ctx, clinic()[1:], nil); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if _, err := e.Learn(t.Context(), []Example{{Text: "a", Intent: "one"}, {Text: "b", Intent: "one"}}, nil); err == nil {
			t.Error("one intent was learnt")
		}
	})
	t.Run("learns the least there may be", func(t *testing.T) {
		least := []Example{{Text: "yes", Intent: "yes"}, {Text: "yeah", Intent: "yes"}, {Text: "no", Intent: "no"}, {Text: "nope", Intent: "no"}}
		c, err := e.Learn(t.Context(), least, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := best(t, c, "yes yes"); got.Intent != "yes" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("measures a bot's own examples by what the others teach", func(t *testing.T) {
		last := 0
		f, err := e.Evaluate(t.Context(), clinic(), nil, func(done, total int) {
			if done < last || done > total {
				t.Errorf("%d of %d after %d", done, total, last)
			}
			last = done
		})
		if err != nil || f.InScope != len(clinic()) || f.NeverRejecting == nil || *f.NeverRejecting < 0.5 {
			t.Errorf("%+v, %v", f, err)
		}
	})
}

// A sentence understood, with 150 intents: what counts in a turn.
func BenchmarkClassify(b *testing.B) {
	e := openEngine(b)
	var examples []Example
	for i, example := range clinic() {
		for k := range 10 {
			examples = append(examples, Example{Text: example.Text, Intent: string(rune('a'+i%25)) + string(rune('a'+k%6))})
		}
	}
	c, err := e.Learn(b.Context(), examples, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		clear(c.last)
		if _, err := c.Classify(b.Context(), "could you tell me when my parcel is going to arrive today"); err != nil {
			b.Fatal(err)
		}
	}
}
