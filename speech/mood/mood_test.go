package mood_test

import (
	"strings"
	"testing"

	"ivr/speech/mood"
)

func words(t *testing.T) *mood.Caller {
	t.Helper()
	d, err := mood.NewDetector("another engine")
	if err != nil {
		t.Fatal(err)
	}
	return d.NewCaller()
}

// handOver is the threshold that bots use unless told otherwise.
const handOver = 0.7

func TestWordsOfAnger(t *testing.T) {
	for _, text := range []string{
		"This is the third time I call, it is a disgrace.",
		"I'm absolutely furious.",
		"You people are useless!",
		"I am sick and tired of waiting, this is ridiculous.",
		"What the hell is going on? This is a complete joke.",
		"Where is my fucking parcel?",
		"That's not good enough, I want to speak to a manager, this is unacceptable.",
		"Shut up, you stupid machine.",
		"I'm going to sue you, this is outrageous.",
	} {
		if m := words(t).Judge(mood.Utterance{Text: text}); m.Anger < handOver || m.Evidence == "" {
			t.Errorf("%q: %+v", text, m)
		}
	}
}

func TestWordsThatAreNotOfAnger(t *testing.T) {
	for _, text := range []string{
		"",
		"Where is my parcel?",
		"I am not angry.",
		"I'm not angry, I'm just a little tired.",
		"No complaints, everything was fine.",
		"I don't want to complain, you have been very helpful.",
		"It isn't ridiculous at all.",
		"Hello, I'd like to change my delivery day.",
		"That is bloody brilliant, thank you.",
		"Can you tell me a second time please",
		"I would like to make a complaint.",
		"My order number is four five one two.",
	} {
		if m := words(t).Judge(mood.Utterance{Text: text}); m.Anger >= 0.5 {
			t.Errorf("%q: %+v", text, m)
		}
	}
}

func TestTheEvidenceNamesTheWords(t *testing.T) {
	m := words(t).Judge(mood.Utterance{Text: "This is the third time I call, it is a disgrace"})
	if want := `"third time", "disgrace"`; m.Evidence != want {
		t.Errorf("got %s, want %s", m.Evidence, want)
	}
}

// heard is an utterance of so many samples of silence, with an encoding that is given the score.
func heard(d *mood.Detector, text string, score float64, samples int) mood.Utterance {
	pcm := make([]int16, samples)
	return mood.Utterance{Text: text, Pooled: mood.EncodingFor(d, score, pcm), Audio: pcm}
}

// voice has a detector listen to a caller whose encoding is all zero but for what makes the score.
func voice(t *testing.T, scores ...float64) []mood.Mood {
	t.Helper()
	d, err := mood.NewDetector("moonshine-base")
	if err != nil {
		t.Fatal(err)
	}
	caller := d.NewCaller()
	var moods []mood.Mood
	for _, s := range scores {
		moods = append(moods, caller.Judge(heard(d, "so", s, 32000)))
	}
	return moods
}

func TestAVoiceAloneIsNeverEnoughOnce(t *testing.T) {
	for _, m := range append(voice(t, 8), voice(t, -6, -6, 8)...) {
		if m.Anger >= handOver {
			t.Errorf("%+v", m)
		}
	}
}

func TestAVoiceThatStaysRaisedIsEnough(t *testing.T) {
	moods := voice(t, -3, -3, -2, 6, 6)
	if moods[2].Anger > 0.1 || moods[3].Anger < 0.35 || moods[4].Anger < handOver || !strings.Contains(moods[4].Evidence, "raised voice again") {
		t.Errorf("%+v", moods)
	}
}

func TestACallerIsMeasuredAgainstTheirOwnVoice(t *testing.T) {
	for _, m := range voice(t, 3, 3, 3, 4, 3, 3.5, 4) {
		if m.Anger >= handOver {
			t.Errorf("someone with such a voice: %+v", m)
		}
	}
	for _, m := range voice(t, -2, -1, 0, 1, -3, 1, 1) {
		if m.Anger > 0.3 {
			t.Errorf("someone lively: %+v", m)
		}
	}
}

func TestSoundAndWordsAddUp(t *testing.T) {
	d, err := mood.NewDetector("moonshine-base")
	if err != nil {
		t.Fatal(err)
	}
	caller := d.NewCaller()
	for _, score := range []float64{-4, -4} {
		caller.Judge(heard(d, "Where is my parcel?", score, 32000))
	}
	m := caller.Judge(heard(d, "This is ridiculous.", 5, 32000))
	if m.Anger < handOver {
		t.Errorf("%+v", m)
	}
}

func TestAShortUtteranceSaysNothingOfTheVoice(t *testing.T) {
	d, err := mood.NewDetector("moonshine-tiny")
	if err != nil {
		t.Fatal(err)
	}
	m := d.NewCaller().Judge(heard(d, "Yes.", 8, 12000))
	if m.Anger != 0 || m.Evidence != "" {
		t.Errorf("%+v", m)
	}
}
