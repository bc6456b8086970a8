package speech

import (
	"fmt"
	"strings"
	"testing"
	"testing/quick"
	"time"
)

// hear plays a drawing of a turn to e, a sign a window: '#' voice, '-' silence, '~' between the two thresholds,
// 's' a sound that is no voice; 'S', 'C',
// 'N' and 'O' tell that the words so far are settled, complete, neutral or open; 'E' makes it eager. It returns what was decided, as "window:decision".
func hear(e *Endpointer, drawing string) string {
	var said []string
	window := 0
	for _, sign := range drawing {
		var d Decision
		switch sign {
		case '#':
			d = e.Window(0.95, true)
		case '~':
			d = e.Window(0.42, true)
		case 's':
			d = e.Window(0.02, true)
		case '-':
			d = e.Window(0.02, false)
		case 'E':
			e.Eager(true)
		case 'S':
			d = e.Words(Settled)
		case 'C':
			d = e.Words(Complete)
		case 'N':
			d = e.Words(Neutral)
		case 'O':
			d = e.Words(Open)
		}
		if strings.ContainsRune("#~s-", sign) {
			window++
		}
		if d != Nothing {
			said = append(said, fmt.Sprintf("%d:%s", window, names[d]))
		}
	}
	return strings.Join(said, " ")
}

var names = map[Decision]string{Began: "began", Paused: "paused", Resumed: "resumed", Ended: "ended", EndedLong: "cut"}

func windows(s string, d time.Duration) string { return strings.Repeat(s, int(d/windowDuration)) }

func TestTheEndOfATurnDependsOnItsWords(t *testing.T) {
	silence := strings.Repeat("-", 50)
	for _, c := range []struct {
		name    string
		expect  Expect
		drawing string
		want    string
	}{
		{"a full sentence ends after 450 ms", ExpectAny, "##########------C" + silence, "4:began 16:paused 24:ended"},
		{"an unfinished one after 800 ms", ExpectAny, "##########------O" + silence, "4:began 16:paused 35:ended"},
		{"one that may be finished in between", ExpectAny, "##########------N" + silence, "4:began 16:paused 26:ended"},
		{"words that are not known yet are waited for", ExpectAny, "##########" + silence, "4:began 16:paused 35:ended"},
		{"words that come late end it at once", ExpectAny, "##########------" + "------------" + "C" + silence, "4:began 16:paused 28:ended"},
		{"a yes needs little", ExpectYesNo, "######------C" + silence, "4:began 12:paused 17:ended"},
		{"a dictated number gets time", ExpectDigits, "######------N" + silence, "4:began 12:paused 31:ended"},
		{"and more in the middle", ExpectDigits, "######------O" + silence, "4:began 12:paused 43:ended"},
		{"who goes on has not ended", ExpectAny, "######-------C##########------C" + silence, "4:began 12:paused 14:resumed 29:paused 37:ended"},
		{"words of a pause do not end what was resumed", ExpectAny, "######------#-C---", "4:began 12:paused 13:resumed"},
		{"between the thresholds a voice goes on", ExpectAny, "####~~~~~~------C" + silence, "4:began 16:paused 24:ended"},
		{"and silence stays silence", ExpectAny, "~~~~~~~~~~~~~~~", ""},
		{"a click is nothing", ExpectAny, "--#----------##------------###-----------", ""},
		{"a stuttered beginning counts together", ExpectAny, "#--##--#", "8:began"},
		{"one that leaves nothing to wait for ends at once", ExpectAny, "##########------S" + silence, "4:began 16:paused 17:ended"},
		{"a number that is whole, after a moment", ExpectDigits, "######------S" + silence, "4:began 12:paused 16:ended"},
		{"with time to spare, short pauses are used too", ExpectAny, "E##########---S" + silence, "4:began 13:paused 17:ended"},
		{"a final s belongs to the word", ExpectAny, "##########ss------C" + silence, "4:began 18:paused 26:ended"},
		{"noise after it does not", ExpectAny, "##########sssssssss------C" + silence, "4:began 19:paused 27:ended"},
		{"two turns", ExpectAny, "######------C" + silence[:20] + "######------C" + silence, "4:began 12:paused 20:ended 36:began 44:paused 52:ended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := new(Endpointer)
			e.Expect(c.expect)
			if got := hear(e, c.drawing); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestATurnWithoutEndIsCutAndTheNextBegins(t *testing.T) {
	got := hear(new(Endpointer), windows("#", 21*time.Second))
	if want := "4:began 625:cut 629:began"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhateverIsHeardEveryBeginningHasOneEnd(t *testing.T) {
	check := func(signs []byte) bool {
		var b strings.Builder
		for _, s := range signs {
			run := string("##-~CNO"[s%7])
			b.WriteString(strings.Repeat(run, 1+int(s/7)%12))
		}
		b.WriteString(strings.Repeat("-", 60))
		open := 0
		for _, d := range strings.Fields(hear(new(Endpointer), b.String())) {
			switch _, what, _ := strings.Cut(d, ":"); what {
			case "began":
				open++
			case "ended", "cut":
				open--
			case "paused", "resumed":
				if open != 1 {
					return false
				}
			}
			if open < 0 || open > 1 {
				return false
			}
		}
		return open == 0
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
}

func TestCompletenessOfWords(t *testing.T) {
	for _, c := range []struct {
		text   string
		expect Expect
		want   Completeness
	}{
		{"", ExpectAny, Unknown},
		{"...", ExpectAny, Unknown},
		{"Where is my parcel?", ExpectAny, Complete},
		{"I would like to speak to a person.", ExpectAny, Complete},
		{"I want to know where my", ExpectAny, Open},
		{"I want to know where my.", ExpectAny, Open},
		{"My parcel is late and", ExpectAny, Open},
		{"Well,", ExpectAny, Open},
		{"It is, um...", ExpectAny, Open},
		{"What is it for?", ExpectAny, Complete},
		{"Where is my parcel", ExpectAny, Neutral},
		{"Parcel.", ExpectAny, Neutral},
		{"Hello?", ExpectAny, Complete},
		{"Yes.", ExpectAny, Complete},
		{"Yes", ExpectYesNo, Complete},
		{"Yes, please", ExpectYesNo, Complete},
		{"No,", ExpectYesNo, Open},
		{"That is not right", ExpectYesNo, Neutral},
		{"My order number is", ExpectDigits, Open},
		{"45", ExpectDigits, Open},
		{"Four five.", ExpectDigits, Open},
		{"4512.", ExpectDigits, Neutral},
		{"4 5 1 2", ExpectDigits, Neutral},
		{"I don't have it.", ExpectDigits, Complete},
	} {
		if got := CompletenessOf(c.text, c.expect); got != c.want {
			t.Errorf("CompletenessOf(%q, %s) = %d, want %d", c.text, c.expect, got, c.want)
		}
	}
}
