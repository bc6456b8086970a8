package dialog

import (
	"encoding/json"
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

// The examples and the thesaurus grew with the tune set in sight; the held set was written and measured after that. Its
// floors are what the built-in classifier reached, a little below: right 0.87, wrong 0.04, rejected 0.92.
func TestTheCourierBotUnderstandsWordingsThatAreNoExamples(t *testing.T) {
	bot := load(t, courier)
	for set, floor := range map[string]struct{ right, wrong, rejected float64 }{"tune": {0.93, 0.02, 0.88}, "held": {0.85, 0.05, 0.88}} {
		t.Run(set, func(t *testing.T) {
			var n tally
			n.take(t, bot, labelled(t, "testdata/understanding."+set+".txt"))
			n.report(t)
			if share(n.right, n.in) < floor.right || share(n.wrong, n.in) > floor.wrong || share(n.rejected, n.out) < floor.rejected {
				t.Errorf("want %+v", floor)
			}
		})
	}
}

func (n *tally) report(t *testing.T) {
	t.Logf("%d in scope: right %.3f (of them asked first %.3f), wrong %.3f; %d out of scope: rejected %.3f, asked about %.3f, answered %.3f",
		n.in, share(n.right, n.in), share(n.asked, n.in), share(n.wrong, n.in),
		n.out, share(n.rejected, n.out), share(n.askedOut, n.out), share(n.answered, n.out))
}

// CLINC150 knows nothing of this bot: its sentences about an order's whereabouts are in scope, its out-of-scope ones are not.
func TestTheCourierBotUnderstandsAndRejectsSentencesOfStrangers(t *testing.T) {
	data, err := os.ReadFile("../../shared/data/intent_clinc150/data_oos_plus.json")
	if err != nil {
		t.Skip("no CLINC150 beside the repository")
	}
	var sets map[string][][2]string
	if err := json.Unmarshal(data, &sets); err != nil {
		t.Fatal(err)
	}
	var lines [][2]string
	for _, name := range []string{"test", "val", "train", "oos_test"} {
		for _, pair := range sets[name] {
			switch pair[1] {
			case "oos":
				lines = append(lines, [2]string{"-", pair[0]})
			case "order_status":
				lines = append(lines, [2]string{"track", pair[0]})
			}
		}
	}
	var n tally
	n.take(t, load(t, courier), lines)
	n.report(t)
	if share(n.right, n.in) < 0.8 || share(n.wrong, n.in) > 0.07 || share(n.rejected, n.out) < 0.9 { // reached: 0.85, 0.053, 0.917
		t.Error("want right 0.8, wrong 0.07, rejected 0.9")
	}
}
