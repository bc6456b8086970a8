package transfer

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// briefBudget is how many characters of a brief come before the keys. The default voice speaks 15 to 17 a second, pauses
// included, so that this is at most six seconds. The card on the screen says all; the brief says what decides.
const (
	briefBudget  = 90
	sentenceCost = 2 // its full stop and space
)

// briefKeys ends every brief: see [KeyAccept] and [KeyDecline].
const briefKeys = "Press one to take the call, two to decline."

// A fact is one sentence of a brief. Of what does not fit the budget, the highest rank is said shorter or left out first.
type fact struct {
	text  string
	short string // said instead; "" the fact is left out
	rank  int
}

// Brief is what is spoken to the seat alone, at most six seconds before the keys: the mood, who, what for, the values
// collected, what was tried. Digits are words, so that any voice says them one by one.
func Brief(h Handover) string {
	facts := []fact{who(h), {text: want(h)}}
	for i, label := range labels(h.Values) {
		text := strings.TrimSuffix(speakable(label), " number") + " " + spokenValue(h.Values[label]) // digits say that it is one
		facts = append(facts, fact{text: text, rank: 2 + 3*min(i, 1)})
	}
	facts = append(facts, fact{text: tried(h), rank: 4})
	facts = slices.DeleteFunc(facts, func(f fact) bool { return strings.TrimSpace(f.text) == "" })
	facts = slices.CompactFunc(facts, func(a, b fact) bool { return a.text == b.text }) // our failing system may be all there is to say
	for len(facts) > 1 && cost(facts) > briefBudget {
		facts = cutLeast(facts)
	}
	var b strings.Builder
	for _, f := range facts {
		b.WriteString(sentence(shorten(f.text)) + " ")
	}
	return b.String() + briefKeys
}

// cutLeast shortens or leaves out what matters least.
func cutLeast(facts []fact) []fact {
	least := 0
	for i, f := range facts {
		if f.rank > facts[least].rank {
			least = i
		}
	}
	if f := facts[least]; f.short != "" {
		facts[least] = fact{text: f.short, rank: 1}
		return facts
	}
	return slices.Delete(facts, least, least+1)
}

func cost(facts []fact) (n int) {
	for _, f := range facts {
		n += len(f.text) + sentenceCost
	}
	return n
}

// who is the caller, by name or by the end of the number; a mood is said with it, and matters more.
func who(h Handover) fact {
	digits := strings.Join(strings.FieldsFunc(h.Caller, notDigit), "")
	f := fact{text: "number withheld", rank: 3}
	named := strings.ContainsFunc(h.Name, unicode.IsLetter)
	switch {
	case named:
		f.text = speakable(h.Name)
	case len(digits) >= 3:
		f.text = "caller " + digitByDigit(digits)
	}
	if h.Mood == "" || h.Mood == "calm" {
		return f
	}
	f.short = speakable(h.Mood) + " caller"
	f.text = f.short + " " + strings.TrimPrefix(f.text, "caller ")
	return f
}

// labels of the values, numbers first: by them the seat finds everything else.
func labels(values map[string]string) []string {
	isText := func(label string) bool { return strings.Trim(values[label], "0123456789") != "" }
	all := slices.Sorted(maps.Keys(values))
	return slices.Concat(slices.DeleteFunc(slices.Clone(all), isText),
		slices.DeleteFunc(all, func(label string) bool { return !isText(label) }))
}

// tried is what was tried last, without the values that the brief says anyway.
func tried(h Handover) string {
	if h.Reason == "backend" {
		return wants[h.Reason]
	}
	if len(h.Tried) == 0 {
		return ""
	}
	text := speakable(h.Tried[len(h.Tried)-1])
	for v := range maps.Values(h.Values) {
		if len(v) > 2 {
			text = strings.ReplaceAll(text, spokenValue(v), "")
		}
	}
	return speakable(text)
}

// wants says for each reason of a hand-over what the caller wants, where no intent says it.
var wants = map[string]string{
	"anger":     "a complaint",
	"unmatched": "we did not understand the request",
	"asked":     "asks for a person",
	"key":       "asks for a person",
	"sensitive": "a sensitive matter",
	"backend":   "our system failed", // also said where an intent is known
}

func want(h Handover) string {
	if h.Reason == "sensitive" {
		subject, _, _ := strings.Cut(h.Detail, ":") // "a bereavement: said ..."
		return speakable(cmp.Or(subject, wants[h.Reason]))
	}
	return speakable(cmp.Or(h.Intent, wants[h.Reason], h.Detail))
}

// sentence ends text with a full stop and begins it with a capital.
func sentence(text string) string {
	r := []rune(strings.TrimRight(text, " .!?,;:"))
	if len(r) == 0 {
		return ""
	}
	r[0] = unicode.ToUpper(r[0])
	return string(r) + "."
}

// shorten cuts at a word what alone would be longer than a whole brief.
func shorten(text string) string {
	if len(text) <= briefBudget {
		return text
	}
	cut := strings.LastIndexByte(text[:briefBudget], ' ')
	if cut < 0 {
		return strings.ToValidUTF8(text[:briefBudget], "")
	}
	return text[:cut]
}

// Summary is the card on the seat's screen: one fact a line, the last thing the caller said at the end.
func Summary(h Handover) (lines []string) {
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, label+": "+text)
		}
	}
	number := cmp.Or(h.Caller, "number withheld")
	if h.Name != "" && h.Name != h.Caller {
		number = h.Name + ", " + number
	}
	add("caller", number)
	add("wants", h.Intent)
	for _, label := range labels(h.Values) {
		add(label, h.Values[label])
	}
	add("tried", strings.Join(h.Tried, "; "))
	add("mood", h.Mood)
	why := h.Reason
	if h.Detail != "" {
		why += ", " + h.Detail
	}
	add("handed over because", strings.TrimPrefix(why, ", "))
	for _, l := range slices.Backward(h.Transcript) {
		if l.Who == "caller" {
			add("last said", l.Text)
			break
		}
	}
	return lines
}
