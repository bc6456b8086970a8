package dialog

import (
	"fmt"
	"strings"
)

// Mood is how a caller is taken to be, a closed set.
type Mood string

const (
	Calm  Mood = "calm"
	Tense Mood = "tense" // the bot speaks otherwise, and offers a person
	Angry Mood = "angry" // a person is fetched
)

// How anger is carried from one utterance to the next, and when a mood changes. A mood is entered by more than it takes to stay in
// it, so that it does not flicker.
const (
	tenseFrom  = 0.6  // of the bot's threshold for anger
	tenseUntil = 0.3  // of it: below, for calmTurns in a row, the caller is calm again
	calmTurns  = 2    // utterances
	carryFrom  = 0.35 // anger of an utterance that adds to that of the one before
	carried    = 0.75 // of that
	fadesTo    = 0.5  // of what is carried, after a calm utterance
)

// What the course of the call says. It never makes anybody angry by itself: it makes more of what was heard.
const (
	courseMost     = 0.35
	courseHeard    = 0.12 // anger of an utterance below which the course counts for nothing
	perMisheard    = 0.12 // for each time in a row that the caller was not understood
	perRefused     = 0.15 // for each read-back that was wrong
	perInterrupted = 0.08 // for each interruption after the first
	perHammered    = 0.2  // for keys hit again and again that do nothing
	perReturned    = 0.15 // for each time the caller came back from a queue without a person
)

// temper follows how angry a caller is through the talk, by three witnesses: how it is said and what is said come with each
// utterance, how the call goes is known here.
type temper struct {
	anger       float64 // of the last utterance, with what it carries from those before
	highest     float64
	mood        Mood
	calm        int // utterances in a row
	interrupted int // times
	hammered    int
	evidence    string // of the last utterance that was not calm
}

// mishap is something in the course of a call that makes people angry.
type mishap struct {
	what   string
	times  int
	weight float64
}

// hear takes an utterance's anger and evidence, and says whether the mood has risen to tense with it.
func (t *temper) hear(anger float64, evidence []string, course []mishap, threshold float64) (nowTense bool) {
	heard := anger
	if anger >= courseHeard {
		worse := 0.0
		for _, m := range course {
			if m.times > 0 {
				worse += float64(m.times) * m.weight
				evidence = append(evidence, m.what)
			}
		}
		anger = 1 - (1-anger)*(1-min(worse, courseMost))
	}
	switch {
	case heard >= carryFrom:
		t.anger = 1 - (1-anger)*(1-carried*t.anger)
	default:
		t.anger = max(anger, fadesTo*t.anger)
	}
	t.highest = max(t.highest, t.anger)
	if t.anger >= tenseUntil*threshold {
		t.calm = 0
		t.evidence = strings.Join(evidence, ", ")
	} else {
		t.calm++
	}
	before := t.mood
	switch {
	case t.anger >= threshold:
		t.mood = Angry
	case t.anger >= tenseFrom*threshold:
		t.mood = Tense
	case t.calm >= calmTurns || t.mood == "":
		t.mood = Calm
	case t.mood == Angry:
		t.mood = Tense
	}
	return t.mood == Tense && before != Tense && before != Angry
}

// worst is the mood of the call at its highest anger, for the person who takes over.
func (t *temper) worst(threshold float64) Mood {
	switch {
	case t.highest >= threshold:
		return Angry
	case t.highest >= tenseFrom*threshold:
		return Tense
	}
	return Calm
}

// course is what has gone wrong for the caller so far.
func (s *Session) course() []mishap {
	return []mishap{
		{fmt.Sprintf("was not understood %s in a row", times(s.unmatched)), s.unmatched, perMisheard},
		{fmt.Sprintf("said no to a read-back %s", times(s.refused)), s.refused, perRefused},
		{fmt.Sprintf("interrupted %s", times(s.temper.interrupted)), s.temper.interrupted - 1, perInterrupted},
		{"hit keys that do nothing", s.temper.hammered, perHammered},
		{fmt.Sprintf("waited in vain for a person %s", times(s.handovers)), s.handovers, perReturned},
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// hears judges the mood of an utterance. It hands over when the caller is angry, and says so.
func (s *Session) hears(event Heard) (angry bool) {
	rule := &s.bot.file.HandOver.Anger
	words, own, found := angerInWords(event.Text, rule.Words)
	if event.Interrupted {
		s.temper.interrupted++
	}
	evidence := found
	if event.Evidence != "" { // it names the words as well
		evidence = []string{event.Evidence}
	}
	heard := min(max(event.Anger, 0), 1)
	anger := 1 - (1-max(heard, words))*(1-own)
	s.turnedTense = s.temper.hear(anger, evidence, s.course(), rule.Threshold)
	if s.temper.mood != Angry {
		return false
	}
	detail := fmt.Sprintf("said %q", event.Text)
	if words < rule.Threshold && own == 0 && event.Evidence == "" {
		detail += " with an angry voice"
	}
	s.handOver(ReasonAnger, &rule.handOverRule, detail)
	return true
}

// soothe offers a person to a caller who has just become tense, before what the bot says to the matter. Who gets one anyway
// hears nothing of it.
func (s *Session) soothe() {
	if !s.turnedTense || s.state != listening && s.state != fetching {
		return
	}
	words := s.words(s.bot.wording("tense"), nil)
	if words == "" {
		return
	}
	at := 0
	if _, isNote := first(s.out).(Note); isNote {
		at = 1
	}
	s.out = append(s.out[:at:at], append([]Action{Say{Text: words, Interruptible: true}}, s.out[at:]...)...)
}
