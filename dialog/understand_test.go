package dialog

import (
	"os"
	"strings"
	"testing"
	"time"
)

const courier = "../examples/courier/courier.yaml"

// labelled reads "class: sentence" lines; class "-" is out of scope.
func labelled(t *testing.T, path string) (lines [][2]string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if class, sentence, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			lines = append(lines, [2]string{class, sentence})
		}
	}
	return lines
}

// tally counts how sentences were taken at the open question of a call.
type tally struct{ in, right, asked, wrong, out, rejected, askedOut, answered int }

// take plays each sentence to a fresh call, since commands and sensitive words are part of understanding.
func (n *tally) take(t *testing.T, bot *Bot, lines [][2]string) {
	for _, line := range lines {
		want, sentence := line[0], line[1]
		got, asked := taken(bot, sentence)
		switch {
		case want == "-":
			n.out++
			switch {
			case got == "-":
				n.rejected++
			case asked:
				n.askedOut++
				t.Logf("asked about: %q as %s", sentence, got)
			default:
				n.answered++
				t.Logf("answered out of scope: %q as %s %+v", sentence, got, bot.Understand(sentence))
			}
		default:
			n.in++
			switch {
			case got == want && !asked:
				n.right++
			case got == want:
				n.right++
				n.asked++
			case got == "-" || asked:
				t.Logf("not understood: %s: %q as %s %+v", want, sentence, got, bot.Understand(sentence))
			default:
				n.wrong++
				t.Logf("wrong: %s: %q as %s %+v", want, sentence, got, bot.Understand(sentence))
			}
		}
	}
}

// taken says which class a first sentence led to, "-" for none, and whether the bot only asked about it.
func taken(bot *Bot, sentence string) (class string, asked bool) {
	s := bot.Start()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	s.Step(Begin{Now: now})
	actions := s.Step(Heard{Text: sentence, Now: now})
	turn := actions[0].(Note).Turn
	if h, ok := actions[len(actions)-1].(HandOver); ok {
		switch h.Reason {
		case ReasonAsked:
			return personClass, false
		case ReasonSensitive:
			label, _, _ := strings.Cut(h.Detail, ":")
			for name, rule := range bot.file.HandOver.Sensitive {
				if rule.Label == label {
					return sensitivePrefix + name, false
				}
			}
		case ReasonAnger:
			return "complaint", false
		}
	}
	switch {
	case turn.Outcome == "unmatched":
		return "-", false
	case turn.Outcome == "repair" && turn.Intent == "":
		return map[bool]string{true: "thanks", false: "-"}[strings.Contains(strings.ToLower(sentence), "thank") || strings.Contains(sentence, "cheers")], false
	}
	if q, meant := s.question.(*meantQuestion); meant {
		return q.class, true
	}
	return turn.Intent, false
}

func share(n, of int) float64 { return float64(n) / float64(max(of, 1)) }

func TestTheCourierBotUnderstandsWordingsThatAreNoExamples(t *testing.T) {
	bot, err := Load(courier)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"tune"} {
		t.Run(set, func(t *testing.T) {
			var n tally
			n.take(t, bot, labelled(t, "testdata/understanding."+set+".txt"))
			t.Logf("%+v: right %.3f (of them asked %.3f), wrong %.3f, out of scope rejected %.3f, asked %.3f, answered %.3f", n,
				share(n.right, n.in), share(n.asked, n.in), share(n.wrong, n.in), share(n.rejected, n.out), share(n.askedOut, n.out), share(n.answered, n.out))
			if share(n.right, n.in) < 0.9 || share(n.wrong, n.in) > 0.03 || share(n.rejected, n.out) < 0.85 {
				t.Error("below the aim: right 0.90, wrong 0.03, rejected 0.85")
			}
		})
	}
}
