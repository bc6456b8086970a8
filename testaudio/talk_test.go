package testaudio

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"ivr/internal/strict"
)

const angry = `# an angry caller gets a person
caller  dials 4000
bot     says welcome, listens
caller  says "this is the third time I call, it is a disgrace"
bot     hands over complaints, because anger
seat 7  is busy
seat 9  rings 4s, answers, hears "complaints, order 4512, third call", presses 1

bridge  caller + seat 9
seat    says "hello, this is Ben", waits 500ms
caller  hears this is Ben, keys 45#
bot     says "answers your question", and more
seat 9  hangs up
end     seat hung up, after 31s
`

func TestATalkReadsAsItIsTold(t *testing.T) {
	talk, err := ParseTalk("angry.talk", strings.NewReader(angry))
	if err != nil {
		t.Fatal(err)
	}
	want := []Step{
		{2, "caller", Dials{"4000"}},
		{3, "caller", Hears{[]string{"welcome"}}}, {3, "caller", Listens{}},
		{4, "caller", Speaks{"this is the third time I call, it is a disgrace"}},
		{5, "bot", HandsOver{"complaints", "anger"}},
		{6, "seat 7", Refuses{Busy}},
		{7, "seat 9", Rings{4 * time.Second}}, {7, "seat 9", Answers{}},
		{7, "seat 9", Hears{[]string{"complaints", "order 4512", "third call"}}}, {7, "seat 9", Keys{"1"}},
		{9, "", Bridge{"9"}},
		{10, "seat 9", Speaks{"hello, this is Ben"}}, {10, "seat 9", Waits{500 * time.Millisecond}},
		{11, "caller", Hears{[]string{"this is Ben"}}}, {11, "caller", Keys{"45#"}},
		{12, "caller", Hears{[]string{"answers your question", "and more"}}},
		{13, "seat 9", HangsUp{}},
		{14, "", End{"seat", 31 * time.Second}},
	}
	if !reflect.DeepEqual(talk.Steps, want) {
		for i, s := range talk.Steps {
			if i >= len(want) || !reflect.DeepEqual(s, want[i]) {
				t.Errorf("step %d is %#v", i, s)
			}
		}
	}
	if got := talk.Seats(); !reflect.DeepEqual(got, []string{"7", "9"}) {
		t.Errorf("seats %v", got)
	}
	if talk.Title != "an angry caller gets a person" {
		t.Errorf("title %q", talk.Title)
	}
	if got := talk.Texts(); len(got) != 2 {
		t.Errorf("texts %q", got)
	}
}

func TestEveryMistakeOfATalkIsToldWithItsLine(t *testing.T) {
	const script = `caller says hello
visitor says "hello"
caller juggles
bot keys 4
seat rings 2s
seat 7 rings soon
caller says "open
caller keys 4x
bridge seat 9
end because of rain
bot hands over
seat 7 answers quickly
caller
bot says , ,
`
	_, err := ParseTalk("bad.talk", strings.NewReader(script))
	var mistakes *strict.Mistakes
	if !errors.As(err, &mistakes) {
		t.Fatalf("error %v", err)
	}
	lines := map[int]string{}
	for _, m := range mistakes.List {
		lines[m.Line] = m.String()
	}
	for line := 1; line <= 14; line++ {
		if !strings.HasPrefix(lines[line], fmt.Sprintf("bad.talk:%d: ", line)) || !strings.Contains(lines[line], ";") {
			t.Errorf("line %d: %q", line, lines[line])
		}
	}
	if _, err := ParseTalk("empty.talk", strings.NewReader("# nothing\n")); err == nil {
		t.Error("an empty talk is a talk")
	}
	if _, err := LoadTalk(filepath.Join(t.TempDir(), "none.talk")); err == nil {
		t.Error("a talk that is not there is read")
	}
}

// What a talk says of itself is the same talk.
func FuzzATalkSaysItself(f *testing.F) {
	f.Add(angry)
	f.Add("seat 1 does not answer\nend\n")
	f.Fuzz(func(t *testing.T, script string) {
		talk, err := ParseTalk("a", strings.NewReader(script))
		if err != nil {
			return
		}
		var said strings.Builder
		for _, s := range talk.Steps {
			said.WriteString(s.String() + "\n")
		}
		again, err := ParseTalk("b", strings.NewReader(said.String()))
		if err != nil {
			t.Fatalf("%q: %v", said.String(), err)
		}
		for i := range talk.Steps {
			talk.Steps[i].Line = 0
		}
		for i := range again.Steps {
			again.Steps[i].Line = 0
		}
		if !reflect.DeepEqual(again.Steps, talk.Steps) {
			t.Fatalf("%q becomes %#v, was %#v", said.String(), again.Steps, talk.Steps)
		}
	})
}

func TestNumbersAreTheSameInDigitsAndInWords(t *testing.T) {
	for words, want := range map[string]string{
		"four five one two": "4 5 1 2", "Good-by.": "goodbye", "good bye": "goodbye", "4512": "4 5 1 2", "4,512": "4 5 1 2", "forty-five twelve": "4 5 1 2",
		"four thousand five hundred and twelve": "4 5 1 2", "a hundred and five": "1 0 5", "double four oh seven": "4 4 0 7",
		"the third of May": "the 3 th of may", "the 3rd of May": "the 3 th of may", "twenty-third": "2 3 th",
		"£4.95": "4 pounds 9 5", "four pounds ninety-five": "4 pounds 9 5", "9:00 a.m.": "9 am", "nine o'clock": "9",
		"two and four": "2 and 4", "oh dear": "oh dear", "R45": "r 4 5", "007": "0 0 7", "two thousand": "2 0 0 0",
		"twenty one hundred": "2 1 0 0", "one hundred and then": "1 0 0 and then", "a thousand and one": "1 0 0 1",
	} {
		var got []string
		for _, w := range wordsOf(words) {
			got = append(got, w.text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q is %q, want %q", words, strings.Join(got, " "), want)
		}
	}
}

func TestAFragmentIsHeardDespiteAMisheardWordButNeverWithAnotherNumber(t *testing.T) {
	const heard = "Your parcel 4,512 is out for delivery. It should arrive between 2 and 4 today."
	for fragment, want := range map[string]bool{
		"out for delivery": true, "OUT, for delivery!": true, "parcel four five one two": true, "between two and four today": true,
		"it should arive between two and four": true, "parcel is out for delivery": false, // a number stands between
		"parcel four five one three": false, "parcel 45": false, "parcel 451": false, "delivered": false, "deliveries": false, "complaint": false,
		"between three and four": false, "two and four": true, "it has been cancelled": false, "": true, "...": true,
		"should arrive": true, "should leave": false, "is out for deliverie": true,
	} {
		if got := Says(heard, fragment); got != want {
			t.Errorf("%q: %v, want %v", fragment, got, want)
		}
	}
	if Says("", "welcome") {
		t.Error("silence says welcome")
	}
}
