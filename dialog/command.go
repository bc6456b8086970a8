package dialog

import (
	"regexp"
	"strings"
)

// command is what a caller may say at any moment, whatever the bot is about.
type command string

const (
	cmdPerson    command = "person"
	cmdRepeat    command = "repeat"
	cmdHelp      command = "help"
	cmdBack      command = "back"
	cmdStartOver command = "start over"
	cmdCancel    command = "cancel"
	cmdGoodbye   command = "goodbye"
	cmdWait      command = "wait"
	cmdThanks    command = "thanks"
	cmdHello     command = "hello"
	cmdUnknown   command = "does not know"
)

// polite words between commands change nothing.
var polite = head(`um|uh|er|erm|oh|ok|okay|well|so|right|please|sorry|yes|yeah|no|know|nope|hi|hello|hey|and|but|actually|excuse me|i said|can you|` +
	`could you|would you|will you|can i|could i|may i|can we|could we|shall we|i want to|i would like to|i think|let us|just|ah|look|listen|now|` +
	`all right|alright|please do|then|mate|love|sir|madam|for me|to me|at all|i am afraid|great|brilliant|lovely|perfect|good|fine`)

// commands in the order of their weight: of several in one utterance ("thanks, that is all") the first counts.
var commands = []struct {
	is   command
	said *regexp.Regexp
}{
	{cmdPerson, head(`(?:a |an |the |real |human |live )*(?:person|human|human being|operator|agent|representative|rep|advis[eo]r|somebody|someone|` +
		`customer (?:service|services|care|support)|reception|receptionist|supervisor|manager|service desk|help ?desk|people|zero)`)},
	{cmdStartOver, head(`(?:start (?:again|over|from (?:the )?(?:beginning|start|scratch|new))|begin again|restart|from the (?:top|beginning|start)|` +
		`(?:go )?(?:back )?to the (?:beginning|start|main menu|menu|top)|main menu|(?:let us |we )?start (?:all )?over again|go back to the (?:start|beginning|main menu))`)},
	{cmdCancel, head(`(?:cancel|cancel (?:that|it|this)|stop|stop (?:that|it|this)|forget (?:it|that|about it)|never mind|nevermind|leave it|` +
		`(?:i )?(?:have )?changed my mind|do not bother|abort|scrap that|drop it|(?:i )?(?:do not|will not) want (?:that|to do that|it|this)(?: any ?more)?|` +
		`do something else|something else|forget about that)`)},
	{cmdGoodbye, head(`(?:good ?bye?|bye|(?:bye?|buy) (?:bye?|buy)|bye for now|cheerio|ta ta|see you|(?:i )?(?:have )?(?:got )?nothing(?: else)?|` +
		`that is (?:all|it|everything|fine|great|lovely|perfect|me done)(?: (?:for (?:now|today|me)|i need(?:ed)?|i wanted|thanks|bye|goodbye))*|that will be all|that would be all|` +
		`that will do|(?:i am|we are) (?:done|finished|good|all set|fine|sorted)|all (?:done|good|set)|hang up|end (?:the )?call|` +
		`(?:no |nope |nah )?(?:that is|it is|i am) (?:all|it|fine|good|ok|okay|everything)|not (?:today|now|at the moment)|nothing (?:more|further|today)|` +
		`thanks? (?:you )?(?:very much |so much |a lot )?(?:good ?)?bye?(?: bye)?|have a (?:good|nice|lovely) (?:day|evening|one|weekend|afternoon)|cheers bye|` +
		`i do not need anything(?: else)?|i have (?:got )?(?:all|everything) i (?:need|wanted)|thats all|nothing else thank you(?: goodbye)?|that was all)`)},
	{cmdBack, head(`(?:go back|back|previous|go back (?:a|one) step|(?:one )?step back|back up|the (?:one|question) before|take me back|undo|` +
		`(?:i )?(?:made|have made) a mistake|that was wrong|change (?:that|it)|go back to the previous (?:one|question|step))`)},
	{cmdWait, head(`(?:hold on|hang on|wait|one (?:moment|second|minute|sec|mo)|just a (?:moment|second|minute|sec|mo|tick)|a (?:moment|second|minute|sec)|` +
		`(?:hold|hang|wait|bear with me|hold the line|give me|need|i need)(?: on)? (?:a|one|just a)?\s?(?:moment|second|minute|sec|tick|bit)|` +
		`bear with me|let me (?:look|check|see|think|find it|get it|look for it|find (?:the|my) \w+|get (?:the|my) \w+|look it up|have a look)|` +
		`i (?:will|have to|need to) (?:look|check|go and get it|find it|get it)|hold the line|two seconds|two minutes|wait a (?:minute|moment|second|sec)|` +
		`(?:hold|hang) on (?:a|one) (?:moment|second|minute|sec|tick))`)},
	{cmdUnknown, head(`(?:i )?(?:do not|can not|could not|have not|did not|am not|not|no)(?: \w+){0,3} (?:know|have (?:it|one|that|the number|a number|that number|any)|remember|` +
		`sure|idea|find it|got (?:it|one|that|a number|the number|any)|(?:it|one|that|the number) (?:with|on|to) (?:me|hand))(?: .{0,30})?|(?:i )?(?:have )?lost (?:it|the (?:card|number))|` +
		`no idea|no clue|not sure|(?:i )?(?:have )?forgot(?:ten)?(?: it)?|what number|which number|where (?:is|do i find|can i find) (?:that|it|the number)`)},
	{cmdHelp, head(`(?:help|help me|what can (?:you|i) (?:do|say|ask|help with|help me with)|what (?:are|is) (?:my|the) (?:options?|choices)|options|menu|` +
		`what (?:do|can|should) i (?:say|do|ask)|how does this work|what (?:else )?can you (?:do|help)(?: me)?(?: with)?|what are you able to do|` +
		`i need (?:some )?help|what (?:things|sort of things|kind of things) can (?:you|i) (?:do|ask)|who are you|are you a (?:robot|bot|machine|computer|real person)|` +
		`what do you do|am i talking to a (?:robot|bot|machine|computer|real person|person)|what services do you (?:offer|have))`)},
	{cmdRepeat, head(`(?:repeat|repeat (?:that|it|this|the question|yourself|your question|what you said|the last (?:bit|part|thing))|` +
		`say (?:that|it|this) again|(?:say that )?(?:again|once more|one more time)|pardon|pardon me|come again|` +
		`what(?: was that| did you say| is that|)|(?:i )?(?:did not|could not|can not|do not) (?:catch|hear|get|understand) (?:that|it|you|what you said)|` +
		`(?:beg )?your pardon|i beg your pardon|(?:go )?over that again|run that by me again|(?:say )?what(?: again)?|huh|eh|` +
		`(?:speak|talk) (?:slower|more slowly|up)|slower|slow down|excuse me|sorry|read (?:that|it) again|tell me again|what is the question)`)},
	{cmdThanks, head(`(?:thanks?(?: you)?(?: (?:very|so) much| a lot| ever so much| for (?:that|your help|the help|helping|letting me know))?|cheers|ta|much appreciated|` +
		`(?:that is |that was )?(?:very )?(?:helpful|kind of you|great|brilliant|lovely|perfect|wonderful|excellent)(?: thanks?(?: you)?)?|you have been (?:very |really )?helpful)`)},
	{cmdHello, head(`(?:hello|hi|hey|hiya|good (?:morning|afternoon|evening|day)|hello there|hi there|hello hello|are you (?:there|still there)|anybody there|` +
		`is (?:anybody|anyone|someone) there|hello is (?:anybody|anyone) there|can you hear me|how are you(?: doing)?(?: today)?)`)},
}

// head matches the longest of the patterns at the beginning of what was said, up to the end of a word.
func head(pattern string) *regexp.Regexp {
	compiled := regexp.MustCompile(`^(?:` + pattern + `)(?: |$)`)
	compiled.Longest()
	return compiled
}

// wantsPerson finds the wish for a human anywhere in what was said.
var wantsPerson = regexp.MustCompile(`\b(?:` +
	`(?:speak|talk|speaking|talking|chat|put (?:me|us)|get (?:me|us)|transfer (?:me|us)|connect (?:me|us)|pass (?:me|us)|transferred|connected|passed|patch (?:me|us)|hand me)` +
	`(?: \w+){0,4} (?:person|human|human being|someone|somebody|agent|operator|representative|rep|advis[eo]r|assistant|colleague|people|manager|supervisor|staff|consultant|` +
	`customer (?:service|services|care)|real one|member of staff|boss|team|lady|man|woman|guy|individual)` +
	`|(?:a|an|the|any|real|actual|live|proper|another) (?:real |actual |live |proper |human )?(?:person|human|human being|operator|agent|representative|rep|advis[eo]r)(?: please| now|$)` +
	`|(?:real|actual|live|human) (?:person|human|agent|operator|being|people)` +
	`|(?:want|need|give me|get me|prefer) (?:a |an |the |some )?(?:real |actual |live )?(?:person|human|operator|agent|representative|advis[eo]r|somebody|someone)(?: please| now| instead|$)` +
	`|(?:not|do not want|no more|hate|stop|sick of)(?: \w+){0,5} (?:a |this |the |these )?(?:robot|robots|machine|machines|computer|bot)` +
	`|is there (?:anyone|anybody|someone|a person|a human)(?: \w+){0,3} (?:i can|to) (?:speak|talk)` +
	`|can (?:someone|somebody|a person|a human)(?: \w+){0,2} (?:help|call|ring|phone|speak|talk)` +
	`|(?:someone|somebody) (?:real|human|alive)` +
	`|put (?:me|us) through(?: please|$)|a word with (?:one of|some|your|the)` +
	`)`)

// robotQuestion asks what it is talking to; that is no wish for a person yet.
var robotQuestion = regexp.MustCompile(`^(?:are you|am i|is this|is that) `)

// heardCommand finds a command in an utterance, "" for none. But for the wish for a person, which may stand anywhere, nothing
// else must have been said, politeness aside: "never mind, forget it, thanks" is a command, "thanks for the parcel" is not.
func heardCommand(utterance string) command {
	said := plain(utterance)
	if wantsPerson.MatchString(said) && !robotQuestion.MatchString(said) {
		return cmdPerson
	}
	heaviest := len(commands)
	refused := false
	for rest := said; rest != ""; {
		best, length := len(commands), 0
		for i, c := range commands {
			if match := c.said.FindString(rest); len(match) > length {
				best, length = i, len(match)
			}
		}
		if p := polite.FindString(rest); len(p) > length {
			length, best = len(p), len(commands)
			refused = refused || strings.HasPrefix(p, "no")
		}
		if length == 0 {
			return ""
		}
		heaviest = min(heaviest, best)
		rest = rest[length:]
	}
	if heaviest == len(commands) {
		return ""
	}
	if is := commands[heaviest].is; !refused || is != cmdThanks && is != cmdHello {
		return is
	}
	return "" // "no thanks" is an answer
}
