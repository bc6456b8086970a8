package dialog

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hearing is what an utterance or keys said about a slot.
type hearing struct {
	value   string // "" when there is none
	heard   string // what was there instead
	problem string // the prompt that says what is wrong with it
}

// hear looks for a slot's value in an utterance.
func (b *Bot) hear(name, utterance string, now time.Time) hearing {
	slot := b.file.Slots[name]
	switch slot.Type {
	case "digits":
		digits, heard := heardDigits(utterance, func(d string) bool { return b.digitsFit(name, d) })
		if digits == "" && len(heard) > 1 { // "the brown one" is no number
			return b.wrongDigits(name, heard)
		}
		return hearing{value: digits}
	case "day":
		if day, ok := heardDay(utterance, now); ok {
			return slot.judgeDay(day, now)
		}
	case "yes-no":
		switch a, _ := heardYesNo(utterance); a {
		case yes:
			return hearing{value: "yes"}
		case no:
			return hearing{value: "no"}
		}
	case "choice":
		return hearing{value: heardChoice(utterance, slot.choices())}
	case "text":
		return hearing{value: strings.TrimSpace(utterance)}
	}
	return hearing{}
}

func (b *Bot) digitsFit(name, digits string) bool {
	slot, pattern := b.file.Slots[name], b.patterns[name]
	return len(digits) >= slot.Min && len(digits) <= slot.Max && (pattern == nil || pattern.MatchString(digits))
}

// leadingZero says whether a slot's value may begin with 0.
func (b *Bot) leadingZero(name string) bool {
	slot, pattern := b.file.Slots[name], b.patterns[name]
	return slot.Type == "digits" && (pattern == nil || mayBeginWith(pattern, '0'))
}

// mayBeginWith says whether something that begins with r matches.
func mayBeginWith(pattern *regexp.Regexp, r rune) bool {
	parsed, err := syntax.Parse(pattern.String(), syntax.Perl)
	if err != nil {
		return true
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return true
	}
	seen := map[uint32]bool{}
	var leads func(pc uint32) bool
	leads = func(pc uint32) bool {
		if seen[pc] {
			return false
		}
		seen[pc] = true
		switch in := &prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			return leads(in.Out) || leads(in.Arg)
		case syntax.InstCapture, syntax.InstEmptyWidth, syntax.InstNop:
			return leads(in.Out)
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			return in.MatchRune(r)
		}
		return false
	}
	return leads(uint32(prog.Start))
}

func (b *Bot) wrongDigits(name, heard string) hearing {
	slot := b.file.Slots[name]
	if len(heard) < slot.Min || len(heard) > slot.Max {
		return hearing{heard: heard, problem: "wrong_length"}
	}
	return hearing{heard: heard, problem: "wrong_digits"}
}

// judgeDay accepts a day that the slot allows.
func (s *slot) judgeDay(day, now time.Time) hearing {
	written := day.Format(time.DateOnly)
	if !s.dayFits(day, now) {
		return hearing{heard: written, problem: "wrong_day"}
	}
	return hearing{value: written}
}

func (s *slot) dayFits(day, now time.Time) bool {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	for _, except := range s.Except {
		if weekdays[strings.ToLower(except)] == day.Weekday() {
			return false
		}
	}
	return !day.Before(today.AddDate(0, 0, s.Earliest)) && (s.Latest == 0 || !day.After(today.AddDate(0, 0, s.Latest)))
}

// nextDays are the first days that the slot allows: what its keys stand for.
func (s *slot) nextDays(now time.Time) []time.Time {
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC).AddDate(0, 0, s.Earliest)
	var days []time.Time
	for range 14 {
		if s.dayFits(day, now) && len(days) < 4 {
			days = append(days, day)
		}
		day = day.AddDate(0, 0, 1)
	}
	return days
}

func (s *slot) choices() map[string][]string {
	words := map[string][]string{}
	for choice, others := range s.Choices {
		words[choice] = append([]string{choice}, others...)
	}
	return words
}

// heardChoice finds which choice an utterance names: the one whose longest phrase stands in it, unless two are equal.
func heardChoice(utterance string, choices map[string][]string) string {
	said, best, longest := plain(utterance), "", 0
	for _, choice := range sortedKeys(choices) {
		for _, phrase := range choices[choice] {
			phrase = plain(phrase)
			switch {
			case !hasPhrase(said, phrase) || len(phrase) < longest:
			case len(phrase) == longest && best != choice:
				best = ""
			default:
				best, longest = choice, len(phrase)
			}
		}
	}
	return best
}

// slotQuestion asks for a slot's value.
type slotQuestion struct{ slot, at string }

func (q *slotQuestion) where() string { return q.at }

func (q *slotQuestion) of(s *Session) *slot { return s.bot.file.Slots[q.slot] }

func (q *slotQuestion) expect(s *Session) Expect {
	switch q.of(s).Type {
	case "digits":
		return ExpectDigits
	case "day":
		return ExpectDate
	case "yes-no":
		return ExpectYesNo
	}
	return ExpectAny
}

func (q *slotQuestion) ask(s *Session) {
	slot := q.of(s)
	if s.partial != "" {
		s.prompt("go_on")
		return
	}
	if s.misses+s.silences > 0 && len(slot.Help) > 0 {
		s.sayWith(slot.Help, map[string]string{"label": slot.Label})
		return
	}
	s.sayWith(slot.Ask, map[string]string{"label": slot.Label})
}

func (q *slotQuestion) offerKeys(s *Session) {
	slot := q.of(s)
	if len(slot.Keys) > 0 {
		s.sayWith(slot.Keys, map[string]string{"label": slot.Label})
		return
	}
	switch slot.Type {
	case "digits":
		key := "digits_keys"
		if slot.Min != slot.Max {
			key = "digits_end"
		}
		s.prompt(key, "label", slot.Label)
	case "day":
		for i, day := range slot.nextDays(s.now) {
			s.prompt("day_keys", "day", day.Format(time.DateOnly), "key", strconv.Itoa(i+1))
		}
	case "choice":
		for i, choice := range sortedKeys(slot.Choices) {
			s.prompt("choice_keys", "choice", choice, "key", strconv.Itoa(i+1))
		}
	case "yes-no":
		s.prompt("yes_no_keys")
	default:
		q.ask(s)
	}
}

func (q *slotQuestion) heard(s *Session, said string) bool {
	slot := q.of(s)
	if slot.Type == "digits" && q.heardPart(s, said) {
		return true
	}
	got := s.bot.hear(q.slot, said, s.now)
	switch {
	case got.value != "":
		q.take(s, got.value)
	case got.problem != "" && !s.bot.understand(said).sure:
		q.wrong(s, said, got)
	default:
		return false
	}
	return true
}

// heardPart puts a number together that is said in pieces: "four five", "one two".
func (q *slotQuestion) heardPart(s *Session, said string) bool {
	slot := q.of(s)
	words := tokens(said)
	runs := digitRuns(words)
	if len(runs) != 1 || s.bot.hear(q.slot, said, s.now).value != "" {
		return false
	}
	nothingElse := !slices.ContainsFunc(words, func(w string) bool { return !digitish(w) && !filler[w] && w != "number" })
	for _, all := range readings(runs[0].words, false) {
		all = s.partial + all
		if s.bot.digitsFit(q.slot, all) {
			q.take(s, all)
			return true
		}
		if len(all) >= 2 && len(all) < slot.Min && nothingElse && s.misses < 2 {
			s.partial = all
			s.turn.Outcome = "slot"
			s.fruitless++
			s.misses++
			s.prompt("go_on")
			s.listen(0)
			return true
		}
	}
	s.partial = ""
	return false
}

func (q *slotQuestion) take(s *Session, value string) {
	s.turn.Outcome = "slot"
	s.values[q.slot] = value
	delete(s.proven, q.slot)
	if q.of(s).Confirm {
		s.put(&readBack{slot: q.slot, at: q.at, value: value})
		return
	}
	s.run()
}

func (q *slotQuestion) wrong(s *Session, said string, got hearing) {
	s.turn.Outcome = "unmatched"
	s.fruitless++
	s.keys, s.partial = "", ""
	slot := q.of(s)
	s.failedAnswer(said, got.problem, "heard", got.heard, "label", slot.Label, "length", strconv.Itoa(slot.Min))
}

// keyed takes a key of a number, or the key that an offer gave.
func (q *slotQuestion) keyed(s *Session, key rune) {
	slot := q.of(s)
	switch slot.Type {
	case "digits":
		if key != '#' {
			s.keys += string(key)
		}
		if key == '#' || len(s.keys) == slot.Max {
			keys := s.keys
			s.keys = ""
			q.ended(s, keys)
			return
		}
		s.listen(s.bot.file.Timeouts.Keys)
	case "day":
		if days := slot.nextDays(s.now); key >= '1' && int(key-'1') < len(days) {
			q.take(s, days[key-'1'].Format(time.DateOnly))
			return
		}
		s.uselessKey()
	case "choice":
		if choices := sortedKeys(slot.Choices); key >= '1' && int(key-'1') < len(choices) {
			q.take(s, choices[key-'1'])
			return
		}
		s.uselessKey()
	case "yes-no":
		if a := yesNoKey(key); a != unclear {
			q.take(s, map[answer]string{yes: "yes", no: "no"}[a])
			return
		}
		s.uselessKey()
	default:
		s.uselessKey()
	}
}

// ended judges the digits that were keyed.
func (q *slotQuestion) ended(s *Session, keys string) {
	if keys == "0" && !s.bot.digitsFit(q.slot, keys) {
		s.pressedZero()
		return
	}
	s.turn.Said = "keys " + keys
	if s.bot.digitsFit(q.slot, keys) {
		q.take(s, keys)
		return
	}
	q.wrong(s, "keys "+keys, s.bot.wrongDigits(q.slot, keys))
}

func (q *slotQuestion) failed(s *Session, said string) {
	prompt := map[string]string{"choice": "no_choice", "yes-no": "no_yes_no"}[q.of(s).Type]
	s.failedAnswer(said, orDefault(prompt, "no_answer"), "label", q.of(s).Label)
}
