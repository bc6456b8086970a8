package dialog

import "fmt"

// Words by which callers show anger: strong ones say enough, two mild ones do together.
var (
	strongAnger = []string{"disgrace", "disgraceful", "disgusting", "disgusted", "ridiculous", "unacceptable", "appalling", "pathetic",
		"furious", "livid", "fed up", "sick of", "sick and tired", "fuming", "outrageous", "outrage", "incompetent", "scandalous", "absolute joke",
		"complete joke", "it is a joke", "you are useless", "absolutely useless", "bloody useless", "had enough", "what the hell", "bloody hell",
		"shambles", "a farce", "for god's sake", "for heaven's sake", "for christ's sake", "liars", "thieves", "idiots", "stupid company",
		"stupid robot", "stupid machine", "fuck", "fucking", "bullshit", "shit", "piss", "pissed off", "bastards", "crap", "sod off",
		"worst service", "worst company", "never use you again", "beyond a joke", "taking the mickey", "taking the piss", "how dare you"}
	mildAnger = []string{"third time", "fourth time", "fifth time", "again and again", "how many times", "for weeks", "for ages", "angry", "annoyed",
		"annoying", "not happy", "unhappy", "upset", "terrible", "awful", "dreadful", "useless", "rubbish", "bloody", "damn", "nonsense",
		"waste of time", "wasting my time", "waste of my time", "not good enough", "no one cares", "nobody cares", "every time", "stupid", "keep telling you",
		"already told you", "told you", "still waiting", "all day", "frustrated", "frustrating", "poor service", "bad service", "a joke", "no excuse"}
)

// angerInWords scores what was said from 0 to 1 and names the words that count.
func angerInWords(utterance string, own []string) (score float64, evidence string) {
	said, calm := plain(utterance), 1.0
	weigh := func(phrases []string, weight float64) {
		for _, phrase := range phrases {
			if hasPhrase(said, plain(phrase)) {
				calm *= 1 - weight
				said = without(said, plain(phrase))
				evidence = orDefault(evidence, phrase)
			}
		}
	}
	weigh(own, 0.8)
	weigh(strongAnger, 0.8)
	weigh(mildAnger, 0.46)
	return 1 - calm, evidence
}

// angry hands over when the voice and the words together pass the bot's threshold: either may be enough alone.
func (s *Session) angry(event Heard) bool {
	rule := &s.bot.file.HandOver.Anger
	words, _ := angerInWords(event.Text, rule.Words)
	voice := min(max(event.Anger, 0), 1)
	anger := max(1-(1-voice)*(1-words), voice)
	if s.mood = max(s.mood, anger); anger < rule.Threshold {
		return false
	}
	detail := fmt.Sprintf("said %q", event.Text)
	if words < rule.Threshold {
		detail += " with an angry voice"
	}
	s.handOver(ReasonAnger, &rule.handOverRule, detail)
	return true
}
