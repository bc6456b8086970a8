package dialog

import (
	"strings"
	"testing"
	"time"
)

func TestTextsAreReadyForTheVoice(t *testing.T) {
	for written, want := range map[string]string{
		"It costs £4.95.":                      "It costs four pounds ninety-five.",
		"It costs £1 or 99p, not £0.01":        "It costs one pound or ninety-nine pence, not one penny",
		"£12.05 and £1,200":                    "twelve pounds and five pence and one thousand two hundred pounds",
		"between 2 and 4 pm":                   "between two and four in the afternoon",
		"from 9am to 5:30pm":                   "from nine in the morning to half past five in the afternoon",
		"at 14:15, 00:00, 12:00 and 9:05":      "at quarter past two in the afternoon, midnight, noon and nine oh five in the morning",
		"on 2026-11-23":                        "on Monday the twenty-third of November",
		"the 3rd and the 21st":                 "the third and the twenty-first",
		"reference R123":                       "reference R one two three",
		"call 01134960000":                     "call zero one one three four nine six zero zero zero zero",
		"10 parcels of 2.5 kg":                 "ten parcels of two point five kilos",
		"1,500 of 4512":                        "one thousand five hundred of four thousand five hundred and twelve",
		"in 2026 and 1999 and 2005":            "in twenty twenty-six and nineteen ninety-nine and two thousand and five",
		"open 24/7, 50% off":                   "open twenty-four seven, fifty percent off",
		"  too   many\n spaces ":               "too many spaces",
		"12 and 12th, 20th, 30th, 8th and 5th": "twelve and twelfth, twentieth, thirtieth, eighth and fifth",
	} {
		if got := speakable(written); got != want {
			t.Errorf("speakable(%q)\n got %q\nwant %q", written, got, want)
		}
	}
}

func FuzzSpeakableLeavesNoDigits(f *testing.F) {
	f.Add("£4.95 at 14:30 on 2026-02-31, R12, 99999999999999999999")
	f.Add("1e9 0x12 3rd 24/7 10kg 5p ½ ٣")
	f.Fuzz(func(t *testing.T, s string) {
		if got := speakable(s); strings.ContainsAny(got, "0123456789") {
			t.Errorf("speakable(%q) = %q", s, got)
		}
	})
}

// Whatever the digits, saying them and hearing them gives them back.
func FuzzDigitsSaidAreHeard(f *testing.F) {
	f.Add(uint32(4512))
	f.Add(uint32(9))
	f.Fuzz(func(t *testing.T, n uint32) {
		var digits strings.Builder
		for ; n > 0 || digits.Len() == 0; n /= 10 {
			digits.WriteByte(byte('0' + n%10))
		}
		want := digits.String()
		got, _ := heardDigits(digitsInWords(want), func(d string) bool { return len(d) == len(want) })
		if got != want {
			t.Errorf("%q said as %q was heard as %q", want, digitsInWords(want), got)
		}
	})
}

func TestDigitsAreHeardHoweverTheyAreSaid(t *testing.T) {
	four := func(d string) bool { return len(d) == 4 }
	for said, want := range map[string]string{
		"four five one two": "4512", "4512": "4512", "4 5 1 2": "4512", "45-12": "4512", "45 12": "4512", "Four, five, one, two.": "4512",
		"for five one two": "4512", "it's for four five one two": "4512", "double four one two": "4412", "four double five two": "4552",
		"forty five twelve": "4512", "forty-five, twelve": "4512", "four thousand five hundred and twelve": "4512", "4,512": "4512",
		"forty five hundred": "4500", "oh five one two": "0512", "o five one two": "0512", "zero zero one two": "0012", "nought five one two": "0512",
		"triple one two": "1112", "my number is 4512 thanks": "4512", "where is my parcel four five one two": "4512",
		"four five um one two": "4512", "four five and then one two": "4512", "four five one to": "4512", "4 5 1 too": "4512",
		"four five one two, no, four five one three": "4513", "4512 sorry I mean 4513": "4513", "no, four five one three": "4513",
		"twenty twenty six": "2026", "nineteen oh five": "1905", "the number is 45 1 2": "4512", "eight eight ate eight": "8888",
		"four five": "", "four five one two three": "", "hello": "", "the brown one": "", "": "", "for you": "", "to be or not to be": "",
		"won five one two": "1512", "I have 2 parcels 4512 is the first": "4512", "fifteen fifteen": "1515", "ten ten": "1010", "one hundred and five": "",
		"4512 2 days ago": "4512", "sixty seven eighty nine": "6789", "sixty seven eight nine": "6789",
	} {
		if got, heard := heardDigits(said, four); got != want {
			t.Errorf("%q was heard as %q (%q), want %q", said, got, heard, want)
		}
	}
	if got, heard := heardDigits("four five one two three", four); got != "" || heard != "45123" {
		t.Errorf("a number too long is %q, %q", got, heard)
	}
}

func TestDaysAreHeardFromTheDayOfTheCall(t *testing.T) {
	now := time.Date(2026, 11, 18, 15, 4, 5, 0, time.UTC) // a Wednesday
	for said, want := range map[string]string{
		"no, first day": "2026-11-19", "the twenty six": "2026-11-26", "today": "2026-11-18", "tomorrow please": "2026-11-19", "the day after tomorrow": "2026-11-20", "Thursday": "2026-11-19",
		"on Wednesday": "2026-11-25", "next Monday": "2026-11-23", "next Friday": "2026-11-27", "this Friday": "2026-11-20", "Friday week": "2026-11-27",
		"a week on Friday": "2026-11-27", "Monday next week": "2026-11-23", "in two days": "2026-11-20", "in a week": "2026-11-25",
		"in three weeks": "2026-12-09", "a week today": "2026-11-25", "a week from tomorrow": "2026-11-26",
		"the 3rd of May": "2027-05-03", "3rd May": "2027-05-03", "May the third": "2027-05-03", "May 3": "2027-05-03", "the twenty sixth": "2026-11-26",
		"the 26th": "2026-11-26", "the 3rd": "2026-12-03", "the thirty first": "2026-12-31", "26th of November": "2026-11-26",
		"November twenty six": "2026-11-26", "the twenty-sixth of november": "2026-11-26", "Thursday the 26th of November": "2026-11-26",
		"Thursday, November 26": "2026-11-26", "no, Thursday": "2026-11-19", "Tuesday, no, Thursday": "2026-11-19", "not Tuesday, Thursday": "2026-11-19",
		"is Saturday possible or is it too late": "2026-11-21", "the first of December": "2026-12-01", "December first": "2026-12-01",
		"31st of February": "", "the brown one": "", "may I ask you something": "", "whenever": "", "": "", "one two three": "", "next week": "", "second": "",
		"26 November": "2026-11-26", "Thursdays are good": "2026-11-19",
	} {
		got := ""
		if day, ok := heardDay(said, now); ok {
			got = day.Format(time.DateOnly)
		}
		if got != want {
			t.Errorf("%q was heard as %q, want %q", said, got, want)
		}
	}
}

// Every day of the next year is heard again as it is said.
func TestDaysSaidAreHeard(t *testing.T) {
	now := time.Date(2026, 11, 18, 0, 0, 0, 0, time.UTC)
	for ahead := range 365 {
		day := now.AddDate(0, 0, ahead)
		if got, ok := heardDay(dayInWords(day), now); !ok || !got.Equal(day) {
			t.Errorf("%s said as %q was heard as %s", day.Format(time.DateOnly), dayInWords(day), got.Format(time.DateOnly))
		}
	}
}

func TestYesAndNoAreHeardInManyWords(t *testing.T) {
	for said, want := range map[string]struct {
		answer answer
		rest   string
	}{
		"Yes.": {yes, ""}, "yeah": {yes, ""}, "yep that's right": {yes, ""}, "that is correct": {yes, ""}, "Right.": {yes, ""}, "OK": {yes, ""},
		"sure, go ahead": {yes, ""}, "yes please": {yes, ""}, "mm-hm": {yes, ""}, "uh huh": {yes, ""}, "that's fine": {yes, ""}, "no problem": {yes, ""},
		"I think that would be fine": {yes, ""}, "um yes it is": {yes, ""}, "that's the one": {yes, ""}, "of course": {yes, ""}, "perfect": {yes, ""},
		"no": {no, ""}, "Nope.": {no, ""}, "no thanks": {no, ""}, "no thank you": {no, ""}, "that's not right": {no, ""}, "that's wrong": {no, ""},
		"not really": {no, ""}, "no it isn't": {no, ""}, "I don't think so": {no, ""}, "definitely not": {no, ""}, "of course not": {no, ""}, "incorrect": {no, ""},
		"no, Thursday": {no, "thursday"}, "no four five one three": {no, "four five one three"}, "not Tuesday": {no, "tuesday"},
		"yes but on Friday": {yes, "but on friday"}, "no no no": {no, ""}, "yes yes": {yes, ""}, "that would be great": {yes, ""},
		"the brown one": {unclear, "the brown one"}, "": {unclear, ""}, "maybe": {unclear, "maybe"}, "what do you mean": {unclear, "what do you mean"},
		"where is my parcel": {unclear, "where is my parcel"},
	} {
		if a, rest := heardYesNo(said); a != want.answer || a != unclear && rest != want.rest {
			t.Errorf("%q was heard as %v and %q, want %v and %q", said, a, rest, want.answer, want.rest)
		}
	}
}

func TestCommandsAreHeardInManyWords(t *testing.T) {
	for want, all := range map[command][]string{
		cmdPerson: {"agent", "operator please", "a person please", "Can I speak to a human?", "I want to talk to somebody", "get me a real person",
			"put me through to someone", "I'd like to speak with your manager", "can someone help me please", "I don't want to talk to a robot", "human",
			"is there anybody I can talk to", "give me a human", "customer service", "transfer me to an adviser", "I need a real human being",
			"somebody please", "let me speak to a member of staff", "stop, I want an operator now"},
		cmdRepeat:    {"repeat", "say that again please", "pardon?", "what?", "sorry?", "can you repeat that", "what did you say", "I didn't catch that", "come again", "one more time please"},
		cmdWait:      {"hold on", "just a moment", "hang on a second", "one moment please", "wait", "let me find the card", "bear with me", "just a minute please"},
		cmdBack:      {"go back", "back please", "can we go back", "I made a mistake"},
		cmdStartOver: {"start again", "start over", "can we start from the beginning", "main menu"},
		cmdCancel:    {"cancel", "cancel that please", "never mind", "forget it", "never mind, forget it", "stop", "I've changed my mind"},
		cmdHelp:      {"help", "what can you do", "what can I say", "are you a robot", "what are my options please"},
		cmdGoodbye:   {"goodbye", "bye bye", "that's all thanks", "no that's all thank you", "nothing else", "I'm done", "thanks bye", "brilliant, that's all, thanks", "thank you very much, goodbye", "No thanks, good-by.", "no thank you, good bye"},
		cmdThanks:    {"thank you", "thanks a lot", "cheers", "thank you for your help"},
		cmdHello:     {"hello?", "hi", "good morning", "can you hear me"},
		cmdUnknown:   {"I don't know", "I don't have it", "no idea", "I can't find it", "I've lost it", "I don't have the number with me", "I don't have that number"},
		"": {"where is my parcel", "yes", "no", "no thanks", "four five one two", "Thursday", "", "my parcel has not arrived", "can you deliver it again",
			"the person next door has my parcel", "I want to cancel my order for the shoes", "what are your opening hours", "thank you for the parcel but it is broken",
			"I need help with customs", "stop sending letters", "who signed for it"},
	} {
		for _, said := range all {
			if got := heardCommand(said); got != want {
				t.Errorf("%q was heard as %q, want %q", said, got, want)
			}
		}
	}
}

func TestWordsOfAngerAddUp(t *testing.T) {
	for said, angry := range map[string]bool{
		"this is a disgrace": true, "I am sick and tired of this": true, "this is ridiculous!": true, "I'm furious": true, "where the bloody hell is it": true,
		"this is the third time and I'm not happy": true, "this is the third time": false, "where is my parcel": false, "I am a bit annoyed": false, "": false,
		"I have been waiting all day and it is still not here, it's a waste of time": true,
	} {
		if score, words := angerInWords(said, nil); (score >= 0.7) != angry {
			t.Errorf("%q scores %.2f for %q", said, score, words)
		}
	}
	if score, _ := angerInWords("you muppets", []string{"muppets"}); score < 0.7 {
		t.Error("a bot's own words of anger do not count")
	}
}
