package speech_test

import (
	"strings"
	"testing"

	"ivr/speech"
)

func words(t *testing.T) *speech.MoodTracker {
	t.Helper()
	d, err := speech.NewMoodDetector("another engine")
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
		if m := words(t).Judge(speech.Transcript{Text: text}, nil); m.Anger < handOver || m.Evidence == "" {
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
		if m := words(t).Judge(speech.Transcript{Text: text}, nil); m.Anger >= 0.5 {
			t.Errorf("%q: %+v", text, m)
		}
	}
}

func TestTheEvidenceNamesTheWords(t *testing.T) {
	m := words(t).Judge(speech.Transcript{Text: "This is the third time I call, it is a disgrace"}, nil)
	if want := `"third time", "disgrace"`; m.Evidence != want {
		t.Errorf("got %s, want %s", m.Evidence, want)
	}
}

// voice has a detector listen to a caller whose encoding is all zero but for what makes the score.
func voice(t *testing.T, scores ...float64) []speech.Mood {
	t.Helper()
	d, err := speech.NewMoodDetector("moonshine-base")
	if err != nil {
		t.Fatal(err)
	}
	caller := d.NewCaller()
	var moods []speech.Mood
	for _, s := range scores {
		moods = append(moods, caller.Judge(speech.Transcript{Text: "so", Pooled: speech.PooledFor(d, s)}, make([]int16, 32000)))
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
	d, err := speech.NewMoodDetector("moonshine-base")
	if err != nil {
		t.Fatal(err)
	}
	caller := d.NewCaller()
	long := make([]int16, 32000)
	for _, score := range []float64{-4, -4} {
		caller.Judge(speech.Transcript{Text: "Where is my parcel?", Pooled: speech.PooledFor(d, score)}, long)
	}
	m := caller.Judge(speech.Transcript{Text: "This is ridiculous.", Pooled: speech.PooledFor(d, 5)}, long)
	if m.Anger < handOver {
		t.Errorf("%+v", m)
	}
}

func TestAShortUtteranceSaysNothingOfTheVoice(t *testing.T) {
	d, err := speech.NewMoodDetector("moonshine-tiny")
	if err != nil {
		t.Fatal(err)
	}
	m := d.NewCaller().Judge(speech.Transcript{Text: "Yes.", Pooled: speech.PooledFor(d, 8)}, make([]int16, 12000))
	if m.Anger != 0 || m.Evidence != "" {
		t.Errorf("%+v", m)
	}
}
