package dialog

import (
	"time"
)

// handOver gives the caller to a person: a sentence, then the hand-over with all that is known. When several have failed
// already, or nobody can be had, it is the offer of a message instead. rule may be nil.
func (s *Session) handOver(reason Reason, rule *handOverRule, detail string) {
	s.turn.Outcome = orDefault(s.turn.Outcome, "hand-over")
	s.keys, s.stack = "", nil
	if s.handovers >= mostHandovers {
		s.offerMessage("still_no_seat")
		return
	}
	general := &s.bot.file.HandOver
	var own handOverRule
	if rule != nil {
		own = *rule
	}
	sentence := own.Say
	if len(sentence) == 0 {
		sentence = s.bot.sentence(reason)
	}
	if words := s.words(sentence, nil); words != "" {
		s.saying = append(s.saying, words)
		s.out = append(s.out, Say{Text: words})
	}
	if s.temper.evidence != "" {
		detail += "; " + s.temper.evidence
	}
	s.state, s.question = seatWaiting, nil
	s.fetch, s.fetchID = nil, ""
	s.out = append(s.out, HandOver{Queue: orDefault(own.Queue, general.Queue), Reason: reason, Detail: detail,
		Intent: s.intentLabel(), Values: s.Values(), Tried: append([]string(nil), s.tried...), Mood: string(s.temper.worst(general.Anger.Threshold))})
}

// sentence is what a caller hears before a hand-over whose rule has no words of its own.
func (b *Bot) sentence(reason Reason) []string {
	if own := b.file.Wording[string(reason)]; len(own) > 0 {
		return own
	}
	if general := b.file.HandOver.Say; len(general) > 0 {
		return general
	}
	if own := defaultWording[string(reason)]; len(own) > 0 {
		return own
	}
	return b.wording("hand_over")
}

func (s *Session) intentLabel() string {
	if in := s.bot.file.Intents[s.intent]; in != nil {
		return in.Label
	}
	return ""
}

// giveUp hands over what the bot could not understand.
func (s *Session) giveUp(detail string) {
	s.turn.Outcome = orDefault(s.turn.Outcome, "unmatched")
	s.handOver(ReasonUnmatched, &s.bot.file.HandOver.Unmatched.handOverRule, detail)
}

// handoverEnded has the caller back without a seat. It may come unasked: a conductor whose own part fails seeks a seat by itself.
func (s *Session) handoverEnded() {
	s.handovers++
	s.unmatched = 0
	s.note("waited for a person, nobody was free")
	s.offerMessage("no_seat")
}

// offerMessage lets the caller choose between a message and the bot. Who has chosen neither for long gets the tone.
func (s *Session) offerMessage(prompt string) {
	s.prompt(prompt)
	if s.fruitless > mostFruitless {
		s.takeMessage(nil)
		return
	}
	s.put(&seatOffer{})
}

// seatOffer is the choice when nobody is free.
type seatOffer struct{}

var seatChoices = map[string][]string{
	"message": {"message", "leave a message", "leave message", "voicemail", "the message", "record", "one", "the first", "call me back", "yes"},
	"go on": {"go on", "carry on", "continue", "back", "two", "the second", "the bot", "with you", "keep going", "try again", "proceed",
		"no message", "not a message", "do not leave a message"},
}

func (q *seatOffer) where() string          { return "no seat" }
func (q *seatOffer) expect(*Session) Expect { return ExpectAny }
func (q *seatOffer) ask(s *Session)         { s.prompt("no_seat_offer") }
func (q *seatOffer) offerKeys(s *Session)   { s.prompt("no_seat_offer") }

func (q *seatOffer) heard(s *Session, said string) bool {
	switch a, rest := heardYesNo(said); {
	case heardChoice(said, seatChoices) != "":
		q.choose(s, heardChoice(said, seatChoices))
	case a == no && rest == "":
		s.turn.Outcome = "no"
		s.goodbye("done")
	default:
		return false
	}
	return true
}

func (q *seatOffer) choose(s *Session, choice string) {
	s.turn.Outcome = "slot"
	if choice == "message" {
		s.takeMessage(nil)
		return
	}
	s.fruitless++
	s.prompt("go_on_with_me")
	s.wait(&openQuestion{})
}

func (q *seatOffer) keyed(s *Session, key rune) {
	switch key {
	case '1':
		q.choose(s, "message")
	case '2':
		q.choose(s, "go on")
	default:
		s.uselessKey()
	}
}
func (q *seatOffer) ended(s *Session, _ string) { s.ask() }

// failed asks once more; then the caller gets the tone, since a person cannot be had.
func (q *seatOffer) failed(s *Session, said string) {
	s.misses++
	if s.misses >= 2 {
		s.takeMessage(nil)
		return
	}
	s.prompt("no_match")
	s.ask()
}

func (s *Session) takeMessage(wordings []string) {
	if len(wordings) == 0 {
		wordings = s.bot.wording("message")
	}
	s.say(wordings)
	s.state, s.question, s.stack = messageWaiting, nil, nil
	s.messages++
	s.out = append(s.out, TakeMessage{MaxLength: s.bot.file.Timeouts.Message})
}

// messageLeft thanks; a message without words may be tried once more.
func (s *Session) messageLeft(event MessageLeft) {
	if s.state != messageWaiting {
		return
	}
	if event.Duration < time.Second && s.messages < 2 {
		s.takeMessage(s.bot.wording("message_empty"))
		return
	}
	if event.Duration < time.Second {
		s.goodbye("done")
		return
	}
	s.prompt("message_left")
	s.goodbye("message left")
}
