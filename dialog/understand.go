package dialog

import (
	"fmt"
	"strings"
)

// A Classifier judges what a sentence asks for. It is made once for a bot and safe for concurrent use.
type Classifier interface {
	// Classify returns what the sentence may mean, likeliest first. A score is the probability, 0 to 1, that the sentence
	// asks for that class and not for another or for nothing the bot knows.
	Classify(sentence string) []Candidate
	// Thresholds are the scores from which a bot should ask whether the first candidate is meant, and from which it should
	// act without asking.
	Thresholds() (ask, act float64)
}

// Candidate is one class a sentence may belong to.
type Candidate struct {
	Class string
	Score float64
}

// A Trainer makes a classifier from example sentences by class, [OutOfScope] among them. [WithTrainer] gives a bot another than the one
// built in, which knows words alone and serves where the trainer returns nil.
type Trainer func(examples map[string][]string) Classifier

// WithTrainer makes the bot understand by another kind of classifier, such as one of sentence embeddings.
func WithTrainer(t Trainer) Option { return func(b *Bot) { b.trainer = t } }

// Classes beside the bot's intents.
const (
	OutOfScope      = "ivr_out_of_scope" // no candidate: what asks for nothing the bot knows
	personClass     = "ivr_person"
	sensitivePrefix = "ivr_sensitive_"
)

// personExamples are wishes for a human that no pattern of [wantsPerson] has to know.
var personExamples = []string{"i want to speak to a person", "can i talk to someone please", "put me through to an operator", "get me a human being",
	"i would rather talk to a real person", "is there anybody there i can speak to", "connect me to customer service", "let me speak to your manager",
	"i need an agent", "i do not want to talk to a machine", "transfer me to an adviser", "can a human help me", "give me a representative",
	"somebody real please", "is there a person i could talk to", "i want to talk to one of your staff", "could you get one of your colleagues on the line", "may i have a word with an employee", "put your colleague on",
	"i want to hear a human voice", "is nobody there who can help me in person", "i need somebody to help me", "who can i speak to about this",
	"i would like to talk to the person in charge", "let me talk to somebody who understands me", "i need to talk this over with someone"}

// pauses are words that mean nothing wherever they stand.
var pauses = map[string]bool{"um": true, "uh": true, "er": true, "erm": true, "hi": true, "hello": true, "yeah": true, "well": true, "please": true,
	"just": true, "actually": true, "basically": true, "so": true, "okay": true, "ok": true, "oh": true, "hey": true, "really": true}

// carriers are polite ways into a request, the longest first; what is wanted comes after them.
var carriers = []string{"i was wondering if you could tell me", "could you please tell me", "can you please tell me", "i would just like to know",
	"i am calling because", "i am calling about", "i am phoning about", "i am ringing about", "i am calling to", "i would like to know", "i just want to know",
	"i want to know", "i need to know", "could you tell me", "can you tell me", "would you mind telling me", "i was wondering if", "i was wondering",
	"do you know", "have you any idea", "any idea", "i would like to", "i want to", "i need to", "i have got a question about", "i have a question about"}

// understanding is what the bot made of a sentence.
type understanding struct {
	class string
	score float64
	sure  bool // act on it
	maybe bool // ask whether it is meant
}

// learn trains the bot's classifier on its examples.
func (b *Bot) learn() {
	examples := b.Examples()
	if b.classifier = b.trainer(examples); b.classifier == nil {
		b.classifier = trainLexical(examples)
	}
}

// Examples are the sentences that the bot learns from, by class and in the bot's own words: those of its intents, of sensitive subjects,
// of the wish for a person, and under [OutOfScope] sentences that no bot has to understand.
func (b *Bot) Examples() map[string][]string {
	examples := map[string][]string{personClass: personExamples}
	for name, in := range b.file.Intents {
		examples[name] = in.Examples
	}
	for name, rule := range b.file.HandOver.Sensitive {
		if len(rule.Examples) > 0 {
			examples[sensitivePrefix+name] = rule.Examples
		}
	}
	same := map[string][]string{}
	for class, sentences := range examples {
		for _, sentence := range sentences {
			same[class] = append(same[class], b.canonical(sentence))
		}
	}
	for line := range strings.Lines(everyday) {
		if said := plain(line); said != "" {
			same[OutOfScope] = append(same[OutOfScope], said)
		}
	}
	return same
}

// canonical writes a sentence in the bot's own words: synonyms replaced, all weekdays by one word and numbers left out,
// since which number it is says nothing about what is wanted.
func (b *Bot) canonical(sentence string) string {
	said := plain(sentence)
	for _, phrase := range carriers {
		if hasPhrase(said, phrase) && said != phrase {
			said = without(said, phrase)
		}
	}
	for _, pair := range b.synonyms {
		if hasPhrase(said, pair[0]) {
			said = strings.Trim(strings.ReplaceAll(" "+said+" ", " "+pair[0]+" ", " "+pair[1]+" "), " ")
		}
	}
	words := strings.Fields(said)
	out := words[:0]
	for _, word := range words {
		_, weekday := weekdays[word]
		switch {
		case weekday:
			out = append(out, "someday")
		case pauses[word]:
		case !strong(word) || word == "one":
			out = append(out, word)
		}
	}
	return strings.Join(out, " ")
}

// understand says what a sentence asks for.
func (b *Bot) understand(sentence string) understanding {
	said := b.canonical(sentence)
	if said == "" {
		return understanding{}
	}
	candidates := b.classifier.Classify(said)
	if len(candidates) == 0 {
		return understanding{}
	}
	ask, act := b.classifier.Thresholds()
	best := candidates[0]
	return understanding{class: best.Class, score: best.Score, sure: best.Score >= act, maybe: best.Score >= ask && best.Score < act}
}

// smallTalk is an intent that is answered without any consequence.
func (b *Bot) smallTalk(class string) bool {
	in := b.file.Intents[class]
	return in != nil && in.Flow == "" && in.AskMore != nil && !*in.AskMore
}

// strange says that a sentence asks for nothing the bot knows.
func (b *Bot) strange(sentence string) bool {
	u := b.understand(sentence)
	return !u.sure && !u.maybe
}

// Understanding is how a bot took a sentence said to its open question, for those who tune its examples.
type Understanding struct {
	Intent string  // the likeliest, "" if none
	Score  float64 // 0 to 1
	Act    bool    // acted on; otherwise, if Ask, asked about, else not understood
	Ask    bool
}

// Understand judges a sentence alone, without a call.
func (b *Bot) Understand(sentence string) Understanding {
	u := b.understand(sentence)
	return Understanding{Intent: u.class, Score: u.score, Act: u.sure, Ask: u.maybe}
}

// wish follows a sentence that asks for something the bot knows, whatever was asked before.
func (s *Session) wish(said string) bool {
	u := s.bot.understand(said)
	if s.bot.file.Intents[u.class] != nil {
		s.turn.Intent, s.turn.Score = u.class, u.score
	}
	_, open := s.question.(*openQuestion)
	_, offer := s.question.(*seatOffer)
	switch {
	case u.sure && u.class == personClass:
		s.handOver(ReasonAsked, &s.bot.file.HandOver.Asked, fmt.Sprintf("said %q", said))
	case u.sure && strings.HasPrefix(u.class, sensitivePrefix):
		s.sensitive(strings.TrimPrefix(u.class, sensitivePrefix), said)
	case u.maybe && (open || offer) && s.bot.smallTalk(u.class):
		return s.follow(u.class, said) // to be wrong costs less than to ask
	case u.maybe && (open || offer):
		s.turn.Outcome = "intent"
		s.fruitless++
		s.put(&meantQuestion{class: u.class, said: said, score: u.score})
	case u.sure:
		return s.follow(u.class, said)
	default:
		s.turn.Intent, s.turn.Score = "", 0
		return false
	}
	return true
}

// follow serves an intent. Inside its own flow it is no news: the question stands.
func (s *Session) follow(intent, said string) bool {
	in := s.bot.file.Intents[intent]
	running := len(s.stack) > 0
	if running && in.Flow != "" && in.Flow == s.flow {
		if !s.fillFrom(s.flow, said) {
			return false
		}
		s.turn.Outcome = "slot"
		s.enter(s.flow)
		s.run()
		return true
	}
	s.turn.Outcome = "intent"
	s.visit(intent)
	if in.Flow != "" || !running {
		s.serve(intent, said)
		return true
	}
	s.fruitless++
	s.answer(in) // a question in between; then on with the flow
	s.ask()
	return true
}

// serve answers an intent or starts its flow.
func (s *Session) serve(intent, said string) {
	in := s.bot.file.Intents[intent]
	s.visit(intent)
	s.unmatched, s.fruitless = 0, 0
	if in.Flow != "" {
		s.intent = intent
		s.startFlow(in.Flow, said)
		return
	}
	if !in.quiet() {
		s.intent = intent
	}
	s.answer(in)
	if in.quiet() {
		s.wait(&openQuestion{})
		return
	}
	s.more()
}

func (s *Session) answer(in *intent) {
	if !in.quiet() {
		s.note("answered " + in.Label)
	}
	s.say(in.Answer)
}

// sensitiveWords hands over when a word of a sensitive subject was said.
func (s *Session) sensitiveWords(said string) bool {
	words := plain(said)
	for _, name := range sortedKeys(s.bot.file.HandOver.Sensitive) {
		for _, phrase := range s.bot.file.HandOver.Sensitive[name].Words {
			if hasPhrase(words, plain(phrase)) {
				s.sensitive(name, said)
				return true
			}
		}
	}
	return false
}

func (s *Session) sensitive(name, said string) {
	rule := s.bot.file.HandOver.Sensitive[name]
	s.handOver(ReasonSensitive, &rule.handOverRule, fmt.Sprintf("%s: said %q", rule.Label, said))
}
