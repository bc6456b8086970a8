package dialog

import (
	"fmt"
	"strings"
)

// question is what the caller is to answer; it does not change. Its methods end in one waiting action, but ask and offerKeys only speak.
type question interface {
	where() string // in the flow: "tracking.parcel"
	expect(*Session) Expect
	ask(*Session)       // says the question
	offerKeys(*Session) // says how keys answer it
	heard(s *Session, said string) bool
	keyed(s *Session, key rune)
	ended(s *Session, keys string) // no key came after these
	failed(s *Session, said string)
}

// openQuestion is "how can I help you", or "anything else".
type openQuestion struct{ more bool }

func (q *openQuestion) where() string {
	if q.more {
		return "anything else"
	}
	return "open"
}
func (q *openQuestion) expect(*Session) Expect { return ExpectAny }

func (q *openQuestion) ask(s *Session) {
	if q.more {
		s.prompt("anything_else")
		return
	}
	s.prompt("how_can_i_help")
}

func (q *openQuestion) offerKeys(s *Session) { s.prompt("can_do") }

// mostAfterNo is how many words that mean nothing to the bot a "no" to "anything else" may carry: "no, cheers for that".
const mostAfterNo = 3

// heard takes yes and no to "anything else"; "no, four five one three" and "what about four five one three" are the last
// flow once more.
func (q *openQuestion) heard(s *Session, said string) bool {
	if !q.more {
		return false
	}
	a, rest := heardYesNo(said)
	switch {
	case rest != "" && len(tokens(said)) <= 9 && s.again(said):
		return true
	case a == no && (rest == "" || len(tokens(rest)) <= mostAfterNo && s.bot.strange(rest)):
		s.turn.Outcome = "no"
		s.goodbye("done")
		return true
	case a == yes && rest == "":
		s.turn.Outcome = "yes"
		s.fruitless++
		s.prompt("what_else")
		s.wait(&openQuestion{})
		return true
	}
	return false
}

// again runs the last flow with a value that the caller corrects or adds.
func (s *Session) again(said string) bool {
	if s.flow == "" || s.bot.understand(said).sure || !s.fillFrom(s.flow, said) {
		return false
	}
	s.turn.Outcome = "slot"
	s.enter(s.flow)
	s.run()
	return true
}

func (q *openQuestion) keyed(s *Session, key rune) { s.uselessKey() }
func (q *openQuestion) ended(s *Session, _ string) { s.ask() }

// failed is the ladder of requests: the first is helped, the next goes to a person.
func (q *openQuestion) failed(s *Session, said string) {
	s.unmatched++
	s.requests = append(s.requests, said)
	rule := &s.bot.file.HandOver.Unmatched
	if s.unmatched >= rule.After || len(s.requests) >= mostUnmatched {
		s.handOver(ReasonUnmatched, &rule.handOverRule, "not understood: "+quoted(s.requests))
		return
	}
	s.prompt("no_match")
	s.prompt("can_do")
	s.listen(0)
}

func quoted(said []string) string {
	var out []string
	for _, one := range said {
		if one == "" {
			one = "(no words)"
		}
		out = append(out, `"`+one+`"`)
	}
	return strings.Join(out, ", ")
}

// uselessKey answers a key that means nothing to the question.
func (s *Session) uselessKey() {
	s.turn.Outcome = "unmatched"
	s.fruitless++
	s.misses++
	s.temper.hammered++
	if s.misses >= 3 {
		s.giveUp("pressed keys that mean nothing")
		return
	}
	s.prompt("unknown_key")
	s.ask()
}

// failedAnswer is the ladder of questions inside a flow: ask again, offer keys, then a person.
func (s *Session) failedAnswer(said, prompt string, values ...string) {
	s.misses++
	switch {
	case s.misses >= 3:
		s.giveUp("no answer to " + s.question.where() + ": " + quoted([]string{said}))
	case s.misses == 2:
		s.prompt(prompt, values...)
		s.question.offerKeys(s)
		s.listen(0)
	default:
		s.prompt(prompt, values...)
		s.ask()
	}
}

// yesNoKey maps the keys of a yes-no question.
func yesNoKey(key rune) answer {
	switch key {
	case '1':
		return yes
	case '2':
		return no
	}
	return unclear
}

// keyedYesNo answers a yes-no question by its key.
func (s *Session) keyedYesNo(key rune, onYes, onNo func(*Session)) {
	switch yesNoKey(key) {
	case yes:
		onYes(s)
	case no:
		onNo(s)
	default:
		s.uselessKey()
	}
}

// meantQuestion asks whether a class that was not quite sure is what the caller meant.
type meantQuestion struct {
	class, said string
	score       float64
}

func (q *meantQuestion) where() string { return "meant " + strings.TrimPrefix(q.class, "ivr_") }

func (q *meantQuestion) expect(*Session) Expect { return ExpectYesNo }
func (q *meantQuestion) ask(s *Session) {
	in := s.bot.file.Intents[q.class]
	switch {
	case in == nil:
		s.prompt("meant_person")
	case len(in.Meant) > 0:
		s.say(in.Meant)
	default:
		s.prompt("meant", "label", in.Label)
	}
}
func (q *meantQuestion) offerKeys(s *Session) { q.ask(s); s.prompt("yes_no_keys") }

func (q *meantQuestion) heard(s *Session, said string) bool {
	a, rest := heardYesNo(said)
	if a == unclear || a == no && rest != "" && s.bot.understand(said).sure {
		return false
	}
	q.answer(s, a)
	return true
}

func (q *meantQuestion) answer(s *Session, a answer) {
	if a == yes && s.bot.file.Intents[q.class] == nil {
		s.turn.Outcome = "yes"
		if subject, ok := strings.CutPrefix(q.class, sensitivePrefix); ok {
			s.sensitive(subject, q.said)
			return
		}
		s.handOver(ReasonAsked, &s.bot.file.HandOver.Asked, fmt.Sprintf("said %q", q.said))
		return
	}
	if a == yes {
		s.turn.Outcome, s.turn.Intent, s.turn.Score = "yes", q.class, q.score
		s.serve(q.class, q.said)
		return
	}
	s.turn.Outcome = "no"
	s.fruitless++
	s.question = &openQuestion{}
	s.question.failed(s, q.said)
}

func (q *meantQuestion) keyed(s *Session, key rune) {
	if a := yesNoKey(key); a != unclear {
		q.answer(s, a)
		return
	}
	s.uselessKey()
}
func (q *meantQuestion) ended(s *Session, _ string)     { s.ask() }
func (q *meantQuestion) failed(s *Session, said string) { s.failedAnswer(said, "no_yes_no") }

// confirmation waits for a yes to a confirm step.
type confirmation struct{ step *step }

func (q *confirmation) where() string          { return q.step.at }
func (q *confirmation) expect(*Session) Expect { return ExpectYesNo }
func (q *confirmation) ask(s *Session)         { s.say(q.step.Confirm.Say) }
func (q *confirmation) offerKeys(s *Session)   { q.ask(s); s.prompt("yes_no_keys") }

// heard takes yes, no, and a correction: "no, Thursday" or the new value alone.
func (q *confirmation) heard(s *Session, said string) bool {
	a, _ := heardYesNo(said)
	for _, name := range q.slots(s) {
		if got := s.bot.hear(name, said, s.now); got.value != "" && got.value != s.values[name] {
			s.turn.Outcome = "slot"
			s.refused++
			s.values[name] = got.value
			s.proven[name] = true // it is part of what is asked next
			q.reask(s)
			return true
		} else if got.value != "" && a != no {
			a = yes // said once more, the same
		}
	}
	switch a {
	case yes:
		q.yes(s)
	case no:
		q.no(s)
	default:
		return false
	}
	return true
}

// slots are those named in the question: what a correction may change.
func (q *confirmation) slots(s *Session) []string {
	var names []string
	for _, wording := range q.step.Confirm.Say {
		for _, name := range s.bot.texts[wording].names() {
			if slot := s.bot.file.Slots[name]; slot != nil && slot.Type != "text" && slot.Type != "yes-no" {
				names = append(names, name)
			}
		}
	}
	return names
}

func (q *confirmation) reask(s *Session) {
	if s.refused >= 3 {
		s.giveUp("could not agree on " + q.where())
		return
	}
	s.put(q)
}

func (q *confirmation) yes(s *Session) {
	s.turn.Outcome, s.fruitless = "yes", 0
	s.run()
}

func (q *confirmation) no(s *Session) {
	s.turn.Outcome = "no"
	s.refused++
	s.fruitless++
	switch slots := q.slots(s); {
	case len(q.step.Confirm.No) > 0:
		s.push(q.step.Confirm.No)
		s.run()
	case s.refused >= 3:
		s.giveUp("could not agree on " + q.where())
	case len(slots) == 0:
		s.stack = nil
		s.prompt("cancelled")
		s.more()
	default:
		s.askAnew(slots, q.step)
	}
}

// askAnew forgets slots and asks for them and then for the step that follows them; what was proven stays if there is
// anything that was not.
func (s *Session) askAnew(slots []string, then *step) {
	var doubtful []string
	for _, name := range slots {
		if !s.proven[name] {
			doubtful = append(doubtful, name)
		}
	}
	if len(doubtful) == 0 {
		doubtful = slots
	}
	var steps []step
	for _, name := range doubtful {
		s.forget(name)
		steps = append(steps, step{Ask: name, at: s.flow + "." + name})
	}
	s.push(append(steps, *then))
	s.prompt("once_more")
	s.run()
}

func (q *confirmation) keyed(s *Session, key rune)     { s.keyedYesNo(key, q.yes, q.no) }
func (q *confirmation) ended(s *Session, _ string)     { s.ask() }
func (q *confirmation) failed(s *Session, said string) { s.failedAnswer(said, "no_yes_no") }

// menuQuestion waits for one of a menu step's options.
type menuQuestion struct{ step *step }

func (q *menuQuestion) where() string          { return q.step.at }
func (q *menuQuestion) expect(*Session) Expect { return ExpectAny }
func (q *menuQuestion) ask(s *Session)         { s.say(q.step.Menu.Say) }
func (q *menuQuestion) offerKeys(s *Session)   { q.ask(s) }

func (q *menuQuestion) heard(s *Session, said string) bool {
	words := map[string][]string{}
	for key, option := range q.step.Menu.Options {
		words[key] = append(keyWords(key), option.Words...)
	}
	key := heardChoice(said, words)
	if key == "" {
		return false
	}
	q.choose(s, key)
	return true
}

// keyWords are how callers name the option on a key.
func keyWords(key string) []string {
	n := int(key[0] - '0')
	return []string{numberInWords(n), ordinalInWords(n), ordinalInWords(n) + " one", "option " + numberInWords(n), "number " + numberInWords(n), key}
}

func (q *menuQuestion) choose(s *Session, key string) {
	s.turn.Outcome = "slot"
	s.push(q.step.Menu.Options[key].Do)
	s.run()
}

func (q *menuQuestion) keyed(s *Session, key rune) {
	if _, ok := q.step.Menu.Options[string(key)]; ok {
		q.choose(s, string(key))
		return
	}
	s.uselessKey()
}
func (q *menuQuestion) ended(s *Session, _ string)     { s.ask() }
func (q *menuQuestion) failed(s *Session, said string) { s.failedAnswer(said, "no_choice") }
