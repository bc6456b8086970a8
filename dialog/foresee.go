package dialog

import (
	"maps"
	"slices"
)

// Outlook is what words that may not be all would lead to.
type Outlook int

const (
	Missing Outlook = iota // nothing, or a part of what was asked for
	Asking                 // a question that the caller may be about to answer, or a goodbye
	Enough                 // an answer or an action: there is nothing to wait for
)

// Foresee returns a judge of words that may not be all the caller has to say. It is about the session as it is now and may be asked
// from any goroutine.
func (s *Session) Foresee() func(said string) Outlook {
	now := s.clone()
	return func(said string) Outlook {
		then := now.clone()
		then.Step(Heard{Text: said, Now: now.now})
		return then.outlook(now, said)
	}
}

// outlook judges the step that led here from before.
func (s *Session) outlook(before *Session, said string) Outlook {
	if len(s.out) == 0 {
		return Missing
	}
	switch last := s.out[len(s.out)-1].(type) {
	case Fetch, TakeMessage:
		return Enough
	case HandOver:
		if last.Reason == ReasonAsked {
			return Enough
		}
		return Asking // let them finish
	case Listen:
		return s.leadsTo(before, said)
	}
	return Asking
}

// leadsTo judges a step that ended in a question.
func (s *Session) leadsTo(before *Session, said string) Outlook {
	_, asks := s.question.(*slotQuestion)
	open, isOpen := s.question.(*openQuestion)
	_, unsure := s.question.(*meantQuestion)
	same := s.question == before.question
	switch s.turn.Outcome {
	case "intent":
		if asks || unsure || isOpen && !open.more && !s.bot.smallTalk(s.turn.Intent) {
			return Asking
		}
		return Enough
	case "slot", "no":
		if same { // the first digits of a number
			return Missing
		}
		return Enough
	case "yes":
		if isOpen { // to "anything else": what it is comes next
			return Missing
		}
		return Enough
	case "repair":
		return Asking
	}
	if q, ok := before.question.(*slotQuestion); ok && q.isAnswered(s, said) {
		return Asking
	}
	return Missing
}

// isAnswered says whether words answer a question although they do not fill its slot: the day does not suit, the number is not at hand.
func (q *slotQuestion) isAnswered(s *Session, said string) bool {
	return heardCommand(said) == cmdUnknown || q.of(s).Type != "digits" && s.bot.hear(q.slot, said, s.now).problem != ""
}

// clone shares nothing with s that a Step changes. Questions and steps do not change.
func (s *Session) clone() *Session {
	c := *s
	c.values, c.proven, c.used = maps.Clone(s.values), maps.Clone(s.proven), maps.Clone(s.used)
	c.stack, c.asked, c.tried = slices.Clone(s.stack), slices.Clone(s.asked), slices.Clone(s.tried)
	c.said, c.requests = slices.Clone(s.said), slices.Clone(s.requests)
	c.out, c.saying, c.visited = nil, nil, nil
	return &c
}
