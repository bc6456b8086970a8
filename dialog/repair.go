package dialog

import "fmt"

// obey does what a caller may ask for at any moment. It says whether it took the utterance.
func (s *Session) obey(c command, said string) bool {
	if q, ok := s.question.(*slotQuestion); ok && q.of(s).Type == "text" && c != cmdPerson && c != cmdRepeat {
		return false
	}
	if s.question.expect(s) == ExpectYesNo && c != cmdPerson {
		if a, rest := heardYesNo(said); a != unclear && rest == "" {
			return false // "that's fine" agrees, elsewhere it says goodbye
		}
	}
	switch c {
	case cmdPerson:
		s.handOver(ReasonAsked, &s.bot.file.HandOver.Asked, fmt.Sprintf("said %q", said))
		return true
	case cmdGoodbye:
		s.turn.Outcome = "no"
		s.goodbye("done")
		return true
	case cmdThanks:
		s.turn.Outcome = "repair"
		s.fruitless++
		s.prompt("thanks")
		s.ask()
		return true
	case cmdUnknown:
		if _, asked := s.question.(*slotQuestion); !asked {
			return false
		}
		s.miss(said)
		return true
	case "":
		return false
	}
	if !s.repairs(c) {
		return false
	}
	s.turn.Outcome = "repair"
	s.fruitless++
	return true
}

func (s *Session) repairs(c command) bool {
	_, open := s.question.(*openQuestion)
	switch c {
	case cmdRepeat:
		s.repeat()
	case cmdWait:
		s.prompt("hold_on")
		s.listen(s.bot.file.Timeouts.Hold)
	case cmdHelp:
		s.help()
	case cmdHello:
		s.prompt("hello")
		if open {
			s.prompt("how_can_i_help")
			s.listen(0)
			return true
		}
		s.ask()
	case cmdStartOver:
		s.startOver()
	case cmdBack:
		s.goBack()
	case cmdCancel:
		if _, offer := s.question.(*seatOffer); offer {
			return false
		}
		if open {
			s.prompt("nothing_yet")
			s.prompt("how_can_i_help")
			s.wait(&openQuestion{})
			return true
		}
		s.prompt("cancelled")
		s.more()
	default:
		return false
	}
	return true
}

// repeat says the last sentences once more.
func (s *Session) repeat() {
	s.fruitless++
	for _, words := range s.said {
		s.saying = append(s.saying, words)
		s.out = append(s.out, Say{Text: words, Interruptible: true})
	}
	s.listen(0)
}

// help says how to answer, or what the bot can do.
func (s *Session) help() {
	q, asked := s.question.(*slotQuestion)
	if !asked {
		s.prompt("can_do")
		if _, open := s.question.(*openQuestion); !open {
			s.question.ask(s)
		}
		s.listen(0)
		return
	}
	slot := q.of(s)
	help := slot.Help
	if len(help) == 0 {
		help = slot.Ask
	}
	s.sayWith(help, map[string]string{"label": slot.Label})
	q.offerKeys(s)
	s.listen(0)
}

func (s *Session) startOver() {
	for name := range s.bot.file.Slots {
		s.forget(name)
	}
	s.stack, s.flow, s.asked, s.refused = nil, "", nil, 0
	s.prompt("start_over")
	s.prompt("how_can_i_help")
	s.wait(&openQuestion{})
}

// goBack asks the question before this one again, and then this one.
func (s *Session) goBack() {
	asked := s.asked
	if q, ok := s.question.(*slotQuestion); ok && len(asked) > 0 && asked[len(asked)-1] == q.slot {
		asked = asked[:len(asked)-1]
	}
	switch {
	case len(s.stack) == 0:
		s.prompt("nothing_yet")
		s.prompt("how_can_i_help")
		s.wait(&openQuestion{})
	case len(asked) == 0:
		s.startOver()
	default:
		s.stack[len(s.stack)-1].next--
		last := asked[len(asked)-1]
		s.asked = asked[:len(asked)-1]
		s.forget(last)
		s.push([]step{{Ask: last, at: s.flow + "." + last}})
		s.run()
	}
}

// miss is speech that nothing could be made of.
func (s *Session) miss(said string) {
	s.turn.Outcome = "unmatched"
	s.fruitless++
	s.question.failed(s, said)
}
