package speech_test

import (
	"testing"

	"ivr/speech"
)

func TestWhatAVoiceCannotReadIsWrittenOutOrDropped(t *testing.T) {
	for text, want := range map[string]string{
		"Hello, how can I help?":         "Hello, how can I help?",
		"It costs £3.20.":                "It costs 3 pounds 20.",
		"A fee of $1":                    "A fee of 1 dollar",
		"Fish & chips, 100% <b>good</b>": "Fish and chips, 100 percent b good b",
		"Parcel 45128890 is here.":       "Parcel 4 5 1 2 8 8 9 0 is here.",
		"Order AB12":                     "Order A B 1 2",
		"Since 1998":                     "Since 1998",
		"Wait…   \x00 now \n please 😀 .": "Wait now please.",
		"...":                            "",
		"":                               "",
		"don't stop":                     "don't stop",
		"Zoë’s café":                     "Zoë’s café",
	} {
		if got := speech.Speakable(text); got != want {
			t.Errorf("Speakable(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzSpeakableTextIsLeftAloneTheSecondTime(f *testing.F) {
	for _, s := range []string{"£3.20", "AB12 & 45128", "a\xffb", "A1B2", "x .", "£1A"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := speech.Speakable(s)
		if twice := speech.Speakable(once); twice != once {
			t.Errorf("%q became %q, then %q", s, once, twice)
		}
	})
}
