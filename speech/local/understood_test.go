package local_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"ivr/speech"
	"ivr/speech/local"
	"ivr/testaudio"
)

// tally adds up how well and how fast utterances were recognised.
type tally struct {
	words, wrong int
	times        []time.Duration // an utterance
	share        []float64       // of real time
}

func (s *tally) recognise(t *testing.T, engine speech.Recogniser, pcm []int16, said string) {
	t.Helper()
	started := time.Now()
	heard, err := engine.Recognise(t.Context(), pcm)
	took := time.Since(started)
	if err != nil {
		t.Fatal(err)
	}
	want, got := plainWords(said), plainWords(heard.Text)
	wrong := editDistance(want, got)
	if wrong > 0 {
		t.Logf("%d wrong: %q was said, %q heard", wrong, said, heard.Text)
	}
	s.words += len(want)
	s.wrong += wrong
	s.times = append(s.times, took)
	s.share = append(s.share, took.Seconds()/(float64(len(pcm))/16000))
}

func (s *tally) report(t *testing.T, name string, most float64) {
	t.Helper()
	slices.Sort(s.times)
	slices.Sort(s.share)
	rate := float64(s.wrong) / float64(s.words)
	t.Logf("%s: %.1f %% of %d words wrong; an utterance takes %v (median), %.3f of real time", name, 100*rate, s.words,
		s.times[len(s.times)/2].Round(time.Millisecond), s.share[len(s.share)/2])
	if rate > most {
		t.Errorf("%s: %.1f %% of the words are wrong, want at most %.1f %%", name, 100*rate, 100*most)
	}
}

var digitWords = map[string]string{"zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
	"seven": "7", "eight": "8", "nine": "9", "ten": "10", "o'clock": ""}

// plainWords are the words of a text for comparison: small letters, numbers as single digits.
func plainWords(text string) (words []string) {
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\''
	}) {
		if digits, ok := digitWords[w]; ok {
			w = digits
		}
		if strings.ContainsFunc(w, unicode.IsDigit) {
			words = append(words, strings.Split(w, "")...)
		} else if w != "" {
			words = append(words, w)
		}
	}
	return words
}

func editDistance(a, b []string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// oneIn is how many samples to skip to: with IVR_FULL set none is left out.
func oneIn(n int) int {
	if os.Getenv("IVR_FULL") != "" {
		return 1
	}
	return n
}

func TestRecordedPeopleAreUnderstoodOverTheTelephone(t *testing.T) {
	const folder = "../../../shared/data/asr_ivr_prompts_asterisk"
	table, err := os.ReadFile(filepath.Join(folder, "manifest.tsv"))
	if err != nil {
		t.Skip("the recordings are not here: ", err)
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")[1:]
	every := oneIn(12)
	for size, most := range map[string]float64{"moonshine-tiny": 0.2, "moonshine-base": 0.15} {
		e := engines(t, local.Options{Recogniser: size})
		var s tally
		for i := 0; i < len(lines); i += every {
			row := strings.Split(lines[i], "\t")
			channels, err := testaudio.ReadWAV(filepath.Join(folder, row[0]))
			if err != nil {
				t.Fatal(err)
			}
			s.recognise(t, e.Recogniser, testaudio.Telephone(channels[0], testaudio.MuLaw), row[2])
		}
		s.report(t, size, most)
	}
}

// courier are sentences of callers of a parcel courier, and of the bot.
var courier = []string{
	"Where is my parcel?",
	"I want to track my parcel.",
	"My parcel has not arrived yet.",
	"My order number is four five one two.",
	"Four five one two.",
	"It is seven, three, nine, zero.",
	"What are your opening hours on Saturday?",
	"How much does it cost to send a parcel to Scotland?",
	"Can you deliver it again on Thursday?",
	"I would like to change the delivery day.",
	"Tomorrow would be fine.",
	"Yes please.",
	"No, that's not right.",
	"I would like to speak to a person.",
	"This is the third time I call, it is a disgrace.",
	"The parcel was damaged when it came.",
	"Your parcel four five one two is out for delivery today, between two and four in the afternoon.",
	"Thank you for calling. How can I help you today?",
}

// asHeard puts the silence around speech that [speech.Ears] keep with it.
func asHeard(pcm []int16) []int16 {
	return slices.Concat(make([]int16, 4800), pcm, make([]int16, 3200))
}

func TestWhatTheVoicesSayIsUnderstoodOverTheTelephone(t *testing.T) {
	for size, most := range map[string]float64{"moonshine-tiny": 0.3, "moonshine-base": 0.2} {
		for _, voice := range []string{"jenny", "alan"} {
			e := engines(t, local.Options{Recogniser: size, Voice: voice})
			var s tally
			for i := 0; i < len(courier); i += oneIn(3) {
				text := courier[i]
				pcm, err := e.Voice.Speak(t.Context(), text)
				if err != nil {
					t.Fatal(err)
				}
				s.recognise(t, e.Recogniser, testaudio.Telephone(asHeard(pcm), testaudio.ALaw), text)
			}
			s.report(t, size+" hears "+voice, most)
		}
	}
}
