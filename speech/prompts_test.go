package speech_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ivr/media"
	"ivr/speech"
)

// slowVoice takes a second a clause and says as many samples as the text has bytes.
type slowVoice struct {
	mu           sync.Mutex
	said         []string
	busy, atOnce int
	fail         error
}

func (v *slowVoice) Speak(ctx context.Context, text string) ([]int16, error) {
	v.mu.Lock()
	v.said = append(v.said, text)
	v.busy++
	v.atOnce = max(v.atOnce, v.busy)
	v.mu.Unlock()
	defer func() { v.mu.Lock(); v.busy--; v.mu.Unlock() }()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if text == "panic" {
		panic("engine bug")
	}
	return slices.Repeat([]int16{1000}, len(text)), v.fail
}

func TestFixedPromptsAreSpokenOnceForAllStarts(t *testing.T) {
	dir := t.TempDir()
	texts := []string{"Hello. How can I help?", "Goodbye.", "Hello."}
	start := func(t *testing.T) (*slowVoice, *speech.Prompts) {
		voice := new(slowVoice)
		p := speech.NewPrompts(voice, speech.PromptsConfig{VoiceName: "a", Dir: dir, Parallel: 2})
		told := 0
		if err := p.Warm(t.Context(), texts, func(done, total int) { told = done*10 + total }); err != nil || told != 33 {
			t.Fatal(err, told)
		}
		return voice, p
	}
	synctest.Test(t, func(t *testing.T) {
		voice, _ := start(t)
		if len(voice.said) != 3 {
			t.Errorf("said %q", voice.said)
		}
		voice, p := start(t)
		if len(voice.said) != 0 {
			t.Errorf("the second start said %q", voice.said)
		}
		began := time.Now()
		if prompt, err := p.Speak(t.Context(), "How can I help?"); err != nil || prompt.Duration() < 100*time.Millisecond || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	if err := os.Truncate(files[0], 100); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		if voice, _ := start(t); len(voice.said) != 1 {
			t.Errorf("one file was cut short: said %q", voice.said)
		}
		other := new(slowVoice)
		p := speech.NewPrompts(other, speech.PromptsConfig{VoiceName: "b", Dir: dir})
		if err := p.Warm(t.Context(), texts, nil); err != nil || len(other.said) != 3 {
			t.Errorf("another voice said %q, %v", other.said, err)
		}
	})
}

func TestWhatIsBeingSpokenIsNotSpokenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		voice := new(slowVoice)
		p := speech.NewPrompts(voice, speech.PromptsConfig{})
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if prompt, err := p.Speak(t.Context(), "Your parcel is here."); err != nil || prompt == nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(voice.said) != 1 {
			t.Errorf("said %d times", len(voice.said))
		}
	})
}

func TestWhenTheFirstToAskLeavesTheNextHasItSpoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		voice := new(slowVoice)
		p := speech.NewPrompts(voice, speech.PromptsConfig{})
		first, leave := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := p.Speak(first, "Hello."); !errors.Is(err, gone) {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if _, err := p.Speak(t.Context(), "Hello."); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		leave(gone)
		wg.Wait()
		if len(voice.said) != 2 {
			t.Errorf("said %q", voice.said)
		}
	})
}

func TestTheVoiceIsNotAskedForMoreAtOnceThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		voice := new(slowVoice)
		p := speech.NewPrompts(voice, speech.PromptsConfig{Parallel: 2})
		var wg sync.WaitGroup
		for _, text := range strings.Fields("one two three four five six") {
			wg.Go(func() { p.Speak(t.Context(), text) })
		}
		wg.Wait()
		if voice.atOnce != 2 {
			t.Errorf("%d at once", voice.atOnce)
		}
	})
}

func TestPromptsWithValuesAreForgottenOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		voice := new(slowVoice)
		p := speech.NewPrompts(voice, speech.PromptsConfig{Memory: 4000, Codecs: []media.Codec{}})
		long := func(s string) string { return strings.Repeat(s, 500) }
		for _, text := range []string{long("a"), long("b"), long("a"), long("c"), long("d"), long("a")} {
			if _, err := p.Speak(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
		var said []string
		for _, s := range voice.said {
			said = append(said, s[:1])
		}
		if got := strings.Join(said, ""); got != "abcd" {
			t.Errorf("said %s: a was asked for again and should have stayed", got)
		}
	})
}

func TestAVoiceThatFailsOrPanicsIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		voice := &slowVoice{}
		p := speech.NewPrompts(voice, speech.PromptsConfig{})
		if _, err := p.Speak(t.Context(), "panic"); err == nil || !strings.Contains(err.Error(), "engine bug") {
			t.Errorf("got %v", err)
		}
		voice.fail = broken
		if _, err := p.Speak(t.Context(), "Hello."); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
		if err := p.Warm(t.Context(), []string{"Hello."}, nil); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
		voice.fail = nil
		if _, err := p.Speak(t.Context(), "Hello."); err != nil {
			t.Errorf("after the failure: %v", err)
		}
	})
}

func TestClauses(t *testing.T) {
	p := speech.NewPrompts(new(slowVoice), speech.PromptsConfig{})
	for text, want := range map[string]string{
		"":                       "",
		"Hello.":                 "Hello.",
		"Hello. How can I help?": "Hello.|How can I help?",
		"Mr. Smith pays 3.20 at 5 p.m. on Friday. Right?":                                        "Mr. Smith pays 3.20 at 5 p.m. on Friday.|Right?",
		"Your parcel four five one two is out for delivery today, between two and four o'clock.": "Your parcel four five one two is out for delivery today,|between two and four o'clock.",
		"Yes, it is open.":           "Yes, it is open.",
		"So... Well!  Good\nmorning": "So...|Well!|Good\nmorning",
		"... ! ?":                    "... ! ?",
	} {
		if got := strings.Join(p.Clauses(text), "|"); got != want {
			t.Errorf("Clauses(%q) = %q, want %q", text, got, want)
		}
	}
	const long = "Thank you for calling Swift Couriers, the friendly people who bring it to you."
	synctest.Test(t, func(t *testing.T) {
		p := speech.NewPrompts(new(slowVoice), speech.PromptsConfig{})
		if err := p.Warm(t.Context(), []string{long}, nil); err != nil {
			t.Fatal(err)
		}
		if got := p.Clauses(long); len(got) != 1 {
			t.Errorf("what is ready is not cut: %q", got)
		}
	})
}

func FuzzClausesLoseNothing(f *testing.F) {
	f.Add("Hello. How are you, dear? Fine; thanks: this is a rather long sentence, with commas, and more.")
	f.Fuzz(func(t *testing.T, text string) {
		p := speech.NewPrompts(new(slowVoice), speech.PromptsConfig{})
		words := func(s string) string { return strings.Join(strings.Fields(s), " ") }
		if got := words(strings.Join(p.Clauses(text), " ")); got != words(text) {
			t.Errorf("%q became %q", text, got)
		}
	})
}
