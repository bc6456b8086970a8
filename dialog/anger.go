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

// angerInWords scores what was said from 0 to 1 and names the words that count: the bot's own ones apart from those that every
// caller is angry with.
func angerInWords(utterance string, own []string) (score, ownScore float64, evidence []string) {
	said, calm, ownCalm := plain(utterance), 1.0, 1.0
	weigh := func(phrases []string, weight float64, calm *float64) {
		for _, phrase := range phrases {
			if hasPhrase(said, plain(phrase)) {
				*calm *= 1 - weight
				said = without(said, plain(phrase))
				evidence = append(evidence, fmt.Sprintf("%q", phrase))
			}
		}
	}
	weigh(own, 0.8, &ownCalm)
	weigh(strongAnger, 0.8, &calm)
	weigh(mildAnger, 0.46, &calm)
	return 1 - calm, 1 - ownCalm, evidence
}
