package dialog

import (
	"maps"
	"slices"
)

// Foresee returns a judge of words that may not be all the caller has to say: whether they leave nothing to wait for, because the
// bot knows what to do with them. It is about the session as it is now and may be asked from any goroutine.
func (s *Session) Foresee() func(said string) bool {
	now := s.clone()
	return func(said string) bool {
		then := now.clone()
		then.Step(Heard{Text: said, Now: now.now})
		return then.leadsOn(now)
	}
}

// leadsOn says whether a step brought the talk on from before, and asks for nothing that the caller may be about to add.
func (s *Session) leadsOn(before *Session) bool {
	if len(s.out) == 0 {
		return false
	}
	switch last := s.out[len(s.out)-1].(type) {
	case Fetch, TakeMessage:
		return true
	case HandOver:
		return last.Reason == ReasonAsked
	case Listen:
		if s.question == before.question {
			return false
		}
		_, asks := s.question.(*slotQuestion)
		open, isOpen := s.question.(*openQuestion)
		switch s.turn.Outcome {
		case "slot", "no":
			return true
		case "yes":
			return !isOpen
		case "intent":
			return !asks && (!isOpen || open.more || s.bot.smallTalk(s.turn.Intent))
		}
	}
	return false // goodbye may wait for a second thought
}

// clone shares nothing with s that a Step changes. Questions and steps do not change.
func (s *Session) clone() *Session {
	c := *s
	c.values, c.proven, c.used = maps.Clone(s.values), maps.Clone(s.proven), maps.Clone(s.used)
	c.stack, c.asked, c.tried = slices.Clone(s.stack), slices.Clone(s.asked), slices.Clone(s.tried)
	c.said, c.requests = slices.Clone(s.said), slices.Clone(s.requests)
	c.out, c.saying = nil, nil
	return &c
}
