package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"ivr/dialog"
	"ivr/speech/models"
)

const courierBot = "../../examples/courier/courier.yaml"

// courier is the demo's bot, by sentence embeddings or by words alone.
func courier(t *testing.T, embeddings bool) *dialog.Bot {
	t.Helper()
	var options []dialog.Option
	if embeddings {
		if _, err := models.Open(""); err != nil {
			t.Skip(err)
		}
		u := newUnderstanding(t.Context(), t.Output(), func(err error) { t.Fatal(err) })
		t.Cleanup(u.close)
		options = append(options, dialog.WithTrainer(u.train))
	}
	bot, err := dialog.Load(courierBot, options...)
	if err != nil {
		t.Fatal(err)
	}
	return bot
}

// tally counts how sentences were taken at the open question of a call. Class "-" is out of scope.
type tally struct{ in, right, asked, wrong, out, rejected, askedOut int }

func (n *tally) take(t *testing.T, bot *dialog.Bot, want, sentence string) {
	got, asked := taken(bot, sentence)
	switch {
	case want == "-":
		n.out++
		switch {
		case got == "-":
			n.rejected++
		case asked:
			n.askedOut++
		default:
			t.Logf("answered out of scope: %q as %s", sentence, got)
		}
	default:
		n.in++
		switch {
		case got == want:
			n.right++
			if asked {
				n.asked++
			}
		case got != "-" && !asked:
			n.wrong++
			t.Logf("wrong: %s: %q as %s", want, sentence, got)
		default:
			t.Logf("not understood: %s: %q as %s %+v", want, sentence, got, bot.Understand(sentence))
		}
	}
}

// courierSubjects are the names of the bot's sensitive subjects by their labels.
var courierSubjects = map[string]string{"a bereavement": "bereavement", "police or legal action": "legal", "an injury": "injury", "data protection": "privacy"}

// taken says which class a first sentence led to, and whether the bot only asked about it.
func taken(bot *dialog.Bot, sentence string) (class string, asked bool) {
	s, now := bot.Start(), time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	s.Step(dialog.Begin{Now: now})
	actions := s.Step(dialog.Heard{Text: sentence, Now: now})
	turn := actions[0].(dialog.Note).Turn
	switch last := actions[len(actions)-1].(type) {
	case dialog.HandOver:
		switch last.Reason {
		case dialog.ReasonAsked:
			return "ivr_person", false
		case dialog.ReasonSensitive:
			label, _, _ := strings.Cut(last.Detail, ":")
			return "ivr_sensitive_" + courierSubjects[label], false
		case dialog.ReasonAnger:
			return "complaint", false
		}
	case dialog.Listen:
		if turn.Outcome == "intent" && last.Expect == dialog.ExpectYesNo {
			return bot.Understand(sentence).Intent, true
		}
	}
	switch {
	case turn.Outcome == "unmatched" || turn.Outcome == "repair" && turn.Intent == "":
		if said := strings.ToLower(sentence); strings.Contains(said, "thank") || strings.Contains(said, "cheers") {
			return "thanks", false
		}
		return "-", false
	}
	return turn.Intent, false
}

func ratio(n, of int) float64 { return float64(n) / float64(max(of, 1)) }

func (n *tally) report(t *testing.T, what string) {
	t.Logf("%s: %d in scope: right %.3f (of them asked first %.3f), wrong %.3f; %d out of scope: rejected %.3f, asked about %.3f", what,
		n.in, ratio(n.right, n.in), ratio(n.asked, n.in), ratio(n.wrong, n.in), n.out, ratio(n.rejected, n.out), ratio(n.askedOut, n.out))
}

// heldSentences are sentences that were written after the bot's examples, with what they ask for.
func heldSentences(t *testing.T) (lines [][2]string) {
	t.Helper()
	data, err := os.ReadFile("../../dialog/testdata/understanding.held.txt")
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

func TestEmbeddingsUnderstandTheCourierBotsCallersBetterThanWordsAlone(t *testing.T) {
	tallies := map[bool]*tally{}
	for _, embeddings := range []bool{false, true} {
		n := &tally{}
		bot := courier(t, embeddings)
		for _, line := range heldSentences(t) {
			n.take(t, bot, line[0], line[1])
		}
		n.report(t, map[bool]string{false: "words alone", true: "embeddings"}[embeddings])
		tallies[embeddings] = n
	}
	words, embedded := tallies[false], tallies[true]
	if embedded.right < words.right || embedded.wrong > words.wrong || embedded.rejected < words.rejected {
		t.Errorf("embeddings %+v, words alone %+v", *embedded, *words)
	}
}

func TestTheCourierBotRejectsSentencesOfStrangers(t *testing.T) {
	data, err := os.ReadFile("../../../shared/data/intent_clinc150/data_oos_plus.json")
	if err != nil {
		t.Skip("no CLINC150 beside the repository")
	}
	var sets map[string][][2]string
	if err := json.Unmarshal(data, &sets); err != nil {
		t.Fatal(err)
	}
	for _, embeddings := range []bool{false, true} {
		bot, n := courier(t, embeddings), tally{}
		for _, name := range []string{"test", "val", "train", "oos_test"} {
			for _, pair := range sets[name] {
				switch pair[1] {
				case "oos":
					n.take(t, bot, "-", pair[0])
				case "order_status":
					n.take(t, bot, "track", pair[0])
				}
			}
		}
		n.report(t, map[bool]string{false: "words alone", true: "embeddings"}[embeddings])
		if ratio(n.rejected, n.out) < 0.9 || ratio(n.wrong, n.in) > 0.07 {
			t.Error("want rejected 0.9, wrong 0.07")
		}
	}
}
