package dialog

import (
	"slices"
	"strings"
)

// readBack asks whether a slot's value was heard right.
type readBack struct{ slot, at, value string }

func (q *readBack) where() string          { return q.at }
func (q *readBack) expect(*Session) Expect { return ExpectYesNo }

func (q *readBack) ask(s *Session) {
	value := q.value
	if format := formats[s.bot.format(q.slot)]; format != nil {
		value = format(value, s.now)
	}
	s.prompt("read_back", "value", sentenceCase(value))
}

func sentenceCase(words string) string {
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

func (q *readBack) offerKeys(s *Session) { q.ask(s); s.prompt("yes_no_keys") }

// heard takes yes, no, and the value once more or corrected: "no, four five one three".
func (q *readBack) heard(s *Session, said string) bool {
	a, rest := heardYesNo(said)
	got := s.bot.hear(q.slot, orDefault(rest, said), s.now)
	if s.bot.file.Slots[q.slot].Type == "yes-no" {
		got = hearing{}
	}
	switch {
	case got.value != "" && got.value != q.value:
		s.turn.Outcome = "slot"
		s.values[q.slot] = got.value
		s.refused++
		if s.refused >= 3 {
			s.giveUp("could not agree on " + q.at)
			return true
		}
		s.put(&readBack{slot: q.slot, at: q.at, value: got.value})
	case a == yes || got.value == q.value && a == unclear:
		q.yes(s)
	case a == no:
		q.no(s)
	default:
		return false
	}
	return true
}

func (q *readBack) yes(s *Session) {
	s.turn.Outcome = "yes"
	s.proven[q.slot] = true
	s.run()
}

// no asks for the value again; the third time a person does.
func (q *readBack) no(s *Session) {
	s.turn.Outcome = "no"
	s.refused++
	s.fruitless++
	if s.refused >= 3 {
		s.giveUp("could not agree on " + q.at)
		return
	}
	s.forget(q.slot)
	s.prompt("once_more")
	refused := s.refused
	s.question, s.misses, s.silences = &slotQuestion{slot: q.slot, at: q.at}, 0, 0
	if refused == 2 {
		s.question.ask(s)
		s.question.offerKeys(s)
		s.listen(0)
		return
	}
	s.ask()
}

func (q *readBack) keyed(s *Session, key rune)     { s.keyedYesNo(key, q.yes, q.no) }
func (q *readBack) ended(s *Session, _ string)     { s.ask() }
func (q *readBack) failed(s *Session, said string) { s.failedAnswer(said, "no_yes_no") }

// corrected takes a value that corrects an earlier answer of the same flow: "sorry, the number was four five one three".
func (s *Session) corrected(said string) bool {
	if len(s.stack) == 0 || !slices.ContainsFunc(tokens(said), func(w string) bool { return takesBack[w] }) {
		return false
	}
	for _, name := range s.asked {
		if got := s.bot.hear(name, said, s.now); got.value != "" && s.bot.file.Slots[name].Type != "text" && got.value != s.values[name] {
			s.turn.Outcome = "slot"
			s.values[name] = got.value
			delete(s.proven, name)
			s.refused++
			s.enter(s.flow)
			s.run()
			return true
		}
	}
	return false
}
